/**
 * Weights and states of an LSTM, packed from and unpacked to the matrices of Keras: kernel [I, 4U],
 * recurrentKernel [U, 4U] and bias [4U], gate blocks i, f, c, o; states h and c [B, U]. A bias of 0 means none.
 */

import { GATES } from './lstmPlan';
import { UNITS, copyGroups, packState, unpackState } from './shared';
import { Copy, pack, unpack } from '../memory/copy';
import { padded } from '../products/matmul';

/** Packs weights into w [G][1 + H + I][i f g o][4], with zeros as padding. */
export function packLstmWeights(
  w: usize, kernel: usize, recurrentKernel: usize, bias: usize, inputs: i32, units: i32,
): void {
  const H = padded(units);
  memory.fill(w, 0, <usize>(H * (1 + H + inputs) * 4) * 4);
  copyWeights(w, kernel, recurrentKernel, bias, inputs, units, pack);
}

export function unpackLstmWeights(
  w: usize, kernel: usize, recurrentKernel: usize, bias: usize, inputs: i32, units: i32,
): void {
  copyWeights(w, kernel, recurrentKernel, bias, inputs, units, unpack);
}

function copyWeights(
  w: usize, kernel: usize, recurrentKernel: usize, bias: usize, inputs: i32, units: i32, copy: Copy,
): void {
  const H = padded(units);
  const group = <usize>(1 + H + inputs) * GATES;
  if (bias) copyGates(w, group, bias, 1, units, copy);
  copyGates(w + GATES, group, recurrentKernel, units, units, copy);
  copyGates(w + <usize>(1 + H) * GATES, group, kernel, inputs, units, copy);
}

/** Copies a plain matrix [rows, 4U] to or from rows of w, whose groups are `group` bytes apart. */
function copyGates(w: usize, group: usize, matrix: usize, rows: i32, units: i32, copy: Copy): void {
  const block = <usize>units * 4;
  for (let gate: usize = 0; gate < 4; gate++) {
    copyGroups(w + gate * UNITS, GATES, group, matrix + gate * block, 4 * block, rows, units, copy);
  }
}

/** Packs plain states into h [B][H] and c [G][B][4], with zeros as padding. */
export function packLstmState(stateH: usize, stateC: usize, h: usize, c: usize, batch: i32, units: i32): void {
  packState(stateH, h, batch, units);
  memory.fill(stateC, 0, <usize>(batch * padded(units)) * 4);
  copyCells(stateC, c, batch, units, pack);
}

export function unpackLstmState(stateH: usize, stateC: usize, h: usize, c: usize, batch: i32, units: i32): void {
  unpackState(stateH, h, batch, units);
  copyCells(stateC, c, batch, units, unpack);
}

function copyCells(stateC: usize, c: usize, batch: i32, units: i32, copy: Copy): void {
  copyGroups(stateC, UNITS, <usize>batch * UNITS, c, <usize>units * 4, batch, units, copy);
}
