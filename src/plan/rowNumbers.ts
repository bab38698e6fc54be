/** Copies rows between the memory of a plan and arrays [B, T, D] of JavaScript. */

import { FLOAT } from '../util/memorySizes.ts';
import { padded, type Rows } from './planner.ts';

/** @param start the index of the first number in `memory` */
export function readRows(memory: Float32Array, start: number, { row, step, steps, rows, width }: Rows): Float32Array {
  const numbers = new Float32Array(rows * steps * width);
  for (let b = 0, to = 0; b < rows; b++) {
    for (let t = 0; t < steps; t++, to += width) {
      const from = start + (b * row + t * step) / FLOAT;
      numbers.set(memory.subarray(from, from + width), to);
    }
  }
  return numbers;
}

/** @param numbers null for zeros */
export function writeRows(
  memory: Float32Array,
  start: number,
  { row, step, steps, rows, width }: Rows,
  numbers: { subarray(from: number, to: number): ArrayLike<number> } | null,
): void {
  for (let b = 0, from = 0; b < rows; b++) {
    for (let t = 0; t < steps; t++, from += width) {
      const to = start + (b * row + t * step) / FLOAT;
      memory.fill(0, to, to + padded(width)); // kernels read whole vectors
      if (numbers) memory.set(numbers.subarray(from, from + width), to);
    }
  }
}
