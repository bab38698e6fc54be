/** What a job of the queue holds. */

import { isPlain } from '../../util/options.ts';
import type { Json, Result, Task } from '../engine.ts';

/** What must be equal on both sides for equal results. */
export interface Identity {
  readonly version: string;
  readonly kernels: string;
}

/** The data of a job. */
export interface JobData extends Identity {
  readonly task: Task;
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

const isText = (value: unknown): value is string => typeof value === 'string';

/** Returns the data of a job; undefined if something else has written it. */
export function readJobData(data: unknown): JobData | undefined {
  if (!isPlain(data)) return undefined;
  const { task, version, kernels } = data as { [name: string]: unknown };
  if (!isPlain(task) || !isText(version) || !isText(kernels)) return undefined;
  const { id, kind, file, seed, blobs } = task as { [name: string]: unknown };
  const isValid = isText(id) && isText(kind) && (file === undefined || isText(file)) && typeof seed === 'number';
  return isValid && isHashes(blobs) ? { task: task as Task, version, kernels } : undefined;
}

/** Returns the result of a job; undefined if something else has written it. */
export function readResult(value: unknown): Result | undefined {
  if (!isPlain(value)) return undefined;
  const { value: found, blobs } = value as { [name: string]: unknown };
  return found !== undefined && isHashes(blobs) ? { value: found as Json, blobs } : undefined;
}

const isHashes = (value: unknown): value is { [name: string]: string } =>
  isPlain(value) && Object.values(value).every(hash => isText(hash) && /^[0-9a-f]{64}$/.test(hash));
