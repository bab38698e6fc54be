/** Creates the network of settings in a worker. */

import { layers, train } from 'lstm-wasm';
import type { Host, RemoteSequential } from 'lstm-wasm/worker';
import type { Settings } from './settings.ts';
import type { Task } from './tasks/index.ts';

/** The initial weights depend on the settings only. */
export async function makeModel(host: Host, settings: Settings, task: Task): Promise<RemoteSequential> {
  const { cell, units, batch, timeSteps, stateful, optimizer, learningRate } = settings;
  await host.setRandomSeed(settings.seed);
  const model = await host.sequential();
  for (let layer = 1; layer <= settings.layers; layer++) {
    const returnSequences = task.everyStep || layer < settings.layers;
    const input = layer === 1 && { batchInputShape: [batch, timeSteps, task.inputs] };
    await model.add(layers[cell]({ units, returnSequences, stateful, ...input }));
  }
  const dense = layers.dense({ units: task.outputs });
  await model.add(task.everyStep ? layers.timeDistributed({ layer: dense }) : dense);
  await model.compile({ optimizer: optimizers[optimizer](learningRate), loss: 'meanSquaredError' });
  return model;
}

const optimizers = {
  adam: (rate: number) => train.adam(rate),
  rmsprop: (rate: number) => train.rmsprop(rate),
  momentum: (rate: number) => train.momentum(rate, 0.9),
  sgd: (rate: number) => train.sgd(rate),
} satisfies { [name in Settings['optimizer']]: (rate: number) => unknown };
