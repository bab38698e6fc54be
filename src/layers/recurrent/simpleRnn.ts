/** The simpleRNN layer and its cell: options and plan. The equation is in assembly/recurrent/simpleRnn.ts. */

import { type KernelCall, type Planner, padded, wholeLines } from '../../plan/planner.ts';
import { rejectExtraArguments } from '../../util/arguments.ts';
import type { Config } from '../../util/config.ts';
import { checkOptions } from '../../util/options.ts';
import type { Kernels } from '../../wasm/kernels.ts';
import { checkLayerOptions } from '../layerOptions.ts';
import { Cell, type CellInputs, type CellOptions, type CellOutput, cellOptions } from './cell.ts';
import { type CellBuffer, hiddenStateBuffer } from './cellBuffers.ts';
import { Recurrent, type RecurrentOptions, recurrentOptions } from './recurrent.ts';

/** Options of `layers.simpleRNN`. */
export interface SimpleRnnOptions extends CellOptions, RecurrentOptions {}

/** The input is multiplied by the kernel before the loop over time if it has more features than this, as for lstm. */
const WIDE = 8;

export class SimpleRnnCell extends Cell {
  readonly className = 'SimpleRNNCell';
  protected override readonly gates = 1;

  override remake(config: Config): Cell {
    return simpleRNNCell(config as never);
  }

  override get buffers(): Readonly<Record<string, CellBuffer>> {
    return { h: hiddenStateBuffer('hx') };
  }

  override parameterCount(inputs: number): number {
    const H = padded(this.units);
    return wholeLines(H * (1 + H + inputs));
  }

  override packWeights(kernels: Kernels, packed: number, matrices: readonly number[], inputs: number): void {
    kernels.packSimpleRnnWeights(packed, matrices[0]!, matrices[1]!, matrices[2] ?? 0, inputs, this.units);
  }

  override unpackWeights(kernels: Kernels, packed: number, matrices: readonly number[], inputs: number): void {
    kernels.unpackSimpleRnnWeights(packed, matrices[0]!, matrices[1]!, matrices[2] ?? 0, inputs, this.units);
  }

  override plan(planner: Planner, inputs: CellInputs): CellOutput {
    const { name, x, dx, mask } = inputs;
    const I = x.width;
    const H = padded(this.units);
    const wide = I > WIDE;
    const hx = planner.rows(`${name}/hx`, x.steps + 1, wide ? H : H + I);
    const { fields, output, dh, after } = this.planCommon(planner, inputs, hx);
    // The gradients of z can replace those of the output, which tanh allows if every step has one and none is masked
    const inPlace = fields.sequences && !mask && this.activation === 'tanh';
    const dz = inPlace ? dh : planner.gradientRows(`${name}/dz`, x.steps, this.units);
    const call: KernelCall = {
      kind: 'simpleRnn',
      fields: {
        ...fields,
        hx: hx.start,
        hxRow: hx.row,
        wt: planner.needsGradients ? planner.floats(`${name}/wt`, H * (H + (dx ? padded(I) : 0))) : 0,
        dz: dz?.start ?? 0,
        dzRow: dz?.row ?? 0,
        wide: Number(wide),
      },
    };
    planner.calls.push(call, ...after);
    return output;
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

/** Creates a cell for `layers.rnn`. */
export function simpleRNNCell(options: CellOptions): SimpleRnnCell {
  rejectExtraArguments('layers.simpleRNNCell', 1, arguments);
  const call = 'layers.simpleRNNCell';
  return new SimpleRnnCell(call, checkOptions<CellOptions>(call, options, cellOptions));
}
