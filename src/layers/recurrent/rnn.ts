/** Any cell, or several on top of each other, run through time as one layer. */

import { type Config, describe } from '../../util/config.ts';
import { isDescribed } from '../../util/described.ts';
import { fail, show } from '../../util/errors.ts';
import { checkOptions } from '../../util/options.ts';
import { checkLayerOptions } from '../layer.ts';
import { Cell } from './cell.ts';
import { Recurrent, type RecurrentOptions, recurrentOptions } from './recurrent.ts';

/** Options of `layers.rnn`. */
export interface RnnOptions extends RecurrentOptions {
  /** What runs: a cell, or several, each on the output of the one before. */
  cell: Cell | StackedRnnCells | readonly (Cell | StackedRnnCells)[];
}

/** Several cells that stand for one; make them with `layers.stackedRNNCells`. */
export class StackedRnnCells {
  readonly cells: readonly Cell[];

  constructor(options: { cells: readonly (Cell | StackedRnnCells)[] }) {
    const call = 'layers.stackedRNNCells';
    const { cells } = checkOptions<{ cells: unknown }>(call, options, ['cells']);
    if (!Array.isArray(cells)) fail(call, `cells must be a list of cells, got ${show(cells)}`);
    this.cells = checkCells(call, 'cells', cells);
  }
}

export class Rnn extends Recurrent {
  constructor(options: RnnOptions) {
    const call = 'layers.rnn';
    const known = checkLayerOptions<RnnOptions>(call, options, ['cell', ...recurrentOptions]);
    super('RNN', known, checkCells(call, 'cell', known.cell));
  }

  protected override cellSettings(): Config {
    const cells = this.cells.map(cell => describe(cell));
    if (cells.length === 1) return { cell: cells[0]! };
    return { cell: { className: 'StackedRNNCells', config: { cells } } };
  }

  protected override remake(options: RecurrentOptions): Rnn {
    return new Rnn(options as RnnOptions);
  }
}

/** One cell of each class that was used in a layer; it rebuilds other cells of its class from their `getConfig`. */
const patterns = new Map<string, Cell>();

/** Builds the cell that `{ className, config }` describes; null if no cell of its class was used in a layer. */
const remade = (value: unknown): Cell | null =>
  isDescribed(value) ? (patterns.get(value.className)?.remake(value.config) ?? null) : null;

/** The cells of a list of cells and stacks, or of a single one. */
function checkCells(call: string, name: string, value: unknown): readonly Cell[] {
  const list: unknown[] = Array.isArray(value) ? value : [value];
  const cells = list.flatMap(cell => {
    if (cell instanceof StackedRnnCells) return cell.cells;
    if (cell instanceof Cell) return [cell];
    // A stack from `getConfig`; stacks cannot be nested
    const { cells: listed } = isDescribed(cell) && cell.className === 'StackedRNNCells' ? cell.config : {};
    const made = (Array.isArray(listed) ? listed : [cell]).map(remade);
    if (made.length > 0 && made.every(each => each instanceof Cell)) return made;
    return fail(call, `${name} must be made of lstmCell, gruCell and simpleRNNCell, got ${show(value)}`);
  });
  if (cells.length === 0) fail(call, `${name} must hold at least one cell, got none`);
  for (const cell of cells) patterns.set(cell.className, cell);
  return cells;
}
