// Reverse-mode automatic differentiation of float64 matrices: every operation of the forward pass is recorded, and
// `backward` runs their derivatives in reverse order.

import { matmul, matmulABt, matmulAtB } from './matmul.ts';

/** A matrix [M,N], row by row, and the gradient of the final result with respect to it. */
export interface Value {
  readonly M: number;
  readonly N: number;
  readonly data: Float64Array;
  readonly grad: Float64Array;
}

export class Tape {
  readonly #steps: (() => void)[] = [];

  /** A copy of the numbers of a matrix, or zeros. */
  value(M: number, N: number, data?: ArrayLike<number>): Value {
    return { M, N, data: data ? new Float64Array(data) : new Float64Array(M * N), grad: new Float64Array(M * N) };
  }

  #record(M: number, N: number, data: Float64Array, back: (grad: Float64Array) => void): Value {
    const value = { M, N, data, grad: new Float64Array(M * N) };
    this.#steps.push(() => back(value.grad));
    return value;
  }

  /** a [M,K] times b [K,N]. */
  matmul(a: Value, b: Value): Value {
    return this.#record(a.M, b.N, matmul(a.data, b.data, a.M, a.N, b.N), grad => {
      add(a.grad, matmulABt(grad, b.data, a.M, b.N, a.N));
      add(b.grad, matmulAtB(a.data, grad, b.M, a.M, b.N));
    });
  }

  /** a + b; b may be a single row, for all rows. */
  add(a: Value, b: Value): Value {
    const data = new Float64Array(a.data.length);
    const length = b.data.length;
    for (let row = 0; row < data.length; row += length) {
      for (let n = 0; n < length; n++) data[row + n] = a.data[row + n]! + b.data[n]!;
    }
    return this.#record(a.M, a.N, data, grad => {
      add(a.grad, grad);
      for (let row = 0; row < grad.length; row += length) {
        for (let n = 0; n < length; n++) b.grad[n]! += grad[row + n]!;
      }
    });
  }

  /** a times b, element by element. */
  mul(a: Value, b: Value): Value {
    const data = new Float64Array(a.data.length);
    for (let n = 0; n < data.length; n++) data[n] = a.data[n]! * b.data[n]!;
    return this.#record(a.M, a.N, data, grad => {
      for (let n = 0; n < grad.length; n++) {
        a.grad[n]! += grad[n]! * b.data[n]!;
        b.grad[n]! += grad[n]! * a.data[n]!;
      }
    });
  }

  /** f of each element, whose slope is written in terms of y and z. */
  map(a: Value, { of, slope }: { of(z: number): number; slope(y: number, z: number): number }): Value {
    const y = new Float64Array(a.data.length);
    for (let n = 0; n < y.length; n++) y[n] = of(a.data[n]!);
    return this.#record(a.M, a.N, y, grad => {
      for (let n = 0; n < grad.length; n++) a.grad[n]! += grad[n]! * slope(y[n]!, a.data[n]!);
    });
  }

  /** Each row minus its mean, divided by sqrt(variance + epsilon). */
  normalize(a: Value, epsilon: number): Value {
    const { M, N } = a;
    const meanOf = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0) / N;
    const rows = Array.from({ length: M }, (_, m) => {
      const row = a.data.subarray(m * N, (m + 1) * N);
      const centered = row.map(value => value - meanOf(row));
      const deviation = Math.sqrt(meanOf(centered.map(value => value * value)) + epsilon);
      return { y: centered.map(value => value / deviation), deviation };
    });
    const data = Float64Array.from(rows.flatMap(({ y }) => [...y]));
    return this.#record(M, N, data, grad => {
      for (const [m, { y, deviation }] of rows.entries()) {
        const own = grad.subarray(m * N, (m + 1) * N);
        const [mean, product] = [meanOf(own), meanOf(own.map((value, n) => value * y[n]!))];
        for (let n = 0; n < N; n++) a.grad[m * N + n]! += (own[n]! - mean - y[n]! * product) / deviation;
      }
    });
  }

  /** a times b, element by element; b is a single row, for all rows. */
  mulRow(a: Value, b: Value): Value {
    const { N } = a;
    const data = a.data.map((value, n) => value * b.data[n % N]!);
    return this.#record(a.M, N, data, grad => {
      for (let n = 0; n < grad.length; n++) {
        a.grad[n]! += grad[n]! * b.data[n % N]!;
        b.grad[n % N]! += grad[n]! * a.data[n]!;
      }
    });
  }

  /** Columns [from, from + count). */
  columns(a: Value, from: number, count: number): Value {
    const data = new Float64Array(a.M * count);
    for (let m = 0; m < a.M; m++) {
      for (let n = 0; n < count; n++) data[m * count + n] = a.data[m * a.N + from + n]!;
    }
    return this.#record(a.M, count, data, grad => {
      for (let m = 0; m < a.M; m++) {
        for (let n = 0; n < count; n++) a.grad[m * a.N + from + n]! += grad[m * count + n]!;
      }
    });
  }

  /** Row m of a matrix of M rows. */
  row(a: Value, m: number): Value {
    return this.#record(1, a.N, a.data.slice(m * a.N, (m + 1) * a.N), grad => {
      for (let n = 0; n < a.N; n++) a.grad[m * a.N + n]! += grad[n]!;
    });
  }

  /** Rows of a where the mask [M] is 1, of b where it is 0. */
  choose(mask: ArrayLike<number>, a: Value, b: Value): Value {
    const from = (n: number) => (mask[Math.floor(n / a.N)] ? a : b);
    return this.#record(
      a.M,
      a.N,
      a.data.map((_, n) => from(n).data[n]!),
      grad => {
        for (let n = 0; n < grad.length; n++) from(n).grad[n]! += grad[n]!;
      },
    );
  }

  /** Adds to `grad` of all operands, given `grad` of the results. */
  backward(): void {
    for (const step of this.#steps.toReversed()) step();
  }
}

function add(sum: Float64Array, values: Float64Array): void {
  for (let n = 0; n < sum.length; n++) sum[n]! += values[n]!;
}
