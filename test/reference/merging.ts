// Merging layers in plain float64, as Keras 3 defines them.

import { type Block, block } from './block.ts';

export type MergeName = 'add' | 'subtract' | 'average' | 'multiply' | 'maximum' | 'minimum';

export interface Masked {
  values: Block;
  /** [B, T]. */
  mask?: ArrayLike<number> | undefined;
}

const operations: Record<MergeName, (a: number, b: number) => number> = {
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  average: (a, b) => a + b,
  multiply: (a, b) => a * b,
  maximum: Math.max,
  minimum: Math.min,
};

/** The sizes [B, T, D] of a block, with one time step for vectors. */
const sizesOf = ({ shape }: Block) =>
  (shape.length === 3 ? shape : [shape[0]!, 1, shape[1]!]) as [number, number, number];

export function merge(name: MergeName, inputs: readonly Masked[]): { y: Float64Array; mask: number[] | null } {
  const B = inputs[0]!.values.shape[0]!;
  const sizes = inputs.map(({ values }) => sizesOf(values));
  const T = Math.max(...sizes.map(size => size[1]));
  const D = Math.max(...sizes.map(size => size[2]));
  const at = (n: number, b: number, t: number, d: number) => {
    const [, steps, width] = sizes[n]!;
    return inputs[n]!.values.data[(b * steps + (steps === 1 ? 0 : t)) * width + (width === 1 ? 0 : d)]!;
  };
  const counts = (n: number, b: number, t: number) => {
    const { mask } = inputs[n]!;
    const steps = sizes[n]![1];
    return mask ? mask[b * steps + (steps === 1 ? 0 : t)] !== 0 : true;
  };
  const allMasked = inputs.every(({ mask }) => mask);
  const y = new Float64Array(B * T * D);
  const mask: number[] = [];
  for (let b = 0; b < B; b++) {
    for (let t = 0; t < T; t++) {
      const some = inputs.some((_, n) => counts(n, b, t));
      mask.push(Number(some));
      for (let d = 0; d < D; d++) {
        let result = 0;
        if (name === 'multiply') {
          result = inputs.reduce((product, _, n) => product * (counts(n, b, t) ? at(n, b, t, d) : 1), 1);
          if (allMasked && !some) result = 0;
        } else if (name === 'maximum' || name === 'minimum') {
          // The masked values of one operand are replaced by those of the other
          result = at(0, b, t, d);
          let known: boolean | null = inputs[0]!.mask ? counts(0, b, t) : null;
          for (let n = 1; n < inputs.length; n++) {
            let x = at(n, b, t, d);
            const own = inputs[n]!.mask ? counts(n, b, t) : null;
            if (own === false) x = result;
            if (known === false) result = x;
            known = own === null || known === null ? null : own || known;
            result = operations[name](result, x);
          }
        } else {
          result = inputs.map((_, n) => at(n, b, t, d)).reduce(operations[name]);
          if (name === 'average') result /= inputs.length;
        }
        y[(b * T + t) * D + d] = result;
      }
    }
  }
  return { y, mask: allMasked ? mask : null };
}

export function concatenate(inputs: readonly Masked[], alongTime: boolean): { y: Float64Array; mask: number[] | null } {
  const sizes = inputs.map(({ values }) => sizesOf(values));
  const B = sizes[0]![0];
  const steps = alongTime ? 0 : sizes[0]![1];
  const y: number[] = [];
  const mask: number[] = [];
  for (let b = 0; b < B; b++) {
    const row = (n: number, t: number) => {
      const [, T, D] = sizes[n]!;
      return inputs[n]!.values.data.subarray((b * T + t) * D, (b * T + t + 1) * D);
    };
    const counts = (n: number, t: number) => Number(inputs[n]!.mask?.[b * sizes[n]![1] + t] ?? 1);
    if (alongTime) {
      inputs.forEach((_, n) => {
        for (let t = 0; t < sizes[n]![1]; t++) {
          y.push(...row(n, t));
          mask.push(counts(n, t));
        }
      });
    }
    for (let t = 0; t < steps; t++) {
      inputs.forEach((_, n) => {
        y.push(...row(n, t));
      });
      mask.push(Math.max(...inputs.map((_, n) => counts(n, t))));
    }
  }
  const hasMask = alongTime ? inputs.some(input => input.mask) : inputs.every(input => input.mask);
  return { y: Float64Array.from(y), mask: hasMask ? mask : null };
}

/** @param axes positive, one for each input */
export function dot(a: Block, b: Block, axes: readonly [number, number], normalize: boolean): Block {
  const [x, z] = [a, b].map((input, n) => (normalize ? normalized(input, axes[n]!) : input)) as [Block, Block];
  const B = x.shape[0]!;
  const rest = (input: Block, axis: number) => (input.shape.length === 2 ? 1 : input.shape[3 - axis]!);
  const [M, N, K] = [rest(x, axes[0]), rest(z, axes[1]), x.shape[axes[0]]!];
  const at = ({ shape, data }: Block, axis: number, batch: number, row: number, k: number) => {
    if (shape.length === 2) return data[batch * K + k]!;
    return axis === 2 ? data[(batch * shape[1]! + row) * K + k]! : data[(batch * K + k) * shape[2]! + row]!;
  };
  const y: number[] = [];
  for (let batch = 0; batch < B; batch++) {
    for (let m = 0; m < M; m++) {
      for (let n = 0; n < N; n++) {
        let sum = 0;
        for (let k = 0; k < K; k++) sum += at(x, axes[0], batch, m, k) * at(z, axes[1], batch, n, k);
        y.push(sum);
      }
    }
  }
  return block([B, M * N], y);
}

/** Divides by the norm along an axis, which counts as at least 1e-7. */
function normalized({ shape, data }: Block, axis: number): Block {
  const inner = shape.slice(axis + 1).reduce((product, size) => product * size, 1);
  const K = shape[axis]!;
  const result = new Float64Array(data.length);
  for (let start = 0; start < data.length; start += K * inner) {
    for (let n = 0; n < inner; n++) {
      const indices = Array.from({ length: K }, (_, k) => start + k * inner + n);
      const norm = Math.sqrt(indices.reduce((sum, index) => sum + data[index]! ** 2, 0));
      for (const index of indices) result[index] = data[index]! * Math.min(1 / norm, 1e7);
    }
  }
  return block(shape, result);
}
