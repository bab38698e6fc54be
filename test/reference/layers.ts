// The layers that are neither recurrent nor dense, in plain float64.
//
//   B batch, T time, D width

import { type ActivationName, activate, derive, type RowActivationName } from './activations.ts';
import { type Block, block, sizeOf } from './block.ts';
import { dropoutMask, normalNumbers, seedBits } from './dropout.ts';

interface InputConfig {
  inputShape?: (number | null)[];
  batchInputShape?: (number | null)[];
}

export type OtherSpec =
  | { class: 'activation'; config: InputConfig & { activation: ActivationName | RowActivationName } }
  | { class: 'dropout'; config: InputConfig & { rate: number; seed: number; noiseShape?: (number | null)[] } }
  | { class: 'spatialDropout1d'; config: InputConfig & { rate: number; seed: number } }
  | { class: 'gaussianDropout'; config: InputConfig & { rate: number; seed: number } }
  | { class: 'gaussianNoise'; config: InputConfig & { stddev: number; seed: number } }
  | { class: 'leakyReLU' | 'elu'; config: InputConfig & { alpha: number } }
  | { class: 'thresholdedReLU'; config: InputConfig & { theta: number } }
  /** `steps` is the number of time steps of a sequence; absent for vectors. */
  | { class: 'prelu'; config: InputConfig & { sharedAxes?: number[] }; steps?: number }
  | { class: 'embedding'; config: InputConfig & { inputDim: number; outputDim: number; maskZero?: boolean } }
  | { class: 'masking'; config: InputConfig & { maskValue?: number } }
  | { class: 'repeatVector'; config: InputConfig & { n: number } }
  /** `width` is that of the output, which also depends on the number of steps. */
  | { class: 'flatten'; config: InputConfig; width: number }
  | { class: 'reshape'; config: InputConfig & { targetShape: number[] } }
  | { class: 'maxPooling1d' | 'averagePooling1d'; config: InputConfig & PoolingConfig }
  | { class: 'globalMaxPooling1d' | 'globalAveragePooling1d'; config: InputConfig }
  | { class: 'upSampling1d'; config: InputConfig & { size: number } }
  | { class: 'zeroPadding1d'; config: InputConfig & { padding: [number, number] } }
  | { class: 'cropping1d'; config: InputConfig & { cropping: [number, number] } }
  /** `width` is that of the output, the number of time steps. */
  | { class: 'permute'; config: InputConfig & { dims: number[] }; width: number };

interface PoolingConfig {
  poolSize: number;
  strides: number;
  padding: 'valid' | 'same';
}

/** A mask [B,T]: 1 for unmasked steps. */
export type Mask = Float64Array | null;

interface Pass {
  y: Block;
  /** Undefined to keep the mask of the input. */
  mask?: Mask;
  backward(dY: Float64Array): { dX: Float64Array; dWeights: Float64Array[] };
}

interface Layer {
  readonly width: number;
  readonly weights: Block[];
  training?: boolean;
  forward(x: Block, mask?: Mask): Pass;
}

/** A layer without weights, given its forward and backward passes. */
const weightless = (
  width: number,
  forward: (
    x: Block,
    training: boolean,
    mask: Mask,
  ) => { y: Block; mask?: Mask; backward(dY: Float64Array): Float64Array },
): Layer => ({
  width,
  weights: [],
  forward(x, mask = null) {
    const { backward, ...pass } = forward(x, this.training ?? false, mask);
    return { ...pass, backward: dY => ({ dX: backward(dY), dWeights: [] }) };
  },
});

export function otherLayerOf(spec: OtherSpec, width: number): Layer {
  switch (spec.class) {
    case 'activation':
      return weightless(width, x => activation(spec.config.activation, x));
    case 'dropout':
      return weightless(width, (x, training) => (training ? dropout(spec.config, x) : unchanged(x)));
    case 'spatialDropout1d': {
      const config = { ...spec.config, noiseShape: [null, 1, null] };
      return weightless(width, (x, training) => (training ? dropout(config, x) : unchanged(x)));
    }
    case 'gaussianDropout':
    case 'gaussianNoise':
      return weightless(width, (x, training) => (training ? gaussian(spec, x) : unchanged(x)));
    case 'leakyReLU': {
      const { alpha } = spec.config;
      return weightless(width, x => pointwise(x, v => (v > 0 ? [v, 1] : [alpha * v, alpha])));
    }
    case 'elu': {
      const { alpha } = spec.config;
      return weightless(width, x => pointwise(x, v => (v > 0 ? [v, 1] : [alpha * Math.expm1(v), alpha * Math.exp(v)])));
    }
    case 'thresholdedReLU': {
      const theta = Math.fround(spec.config.theta);
      return weightless(width, x => pointwise(x, v => (v > theta ? [v, 1] : [0, 0])));
    }
    case 'prelu':
      return prelu(spec, width);
    case 'embedding':
      return embedding(spec.config);
    case 'masking':
      return weightless(width, x => masking(spec.config.maskValue ?? 0, x));
    case 'repeatVector':
      return weightless(width, x => repeat(spec.config.n, x));
    case 'flatten':
      return weightless(spec.width, x => reshape(x, [x.shape[0]!, spec.width]));
    case 'reshape':
      return weightless(spec.config.targetShape.at(-1)!, x => reshape(x, [x.shape[0]!, ...spec.config.targetShape]));
    case 'maxPooling1d':
    case 'averagePooling1d': {
      const kind = spec.class === 'maxPooling1d' ? 'max' : 'mean';
      return weightless(width, x => pooled(kind, x, windowsOf(x.shape[1]!, spec.config), null));
    }
    case 'globalMaxPooling1d':
    case 'globalAveragePooling1d': {
      const kind = spec.class === 'globalMaxPooling1d' ? 'max' : 'mean';
      return weightless(width, (x, _, mask) => {
        const { y, ...rest } = pooled(kind, x, [[...Array(x.shape[1]!).keys()]], mask);
        return { y: block([x.shape[0]!, width], y.data), ...rest };
      });
    }
    case 'upSampling1d':
      return weightless(width, x => moved(x, x.shape[1]! * spec.config.size, t => Math.floor(t / spec.config.size)));
    case 'zeroPadding1d': {
      const [before, after] = spec.config.padding;
      return weightless(width, x => moved(x, x.shape[1]! + before + after, t => t - before));
    }
    case 'cropping1d': {
      const [before, after] = spec.config.cropping;
      return weightless(width, x => moved(x, x.shape[1]! - before - after, t => t + before));
    }
    case 'permute':
      return weightless(spec.width, x => {
        const [B, T, D] = x.shape as [number, number, number];
        return sums([B, D, T], x, (b, d, t) => [[(b * T + t) * D + d, 1]]);
      });
  }
}

/** Outputs [B,T',D'] that are each a weighted sum of inputs: their indices, with factors. */
function sums(
  shape: [number, number, number],
  x: Block,
  termsOf: (b: number, t: number, d: number) => [number, number][],
) {
  const [B, T, D] = shape;
  const terms = Array.from({ length: B * T * D }, (_, n) =>
    termsOf(Math.floor(n / (T * D)), Math.floor(n / D) % T, n % D),
  );
  return {
    y: block(
      shape,
      terms.map(list => list.reduce((sum, [i, factor]) => sum + factor * x.data[i]!, 0)),
    ),
    mask: null,
    backward(dY: Float64Array): Float64Array {
      const dX = new Float64Array(x.data.length);
      for (const [n, list] of terms.entries()) for (const [i, factor] of list) dX[i]! += factor * dY[n]!;
      return dX;
    },
  };
}

/** Each output step is an input step, or zeros if there is no such step. */
function moved(x: Block, steps: number, from: (t: number) => number) {
  const [B, T, D] = x.shape as [number, number, number];
  return sums([B, steps, D], x, (b, t, d) => {
    const source = from(t);
    return source >= 0 && source < T ? [[(b * T + source) * D + d, 1]] : [];
  });
}

/** The input steps of each window. With 'same', TensorFlow puts the smaller half of the padding first. */
function windowsOf(T: number, { poolSize, strides, padding }: PoolingConfig): number[][] {
  const count = padding === 'same' ? Math.ceil(T / strides) : Math.floor((T - poolSize) / strides) + 1;
  const before = padding === 'same' ? Math.floor(Math.max(0, (count - 1) * strides + poolSize - T) / 2) : 0;
  return Array.from({ length: count }, (_, n) =>
    Array.from({ length: poolSize }, (_, k) => n * strides - before + k).filter(t => t >= 0 && t < T),
  );
}

/** The mean or the maximum of the steps of each window that the mask counts; zeros if there are none. */
function pooled(kind: 'mean' | 'max', x: Block, windows: number[][], mask: Mask) {
  const [B, T, D] = x.shape as [number, number, number];
  return sums([B, windows.length, D], x, (b, n, d) => {
    const indices = windows[n]!.filter(t => !mask || mask[b * T + t]).map(t => (b * T + t) * D + d);
    if (kind === 'mean') return indices.map(i => [i, 1 / indices.length]);
    const most = Math.max(...indices.map(i => x.data[i]!));
    return indices
      .filter(i => x.data[i] === most)
      .map((i): [number, number] => [i, 1])
      .slice(0, 1);
  });
}

const unchanged = (y: Block) => ({ y, backward: (dY: Float64Array) => dY });

/** The same numbers in another shape. */
const reshape = (x: Block, shape: number[]) => ({ ...unchanged(block(shape, x.data)), mask: null });

function activation(name: ActivationName | RowActivationName, x: Block) {
  const U = x.shape.at(-1)!;
  const y = activate(name, x.data, U);
  return { y: block(x.shape, y), backward: (dY: Float64Array) => derive(name, x.data, y, dY, U) };
}

/** A function that gives y and its slope for each number. */
function pointwise(x: Block, f: (v: number) => [number, number]) {
  const results = Array.from(x.data, f);
  return {
    y: block(
      x.shape,
      results.map(([y]) => y),
    ),
    backward: (dY: Float64Array) => dY.map((d, n) => d * results[n]![1]),
  };
}

/** The random numbers of the first batch for the numbers of x, drawn in the order [T,B,D padded to 4]; T = 1 if shared. */
function noiseFor(x: Block, shared: boolean, draw: (n: number) => Float32Array): Float64Array {
  const [B, T, D] = x.shape.length === 3 ? (x.shape as [number, number, number]) : [x.shape[0]!, 1, x.shape[1]!];
  const width = Math.ceil(D / 4) * 4;
  const numbers = draw((shared ? 1 : T) * B * width);
  return x.data.map((_, n) => {
    const [b, t, d] = [Math.floor(n / (T * D)), Math.floor(n / D) % T, n % D];
    return numbers[((shared ? 0 : t) * B + b) * width + d]!;
  });
}

function dropout(config: { rate: number; seed: number; noiseShape?: (number | null)[] }, x: Block) {
  const mask = noiseFor(x, config.noiseShape?.[1] === 1, n => dropoutMask(n, seedBits(config.seed), 0, config.rate));
  const apply = (values: Float64Array) => values.map((value, n) => value * mask[n]!);
  return { y: block(x.shape, apply(x.data)), backward: apply };
}

function gaussian(spec: Extract<OtherSpec, { class: 'gaussianDropout' | 'gaussianNoise' }>, x: Block) {
  const adds = spec.class === 'gaussianNoise';
  const deviation = adds ? spec.config.stddev : Math.sqrt(spec.config.rate / (1 - spec.config.rate));
  const seed = seedBits(spec.config.seed);
  const noise = noiseFor(x, false, n => normalNumbers(n, seed, 0, adds ? 0 : 1, deviation));
  const scaled = (values: Float64Array) => values.map((value, n) => value * noise[n]!);
  if (!adds) return { y: block(x.shape, scaled(x.data)), backward: scaled };
  return {
    y: block(
      x.shape,
      x.data.map((value, n) => value + noise[n]!),
    ),
    backward: (dY: Float64Array) => dY,
  };
}

/** Slopes alpha of the shape of a sample, with sizes of 1 for shared axes. */
function prelu({ config, steps }: Extract<OtherSpec, { class: 'prelu' }>, D: number): Layer {
  const shared = config.sharedAxes ?? [];
  const shape = (steps === undefined ? [D] : [steps, D]).map((size, n) => (shared.includes(n + 1) ? 1 : size));
  const weights = [block(shape)];
  const [rows, columns] = [shape.length === 2 ? shape[0]! : 1, shape.at(-1)!];
  /** The index of the slope of a number. */
  const slopeOf = (n: number) => {
    const [t, d] = [Math.floor(n / D) % (steps ?? 1), n % D];
    return (rows === 1 ? 0 : t) * columns + (columns === 1 ? 0 : d);
  };
  return {
    width: D,
    weights,
    forward(x) {
      const alpha = weights[0]!.data;
      return {
        y: block(
          x.shape,
          x.data.map((v, n) => (v > 0 ? v : alpha[slopeOf(n)]! * v)),
        ),
        backward(dY) {
          const dAlpha = new Float64Array(alpha.length);
          for (const [n, v] of x.data.entries()) if (!(v > 0)) dAlpha[slopeOf(n)]! += v * dY[n]!;
          return { dX: dY.map((d, n) => (x.data[n]! > 0 ? d : alpha[slopeOf(n)]! * d)), dWeights: [dAlpha] };
        },
      };
    },
  };
}

function embedding({
  inputDim: V,
  outputDim: U,
  maskZero = false,
}: {
  inputDim: number;
  outputDim: number;
  maskZero?: boolean;
}): Layer {
  const weights = [block([V, U])];
  return {
    width: U,
    weights,
    forward(x) {
      const table = weights[0]!.data;
      const y = block([...x.shape, U]);
      x.data.forEach((id, n) => {
        y.data.set(table.subarray(id * U, (id + 1) * U), n * U);
      });
      return {
        y,
        mask: maskZero ? x.data.map(id => Number(id !== 0)) : null,
        backward(dY) {
          const dTable = new Float64Array(V * U);
          dY.forEach((d, n) => {
            dTable[x.data[Math.floor(n / U)]! * U + (n % U)]! += d;
          });
          return { dX: new Float64Array(x.data.length), dWeights: [dTable] };
        },
      };
    },
  };
}

function masking(maskValue: number, x: Block) {
  const D = x.shape[2]!;
  const value = Math.fround(maskValue);
  const mask = new Float64Array(sizeOf(x.shape) / D).map((_, n) =>
    Number(x.data.subarray(n * D, (n + 1) * D).some(feature => feature !== value)),
  );
  const apply = (values: Float64Array) => values.map((v, n) => (mask[Math.floor(n / D)] ? v : 0));
  return { y: block(x.shape, apply(x.data)), mask, backward: apply };
}

function repeat(n: number, x: Block) {
  const [B, D] = x.shape as [number, number];
  return {
    y: block(
      [B, n, D],
      Float64Array.from({ length: B * n * D }, (_, i) => x.data[Math.floor(i / (n * D)) * D + (i % D)]!),
    ),
    mask: null,
    backward: (dY: Float64Array) =>
      Float64Array.from({ length: B * D }, (_, i) => {
        const from = Math.floor(i / D) * n * D + (i % D);
        return Array.from({ length: n }, (_, t) => dY[from + t * D]!).reduce((sum, d) => sum + d, 0);
      }),
  };
}
