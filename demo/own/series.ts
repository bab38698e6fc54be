/** The numbers of the tasks that readers bring themselves, and what stands in for them until they do. */

import type { Settings } from '../settings.ts';
import { unpack } from './pack.ts';

/** Values of a drawn curve, one for each place from left to right, all from -1 to 1. */
export const places = 64;

/** Rounded, since sines of different browsers differ in their last digit, and a link is to mean the same in all. */
const rounded = (value: number) => Math.round(value * 1e4) / 1e4;
const curve = (height: (turn: number) => number) =>
  Float32Array.from({ length: places }, (_, n) => rounded(height((n + 0.5) / places)));
const wave = (turn: number) => Math.sin(2 * Math.PI * turn);
const bump = (turn: number, at: number, width: number) => Math.exp(-(((turn - at) / width) ** 2));

/** Curves to begin with, by name. */
export const presets = {
  Hills: curve(turn => 0.55 * wave(turn) + 0.35 * wave(2 * turn + 0.1)),
  Steps: curve(turn => [-0.6, 0.2, 0.8, -0.1][Math.floor(4 * turn)]!),
  Saw: curve(turn => 1.6 * ((2 * turn) % 1) - 0.8),
  Heartbeat: curve(
    turn =>
      0.15 * bump(turn, 0.22, 0.05) -
      0.25 * bump(turn, 0.36, 0.02) +
      0.95 * bump(turn, 0.42, 0.025) -
      0.4 * bump(turn, 0.48, 0.02) +
      0.25 * bump(turn, 0.68, 0.07) -
      0.2,
  ),
} as const;

/** Ten years of months, made up: a summer and a winter each year, some rise, and weather that repeats nowhere. */
const example = Float32Array.from({ length: 120 }, (_, n) =>
  rounded(10 + 0.03 * n - 9 * Math.cos((2 * Math.PI * n) / 12) + 2 * Math.sin(n * n * 0.7)),
);

/** What a task runs on: the packed numbers, or, where there are none that can be used, something to begin with. */
export function seriesOf(settings: Pick<Settings, 'task' | 'own'>): Float32Array {
  return read(settings) ?? (settings.task === 'drawn' ? presets.Hills : example);
}

/** A sentence where a link has numbers that are of no use; empty where it has none, or good ones. */
export function ownFault({ task, own }: Pick<Settings, 'task' | 'own'>): string {
  if (own === '') return '';
  if (task !== 'drawn' && task !== 'csv') return 'The link has numbers with it, which this task has no use for.';
  return read({ task, own }) ? '' : 'The numbers in the link are damaged, and others stand in for them.';
}

function read({ task, own }: Pick<Settings, 'task' | 'own'>): Float32Array | null {
  try {
    const series = unpack(own);
    return task === 'drawn' && series.some(value => Math.abs(value) > 1) ? null : series;
  } catch {
    return null;
  }
}
