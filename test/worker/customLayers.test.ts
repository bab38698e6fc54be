/** Custom layers and worker threads of Node; tests the built package. */

import { afterEach, expect, test } from 'vitest';
import { lw, messageOf, start, terminateHosts } from './hosts.ts';

afterEach(terminateHosts);

class WorkerScale extends lw.layers.Layer {
  static readonly className = 'WorkerScale';
  override call([x]: [import('lstm-wasm').Tensor]) {
    return x.mul(2);
  }
}
lw.serialization.registerClass(WorkerScale);

const make = () => new WorkerScale({ inputShape: [3], name: 'scale' });

test('a custom layer is rejected before it is sent to a worker, and can be used here afterwards', async () => {
  const host = start();
  const layer = make();
  const message = "custom layers do not run in a worker, got 'scale' of the class WorkerScale";
  expect(await messageOf(host.sequential({ layers: [layer] }))).toBe(`ValueError sequential: ${message}`);
  const model = await host.sequential();
  expect(await messageOf(model.add(layer))).toBe(`ValueError model.add: ${message}`);
  const a = lw.input({ shape: [3] });
  const outputs = lw.sequential({ layers: [make()] }).apply(a) as import('lstm-wasm').SymbolicTensor;
  expect(await messageOf(host.model({ inputs: a, outputs }))).toBe(`ValueError model: ${message}`);
  await model.add(lw.layers.dense({ units: 1, inputShape: [3] }));
  expect(
    lw
      .sequential({ layers: [layer] })
      .predict([[1, 2, 3]])
      .arraySync(),
  ).toEqual([[2, 4, 6]]);
});

test('a worker that loads a file with a custom layer names the class', async () => {
  const saved: import('lstm-wasm').ModelArtifacts[] = [];
  await lw.sequential({ layers: [make()] }).save({
    save: async artifacts => {
      saved.push(artifacts);
      return {} as import('lstm-wasm').SaveResult;
    },
  });
  expect(await messageOf(start().loadLayersModel(lw.io.fromMemory(saved[0]!)))).toMatch(
    /^ValueError loadLayersModel: .*unknown class 'WorkerScale'.*; they do not run in workers$/,
  );
});
