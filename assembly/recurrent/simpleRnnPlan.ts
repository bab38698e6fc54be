/** Memory layout of a planned simple recurrent layer. */

/**
 * A planned simple recurrent layer, written by src/plan; offsets and strides in bytes.
 * Activations stay in the workspace until the next batch; w and dw are parameters.
 */
@unmanaged
export class SimpleRnnPlan {
  batch: i32; // B
  steps: i32; // T
  inputs: i32; // I
  units: i32; // U
  x: usize; // x_0, row 0: the input; rows xRow apart, time steps xStep apart (negative: time runs backwards)
  xRow: usize;
  xStep: usize;
  hx: usize; // [T+1][B][h: H | x: I]: slot t+1 holds h_t, times drop if there is one; the x part exists only if wide is 0
  hxRow: usize;
  w: usize; // bias [H], then recurrent kernel above kernel, packed [H + I, U]: H * (1 + H + I) floats; gamma
  dw: usize; // like w: gradients are added to it
  wt: usize; // scratch of H * (H + padded I) floats, H * H without dx: transposed kernels, packed
  dz: usize; // scratch [T][B][H] for backward, rows dzRow apart; may be dh with tanh and sequences but no mask
  dzRow: usize;
  dh: usize; // [T or 1][B][H]: gradient of the output, overwritten; rows dhRow apart
  dhRow: usize;
  dhx: usize; // scratch [B][H] for backward with a mask or recurrent dropout, else 0
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
  wide: i32; // 1: x is multiplied in place; 0: x is copied next to h
  mask: usize; // a float for each row at mask + t * maskStep + 4b, 0 if the row skips step t; 0 without a mask
  maskStep: usize;
  drop: usize; // [B][H]: recurrent dropout, factors on h_{t-1}; drawn by forward unless dropRate is 0; 0 for none
  dropSeed: i32;
  dropRate: i32; // float32 bits
  y: usize; // [T+1][B][H], rows yRow apart: the output h_t without the factors of drop; 0 without drop, where it is hx
  yRow: usize;
  activation: i32; // an Activation; all but tanh leave their derivatives in dz, or dn if there is one, unless that is 0
  gamma: usize; // in w: [H], behind the kernels: of the layer normalization; 0 for none, as all below
  z: usize; // [T][B][H]: x W + h R, rows zRow apart
  zRow: usize;
  moments: usize; // [T][B][8]: mean and 1 / sqrt(variance + epsilon) of z
  dn: usize; // [T][B][H] for backward: gradient of the normalized z, rows zRow apart
  epsilon: i32; // float32 bits
}
