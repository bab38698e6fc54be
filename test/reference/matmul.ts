// Naive matrix products, the oracle of the fast ones. Every matrix is flat, row by row; the result is [M,N] and K is
// the dimension summed over.

/** a [M,K] times b [K,N]. */
export function matmul(a: ArrayLike<number>, b: ArrayLike<number>, M: number, K: number, N: number): Float64Array {
  const result = new Float64Array(M * N);
  for (let m = 0; m < M; m++) {
    for (let n = 0; n < N; n++) {
      for (let k = 0; k < K; k++) result[m * N + n]! += a[m * K + k]! * b[k * N + n]!;
    }
  }
  return result;
}

/** The transpose of a [K,M] times b [K,N]. */
export function matmulAtB(a: ArrayLike<number>, b: ArrayLike<number>, M: number, K: number, N: number): Float64Array {
  const result = new Float64Array(M * N);
  for (let m = 0; m < M; m++) {
    for (let n = 0; n < N; n++) {
      for (let k = 0; k < K; k++) result[m * N + n]! += a[k * M + m]! * b[k * N + n]!;
    }
  }
  return result;
}

/** a [M,K] times the transpose of b [N,K]. */
export function matmulABt(a: ArrayLike<number>, b: ArrayLike<number>, M: number, K: number, N: number): Float64Array {
  const result = new Float64Array(M * N);
  for (let m = 0; m < M; m++) {
    for (let n = 0; n < N; n++) {
      for (let k = 0; k < K; k++) result[m * N + n]! += a[m * K + k]! * b[n * K + k]!;
    }
  }
  return result;
}
