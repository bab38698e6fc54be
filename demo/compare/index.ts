import type { Settings } from '../settings.ts';
import type { Task } from '../tasks/index.ts';

/** A stand-in. */
export function compare(_place: HTMLElement): { show(settings: Settings, task: Task): void } {
  return { show() {} };
}
