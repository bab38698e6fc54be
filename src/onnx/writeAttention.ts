/** Converts the attention layers to products and a softmax. */

import { AdditiveAttention, Attention } from '../layers/attention.ts';
import type { AttentionLayer } from '../layers/attentionLayer.ts';
import { MultiHeadAttention } from '../layers/multiHeadAttention.ts';
import { sizeOf } from '../util/shapes.ts';
import type { WriteContext, WrittenCall, WrittenValue } from './writeContext.ts';

/** The score of a masked key in multi-head attention, as in Keras. */
const LEAST = -2.372671e38;
/** What other attention subtracts from the score of a masked key, as Keras does. */
const PENALTY = 1e9;

/** Converts attention, additiveAttention and multiHeadAttention. Returns the output and the attention weights. */
export function writeAttention(context: WriteContext, layer: AttentionLayer, call: WrittenCall): WrittenValue[] {
  if (layer instanceof MultiHeadAttention) return [writeHeads(context, layer, call)];
  const { graph } = context;
  const { name, isRead } = call;
  const [query, value, key = value] = call.inputs as [WrittenValue, WrittenValue, WrittenValue?];
  const scores =
    layer instanceof Attention && layer.scoreMode === 'dot'
      ? dotScores(context, layer, name, query.value, key.value)
      : additiveScores(context, layer, name, query.value, key.value);
  // Only the mask of the value counts, as in Keras
  const visible = all(context, name, [
    value.mask && graph.add('Transpose', `${name}/keys`, [value.mask], SWAP_STEPS),
    layer.useCausalMask ? causal(context, name, query.value, value.value) : null,
  ]);
  const hidden = () => graph.add('Sub', `${name}/hidden`, [scores, graph.number(PENALTY)]);
  const weights = softmax(context, name, scores, visible, hidden);
  const mixed = isRead[0] ? graph.add('MatMul', name, [weights, value.value]) : '';
  const zeroed =
    isRead[0] && query.mask ? graph.add('Where', `${name}/counted`, [query.mask, mixed, graph.number(0)]) : mixed;
  return [
    { value: zeroed, mask: query.mask },
    { value: weights, mask: null },
  ];
}

const SWAP_STEPS = { perm: { ints: [0, 2, 1] } };
const LAST = { axis: { i: -1 } };

/** The scores of all queries and keys: their products, times a trained factor. */
function dotScores(context: WriteContext, layer: Attention, name: string, query: string, key: string): string {
  const { graph } = context;
  const [scale] = layer.useScale ? weightNames(context, layer) : [];
  const scaled = scale ? graph.add('Mul', `${name}/scaled`, [query, scale]) : query;
  const columns = graph.add('Transpose', `${name}/columns`, [key], SWAP_STEPS);
  return graph.add('MatMul', `${name}/scores`, [scaled, columns]);
}

/** The scores of all queries and keys: the sum of gain tanh(scale (query + key)) over the features. */
function additiveScores(
  context: WriteContext,
  layer: AttentionLayer,
  name: string,
  query: string,
  key: string,
): string {
  const { graph } = context;
  const names = weightNames(context, layer);
  const scale = layer instanceof Attention && layer.useScale ? names[0] : undefined;
  const gain = layer instanceof AdditiveAttention ? names[0] : names.at(-1);
  const queries = graph.add('Unsqueeze', `${name}/queries`, [query, graph.ints([2])]);
  const keys = graph.add('Unsqueeze', `${name}/keyRows`, [key, graph.ints([1])]);
  const sum = graph.add('Add', `${name}/sum`, [queries, keys]);
  const scaled = scale ? graph.add('Mul', `${name}/scaled`, [sum, scale]) : sum;
  const tanh = graph.add('Tanh', `${name}/tanh`, [scaled]);
  const features = gain ? graph.add('Mul', `${name}/features`, [tanh, gain]) : tanh;
  return graph.add('ReduceSum', `${name}/scores`, [features, graph.ints([3])], { keepdims: { i: 0 } });
}

/** The names of the weights, with the shapes that the products need. */
function weightNames(context: WriteContext, layer: AttentionLayer): string[] {
  return context.weights(layer, 'weights', () =>
    layer.readWeights(context.call).map((tensor, n) => {
      const { name, shape } = layer.weightSpecs[n]!;
      return context.graph.floats(`${layer.name}/${name}`, shape as number[], tensor.dataSync());
    }),
  );
}

// ------------------------------------------------------------------------------------------------------------- heads

function writeHeads(context: WriteContext, layer: MultiHeadAttention, call: WrittenCall): WrittenValue {
  const { graph } = context;
  const { name, inputs } = call;
  const { numHeads, keyDim, valueDim } = layer;
  const [query, value, key] = inputs as [WrittenValue, WrittenValue, WrittenValue?];
  const project = projections(context, layer, name);
  const heads = (which: Projection, x: string, width: number, perm: number[]) => {
    const split = graph.add('Reshape', `${name}/${which}/split`, [
      project(which, x),
      graph.ints([0, 0, numHeads, width]),
    ]);
    return graph.add('Transpose', `${name}/${which}/heads`, [split], { perm: { ints: perm } });
  };
  const queries = heads('query', query.value, keyDim, [0, 2, 1, 3]);
  const columns = heads('key', (key ?? value).value, keyDim, [0, 2, 3, 1]);
  const values = heads('value', value.value, valueDim, [0, 2, 1, 3]);
  const scaled = graph.add('Mul', `${name}/scaled`, [queries, graph.number(Math.fround(keyDim ** -0.5))]);
  const scores = graph.add('MatMul', `${name}/scores`, [scaled, columns]);
  const keyMasks = [value.mask, key?.mask ?? null];
  const masks = all(context, name, [
    ...keyMasks.map(mask => mask && graph.add('Transpose', `${name}/keys`, [mask], SWAP_STEPS)),
    query.mask,
  ]);
  const visible = all(context, name, [
    masks && graph.add('Unsqueeze', `${name}/visible`, [masks, graph.ints([1])]),
    layer.useCausalMask ? causal(context, name, query.value, value.value) : null,
  ]);
  const weights = softmax(context, name, scores, visible, () => graph.number(LEAST));
  const mixed = graph.add('MatMul', `${name}/mixed`, [weights, values]);
  const swapped = graph.add('Transpose', `${name}/side_by_side`, [mixed], { perm: { ints: [0, 2, 1, 3] } });
  const joined = graph.add('Reshape', `${name}/joined`, [swapped, graph.ints([0, 0, numHeads * valueDim])]);
  return { value: project('attentionOutput', joined), mask: query.mask };
}

const projectionNames = ['query', 'key', 'value', 'attentionOutput'] as const;
type Projection = (typeof projectionNames)[number];

/** Adds the nodes of dense projections, whose kernels become matrices. */
function projections(context: WriteContext, layer: MultiHeadAttention, name: string) {
  const { call, graph } = context;
  const count = layer.useBias ? 2 : 1;
  const tensors = context.weights(layer, 'projections', () =>
    layer.readWeights(call).map((tensor, n) => {
      const { name: own, shape } = layer.weightSpecs[n]!;
      const sizes = shape as number[];
      const isOutput = Math.floor(n / count) === projectionNames.indexOf('attentionOutput');
      const rows = isOutput ? sizeOf(sizes.slice(0, -1)) : sizes[0]!;
      const dims = n % count === 0 ? [rows, sizeOf(sizes) / rows] : [sizeOf(sizes)];
      return graph.floats(`${layer.name}/${own}`, dims, tensor.dataSync());
    }),
  );
  return (which: Projection, x: string): string => {
    const first = count * projectionNames.indexOf(which);
    const product = graph.add('MatMul', `${name}/${which}`, [x, tensors[first]!]);
    return layer.useBias ? graph.add('Add', `${name}/${which}/sum`, [product, tensors[first + 1]!]) : product;
  };
}

// ------------------------------------------------------------------------------------------------------------- masks

/** The conjunction of masks; null if there is none. */
function all({ graph }: WriteContext, name: string, masks: readonly (string | null)[]): string | null {
  const given = masks.filter(mask => mask !== null);
  return given.length === 0 ? null : given.reduce((a, b) => graph.add('And', `${name}/both`, [a, b]));
}

/** Whether query i sees key j, bool [T, S]: j is at most i. */
function causal({ graph }: WriteContext, name: string, query: string, value: string): string {
  const positions = (which: string, x: string) => {
    const shape = graph.add('Shape', `${name}/${which}/shape`, [x]);
    const steps = graph.add('Gather', `${name}/${which}/steps`, [shape, graph.ints([1], true)]);
    return graph.add('Range', `${name}/${which}/positions`, [graph.ints([0], true), steps, graph.ints([1], true)]);
  };
  const rows = graph.add('Unsqueeze', `${name}/rows`, [positions('query', query), graph.ints([1])]);
  return graph.add('LessOrEqual', `${name}/causal`, [positions('key', value), rows]);
}

/** The attention weights; `hidden` gives the scores of keys that are not visible. */
function softmax(
  { graph }: WriteContext,
  name: string,
  scores: string,
  visible: string | null,
  hidden: () => string,
): string {
  const shown = visible ? graph.add('Where', `${name}/shown`, [visible, scores, hidden()]) : scores;
  return graph.add('Softmax', `${name}/weights`, [shown], LAST);
}
