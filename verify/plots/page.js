/**
 * The seed program trains in a worker, while a plot in the page moves two hundred times a second, or stands still. Bundled
 * and served by steps/plots.js, which calls `prepare` and then `train`.
 */

import * as lw from 'lstm-wasm';
import { sineCosine } from 'lstm-wasm/data';
import { predictionPlot } from 'lstm-wasm/plot';
import { connect } from 'lstm-wasm/worker';

/** Milliseconds from one update of the plot to the next. */
const EVERY = 5;
const [BATCH, STEPS] = [50, 20];
/** Batches in an epoch; their data go to the worker once for each training. */
const BATCHES = 20;

/** @type {import('lstm-wasm/worker').RemoteSequential} */
let model;
/** @type {[Float32Array, Float32Array]} */
let data;
let epochs = 1;
/** @type {import('lstm-wasm/plot').Plot<any>} */
let plot;
/** What the plot shows, one after the other. @type {object[]} */
let scenes;
/** Updates so far, of all turns: no two look the same. */
let shown = 0;

/**
 * Makes the model, the plot and all data, and finds out how many epochs take so long.
 * @param {number} milliseconds
 */
async function prepare(milliseconds) {
  const host = connect({ seed: 21 });
  model = await host.sequential({
    layers: [
      lw.layers.lstm({ units: 20, returnSequences: true, stateful: true, batchInputShape: [BATCH, STEPS, 1] }),
      lw.layers.timeDistributed({ layer: lw.layers.dense({ units: 1 }) }),
    ],
  });
  await model.compile({ optimizer: lw.train.adam(0.006), loss: 'meanSquaredError' });
  const batches = sineCosine({ batchSize: BATCH, timeSteps: STEPS });
  const pairs = Array.from({ length: BATCHES }, () => batches.next().value);
  const joined = (/** @type {'xs' | 'ys'} */ part) =>
    Float32Array.from(pairs.flatMap(pair => [...pair[part].dataSync()]));
  data = [joined('xs'), joined('ys')];

  plot = predictionPlot({ container: document.body });
  scenes = Array.from({ length: 100 }, (_, step) => {
    const time = Float64Array.from({ length: STEPS }, (_, n) => (step * STEPS + n) / 31);
    const target = time.map(Math.cos);
    return { time, target, prediction: target.map(y => y * (1 - Math.exp(-step / 30))) };
  });

  // The compilers of the browser take their time: what counts comes after.
  let took = 0;
  for (let spent = 0; spent < milliseconds || took < milliseconds / 2; spent += took) {
    ({ milliseconds: took } = await train(true));
    epochs = Math.max(1, Math.min(8 * epochs, Math.round((epochs * milliseconds) / took)));
  }
  return { epochs, batches: BATCHES };
}

/** @param {boolean} moving whether the plot moves meanwhile */
async function train(moving) {
  const before = plot.toSVG();
  let updates = 0;
  const began = performance.now();
  const update = () => {
    // As many as are due: a timer that comes late must not make the work less.
    for (const due = (performance.now() - began) / EVERY; updates < due; updates++) {
      plot.update({ ...scenes[shown % scenes.length], caption: `update ${++shown}` });
      plot.node.getBBox(); // laid out, as though it were seen
    }
  };
  const timer = moving ? setInterval(update, EVERY) : undefined;
  try {
    const { history } = await model.fit(...data, { epochs, batchSize: BATCH, shuffle: false, verbose: 0 });
    const milliseconds = performance.now() - began;
    const losses = history.loss ?? [];
    return { milliseconds, updates, steps: losses.length * BATCHES, losses, moved: plot.toSVG() !== before };
  } finally {
    clearInterval(timer);
  }
}

// As text, because each browser has its own way of handing numbers over.
Object.assign(globalThis, {
  prepare: async (/** @type {number} */ milliseconds) => JSON.stringify(await prepare(milliseconds)),
  train: async (/** @type {boolean} */ moving) => JSON.stringify(await train(moving)),
});
