/** What came of the race, in words. */

import type { Standing, Standings } from './race.ts';

/** Costs further apart than this, as a share of their size, are not called the same. */
const same = 0.01;

export const msPerStep = ({ costs, time }: Standing): number => time / costs.length;

/** How many times as fast WebAssembly was. */
export const ratioOf = ({ plain, wasm }: Standings): number => msPerStep(plain) / msPerStep(wasm);

/** The largest difference of the costs of a step, as a share of the cost. */
export function differenceOf({ plain, wasm }: Standings): number {
  const differences = plain.costs.map((cost, n) => {
    const other = wasm.costs[n]!;
    return cost === other ? 0 : Math.abs(cost - other) / Math.max(Math.abs(cost), Math.abs(other));
  });
  return differences.reduce((most, each) => (most >= each || Number.isNaN(most) ? most : each), 0);
}

export function verdict(standings: Standings): string {
  const ratio = ratioOf(standings);
  const [faster, times] = ratio >= 1 ? ['WebAssembly', ratio] : ['Plain JavaScript', 1 / ratio];
  const { plain, wasm } = standings;
  const difference = differenceOf(standings);
  const ends = `after ${plain.costs.length} steps ${number(plain.costs.at(-1)!)} and ${number(wasm.costs.at(-1)!)}`;
  const apart = difference === 0 ? 'not at all' : `at most ${share(difference)}`;
  const costs =
    difference <= same
      ? `Both arrived at the same costs: ${ends}, on the whole way ${apart} apart.`
      : `Their costs drifted apart, as roundings grow where training is unsteady: ${ends}, ${apart} apart.`;
  return `${faster} was ${times.toFixed(1)} times as fast. ${costs}`;
}

const number = (cost: number) => cost.toPrecision(4);

/** As a percentage of two digits; none of them is lost in zeros. */
function share(value: number): string {
  const percent = 100 * value;
  if (!Number.isFinite(percent)) return 'beyond measure';
  return `${percent >= 0.001 ? Number(percent.toPrecision(2)) : percent.toExponential(0).replace('e', ' × 10^')} %`;
}
