/** Attention layers in a graph: a softmax of scores, from which the attention weights and the output are computed. */

import { constant, type Formula, identity, isScaled, plus, SOFTMAX } from './formula.ts';
import { visibleOf } from './masks.ts';
import { merged, startOf } from './mergeOutputs.ts';
import type { NodeReader } from './nodeReader.ts';
import type { Size } from './sizes.ts';
import {
  type AttentionOutput,
  type Chain,
  type LayerWeights,
  type Mask,
  nameOf,
  onlyNumber,
  type Scores,
  sizeOfAxis,
  type Value,
  type Visible,
} from './values.ts';

/** Attention weights: a softmax of scores that are multiplied by a number. */
export interface AttentionWeights {
  readonly scores: Scores;
  /** The scores before the softmax. */
  readonly chain: Chain;
  /** The product of x and the number. */
  readonly scale: Formula;
}

/** The scores that a chain computes; null for other chains. */
export function scoresOf({ spec, origin, flipped }: Chain): Scores | null {
  if (spec || flipped || !origin) return null;
  if (origin.kind === 'scores') return origin.scores;
  if (origin.kind !== 'merge' || origin.factory !== 'dot') return null;
  const { options, inputs } = origin;
  const [query, key] = inputs as [Chain, Chain];
  if (options.axes !== 2 || options.normalize || query.steps === null || key.steps === null) return null;
  return { factory: 'attention', options: {}, query, key, weights: [], sources: [] };
}

/** The attention weights that a formula of a chain computes; null for other formulas. */
export function weightsOf(chain: Chain, { outer, inner }: Formula): AttentionWeights | null {
  if (outer?.text !== SOFTMAX || !inner || !isScaled(inner)) return null;
  const scores = scoresOf(chain);
  return scores && { scores, chain, scale: inner };
}

/** The attention layer of attention weights: its output, or the weights themselves if there is no value. */
export function attentionChain(
  node: NodeReader,
  weights: AttentionWeights,
  value: Chain | null,
  queryMask: Mask | null = null,
): Chain {
  const { scores, scale } = weights;
  const { factory, query, key, hidden } = scores;
  expectSameFactor(node, weights);
  if (factory === 'multiHeadAttention') node.fail('must not use the attention weights of several heads on their own');
  const isScaledProduct = factory === 'attention' && scores.options.scoreMode !== 'concat';
  const trained = isScaledProduct ? (scale.sources ?? []) : [];
  if (!isScaledProduct && scale.scale !== 1) {
    node.fail(`its scores must be multiplied by a number before the tanh, got a factor of ${scale.scale} after it`);
  }
  const factor: LayerWeights[] = trained.length > 0 ? [{ dims: [], values: Float32Array.of(scale.scale) }] : [];
  const inputs = value === null || value === key ? [query, key] : [query, value, key];
  const attention: AttentionOutput = {
    index: value ? 0 : 1,
    scores: weights.chain,
    scale: scale.scale,
    ...(!value && plainSoftmax(node, weights)),
    ...(value && !queryMask && { withQueryMask: (mask: Mask) => attentionChain(node, weights, value, mask) }),
  };
  // The mask of the query only changes the output, that of the key nothing
  const masks = [value ? queryMask : undefined, hidden?.keys[0] ?? null, ...(inputs.length > 2 ? [undefined] : [])];
  return merged(
    node,
    factory,
    { ...scores.options, ...(factor.length > 0 && { useScale: true }) },
    inputs,
    query.steps,
    value ? value.width : key.steps!,
    { weights: [...scores.weights, ...factor], sources: [...scores.sources, ...trained], attention, masks },
    queryMask,
  );
}

/** The attention layer whose weights are a formula of a chain; null if there is none. */
export function attentionWeights(node: NodeReader, chain: Chain, formula: Formula): Chain | null {
  const weights = weightsOf(chain, formula);
  if (!weights && chain.spec === null && chain.origin?.kind === 'scores') {
    node.fail('the scores of attention must go to a Softmax over the keys, times a number at most');
  }
  return weights && attentionChain(node, weights, null);
}

/** A softmax layer on a product of two outputs, which computes the same as attention weights of such a product. */
function plainSoftmax(node: NodeReader, { chain, scale }: AttentionWeights): { softmax: Chain } | null {
  if (chain.origin?.kind !== 'merge' || scale.text !== identity.text || scale.sources?.length) return null;
  return { softmax: node.activate(chain, { factory: 'activation', options: { activation: 'softmax' } }) };
}

// ------------------------------------------------------------------------------------------------------- masks of keys

/** The positions of time steps: an open number of them, or known ones; null for other values. */
function positionsOf(value: Value): { steps: Size; column: boolean } | null {
  if (value.kind === 'positions') return value;
  if (value.kind !== 'ints' || !value.values.every((position, n) => position === n)) return null;
  const [steps, one] = value.dims;
  const column = value.dims.length === 2 && one === 1;
  return value.dims.length === 1 || column ? { steps: steps!, column } : null;
}

/** Compares the positions of keys with those of queries. */
export function comparePositions(node: NodeReader, keyIndex: 0 | 1): Value {
  const values = [node.value(keyIndex), node.value(1 - keyIndex)];
  const unknown = values.find(({ kind }) => kind === 'unknown');
  if (unknown) return unknown;
  const [keys, queries] = values.map(positionsOf);
  if (keys && queries && !keys.column && queries.column) {
    return { kind: 'causal', queries: queries.steps, keys: keys.steps };
  }
  const why = `must compare the positions of keys with those of queries, got ${values.map(nameOf).join(' and ')}`;
  return { kind: 'unknown', why: node.why(why) };
}

/** The positions as a column. */
export function unsqueezePositions(node: NodeReader): Value {
  const value = node.value(0);
  const axes = node.list('axes', 1)?.map(axis => node.axis(axis, 2));
  if (value.kind === 'positions' && !value.column && axes?.join() === '1') return { ...value, column: true };
  return { kind: 'unknown', why: node.why('must make a column of positions, got another shape') };
}

/** Scores of hidden keys must be at most this, or lower by this. */
const HIDDEN = -1e9;

/** The score of a key that multi-head attention hides. */
const LEAST = Math.fround(-2.372671e38);

/** Hides keys from queries: later ones, and masked ones. */
export function hideKeys(node: NodeReader): Value {
  const [condition, hidden] = [node.value(0), node.value(2)];
  for (const value of [condition, hidden]) if (value.kind === 'unknown') return value;
  const visible = visibleOf(condition);
  if (!visible) {
    const why = `its condition must be a causal mask or a mask of attention scores, got ${nameOf(condition)}`;
    return { kind: 'unknown', why: node.why(why) };
  }
  const output = node.layerOutput(1);
  const [{ chain }] = output.parts as [(typeof output.parts)[0]];
  const scores = scoresOf(chain);
  const rank = output.axes.length;
  const axes = output.axes.slice(-2).join();
  if (!scores || axes !== 'time,width') node.fail('must hide scores of attention, got another output of a layer');
  const { causal, keys, queries } = visible;
  const sizes = [rank - 2, rank - 1].map(axis => sizeOfAxis(output, axis));
  if (causal && (sizes[0] !== causal.queries || sizes[1] !== causal.keys)) {
    const got = `${causal.queries} queries and ${causal.keys} keys`;
    node.fail(`its condition must be for ${sizes[0]} queries and ${sizes[1]} keys, got ${got}`);
  }
  const number = onlyNumber(hidden);
  const lowered =
    hidden.kind === 'layerOutput' &&
    hidden.parts[0]!.chain === chain &&
    hidden.formula.text === plus(output.formula, constant(HIDDEN)).text;
  const isMasked = keys.length + queries.length > 0;
  if (isMasked) expectMasks(node, scores, visible, rank, lowered ? hidden.formula.offset : number);
  else if (!lowered && !(typeof number === 'number' && number <= HIDDEN)) {
    node.fail(`the scores of hidden keys must be at most ${HIDDEN}, or lower by that, got ${nameOf(hidden)}`);
  }
  const options = { ...scores.options, ...(causal && { useCausalMask: true }) };
  const more = isMasked ? { hidden: { keys, queries, factor: output.formula } } : {};
  const origin = { kind: 'scores', scores: { ...scores, options, ...more } } as const;
  const made = startOf(node, origin, [scores.query, scores.key], chain.steps, chain.width);
  return { ...output, parts: [{ chain: made, half: null }], otherwise: null };
}

/** Checks the masks of scores, and what is in the place of hidden scores: only then are rows without visible keys the same. */
function expectMasks(node: NodeReader, scores: Scores, visible: Visible, rank: number, instead: Size | null): void {
  const heads = scores.factory === 'multiHeadAttention';
  if (visible.rank !== rank) node.fail(`its condition must have ${rank} axes, got ${visible.rank}`);
  if (scores.hidden || scores.options.useCausalMask) node.fail('must hide keys once, got a second mask');
  if (visible.keys.length > (heads ? 2 : 1) || visible.queries.length > (heads ? 1 : 0)) {
    node.fail('its condition must be the masks of value, and of query and key with several heads, got other masks');
  }
  if (instead !== (heads ? LEAST : HIDDEN)) {
    const rule = heads ? `must be ${LEAST}` : `must be lower by ${-HIDDEN}`;
    node.fail(`the scores of masked keys ${rule}, got ${instead ?? 'something else'}`);
  }
}

/** Fails if masked scores are multiplied by a number after the masked ones have been replaced. */
export function expectSameFactor(node: NodeReader, { scores, scale }: AttentionWeights): void {
  const { factor } = scores.hidden ?? { factor: scale };
  if (factor.scale !== scale.scale) node.fail('the scores must be multiplied by numbers before masked keys are hidden');
}
