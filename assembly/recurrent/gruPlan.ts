/** Memory layout of a planned GRU layer. */

import { UNITS } from './shared';

/** The vectors of a row of `gates`, in order. src/ reads the order from here. */
export const enum GruGate {
  a,
  z,
  r,
  n,
}

/** Bytes of the gates of one row and group, and the offsets of the gates in them. */
export const GATES: usize = 64;
export const Z: usize = <usize>GruGate.z * UNITS;
export const R: usize = <usize>GruGate.r * UNITS;
export const N: usize = <usize>GruGate.n * UNITS;

/**
 * A planned GRU layer, written by src/plan; offsets and strides in bytes.
 * Activations stay in the workspace until the next batch; w and dw are parameters.
 */
@unmanaged
export class GruPlan {
  batch: i32; // B
  steps: i32; // T
  inputs: i32; // I
  units: i32; // U
  x: usize; // x_0, row 0: the input; rows xRow apart, time steps xStep apart (negative: time runs backwards)
  xRow: usize;
  xStep: usize;
  h: usize; // [T+1][B][H]: slot t+1 holds h_t, times drop if there is one; rows hRow apart
  hRow: usize;
  gates: usize; // [T][G][B][a z r n][4]: activated gates; backward overwrites them with their gradients
  gatesGroup: usize; // distance between groups; see rowBytes in src/plan/planner.ts
  w: usize; // parameters, G * (2 + H + I) * 12 floats; see packGruWeights
  dw: usize; // like w: gradients are added to it
  wt: usize; // scratch of 3H * (H + padded I) floats, 3H * H without dx: transposed kernels, packed
  dh: usize; // [T or 1][B][H]: gradient of the output, overwritten; rows dhRow apart
  dhRow: usize;
  dhx: usize; // scratch [B][H] for backward with a mask or recurrent dropout, else 0
  drh: usize; // scratch [B][H] for backward without resetAfter, else 0
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
  resetAfter: i32;
  mask: usize; // a float for each row at mask + t * maskStep + 4b, 0 if the row skips step t; 0 without a mask
  maskStep: usize;
  drop: usize; // [B][H]: recurrent dropout, factors on h_{t-1}; drawn by forward unless dropRate is 0; 0 for none
  dropSeed: i32;
  dropRate: i32; // float32 bits
  y: usize; // [T+1][B][H], rows yRow apart: the output h_t without the factors of drop; 0 without drop, where it is h
  yRow: usize;
  activation: i32; // an Activation, of n
  recurrentActivation: i32; // an Activation, of z and r
  slopes: usize; // like gates: derivatives of activations other than tanh and sigmoid; 0 with those, or without training
  step: i32; // the time step of kernels that compute one, set by gruSetStep
}
