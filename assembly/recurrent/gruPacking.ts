/**
 * Weights of a GRU, packed from and unpacked to the matrices of Keras: kernel [I, 3U], recurrentKernel [U, 3U], bias
 * [2, 3U] with resetAfter and [3U] without, gate blocks z, r, h. A bias of 0 means none.
 */

import { UNITS, copyGroups } from './shared';
import { Copy, pack, unpack } from '../memory/copy';
import { padded } from '../products/matmul';

/** Bytes of a row of three gates. */
const ROW: usize = 48;
/** The third block of Keras: the candidate, which Keras calls h and we call n. */
const CANDIDATE: usize = 2;

/**
 * Packs weights into w [G][2 + H + I][12], with zeros as padding. A group of 4 units has the biases [z r n] of the input,
 * those [a z r] of the state (zero without resetAfter), the recurrent kernel [H][a z r] and the kernel [I][z r n].
 * Without resetAfter the recurrent kernel is split into [H][z r] and [H][n].
 */
export function packGruWeights(
  w: usize, kernel: usize, recurrentKernel: usize, bias: usize, inputs: i32, units: i32, resetAfter: i32,
): void {
  const H = padded(units);
  memory.fill(w, 0, <usize>(H * (2 + H + inputs) * 3) * 4);
  copyWeights(w, kernel, recurrentKernel, bias, inputs, units, resetAfter, pack);
}

export function unpackGruWeights(
  w: usize, kernel: usize, recurrentKernel: usize, bias: usize, inputs: i32, units: i32, resetAfter: i32,
): void {
  copyWeights(w, kernel, recurrentKernel, bias, inputs, units, resetAfter, unpack);
}

function copyWeights(
  w: usize, kernel: usize, recurrentKernel: usize, bias: usize, inputs: i32, units: i32, resetAfter: i32, copy: Copy,
): void {
  const H = padded(units);
  const group = <usize>(2 + H + inputs) * ROW;
  const row = <usize>units * 12;
  const recurrent = w + 2 * ROW;
  for (let gate: usize = 0; gate < 3; gate++) {
    const block = gate * <usize>units * 4;
    const ofInput = gate * UNITS; // in z r n
    const ofState = gate == CANDIDATE ? <usize>0 : ofInput + UNITS; // in a z r
    const source = recurrentKernel + block;
    if (bias) copyGroups(w + ofInput, ROW, group, bias + block, row, 1, units, copy);
    if (bias && resetAfter) copyGroups(w + ROW + ofState, ROW, group, bias + row + block, row, 1, units, copy);
    if (resetAfter) copyGroups(recurrent + ofState, ROW, group, source, row, units, units, copy);
    else if (gate == CANDIDATE) copyGroups(recurrent + <usize>H * 32, 16, group, source, row, units, units, copy);
    else copyGroups(recurrent + ofInput, 32, group, source, row, units, units, copy);
    copyGroups(recurrent + <usize>H * ROW + ofInput, ROW, group, kernel + block, row, inputs, units, copy);
  }
}
