/** Weights and states of an LSTM, to and from the order in which Keras, and with it every caller, has them. */

import { padded } from '../products/matmul';

/**
 * Moves weights between w and the matrices of Keras: kernel [I, 4U], recurrentKernel [U, 4U], bias [4U], gate blocks
 * i, f, c, o.
 *
 * @param bias 0 for a layer without one
 * @param inward 1: from the matrices into w, whose padding becomes zero; 0: from w into the matrices
 */
export function lstmWeights(
  w: usize, kernel: usize, recurrentKernel: usize, bias: usize, inputs: i32, units: i32, inward: i32,
): void {
  const G = padded(units) >> 2;
  const rows = 1 + 4 * G + inputs;
  if (inward) memory.fill(w, 0, <usize>(G * rows * 16) * 4);
  if (bias) moveRows(w, 0, bias, 1, rows, units, inward);
  moveRows(w, 1, recurrentKernel, units, rows, units, inward);
  moveRows(w, 1 + 4 * G, kernel, inputs, rows, units, inward);
}

/** Rows [row, row + count) of w [G][rows][16] and a plain matrix [count, 4U]. */
function moveRows(w: usize, row: i32, matrix: usize, count: i32, rows: i32, units: i32, inward: i32): void {
  for (let r = 0; r < count; r++) {
    for (let gate = 0; gate < 4; gate++) {
      for (let u = 0; u < units; u++) {
        const ours = w + <usize>(((u >> 2) * rows + row + r) * 16 + gate * 4 + (u & 3)) * 4;
        if (inward) store<f32>(ours, load<f32>(matrix));
        else store<f32>(matrix, load<f32>(ours));
        matrix += 4;
      }
    }
  }
}

/** Moves a state between the layer's h [B][H] and c [G][B][4] and plain matrices [B, U]; padding becomes zero. */
export function lstmState(
  stateH: usize, stateC: usize, h: usize, c: usize, batch: i32, units: i32, inward: i32,
): void {
  const H = padded(units);
  if (inward) {
    memory.fill(stateH, 0, <usize>(batch * H) * 4);
    memory.fill(stateC, 0, <usize>(batch * H) * 4);
  }
  for (let b = 0; b < batch; b++) {
    for (let u = 0; u < units; u++) {
      const ourH = stateH + <usize>(b * H + u) * 4;
      const ourC = stateC + <usize>(((u >> 2) * batch + b) * 4 + (u & 3)) * 4;
      const plain = <usize>(b * units + u) * 4;
      if (inward) {
        store<f32>(ourH, load<f32>(h + plain));
        store<f32>(ourC, load<f32>(c + plain));
      } else {
        store<f32>(h + plain, load<f32>(ourH));
        store<f32>(c + plain, load<f32>(ourC));
      }
    }
  }
}
