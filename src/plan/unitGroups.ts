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
type Run = (plan: number, first?: number, count?: number) => void;

/** The layers with kernels for groups of units: their gates, and the parts of a group in the kernel of weight gradients. */
const layers: Readonly<Record<string, { gates: number; parts: number }>> = {
  lstm: { gates: 4, parts: 2 },
  gru: { gates: 3, parts: 1 },
};

/** Whether threads share the units of a layer. */
export function sharesUnits(kind: string, { batch, inputs, units, mask, drop }: Sizes): boolean {
  const step = batch! * (layers[kind]?.gates ?? 0) * units! * (inputs! + units!);
  return batch! <= MOST_ROWS && step >= LEAST_STEP && !mask && !drop;
}

/**
 * @internal
 * @param kind a layer for which `sharesUnits` is true
 */
export function unitFunctions(
  kernels: Kernels,
  kind: string,
  { batch, steps, inputs, units, wide, resetAfter, dx, stateH }: Sizes,
  team: Pick<Team, 'run' | 'size'>,
): { forward(plan: number): void; backward(plan: number): void } {
  const groups = Math.ceil(units! / 4);
  const sixteens = Math.ceil(units! / 16);
  const columns = sixteens + (dx ? Math.ceil(inputs! / 16) : 0);
  const run = (name: string, kernel = (kernels as unknown as Partial<Record<string, Run>>)[kind + name]): Run =>
    kernel ?? (() => {});
  const setStep = run('SetStep');
  const [stepsStart, stepsEnd, forwardEnd] = [run('StepsStart'), run('StepsEnd'), run('ForwardEnd')];
  const [sweepStart, sweepEnd] = [run('SweepStart'), run('SweepEnd')];
  const share = (name: string, plan: number, extent: number) =>
    team.run(kind + name, plan, extent, Math.ceil(extent / (CHUNKS * team.size)));
  /** Whether the candidate of a GRU reads what the reset gates of all units have multiplied. */
  const resetsFirst = kind === 'gru' && !resetAfter;

  function forward(plan: number): void {
    stepsStart(plan);
    if (kind === 'lstm' && wide) share('InputGroups', plan, groups);
    for (let t = 0; t < steps!; t++) {
      setStep(plan, t);
      share('StepGroups', plan, groups);
      if (resetsFirst) share('CandidateGroups', plan, groups);
    }
    stepsEnd(plan);
  }

  return {
    forward(plan) {
      try {
        forward(plan);
      } catch (error) {
        if (!(error instanceof ThreadsLost)) throw error;
        // A step alone cannot be completed; all of them can be, because the carried state is stored last
        throw new ThreadsLost(other => (other as unknown as Record<string, Run>)[`${kind}Forward`]!(plan, 0, batch));
      }
      if (stateH) forwardEnd(plan, 0, batch);
    },
    backward(plan) {
      share('TransposeColumns', plan, columns);
      sweepStart(plan);
      for (let t = steps! - 1; t >= 0; t--) {
        setStep(plan, t);
        share('CellsBackward', plan, groups);
        if (resetsFirst) share('ResetsBackward', plan, sixteens);
        share('StatesBackward', plan, columns);
      }
      sweepEnd(plan);
      share('BackwardWeights', plan, layers[kind]!.parts * groups);
    },
  };
}
