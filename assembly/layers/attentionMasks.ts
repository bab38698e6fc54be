/**
 * The masks of an attention layer: which keys a query sees, and which queries have outputs.
 *
 * Letters: S keys.
 */

import { allLanes, lastLanes } from '../math/laneMasks';
import { AttentionPlan } from './attentionPlan';

/** A masked score, as in the attention of Keras' backends. */
const LEAST: f32 = -2.372671e38;

@inline
function isMasked(mask: usize, step: usize, b: usize, n: i32): bool {
  return mask != 0 && load<f32>(mask + <usize>n * step + 4 * b) == 0;
}

/** Whether the output of a query is zero because the query is masked. */
@inline
export function isZeroed(plan: AttentionPlan, b: usize, query: i32): bool {
  return !plan.replacesMasked && isMasked(plan.qMask, plan.qMaskStep, b, query);
}

export function findVisible(plan: AttentionPlan, b: usize): void {
  for (let n = 0; n < plan.keys; n++) {
    const hidden = isMasked(plan.vMask, plan.vMaskStep, b, n) || isMasked(plan.kMask, plan.kMaskStep, b, n);
    store<i32>(plan.visible + <usize>n * 4, hidden ? 0 : -1);
  }
}

/** The number of keys that a query may see, before those that are masked. */
function horizon(plan: AttentionPlan, b: usize, query: i32): i32 {
  if (plan.replacesMasked && isMasked(plan.qMask, plan.qMaskStep, b, query)) return 0;
  return plan.causal ? min(query + 1, plan.keys) : plan.keys;
}

/** Lanes of the four keys from n on that are visible within the horizon. */
@inline
function visibleAt(visible: usize, n: i32, end: i32): v128 {
  if (n >= end) return i64x2.splat(0);
  return v128.and(v128.load(visible + <usize>n * 4), n + 4 > end ? lastLanes(end) : allLanes());
}

export function maskScores(plan: AttentionPlan, scores: usize, b: usize, first: i32, count: i32): void {
  const least = f32x4.splat(LEAST);
  const penalty = f32x4.splat(1e9);
  for (let q = first; q < first + count; q++) {
    const end = horizon(plan, b, q);
    for (let n = 0; n < plan.keys; n += 4) {
      const s = v128.load(scores);
      const hidden = plan.replacesMasked ? least : f32x4.sub(s, penalty);
      v128.store(scores, v128.bitselect(s, hidden, visibleAt(plan.visible, n, end)));
      scores += 16;
    }
  }
}

/** Zeroes the gradients of scores that were replaced. */
export function hideGradients(plan: AttentionPlan, ds: usize, b: usize, first: i32, count: i32): void {
  for (let q = first; q < first + count; q++) {
    const end = horizon(plan, b, q);
    for (let n = 0; n < plan.keys; n += 4) {
      v128.store(ds, v128.and(v128.load(ds), visibleAt(plan.visible, n, end)));
      ds += 16;
    }
  }
}
