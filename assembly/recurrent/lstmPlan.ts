/** Memory layout of a planned LSTM layer. */

/** The gates, in the order of their vectors in a row of `gates`. src/ reads the order from here. */
export const enum LstmGate {
  i,
  f,
  g,
  o,
}

/** Bytes of the gates of one row and group. */
export const GATES: usize = 64;

/**
 * A planned LSTM layer, written by src/plan; offsets and strides in bytes.
 * Activations stay in the workspace until the next batch; w and dw are parameters.
 */
@unmanaged
export class LstmPlan {
  batch: i32; // B
  steps: i32; // T
  inputs: i32; // I
  units: i32; // U
  x: usize; // x_0, row 0: the input; rows xRow apart, time steps xStep apart (negative: time runs backwards)
  xRow: usize;
  xStep: usize;
  hx: usize; // [T+1][B][h: H | x: I]: slot t+1 holds h_t; the x part exists only if wide is 0
  hxRow: usize;
  part: i32; // P, rows in each of N parts of the batch, whose numbers lie apart; B = N P, and N = 1 if wide is 1
  gates: usize; // [T][N][G][P][i f g o][4]: activated gates; backward overwrites them with their gradients
  gatesGroup: usize; // distance between groups; see rowBytes in src/plan/planner.ts
  gatesPart: usize; // distance between parts
  c: usize; // [T+1][N][G][P][4]: slot t+1 holds the cell state c_t
  cPart: usize; // distance between parts, of tanhC, dc and slopesC too
  tanhC: usize; // [T][N][G][P][4]: tanh(c_t)
  w: usize; // [G][1 + H + I][16]: bias, recurrent kernel, kernel
  dw: usize; // like w: gradients are added to it
  wt: usize; // scratch: transposed recurrent kernel [4H, H] and kernel [4H, I], packed
  dh: usize; // [T or 1][B][H]: gradient of the output, overwritten; rows dhRow apart
  dhRow: usize;
  dc: usize; // scratch: [N][G][P][4]
  dx: usize; // gradient of the input, overwritten, strides as for x; 0 for none
  dxRow: usize;
  dxStep: usize;
  stateH: usize; // [B][H]: h carried from batch to batch; 0 if each batch starts from zero
  stateC: usize; // [G][B][4]: c carried from batch to batch
  h0: usize; // [B][U], rows h0Row apart, unaligned: the initial hidden state, instead of stateH; 0 for none
  h0Row: usize;
  dh0: usize; // [B][H]: gradient of h0, overwritten; rows dh0Row apart; 0 for none
  dh0Row: usize;
  c0: usize; // [B][U], like h0: the initial cell state; 0 exactly if h0 is
  c0Row: usize;
  dc0: usize; // [B][H], like dh0: gradient of c0; 0 for none
  dc0Row: usize;
  cT: usize; // [B][H], rows cTRow apart: the final cell state, written by forward; 0 for none
  cTRow: usize;
  dcT: usize; // [B][U], rows dcTRow apart: gradient of the final cell state; 0 if it is zero
  dcTRow: usize;
  savedH: usize; // [B][H]: stateH from before the batch, for rewind; 0 unless there are both h0 and stateH
  savedC: usize; // [G][B][4]: stateC, like savedH
  sequences: i32; // 1: dh has a slot for each time step; 0: only for the last
  zeroDh: i32; // 1: no other kernel writes dh, which backward sets to zero first; only with sequences 0
  useBias: i32;
  wide: i32; // 1: x is multiplied in place, before the loop over time; 0: x is copied next to h
  mask: usize; // a float for each row at mask + t * maskStep + 4b, 0 if the row skips step t; 0 without a mask
  maskStep: usize;
  drop: usize; // [B][H]: recurrent dropout, factors on h_{t-1}; drawn by forward unless dropRate is 0; 0 for none
  dropSeed: i32;
  dropRate: i32; // float32 bits
  y: usize; // [T+1][B][H], rows yRow apart: the output h_t without the factors of drop; 0 without drop, where it is hx
  yRow: usize;
  dhx: usize; // scratch [B][H] for backward with a mask or recurrent dropout, else 0
  activation: i32; // an Activation, of g and c
  recurrentActivation: i32; // an Activation, of i, f and o
  slopes: usize; // like gates: derivatives of activations other than tanh and sigmoid; 0 with those, or without training
  slopesC: usize; // like tanhC, under the same conditions
  step: i32; // the time step of kernels that compute one, set by lstmSetStep
}
