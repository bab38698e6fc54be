/**
 * The update of the weights by their gradients: clip, decay, step of the optimizer, average. Each number of a range depends
 * on numbers at the same position only, so threads share the ranges.
 *
 * Ranges count vectors of four numbers. A thread may stop in the middle of a range, which would then be partly updated. So
 * other threads than the calling one write a range to scratch of their own first (`updateWeightsAside`), and then copy it
 * (`updateWeightsStore`), which can be repeated. The scratch stays in a cache close to the core, so this costs less than
 * saving the range: the first pass reads memory while it computes, as on one thread.
 */

import { threadNumber } from '../memory/thread';
import { areWithin, clamp, scale } from './gradients';
import { adadelta, adagrad, adam, adamax, amsgrad, average, decay, momentum, nadam, rmsprop, sgd } from './optimizers';

/** The optimizers by number. src/ reads names and numbers from here. */
export const enum Rule {
  sgd,
  momentum,
  adam,
  amsgrad,
  nadam,
  adamax,
  rmsprop,
  adagrad,
  adadelta,
}

/** How gradients are clipped. */
export const enum Clip {
  none,
  scale,
  clamp,
}

/** A step. The slots of the optimizer and the average of the weights follow the gradients, `stride` bytes from each other. */
@unmanaged
export class Update {
  weights: usize;
  gradients: usize;
  stride: usize;
  slots: i32; // the average included
  scratch: usize; // of thread 1; that of the others follows
  scratchBytes: usize; // for one array of a range
  rule: i32;
  clip: i32;
  decays: i32;
  averages: i32;
  outside: i32; // 1 after `checkGradients` has found a number that is too large, or NaN
  clipBy: f64;
  loss: f64; // the share of the weights that decays
  keep: f64; // of the average
  most: f64;
  a: f64; // numbers of the rule
  b: f64;
  c: f64;
  d: f64;
  e: f64;
  f: f64;
}

/** The bytes of an Update. */
export function updateBytes(): i32 {
  return offsetof<Update>();
}

/** Describes the memory of an update. */
export function setUpdateMemory(update: Update, stride: usize, slots: i32, scratch: usize, scratchBytes: usize): void {
  update.stride = stride;
  update.slots = slots;
  update.scratch = scratch;
  update.scratchBytes = scratchBytes;
}

/** Sets the rule and its numbers, in the order in which `step` passes them on. */
export function setRule(update: Update, rule: i32, a: f64, b: f64, c: f64, d: f64, e: f64, f: f64): void {
  update.rule = rule;
  update.a = a;
  update.b = b;
  update.c = c;
  update.d = d;
  update.e = e;
  update.f = f;
}

/** Sets what happens before and after the step. */
export function setExtras(
  update: Update, clip: i32, clipBy: f64, decays: i32, loss: f64, averages: i32, keep: f64,
): void {
  update.clip = clip;
  update.clipBy = clipBy;
  update.decays = decays;
  update.loss = loss;
  update.averages = averages;
  update.keep = keep;
}

/** Sets where the ranges start. */
export function setStart(update: Update, weights: usize, gradients: usize): void {
  update.weights = weights;
  update.gradients = gradients;
}

/** Sets the bound of the next `checkGradients`. */
export function setBound(update: Update, most: f64): void {
  update.most = most;
  update.outside = 0;
}

/** Whether `checkGradients` found numbers outside of the bound. */
export function isOutside(update: Update): i32 {
  return update.outside;
}

export function checkGradients(update: Update, first: i32, vectors: i32): void {
  if (!areWithin(update.gradients + (<usize>first << 4), vectors << 2, update.most)) update.outside = 1;
}

export function clearGradients(update: Update, first: i32, vectors: i32): void {
  memory.fill(update.gradients + (<usize>first << 4), 0, <usize>vectors << 4);
}

/** Vectors that are updated at once, so that all arrays stay in a cache close to the core. */
const BLOCK: i32 = 1024;

/** Updates in place. */
export function updateWeights(update: Update, first: i32, vectors: i32): void {
  const end = first + vectors;
  for (let at = first; at < end; at += BLOCK) {
    const n = min(BLOCK, end - at) << 2;
    const w = update.weights + (<usize>at << 4);
    const g = update.gradients + (<usize>at << 4);
    const stride = update.stride;
    clip(update, g, n);
    if (update.decays) decay(w, n, update.loss);
    step(update, w, g, stride, g, w, g, stride, n);
    if (update.averages) average(g + <usize>update.slots * stride, w, n, update.keep);
  }
}

/** Computes the update of a range of at most `scratchBytes`, in scratch of this thread. */
export function updateWeightsAside(update: Update, first: i32, vectors: i32): void {
  const offset = <usize>first << 4;
  const bytes = <usize>vectors << 4;
  const n = vectors << 2;
  const w = update.weights + offset;
  const g = update.gradients + offset;
  const stride = update.stride;
  const slots = <usize>update.slots;
  const each = update.scratchBytes;
  const ownW = scratchOf(update);
  const ownG = ownW + each;
  let fromW = w;
  let fromG = g;
  if (update.clip != Clip.none) {
    memory.copy(ownG, g, bytes);
    clip(update, ownG, n);
    fromG = ownG;
  }
  if (update.decays) {
    memory.copy(ownW, w, bytes);
    decay(ownW, n, update.loss);
    fromW = ownW;
  }
  step(update, fromW, g, stride, fromG, ownW, ownG, each, n);
  if (update.averages) {
    memory.copy(ownG + slots * each, g + slots * stride, bytes);
    average(ownG + slots * each, ownW, n, update.keep);
  }
}

/** Copies what `updateWeightsAside` has computed in this thread. */
export function updateWeightsStore(update: Update, first: i32, vectors: i32): void {
  const offset = <usize>first << 4;
  const bytes = <usize>vectors << 4;
  const own = scratchOf(update);
  memory.copy(update.weights + offset, own, bytes);
  for (let n = 1; n <= update.slots; n++) {
    memory.copy(update.gradients + offset + <usize>n * update.stride, own + <usize>(n + 1) * update.scratchBytes, bytes);
  }
}

/** Scratch of this thread: weights, gradients and slots. */
@inline
function scratchOf(update: Update): usize {
  return update.scratch + (threadNumber() - 1) * <usize>(update.slots + 2) * update.scratchBytes;
}

function clip(update: Update, g: usize, n: i32): void {
  if (update.clip == Clip.scale) scale(g, n, update.clipBy);
  if (update.clip == Clip.clamp) clamp(g, n, update.clipBy);
}

/**
 * The step of the optimizer, from w, g and the slots `stride` bytes from each other behind `slots` to others.
 */
function step(
  update: Update, w: usize, slots: usize, stride: usize, g: usize, toW: usize, toSlots: usize, toStride: usize, n: i32,
): void {
  if (update.rule != Rule.adam) return otherStep(update, w, slots, stride, g, toW, toSlots, toStride, n);
  const p = slots + stride;
  const toP = toSlots + toStride;
  adam(
    w, p, p + stride, g, n, update.a, update.b, update.c, update.d, update.e, update.f, toW, toP, toP + toStride,
  );
}

/** The same for the optimizers that not all programs have. */
export function otherStep(
  update: Update, w: usize, slots: usize, stride: usize, g: usize, toW: usize, toSlots: usize, toStride: usize, n: i32,
): void {
  const p = slots + stride;
  const q = p + stride;
  const r = q + stride;
  const toP = toSlots + toStride;
  const toQ = toP + toStride;
  const toR = toQ + toStride;
  const a = update.a;
  const b = update.b;
  const c = update.c;
  const d = update.d;
  const e = update.e;
  const f = update.f;
  switch (update.rule) {
    case Rule.sgd: return sgd(w, g, n, a, toW);
    case Rule.momentum: return momentum(w, p, g, n, a, b, <i32>c, toW, toP);
    case Rule.amsgrad: return amsgrad(w, p, q, r, g, n, a, b, c, d, e, f, toW, toP, toQ, toR);
    case Rule.nadam: return nadam(w, p, q, g, n, a, b, c, d, e, f, toW, toP, toQ);
    case Rule.adamax: return adamax(w, p, q, g, n, a, b, c, d, e, toW, toP, toQ);
    case Rule.rmsprop: {
      const moves = c > 0;
      const mean = f == 0 ? 0 : moves ? r : q;
      return rmsprop(w, p, moves ? q : 0, mean, g, n, a, b, c, d, toW, toP, toQ, moves ? toR : toQ);
    }
    case Rule.adagrad: return adagrad(w, p, g, n, a, b, toW, toP);
    case Rule.adadelta: return adadelta(w, p, q, g, n, a, b, c, toW, toP, toQ);
  }
}
