/**
 * An LSTM of few rows on threads, which share the groups of units at each time step; the equations are in lstm.ts.
 *
 * The calling thread runs the kernels without a range, between two time steps: src/plan/unitGroups.ts has the order. The
 * others take a range of groups, or of sixteens of columns, of all rows; ranges may run in any order and at the same time.
 * Every sum has the order of lstmForward and lstmBackward, and so the same bits. The plan has neither a mask nor recurrent
 * dropout.
 */

import {
  cellsBackward, copyCells, copyFinalCells, copyInput, forwardStep, groups, loadState, projectInput, startSweep, stepOfDh,
  transposeColumns,
} from './lstm';
import { GATES, LstmPlan } from './lstmPlan';
import { unpack } from '../memory/copy';
import { ZEROS, matmulColumns, sixteens } from '../products/matmul';

/** Sets the time step of the kernels below. */
export function lstmSetStep(plan: LstmPlan, t: i32): void {
  plan.step = t;
}

/** Before the first step. */
export function lstmStepsStart(plan: LstmPlan): void {
  loadState(plan, 0, plan.batch);
  if (!plan.wide) copyInput(plan, 0, plan.batch);
}

/** The products of a wide input for some groups, after lstmStepsStart. */
export function lstmInputGroups(plan: LstmPlan, first: i32, count: i32): void {
  projectInput(plan, 0, plan.batch, first, count);
}

/** A time step of some groups. */
export function lstmStepGroups(plan: LstmPlan, first: i32, count: i32): void {
  forwardStep(plan, plan.step, 0, plan.batch, first, count);
}

/** After the last step; lstmForwardEnd follows. */
export function lstmStepsEnd(plan: LstmPlan): void {
  if (plan.cT) copyFinalCells(plan, 0, plan.batch);
}

/** Sixteens of columns of the transposed weights, as lstmStatesBackward reads them. */
export function lstmTransposeColumns(plan: LstmPlan, first: i32, count: i32): void {
  transposeColumns(plan, first, count);
}

/** Before the last step, backward; lstmTransposeColumns for all columns goes before. */
export function lstmSweepStart(plan: LstmPlan): void {
  startSweep(plan, 0, plan.batch);
}

/** A time step backward through the cells of some groups. */
export function lstmCellsBackward(plan: LstmPlan, first: i32, count: i32): void {
  cellsBackward(plan, plan.step, 0, plan.batch, first, count, false);
}

/** Sixteens of columns of dh_{t-1}, followed by those of dx, at one time step, after lstmCellsBackward for all groups. */
export function lstmStatesBackward(plan: LstmPlan, first: i32, count: i32): void {
  const t = plan.step;
  const B = plan.batch;
  const G = groups(plan);
  const H = 4 * G;
  const gates = plan.gates + <usize>t * plan.gatesPart;
  if (t > 0 || plan.dh0) {
    const to = t > 0 ? plan.dh + <usize>(t - 1) * stepOfDh(plan) : plan.dh0;
    const row = t > 0 ? plan.dhRow : plan.dh0Row;
    const sums = t > 0 && plan.sequences;
    matmulColumns(
      to, row, sums ? to : ZEROS, sums ? row : 0, sums ? 4 : 0,
      gates, GATES, plan.gatesGroup, 16, G, plan.wt, B, H, first, count,
    );
  }
  if (!plan.dx) return;
  const dx = plan.dx + <usize>t * plan.dxStep;
  const kernel = plan.wt + <usize>(16 * H * G) * 4;
  const own = sixteens(H);
  matmulColumns(
    dx, plan.dxRow, ZEROS, 0, 0, gates, GATES, plan.gatesGroup, 16, G, kernel, B, plan.inputs, first - own, count,
  );
}

/** After the first step, backward; lstmBackwardWeights follows. */
export function lstmSweepEnd(plan: LstmPlan): void {
  if (plan.dc0) copyCells(plan.dc, 0, plan.dc0, plan.dc0Row, plan, 0, plan.batch, 4 * groups(plan), unpack);
}
