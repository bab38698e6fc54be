/**
 * The options of an lstm that Keras does not have: peepholes, a projection and layer normalization. The equations are in
 * assembly/recurrent/lstmVariants.ts.
 */

import { floatBits, offsetBy, type Planner, padded, type Rows, wholeLines } from '../../plan/planner.ts';
import { type Config, serialize } from '../../util/config.ts';
import { FLOAT } from '../../util/memorySizes.ts';
import { checkBoolean, checkCount, checkNumber } from '../../util/options.ts';
import { useKernels } from '../../wasm/engine.ts';
import type { Kernels } from '../../wasm/kernels.ts';
import { activations } from '../../wasm/modules/activations.generated.ts';
import { lstmVariants } from '../../wasm/modules/lstmVariants.generated.ts';
import { lstmGateNumbers } from '../../wasm/shared.generated.ts';
import type { Constraint, ConstraintName } from '../../weights/constraints.ts';
import { type Initializer, type InitializerName, initializers } from '../../weights/initializers.ts';
import type { Regularizer, RegularizerName } from '../../weights/regularizers.ts';
import { type ActivationName, numberOf } from '../activations.ts';
import { describeWeightSettings, readWeightSettings, type WeightSettings, type WeightSpec } from '../weightSpec.ts';
import { type CellInputs, type CellOutput, type PlannedCell, stateFields } from './cell.ts';
import { type CellBuffer, rowBuffer } from './cellBuffers.ts';

/** Options of `layers.lstm` that Keras does not have. */
export interface LSTMVariantOptions {
  /**
   * Whether the input and the forget gate also read the cell state before the step, and the output gate that after it,
   * each unit multiplied by a trained weight. Default: false.
   */
  usePeepholes?: boolean;
  /** Initial peepholes, [units] for each of the three gates. Default: 'glorotUniform'. */
  peepholeInitializer?: Initializer | InitializerName;
  /** Penalty on the peepholes, added to the loss. Default: none. */
  peepholeRegularizer?: Regularizer | RegularizerName | null;
  /** Constraint applied to the peepholes after every update. Default: none. */
  peepholeConstraint?: Constraint | ConstraintName | null;
  /**
   * The size of the output and of the hidden state, to which a trained kernel projects the units. The recurrent kernel is
   * then [projectionUnits, 4 * units]. Default: no projection, and the size is `units`.
   */
  projectionUnits?: number;
  /** Initial kernel of the projection, [units, projectionUnits]. Default: 'glorotUniform'. */
  projectionInitializer?: Initializer | InitializerName;
  /** Penalty on the kernel of the projection, added to the loss. Default: none. */
  projectionRegularizer?: Regularizer | RegularizerName | null;
  /** Constraint applied to the kernel of the projection after every update. Default: none. */
  projectionConstraint?: Constraint | ConstraintName | null;
  /**
   * Whether to normalize, in each time step and sample, the product of the input and the kernel, that of the hidden state
   * and the recurrent kernel, and the cell state; each with a trained gamma and beta. The next time step reads the
   * normalized cell state; the peephole of the output gate reads it before it is normalized. Default: false.
   */
  layerNormalization?: boolean;
  /** Added to the variance by the layer normalization. Default: 0.001. */
  normEpsilon?: number;
  /** Initial gammas of the layer normalization. Default: 'ones'. */
  normGammaInitializer?: Initializer | InitializerName;
  /** Initial betas of the layer normalization. Default: 'zeros'. */
  normBetaInitializer?: Initializer | InitializerName;
}

export const variantOptions = [
  'usePeepholes',
  'peepholeInitializer',
  'peepholeRegularizer',
  'peepholeConstraint',
  'projectionUnits',
  'projectionInitializer',
  'projectionRegularizer',
  'projectionConstraint',
  'layerNormalization',
  'normEpsilon',
  'normGammaInitializer',
  'normBetaInitializer',
] as const satisfies readonly (keyof LSTMVariantOptions)[];

/** The names of the weights, those of TensorFlow Addons where it has them. */
const peepholeNames = ['inputGatePeepholeWeights', 'forgetGatePeepholeWeights', 'outputGatePeepholeWeights'];
const normNames = ['kernelNorm', 'recurrentNorm', 'stateNorm'];

const GATES = Object.keys(lstmGateNumbers).length;
/** Floats of the means and deviations of a row, as in the kernels. */
const MOMENTS = 8;

/** What the plan needs to know of the cell. */
interface CellSettings {
  readonly activation: ActivationName;
  readonly recurrentActivation: ActivationName;
}

interface NormSettings {
  readonly epsilon: number;
  readonly gamma: Initializer;
  readonly beta: Initializer;
}

/** Where a weight is among the packed weights, in bytes. */
interface Place {
  readonly at: number;
  /** The rows of a matrix with gates as columns; 0 for [units], null for the kernel of the projection. */
  readonly rows: number | null;
}

interface Layout {
  /** In the order of the weights. */
  readonly places: readonly Place[];
  readonly peepholes: number | null;
  readonly projection: number | null;
  readonly norms: number | null;
  readonly floats: number;
}

/** The peepholes, projection and layer normalization of a cell. */
export class LstmVariant {
  readonly peepholes: WeightSettings | null;
  readonly projection: WeightSettings | null;
  readonly norm: NormSettings | null;
  /** The size of the hidden state. */
  readonly outputs: number;
  readonly #layouts = new Map<number, Layout>();

  private constructor(
    readonly units: number,
    readonly useBias: boolean,
    options: Pick<LstmVariant, 'peepholes' | 'projection' | 'norm' | 'outputs'>,
  ) {
    this.peepholes = options.peepholes;
    this.projection = options.projection;
    this.norm = options.norm;
    this.outputs = options.outputs;
    useKernels(activations);
    useKernels(lstmVariants);
  }

  /** Reads the options; null if they describe an lstm of Keras. */
  static read(call: string, known: LSTMVariantOptions, units: number, useBias: boolean): LstmVariant | null {
    const flag = (name: 'usePeepholes' | 'layerNormalization') =>
      known[name] === undefined ? false : checkBoolean(call, name, known[name]);
    const settings = (name: string) => readWeightSettings(call, name, known, () => initializers.glorotUniform());
    const peepholes = settings('peephole');
    const projection = settings('projection');
    const { projectionUnits, normEpsilon = 0.001 } = known;
    const epsilon = checkNumber(call, 'normEpsilon', normEpsilon, { above: 0 });
    const gamma = readWeightSettings(call, 'normGamma', known, () => initializers.ones()).initializer;
    const beta = readWeightSettings(call, 'normBeta', known, () => initializers.zeros()).initializer;
    const [hasPeepholes, hasNorm] = [flag('usePeepholes'), flag('layerNormalization')];
    const outputs = projectionUnits === undefined ? null : checkCount(call, 'projectionUnits', projectionUnits);
    if (!hasPeepholes && !hasNorm && outputs === null) return null;
    return new LstmVariant(units, useBias, {
      peepholes: hasPeepholes ? peepholes : null,
      projection: outputs === null ? null : projection,
      norm: hasNorm ? { epsilon, gamma, beta } : null,
      outputs: outputs ?? units,
    });
  }

  /** The options as plain data, without those that have no effect. */
  getConfig(): Config {
    const { peepholes, projection, norm } = this;
    return {
      ...(peepholes && { usePeepholes: true, ...describeWeightSettings('peephole', peepholes) }),
      ...(projection && { projectionUnits: this.outputs, ...describeWeightSettings('projection', projection) }),
      ...(norm && {
        layerNormalization: true,
        normEpsilon: norm.epsilon,
        normGammaInitializer: serialize(norm.gamma),
        normBetaInitializer: serialize(norm.beta),
      }),
    };
  }

  /** The weights after those of every lstm. */
  describeWeights(): Omit<WeightSpec, 'seed'>[] {
    const { units, outputs, peepholes, projection, norm } = this;
    const normWeights = ({ gamma, beta }: NormSettings) =>
      normNames.flatMap((name, n) => {
        const shape = [n === 2 ? units : GATES * units];
        return [
          { name: `${name}Gamma`, shape, initializer: gamma },
          { name: `${name}Beta`, shape, initializer: beta },
        ];
      });
    return [
      ...(peepholes ? peepholeNames.map(name => ({ name, shape: [units], ...peepholes })) : []),
      ...(projection ? [{ name: 'projectionKernel', shape: [units, outputs], ...projection }] : []),
      ...(norm ? normWeights(norm) : []),
    ];
  }

  /** The number of its weights. */
  get weightCount(): number {
    return (this.peepholes ? 3 : 0) + (this.projection ? 1 : 0) + (this.norm ? 6 : 0);
  }

  /** The packed weights, in the order of `LstmVariantPlan`. Kept, because weights are packed in every batch with constraints. */
  #layoutFor(inputs: number): Layout {
    const known = this.#layouts.get(inputs);
    if (known) return known;
    const { units, outputs, useBias } = this;
    const unit = padded(units);
    const wide = GATES * unit;
    let floats = 0;
    const take = (count: number) => {
      const at = floats * FLOAT;
      floats += count;
      return at;
    };
    const places: Place[] = [];
    const add = (size: number, rows: number | null) => {
      places.push({ at: take(size), rows });
    };
    const bias = { at: take(wide), rows: 1 };
    add(inputs * wide, inputs);
    add(outputs * wide, outputs);
    if (useBias) places.push(bias);
    /** The place of the first of some weights; null if the cell does not have them. */
    const addAll = (wanted: unknown, sizes: readonly number[], rowsOf: (size: number) => number | null) => {
      if (!wanted) return null;
      const at = floats * FLOAT;
      for (const size of sizes) add(size, rowsOf(size));
      return at;
    };
    const layout: Layout = {
      places,
      peepholes: addAll(this.peepholes, [unit, unit, unit], () => 0),
      projection: addAll(this.projection, [units * padded(outputs)], () => null),
      norms: addAll(this.norm, [wide, wide, wide, wide, unit, unit], size => (size === wide ? 1 : 0)),
      floats: wholeLines(floats),
    };
    this.#layouts.set(inputs, layout);
    return layout;
  }

  parameterCount(inputs: number): number {
    return this.#layoutFor(inputs).floats;
  }

  packWeights(kernels: Kernels, packed: number, matrices: readonly number[], inputs: number): void {
    const { places, floats } = this.#layoutFor(inputs);
    kernels.zero(packed, floats * FLOAT);
    for (let n = 0; n < places.length; n++) {
      const { at, rows } = places[n]!;
      if (rows === null) kernels.packProjection(packed + at, matrices[n]!, this.units, this.outputs);
      else if (rows === 0) kernels.copyRows(packed + at, 0, 0, matrices[n]!, 0, 0, 1, 1, this.units);
      else kernels.packGates(packed + at, matrices[n]!, rows, this.units);
    }
  }

  unpackWeights(kernels: Kernels, packed: number, matrices: readonly number[], inputs: number): void {
    const { places } = this.#layoutFor(inputs);
    for (let n = 0; n < places.length; n++) {
      const { at, rows } = places[n]!;
      if (rows === null) kernels.unpackProjection(packed + at, matrices[n]!, this.units, this.outputs);
      else if (rows === 0) kernels.copyRows(matrices[n]!, 0, 0, packed + at, 0, 0, 1, 1, this.units);
      else kernels.unpackGates(packed + at, matrices[n]!, rows, this.units);
    }
  }

  /** What `model.inspect` shows. */
  get buffers(): Readonly<Record<string, CellBuffer>> {
    const gate = (name: keyof typeof lstmGateNumbers) =>
      rowBuffer('gates', 0, lstmGateNumbers[name] * padded(this.units));
    return {
      ...{ i: gate('i'), f: gate('f'), g: gate('g'), o: gate('o') },
      c: rowBuffer('c', 1),
      h: rowBuffer('h', 1, 0, this.outputs),
    };
  }

  /** The rows of the hidden states. */
  planState(planner: Planner, { name, x }: CellInputs): Rows {
    return planner.rows(`${name}/h`, x.steps + 1, this.outputs);
  }

  /** Reserves the other buffers and adds the kernel call. */
  plan(planner: Planner, inputs: CellInputs, h: Rows, common: PlannedCell, cell: CellSettings): CellOutput {
    const { name, x, dx, states, initial, returnState, isRead, parameters } = inputs;
    const { fields, output, dh, after } = common;
    const { units, outputs, projection, norm } = this;
    const { batch: B, needsGradients } = planner;
    const T = x.steps;
    const H = padded(units);
    const P = padded(outputs);
    const layout = this.#layoutFor(x.width);
    const weight = (at: number | null) => (at === null ? 0 : ({ block: 'weights', offset: parameters + at } as const));
    const wide = (what: string, wanted: unknown = true) =>
      wanted ? planner.rows(`${name}/${what}`, T, GATES * H).start : 0;
    const narrow = (what: string, wanted: unknown = true) =>
      wanted ? planner.rows(`${name}/${what}`, T, units).start : 0;
    const scratch = (what: string, ...shape: number[]) =>
      needsGradients ? planner.floats(`${name}/${what}`, ...shape) : 0;
    const c = planner.rows(`${name}/c`, T + 1, units);
    const gates = planner.rows(`${name}/gates`, T, GATES * H);
    const general = needsGradients && (cell.activation !== 'tanh' || cell.recurrentActivation !== 'sigmoid');
    // The gradients of all hidden states: those of the output, if every step has one
    const dp = projection && (fields.sequences ? dh : planner.gradientRows(`${name}/dp`, T, outputs));
    const dcT = returnState && isRead[2] ? planner.gradientRows(`${name}/dcT`, 1, units) : null;
    planner.calls.push(
      {
        kind: 'lstmVariant',
        fields: {
          ...fields,
          outputs,
          ...stateFields('h', h),
          gates: gates.start,
          gatesRow: gates.row,
          slopes: wide('slopes', general),
          c: c.start,
          unitRow: c.row,
          tanhC: narrow('tanhC'),
          slopesC: narrow('slopesC', general),
          peepholes: weight(layout.peepholes),
          projection: weight(layout.projection),
          norms: weight(layout.norms),
          wt: scratch('wt', GATES * H * (P + (dx ? padded(x.width) : 0)) + (projection ? outputs * H : 0)),
          xw: wide('xw', norm),
          hr: wide('hr', norm),
          dxw: wide('dxw', norm && needsGradients),
          dhr: wide('dhr', norm && needsGradients),
          cell: narrow('cell', norm),
          moments: norm ? planner.floats(`${name}/moments`, T, B, MOMENTS) : 0,
          dn: narrow('dn', norm && needsGradients),
          epsilon: norm ? floatBits(norm.epsilon) : 0,
          dc: scratch('dc', B, H),
          m: narrow('m', projection),
          dm: projection ? scratch('dm', B, H) : 0,
          ...stateFields('dp', dp),
          stateC: states ? offsetBy(states, B * P * FLOAT) : 0,
          ...stateFields('c0', initial && initial[1]!.y),
          ...stateFields('dc0', initial && initial[1]!.dy),
          ...stateFields('dcT', dcT),
          savedC: states && initial ? planner.floats(`${name}/savedC`, B, H) : 0,
          recurrentActivation: numberOf(cell.recurrentActivation),
        },
      },
      ...after,
    );
    if (!returnState) return output;
    const cT: Rows = { ...c, start: offsetBy(c.start, T * c.step), steps: 1 };
    return { ...output, states: [...output.states, { y: cT, dy: dcT, mask: null }] };
  }
}
