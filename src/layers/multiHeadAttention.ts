/** Attention with several heads, each with projections of its own. */

import {
  floatBits,
  type PlannedCall,
  type Planner,
  padded,
  type Signal,
  type Signals,
  wholeLines,
} from '../plan/planner.ts';
import type { Config } from '../util/config.ts';
import { fail, show } from '../util/errors.ts';
import { FLOAT } from '../util/memorySizes.ts';
import { checkBoolean, checkCount } from '../util/options.ts';
import type { Shape } from '../util/shapes.ts';
import type { Kernels } from '../wasm/kernels.ts';
import type { Constraint, ConstraintName } from '../weights/constraints.ts';
import { type Initializer, type InitializerName, initializers } from '../weights/initializers.ts';
import type { Regularizer, RegularizerName } from '../weights/regularizers.ts';
import {
  AttentionLayer,
  type AttentionLayerOptions,
  attentionLayerOptions,
  checkSequences,
  planAttention,
} from './attentionLayer.ts';
import { checkLayerOptions } from './layerOptions.ts';
import { forEachPart } from './parts.ts';
import { planDense } from './planDense.ts';
import { describeWeightSettings, readWeightSettings, type WeightSettings, type WeightSpec } from './weightSpec.ts';

/** Options of `layers.multiHeadAttention`. */
export interface MultiHeadAttentionOptions extends AttentionLayerOptions {
  /** The number of heads. */
  numHeads: number;
  /** The number of features of a query and a key in each head. */
  keyDim: number;
  /** The number of features of a value in each head. Default: `keyDim`. */
  valueDim?: number | null;
  /** Whether the projections have biases. Default: true. */
  useBias?: boolean;
  /** The number of output features. Default: that of the query. */
  outputShape?: number | readonly [number] | null;
  /** The axes of attention, as Keras writes them in files: 1, the time steps. */
  attentionAxes?: 1 | readonly [1] | null;
  /** Initial kernels of the projections. Default: 'glorotUniform'. */
  kernelInitializer?: Initializer | InitializerName;
  /** Initial biases. Default: 'zeros'. */
  biasInitializer?: Initializer | InitializerName;
  /** Penalty on the kernels, added to the loss. Default: none. */
  kernelRegularizer?: Regularizer | RegularizerName | null;
  /** Penalty on the biases, added to the loss. Default: none. */
  biasRegularizer?: Regularizer | RegularizerName | null;
  /** Constraint applied to the kernels after every update. Default: none. */
  kernelConstraint?: Constraint | ConstraintName | null;
  /** Constraint applied to the biases after every update. Default: none. */
  biasConstraint?: Constraint | ConstraintName | null;
}

const own = [
  ...attentionLayerOptions,
  'numHeads',
  'keyDim',
  'valueDim',
  'useBias',
  'outputShape',
  'attentionAxes',
  'kernelInitializer',
  'biasInitializer',
  'kernelRegularizer',
  'biasRegularizer',
  'kernelConstraint',
  'biasConstraint',
  'returnAttentionScores',
] as const;

/** A dense projection: its sizes, and the shapes of its weights in Keras. */
interface Projection {
  readonly name: string;
  readonly inputs: number;
  readonly units: number;
  readonly kernel: readonly number[];
  readonly bias: readonly number[];
}

export class MultiHeadAttention extends AttentionLayer {
  readonly numHeads: number;
  readonly keyDim: number;
  readonly valueDim: number;
  readonly useBias: boolean;
  readonly #outputs: number | null;
  readonly #kernel: WeightSettings;
  readonly #bias: WeightSettings;

  constructor(options: MultiHeadAttentionOptions) {
    const call = 'layers.multiHeadAttention';
    const known = checkLayerOptions<MultiHeadAttentionOptions & { returnAttentionScores?: boolean }>(
      call,
      options,
      own,
    );
    const numHeads = checkCount(call, 'numHeads', known.numHeads);
    const keyDim = checkCount(call, 'keyDim', known.keyDim);
    const valueDim = checkCount(call, 'valueDim', known.valueDim ?? keyDim);
    const useBias = known.useBias === undefined ? true : checkBoolean(call, 'useBias', known.useBias);
    const outputs = readOutputShape(call, known.outputShape ?? null);
    const axes = known.attentionAxes ?? 1;
    if (axes !== 1 && !(Array.isArray(axes) && axes.length === 1 && axes[0] === 1)) {
      fail(call, `attentionAxes must be 1, the time steps, got ${show(axes)}`);
    }
    if (known.returnAttentionScores) {
      const shape = '[batch, heads, queries, keys]';
      fail(call, `returnAttentionScores must be false, because a model cannot have outputs of the shape ${shape}`);
    }
    const kernel = readWeightSettings(call, 'kernel', known, () => initializers.glorotUniform());
    const bias = readWeightSettings(call, 'bias', known, () => initializers.zeros());
    super('MultiHeadAttention', call, known);
    this.numHeads = numHeads;
    this.keyDim = keyDim;
    this.valueDim = valueDim;
    this.useBias = useBias;
    this.#outputs = outputs;
    this.#kernel = kernel;
    this.#bias = bias;
  }

  protected override settings(): Config {
    const { numHeads, keyDim, valueDim, useBias } = this;
    return {
      numHeads,
      keyDim,
      valueDim,
      ...super.settings(),
      useBias,
      outputShape: this.#outputs && [this.#outputs],
      ...describeWeightSettings('kernel', this.#kernel),
      ...describeWeightSettings('bias', this.#bias),
    };
  }

  override outputShapesFor(call: string, inputs: readonly Shape[]): Shape[] {
    const [query] = checkSequences(call, this.name, inputs, 2);
    return [[query[0]!, query[1]!, this.#outputs ?? query[2]!]];
  }

  /** The projections of query, key and value, and of the output, in the order of Keras. */
  #projections([query, value, key = value]: readonly Shape[]): Projection[] {
    const { numHeads: N, keyDim, valueDim } = this;
    const outputs = this.#outputs ?? query!.at(-1)!;
    const toHeads = (name: string, input: Shape, width: number): Projection => {
      const inputs = input.at(-1)!;
      return { name, inputs, units: N * width, kernel: [inputs, N, width], bias: [N, width] };
    };
    return [
      toHeads('query', query!, keyDim),
      toHeads('key', key!, keyDim),
      toHeads('value', value!, valueDim),
      {
        name: 'attentionOutput',
        inputs: N * valueDim,
        units: outputs,
        kernel: [N, valueDim, outputs],
        bias: [outputs],
      },
    ];
  }

  protected override describeWeights(...inputs: Shape[]): Omit<WeightSpec, 'seed'>[] {
    return this.#projections(inputs).flatMap(({ name, kernel, bias }) => [
      { name: `${name}/kernel`, shape: kernel, ...this.#kernel },
      ...(this.useBias ? [{ name: `${name}/bias`, shape: bias, ...this.#bias }] : []),
    ]);
  }

  override get parameterCount(): number {
    return this.#projections(this.connection.inputs).reduce((sum, projection) => sum + floatsOf(projection), 0);
  }

  override packWeights(kernels: Kernels, packed: number, matrices: readonly number[]): void {
    this.#forEachProjection(packed, matrices, ({ inputs, units }, at, [kernel, bias]) =>
      kernels.packDenseWeights(at, kernel!, bias ?? 0, inputs, units),
    );
  }

  override unpackWeights(kernels: Kernels, packed: number, matrices: readonly number[]): void {
    this.#forEachProjection(packed, matrices, ({ inputs, units }, at, [kernel, bias]) =>
      kernels.unpackDenseWeights(at, kernel!, bias ?? 0, inputs, units),
    );
  }

  #forEachProjection(
    packed: number,
    matrices: readonly number[],
    use: (projection: Projection, packed: number, matrices: readonly number[]) => void,
  ): void {
    const count = this.useBias ? 2 : 1;
    forEachPart(this.#projections(this.connection.inputs), packed, matrices, floatsOf, () => count, use);
  }

  override plan(planner: Planner, inputs: Signals, call: PlannedCall): Signals {
    const projections = this.#projections(this.connection.inputs);
    let parameters = call.offsets.parameters;
    const offsets = projections.map(projection => {
      const own = { ...call.offsets, parameters };
      parameters += floatsOf(projection) * FLOAT;
      return own;
    });
    const project = (signal: Signal, n: number): Signal => {
      const { name, units } = projections[n]!;
      const own = { name: `${call.name}/${name}`, offsets: offsets[n]!, lossActivation: null };
      return planDense(planner, signal, own, units, this.useBias, 'linear');
    };
    const [given, givenValue, givenKey] = inputs as [Signal, Signal, Signal?];
    // Without a key, the value is both
    const [value, key] = givenKey ? [givenValue, givenKey] : planner.share(`${call.name}/value`, givenValue, 2);
    const query = project(given, 0);
    const keys = project(key!, 1);
    const values = project(value!, 2);
    const hidden = givenKey ? keys : { ...keys, mask: null };
    const [context] = planAttention(planner, this, { ...call, isRead: [true] }, query, values, hidden, {
      heads: this.numHeads,
      replacesMasked: true,
      additive: false,
      gainIsScalar: false,
      returnsScores: false,
      factor: floatBits(this.keyDim ** -0.5),
      scale: 0,
      dScale: 0,
      gain: 0,
      dGain: 0,
    });
    return [project(context, 3)];
  }
}

/** The number of floats of the packed weights of a projection, which are those of a dense layer. */
const floatsOf = ({ inputs, units }: Projection): number => wholeLines((1 + inputs) * padded(units));

function readOutputShape(call: string, shape: unknown): number | null {
  if (shape === null) return null;
  const size = Array.isArray(shape) && shape.length === 1 ? shape[0] : shape;
  if (Number.isSafeInteger(size) && (size as number) > 0) return size as number;
  return fail(call, `outputShape must be the number of output features, got ${show(shape)}`);
}
