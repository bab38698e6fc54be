/**
 * Activations over whole arrays of n float32 numbers, n a multiple of 4: dense layers, and the tests of math.ts.
 * y may be x itself.
 */

import { exp, sigmoid, tanh } from './math';

export function expArray(y: usize, x: usize, n: u32): void {
  for (let end = x + (n << 2); x < end; x += 16, y += 16) v128.store(y, exp(v128.load(x)));
}

export function sigmoidArray(y: usize, x: usize, n: u32): void {
  for (let end = x + (n << 2); x < end; x += 16, y += 16) v128.store(y, sigmoid(v128.load(x)));
}

/** dy *= y * (1 - y): the gradient of the input overwrites the gradient of the output. */
export function sigmoidBackward(dy: usize, y: usize, n: u32): void {
  const one = f32x4.splat(1);
  for (let end = dy + (n << 2); dy < end; dy += 16, y += 16) {
    const s = v128.load(y);
    v128.store(dy, f32x4.mul(v128.load(dy), f32x4.mul(s, f32x4.sub(one, s))));
  }
}

export function tanhArray(y: usize, x: usize, n: u32): void {
  for (let end = x + (n << 2); x < end; x += 16, y += 16) v128.store(y, tanh(v128.load(x)));
}

/** dy *= 1 - y^2, in place. */
export function tanhBackward(dy: usize, y: usize, n: u32): void {
  const one = f32x4.splat(1);
  for (let end = dy + (n << 2); dy < end; dy += 16, y += 16) {
    const t = v128.load(y);
    v128.store(dy, f32x4.mul(v128.load(dy), f32x4.sub(one, f32x4.mul(t, t))));
  }
}

/** x where x > 0, else 0; NaN stays, because pmax returns its first operand when the comparison fails. */
export function reluArray(y: usize, x: usize, n: u32): void {
  const zero = f32x4.splat(0);
  for (let end = x + (n << 2); x < end; x += 16, y += 16) v128.store(y, f32x4.pmax(v128.load(x), zero));
}

/** dy where y > 0, else 0, in place. */
export function reluBackward(dy: usize, y: usize, n: u32): void {
  const zero = f32x4.splat(0);
  for (let end = dy + (n << 2); dy < end; dy += 16, y += 16) {
    v128.store(dy, v128.and(v128.load(dy), f32x4.gt(v128.load(y), zero)));
  }
}
