/** The minGRU and minLSTM layers and their cells: options and plan. The equations are in assembly/recurrent/minRnn.ts. */

import { type Planner, padded, wholeLines } from '../../plan/planner.ts';
import type { Config } from '../../util/config.ts';
import { fail, show } from '../../util/errors.ts';
import { useKernels } from '../../wasm/engine.ts';
import type { Kernels } from '../../wasm/kernels.ts';
import { minRnn } from '../../wasm/modules/minRnn.generated.ts';
import { numberOf } from '../activations.ts';
import { checkLayerOptions } from '../layerOptions.ts';
import {
  Cell,
  type CellInputs,
  type CellOptions,
  type CellOutput,
  cellOptions,
  type RecurrentActivation,
  stateFields,
} from './cell.ts';
import { type CellBuffer, hiddenStateBuffer, rowGateBuffer } from './cellBuffers.ts';
import { Recurrent, type RecurrentOptions, recurrentOptions } from './recurrent.ts';

/**
 * Options of `layers.minGRU` and `layers.minLSTM`. There is no recurrent kernel. The columns of the weights are those of
 * the gates and the candidate: z and h for minGRU, f, i and h for minLSTM.
 */
export interface MinRNNOptions
  extends Omit<
      CellOptions,
      'recurrentInitializer' | 'recurrentRegularizer' | 'recurrentConstraint' | 'recurrentDropout'
    >,
    RecurrentOptions {
  /** Activation of the candidate. Default: 'linear'. */
  activation?: RecurrentActivation;
}

/** A cell of which the next state is a mean of the state and a candidate, weighted by gates that read the input only. */
export abstract class MinRNNCell extends Cell {
  /** @internal */
  abstract override readonly gates: number;

  constructor(call: string, known: Partial<CellOptions>) {
    super(call, known);
    useKernels(minRnn);
  }

  override get hasRecurrentKernel(): boolean {
    return false;
  }

  override parameterCount(inputs: number): number {
    return wholeLines(this.gates * padded(this.units) * (1 + inputs));
  }

  override packWeights(kernels: Kernels, packed: number, matrices: readonly number[], inputs: number): void {
    kernels.packMinRnnWeights(packed, matrices[0]!, matrices[1] ?? 0, inputs, this.units, this.gates);
  }

  override unpackWeights(kernels: Kernels, packed: number, matrices: readonly number[], inputs: number): void {
    kernels.unpackMinRnnWeights(packed, matrices[0]!, matrices[1] ?? 0, inputs, this.units, this.gates);
  }

  override plan(planner: Planner, inputs: CellInputs): CellOutput {
    const { name, x, dx } = inputs;
    const { units, gates: gateCount } = this;
    const width = gateCount * padded(units);
    const h = planner.rows(`${name}/h`, x.steps + 1, units);
    const { fields, output, after } = this.planCommon(planner, inputs, h);
    const gates = planner.rows(`${name}/gates`, x.steps, width);
    const slopes = this.activation === 'linear' ? null : planner.gradientRows(`${name}/slopes`, x.steps, units);
    const call = {
      kind: 'minRnn',
      fields: {
        ...fields,
        gateCount,
        ...stateFields('h', h),
        ...stateFields('gates', gates),
        ...stateFields('slopes', slopes),
        wt: dx ? planner.floats(`${name}/wt`, width * padded(x.width)) : 0,
        activation: numberOf(this.activation),
      },
    } as const;
    planner.calls.push(call, ...after);
    return output;
  }
}

export class MinGRUCell extends MinRNNCell {
  readonly className = 'MinGRUCell';
  override readonly gates = 2;

  override remake(config: Config): Cell {
    return new MinGRUCell('layers.minGRU', config as never);
  }

  override get buffers(): Readonly<Record<string, CellBuffer>> {
    const [z, n] = [0, 1].map(part => rowGateBuffer(part, this.units)) as [CellBuffer, CellBuffer];
    return { z, n, h: hiddenStateBuffer('h') };
  }
}

export class MinLSTMCell extends MinRNNCell {
  readonly className = 'MinLSTMCell';
  override readonly gates = 3;

  override remake(config: Config): Cell {
    return new MinLSTMCell('layers.minLSTM', config as never);
  }

  override get buffers(): Readonly<Record<string, CellBuffer>> {
    const [f, i, g] = [0, 1, 2].map(part => rowGateBuffer(part, this.units)) as [CellBuffer, CellBuffer, CellBuffer];
    return { f, i, g, h: hiddenStateBuffer('h') };
  }
}

export class MinGRU extends Recurrent {
  constructor(options: MinRNNOptions) {
    const call = 'layers.minGRU';
    const known = checkMinRNNOptions(call, options);
    super('MinGRU', known, [new MinGRUCell(call, known)]);
  }

  protected override remake(options: RecurrentOptions): MinGRU {
    return new MinGRU(options as MinRNNOptions);
  }
}

export class MinLSTM extends Recurrent {
  constructor(options: MinRNNOptions) {
    const call = 'layers.minLSTM';
    const known = checkMinRNNOptions(call, options);
    super('MinLSTM', known, [new MinLSTMCell(call, known)]);
  }

  protected override remake(options: RecurrentOptions): MinLSTM {
    return new MinLSTM(options as MinRNNOptions);
  }
}

function checkMinRNNOptions(call: string, options: MinRNNOptions): Partial<MinRNNOptions> {
  const own = cellOptions.filter(name => !name.startsWith('recurrent') || name === 'recurrentDropout');
  const { recurrentDropout, ...known } = checkLayerOptions<MinRNNOptions & CellOptions>(call, options, [
    ...own,
    ...recurrentOptions,
  ]);
  if (recurrentDropout === undefined) return known;
  return fail(
    call,
    `recurrentDropout must not be given, because no gate reads the state, got ${show(recurrentDropout)}`,
  );
}
