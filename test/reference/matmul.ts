// Naive matrix products, the reference for the kernels. Every matrix is flat, row by row; the result is [M,N] and K is
// the dimension summed over. Each element is a sum over k from first to last; the loops run along rows in memory and
// over Float64Array copies, for speed: tests spend most of their time here.

/** The numbers as a Float64Array. */
const numbers = (values: ArrayLike<number>) => (values instanceof Float64Array ? values : new Float64Array(values));

/** a [M,K] times b [K,N]. */
export function matmul(a: ArrayLike<number>, b: ArrayLike<number>, M: number, K: number, N: number): Float64Array {
  const left = numbers(a);
  const right = numbers(b);
  const result = new Float64Array(M * N);
  for (let m = 0; m < M; m++) {
    for (let k = 0; k < K; k++) {
      const factor = left[m * K + k]!;
      for (let n = 0; n < N; n++) result[m * N + n]! += factor * right[k * N + n]!;
    }
  }
  return result;
}

/** The transpose of a [K,M] times b [K,N]. */
export function matmulAtB(a: ArrayLike<number>, b: ArrayLike<number>, M: number, K: number, N: number): Float64Array {
  const left = numbers(a);
  const right = numbers(b);
  const result = new Float64Array(M * N);
  for (let k = 0; k < K; k++) {
    for (let m = 0; m < M; m++) {
      const factor = left[k * M + m]!;
      for (let n = 0; n < N; n++) result[m * N + n]! += factor * right[k * N + n]!;
    }
  }
  return result;
}

/** a [M,K] times the transpose of b [N,K]. */
export function matmulABt(a: ArrayLike<number>, b: ArrayLike<number>, M: number, K: number, N: number): Float64Array {
  const left = numbers(a);
  const right = numbers(b);
  const result = new Float64Array(M * N);
  for (let m = 0; m < M; m++) {
    for (let n = 0; n < N; n++) {
      let sum = 0;
      for (let k = 0; k < K; k++) sum += left[m * K + k]! * right[n * K + k]!;
      result[m * N + n] = sum;
    }
  }
  return result;
}
