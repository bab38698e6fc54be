// Batch and layer normalization in plain float64. The last axis has D features; rows are those of all samples and steps.

import { type Block, block } from './block.ts';

export interface NormalizationInputs {
  x: Block;
  epsilon?: number;
  /** Null for a layer without it. */
  gamma: Float64Array | null;
  beta: Float64Array | null;
}

export interface Normalized {
  y: Block;
  /** The normalized numbers, before gamma and beta. */
  hat: Float64Array;
  /** Of each column, or of each row. */
  mean: Float64Array;
  variance: Float64Array;
  backward(dY: ArrayLike<number>): { dX: Float64Array; dGamma: Float64Array; dBeta: Float64Array };
}

/** The statistics of a group of numbers, and how they were found. */
interface Group {
  indices: number[];
  /** The numbers over which mean and variance are taken; null for given ones. */
  counted: number[] | null;
  mean: number;
  variance: number;
}

const groupOf = (x: Float64Array, indices: number[], counted: number[]): Group => {
  const N = Math.max(counted.length, 1);
  const mean = counted.reduce((sum, n) => sum + x[n]!, 0) / N;
  const variance = counted.reduce((sum, n) => sum + (x[n]! - mean) ** 2, 0) / N;
  return { indices, counted, mean, variance };
};

const range = (count: number, from: number, step: number) => Array.from({ length: count }, (_, n) => from + n * step);

/**
 * @param mask one number for each row: 0 leaves it out of mean and variance
 * @param moving mean and variance of each column, instead of those of the batch
 */
export function batchNormalization(
  inputs: NormalizationInputs,
  mask: ArrayLike<number> | null = null,
  moving: readonly [Float64Array, Float64Array] | null = null,
): Normalized {
  const { data, shape } = inputs.x;
  const D = shape.at(-1)!;
  const rows = data.length / D;
  const groups = range(D, 0, 1).map((d): Group => {
    const indices = range(rows, d, D);
    if (moving) return { indices, counted: null, mean: moving[0][d]!, variance: moving[1][d]! };
    return groupOf(
      data,
      indices,
      indices.filter((_, n) => mask?.[n] !== 0),
    );
  });
  return normalize(inputs, groups);
}

export function layerNormalization(inputs: NormalizationInputs): Normalized {
  const { data, shape } = inputs.x;
  const D = shape.at(-1)!;
  const rows = range(data.length / D, 0, D).map(from => range(D, from, 1));
  return normalize(
    inputs,
    rows.map(indices => groupOf(data, indices, indices)),
  );
}

function normalize({ x, epsilon = 0.001, gamma, beta }: NormalizationInputs, groups: Group[]): Normalized {
  const D = x.shape.at(-1)!;
  const size = x.data.length;
  const hat = new Float64Array(size);
  const inverses = groups.map(({ variance }) => 1 / Math.sqrt(variance + epsilon));
  for (const [g, { indices, mean }] of groups.entries()) {
    for (const n of indices) hat[n] = (x.data[n]! - mean) * inverses[g]!;
  }
  return {
    y: block(
      x.shape,
      hat.map((value, n) => value * (gamma?.[n % D] ?? 1) + (beta?.[n % D] ?? 0)),
    ),
    hat,
    mean: Float64Array.from(groups, ({ mean }) => mean),
    variance: Float64Array.from(groups, ({ variance }) => variance),
    backward(dY) {
      const [dX, dGamma, dBeta] = [new Float64Array(size), new Float64Array(D), new Float64Array(D)];
      for (let n = 0; n < size; n++) {
        dGamma[n % D]! += dY[n]! * hat[n]!;
        dBeta[n % D]! += dY[n]!;
      }
      for (const [g, { indices, counted, mean }] of groups.entries()) {
        const inverse = inverses[g]!;
        const dHat = (n: number) => dY[n]! * (gamma?.[n % D] ?? 1);
        for (const n of indices) dX[n] = dHat(n) * inverse;
        if (!counted || counted.length === 0) continue;
        const dVariance = indices.reduce((sum, n) => sum + dHat(n) * (x.data[n]! - mean) * -0.5 * inverse ** 3, 0);
        const dMean = indices.reduce((sum, n) => sum - dHat(n) * inverse, 0);
        for (const n of counted) dX[n]! += (2 * dVariance * (x.data[n]! - mean) + dMean) / counted.length;
      }
      return { dX, dGamma, dBeta };
    },
  };
}
