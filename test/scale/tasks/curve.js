/** Task file: a learning curve in 12 steps, which depends on the parameters and the seed, with a state that it must not lose. */

/** @param {import('../../../src/scale/runTask.ts').TaskArguments<{ rate: number, units: number, cell: string }, { shift: number } | null>} given */
export default async ({ params, data, seed, from, snapshot, report }) => {
  if (params.units === 13) throw new Error('13 units are too many');
  const distance =
    Math.abs(Math.log10(params.rate) + 2) + Math.abs(params.units - 20) / 20 + (params.cell === 'gru' ? 0 : 1);
  let state = snapshot ? /** @type {number} */ (JSON.parse(new TextDecoder().decode(snapshot))) : seed % 1000;
  let value = Number.NaN;
  for (let step = from + 1; step <= 12; step++) {
    state = (state * 137 + step) % 1009;
    value = distance + 2 / step + state / 5000 + (data?.shift ?? 0);
    if (params.units === 14 && step > 2) value = Number.NaN;
    await report(step, value, new TextEncoder().encode(JSON.stringify(state)));
  }
  return { value, model: new TextEncoder().encode(`model ${state} ${value}`) };
};
