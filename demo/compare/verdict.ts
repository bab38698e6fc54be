/** The result of the race in words. */

import { amount } from '../words.ts';
import type { Standing, Standings } from './race.ts';

/** Relative difference up to which costs are called the same. */
const same = 0.01;

export const msPerStep = ({ costs, time }: Standing): number => time / costs.length;

/** How many times as fast WebAssembly was. */
export const ratioOf = ({ plain, wasm }: Standings): number => msPerStep(plain) / msPerStep(wasm);

/** How far apart the costs were on average, as a share of the costs. */
export function differenceOf({ plain, wasm }: Standings): number {
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + Math.abs(value), 0);
  const apart = sum(plain.costs.map((cost, n) => cost - wasm.costs[n]!));
  return apart === 0 ? 0 : apart / sum(plain.costs);
}

export function verdict(standings: Standings): string {
  const ratio = ratioOf(standings);
  const [faster, times] = ratio >= 1 ? ['WebAssembly', ratio] : ['Plain JavaScript', 1 / ratio];
  const { plain, wasm } = standings;
  const difference = differenceOf(standings);
  const ends = `after ${amount(plain.costs.length, 'step')} ${number(plain.costs.at(-1)!)} and ${number(wasm.costs.at(-1)!)}`;
  const apart = difference === 0 ? 'nothing' : share(difference);
  const costs =
    difference <= same
      ? `Both have the same costs: ${ends}, on average ${apart} apart.`
      : `Their costs differ, because rounding errors grow in unstable training: ${ends}, on average ${apart} apart.`;
  return `${faster} was ${times.toFixed(1)} times as fast. ${costs}`;
}

const number = (cost: number) => (Number.isFinite(cost) ? cost.toPrecision(4) : 'not a number');

/** As a percentage of two digits. */
function share(value: number): string {
  const percent = 100 * value;
  if (!Number.isFinite(percent)) return 'infinitely far';
  return percent < 0.001 ? 'less than 0.001\u00a0%' : `${Number(percent.toPrecision(2))}\u00a0%`;
}
