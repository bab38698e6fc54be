/** The progress of a sweep in a terminal. */

import { progressBar } from '../../cli/progress.ts';
import { rejectExtraArguments } from '../../util/arguments.ts';
import type { SweepProgress } from './study.ts';

/** Returns an `onProgress` that draws a bar on stderr, if that is a terminal: trials, best value and time left. Only in Node. */
export function terminalProgress(): (progress: SweepProgress) => void {
  rejectExtraArguments('terminalProgress', 0, arguments);
  const bar = progressBar();
  return progress => {
    if (progress.finished >= progress.trials) bar.clear();
    else bar.show(progress.finished / progress.trials, progressText(progress));
  };
}

/** Such as '12/50 trials, 3 pruned, best 0.0412 (trial 7), 2 min left'. */
export function progressText({ trials, finished, pruned, failed, best, secondsLeft }: SweepProgress): string {
  const parts = [`${finished}/${trials} trials`];
  if (pruned > 0) parts.push(`${pruned} pruned`);
  if (failed > 0) parts.push(`${failed} failed`);
  if (best?.value != null) parts.push(`best ${Number(best.value.toPrecision(3))} (trial ${best.number})`);
  if (secondsLeft !== null) parts.push(`${timeText(secondsLeft)} left`);
  return parts.join(', ');
}

function timeText(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}
