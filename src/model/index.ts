/** The models, without anything that they load later: a file of its own in the package, so that bundlers can tell them apart. */

export { input, model, SymbolicTensor } from './functional.ts';
export { sequential } from './sequential.ts';
