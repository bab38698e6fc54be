/** Memory layout of a planned LSTM with peepholes, a projection or layer normalization. */

/**
 * A planned LSTM with options that lstm.ts does not have, written by src/plan; offsets and strides in bytes.
 * Activations stay in the workspace until the next batch; w and dw are parameters.
 */
@unmanaged
export class LstmVariantPlan {
  batch: i32; // B
  steps: i32; // T
  inputs: i32; // I
  units: i32; // U
  outputs: i32; // P: the numbers of the hidden state, U without a projection
  x: usize; // x_0, row 0: the input; rows xRow apart, time steps xStep apart (negative: time runs backwards)
  xRow: usize;
  xStep: usize;
  h: usize; // [T+1][B][padded P]: slot t+1 holds h_t, times drop if there is one; rows hRow apart
  hRow: usize;
  gates: usize; // [T][B][i f g o][H]: activated gates; backward overwrites them with their gradients
  gatesRow: usize; // distance between rows of 4H numbers, here and below
  slopes: usize; // like gates: derivatives of activations other than tanh and sigmoid; 0 with those, or without training
  c: usize; // [T+1][B][H]: slot t+1 holds the cell state c_t
  unitRow: usize; // distance between rows of H numbers, here and below
  tanhC: usize; // [T][B][H]: tanh(c_t)
  slopesC: usize; // like tanhC, under the conditions of slopes
  w: usize; // bias [4H], kernel [I, 4H] and recurrent kernel [P, 4H], both packed; then those of the options
  dw: usize; // like w: gradients are added to it
  peepholes: usize; // in w: [3][H], those of i, f and o; 0 for none
  projection: usize; // in w: packed [U, P]; 0 for none
  norms: usize; // in w: gamma and beta of x W and of h R [4][4H], then those of c [2][H]; 0 for none
  wt: usize; // scratch: transposed recurrent kernel [4H, P], kernel [4H, I] if there is dx, and projection [P, U], packed
  xw: usize; // [T][B][4H]: x W; 0 without norms, as all down to dc
  hr: usize; // [T][B][4H]: h R
  dxw: usize; // like xw: its gradient, written by backward
  dhr: usize; // like hr
  cell: usize; // [T][B][H]: c_t before it is normalized
  moments: usize; // [T][B][8]: mean and 1 / sqrt(variance + epsilon) of xw, hr and cell
  dn: usize; // [T][B][H]: gradient of c_t, the normalized cell, written by backward
  epsilon: i32; // float32 bits
  dc: usize; // scratch: [B][H]
  m: usize; // [T][B][H]: o tanh(c), which the projection multiplies; 0 without a projection, as the next two
  dm: usize; // scratch: [B][H]
  dp: usize; // [T][B][padded P]: gradient of h_t, written by backward; rows dpRow apart; may be dh with sequences
  dpRow: usize;
  dh: usize; // [T or 1][B][padded P]: gradient of the output, overwritten; rows dhRow apart
  dhRow: usize;
  dhx: usize; // scratch [B][padded P] for backward with a mask or recurrent dropout, else 0
  dx: usize; // gradient of the input, overwritten, strides as for x; 0 for none
  dxRow: usize;
  dxStep: usize;
  stateH: usize; // [B][padded P]: h carried from batch to batch; 0 if each batch starts from zero
  stateC: usize; // [B][H]: c carried from batch to batch
  h0: usize; // [B][P], rows h0Row apart, unaligned: the initial hidden state, instead of stateH; 0 for none
  h0Row: usize;
  dh0: usize; // [B][padded P]: gradient of h0, overwritten; rows dh0Row apart; 0 for none
  dh0Row: usize;
  c0: usize; // [B][U], like h0: the initial cell state; 0 exactly if h0 is
  c0Row: usize;
  dc0: usize; // [B][H], like dh0: gradient of c0; 0 for none
  dc0Row: usize;
  dcT: usize; // [B][U], rows dcTRow apart: gradient of the final cell state; 0 if it is zero
  dcTRow: usize;
  savedH: usize; // [B][padded P]: stateH from before the batch, for rewind; 0 unless there are both h0 and stateH
  savedC: usize; // [B][H]: stateC, like savedH
  sequences: i32; // 1: dh has a slot for each time step; 0: only for the last
  zeroDh: i32; // 1: no other kernel writes dh, which backward sets to zero first; only with sequences 0
  useBias: i32;
  mask: usize; // a float for each row at mask + t * maskStep + 4b, 0 if the row skips step t; 0 without a mask
  maskStep: usize;
  drop: usize; // [B][padded P]: recurrent dropout, factors on h_{t-1}; drawn by forward unless dropRate is 0; 0 for none
  dropSeed: i32;
  dropRate: i32; // float32 bits
  y: usize; // [T+1][B][padded P], rows yRow apart: the output h_t without the factors of drop; 0 without drop
  yRow: usize;
  activation: i32; // an Activation, of g and c
  recurrentActivation: i32; // an Activation, of i, f and o
}
