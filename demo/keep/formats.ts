/** The formats a model can be kept in. Loaded when the first of them is asked for, with all that they need. */

import { zipSync } from 'fflate';
import { io, loadLayersModel, type ModelArtifacts, type Sequential } from 'lstm-wasm';
import { toKeras } from 'lstm-wasm/keras';
import { toOnnx } from 'lstm-wasm/onnx';
import { toSafetensors } from 'lstm-wasm/safetensors';
import type { RemoteSequential } from 'lstm-wasm/worker';

type Bytes = Uint8Array<ArrayBuffer>;

export const formats = {
  async tfjs(model: RemoteSequential): Promise<Bytes> {
    const artifacts = await artifactsOf(model);
    const { weightSpecs, weightData, ...rest } = artifacts;
    const json = { ...rest, weightsManifest: [{ paths: ['weights.bin'], weights: weightSpecs }] };
    const text = new TextEncoder().encode(JSON.stringify(json));
    return zipSync({ 'model.json': text, 'weights.bin': joined(weightData!) }) as Bytes;
  },

  async safetensors(model: RemoteSequential): Promise<Bytes> {
    return atHand(model, toSafetensors);
  },

  /** By the HDF5 library, a megabyte, which comes from the page's own host when it is first needed. */
  async keras(model: RemoteSequential): Promise<Bytes> {
    return atHand(model, toKeras);
  },

  async onnx(model: RemoteSequential): Promise<Bytes> {
    // The states go in and out where the model carries them from batch to batch
    return atHand(model, here => toOnnx(here, { states: here.layers[0]!.stateful === true }));
  },

  async snapshot(model: RemoteSequential): Promise<Bytes> {
    return (await model.snapshot()) as Bytes;
  },
};

async function artifactsOf(model: RemoteSequential): Promise<ModelArtifacts> {
  let saved: ModelArtifacts | null = null;
  await model.save(
    io.withSaveHandler(artifacts => {
      saved = artifacts;
      return { modelArtifactsInfo: {} as never };
    }),
  );
  return saved!;
}

/** The same model on this side of the worker, as long as it takes to write it down. */
async function atHand(
  model: RemoteSequential,
  write: (model: Here) => Uint8Array | Promise<Uint8Array>,
): Promise<Bytes> {
  const here = await loadLayersModel(io.fromMemory(await artifactsOf(model)));
  try {
    return (await write(here)) as Bytes;
  } finally {
    here.dispose();
  }
}

type Here = Awaited<ReturnType<typeof loadLayersModel<Sequential>>>;

function joined(data: ArrayBuffer | ArrayBuffer[]): Uint8Array {
  const pieces = [data].flat().map(piece => new Uint8Array(piece));
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
