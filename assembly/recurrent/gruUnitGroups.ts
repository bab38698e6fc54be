/**
 * A GRU of few rows on threads, which share the groups of units at each time step; the equations are in gru.ts, and the
 * contract is that of lstmUnitGroups.ts. Without resetAfter, a step has one more kernel in each direction, because every
 * candidate reads r_t * h_{t-1} of all units.
 */

import {
  candidateGroups, cellsBackward, gradientBelow, groups, kernelPanels, loadState, resetsBackward, rowBelow, startSweep,
  stepGroups, transposeColumns,
} from './gru';
import { GATES, GruPlan, Z } from './gruPlan';
import { ZEROS, matmulColumns, sixteens } from '../products/matmul';

/** Sets the time step of the kernels below. */
export function gruSetStep(plan: GruPlan, t: i32): void {
  plan.step = t;
}

/** Before the first step; after the last one, gruForwardEnd follows. */
export function gruStepsStart(plan: GruPlan): void {
  loadState(plan, 0, plan.batch);
}

/** A time step of some groups. */
export function gruStepGroups(plan: GruPlan, first: i32, count: i32): void {
  stepGroups(plan, plan.step, 0, plan.batch, first, count);
}

/** The rest of a time step of some groups without resetAfter, after gruStepGroups for all groups. */
export function gruCandidateGroups(plan: GruPlan, first: i32, count: i32): void {
  candidateGroups(plan, plan.step, 0, plan.batch, first, count);
}

/** Sixteens of columns of the transposed weights, as the kernels below read them. */
export function gruTransposeColumns(plan: GruPlan, first: i32, count: i32): void {
  transposeColumns(plan, first, count);
}

/** Before the last step, backward; after the first one, gruBackwardWeights follows. */
export function gruSweepStart(plan: GruPlan): void {
  startSweep(plan, 0, plan.batch);
}

/** A time step backward through the cells of some groups. */
export function gruCellsBackward(plan: GruPlan, first: i32, count: i32): void {
  const t = plan.step;
  const sums = t > 0 && plan.sequences != 0;
  cellsBackward(plan, t, 0, plan.batch, first, count, gradientBelow(plan, t), rowBelow(plan, t), sums, false);
}

/** Backward through the reset gates of sixteens of units without resetAfter, after gruCellsBackward for all groups. */
export function gruResetsBackward(plan: GruPlan, first: i32, count: i32): void {
  const t = plan.step;
  resetsBackward(plan, t, 0, plan.batch, first, count, gradientBelow(plan, t), rowBelow(plan, t), false);
}

/** Sixteens of columns of dh_{t-1}, followed by those of dx, at one time step, after the kernels above for all groups. */
export function gruStatesBackward(plan: GruPlan, first: i32, count: i32): void {
  const t = plan.step;
  const B = plan.batch;
  const G = groups(plan);
  const H = 4 * G;
  const gates = plan.gates + <usize>(t * G) * plan.gatesGroup;
  if (t > 0 || plan.dh0) {
    const to = gradientBelow(plan, t);
    const row = rowBelow(plan, t);
    const from = plan.resetAfter ? gates : gates + Z;
    const depth = plan.resetAfter ? 12 : 8;
    matmulColumns(to, row, to, row, 4, from, GATES, plan.gatesGroup, depth, G, plan.wt, B, H, first, count);
  }
  if (!plan.dx) return;
  const dx = plan.dx + <usize>t * plan.dxStep;
  const kernel = kernelPanels(plan);
  const own = sixteens(H);
  matmulColumns(
    dx, plan.dxRow, ZEROS, 0, 0, gates + Z, GATES, plan.gatesGroup, 12, G, kernel, B, plan.inputs, first - own, count,
  );
}
