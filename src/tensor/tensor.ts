/** The class `Tensor` with its chained methods, which `chained.ts` adds. */

export type { TensorMethods } from './methods.ts';

export { Tensor } from './tensorClass.ts';
