/** The layers of random graphs in plain float64, forward only, with masks as Keras 3 computes them. */

import { type ActivationName, activate, type RowActivationName } from '../reference/activations.ts';
import { attend, columns, project } from '../reference/attention.ts';
import { type Block, block } from '../reference/block.ts';
import { convForward, windowStarts } from '../reference/conv1d.ts';
import { denseForward } from '../reference/dense.ts';
import { dropoutMask, seedBits } from '../reference/dropout.ts';
import { concatenate, dot, merge } from '../reference/merging.ts';
import { batchNormalization, layerNormalization } from '../reference/normalization.ts';
import { computeRecurrent } from './recurrent.ts';
import { dotAxes, poolWindows } from './shapes.ts';
import type { AttentionConfig, LayerSpec, MultiHeadConfig, Signal } from './spec.ts';

/** Dropout of the n-th training batch, with the random numbers of the kernel in its layout. */
export function dropOut(
  { rate, seed }: LayerSpec & { kind: 'dropout' },
  { values, mask }: Signal,
  batch: number,
): Signal {
  const { shape, data } = values;
  const [B, D] = [shape[0]!, shape.at(-1)!];
  const T = data.length / (B * D);
  const row = Math.ceil(D / 4) * 4;
  const factors = dropoutMask(T * B * row, seedBits(seed), batch, rate);
  const dropped = data.map((value, n) => {
    const [b, t, d] = [Math.floor(n / (T * D)), Math.floor(n / D) % T, n % D];
    return value * factors[(t * B + b) * row + d]!;
  });
  return { values: block(shape, dropped), mask };
}

/** The outputs of a layer that is not a model; its initial states come after its inputs. */
export function compute(spec: LayerSpec, weights: readonly Block[], inputs: readonly Signal[]): Signal[] {
  const [{ values: x, mask }, ...more] = inputs as [Signal, ...Signal[]];
  const [B] = x.shape as [number];
  const width = x.shape.at(-1)!;
  const plain = (shape: readonly number[], values: ArrayLike<number>) => [{ values: block(shape, values), mask: null }];
  switch (spec.kind) {
    case 'recurrent':
    case 'bidirectional':
      return computeRecurrent(
        spec,
        weights,
        inputs[0]!,
        more.map(({ values }) => values),
      );
    case 'dense': {
      const [kernel, bias = null] = weights.map(({ data }) => data) as [Float64Array, Float64Array?];
      const sizes = { M: x.data.length / width, D: width, U: spec.units };
      const z = denseForward({ sizes, x: x.data, kernel, bias });
      return [{ ...activated(spec.activation, [...x.shape.slice(0, -1), spec.units], z), mask }];
    }
    case 'conv1d': {
      const [kernel, bias = null] = weights.map(({ data }) => data) as [Float64Array, Float64Array?];
      const sizes = { ...spec, B, D: width, N: spec.filters, steps: x.shape[1]! };
      const y = convForward({ sizes, x: x.data, kernel, bias, activation: spec.activation });
      return plain([B, windowStarts(sizes).length, spec.filters], y);
    }
    case 'maxPooling1d':
    case 'averagePooling1d': {
      const y = pool(spec, x);
      return plain([B, y.length / (B * width), width], y);
    }
    case 'prelu':
      return [
        {
          values: block(
            x.shape,
            x.data.map((v, n) => (v < 0 ? v * weights[0]!.data[n % width]! : v)),
          ),
          mask,
        },
      ];
    case 'layerNormalization':
      return [{ values: layerNormalization(normalizationOf(spec, weights, x)).y, mask }];
    case 'batchNormalization': {
      const moving = weights.slice(-2).map(({ data }) => data) as [Float64Array, Float64Array];
      return [{ values: batchNormalization(normalizationOf(spec, weights, x), null, moving).y, mask }];
    }
    case 'activation':
      return [{ ...activated(spec.activation, x.shape, x.data), mask }];
    case 'embedding': {
      const y = block([...x.shape, spec.outputDim]);
      for (let n = 0; n < y.data.length; n++) {
        const id = x.data[Math.floor(n / spec.outputDim)]!;
        y.data[n] = weights[0]!.data[id * spec.outputDim + (n % spec.outputDim)]!;
      }
      return [{ values: y, mask: spec.maskZero ? x.data.map(id => Number(id !== 0)) : null }];
    }
    case 'masking':
      return [masking(x)];
    case 'dropout':
      throw new Error('compute: dropout depends on the batch');
    case 'repeatVector': {
      const size = spec.n * width;
      const y = Float64Array.from({ length: B * size }, (_, n) => x.data[Math.floor(n / size) * width + (n % width)]!);
      return plain([B, spec.n, width], y);
    }
    case 'flatten':
      return plain([B, x.data.length / B], x.data);
    case 'reshape':
      return plain([B, ...spec.targetShape], x.data);
    case 'merge':
      return [merged(inputs, merge(spec.name, masked(inputs)))];
    case 'concatenate':
      return [concatenated(inputs, spec.axis === 1 && x.shape.length === 3)];
    case 'dot': {
      const [a, b] = inputs.map(({ values }) => values) as [Block, Block];
      const axes = dotAxes(spec.axes, [a.shape.length, b.shape.length]);
      const rest = [a, b].flatMap(({ shape }, n) => shape.filter((_, axis) => axis > 0 && axis !== axes[n]));
      return plain([B, ...(rest.length > 0 ? rest : [1])], dot(a, b, axes, spec.normalize).data);
    }
    case 'attention':
    case 'additiveAttention':
      return sequenceAttention(spec.kind, spec.config, weights, inputs);
    case 'multiHeadAttention':
      return [multiHeadAttention(spec.config, weights, inputs)];
    case 'model':
      throw new Error('compute: a model is computed call by call');
  }
}

/** A batch normalization in training: mean and variance are those of the rows that are not masked. */
export function normalizeBatch(
  spec: LayerSpec & { kind: 'batchNormalization' },
  weights: readonly Block[],
  { values, mask }: Signal,
): Signal {
  return { values: batchNormalization(normalizationOf(spec, weights, values), mask).y, mask };
}

const normalizationOf = (
  { center, scale, epsilon }: { center: boolean; scale: boolean; epsilon: number },
  weights: readonly Block[],
  x: Block,
) => ({
  x,
  epsilon,
  gamma: scale ? weights[0]!.data : null,
  beta: center ? weights[Number(scale)]!.data : null,
});

/** Maxima or means of the steps of each window that exist. */
function pool(spec: LayerSpec & { kind: 'maxPooling1d' | 'averagePooling1d' }, { shape, data }: Block): Float64Array {
  const [B, steps, width] = shape as [number, number, number];
  const starts = windowStarts(poolWindows(spec, steps));
  return Float64Array.from({ length: B * starts.length * width }, (_, n) => {
    const [b, t, d] = [Math.floor(n / (starts.length * width)), Math.floor(n / width) % starts.length, n % width];
    const window = Array.from({ length: spec.poolSize }, (_, k) => starts[t]! + k)
      .filter(step => step >= 0 && step < steps)
      .map(step => data[(b * steps + step) * width + d]!);
    return spec.kind === 'maxPooling1d'
      ? Math.max(...window)
      : window.reduce((sum, value) => sum + value, 0) / window.length;
  });
}

const activated = (activation: ActivationName | RowActivationName, shape: readonly number[], logits: Float64Array) => ({
  values: block(shape, activate(activation, logits, shape.at(-1)!)),
  ...((activation === 'softmax' || activation === 'sigmoid') && { logits, activation }),
});

const masked = (inputs: readonly Signal[]) => inputs.map(({ values, mask }) => ({ values, mask: mask ?? undefined }));

function masking(x: Block): Signal {
  const D = x.shape[2]!;
  const mask = Float64Array.from({ length: x.data.length / D }, (_, row) =>
    Number(x.data.subarray(row * D, (row + 1) * D).some(value => value !== 0)),
  );
  return { values: x, mask };
}

function merged(inputs: readonly Signal[], { y, mask }: ReturnType<typeof merge>): Signal {
  const shapes = inputs.map(({ values }) => values.shape);
  const B = shapes[0]![0]!;
  const steps = Math.max(...shapes.map(shape => (shape.length === 3 ? shape[1]! : 1)));
  const width = y.length / (B * steps);
  return { values: block(shapes.some(({ length }) => length === 3) ? [B, steps, width] : [B, width], y), mask };
}

function concatenated(inputs: readonly Signal[], alongTime: boolean): Signal {
  const { y, mask } = concatenate(masked(inputs), alongTime);
  const shape = [...inputs[0]!.values.shape];
  const axis = alongTime ? 1 : shape.length - 1;
  shape[axis] = inputs.reduce((sum, { values }) => sum + values.shape[axis]!, 0);
  return { values: block(shape, y), mask };
}

const product = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  let sum = 0;
  for (let n = 0; n < a.length; n++) sum += a[n]! * b[n]!;
  return sum;
};

/** Query, value and key, which is the value if there is none. */
const operands = ([query, value, key = value]: readonly Signal[]) => [query, value, key] as [Signal, Signal, Signal];

const isSeen = (mask: ArrayLike<number> | null, n: number) => (mask?.[n] ?? 1) !== 0;

/** Masked keys get 1e9 less; the output is zero where the query is masked. */
function sequenceAttention(
  kind: 'attention' | 'additiveAttention',
  { useScale, scoreMode, useCausalMask, returnAttentionScores }: AttentionConfig,
  weights: readonly Block[],
  inputs: readonly Signal[],
): Signal[] {
  const [query, value, key] = operands(inputs);
  const S = value.values.shape[1]!;
  const scale = useScale ? weights[0]!.data : null;
  const sums = scoreMode === 'concat' || kind === 'additiveAttention';
  const score = (q: ArrayLike<number>, k: ArrayLike<number>) => {
    if (!sums) return (scale?.[0] ?? 1) * product(q, k);
    const factor = kind === 'attention' ? (scale?.[0] ?? 1) : 1;
    const gain = kind === 'attention' ? weights.at(-1)!.data : scale;
    let sum = 0;
    for (let d = 0; d < q.length; d++) {
      sum += (gain?.[gain.length === 1 ? 0 : d] ?? 1) * Math.tanh(factor * (q[d]! + k[d]!));
    }
    return sum;
  };
  const { y, weights: scores } = attend(query.values, value.values, key.values, {
    score,
    isVisible: (b, i, j) => isSeen(value.mask, b * S + j) && (!useCausalMask || j <= i),
    replacesMasked: false,
  });
  const width = y.shape.at(-1)!;
  const zeroed = y.data.map((number, n) => (isSeen(query.mask, Math.floor(n / width)) ? number : 0));
  const output = { values: block(y.shape, zeroed), mask: query.mask };
  return returnAttentionScores ? [output, { values: scores, mask: null }] : [output];
}

/** Scores of masked queries and keys are replaced by the least number. */
function multiHeadAttention(
  { numHeads, keyDim, valueDim, useBias, useCausalMask }: MultiHeadConfig,
  weights: readonly Block[],
  inputs: readonly Signal[],
): Signal {
  const [query, value, key] = operands(inputs);
  const [T, S] = [query.values.shape[1]!, value.values.shape[1]!];
  const step = useBias ? 2 : 1;
  const projected = (x: Block, n: number) => {
    const kernel = weights[n * step]!;
    return project(x, block([x.shape.at(-1)!, kernel.data.length / x.shape.at(-1)!], kernel.data), bias(n));
  };
  const bias = (n: number) => (useBias ? weights[n * step + 1] : undefined);
  const [q, k, v] = [projected(query.values, 0), projected(key.values, 1), projected(value.values, 2)];
  const context = block([...q.shape.slice(0, 2), numHeads * valueDim]);
  for (let head = 0; head < numHeads; head++) {
    const [own, keys] = [q, k].map(x => columns(x, head * keyDim, keyDim)) as [Block, Block];
    const { y } = attend(own, columns(v, head * valueDim, valueDim), keys, {
      score: (a, b) => product(a, b) / Math.sqrt(keyDim),
      isVisible: (b, i, j) =>
        isSeen(query.mask, b * T + i) &&
        isSeen(value.mask, b * S + j) &&
        isSeen(key.mask, b * S + j) &&
        (!useCausalMask || j <= i),
      replacesMasked: true,
    });
    for (let n = 0; n < y.data.length; n++) {
      context.data[Math.floor(n / valueDim) * numHeads * valueDim + head * valueDim + (n % valueDim)] = y.data[n]!;
    }
  }
  return { values: projected(context, 3), mask: query.mask };
}
