/**
 * The simple recurrent layer: the equation, and the loop over time, forward above backward.
 *
 *   h_t = tanh(x_t W + h_{t-1} R + b)
 *
 * With layer normalization, h_t = tanh(gamma norm(x_t W + h_{t-1} R) + b).
 *
 * Letters: B batch, T time, I input width, U units, G = ceil(U / 4) groups of 4 units, H = 4G padded units.
 * Padded units stay zero, as in lstm.ts.
 */

import { lastLanes } from '../math/laneMasks';
import { flushSmall, tanh } from '../math/elementary';
import { Activation, activateStrided } from '../math/activations';
import { Copy, pack, unpack } from '../memory/copy';
import { SLICE, ZEROS, columnSums, copyPanels, matmul, packedAt, padded, panelWidth } from '../products/matmul';
import { MOMENTS, normBackward, normGradient, normalize } from './norm';
import {
  ENOUGH_ROWS, ROW_BLOCK, SMALLEST, UNITS, applyRecurrentDropout, clearRows, copySkippedRows, drawRecurrentDropout, gatherInput,
  isUnmasked, loadH, loadInitialH, maskOf, stateGradient, storeH,
} from './shared';
import { SimpleRnnPlan } from './simpleRnnPlan';
import { outerPanel16, outerPanel4, outerPanel8, rowPanel16, rowPanel4, rowPanel8 } from '../products/tiles.generated';

// --------------------------------------------------------------------------------------------------- the equation

/** h = tanh(h) in rows of `width` numbers. */
function cellForward(h: usize, hRow: usize, rows: i32, width: i32, units: i32): void {
  const least = f32x4.splat(SMALLEST);
  const last = <usize>(width - 4) * 4;
  const lanes = lastLanes(units);
  for (; rows > 0; rows--) {
    for (let k: usize = 0; k < last; k += UNITS) v128.store(h + k, flushSmall(tanh(v128.load(h + k)), least));
    v128.store(h + last, v128.and(flushSmall(tanh(v128.load(h + last)), least), lanes));
    h += hRow;
  }
}

/** The same for any activation; stores its derivative in dz unless that is 0. */
function generalForward(
  activation: i32, h: usize, hRow: usize, dz: usize, dzRow: usize, rows: i32, width: i32, units: i32,
): void {
  const last = <usize>(width - 4) * 4;
  const lanes = lastLanes(units);
  for (let k: usize = 0; k <= last; k += UNITS) {
    activateStrided(activation, h + k, hRow, dz ? dz + k : 0, dzRow, h + k, hRow, rows);
  }
  for (let at = h + last; rows > 0; rows--, at += hRow) v128.store(at, v128.and(v128.load(at), lanes));
}

/**
 * One time step backward: dz = dh * derivative of the activation.
 *
 * @param dz (B, H): holds the derivative already unless the activation is tanh; with tanh it may be dh
 * @param h (B, H): h_t
 */
function cellBackward(
  activation: i32, dz: usize, dzRow: usize, dh: usize, dhRow: usize, h: usize, hRow: usize, rows: i32, width: i32,
): void {
  const one = f32x4.splat(1);
  const least = f32x4.splat(SMALLEST);
  const bytes = <usize>width * 4;
  for (; rows > 0; rows--) {
    for (let k: usize = 0; k < bytes; k += UNITS) {
      const ht = v128.load(h + k);
      const slope = activation == Activation.tanh ? f32x4.sub(one, f32x4.mul(ht, ht)) : v128.load(dz + k);
      v128.store(dz + k, f32x4.mul(flushSmall(v128.load(dh + k), least), slope));
    }
    dz += dzRow;
    dh += dhRow;
    h += hRow;
  }
}

// ---------------------------------------------------------------------------------------------------------- forward

/** Whether the first step starts from a given or carried state. */
@inline
function hasInitialState(plan: SimpleRnnPlan): bool {
  return plan.h0 != 0 || plan.stateH != 0;
}

/** Runs all time steps for rows [first, first + rows) of the batch. */
export function simpleRnnForward(plan: SimpleRnnPlan, first: i32, rows: i32): void {
  simpleRnnForwardRows(plan, first, rows);
  simpleRnnForwardEnd(plan, first, rows);
}

/** The part of simpleRnnForward that threads run at the same time. It does not change the carried state. */
export function simpleRnnForwardRows(plan: SimpleRnnPlan, first: i32, rows: i32): void {
  assert(rows > 0 && first >= 0 && first + rows <= plan.batch && plan.steps > 0);
  const B = <usize>plan.batch;
  const T = plan.steps;
  const I = plan.inputs;
  const H = padded(plan.units);
  const hxRow = plan.hxRow;
  const out = plan.y ? plan.y : plan.hx;
  const outRow = plan.y ? plan.yRow : hxRow;
  const bias = plan.gamma ? ZEROS : plan.w; // a normalization adds it
  const biasCol = plan.gamma ? 0 : 4;
  const carried = hasInitialState(plan);

  drawRecurrentDropout(plan.drop, plan.dropSeed, plan.dropRate, plan.batch, H);
  storeH(plan.savedH, plan.stateH, <usize>H * 4, first, rows, H);
  if (plan.h0) loadInitialH(out, outRow, plan.h0, plan.h0Row, first, rows, plan.units);
  else if (carried || plan.mask) loadH(out, outRow, plan.stateH, first, rows, H); // otherwise h_0 is never read
  if (carried && plan.drop) dropSlot(plan, 0, first, rows);
  if (!plan.wide) {
    gatherInput(plan.hx + <usize>H * 4, hxRow, plan.x, plan.xRow, plan.xStep, T, plan.batch, first, rows, I);
  }

  for (let t = 0; t < T; t++) {
    const hx = plan.hx + (<usize>t * B + first) * hxRow;
    const previous = out + (<usize>t * B + first) * outRow;
    const h = previous + B * outRow;
    if (plan.wide) {
      const x = plan.x + <usize>t * plan.xStep + <usize>first * plan.xRow;
      product(plan, h, outRow, bias, 0, biasCol, x, plan.xRow, H, I, rows);
      if (t > 0 || carried) product(plan, h, outRow, h, outRow, 4, hx, hxRow, 0, H, rows);
    } else if (t > 0 || carried) {
      product(plan, h, outRow, bias, 0, biasCol, hx, hxRow, 0, H + I, rows);
    } else {
      product(plan, h, outRow, bias, 0, biasCol, hx + <usize>H * 4, hxRow, H, I, rows); // h_0 = 0
    }
    if (plan.gamma) normalizeRows(plan, t, h, outRow, first, rows);
    const slopes = slopesAt(plan, t, first);
    if (plan.activation == Activation.tanh) cellForward(h, outRow, rows, H, plan.units);
    else generalForward(plan.activation, h, outRow, slopes, slopesRow(plan), rows, H, plan.units);
    if (plan.mask) copySkippedRows(previous, outRow, B * outRow, maskOf(plan.mask, plan.maskStep, t, first), rows, H);
    if (plan.drop) dropSlot(plan, t + 1, first, rows);
  }
}

/** Where step t keeps the derivatives of the activation, then its gradients before the normalization, if there is one. */
@inline
function slopesAt(plan: SimpleRnnPlan, t: i32, first: i32): usize {
  const slopes = plan.gamma ? plan.dn : plan.dz;
  return slopes ? slopes + (<usize>t * plan.batch + first) * slopesRow(plan) : 0;
}

@inline
function slopesRow(plan: SimpleRnnPlan): usize {
  return plan.gamma ? plan.zRow : plan.dzRow;
}

/** Keeps the sums of step t as z, and normalizes them. */
function normalizeRows(plan: SimpleRnnPlan, t: i32, h: usize, hRow: usize, first: i32, rows: i32): void {
  let n = <usize>t * plan.batch + first;
  for (; rows > 0; rows--) {
    const z = plan.z + n * plan.zRow;
    memory.copy(z, h, <usize>padded(plan.units) * 4);
    normalize(h, 0, z, plan.moments + n * MOMENTS, plan.gamma, plan.w, plan.units, 1, plan.epsilon);
    h += hRow;
    n++;
  }
}

/** Stores the carried state of some rows, after simpleRnnForwardRows for them. */
export function simpleRnnForwardEnd(plan: SimpleRnnPlan, first: i32, rows: i32): void {
  storeState(plan, first, rows);
}

/** Stores the last slot of h as the carried state. */
function storeState(plan: SimpleRnnPlan, first: i32, rows: i32): void {
  const outRow = plan.y ? plan.yRow : plan.hxRow;
  const last = (plan.y ? plan.y : plan.hx) + <usize>plan.steps * <usize>plan.batch * outRow;
  storeH(plan.stateH, last, outRow, first, rows, padded(plan.units));
}

/** Restores the carried state from before simpleRnnForward, while the workspace still holds its batch. */
export function simpleRnnRewind(plan: SimpleRnnPlan): void {
  const H = padded(plan.units);
  if (plan.savedH) return storeH(plan.stateH, plan.savedH, <usize>H * 4, 0, plan.batch, H);
  const out = plan.y ? plan.y : plan.hx;
  storeH(plan.stateH, out, plan.y ? plan.yRow : plan.hxRow, 0, plan.batch, H);
}

/** h = y * drop in one slot. */
function dropSlot(plan: SimpleRnnPlan, slot: i32, first: i32, rows: i32): void {
  const at = <usize>slot * plan.batch + first;
  const H = padded(plan.units);
  const drop = plan.drop + <usize>(first * H) * 4;
  applyRecurrentDropout(plan.hx + at * plan.hxRow, plan.hxRow, plan.y + at * plan.yRow, plan.yRow, drop, rows, H);
}

/** c [B, H] = init + a [B, K] * rows [k, k + K) of the packed weights. */
function product(
  plan: SimpleRnnPlan, c: usize, cRow: usize, init: usize, initRow: usize, initCol: usize, a: usize, aRow: usize,
  k: i32, K: i32, rows: i32,
): void {
  const H = padded(plan.units);
  const height = H + plan.inputs;
  let panel = plan.w + <usize>H * 4;
  for (let n = 0; n < H;) {
    const width = panelWidth(H - n);
    const row = <usize>width * 4;
    const most = SLICE / <i32>row;
    let from = init + <usize>n * initCol;
    let fromRow = initRow;
    let slice = a;
    let weights = panel + <usize>k * row;
    const to = c + <usize>n * 4;
    for (let left = K; left > 0; left -= most) {
      const depth = min(left, most);
      if (width == 16) rowPanel16(to, cRow, from, fromRow, slice, aRow, 0, depth, 1, weights, rows);
      else if (width == 8) rowPanel8(to, cRow, from, fromRow, slice, aRow, 0, depth, 1, weights, rows);
      else rowPanel4(to, cRow, from, fromRow, slice, aRow, 0, depth, 1, weights, rows);
      from = to;
      fromRow = cRow;
      slice += <usize>most * 4;
      weights += SLICE;
    }
    panel += <usize>height * row;
    n += width;
  }
}

// --------------------------------------------------------------------------------------------------------- backward

/** Backpropagation through time for rows [first, first + rows), after simpleRnnForward; adds to dw. */
export function simpleRnnBackward(plan: SimpleRnnPlan, first: i32, rows: i32): void {
  simpleRnnBackwardStart(plan);
  sweepBackward(plan, first, rows, true);
}

/** What simpleRnnBackwardRows needs, once for all rows. */
export function simpleRnnBackwardStart(plan: SimpleRnnPlan): void {
  const H = padded(plan.units);
  packTransposed(plan, plan.wt, 0, H);
  if (plan.dx) packTransposed(plan, plan.wt + <usize>(H * H) * 4, H, plan.inputs);
}

/** The part of simpleRnnBackward for some rows, which threads run at the same time: all gradients but those of weights. */
export function simpleRnnBackwardRows(plan: SimpleRnnPlan, first: i32, rows: i32): void {
  sweepBackward(plan, first, rows, false);
}

/**
 * The weight gradients of columns [16 first, 16 (first + count)), after simpleRnnBackwardRows for all rows; adds to dw.
 * Every sum has the order of simpleRnnBackward, and so the same bits.
 */
export function simpleRnnBackwardWeights(plan: SimpleRnnPlan, first: i32, count: i32): void {
  const B = plan.batch;
  const from = 16 * first;
  const to = min(16 * (first + count), padded(plan.units));
  for (let row = 0; row < B; row += ROW_BLOCK) {
    const rows = min(ROW_BLOCK, B - row);
    const chunk = max(1, ENOUGH_ROWS / rows);
    for (let end = plan.steps; end > 0; end -= chunk) {
      const t = max(0, end - chunk);
      for (let s = end - 1; s >= t; s--) vectorGradients(plan, s, row, rows, from, to);
      weightGradients(plan, row, rows, t, end - t, from, to);
    }
  }
}

/** Backward over time; with `adds`, adds the weight gradients of these rows to dw. */
function sweepBackward(plan: SimpleRnnPlan, first: i32, rows: i32, adds: bool): void {
  assert(rows > 0 && first >= 0 && first + rows <= plan.batch && plan.steps > 0);
  const B = <usize>plan.batch;
  const I = plan.inputs;
  const H = padded(plan.units);
  const row = <usize>H * 4;
  const dhStep = plan.sequences ? B * plan.dhRow : 0; // only the last step has a gradient: one slot is enough
  const separate = plan.mask != 0 || plan.drop != 0; // the gradient through the product goes to dhx first
  const chunk = max(1, ENOUGH_ROWS / rows);
  const out = plan.y ? plan.y : plan.hx;
  const outRow = plan.y ? plan.yRow : plan.hxRow;

  const kernel = plan.wt + <usize>(H * H) * 4;
  if (plan.zeroDh) clearRows(plan.dh, plan.dhRow, first, rows, H);

  let pending = 0; // steps with dz, but not yet with weight gradients
  for (let t = plan.steps - 1; t >= 0; t--) {
    const dz = plan.dz + (<usize>t * B + first) * plan.dzRow;
    const dh = plan.dh + <usize>t * dhStep + <usize>first * plan.dhRow;
    const h = out + ((<usize>t + 1) * B + first) * outRow;
    const mask = maskOf(plan.mask, plan.maskStep, t, first);
    const slopes = slopesAt(plan, t, first);
    cellBackward(plan.activation, slopes, slopesRow(plan), dh, plan.dhRow, h, outRow, rows, H);
    if (mask) skipRows(slopes, slopesRow(plan), mask, rows, H);
    if (adds) vectorGradients(plan, t, first, rows, 0, H);
    if (plan.gamma) normBackwardRows(plan, t, dz, first, rows);
    if (t > 0 || plan.dh0) {
      // dh_{t-1} = gradient from the layer above + dz_t transposed(R); h_0 has no layer above
      const to = t > 0 ? dh - dhStep : plan.dh0 + <usize>first * plan.dh0Row;
      const toRow = t > 0 ? plan.dhRow : plan.dh0Row;
      const sums = t > 0 ? plan.sequences : 0;
      if (separate) {
        const dhx = plan.dhx + <usize>first * row;
        const drop = plan.drop ? plan.drop + <usize>first * row : 0;
        matmul(dhx, row, ZEROS, 0, 0, dz, plan.dzRow, 0, H, 1, plan.wt, rows, H);
        stateGradient(to, toRow, sums, dh, plan.dhRow, dhx, drop, mask, rows, H);
      } else if (sums) {
        matmul(to, toRow, to, toRow, 4, dz, plan.dzRow, 0, H, 1, plan.wt, rows, H);
      } else {
        matmul(to, toRow, ZEROS, 0, 0, dz, plan.dzRow, 0, H, 1, plan.wt, rows, H);
      }
    }
    if (plan.dx) {
      const dx = plan.dx + <usize>t * plan.dxStep + <usize>first * plan.dxRow;
      matmul(dx, plan.dxRow, ZEROS, 0, 0, dz, plan.dzRow, 0, H, 1, kernel, rows, I);
    }
    if (++pending == chunk || t == 0) {
      if (adds) weightGradients(plan, first, rows, t, pending, 0, H);
      pending = 0;
    }
  }
}

/** dz = 0 in masked rows. */
function skipRows(dz: usize, dzRow: usize, mask: usize, rows: i32, width: i32): void {
  for (let b = 0; b < rows; b++) {
    if (!isUnmasked(mask, b)) memory.fill(dz, 0, <usize>width * 4);
    dz += dzRow;
  }
}

/** dz = the gradient of z, from that of the normalized z. */
function normBackwardRows(plan: SimpleRnnPlan, t: i32, dz: usize, first: i32, rows: i32): void {
  let n = <usize>t * plan.batch + first;
  for (; rows > 0; rows--) {
    const moments = plan.moments + n * MOMENTS;
    normBackward(dz, plan.dn + n * plan.zRow, plan.z + n * plan.zRow, moments, plan.gamma, plan.units, 1);
    dz += plan.dzRow;
    n++;
  }
}

/** The gradients of the bias and of gamma in columns [from, to), from step t. */
function vectorGradients(plan: SimpleRnnPlan, t: i32, first: i32, rows: i32, from: i32, to: i32): void {
  const d = slopesAt(plan, t, first) + <usize>from * 4;
  const dBias = plan.dw + <usize>from * 4;
  if (!plan.gamma) {
    if (plan.useBias) columnSums(dBias, d, plan.dzRow, rows, to - from);
    return;
  }
  const n = <usize>t * plan.batch + first;
  const dGamma = dBias + (plan.gamma - plan.w);
  const z = plan.z + n * plan.zRow + <usize>from * 4;
  for (let k: usize = 0; k < <usize>(to - from) * 4; k += UNITS) {
    const moments = plan.moments + n * MOMENTS;
    normGradient(dGamma + k, dBias + k, d + k, plan.zRow, z + k, plan.zRow, moments, rows);
  }
  if (!plan.useBias) memory.fill(dBias, 0, <usize>(to - from) * 4);
}

/** Gradients of the recurrent kernel and of the kernel, for `count` steps from t on and columns [from, to). */
function weightGradients(plan: SimpleRnnPlan, first: i32, rows: i32, t: i32, count: i32, from: i32, to: i32): void {
  const B = <usize>plan.batch;
  const I = plan.inputs;
  const H = padded(plan.units);
  const hxStep = B * plan.hxRow;
  const hx = plan.hx + (<usize>t * B + first) * plan.hxRow;
  const fresh = t == 0 && !hasInitialState(plan) ? 1 : 0; // 1: h_0 = 0 contributes nothing to dR
  const adjacent = !plan.wide && !fresh; // h and x form one matrix
  if (count > fresh) {
    const h = hx + <usize>fresh * hxStep;
    outer(plan, h, plan.hxRow, hxStep, 0, adjacent ? H + I : H, first, rows, t + fresh, count - fresh, from, to);
  }
  if (plan.wide) {
    const x = plan.x + <usize>t * plan.xStep + <usize>first * plan.xRow;
    outer(plan, x, plan.xRow, plan.xStep, H, I, first, rows, t, count, from, to);
  } else if (fresh) {
    outer(plan, hx + <usize>H * 4, plan.hxRow, hxStep, H, I, first, rows, t, count, from, to);
  }
}

/** Rows [k, k + K) and columns [from, to) of dw += transposed(a [count][B, K]) * dz, from step t on. */
function outer(
  plan: SimpleRnnPlan, a: usize, aRow: usize, aStep: usize, k: i32, K: i32, first: i32, rows: i32, t: i32, count: i32,
  from: i32, to: i32,
): void {
  const H = padded(plan.units);
  const height = H + plan.inputs;
  const dzRow = plan.dzRow;
  const dzStep = <usize>plan.batch * dzRow;
  let dz = plan.dz + <usize>t * dzStep + <usize>first * dzRow + <usize>from * 4;
  let panel = plan.dw + <usize>(H + height * from) * 4;
  for (let n = from; n < to;) {
    const width = panelWidth(H - n);
    const row = <usize>width * 4;
    const c = panel + <usize>k * row;
    if (width == 16) outerPanel16(c, a, aRow, aStep, dz, dzRow, dzStep, rows, count, K);
    else if (width == 8) outerPanel8(c, a, aRow, aStep, dz, dzRow, dzStep, rows, count, K);
    else outerPanel4(c, a, aRow, aStep, dz, dzRow, dzStep, rows, count, K);
    panel += <usize>height * row;
    dz += row;
    n += width;
  }
}

/** Packs rows [k, k + cols) of the weights as the columns of a matrix [H, cols]. */
function packTransposed(plan: SimpleRnnPlan, t: usize, k: i32, cols: i32): void {
  const H = padded(plan.units);
  const height = H + plan.inputs;
  if (cols & 3) memory.fill(t, 0, <usize>(H * padded(cols)) * 4);
  for (let n = 0; n < cols; n++) {
    let to = t + packedAt(0, n, H, cols);
    const next = packedAt(1, n, H, cols) - packedAt(0, n, H, cols);
    for (let u = 0; u < H; u += 4) {
      const from = plan.w + <usize>H * 4 + packedAt(k + n, u, height, H);
      for (let lane: usize = 0; lane < 16; lane += 4) {
        store<f32>(to, load<f32>(from + lane));
        to += next;
      }
    }
  }
}

/**
 * Packs the weights of Keras, kernel [I, U], recurrentKernel [U, U] and bias [U], with zeros as padding: the bias [H],
 * then a packed matrix [H + I, H], the recurrent kernel above the kernel.
 *
 * @param bias 0 for none
 */
export function packSimpleRnnWeights(
  w: usize, kernel: usize, recurrentKernel: usize, bias: usize, inputs: i32, units: i32,
): void {
  const H = padded(units);
  memory.fill(w, 0, <usize>(H * (1 + H + inputs)) * 4);
  copyWeights(w, kernel, recurrentKernel, bias, inputs, units, pack);
}

export function unpackSimpleRnnWeights(
  w: usize, kernel: usize, recurrentKernel: usize, bias: usize, inputs: i32, units: i32,
): void {
  copyWeights(w, kernel, recurrentKernel, bias, inputs, units, unpack);
}

function copyWeights(
  w: usize, kernel: usize, recurrentKernel: usize, bias: usize, inputs: i32, units: i32, copy: Copy,
): void {
  const H = padded(units);
  const matrix = w + <usize>H * 4;
  if (bias) copy(w, 0, bias, 0, 1, units);
  copyPanels(matrix, 0, H + inputs, recurrentKernel, units, units, copy);
  copyPanels(matrix, H, H + inputs, kernel, inputs, units, copy);
}
