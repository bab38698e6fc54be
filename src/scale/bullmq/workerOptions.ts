/** The settings of a worker. */

import type { Address } from './connectionOptions.ts';

export interface WorkerSettings {
  readonly address: Address;
  readonly queue: string;
  /** How many tasks run at once. */
  readonly concurrency: number;
  /** The folder of the task files. */
  readonly folder: string | undefined;
  /** Milliseconds after which the tasks of a silent worker are given to another one. */
  readonly lock: number;
  /** Milliseconds that the first connection may take. */
  readonly connect: number;
  /** Whether every task that is done is printed. */
  readonly isVerbose: boolean;
}
