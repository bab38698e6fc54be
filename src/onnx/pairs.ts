/** Additive attention: the scores are sums of tanh(query + key) over the features. */

import { apply, constant, identity, isScaled, times } from './formula.ts';
import { operand, startOf } from './mergeOutputs.ts';
import type { NodeReader } from './nodeReader.ts';
import {
  type Floats,
  type LayerOutput,
  type LayerWeights,
  layerOutputOf,
  nameOf,
  type Pairs,
  type Scores,
  type Value,
} from './values.ts';

/** The sums of all queries and keys; null if the outputs have other axes. */
export function pairsOf(node: NodeReader, a: LayerOutput, b: LayerOutput): Pairs | null {
  if (!node.source.branches) return null;
  const ofQueries = (output: LayerOutput) => output.axes.join() === 'batch,time,one,width';
  const ofKeys = (output: LayerOutput) => output.axes.join() === 'batch,one,time,width';
  const [query, key] = ofQueries(a) ? [a, b] : [b, a];
  if (!ofQueries(query) || !ofKeys(key)) return null;
  const [queries, keys] = [query, key].map(output => operand(node, output).parts[0]!.chain);
  const [width, other] = [node.widthOf(queries!), node.widthOf(keys!)];
  if (width !== other) {
    node.fail(`query and key must have the same number of features, got ${width} and ${other}`);
  }
  return { kind: 'pairs', query: queries!, key: keys!, formula: identity, gain: null };
}

const hasTanh = ({ formula }: Pairs): boolean => formula.outer?.text === 'Tanh(x)';

/** The first input that is a sum of pairs, and the other input. */
function inputsOf(node: NodeReader): { pairs: Pairs; other: Value } {
  const [a, b] = [node.value(0), node.value(1)];
  if (a.kind === 'pairs') return { pairs: a, other: b };
  return b.kind === 'pairs'
    ? { pairs: b, other: a }
    : node.fail(`must have sums of queries and keys, got ${nameOf(a)}`);
}

/** Multiplies by a number, or, after the tanh, by a factor for each feature. */
export function scalePairs(node: NodeReader): Pairs {
  const { pairs, other } = inputsOf(node);
  if (other.kind !== 'floats') {
    return node.fail(`must multiply scores of attention by numbers of the file, got ${nameOf(other)}`);
  }
  const { dims, values } = other;
  const width = node.widthOf(pairs.query);
  if (dims.length > 4) node.fail(`must multiply by numbers of at most 4 axes, got ${dims.length}`);
  if (!hasTanh(pairs)) {
    if (values.length !== 1) node.fail(`must multiply by one number before the tanh, got ${values.length}`);
    return { ...pairs, formula: times(pairs.formula, constant(values[0]!, other)) };
  }
  if (pairs.gain) node.fail('must multiply by factors once after the tanh, got more');
  const fits = values.length === 1 || (values.length === width && dims.slice(0, -1).every(n => n === 1));
  if (!fits) node.fail(`must multiply by one number or one for each of ${width} features, got [${dims.join(', ')}]`);
  return { ...pairs, gain: other };
}

export function tanhOfPairs(node: NodeReader): Pairs {
  const pairs = node.value(0) as Pairs;
  if (!isScaled(pairs.formula)) node.fail('must have one tanh of query and key, got more');
  return { ...pairs, formula: apply('Tanh', pairs.formula) };
}

/** Sums over the features, which gives scores. */
export function sumOfPairs(node: NodeReader): LayerOutput {
  const pairs = node.value(0) as Pairs;
  const axes = node.list('axes', 1)?.map(axis => node.axis(axis, 4));
  if (axes?.join() !== '3' || node.int('keepdims', 1) !== 0) {
    node.fail('must sum query and key over the features, without keepdims, got something else');
  }
  return scoresFrom(node, pairs);
}

/** Multiplies by a column of factors, which sums over the features. */
export function columnOfPairs(node: NodeReader): Pairs {
  const pairs = node.value(0) as Pairs;
  const kernel = node.floats(1);
  const width = node.widthOf(pairs.query);
  node.expectShape('the factors of query and key', kernel, [width, 1]);
  if (!hasTanh(pairs) || pairs.gain) node.fail('must follow the tanh of query and key, got something else');
  return { ...pairs, gain: { ...kernel, dims: [width] }, isSummed: true };
}

export function squeezePairs(node: NodeReader): LayerOutput {
  const pairs = node.value(0) as Pairs;
  const axes = node.list('axes', 1)?.map(axis => node.axis(axis, 4));
  if (!pairs.isSummed || (axes && axes.join() !== '3')) {
    node.fail('must remove the last axis of scores of attention, got something else');
  }
  return scoresFrom(node, pairs);
}

function scoresFrom(node: NodeReader, pairs: Pairs): LayerOutput {
  const { query, key, formula } = pairs;
  if (!hasTanh(pairs)) node.fail('must sum the tanh of query and key, got something else');
  const layer = layerOf(node, pairs, formula.inner!.scale, formula.inner!.sources ?? []);
  const origin = { kind: 'scores', scores: { ...layer, query, key } } as const;
  return layerOutputOf(startOf(node, origin, [query, key], query.steps, key.steps!), ['batch', 'time', 'width']);
}

/** The layer that has the factors before and after the tanh. */
function layerOf(
  node: NodeReader,
  { query, gain }: Pairs,
  scale: number,
  scaledBy: readonly unknown[],
): Omit<Scores, 'query' | 'key'> {
  const isNumber = gain !== null && (gain.dims.length === 0 || (gain.values.length === 1 && query.width !== 1));
  if (isNumber) {
    const useScale = scaledBy.length > 0;
    return {
      factory: 'attention',
      options: { scoreMode: 'concat', useScale },
      weights: [...(useScale ? [numberOf(Float32Array.of(scale))] : []), numberOf(gain.values)],
      sources: [...scaledBy, gain],
    };
  }
  if (scaledBy.length > 0) node.fail('must multiply by one number after the tanh if there is one before it');
  return {
    factory: 'additiveAttention',
    options: { useScale: gain !== null },
    weights: gain ? [rowOf(node, gain)] : [],
    sources: gain ? [gain] : [],
  };
}

const numberOf = (values: Float32Array): LayerWeights => ({ dims: [], values });

function rowOf(node: NodeReader, { values }: Floats): LayerWeights {
  node.spend(values.length);
  return { dims: [values.length], values };
}
