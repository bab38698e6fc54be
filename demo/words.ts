/** Numbers and names as text. */

import type { Cell } from './settings.ts';

export const cellNames: Record<Cell, string> = { lstm: 'LSTM', gru: 'GRU', simpleRNN: 'SimpleRNN' };

/** "1 step", "2,000 steps" */
export const amount = (count: number, what: string) => `${count.toLocaleString('en')} ${what}${count === 1 ? '' : 's'}`;

/** "a, b and c" */
export const join = (parts: readonly string[]) =>
  parts.length < 2 ? parts.join() : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;

/** Two or three digits. */
export function costText(cost: number): string {
  if (!Number.isFinite(cost)) return 'not a number';
  return cost >= 1000 || (cost !== 0 && cost < 1e-5) ? cost.toExponential(1) : cost.toPrecision(cost < 0.001 ? 2 : 3);
}

export const seconds = (milliseconds: number) => (milliseconds / 1000).toFixed(1);
