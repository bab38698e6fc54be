/** Weights of a GRU, to and from the order in which Keras, and with it every caller, has them. */

import { padded } from '../products/matmul';

/** The gates of Keras: z, r and the candidate, which Keras calls h. */
const CANDIDATE = 2;

/**
 * Moves weights between w and the matrices of Keras: kernel [I, 3U], recurrentKernel [U, 3U], bias [2, 3U] with
 * resetAfter and [3U] without, gate blocks z, r, h.
 *
 * w is [G][2 + H + I][12] floats: for each group of 4 units the biases [z r n] of the input, those [a z r] of the state
 * (zero without resetAfter), the recurrent kernel [H][a z r], and the kernel [I][z r n]. Without resetAfter the
 * recurrent kernel is cut in two: [H][z r], then [H][n].
 *
 * @param bias 0 for a layer without one
 * @param inward 1: from the matrices into w, whose padding becomes zero; 0: from w into the matrices
 */
export function gruWeights(
  w: usize, kernel: usize, recurrentKernel: usize, bias: usize, inputs: i32, units: i32, resetAfter: i32, inward: i32,
): void {
  const H = padded(units);
  const rows = 2 + H + inputs;
  if (inward) memory.fill(w, 0, <usize>(H / 4 * rows * 12) * 4);
  for (let gate = 0; gate < 3; gate++) {
    const state = gate == CANDIDATE ? 0 : 4 * (gate + 1); // in the order a z r
    if (bias) move(w, 4 * gate, 12, bias, gate, 1, rows, units, inward);
    if (bias && resetAfter) move(w, 12 + state, 12, bias + <usize>(3 * units) * 4, gate, 1, rows, units, inward);
    if (resetAfter) move(w, 24 + state, 12, recurrentKernel, gate, units, rows, units, inward);
    else if (gate == CANDIDATE) move(w, 24 + 8 * H, 4, recurrentKernel, gate, units, rows, units, inward);
    else move(w, 24 + 4 * gate, 8, recurrentKernel, gate, units, rows, units, inward);
    move(w, 12 * (2 + H) + 4 * gate, 12, kernel, gate, inputs, rows, units, inward);
  }
}

/**
 * One gate of a plain matrix [count, 3U].
 *
 * @param from, width in floats: where row 0 of this gate stands in the panels of a group, and how wide a row is there
 */
function move(
  w: usize, from: i32, width: i32, matrix: usize, gate: i32, count: i32, rows: i32, units: i32, inward: i32,
): void {
  for (let r = 0; r < count; r++) {
    for (let u = 0; u < units; u++) {
      const ours = w + <usize>((u >> 2) * rows * 12 + from + r * width + (u & 3)) * 4;
      const plain = matrix + <usize>((3 * r + gate) * units + u) * 4;
      if (inward) store<f32>(ours, load<f32>(plain));
      else store<f32>(plain, load<f32>(ours));
    }
  }
}
