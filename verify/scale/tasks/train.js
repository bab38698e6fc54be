/** Task file: trains a small network, and takes at least a given time. */

import { layers, sequential } from 'lstm-wasm';

/** @param {import('lstm-wasm/scale').TaskArguments<{ units: number, milliseconds: number }, { xs: number[][][], ys: number[][] }>} given */
export default async ({ params, data, seed, report }) => {
  const model = sequential({
    seed,
    layers: [layers.lstm({ units: params.units, inputShape: [8, 1] }), layers.dense({ units: 1 })],
  });
  model.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
  const { history } = await model.fit(data.xs, data.ys, { epochs: 3, verbose: 0, batchSize: 8 });
  const loss = history.loss?.at(-1) ?? Number.NaN;
  await report(1, loss);
  await new Promise(resolve => setTimeout(resolve, params.milliseconds));
  return { value: loss, model };
};
