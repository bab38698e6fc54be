/** Attention over the time steps of a sequence: Luong (`Attention`) and Bahdanau (`AdditiveAttention`). */

import {
  floatBits,
  type Offset,
  offsetBy,
  type PlannedCall,
  type Planner,
  padded,
  parameterFields,
  type Signal,
  type Signals,
  wholeLines,
} from '../plan/planner.ts';
import type { Config } from '../util/config.ts';
import { fail } from '../util/errors.ts';
import { FLOAT } from '../util/memorySizes.ts';
import { checkBoolean, checkName } from '../util/options.ts';
import { type Shape, showShape, sizeOf } from '../util/shapes.ts';
import type { Kernels } from '../wasm/kernels.ts';
import { initializers } from '../weights/initializers.ts';
import {
  AttentionLayer,
  type AttentionLayerOptions,
  attentionLayerOptions,
  checkSequences,
  planAttention,
} from './attentionLayer.ts';
import { checkLayerOptions } from './layerOptions.ts';
import type { WeightSpec } from './weightSpec.ts';

/** How `layers.attention` computes scores. */
export type ScoreMode = 'dot' | 'concat';

/** Options of `layers.additiveAttention`. */
export interface AdditiveAttentionOptions extends AttentionLayerOptions {
  /** Whether the scores have trained factors, one for each feature. Default: true. */
  useScale?: boolean;
  /** Whether to return the attention weights too, [batch, queries, keys], as a second output. Default: false. */
  returnAttentionScores?: boolean;
}

/** Options of `layers.attention`. */
export interface AttentionOptions extends AttentionLayerOptions {
  /** Whether the scores have a trained factor. Default: false. */
  useScale?: boolean;
  /**
   * How scores are computed: 'dot' is the product of query and key, 'concat' the sum of tanh(query + key) over the features,
   * times a trained factor. Default: 'dot'.
   */
  scoreMode?: ScoreMode;
  /** Whether to return the attention weights too, [batch, queries, keys], as a second output. Default: false. */
  returnAttentionScores?: boolean;
}

const scoreModes = ['dot', 'concat'] as const;

/** Floats between two packed weights of a single number. */
const APART = 4;

/** Attention with inputs [query, value] or [query, value, key]. */
abstract class SequenceAttention extends AttentionLayer {
  readonly useScale: boolean;
  readonly returnAttentionScores: boolean;

  constructor(
    className: string,
    call: string,
    known: Partial<AttentionOptions>,
    useScaleByDefault: boolean,
    /** The gain of additive scores: one number, one for each feature, or none; null for products. */
    protected readonly gain: 'scalar' | 'features' | 'none' | null,
  ) {
    const { useScale = useScaleByDefault, returnAttentionScores = false } = known;
    checkBoolean(call, 'useScale', useScale);
    checkBoolean(call, 'returnAttentionScores', returnAttentionScores);
    super(className, call, known);
    this.useScale = useScale;
    this.returnAttentionScores = returnAttentionScores;
  }

  protected override settings(): Config {
    const { useScale, returnAttentionScores } = this;
    return { useScale, ...super.settings(), ...(returnAttentionScores && { returnAttentionScores }) };
  }

  override outputShapesFor(call: string, inputs: readonly Shape[]): Shape[] {
    const [query, value, key] = checkSequences(call, this.name, inputs, 2);
    if (query.at(-1) !== key.at(-1)) {
      const shapes = `${showShape(query)} and ${showShape(key)}`;
      fail(call, `query and key of ${this.name} must have the same number of features, got ${shapes}`);
    }
    const output = [query[0]!, query[1]!, value[2]!];
    return this.returnAttentionScores ? [output, [query[0]!, query[1]!, value[1]!]] : [output];
  }

  /** Where each weight is among the packed weights, in floats. */
  protected abstract get weightOffsets(): readonly number[];

  override get parameterCount(): number {
    const last = this.weightSpecs.at(-1);
    return last ? wholeLines(this.weightOffsets.at(-1)! + padded(sizeOf(last.shape))) : 0;
  }

  override packWeights({ copyRows }: Kernels, packed: number, matrices: readonly number[]): void {
    this.weightSpecs.forEach(({ shape }, n) => {
      copyRows(packed + this.weightOffsets[n]! * FLOAT, 0, 0, matrices[n]!, 0, 0, 1, 1, sizeOf(shape));
    });
  }

  override unpackWeights({ copyRows }: Kernels, packed: number, matrices: readonly number[]): void {
    this.weightSpecs.forEach(({ shape }, n) => {
      copyRows(matrices[n]!, 0, 0, packed + this.weightOffsets[n]! * FLOAT, 0, 0, 1, 1, sizeOf(shape));
    });
  }

  override plan(planner: Planner, inputs: Signals, call: PlannedCall): Signals {
    const [query, value, key] = this.#operands(planner, inputs, call.name);
    const { w, dw } = parameterFields(planner, call.offsets.parameters);
    const at = (block: number | Offset, weight: number) =>
      typeof block === 'number' ? block : offsetBy(block, this.weightOffsets[weight]! * FLOAT);
    const weightFields = (name: 'scale' | 'gain', weight: number | null) => ({
      [name]: weight === null ? 0 : at(w, weight),
      [name === 'scale' ? 'dScale' : 'dGain']: weight === null ? 0 : at(dw, weight),
    });
    const { gain } = this;
    const hasScale = this.useScale && gain !== 'features';
    const hasGain = gain === 'scalar' || gain === 'features';
    return planAttention(planner, this, call, query, value, key, {
      heads: 1,
      replacesMasked: false,
      additive: gain !== null,
      gainIsScalar: gain === 'scalar',
      factor: floatBits(1),
      returnsScores: this.returnAttentionScores,
      ...(weightFields('scale', hasScale ? 0 : null) as Record<'scale' | 'dScale', number | Offset>),
      ...(weightFields('gain', hasGain ? Number(hasScale) : null) as Record<'gain' | 'dGain', number | Offset>),
    });
  }

  /** Without a key, the value is both. */
  #operands(planner: Planner, inputs: Signals, name: string): [Signal, Signal, Signal] {
    const [query, value, key] = inputs as [Signal, Signal, Signal?];
    if (key) return [query, value, key];
    const [first, second] = planner.share(`${name}/value`, value, 2);
    return [query, first!, second!];
  }
}

export class Attention extends SequenceAttention {
  readonly scoreMode: ScoreMode;

  constructor(options: AttentionOptions = {}) {
    const call = 'layers.attention';
    const own = [...attentionLayerOptions, 'useScale', 'scoreMode', 'returnAttentionScores'];
    const known = checkLayerOptions<AttentionOptions>(call, options, own);
    const scoreMode = checkName(call, 'scoreMode', known.scoreMode ?? 'dot', scoreModes);
    super('Attention', call, known, false, scoreMode === 'concat' ? 'scalar' : null);
    this.scoreMode = scoreMode;
  }

  protected override settings(): Config {
    return { ...super.settings(), scoreMode: this.scoreMode };
  }

  protected override get weightOffsets(): readonly number[] {
    return [0, APART];
  }

  protected override describeWeights(): Omit<WeightSpec, 'seed'>[] {
    const names = [...(this.useScale ? ['scale'] : []), ...(this.scoreMode === 'concat' ? ['concatScoreWeight'] : [])];
    return names.map(name => ({ name, shape: [], initializer: initializers.ones() }));
  }
}

export class AdditiveAttention extends SequenceAttention {
  constructor(options: AdditiveAttentionOptions = {}) {
    const call = 'layers.additiveAttention';
    const own = [...attentionLayerOptions, 'useScale', 'returnAttentionScores'];
    const known = checkLayerOptions<AdditiveAttentionOptions>(call, options, own);
    super('AdditiveAttention', call, known, true, known.useScale === false ? 'none' : 'features');
  }

  protected override get weightOffsets(): readonly number[] {
    return [0];
  }

  protected override describeWeights(query: Shape): Omit<WeightSpec, 'seed'>[] {
    return this.useScale ? [{ name: 'scale', shape: [query.at(-1)!], initializer: initializers.glorotUniform() }] : [];
  }
}
