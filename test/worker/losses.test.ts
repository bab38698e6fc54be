/** Losses with options in a worker thread of Node; tests the built package. */

import type * as Core from 'lstm-wasm';
import type { RemoteModel } from 'lstm-wasm/worker';
import { afterEach, expect, test } from 'vitest';
import { lw, messageOf, numbers, start, terminateHosts } from './hosts.ts';

afterEach(terminateHosts);

const { layers, losses } = lw;
const [B, T] = [4, 6];
const x = lw.tensor(numbers(B * T * 3, 0.7), [B, T, 3]);
const y = {
  text: lw.tensor([
    [1, 2],
    [3, -1],
    [2, 2],
    [1, 3],
  ]),
  load: lw.tensor(numbers(B, 0.4), [B, 1]),
};

function graph(): Parameters<typeof lw.model>[0] {
  const inputs = lw.input({ shape: [T, 3] });
  const sequence = layers.gru({ units: 5, returnSequences: true }).apply(inputs);
  const load = layers.dense({ units: 3, name: 'load' }).apply(layers.flatten().apply(sequence));
  return { inputs, outputs: [layers.dense({ units: 4, name: 'text' }).apply(sequence), load] };
}

const options = () => ({
  optimizer: 'adam' as const,
  loss: { text: losses.ctc({ blank: 0 }), load: losses.pinball({ levels: [0.1, 0.5, 0.9] }) },
  metrics: { load: [losses.pinball({ levels: [0.2, 0.5, 0.8] })] },
});

test('losses with options give the same bits in a worker, also in a model that it loads', async () => {
  lw.setRandomSeed(7);
  const here = lw.model(graph());
  here.compile(options());
  const host = start();
  const there: RemoteModel = await host.model(graph());
  await there.compile(options());
  expect(there.metricsNames).toEqual(['loss', 'text_loss', 'load_loss', 'load_pinball']);
  expect(await there.trainOnBatch(x, y)).toEqual(here.trainOnBatch(x, y));
  const fit = { epochs: 2, batchSize: 2, verbose: 0 } as const;
  expect((await there.fit(x, y, fit)).history).toEqual((await here.fit(x, y, fit)).history);
  let saved: Core.ModelArtifacts | null = null;
  const save = async (artifacts: Core.ModelArtifacts) => {
    saved = artifacts;
    return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' as const } };
  };
  await there.save({ save } as never, { includeOptimizer: true });
  const again = await host.loadLayersModel<RemoteModel>(lw.io.fromMemory(saved!));
  expect(again.metricsNames).toEqual(here.metricsNames);
  expect(await again.trainOnBatch(x, y)).toEqual(here.trainOnBatch(x, y));
});

test('one output with a loss with options trains in a worker, and wrong labels are rejected there', async () => {
  const make = () => [
    layers.simpleRNN({ units: 4, returnSequences: true, inputShape: [T, 3] }),
    layers.dense({ units: 4 }),
  ];
  const there = await start(7).sequential({ layers: make() });
  lw.setRandomSeed(7);
  const here = lw.sequential({ layers: make() });
  here.compile({ optimizer: 'sgd', loss: losses.ctc({ blank: 3 }), metrics: [losses.ctc({ blank: 3 })] });
  await there.compile({ optimizer: 'sgd', loss: losses.ctc({ blank: 3 }), metrics: [losses.ctc({ blank: 3 })] });
  expect(await there.trainOnBatch(x, y.text)).toEqual(here.trainOnBatch(x, y.text));
  const wrong = lw.tensor([
    [1, 9],
    [3, -1],
    [2, 2],
    [1, 3],
  ]);
  expect(await messageOf(there.trainOnBatch(x, wrong))).toMatch(
    /^ValueError model.trainOnBatch: y must hold numbers of classes from 0 to 3, .*, got 9 at index 1 of sample 0$/,
  );
});
