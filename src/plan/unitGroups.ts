/** Recurrent layers of few rows on threads: they share the units of each time step, and wait for each other after it. */

import type { Kernels } from '../wasm/kernels.ts';
import { type Team, ThreadsLost } from '../wasm/team.ts';

/** With more rows, threads share rows. */
const MOST_ROWS = 8;
/** Multiplications of a time step; fewer take less time than handing out the groups. */
const LEAST_STEP = 100_000;
/** Chunks of a thread in a time step. */
const CHUNKS = 2;

type Sizes = Readonly<Record<string, number>>;

/** Whether threads share the units of an LSTM. */
export function sharesUnits({ batch, inputs, units, mask, drop }: Sizes): boolean {
  const isLarge = batch! * 4 * units! * (inputs! + units!) >= LEAST_STEP;
  return batch! <= MOST_ROWS && isLarge && !mask && !drop;
}

/** @internal */
export function unitFunctions(
  kernels: Kernels,
  { batch, steps, inputs, units, wide, dx, stateH }: Sizes,
  team: Team,
): { forward(plan: number): void; backward(plan: number): void } {
  const groups = Math.ceil(units! / 4);
  const columns = Math.ceil((4 * groups) / 16) + (dx ? Math.ceil(inputs! / 16) : 0);
  const share = (name: string, plan: number, extent: number) =>
    team.run(name, plan, extent, Math.ceil(extent / (CHUNKS * team.size)));

  function forward(plan: number): void {
    kernels.lstmStepsStart(plan);
    if (wide) share('lstmInputGroups', plan, groups);
    for (let t = 0; t < steps!; t++) {
      kernels.lstmSetStep(plan, t);
      share('lstmStepGroups', plan, groups);
    }
    kernels.lstmStepsEnd(plan);
  }

  return {
    forward(plan) {
      try {
        forward(plan);
      } catch (error) {
        // A step alone cannot be completed; all of them can be, because the carried state is stored last
        throw error instanceof ThreadsLost ? new ThreadsLost(other => other.lstmForward(plan, 0, batch!)) : error;
      }
      if (stateH) kernels.lstmForwardEnd(plan, 0, batch!);
    },
    backward(plan) {
      share('lstmTransposeColumns', plan, columns);
      kernels.lstmSweepStart(plan);
      for (let t = steps! - 1; t >= 0; t--) {
        kernels.lstmSetStep(plan, t);
        share('lstmCellsBackward', plan, groups);
        share('lstmStatesBackward', plan, columns);
      }
      kernels.lstmSweepEnd(plan);
      share('lstmBackwardWeights', plan, 2 * groups);
    },
  };
}
