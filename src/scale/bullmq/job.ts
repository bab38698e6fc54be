/** What a job of the queue holds. */

import { isPlain } from '../../util/options.ts';
import type { Json, Result, Task } from '../engine.ts';
import { isHash } from '../hash.ts';

/** The data of a job. */
export interface JobData {
  readonly task: Task;
  /** The version of lstm-wasm. */
  readonly version: string;
}

/** The progress of a job: `attempt` and `report` order the reports, because a task may be run again. */
export interface JobProgress {
  readonly attempt: number;
  readonly report: number;
  readonly value: Json;
}

export const JOB_NAME = 'task';

/** How often a job is started after failures that are not those of the task, and the delay before the first repetition. */
export const ATTEMPTS = 4;
export const FIRST_BACKOFF = 1000;

/** How often a job may lose its worker and be run again; the next loss fails it. */
export const MOST_STALLS = 2;

/** The reason that BullMQ gives a job whose workers have died too often. */
const STALLED = 'job stalled more than allowable limit';

export const reasonOfFailure = (failedReason: string): string =>
  failedReason === STALLED ? `its worker has died ${MOST_STALLS + 1} times` : failedReason;

/** Returns the result of a job; undefined if something else has written it. */
export function readResult(value: unknown): Result | undefined {
  if (!isPlain(value)) return undefined;
  const { value: found, blobs } = value as { [name: string]: unknown };
  return found !== undefined && isHashes(blobs) ? { value: found as Json, blobs } : undefined;
}

const isHashes = (value: unknown): value is { [name: string]: string } =>
  isPlain(value) && Object.values(value).every(isHash);
