/** A trial as a chain of short tasks: each continues from the snapshot of the one before, and ends at the next rung. */

import { type Engine, type Json, type Result, type Task, TaskError } from '../engine.ts';
import type { FileValue } from '../runTask.ts';
import { isStored } from '../stores.ts';
import { makeTask } from '../task.ts';

/** What all tasks of a trial have in common. */
export interface ChainParts {
  readonly file: string | URL;
  readonly params: Json;
  readonly seed: number;
  /** The hash of the packed data; null without data. */
  readonly data: string | null;
}

/** Where a chain is. */
export interface Place {
  readonly step: number;
  /** The hash of the snapshot; null if the task has saved none, so that the next one starts at the beginning. */
  readonly snapshot: string | null;
}
export const beginning: Place = { step: 0, snapshot: null };

export const taskOf = (
  { file, params, seed, data }: ChainParts,
  { step, snapshot }: Place,
  to: number | null,
): Promise<Task> =>
  makeTask({
    kind: 'file',
    file,
    input: { params, ...(snapshot !== null && { from: step }), ...(to !== null && { to }) },
    seed,
    blobs: { ...(data !== null && { data }), ...(snapshot !== null && { snapshot }) },
  });

export interface ChainStep {
  readonly value: FileValue;
  readonly result: Result;
  readonly place: Place;
}

/** Runs the tasks of a trial, until `goesOn` says no or a task has come to its end. Snapshots are released when they are used. */
export async function runChain(
  engine: Pick<Engine, 'run' | 'store'>,
  parts: ChainParts,
  rungAfter: (step: number) => number | null,
  goesOn: (step: ChainStep) => Promise<boolean>,
  { signal, start = beginning }: { signal?: AbortSignal; start?: Place } = {},
): Promise<ChainStep> {
  let place = start;
  for (;;) {
    const task = await taskOf(parts, place, rungAfter(place.step));
    let result: Result;
    try {
      result = await engine.run(task, { ...(signal && { signal }) });
    } catch (error) {
      const isLost =
        place.snapshot !== null && error instanceof TaskError && !(await isStored(engine.store, place.snapshot));
      if (!isLost) throw error;
      place = beginning; // computed again, to the same bits
      continue;
    }
    const value = result.value as unknown as FileValue;
    const next = { step: value.reports.at(-1)?.[0] ?? place.step, snapshot: result.blobs.snapshot ?? null };
    const step = { value, result, place: next };
    const isLast = !(await goesOn(step)) || !value.stopped;
    if (place.snapshot !== null && place.snapshot !== next.snapshot) await engine.store.release?.(place.snapshot);
    if (isLast) return step;
    place = next;
  }
}
