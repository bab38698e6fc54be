/** Task file: trains a small network, one epoch at a time. */

import * as lw from '../../../dist/index.js';

/** @param {import('../../../src/scale/runTask.ts').TaskArguments<{ units: number, drawn?: boolean }, { xs: number[][][], ys: number[][] }>} given */
export default async ({ params, data, seed, from, snapshot, report }) => {
  const model = lw.sequential({
    ...(params.drawn ? {} : { seed }), // without: follows the seed of the task
    layers: [lw.layers.lstm({ units: params.units, inputShape: [4, 1] }), lw.layers.dense({ units: 1 })],
  });
  model.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
  if (snapshot) model.restore(snapshot);
  let loss = Number.NaN;
  for (let epoch = from + 1; epoch <= 6; epoch++) {
    const { history } = await model.fit(data.xs, data.ys, { epochs: 1, verbose: 0, batchSize: 8 });
    loss = history.loss?.[0] ?? Number.NaN;
    await report(epoch, loss, model);
  }
  return { value: loss, model };
};
