/** Memory layout of a planned minGRU or minLSTM layer, and the packing of its weights. */

import { Copy, pack, unpack } from '../memory/copy';
import { packedAt, padded } from '../products/matmul';

/**
 * A planned minGRU or minLSTM layer, written by src/plan; offsets and strides in bytes.
 * Activations stay in the workspace until the next batch; w and dw are parameters.
 */
@unmanaged
export class MinRnnPlan {
  batch: i32; // B
  steps: i32; // T
  inputs: i32; // I
  units: i32; // U
  gateCount: i32; // N: 2 for minGRU, with the gates z n; 3 for minLSTM, with the gates f i n
  x: usize; // x_0, row 0: the input; rows xRow apart, time steps xStep apart (negative: time runs backwards)
  xRow: usize;
  xStep: usize;
  h: usize; // [T+1][B][H]: slot t+1 holds h_t; rows hRow apart
  hRow: usize;
  gates: usize; // [T][B][N][H], rows gatesRow apart: activated gates; backward overwrites them with their gradients
  gatesRow: usize;
  slopes: usize; // [T][B][H], rows slopesRow apart: derivatives of n; 0 with the activation linear, or without training
  slopesRow: usize;
  w: usize; // bias [N H], then the packed kernel [I, N H]
  dw: usize; // like w: gradients are added to it
  wt: usize; // scratch of N H * padded I floats: the transposed kernel, packed; 0 without dx
  dh: usize; // [T or 1][B][H]: gradient of the output, overwritten; rows dhRow apart
  dhRow: usize;
  dx: usize; // gradient of the input, overwritten, strides as for x; 0 for none
  dxRow: usize;
  dxStep: usize;
  stateH: usize; // [B][H]: h carried from batch to batch; 0 if each batch starts from zero
  h0: usize; // [B][U], rows h0Row apart, unaligned: the initial hidden state, instead of stateH; 0 for none
  h0Row: usize;
  dh0: usize; // [B][H]: gradient of h0, overwritten; rows dh0Row apart; 0 for none
  dh0Row: usize;
  savedH: usize; // [B][H]: stateH from before the batch, for rewind; 0 unless there are both h0 and stateH
  sequences: i32; // 1: dh has a slot for each time step; 0: only for the last
  zeroDh: i32; // 1: no other kernel writes dh, which backward sets to zero first; only with sequences 0
  useBias: i32;
  mask: usize; // a float for each row at mask + t * maskStep + 4b, 0 if the row skips step t; 0 without a mask
  maskStep: usize;
  activation: i32; // an Activation, of n
}

/** Packs kernel [I, N U] and bias [N U], 0 for none, with zeros as padding of each gate. */
export function packMinRnnWeights(w: usize, kernel: usize, bias: usize, inputs: i32, units: i32, gateCount: i32): void {
  memory.fill(w, 0, <usize>(gateCount * padded(units) * (1 + inputs)) * 4);
  copyWeights(w, kernel, bias, inputs, units, gateCount, pack);
}

export function unpackMinRnnWeights(
  w: usize, kernel: usize, bias: usize, inputs: i32, units: i32, gateCount: i32,
): void {
  copyWeights(w, kernel, bias, inputs, units, gateCount, unpack);
}

function copyWeights(
  w: usize, kernel: usize, bias: usize, inputs: i32, units: i32, gateCount: i32, copy: Copy,
): void {
  const H = padded(units);
  const columns = gateCount * H;
  const row = <usize>(gateCount * units) * 4;
  for (let gate = 0; gate < gateCount; gate++) {
    for (let u = 0; u < units; u += 4) {
      const column = gate * H + u;
      const plain = <usize>(gate * units + u) * 4;
      const count = min(4, units - u);
      const at = packedAt(0, column, inputs, columns);
      const packedRow = packedAt(1, column, inputs, columns) - at;
      if (bias) copy(w + <usize>column * 4, 0, bias + plain, 0, 1, count);
      copy(w + <usize>columns * 4 + at, packedRow, kernel + plain, row, inputs, count);
    }
  }
}
