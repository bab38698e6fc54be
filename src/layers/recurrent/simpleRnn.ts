/** SimpleRNN, the layer and its cell: options, and what the kernels need. The equation is in assembly/recurrent/simpleRnn.ts. */

import { type Planner, padded, wholeLines } from '../../plan/plan.ts';
import { noMore } from '../../util/arguments.ts';
import type { Config } from '../../util/config.ts';
import { checkOptions } from '../../util/options.ts';
import type { Kernels } from '../../wasm/kernels.ts';
import { checkLayerOptions } from '../layer.ts';
import { Cell, type CellInputs, type CellOptions, type CellOutput, cellOptions, type StateSpec } from './cell.ts';
import { Recurrent, type RecurrentOptions, recurrentOptions } from './recurrent.ts';

/** Options of `layers.simpleRNN`. */
export interface SimpleRnnOptions extends CellOptions, RecurrentOptions {}

/** Inputs wider than this are multiplied before the sweep over time, as for lstm. */
const WIDE = 8;

export class SimpleRnnCell extends Cell {
  readonly className = 'SimpleRNNCell';
  protected override readonly blocks = 1;

  override remake(config: Config): Cell {
    return simpleRNNCell(config as never);
  }

  override get states(): readonly StateSpec[] {
    return [{ name: 'h', width: this.units }];
  }

  override parameterCount(inputs: number): number {
    const H = padded(this.units);
    return wholeLines(H * (1 + H + inputs));
  }

  override stateCount(batch: number): number {
    return batch * padded(this.units);
  }

  override moveWeights(
    kernels: Kernels,
    packed: number,
    [kernel, recurrent, bias]: readonly number[],
    inputs: number,
    inward: boolean,
  ): void {
    const move = inward ? kernels.packSimpleRnnWeights : kernels.unpackSimpleRnnWeights;
    move(packed, kernel!, recurrent!, bias ?? 0, inputs, this.units);
  }

  override moveStates(kernels: Kernels, home: number, batch: number, [h]: readonly number[], inward: boolean): void {
    const move = inward ? kernels.packState : kernels.unpackState;
    move(home, h!, batch, this.units);
  }

  override plan(planner: Planner, seat: CellInputs): CellOutput {
    const { name, x, dx, mask, sequences } = seat;
    const { training } = planner;
    const I = x.width;
    const H = padded(this.units);
    const wide = I > WIDE;
    const hx = planner.rows(`${name}/hx`, x.steps + 1, wide ? H : H + I);
    const { fields, outcome } = this.frame(planner, seat, hx);
    // Gradients of tanh can be made where those of its output stand, if there are as many and none skips a step.
    const inPlace = sequences && !mask && this.activation === 'tanh';
    const dz = inPlace ? outcome.dy : training ? planner.rows(`${name}/dz`, x.steps, this.units) : null;
    planner.calls.push({
      kind: 'simpleRnn',
      fields: {
        ...fields,
        hx: hx.place,
        hxRow: hx.row,
        wt: training ? planner.floats(`${name}/wt`, H * (H + (dx ? padded(I) : 0))) : 0,
        dz: dz?.place ?? 0,
        dzRow: dz?.row ?? 0,
        wide: Number(wide),
      },
    });
    return outcome;
  }
}

export class SimpleRnn extends Recurrent {
  constructor(options: SimpleRnnOptions) {
    const call = 'layers.simpleRNN';
    const known = checkLayerOptions<SimpleRnnOptions>(call, options, [...cellOptions, ...recurrentOptions]);
    super('SimpleRNN', known, [new SimpleRnnCell(call, known)]);
  }

  protected override remake(options: RecurrentOptions): SimpleRnn {
    return new SimpleRnn(options as SimpleRnnOptions);
  }
}

/** A cell for `layers.rnn`. */
export function simpleRNNCell(options: CellOptions): SimpleRnnCell {
  noMore('layers.simpleRNNCell', 1, arguments);
  const call = 'layers.simpleRNNCell';
  return new SimpleRnnCell(call, checkOptions<CellOptions>(call, options, cellOptions));
}
