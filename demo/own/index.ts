/** The curve that users draw. */

export { drawPad } from './drawPad.ts';
export { ownFault } from './series.ts';
