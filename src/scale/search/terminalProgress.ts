/** The progress of a sweep, or of the functions for many series, in a terminal. */

import { progressBar } from '../../cli/progress.ts';
import { rejectExtraArguments } from '../../util/arguments.ts';
import type { EachProgress } from '../eachSeries.ts';
import type { SweepProgress } from './study.ts';

/**
 * Returns an `onProgress` for `sweep`, `fitEach`, `predictEach` and `backtestEach` that draws a bar on stderr, if that is a
 * terminal: trials or series, best value and time left. Only in Node.
 */
export function terminalProgress(): (progress: SweepProgress | EachProgress) => void {
  rejectExtraArguments('terminalProgress', 0, arguments);
  const bar = progressBar();
  return progress => {
    const { done, total } = progress;
    if (total !== null && done >= total) bar.clear();
    else bar.show(total === null ? 0 : done / total, progressText(progress));
  };
}

/** Such as '12/50 trials, 3 pruned, best 0.0412 (trial 7), 2 min left'. */
export function progressText(progress: SweepProgress | EachProgress): string {
  const { done, total, failed, timeLeft } = progress;
  const isSweep = 'trial' in progress;
  const parts = [`${total === null ? done : `${done}/${total}`} ${isSweep ? 'trials' : 'series'}`];
  if (isSweep && progress.pruned > 0) parts.push(`${progress.pruned} pruned`);
  if (failed > 0) parts.push(`${failed} failed`);
  const best = isSweep ? progress.best : null;
  if (best?.value != null) parts.push(`best ${Number(best.value.toPrecision(3))} (trial ${best.number})`);
  if (timeLeft !== null) parts.push(`${timeText(timeLeft)} left`);
  return parts.join(', ');
}

function timeText(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}
