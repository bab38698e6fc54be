/** A recurrent layer with any cell, or a stack of cells. */

import { type Config, serialize } from '../../util/config.ts';
import { isSerialized } from '../../util/deserialize.ts';
import { fail, show } from '../../util/errors.ts';
import { checkOptions } from '../../util/options.ts';
import { checkLayerOptions } from '../layerOptions.ts';
import { Cell } from './cell.ts';
import { Recurrent, type RecurrentOptions, recurrentOptions } from './recurrent.ts';

/** Options of `layers.rnn`. */
export interface RNNOptions extends RecurrentOptions {
  /** The cell, or a list of cells; each takes the output of the previous one. */
  cell: Cell | StackedRNNCells | readonly (Cell | StackedRNNCells)[];
}

/** A stack of cells, each on the output of the previous one. Create one with `layers.stackedRNNCells`. */
export class StackedRNNCells {
  readonly cells: readonly Cell[];

  constructor(options: { cells: readonly (Cell | StackedRNNCells)[] }) {
    const call = 'layers.stackedRNNCells';
    const { cells } = checkOptions<{ cells: unknown }>(call, options, ['cells']);
    if (!Array.isArray(cells)) fail(call, `cells must be a list of cells, got ${show(cells)}`);
    this.cells = checkCells(call, 'cells', cells);
  }
}

export class RNN extends Recurrent {
  constructor(options: RNNOptions) {
    const call = 'layers.rnn';
    const known = checkLayerOptions<RNNOptions>(call, options, ['cell', ...recurrentOptions]);
    super('RNN', known, checkCells(call, 'cell', known.cell));
  }

  protected override cellSettings(): Config {
    const cells = this.cells.map(cell => serialize(cell));
    if (cells.length === 1) return { cell: cells[0]! };
    return { cell: { className: 'StackedRNNCells', config: { cells } } };
  }

  protected override remake(options: RecurrentOptions): RNN {
    return new RNN(options as RNNOptions);
  }
}

/** One cell of each class that was used in a layer, which can rebuild other cells of its class from their `getConfig`. */
const cellsByClass = new Map<string, Cell>();

/** Builds the cell that `{ className, config }` describes; null if no cell of its class was used in a layer. */
const deserializeCell = (value: unknown): Cell | null =>
  isSerialized(value) ? (cellsByClass.get(value.className)?.remake(value.config) ?? null) : null;

/** The cells of a list of cells and stacks, or of a single one. */
function checkCells(call: string, name: string, value: unknown): readonly Cell[] {
  const list: unknown[] = Array.isArray(value) ? value : [value];
  const cells = list.flatMap(cell => {
    if (cell instanceof StackedRNNCells) return cell.cells;
    if (cell instanceof Cell) return [cell];
    // A stack from `getConfig`; stacks are not nested there
    const { cells: listed } = isSerialized(cell) && cell.className === 'StackedRNNCells' ? cell.config : {};
    const made = (Array.isArray(listed) ? listed : [cell]).map(deserializeCell);
    if (made.length > 0 && made.every(each => each instanceof Cell)) return made;
    return fail(call, `${name} must be lstmCell, gruCell, simpleRNNCell or a list of these, got ${show(value)}`);
  });
  if (cells.length === 0) fail(call, `${name} must contain at least one cell, got none`);
  for (const cell of cells) cellsByClass.set(cell.className, cell);
  return cells;
}
