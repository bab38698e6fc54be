/**
 * The GRU layer: the equations, forward above backward, and the sweep over time around them.
 *
 *   z_t = sigmoid(x_t Wz + h_{t-1} Rz + bz)               update gate
 *   r_t = sigmoid(x_t Wr + h_{t-1} Rr + br)               reset gate
 *   n_t = tanh   (x_t Wn + bn + r_t * (h_{t-1} Rn + cn))  candidate; Keras calls its weights h
 *   h_t = z_t * h_{t-1} + (1 - z_t) * n_t                 output, also called hidden state
 *
 * That is the layer with resetAfter, where z and r have a second bias too. Without it the gate comes before the
 * product, n_t = tanh(x_t Wn + bn + (r_t * h_{t-1}) Rn), and there is one bias.
 *
 * Letters: B batch, T time, I input width, U units, G = ceil(U / 4) groups of 4 units, H = 4G padded units.
 *
 * Gates lie in the order [group][a z r n][4 units], where a is h_{t-1} Rn + cn with resetAfter and r_t * h_{t-1}
 * without. So what the state feeds (a z r) and what the input feeds (z r n) are three neighbouring vectors each, and
 * everything is a product with panels of 12 columns. Padded units hold zeros and keep them, as in lstm.ts.
 */

/**
 * A planned GRU layer, written by the facade; offsets and strides in bytes, i32 each.
 * Activations live in the workspace until the next batch; w and dw are parameters.
 */
@unmanaged
export class GruPlan {
  batch: i32; // B
  steps: i32; // T
  inputs: i32; // I
  units: i32; // U
  x: usize; // x_0, row 0: the input, read; rows xRow apart, time steps xStep apart (negative: time runs backwards)
  xRow: usize;
  xStep: usize;
  h: usize; // [T+1][B][H]: h_t, times drop where there is one, stands in slot t+1; rows hRow apart
  hRow: usize;
  gates: usize; // [T][G][B][a z r n][4]: gates after their activation; backward overwrites them by their gradients
  gatesGroup: usize; // from one group to the next, at least 64 B; see rowBytes in plan.ts
  w: usize; // parameters, see gruWeights in gruOrder.ts: G * (2 + H + I) * 12 floats
  dw: usize; // like w: gradients are added to it
  wt: usize; // scratch of 3H * (H + padded I) floats, 3H * H without dx: transposed kernels, packed
  dh: usize; // [T or 1][B][H]: gradient of the output, destroyed; rows dhRow apart
  dhRow: usize;
  dhx: usize; // scratch [B][H] for backward with a mask or recurrent dropout, else 0
  drh: usize; // scratch [B][H] for backward without resetAfter, else 0
  dx: usize; // gradient of the input, overwritten, strides as for x; 0 when nobody wants it
  dxRow: usize;
  dxStep: usize;
  stateH: usize; // [B][H]: the state carried from batch to batch; 0 when each batch starts from zero
  sequences: i32; // 1: dh has a slot for each time step; 0: only for the last
  useBias: i32;
  resetAfter: i32;
  mask: usize; // one float for each row at mask + t * maskStep + 4b, 0 where the row skips the step; 0: none skips any
  maskStep: usize;
  drop: usize; // [B][H]: factors on h_{t-1}, recurrent dropout; filled by forward unless dropRate is 0; 0: no dropout
  dropSeed: i32;
  dropRate: i32; // the bits of an f32
  y: usize; // [T+1][B][H], rows yRow apart: the output where there is a drop, laid out like h; else 0, h is the output
  yRow: usize;
  activation: i32; // of n; numbers as in src/activations.ts
  recurrentActivation: i32; // of z and r
  slopes: usize; // like gates: slopes of activations other than tanh and sigmoid; 0 with those, or without backward
}
