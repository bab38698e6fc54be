/** The page: trains in a worker, and saves the model in the browser and through the main process. */

import { layers } from 'lstm-wasm';
import { forecast, standardize, windows } from 'lstm-wasm/data';
import { connect } from 'lstm-wasm/worker';

const button = /** @type {HTMLButtonElement} */ (document.querySelector('button'));
const output = /** @type {HTMLOutputElement} */ (document.querySelector('output'));
const host = connect();
/** What preload.cjs lets the page call. */
const bridge = () => /** @type {{ models: import('lstm-wasm').IOHandler }} */ (/** @type {unknown} */ (window)).models;

const series = Array.from({ length: 200 }, (_, n) => Math.sin(n / 4));
const scaler = standardize(series);
const trainSet = windows(scaler.transform(series), { inputSteps: 24 });

button.onclick = async () => {
  button.disabled = true;
  const model = await host.sequential({
    layers: [layers.gru({ units: 8, inputShape: [24, 1] }), layers.dense({ units: 1 })],
  });
  await model.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
  await model.fit(trainSet.xs, trainSet.ys, { epochs: 5, verbose: 0 });
  await model.save('indexeddb://forecast');
  await model.save(bridge());

  const loaded = await host.loadLayersModel(bridge());
  const [next = Number.NaN] = (await forecast(loaded, series, 1, { scaler })).dataSync();
  output.value = `next value ${next.toFixed(3)}`;
  button.disabled = false;
};
