/** The client side of each model method: checks the arguments, builds the message, and converts the reply. */

import { shapeOfBatch } from '../inputs/batches.ts';
import { type ModelData, partName, partsOf } from '../inputs/parts.ts';
import { checkSampleWeightOptions } from '../inputs/sampleWeights.ts';
import type { Layer } from '../layers/layer.ts';
import { inspectedLayer } from '../model/inspect.ts';
import type { LayersModel } from '../model/layersModel.ts';
import type { Sequential } from '../model/sequential.ts';
import { readObjective } from '../objective/objective.ts';
import { saverFor } from '../saving/stores/urlHandlers.ts';
import { checkMetadata } from '../saving/tfjs/metadata.ts';
import { describeObjective } from '../saving/tfjs/trainingConfig.ts';
import { BaseCallback, type CallbackState, CustomCallback, type Params } from '../training/callback.ts';
import {
  EarlyStopping,
  LearningRateScheduler,
  ModelCheckpoint,
  ProgressBar,
  ReduceLROnPlateau,
  recipeOf,
  TerminateOnNaN,
} from '../training/callbacks/index.ts';
import { type Source, sourceOf } from '../training/dataset.ts';
import { readEvaluate } from '../training/evaluate.ts';
import { readFit } from '../training/fitArguments.ts';
import { readFitDataset } from '../training/fitDatasetArguments.ts';
import { History } from '../training/history.ts';
import { checkSignal } from '../training/options.ts';
import { serialize } from '../util/config.ts';
import { fail, show } from '../util/errors.ts';
import { checkBoolean, checkOptions, isPlain } from '../util/options.ts';
import type { Shape } from '../util/shapes.ts';
import { rejectCustom } from './localModel.ts';
import type { PlainCallback, PlainSource } from './messages.ts';
import { pack } from './serialization.ts';

/** A checked call. */
export interface ClientCall {
  readonly args: readonly unknown[];
  /** Whether typed arrays are transferred. */
  readonly transfer?: boolean;
  readonly callbacks?: readonly BaseCallback[];
  readonly sources?: readonly Source[];
  readonly signal?: AbortSignal | undefined;
  /** Converts the reply of the worker to the result of the call. */
  readonly done?: (value: never) => unknown;
}

/** Options of all calls that take arrays. */
export interface TransferOptions {
  /** Whether to transfer typed arrays that fill their buffer instead of copying them; they become unusable. Default false. */
  transfer?: boolean;
}

/** Options of a training in a worker. */
export interface RemoteTrainingOptions extends TransferOptions {
  /**
   * Aborts the training after the batch during which the worker receives the signal, and rejects the promise with its
   * reason. The worker receives messages every `yieldEvery`, by default 16 ms.
   */
  signal?: AbortSignal;
  /**
   * Whether training waits for the callbacks after every event, as without a worker. Default false: training continues,
   * and the callbacks receive all events in order, in batches about 60 times per second.
   */
  wait?: boolean;
}

const events = ['onTrainBegin', 'onTrainEnd', 'onEpochBegin', 'onEpochEnd', 'onBatchBegin', 'onBatchEnd', 'onYield'];
const builtIn = [EarlyStopping, LearningRateScheduler, ModelCheckpoint, ProgressBar, ReduceLROnPlateau, TerminateOnNaN];

function plainCallback(call: string, callback: BaseCallback): PlainCallback {
  const recipe = recipeOf(callback);
  if (recipe) {
    const args = pack(call, `callbacks.${recipe.name}`, recipe.args, new Set(), false) as readonly unknown[];
    return { made: [recipe.name, args] };
  }
  if (builtIn.some(kind => callback instanceof kind)) {
    fail(call, `callbacks must be functions or created by callbacks.* in a worker, got a ${callback.constructor.name}`);
  }
  const [methods, plain] = (
    callback instanceof CustomCallback ? [callback.args, {}] : [callback, BaseCallback.prototype]
  ) as Record<string, unknown>[];
  return { methods: events.filter(name => methods![name] && methods![name] !== plain![name]) };
}

/** Separates `transfer` from the other options. */
function separateTransfer<T extends object>(call: string, options: T | undefined) {
  if (options === undefined) return { rest: undefined, transfer: false };
  if (!isPlain(options)) fail(call, `options must be an object, got ${show(options)}`);
  const { transfer = false, ...rest } = options as T & TransferOptions;
  return { rest: rest as unknown as T, transfer: checkBoolean(call, 'transfer', transfer) };
}

/** Separates the worker options of a training from the other options. */
function separateTrainingOptions<T extends object>(call: string, options: T | undefined) {
  const { rest: all, transfer } = separateTransfer(call, options as T & RemoteTrainingOptions);
  const { wait = false, signal: given = null, ...rest } = all ?? {};
  checkBoolean(call, 'wait', wait);
  const signal = checkSignal(call, given) ?? undefined;
  return { rest: rest as unknown as T, transfer, wait, signal };
}

function applyTraining(model: LayersModel, callbacks: readonly BaseCallback[]) {
  return (value: {
    epoch: number[];
    history: History['history'];
    params: Params;
    states: (CallbackState | null)[];
  }) => {
    for (const [n, state] of value.states.entries()) if (state) callbacks[n]!.setState(state);
    const history = new History();
    history.setParams(value.params);
    history.resume(value.epoch, value.history);
    model.history = history;
    return history;
  };
}

const plainSource = ({ size, once, endless }: Source, source: number): PlainSource => ({ source, size, once, endless });

type Fit = Parameters<LayersModel['fit']>;
type FitDataset = Parameters<LayersModel['fitDataset']>;
type Evaluate = Parameters<LayersModel['evaluate']>;
type OnBatch = Parameters<LayersModel['trainOnBatch']>;
type Inspect = Parameters<LayersModel['inspect']>;

function onBatch(call: string, model: LayersModel, ...[x, y, options]: OnBatch): ClientCall {
  const { rest, transfer } = separateTransfer(call, options);
  const trained = model.trained;
  checkSampleWeightOptions(call, rest);
  const [xs, ys] = [trained.inputs(call, 'x', x), trained.outputs(call, 'y', y)];
  trained.shapes(call, xs, ys, ['x', 'y'], trained.fixedBatch(call));
  return { args: [x, y, rest], transfer };
}

/** Checks the shapes of x. */
function checkInputs(call: string, model: LayersModel, x: ModelData, expected: (shape: Shape) => Shape): void {
  const { inputs, inputNames } = model.view.ends(call);
  for (const [n, part] of partsOf(call, 'x', x, inputNames).entries()) {
    shapeOfBatch(call, partName('x', inputNames[n]!, inputNames.length), part, expected(inputs[n]!.shape));
  }
}

/** A call whose argument only the model in the worker can check. */
function uncheckedCall(call: string, _model: LayersModel, value: unknown, options?: TransferOptions): ClientCall {
  const { transfer = false } = checkOptions<TransferOptions>(call, options, ['transfer']);
  return { args: [value], transfer: checkBoolean(call, 'transfer', transfer) };
}

const noArguments = (): ClientCall => ({ args: [] });

/** The calls, by the name of the method of the model. */
export const clientCalls = {
  add(call: string, model: Sequential, layer: Layer): ClientCall {
    rejectCustom(call, [layer]);
    model.add(layer);
    return { args: [{ described: serialize(layer), values: layer.initialValues }] };
  },
  pop(_call: string, model: Sequential): ClientCall {
    model.pop();
    return noArguments();
  },

  compile(call: string, model: LayersModel, options: Parameters<LayersModel['compile']>[0]): ClientCall {
    const objective = describeObjective(
      call,
      readObjective(call, options, model.view.state.outputNames),
      'in a worker',
    );
    model.compile(options);
    return { args: [objective] };
  },

  trainOnBatch: onBatch,
  testOnBatch: onBatch,

  fit(call: string, model: LayersModel, ...[x, y, options]: Fit): ClientCall {
    const { rest, transfer, wait, signal } = separateTrainingOptions(call, options);
    const { callbacks } = readFit(call, model.trained, x, y, rest);
    const plain = callbacks.map(callback => plainCallback(call, callback));
    return {
      args: [x, y, { ...rest, wait, callbacks: plain }],
      transfer,
      signal,
      callbacks,
      done: applyTraining(model, callbacks),
    };
  },

  fitDataset(call: string, model: LayersModel, ...[dataset, options]: FitDataset): ClientCall {
    const { rest, transfer, wait, signal } = separateTrainingOptions(call, options);
    const { callbacks, source, validation } = readFitDataset(call, model.trained, dataset, rest);
    const plain = callbacks.map(callback => plainCallback(call, callback));
    const validationSource = validation && 'source' in validation ? validation.source : null;
    const all = {
      ...rest,
      ...(validationSource && { validationData: plainSource(validationSource, 1) }),
      wait,
      callbacks: plain,
    };
    const sources = validationSource ? [source, validationSource] : [source];
    return {
      args: [plainSource(source, 0), all],
      transfer,
      signal,
      callbacks,
      sources,
      done: applyTraining(model, callbacks),
    };
  },

  evaluate(call: string, model: LayersModel, ...[x, y, options]: Evaluate): ClientCall {
    const { rest, transfer } = separateTransfer(call, options);
    readEvaluate(call, model.trained, x, y, rest);
    return { args: [x, y, rest], transfer };
  },

  evaluateDataset(call: string, model: LayersModel, ...args: Parameters<LayersModel['evaluateDataset']>): ClientCall {
    const { rest, transfer } = separateTransfer(call, args[1]);
    model.trained.objective(call);
    const source = sourceOf(call, 'dataset', args[0]);
    return { args: [plainSource(source, 0), rest ?? {}], transfer, sources: [source] };
  },

  predict(call: string, model: LayersModel, ...[x, options]: Parameters<LayersModel['predict']>): ClientCall {
    const { rest, transfer } = separateTransfer(call, options);
    checkInputs(call, model, x, shape => [null, ...shape.slice(1)]);
    return { args: [x, rest], transfer };
  },
  predictOnBatch(call: string, model: LayersModel, x: ModelData, options?: TransferOptions): ClientCall {
    checkInputs(call, model, x, shape => shape);
    return uncheckedCall(call, model, x, options);
  },

  inspect(
    call: string,
    model: LayersModel,
    ...[layer, x, options]: [...Inspect, options?: TransferOptions]
  ): ClientCall {
    const { transfer } = separateTransfer(call, options);
    const view = model.view;
    checkInputs(call, model, x, shape => shape);
    return { args: [inspectedLayer(call, view, layer).name, x], transfer };
  },

  getWeights: (call: string, _model: LayersModel, trainableOnly = false): ClientCall => ({
    args: [checkBoolean(call, 'trainableOnly', trainableOnly)],
  }),
  setWeights: uncheckedCall,
  finalizeVariableValues: noArguments,
  getStates: noArguments,
  setStates: uncheckedCall,
  resetStates: noArguments,
  snapshot: noArguments,
  restore: uncheckedCall,

  save(call: string, _model: LayersModel, ...[target, options]: Parameters<LayersModel['save']>): ClientCall {
    return { args: [options], done: saverFor(call, target) as ClientCall['done'] & {} };
  },
  setUserDefinedMetadata: (call: string, model: LayersModel, metadata: unknown): ClientCall =>
    uncheckedCall(call, model, checkMetadata(call, metadata)),
  getUserDefinedMetadata: noArguments,

  dispose(_call: string, model: LayersModel): ClientCall {
    model.dispose();
    return noArguments();
  },
};

export type Method = keyof typeof clientCalls;
