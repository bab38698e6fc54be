/** The line that `evaluate` prints, and how the progress bar writes numbers. */

import type { Logs } from './callback.ts';
import type { Means } from './means.ts';
import { terminal } from './verbosity.ts';

/** Prints the line of `evaluate`. */
export function printEvaluation(milliseconds: number, batches: number, means: Means): void {
  const logs: Logs = {};
  means.addTo(logs);
  const numbers = Object.entries(logs).map(([key, value]) => `${key}=${short(value)}`);
  const time = `${duration(milliseconds)}, ${rate(milliseconds / batches)}`;
  terminal().write(`Evaluation: ${time}, ${numbers.join(' ')}\n`);
}

export const short = (value: number): string => String(Number(value.toPrecision(4)));

export const rate = (milliseconds: number): string => `${short(milliseconds)} ms/step`;

export const duration = (milliseconds: number): string =>
  milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
