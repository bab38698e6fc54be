// Training for long holds no more than training for short.

import v8 from 'node:v8';
import vm from 'node:vm';
import { backendInfo, callbacks, type ModelFitArgs, type Sequential } from 'lstm-wasm';
import { expect, test } from 'vitest';
import { data, quiet, small } from './training.ts';

v8.setFlagsFromString('--expose-gc');
const collectGarbage = vm.runInNewContext('gc') as () => void;

/** Bytes that JavaScript holds, in its heap and in arrays beside it. */
function hostBytes(): number {
  for (let n = 0; n < 3; n++) collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

const slow = { timeout: 120_000 };
const { xs, ys, part } = data(101);

/** Trains for so many batches of ten and one, with all there is to it. */
const kinds: [string, (model: Sequential, batches: number) => Promise<unknown>][] = [
  [
    'fit',
    (model, batches) => {
      const options: ModelFitArgs = {
        ...quiet,
        epochs: batches / 11,
        batchSize: 10,
        validationData: [part(0, 25).xs, part(0, 25).ys],
        callbacks: [
          callbacks.earlyStopping({ patience: 1e6, restoreBestWeights: true }),
          callbacks.reduceLROnPlateau({ patience: 5 }),
          { onBatchEnd: () => {} },
        ],
        sampleWeight: new Float32Array(101).fill(1),
      };
      return model.fit(xs, ys, options);
    },
  ],
  [
    'fitDataset',
    (model, batches) => {
      const list = [part(0, 10), part(10, 20), part(20, 21)];
      return model.fitDataset(list, { ...quiet, epochs: batches / 3, validationData: list });
    },
  ],
  [
    'fit, again and again',
    async (model, batches) => {
      for (let n = 0; n < batches / 33; n++) await model.fit(xs, ys, { ...quiet, epochs: 3, batchSize: 10 });
    },
  ],
];

test.each(kinds)('thousands of batches of %s', slow, async (_, run) => {
  const count = process.env.LSTM_WASM_BUILD === 'debug' ? 1320 : 3300; // the debug build takes its time
  const model = small();
  // As much as is then measured, and more: until the engine has compiled what it will, it grows by half a megabyte.
  for (let n = 0; n < 3; n++) await run(model, count);
  const [wasm, host] = [backendInfo().memoryBytes, hostBytes()];
  await run(model, count);
  expect(backendInfo().memoryBytes).toBe(wasm);
  // The history itself is a few numbers an epoch. A kilobyte a batch would be one to three megabytes.
  expect((hostBytes() - host) / 2 ** 20).toBeLessThan(0.5);
  model.dispose();
});
