/**
 * The simple recurrent layer: the equation, forward above backward, and the sweep over time around it.
 *
 *   h_t = tanh(x_t W + h_{t-1} R + b)
 *
 * Letters: B batch, T time, I input width, U units, G = ceil(U / 4) groups of 4 units, H = 4G padded units.
 * Padded units hold zeros and keep them, as in lstm.ts.
 */

/**
 * A planned simple recurrent layer, written by the facade; offsets and strides in bytes, i32 each.
 * Activations live in the workspace until the next batch; w and dw are parameters.
 */
@unmanaged
export class SimpleRnnPlan {
  batch: i32; // B
  steps: i32; // T
  inputs: i32; // I
  units: i32; // U
  x: usize; // x_0, row 0: the input, read; rows xRow apart, time steps xStep apart (negative: time runs backwards)
  xRow: usize;
  xStep: usize;
  hx: usize; // [T+1][B][h: H | x: I]: h_t, times drop where there is one, stands in slot t+1; x is there unless wide
  hxRow: usize;
  w: usize; // bias [H], then recurrent kernel above kernel, packed [H + I, U]: H * (1 + H + I) floats
  dw: usize; // like w: gradients are added to it
  wt: usize; // scratch of H * (H + padded I) floats, H * H without dx: transposed kernels, packed
  dz: usize; // scratch [T][B][H] for backward, rows dzRow apart; may be dh with sequences, tanh and without a mask
  dzRow: usize;
  dh: usize; // [T or 1][B][H]: gradient of the output, destroyed; rows dhRow apart
  dhRow: usize;
  dhx: usize; // scratch [B][H] for backward with a mask or recurrent dropout, else 0
  dx: usize; // gradient of the input, overwritten, strides as for x; 0 when nobody wants it
  dxRow: usize;
  dxStep: usize;
  stateH: usize; // [B][H]: the state carried from batch to batch; 0 when each batch starts from zero
  sequences: i32; // 1: dh has a slot for each time step; 0: only for the last
  useBias: i32;
  wide: i32; // 1: x is read where it lies, in a product before the sweep; 0: x is copied beside h
  mask: usize; // one float for each row at mask + t * maskStep + 4b, 0 where the row skips the step; 0: none skips any
  maskStep: usize;
  drop: usize; // [B][H]: factors on h_{t-1}, recurrent dropout; filled by forward unless dropRate is 0; 0: no dropout
  dropSeed: i32;
  dropRate: i32; // the bits of an f32
  y: usize; // [T+1][B][H], rows yRow apart: the output where there is a drop, laid out like hx; else 0, hx is the output
  yRow: usize;
  activation: i32; // numbers as in src/activations.ts; others than tanh leave their slopes in dz, unless that is 0
}
