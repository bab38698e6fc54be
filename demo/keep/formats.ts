/** Writers of model files. Loaded with the first download, because they are large. */

import { io, loadLayersModel, type ModelArtifacts, type Sequential } from 'lstm-wasm';
import { toKeras } from 'lstm-wasm/keras';
import { toOnnx } from 'lstm-wasm/onnx';
import { toSafetensors } from 'lstm-wasm/safetensors';
import type { RemoteSequential } from 'lstm-wasm/worker';
import { zipOf } from './zip.ts';

type Bytes = Uint8Array<ArrayBuffer>;

export const formats = {
  async tfjs(model: RemoteSequential): Promise<Bytes> {
    return zipOf(await artifactsOf(model));
  },

  async safetensors(model: RemoteSequential): Promise<Bytes> {
    return writeCopy(model, toSafetensors);
  },

  /** Loads the HDF5 library, 1 MB, from the host of the page. */
  async keras(model: RemoteSequential): Promise<Bytes> {
    return writeCopy(model, toKeras);
  },

  async onnx(model: RemoteSequential): Promise<Bytes> {
    // A stateful model gets its states as inputs and returns them as outputs.
    return writeCopy(model, here => toOnnx(here, { states: here.layers[0]!.stateful === true }));
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

/** Writes a copy of the model outside of the worker. */
async function writeCopy(
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
