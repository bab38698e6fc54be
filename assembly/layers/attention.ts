/**
 * Attention: y = softmax(scores) V for each sample and head, where the scores of a query are its products with the keys
 * or a sum of tanh (attentionScores.ts).
 *
 * Letters: B batch, N heads, T queries, S keys and values, D width of a query and a key, V width of a value.
 */

import { copyRow, scaleRow } from '../memory/rows';
import { own } from '../memory/thread';
import { packColumns, packRows, unpackRows } from '../products/packing';
import { ZEROS, matmul, matmulTransposed, padded } from '../products/matmul';
import { findVisible, hideGradients, isZeroed, maskScores } from './attentionMasks';
import { AttentionBlock, AttentionPlan } from './attentionPlan';
import { additiveScores, additiveScoresBackward, softmaxBackwardInPlace, softmaxInPlace } from './attentionScores';
import { dropoutMask } from './dropout';

const BLOCK: i32 = AttentionBlock.queries;

export function attentionForward(plan: AttentionPlan): void {
  attentionForwardStart(plan);
  attentionForwardRows(plan, 0, plan.rows * plan.heads);
}

/** What attentionForwardRows needs, once for all rows. */
export function attentionForwardStart(plan: AttentionPlan): void {
  assert(plan.rows > 0 && plan.heads > 0 && plan.queries > 0 && plan.keys > 0 && plan.depth > 0 && plan.width > 0);
  if (!plan.drop) return;
  const numbers = plan.rows * plan.heads * plan.queries * padded(plan.keys);
  dropoutMask(plan.drop, numbers, plan.seed, reinterpret<f32>(plan.rate));
}

/** The part of attentionForward for some rows, which threads run at the same time: each is one head of one sample. */
export function attentionForwardRows(shared: AttentionPlan, first: i32, rows: i32): void {
  const plan = own(shared);
  if (plan.additive) loadGains(plan);
  for (let n = first; n < first + rows; n++) {
    const b = <usize>(n / plan.heads);
    const h = n % plan.heads;
    if (plan.visible && (n == first || h == 0)) findVisible(plan, b);
    attend(plan, b, h);
  }
}

function attend(plan: AttentionPlan, b: usize, h: i32): void {
  const S = plan.keys;
  const row = <usize>padded(S) * 4;
  const value = plan.v + b * plan.vRow + <usize>(h * plan.width) * 4;
  loadKeys(plan, b, h);
  packRows(plan.valuePanels, value, plan.vStep, S, plan.width);
  for (let first = 0; first < plan.queries; first += BLOCK) {
    const count = min(BLOCK, plan.queries - first);
    const weights = weightsAt(plan, b, h, first);
    computeScores(plan, weights, b, h, first, count);
    if (plan.visible) maskScores(plan, weights, b, first, count);
    softmaxInPlace(weights, row, count, S);
    const dropped = dropWeights(plan, weights, b, h, first, count);
    if (plan.scores) {
      for (let n = 0; n < count; n++) {
        const to = plan.scores + b * plan.scoresRow + <usize>(first + n) * plan.scoresStep;
        copyRow(to, dropped + <usize>n * row, S, padded(S) - S);
      }
    }
    computeContext(plan, dropped, b, h, first, count);
  }
}

/** Requires attentionForward on the same plan, which keeps its weights. */
export function attentionBackward(plan: AttentionPlan): void {
  if (plan.additive) {
    loadGains(plan);
    memory.fill(plan.dGains, 0, <usize>padded(plan.depth) * 4);
  }
  const dScale = sweepBackward(plan, 0, plan.rows * plan.heads);
  if (plan.dScale) store<f32>(plan.dScale, load<f32>(plan.dScale) + <f32>dScale);
  if (plan.dGain) addGainGradient(plan);
}

/** The part of attentionBackward for some rows, which threads run at the same time; not with trained scales or gains. */
export function attentionBackwardRows(plan: AttentionPlan, first: i32, rows: i32): void {
  assert(!plan.dScale && !plan.additive);
  sweepBackward(own(plan), first, rows);
}

/** Returns the gradient of the trained scale. */
function sweepBackward(plan: AttentionPlan, first: i32, rows: i32): f64 {
  let dScale: f64 = 0;
  for (let n = first; n < first + rows; n++) {
    const b = <usize>(n / plan.heads);
    const h = n % plan.heads;
    if (plan.visible && (n == first || h == 0)) findVisible(plan, b);
    dScale = attendBackward(plan, b, h, dScale);
  }
  return dScale;
}

/** Adds the gradient of the trained scale to dScale, and returns the sum. */
function attendBackward(plan: AttentionPlan, b: usize, h: i32, dScale: f64): f64 {
  const S = plan.keys;
  const row = <usize>padded(S) * 4;
  const deep = <usize>padded(plan.depth) * 4;
  const wide = <usize>padded(plan.width) * 4;
  const key = plan.k + b * plan.kRow + <usize>(h * plan.depth) * 4;
  const value = plan.v + b * plan.vRow + <usize>(h * plan.width) * 4;
  if (plan.additive) loadKeys(plan, b, h);
  else packRows(plan.keyPanels, key, plan.kStep, S, plan.depth);
  packColumns(plan.valuePanels, value, plan.vStep, plan.width, S);
  memory.fill(plan.dKeyPanels, 0, <usize>S * deep);
  memory.fill(plan.dValuePanels, 0, <usize>S * wide);
  for (let first = 0; first < plan.queries; first += BLOCK) {
    const count = min(BLOCK, plan.queries - first);
    const weights = weightsAt(plan, b, h, first);
    loadQueries(plan, b, h, first, count);
    loadContextGradient(plan, b, h, first, count);
    const dropped = dropWeights(plan, weights, b, h, first, count);
    matmulTransposed(plan.dValuePanels, dropped, row, 0, plan.context, wide, 0, count, 1, S, plan.width);
    const dWeights = plan.dWeights;
    if (plan.dScores) {
      for (let n = 0; n < count; n++) {
        const from = plan.dScores + b * plan.dScoresRow + <usize>(first + n) * plan.dScoresStep;
        copyRow(dWeights + <usize>n * row, from, S, padded(S) - S);
      }
    }
    const init = plan.dScores ? dWeights : ZEROS;
    matmul(
      dWeights, row, init, plan.dScores ? row : 0, plan.dScores ? 4 : 0,
      plan.context, wide, 0, plan.width, 1, plan.valuePanels, count, S,
    );
    if (plan.drop) multiply(dWeights, dWeights, dropAt(plan, b, h, first), <usize>count * row);
    softmaxBackwardInPlace(dWeights, weights, row, count);
    if (plan.replacesMasked && plan.visible) hideGradients(plan, dWeights, b, first, count);
    dScale += backwardToQueries(plan, b, h, first, count);
  }
  const dKey = plan.dk + b * plan.dkRow + <usize>(h * plan.depth) * 4;
  if (plan.dk) storeKeyGradient(plan, dKey, zerosAfter(plan, h, plan.depth));
  const dValue = plan.dv + b * plan.dvRow + <usize>(h * plan.width) * 4;
  if (plan.dv) {
    unpackRows(dValue, plan.dvStep, plan.dValuePanels, S, plan.width, zerosAfter(plan, h, plan.width));
  }
  return dScale;
}

/** From the gradients of the scores of a block to those of its queries and keys; returns that of the trained scale. */
function backwardToQueries(plan: AttentionPlan, b: usize, h: i32, first: i32, count: i32): f64 {
  const S = plan.keys;
  const row = <usize>padded(S) * 4;
  const deep = <usize>padded(plan.depth) * 4;
  const scale = scaleOf(plan);
  let dScale: f64 = 0;
  if (plan.additive) {
    for (let n: usize = 0; n < <usize>count; n++) {
      dScale += additiveScoresBackward(
        plan.dWeights + n * row, plan.query + n * deep, plan.keyPanels, plan.gains, scale,
        plan.dQuery + n * deep, plan.dKeyPanels, plan.dGains, S, deep,
      );
    }
  } else {
    matmul(plan.dQuery, deep, ZEROS, 0, 0, plan.dWeights, row, 0, S, 1, plan.keyPanels, count, plan.depth);
    matmulTransposed(plan.dKeyPanels, plan.dWeights, row, 0, plan.query, deep, 0, count, 1, S, plan.depth);
  }
  for (let n: usize = 0; n < <usize>count; n++) {
    const dQuery = plan.dQuery + n * deep;
    const at = b * plan.qRow + <usize>(first + <i32>n) * plan.qStep + <usize>(h * plan.depth) * 4;
    if (!plan.additive) {
      if (plan.scale) dScale += dotOf(dQuery, plan.q + at, plan.depth);
      scaleRow(dQuery, dQuery, scale, plan.depth);
    }
    if (plan.dq) {
      const dq = plan.dq + b * plan.dqRow + <usize>(first + <i32>n) * plan.dqStep + <usize>(h * plan.depth) * 4;
      copyRow(dq, dQuery, plan.depth, zerosAfter(plan, h, plan.depth));
    }
  }
  return dScale;
}

function storeKeyGradient(plan: AttentionPlan, dKey: usize, zeros: i32): void {
  if (!plan.additive) {
    unpackRows(dKey, plan.dkStep, plan.dKeyPanels, plan.keys, plan.depth, zeros);
    return;
  }
  const deep = <usize>padded(plan.depth) * 4;
  for (let n: usize = 0; n < <usize>plan.keys; n++) {
    copyRow(dKey + n * plan.dkStep, plan.dKeyPanels + n * deep, plan.depth, zeros);
  }
}

/** The keys of a head: packed, as columns for products; or plain rows. */
function loadKeys(plan: AttentionPlan, b: usize, h: i32): void {
  const key = plan.k + b * plan.kRow + <usize>(h * plan.depth) * 4;
  if (!plan.additive) {
    packColumns(plan.keyPanels, key, plan.kStep, plan.depth, plan.keys);
    return;
  }
  const deep = <usize>padded(plan.depth) * 4;
  for (let n: usize = 0; n < <usize>plan.keys; n++) {
    copyRow(plan.keyPanels + n * deep, key + n * plan.kStep, plan.depth, padded(plan.depth) - plan.depth);
  }
}

/** The queries of a block; for products, they are scaled. */
function loadQueries(plan: AttentionPlan, b: usize, h: i32, first: i32, count: i32): void {
  const deep = <usize>padded(plan.depth) * 4;
  const scale = plan.additive ? <f32>1 : scaleOf(plan);
  for (let n = 0; n < count; n++) {
    const from = plan.q + b * plan.qRow + <usize>(first + n) * plan.qStep + <usize>(h * plan.depth) * 4;
    scaleRow(plan.query + <usize>n * deep, from, scale, plan.depth);
  }
}

function loadContextGradient(plan: AttentionPlan, b: usize, h: i32, first: i32, count: i32): void {
  const wide = <usize>padded(plan.width) * 4;
  for (let n = 0; n < count; n++) {
    const to = plan.context + <usize>n * wide;
    const from = plan.dy + b * plan.dyRow + <usize>(first + n) * plan.dyStep + <usize>(h * plan.width) * 4;
    if (!plan.dy || isZeroed(plan, b, first + n)) memory.fill(to, 0, wide);
    else copyRow(to, from, plan.width, padded(plan.width) - plan.width);
  }
}

function computeScores(plan: AttentionPlan, scores: usize, b: usize, h: i32, first: i32, count: i32): void {
  const row = <usize>padded(plan.keys) * 4;
  const deep = <usize>padded(plan.depth) * 4;
  if (!plan.additive && scaleOf(plan) == 1) {
    // Products read queries where they are
    const q = plan.q + b * plan.qRow + <usize>first * plan.qStep + <usize>(h * plan.depth) * 4;
    matmul(scores, row, ZEROS, 0, 0, q, plan.qStep, 0, plan.depth, 1, plan.keyPanels, count, plan.keys);
    return;
  }
  loadQueries(plan, b, h, first, count);
  if (!plan.additive) {
    matmul(scores, row, ZEROS, 0, 0, plan.query, deep, 0, plan.depth, 1, plan.keyPanels, count, plan.keys);
    return;
  }
  for (let n: usize = 0; n < <usize>count; n++) {
    additiveScores(
      scores + n * row, plan.query + n * deep, plan.keyPanels, plan.gains, scaleOf(plan), plan.keys, deep,
    );
  }
}

/** y = weights V for a block of queries. */
function computeContext(plan: AttentionPlan, weights: usize, b: usize, h: i32, first: i32, count: i32): void {
  const y = plan.y + b * plan.yRow + <usize>first * plan.yStep + <usize>(h * plan.width) * 4;
  const zeros = zerosAfter(plan, h, plan.width);
  // Other products write padding: NaN times zero, or the columns of the next head
  const isDirect = (plan.width & 3) == 0;
  const context = isDirect ? y : plan.context;
  const step = isDirect ? plan.yStep : <usize>padded(plan.width) * 4;
  const row = <usize>padded(plan.keys) * 4;
  matmul(context, step, ZEROS, 0, 0, weights, row, 0, plan.keys, 1, plan.valuePanels, count, plan.width);
  for (let n = 0; n < count; n++) {
    const to = y + <usize>n * plan.yStep;
    if (isZeroed(plan, b, first + n)) memory.fill(to, 0, <usize>(plan.width + zeros) * 4);
    else if (!isDirect) copyRow(to, context + <usize>n * step, plan.width, zeros);
  }
}

// ---------------------------------------------------------------------------------------------------------------- helpers

/** Byte offset of a query's weights in a buffer of all of them. */
@inline
function offsetOf(plan: AttentionPlan, b: usize, h: i32, query: i32): usize {
  const head = b * <usize>plan.heads + <usize>h;
  return (head * <usize>plan.queries + <usize>query) * (<usize>padded(plan.keys) * 4);
}

@inline
function weightsAt(plan: AttentionPlan, b: usize, h: i32, query: i32): usize {
  return plan.keeps ? plan.weights + offsetOf(plan, b, h, query) : plan.weights;
}

@inline
function dropAt(plan: AttentionPlan, b: usize, h: i32, query: i32): usize {
  return plan.drop + offsetOf(plan, b, h, query);
}

/** The weights of a block after dropout. */
function dropWeights(plan: AttentionPlan, weights: usize, b: usize, h: i32, first: i32, count: i32): usize {
  if (!plan.drop) return weights;
  multiply(plan.dropped, weights, dropAt(plan, b, h, first), <usize>(count * padded(plan.keys)) * 4);
  return plan.dropped;
}

/** Zeros behind the columns of head h, which end a row if it is the last head. */
@inline
function zerosAfter(plan: AttentionPlan, h: i32, width: i32): i32 {
  return h + 1 == plan.heads ? -(plan.heads * width) & 3 : 0;
}

@inline
function scaleOf(plan: AttentionPlan): f32 {
  return plan.scale ? load<f32>(plan.scale) : reinterpret<f32>(plan.factor);
}

/** The gains of all columns, with zeros as padding. */
function loadGains(plan: AttentionPlan): void {
  for (let d: usize = 0; d < <usize>padded(plan.depth); d++) {
    const gain = plan.gain ? load<f32>(plan.gain + (plan.gainIsScalar ? 0 : 4 * d)) : 1;
    store<f32>(plan.gains + 4 * d, d < <usize>plan.depth ? gain : 0);
  }
}

function addGainGradient(plan: AttentionPlan): void {
  for (let d: usize = 0; d < <usize>plan.depth; d++) {
    const to = plan.dGain + (plan.gainIsScalar ? 0 : 4 * d);
    store<f32>(to, load<f32>(to) + load<f32>(plan.dGains + 4 * d));
  }
}

/** y = a b over whole vectors; y may be a. */
function multiply(y: usize, a: usize, b: usize, bytes: usize): void {
  for (let n: usize = 0; n < bytes; n += 16) v128.store(y + n, f32x4.mul(v128.load(a + n), v128.load(b + n)));
}

function dotOf(a: usize, b: usize, n: i32): f64 {
  let sum: f64 = 0;
  for (let k: usize = 0; k < <usize>n; k++) sum += <f64>load<f32>(a + 4 * k) * <f64>load<f32>(b + 4 * k);
  return sum;
}
