/** What readers bring themselves: a curve they draw, a column of a table. */

export { csvInput } from './csvInput.ts';
export { drawPad } from './drawPad.ts';
export { pack, unpack } from './pack.ts';
export { seriesOf } from './series.ts';
export { csv, drawn } from './tasks.ts';
