/** Attention with several heads: the features of projected queries, keys and values are divided among the heads. */

import { expectSameFactor, weightsOf } from './attentionScores.ts';
import { constant, identity, isScaled, times } from './formula.ts';
import { inTimeOrder } from './insertedLayers.ts';
import { merged, startOf } from './mergeOutputs.ts';
import type { NodeReader } from './nodeReader.ts';
import type { Size } from './sizes.ts';
import {
  type Axis,
  type Chain,
  type Floats,
  type LayerOutput,
  type LayerWeights,
  layerOutputOf,
  type Mask,
  type Projection,
  sizeOfAxis,
} from './values.ts';

/** Divides the features among heads, or joins those of all heads again, if a target shape does so. */
export function withHeads(node: NodeReader, output: LayerOutput, target: readonly Size[]): LayerOutput[] {
  const { axes, heads, ...rest } = output;
  if (axes.at(-2) === 'head' && axes.at(-1) === 'depth') return [{ ...rest, axes: [...axes.slice(0, -2), 'width'] }];
  const { width } = output.parts[0]!.chain;
  if (axes.length !== 3 || axes[2] !== 'width' || target.length !== 4 || typeof width !== 'number') return [];
  const [given, depth] = target.slice(-2);
  const count = given === -1 ? width / Number(depth) : given;
  if (typeof count !== 'number' || !Number.isInteger(count) || count < 1 || width % count !== 0) return [];
  const from = isScaled(output.formula) ? output : node.withLayers(output);
  return [{ ...from, axes: [...axes.slice(0, 2), 'head', 'depth'], heads: count }];
}

/** The projection of a query, key or value to the features of all heads. */
function projectionOf(node: NodeReader, which: string, { parts }: LayerOutput): Projection {
  const [{ chain }] = parts as [LayerOutput['parts'][0]];
  const { spec, below } = chain;
  if (spec?.factory !== 'dense' || spec.options.activation !== 'linear' || !below) {
    return node.fail(`its ${which} must be a dense layer without activation, got another output`);
  }
  const [kernel, bias] = spec.weights[0]!;
  const input = inTimeOrder(node, layerOutputOf(below, ['batch', 'time', 'width'])).parts[0]!.chain;
  return { input, kernel: kernel!, bias: bias ?? null, sources: spec.sources! };
}

const QUERIES = 'batch,head,time,depth';

/** Multiplies queries by keys, or attention weights by values, for each head. */
export function multiplyHeads(node: NodeReader, a: LayerOutput, b: LayerOutput): LayerOutput {
  const [left, right] = [a.axes.join(), b.axes.join()];
  if (a.heads !== b.heads) node.fail(`must have the same number of heads, got ${a.heads ?? 0} and ${b.heads ?? 0}`);
  if (left === QUERIES && right === 'batch,head,depth,time') return headScores(node, a, b);
  if (left === 'batch,head,time,width' && right === QUERIES) return mixValues(node, a, b);
  const rule = `must multiply [${QUERIES}] by [batch,head,depth,time], or attention weights by [${QUERIES}]`;
  return node.fail(`${rule}, got [${left}] and [${right}]`.replaceAll(',', ', ').replaceAll(',  ', ', '));
}

function headScores(node: NodeReader, a: LayerOutput, b: LayerOutput): LayerOutput {
  if (!isScaled(a.formula) || !isScaled(b.formula)) node.fail('must multiply queries by keys without activations');
  const [query, key] = [projectionOf(node, 'query', a), projectionOf(node, 'key', b)];
  const [keyDim, other] = [sizeOfAxis(a, 3), sizeOfAxis(b, 2)];
  if (keyDim !== other) node.fail(`the heads of query and key must have equal sizes, got ${keyDim} and ${other}`);
  const scores = {
    factory: 'multiHeadAttention',
    options: { numHeads: a.heads!, keyDim },
    query: query.input,
    key: key.input,
    weights: [],
    sources: [],
    projections: [query, key],
  } as const;
  const [{ steps }, { steps: keys }] = [query.input, key.input];
  const chain = startOf(node, { kind: 'scores', scores }, [query.input, key.input], steps, keys!);
  const formula = times(identity, constant(a.formula.scale * b.formula.scale));
  return { ...layerOutputOf(chain, ['batch', 'head', 'time', 'width']), formula, heads: a.heads! };
}

function mixValues(node: NodeReader, a: LayerOutput, b: LayerOutput): LayerOutput {
  const weights = weightsOf(a.parts[0]!.chain, a.formula);
  if (weights?.scores.factory !== 'multiHeadAttention') {
    return node.fail('must multiply a Softmax of the scores of queries and keys by values, got something else');
  }
  const { scores, scale } = weights;
  expectSameFactor(node, weights);
  const expected = (scores.options.keyDim as number) ** -0.5;
  if (Math.abs(scale.scale / expected - 1) > 1e-6) {
    const rule = 'the scores of several heads must be divided by the square root of their features';
    node.fail(`${rule}, a factor of ${expected}, got ${scale.scale}`);
  }
  if (b.formula.text !== identity.text) node.fail('its values must be a dense layer without activation');
  const value = projectionOf(node, 'value', b);
  const [keys, values] = [scores.key.steps, value.input.steps];
  if (typeof keys === 'number' && typeof values === 'number' && keys !== values) {
    node.fail(`the number of keys and of values must be equal, got ${keys} and ${values}`);
  }
  const origin = { kind: 'heads', scores, value, valueDim: sizeOfAxis(b, 3) as number } as const;
  const { steps } = scores.query;
  const chain = startOf(node, origin, [scores.query, scores.key, value.input], steps, b.parts[0]!.chain.width);
  return { ...layerOutputOf(chain, QUERIES.split(',') as Axis[]), heads: a.heads! };
}

/** The attention layer whose heads are projected by a kernel; null if the output does not consist of heads. */
export function projectHeads(node: NodeReader, x: LayerOutput, kernel: Floats): LayerOutput | null {
  const [{ chain }] = x.parts as [LayerOutput['parts'][0]];
  if (chain.spec || chain.origin?.kind !== 'heads') return null;
  if (x.axes.join() !== 'batch,time,width' || x.formula.text !== identity.text || chain.flipped) {
    node.fail(`its input must be the heads side by side, [batch, time, width], got [${x.axes.join(', ')}]`);
  }
  const [, units = 0] = kernel.dims;
  node.expectShape('its kernel', kernel, [node.widthOf(chain), units]);
  if (units === 0) node.fail('its kernel must have at least one number, got none');
  return { ...x, parts: [{ chain: headsLayer(node, chain, kernel, null), half: null }] };
}

function headsLayer(node: NodeReader, heads: Chain, kernel: Floats, bias: Floats | null): Chain {
  if (heads.origin?.kind !== 'heads') return node.fail('its input must be heads of attention');
  const { scores, value, valueDim } = heads.origin;
  const [query, key] = scores.projections as [Projection, Projection];
  const { numHeads, keyDim } = scores.options as { numHeads: number; keyDim: number };
  const output: Projection = { input: heads, kernel, bias, sources: bias ? [kernel, bias] : [kernel] };
  const all = [query, key, value, output];
  const useBias = all.some(projection => projection.bias !== null);
  const units = kernel.dims[1]!;
  const weights = all.flatMap((projection, n): LayerWeights[] => {
    const isOutput = projection === output;
    const depth = n < 2 ? keyDim : valueDim;
    const inputs = projection.kernel.dims[0]!;
    const { values } = projection.kernel;
    const dims = isOutput ? [numHeads, depth, units] : [inputs, numHeads, depth];
    const count = isOutput ? units : numHeads * depth;
    node.spend(values.length + count);
    if (!useBias) return [{ dims, values }];
    const added = projection.bias?.values ?? new Float32Array(count);
    return [
      { dims, values },
      { dims: isOutput ? [units] : [numHeads, depth], values: added },
    ];
  });
  const options = {
    ...scores.options,
    valueDim,
    useBias,
    ...(units !== query.input.width && { outputShape: units }),
  };
  const isShared = value.input === key.input;
  const inputs = isShared ? [query.input, value.input] : [query.input, value.input, key.input];
  const [queryMask = null] = scores.hidden?.queries ?? [];
  const masks = [queryMask, ...keyMasks(node, scores.hidden?.keys ?? [], inputs.slice(1))];
  const more = {
    name: node.name.replace(/\/attentionOutput(\/sum)?$/, ''),
    weights,
    sources: all.flatMap(({ sources }) => sources),
    ...(!bias && { withBias: (added: Floats) => headsLayer(node, heads, kernel, added) }),
    masks,
  };
  return merged(node, 'multiHeadAttention', options, inputs, query.input.steps, units, more, queryMask);
}

/** The masks of value and key, of which a key needs both. */
function keyMasks(node: NodeReader, keys: readonly Mask[], inputs: readonly Chain[]): (Mask | null)[] {
  const isOwn = (mask: Mask) => inputs.some(input => input.mask?.key === mask.key);
  const others = keys.filter(mask => !isOwn(mask));
  const masks = inputs.map(({ mask }) => (mask && keys.some(({ key }) => key === mask.key) ? mask : others.shift()));
  if (others.length > 0) node.fail('its masks of keys must be those of value and key, got other masks');
  return masks.map(mask => mask ?? null);
}
