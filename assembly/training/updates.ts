/**
 * The update of the weights by their gradients: clip, decay, step of the optimizer, average. Each number of a range depends
 * on numbers at the same position only, so threads share the ranges.
 *
 * Ranges count vectors of four numbers. A thread may stop in the middle of a range, which then is partly updated. So other
 * threads than the calling one first save what they change, to scratch of their own.
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

export function updateWeights(update: Update, first: i32, vectors: i32): void {
  const end = first + vectors;
  for (let at = first; at < end; at += BLOCK) updateBlock(update, <usize>at << 4, min(BLOCK, end - at) << 2);
}

function updateBlock(update: Update, offset: usize, n: i32): void {
  const w = update.weights + offset;
  const g = update.gradients + offset;
  if (update.clip == Clip.scale) scale(g, n, update.clipBy);
  if (update.clip == Clip.clamp) clamp(g, n, update.clipBy);
  if (update.decays) decay(w, n, update.loss);
  step(update, w, g, n);
  if (update.averages) average(g + <usize>update.slots * update.stride, w, n, update.keep);
}

function step(update: Update, w: usize, g: usize, n: i32): void {
  const p = g + update.stride;
  const q = p + update.stride;
  const r = q + update.stride;
  const a = update.a;
  const b = update.b;
  const c = update.c;
  const d = update.d;
  const e = update.e;
  const f = update.f;
  switch (update.rule) {
    case Rule.sgd: return sgd(w, g, n, a);
    case Rule.momentum: return momentum(w, p, g, n, a, b, <i32>c);
    case Rule.adam: return adam(w, p, q, g, n, a, b, c, d, e, f);
    case Rule.amsgrad: return amsgrad(w, p, q, r, g, n, a, b, c, d, e, f);
    case Rule.nadam: return nadam(w, p, q, g, n, a, b, c, d, e, f);
    case Rule.adamax: return adamax(w, p, q, g, n, a, b, c, d, e);
    case Rule.rmsprop: {
      const centered = f != 0;
      const moving = c > 0;
      return rmsprop(w, p, moving ? q : 0, centered ? (moving ? r : q) : 0, g, n, a, b, c, d);
    }
    case Rule.adagrad: return adagrad(w, p, g, n, a, b);
    case Rule.adadelta: return adadelta(w, p, q, g, n, a, b, c);
  }
}

/** Copies all that `updateWeights` changes to the scratch of this thread. */
export function updateWeightsSave(update: Update, first: i32, vectors: i32): void {
  copyArrays(update, first, vectors, true);
}

/** Repeats `updateWeights` of a range that this thread has saved. */
export function updateWeightsAgain(update: Update, first: i32, vectors: i32): void {
  copyArrays(update, first, vectors, false);
  updateWeights(update, first, vectors);
}

function copyArrays(update: Update, first: i32, vectors: i32, saves: bool): void {
  const bytes = <usize>vectors << 4;
  const offset = <usize>first << 4;
  let own = update.scratch + (threadNumber() - 1) * <usize>(update.slots + 2) * update.scratchBytes;
  copyArray(own, update.weights + offset, bytes, saves);
  const start = update.clip == Clip.none ? 1 : 0;
  for (let n = start; n <= update.slots; n++) {
    own += update.scratchBytes;
    copyArray(own, update.gradients + offset + <usize>n * update.stride, bytes, saves);
  }
}

@inline
function copyArray(own: usize, array: usize, bytes: usize, saves: bool): void {
  if (saves) memory.copy(own, array, bytes);
  else memory.copy(array, own, bytes);
}
