// Attention layers in plain float64, as Keras 3 defines them.

import { type Block, block } from './block.ts';

export interface AttentionSpec {
  /** The score of a query and a key, of D features each. */
  score(query: ArrayLike<number>, key: ArrayLike<number>): number;
  /** Whether key j counts for query i of sample b. */
  isVisible(b: number, i: number, j: number): boolean;
  /** Whether a masked score is replaced by the least number, instead of 1e9 less. */
  replacesMasked: boolean;
  /** Factors of the weights after softmax, by sample, query and key. */
  factor?: ((b: number, i: number, j: number) => number) | undefined;
}

/** softmax(scores) V of sequences [B, T, D], [B, S, V] and [B, S, D], and the weights [B, T, S]. */
export function attend(query: Block, value: Block, key: Block, spec: AttentionSpec): { y: Block; weights: Block } {
  const [B, T, D] = query.shape as [number, number, number];
  const [, S, V] = value.shape as [number, number, number];
  const y = block([B, T, V]);
  const weights = block([B, T, S]);
  for (let b = 0; b < B; b++) {
    for (let i = 0; i < T; i++) {
      const q = query.data.subarray((b * T + i) * D, (b * T + i + 1) * D);
      const scores = Array.from({ length: S }, (_, j) => {
        const score = spec.score(q, key.data.subarray((b * S + j) * D, (b * S + j + 1) * D));
        if (spec.isVisible(b, i, j)) return score;
        return spec.replacesMasked ? -2.3e38 : Math.fround(score - 1e9);
      });
      const most = Math.max(...scores);
      const exps = scores.map(score => Math.exp(score - most));
      const sum = exps.reduce((total, exp) => total + exp, 0);
      for (let j = 0; j < S; j++) {
        const weight = (exps[j]! / sum) * (spec.factor?.(b, i, j) ?? 1);
        weights.data[(b * T + i) * S + j] = weight;
        for (let v = 0; v < V; v++) y.data[(b * T + i) * V + v]! += weight * value.data[(b * S + j) * V + v]!;
      }
    }
  }
  return { y, weights };
}

/** x [.., D] times kernel [D, units], plus bias. */
export function project(x: Block, kernel: Block, bias: Block | undefined): Block {
  const D = x.shape.at(-1)!;
  const units = kernel.data.length / D;
  const rows = x.data.length / D;
  const y = block([...x.shape.slice(0, -1), units]);
  for (let m = 0; m < rows; m++) {
    for (let u = 0; u < units; u++) {
      let sum = bias?.data[u] ?? 0;
      for (let d = 0; d < D; d++) sum += x.data[m * D + d]! * kernel.data[d * units + u]!;
      y.data[m * units + u] = sum;
    }
  }
  return y;
}

/** Columns [from, from + count) of the last axis. */
export function columns(x: Block, from: number, count: number): Block {
  const D = x.shape.at(-1)!;
  const y = block([...x.shape.slice(0, -1), count]);
  for (let n = 0; n < y.data.length; n++) y.data[n] = x.data[Math.floor(n / count) * D + from + (n % count)]!;
  return y;
}
