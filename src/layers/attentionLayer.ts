/** What all attention layers share: options, checks of their inputs, and the plan of the attention itself. */

import {
  type Fields,
  floatBits,
  type Mask,
  type PlannedCall,
  type Planner,
  padded,
  rowFields,
  type Signal,
  type Signals,
} from '../plan/planner.ts';
import type { Config } from '../util/config.ts';
import { fail } from '../util/errors.ts';
import { checkBoolean, checkNumber } from '../util/options.ts';
import { checkSeed, type SeedStream } from '../util/random.ts';
import { type Shape, showShape } from '../util/shapes.ts';
import { useKernels } from '../wasm/engine.ts';
import { attention } from '../wasm/modules/attention.generated.ts';
import { dropout as dropoutModule } from '../wasm/modules/dropout.generated.ts';
import { attentionBlockNumbers } from '../wasm/shared.generated.ts';
import { Layer } from './layer.ts';
import type { LayerOptions } from './layerOptions.ts';

/** Options of all attention layers. */
export interface AttentionLayerOptions extends LayerOptions {
  /** The fraction of the attention weights to drop in training, from 0 up to but not including 1. Default: 0. */
  dropout?: number;
  /**
   * Seed of the dropout, an integer from 0 to 2^53 - 1; the dropped weights also depend on the number of batches trained.
   * Default: drawn when the layer joins a model.
   */
  seed?: number | null;
  /** Whether a query sees only the keys of its own and of earlier time steps. Default: false. */
  useCausalMask?: boolean;
}

export const attentionLayerOptions = ['dropout', 'seed', 'useCausalMask'] as const;

export abstract class AttentionLayer extends Layer {
  readonly dropout: number;
  readonly useCausalMask: boolean;
  readonly #givenSeed: number | null;
  #seed = 0;

  /** @internal */
  constructor(className: string, call: string, known: Partial<AttentionLayerOptions>) {
    const dropout = checkNumber(call, 'dropout', known.dropout ?? 0, { least: 0, below: 1 });
    const useCausalMask = checkBoolean(call, 'useCausalMask', known.useCausalMask ?? false);
    const seed = known.seed === undefined || known.seed === null ? null : checkSeed(call, known.seed);
    super(className, known, 2);
    this.dropout = dropout;
    this.useCausalMask = useCausalMask;
    this.#givenSeed = seed;
    useKernels(attention);
    useKernels(dropoutModule);
  }

  protected override settings(): Config {
    const { dropout, useCausalMask } = this;
    // Keras has the causal mask as an argument of calls, and rejects unknown options
    return { dropout, seed: this.#givenSeed, ...(useCausalMask && { useCausalMask }) };
  }

  override get runsByTimeStep(): boolean {
    return false;
  }

  override runsBesideConstants([query, value, key]: readonly boolean[]): boolean {
    return !query && value! && key !== false && !this.useCausalMask;
  }

  override drawSeeds(seeds: SeedStream): void {
    super.drawSeeds(seeds);
    // Without dropout, no seed is drawn, so adding such a layer does not change the seeds of later layers
    this.#seed = this.dropout === 0 ? 0 : (this.#givenSeed ?? seeds.next());
  }

  override get dropoutSeeds(): number[] {
    return [this.#seed];
  }

  override set dropoutSeeds(seeds: readonly number[]) {
    this.#seed = seeds[0]!;
  }
}

/**
 * Checks the inputs of an attention layer: query, value and, optionally, key.
 *
 * @returns the shapes of all three; without a key, the value is the key
 */
export function checkSequences(
  call: string,
  name: string,
  inputs: readonly Shape[],
  least: number,
): [query: Shape, value: Shape, key: Shape] {
  if (inputs.length < least || inputs.length > 3) {
    fail(call, `${name} takes [query, value] or [query, value, key], got ${inputs.length} inputs`);
  }
  const [query, value, key = value] = inputs as [Shape, Shape, Shape?];
  for (const shape of inputs) {
    if (shape.length !== 3) fail(call, `${name} takes sequences [batch, timeSteps, features], got ${showShape(shape)}`);
  }
  const differ = (n: number | null, other: number | null) => n !== null && other !== null && n !== other;
  if (differ(value[1]!, key[1]!)) {
    const shapes = `${showShape(value)} and ${showShape(key)}`;
    fail(call, `value and key of ${name} must have the same number of time steps, got ${shapes}`);
  }
  if (differ(query[0]!, value[0]!) || differ(query[0]!, key[0]!)) {
    fail(call, `the inputs of ${name} must have the same batch size, got ${inputs.map(showShape).join(' and ')}`);
  }
  return [query, value, key];
}

type OwnFields = 'heads' | 'factor' | 'scale' | 'dScale' | 'gain' | 'dGain';

type AttentionSpec = Pick<Fields<'attention'>, OwnFields> & {
  readonly heads: number;
  readonly additive: boolean;
  readonly gainIsScalar: boolean;
  readonly replacesMasked: boolean;
  readonly returnsScores: boolean;
};

/** Plans softmax(scores) V; the features of all three signals are divided among the heads. */
export function planAttention(
  planner: Planner,
  layer: AttentionLayer,
  { name, isRead }: PlannedCall,
  query: Signal,
  value: Signal,
  key: Signal,
  { returnsScores, ...spec }: AttentionSpec,
): Signals {
  const { needsGradients, batch } = planner;
  const [T, S] = [query.y.steps, value.y.steps];
  const { heads } = spec;
  const D = query.y.width / heads;
  const V = value.y.width / heads;
  const y = planner.rows(`${name}/y`, T, heads * V);
  const dy = isRead[0] ? planner.gradientRows(`${name}/dy`, T, heads * V) : null;
  const scores = returnsScores && isRead[1] ? planner.rows(`${name}/scores`, T, S) : null;
  const dScores = scores && planner.gradientRows(`${name}/dScores`, T, S);
  const drops = planner.dropsOut && layer.dropout > 0;
  const rows = Math.min(T, attentionBlockNumbers.queries);
  const scratch = (what: string, count: number, width: number) =>
    planner.floats(`${name}/${what}`, count, padded(width));
  const gradientScratch = (what: string, count: number, width: number) =>
    needsGradients ? scratch(what, count, width) : 0;
  const hidesKeys = layer.useCausalMask || value.mask || (spec.replacesMasked && (query.mask || key.mask));
  const all = batch * heads * T;
  const kept = needsGradients ? scratch('weights', all, S) : null;
  const drop = drops ? scratch('drop', all, S) : 0;
  const from = planner.bytes;
  planner.calls.push({
    kind: 'attention',
    fields: {
      ...spec,
      rows: batch,
      queries: T,
      keys: S,
      depth: D,
      width: V,
      additive: Number(spec.additive),
      causal: Number(layer.useCausalMask),
      replacesMasked: Number(spec.replacesMasked),
      gainIsScalar: Number(spec.gainIsScalar),
      ...rowFields('q', query.y),
      ...rowFields('k', key.y),
      ...rowFields('v', value.y),
      ...rowFields('y', y),
      ...rowFields('dy', dy),
      ...rowFields('dq', query.dy),
      ...rowFields('dk', key.dy),
      ...rowFields('dv', value.dy),
      ...prefixed('q', query.mask),
      ...prefixed('v', value.mask),
      // Without replacement, only the mask of the value counts, as in Keras
      ...prefixed('k', spec.replacesMasked ? key.mask : null),
      weights: kept ?? scratch('weights', rows, S),
      keeps: Number(needsGradients),
      rate: floatBits(layer.dropout),
      seed: planner.dropoutSeed(layer.dropoutSeeds[0]!),
      drop,
      ...rowFields('scores', scores),
      ...rowFields('dScores', dScores),
      visible: hidesKeys ? scratch('visible', 1, S) : 0,
      query: scratch('query', rows, D),
      context: scratch('context', rows, V),
      dropped: drops ? scratch('dropped', rows, S) : 0,
      // Packed matrices have a padded number of columns, in one order or the other
      keyPanels: scratch('keyPanels', padded(S), D),
      valuePanels: scratch('valuePanels', padded(S), V),
      gains: spec.additive ? scratch('gains', 1, D) : 0,
      dWeights: gradientScratch('dWeights', rows, S),
      dQuery: gradientScratch('dQuery', rows, D),
      dKeyPanels: gradientScratch('dKeyPanels', S, D),
      dValuePanels: gradientScratch('dValuePanels', S, V),
      dGains: spec.additive ? gradientScratch('dGains', 1, D) : 0,
    },
    scratch: { from, to: planner.bytes },
  });
  const output = { y, dy, mask: query.mask };
  if (!returnsScores) return [output];
  return [output, { y: scores ?? planner.rows(`${name}/scores`, T, S), dy: dScores, mask: null }];
}

const prefixed = <K extends string>(name: K, mask: Mask | null) =>
  ({ [`${name}Mask`]: mask?.start ?? 0, [`${name}MaskStep`]: mask?.step ?? 0 }) as Record<
    `${K}Mask` | `${K}MaskStep`,
    Fields<'attention'>['qMask']
  >;
