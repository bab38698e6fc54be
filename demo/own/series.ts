/** The curve of the task `drawn`, and presets for it. */

import type { Settings } from '../settings.ts';
import { unpack } from './pack.ts';

/** The number of values of a drawn curve, all from -1 to 1. */
export const places = 64;

/** Rounded, because sines differ in their last digit between browsers, and a link must mean the same in all. */
const rounded = (value: number) => Math.round(value * 1e4) / 1e4;
const curve = (height: (turn: number) => number) =>
  Float32Array.from({ length: places }, (_, n) => rounded(height((n + 0.5) / places)));
const wave = (turn: number) => Math.sin(2 * Math.PI * turn);
const bump = (turn: number, at: number, width: number) => Math.exp(-(((turn - at) / width) ** 2));

/** Preset curves by name. */
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

/** The series of the task `drawn`: the packed curve, or a preset if there is none or it is invalid. */
export function seriesOf(settings: Pick<Settings, 'own'>): Float32Array {
  return read(settings.own) ?? presets.Hills;
}

/** A sentence if a link has a curve that cannot be used; else empty. */
export function ownFault({ task, own }: Pick<Settings, 'task' | 'own'>): string {
  if (own === '') return '';
  if (task !== 'drawn') return 'The link contains a curve, which this task does not use.';
  return read(own) ? '' : 'The curve in the link is damaged. The page uses another one.';
}

function read(own: string): Float32Array | null {
  try {
    const series = unpack(own);
    return series.some(value => Math.abs(value) > 1) ? null : series;
  } catch {
    return null;
  }
}
