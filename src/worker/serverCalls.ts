/** The server side of each call. Most calls run the model method of the same name; this file has the exceptions. */

import '../core/full.ts';
import { runForecast } from '../data/forecastTask.ts';
import type { Layer } from '../layers/layer.ts';
import type { LayersModel } from '../model/layersModel.ts';
import type { Sequential } from '../model/sequential.ts';
import { layerFrom, optimizerFrom } from '../saving/config/fromConfig.ts';
import type { ModelArtifacts, SaveResult } from '../saving/tfjs/artifacts.ts';
import { loadLayersModel } from '../saving/tfjs/load.ts';
import { describeObjective } from '../saving/tfjs/trainingConfig.ts';
import type { BaseCallback } from '../training/callback.ts';
import { callbacks } from '../training/callbacks/index.ts';
import type { BatchSource, DatasetBatch } from '../training/dataset.ts';
import type { History } from '../training/history.ts';
import type { Config } from '../util/config.ts';
import { fail } from '../util/errors.ts';
import { setRandomSeed } from '../util/random.ts';
import { backendInfo, configure } from '../wasm/engine.ts';
import { type AskClient, CallbackEvents, EVENT_INTERVAL, RemoteCallback } from './callbackEvents.ts';
import type { PlainCallback, PlainLayer, PlainSource } from './messages.ts';
import { modelFromTopology } from './topology.ts';

export type Models = Map<number, LayersModel>;
type Args = readonly unknown[];

export function serveHostCall(models: Models, method: string, args: Args): unknown {
  if (!Object.hasOwn(hostCalls, method)) unknown(method);
  return hostCalls[method as keyof typeof hostCalls](models, ...(args as [never, never, never, never]));
}

const unknown = (call: string): never =>
  fail(call, 'the worker has no such method; check that it runs the same version of lstm-wasm');

const createModel =
  (call: string) =>
  (models: Models, id: number, topology: Config, values: PlainLayer['values'][], seed: number | undefined) => {
    const model = modelFromTopology(call, topology, seed);
    for (const [n, layer] of model.view.state.allLayers.entries()) setInitialValues(layer, values[n]!);
    models.set(id, model);
  };

const hostCalls = {
  setRandomSeed: (_: Models, seed: number) => setRandomSeed(seed),
  configure: (_: Models, options: object) => configure(options),
  backendInfo: () => backendInfo(),

  sequential: createModel('sequential'),
  model: createModel('model'),

  async loadLayersModel(models: Models, id: number, artifacts: ModelArtifacts, strict: boolean) {
    const model = await loadLayersModel<LayersModel>({ load: async () => artifacts }, { strict });
    models.set(id, model);
    const { objective } = model.view.state;
    return {
      topology: model.toJSON(null, false),
      objective: objective && describeObjective('loadLayersModel', objective, 'in a worker'),
    };
  },
};

function setInitialValues(layer: Layer, values: Float32Array[] | null): void {
  if (values) layer.initialValues = values;
}

const modelCalls = {
  add(model: Sequential, { described, values }: PlainLayer) {
    const layer = layerFrom({ call: 'model.add', part: '' }, described);
    model.add(layer);
    setInitialValues(layer, values);
  },

  compile: (model: LayersModel, { optimizer, ...rest }: ReturnType<typeof describeObjective>) =>
    model.compile({ optimizer: optimizerFrom({ call: 'model.compile', part: 'optimizer' }, optimizer), ...rest }),

  runForecast,

  setLearningRate: (model: LayersModel, rate: number) => model.optimizer!.setLearningRate(rate),

  async save(model: LayersModel, options: object) {
    let saved: ModelArtifacts | null = null;
    const save = async (artifacts: ModelArtifacts) => {
      saved = artifacts;
      return {} as SaveResult;
    };
    await model.save({ save }, options);
    return saved;
  },
};

/** @param ask sends questions to the client during the call */
export function serveModelCall(models: Models, id: number, method: string, args: Args, ask: AskClient): unknown {
  const model = models.get(id);
  if (method === 'dispose') {
    models.delete(id);
    return model?.dispose();
  }
  const call = `model.${method}`;
  if (!model) fail(call, `the worker has no model with id ${id}`);
  if (method === 'withBatchSize') {
    const [other, size] = args as [number, number];
    models.set(other, model.withBatchSize(size));
    return;
  }
  if (method === 'fit') {
    const [x, y, options] = args as Parameters<LayersModel['fit']>;
    return train(options!, ask, known => model.fit(x, y, known));
  }
  if (method === 'fitDataset') {
    const [source, options] = args as [PlainSource, { validationData?: PlainSource }];
    const { validationData } = options;
    const validationSource =
      validationData && 'source' in validationData ? sourceFrom(validationData, ask) : validationData;
    const all = { ...options, validationData: validationSource };
    return train(all, ask, known => model.fitDataset(sourceFrom(source, ask), known));
  }
  if (method === 'evaluateDataset') {
    const [source, options] = args as [PlainSource, object];
    return model.evaluateDataset(sourceFrom(source, ask), options);
  }
  if (Object.hasOwn(modelCalls, method)) {
    return (modelCalls[method as keyof typeof modelCalls] as (model: LayersModel, ...args: Args) => unknown)(
      model,
      ...args,
    );
  }
  const methods = model as unknown as Record<string, ((...args: Args) => unknown) | undefined>;
  return typeof methods[method] === 'function' ? methods[method](...args) : unknown(call);
}

/** Trains with callbacks in the worker and in the client, and returns the history and the states of the callbacks. */
async function train(options: object, ask: AskClient, run: (options: never) => Promise<History>) {
  const { callbacks: plain, wait, ...rest } = options as { callbacks: PlainCallback[]; wait: boolean };
  const events = new CallbackEvents(ask, wait);
  const all = plain.map((callback, n): BaseCallback => {
    if ('methods' in callback) return new RemoteCallback(events, n, callback.methods);
    const [name, args] = callback.made;
    return (callbacks[name as keyof typeof callbacks] as (...args: Args) => BaseCallback)(...args);
  });
  const { epoch, history, params } = await run({ yieldEvery: EVENT_INTERVAL, ...rest, callbacks: all } as never);
  await events.end();
  return { epoch, history, params: params ?? null, states: all.map(callback => callback.getState()) };
}

/** A data set whose batches are requested from the client. */
function sourceFrom({ source, size, once, endless: isEndless }: PlainSource, ask: AskClient): BatchSource {
  const open = async () => {
    const reader = await ask('open', source);
    return {
      async next(): Promise<IteratorResult<DatasetBatch, undefined>> {
        const value = (await ask('next', reader)) as DatasetBatch | null;
        return value ? { done: false, value } : { done: true, value: undefined };
      },
      async return(): Promise<IteratorResult<DatasetBatch, undefined>> {
        await ask('close', reader);
        return { done: true, value: undefined };
      },
    };
  };
  if (!once) return { size, isEndless, iterator: open } as BatchSource;
  let opened: ReturnType<typeof open> | null = null;
  return {
    size,
    isEndless,
    async next() {
      opened ??= open();
      return (await opened).next();
    },
  } as BatchSource;
}
