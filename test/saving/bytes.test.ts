// Detached buffers, such as those sent with `postMessage`: every call that takes bytes rejects them.

import { io, layers, loadLayersModel, sequential, ValueError } from 'lstm-wasm';
import { loadKerasModel, loadKerasWeights } from 'lstm-wasm/keras';
import { loadOnnxModel } from 'lstm-wasm/onnx';
import { loadSafetensors, readSafetensors } from 'lstm-wasm/safetensors';
import { expect, test } from 'vitest';
import { transferred } from '../transferred.ts';

const model = sequential({ layers: [layers.dense({ units: 1, inputShape: [2] })] });
model.compile({ optimizer: 'sgd', loss: 'mse' });
const topology = model.toJSON(null, false);

const readers: [string, (bytes: never) => unknown][] = [
  ['loadKerasModel', loadKerasModel],
  ['loadKerasWeights', bytes => loadKerasWeights(model, bytes)],
  ['loadOnnxModel', loadOnnxModel],
  ['readSafetensors', readSafetensors],
  ['loadSafetensors', bytes => loadSafetensors(model, bytes)],
  ['model.restore', bytes => model.restore(bytes)],
  ['model.fit', bytes => model.fit([[1, 2]], [[3]], { resume: bytes, verbose: 0 })],
  [
    'loadLayersModel',
    bytes => loadLayersModel(io.fromMemory({ modelTopology: topology, weightSpecs: [], weightData: bytes } as never)),
  ],
];

test.each(readers)('%s rejects a detached buffer', async (name, read) => {
  for (const bytes of [transferred(new Uint8Array(12)), transferred(new Uint8Array(12)).buffer]) {
    const call = async () => read(bytes as never);
    await expect(call).rejects.toThrow(ValueError);
    await expect(call).rejects.toThrow(new RegExp(`^${name}: `));
  }
});
