/** What readers bring themselves: a curve they draw, a column of a table. */

export { csvInput } from './csvInput.ts';
export { drawPad } from './drawPad.ts';
export { ownFault } from './series.ts';
