/** A model in a worker: the methods of a model, returning promises. */

import type { ForecastTask } from '../data/forecastTask.ts';
import type { LayersModel } from '../model/layersModel.ts';
import { Sequential } from '../model/sequential.ts';
import { rates } from '../optimizers/schedules.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Evaluation } from '../training/evaluation.ts';
import { rejectExtraArguments } from '../util/arguments.ts';
import { fail } from '../util/errors.ts';
import { checkBoolean, checkCount, checkNumber } from '../util/options.ts';
import {
  type ClientCall,
  clientCalls,
  type Method,
  type RemoteTrainingOptions,
  type TransferOptions,
} from './clientCalls.ts';
import type { Connection } from './connection.ts';
import { withView } from './localModel.ts';

/** Methods that take arrays and have no options in `Sequential`. */
type Plain = 'setWeights' | 'setStates' | 'predictOnBatch' | 'inspect' | 'restore';
/** Methods whose last argument is options. */
type Optional = 'trainOnBatch' | 'testOnBatch' | 'evaluate' | 'evaluateDataset' | 'predict';
type Training = 'fit' | 'fitDataset';
/** Methods that the local copy of the model can answer. */
type Local = 'countParams' | 'summary' | 'getConfig' | 'toJSON';

type With<Args extends unknown[], Options> =
  Required<Args> extends [...infer First, infer Last] ? [...args: First, options?: Last & Options] : never;

type Arguments<M extends Method | Local> = M extends Plain
  ? [...args: Parameters<Sequential[M]>, options?: TransferOptions]
  : M extends Optional
    ? With<Parameters<Sequential[M]>, TransferOptions>
    : M extends Training
      ? With<Parameters<Sequential[M]>, RemoteTrainingOptions>
      : Parameters<Sequential[M]>;

/** The methods of `Sequential`, returning promises of their results. @useDeclaredType */
export type RemoteMethods = {
  [M in keyof Pick<Sequential, Method | Local>]: M extends 'evaluate' | 'evaluateDataset'
    ? <R extends Tensor | Tensor[] = Evaluation>(...args: Arguments<M>) => Promise<R>
    : M extends 'predict' | 'predictOnBatch'
      ? <R extends Tensor | Tensor[] = Tensor>(...args: Arguments<M>) => Promise<R>
      : (...args: Arguments<M>) => Promise<Awaited<ReturnType<Sequential[M]>>>;
};

const plain: ReadonlySet<string> = new Set<Plain>(['setWeights', 'setStates', 'predictOnBatch', 'inspect', 'restore']);

/** The methods that functional models do not have. */
const ofSequential: ReadonlySet<string> = new Set(['add', 'pop'] satisfies Method[]);

const localMethods = ['countParams', 'summary', 'getConfig', 'toJSON'] as const satisfies Local[];

/** Disposes models in the worker whose remote objects have been garbage collected. */
const registry = new FinalizationRegistry<() => void>(dispose => dispose());

/** The members of a remote model other than the methods of a model. */
export class Remote {
  readonly #connection: Connection;
  readonly #id: number;
  readonly #local: LayersModel;
  #stop = false;

  static {
    const define = (name: string, value: (this: Remote, ...args: unknown[]) => Promise<unknown>) =>
      Object.defineProperty(Remote.prototype, name, { value, writable: true, configurable: true });
    const most = (name: Method | Local) => Sequential.prototype[name].length + Number(plain.has(name));
    for (const [name, clientCall] of Object.entries(clientCalls)) {
      define(name, async function (...args) {
        const call = `model.${name}`;
        if (ofSequential.has(name) && !(this.#local instanceof Sequential)) fail(call, 'the model must be sequential');
        rejectExtraArguments(call, most(name as Method), args);
        if (name !== 'dispose') this.#local.view.checkNotDisposed(call);
        return this.#call(call, name, (clientCall as (...args: unknown[]) => ClientCall)(call, this.#local, ...args));
      });
    }
    for (const name of localMethods) {
      define(name, async function (...args) {
        rejectExtraArguments(`model.${name}`, most(name), args);
        return (this.#local[name] as (...args: unknown[]) => unknown)(...args);
      });
    }
  }

  /** @internal @param local the local copy of the model, without weights */
  constructor(connection: Connection, id: number, local: LayersModel) {
    this.#connection = connection;
    this.#id = id;
    this.#local = local;
    registry.register(this, () => {
      connection.call('model.dispose', id, 'dispose', { args: [] }).catch(() => {});
    });
  }

  async #call(call: string, method: string, clientCall: ClientCall): Promise<unknown> {
    const trained = this.#local.trained;
    const trains = method === 'fit' || method === 'fitDataset';
    if (!trains) return this.#connection.call(call, this.#id, method, clientCall, this);
    trained.training = true;
    this.#stop = false;
    try {
      return await this.#connection.call(call, this.#id, method, clientCall, this);
    } finally {
      trained.training = false;
    }
  }

  /** The class name in Keras. */
  get className(): string {
    return this.#local.className;
  }

  get name(): string {
    return this.#local.name;
  }

  /** The input: `inputs[0].shape`, with null for axes of variable size. */
  get inputs(): Sequential['inputs'] {
    return this.#local.inputs;
  }

  /** The output: `outputs[0].shape`, with null for axes of variable size. */
  get outputs(): Sequential['outputs'] {
    return this.#local.outputs;
  }

  /** Same as `outputs[0].shape`. */
  get outputShape(): Sequential['outputShape'] {
    return this.#local.outputShape;
  }

  /** The names of the values that `trainOnBatch`, `testOnBatch` and `evaluate` return. Empty before `compile`. */
  get metricsNames(): string[] {
    return this.#local.metricsNames;
  }

  /** The history of the last training; null before the first. */
  get history(): Sequential['history'] {
    return this.#local.history;
  }

  /** Set it to true to end the current training as soon as the worker receives the message. */
  get stopTraining(): boolean {
    return this.#stop;
  }

  set stopTraining(value: boolean) {
    this.#stop = checkBoolean('model', 'stopTraining', value);
    this.#connection.stop(this.#id, value);
  }

  /** Sets the learning rate of the following batches, like `model.optimizer.learningRate` of a local model. */
  async setLearningRate(learningRate: number): Promise<void> {
    const call = 'model.setLearningRate';
    rejectExtraArguments(call, 1, arguments);
    this.#local.view.objective(call);
    checkNumber(call, 'learningRate', learningRate, rates);
    await this.#call(call, 'setLearningRate', { args: [learningRate] });
  }

  /** @internal */
  checkNotDisposed(call: string): void {
    this.#local.view.checkNotDisposed(call);
  }

  /** @internal Runs a checked task of `forecast` of lstm-wasm/data. */
  async runForecast(task: ForecastTask): Promise<Float32Array> {
    this.#local.view.checkNotDisposed('forecast');
    return (await this.#call('forecast', 'runForecast', { args: [task] })) as Float32Array;
  }

  /** Returns the model at another batch size, as without a worker. Layers, weights and optimizer are shared. */
  async withBatchSize(batchSize: number): Promise<this> {
    const call = 'model.withBatchSize';
    rejectExtraArguments(call, 1, arguments);
    const view = this.#local.view;
    view.graph(call);
    const size = checkCount(call, 'batchSize', batchSize);
    const local = withView(this.#local, `${this.name}_batch${size}`, view.withBatchSize(size));
    const id = nextId();
    await this.#call(call, 'withBatchSize', { args: [id, size] });
    return remote(this.#connection, id, local) as unknown as this;
  }
}

let ids = 0;

/** A new model id. */
export const nextId = (): number => ++ids;

/**
 * A model in a worker; create one with `host.model`. It has the methods of a model with the same arguments, returning
 * promises. Invalid arguments reject the promise with the same `ValueError`.
 *
 * Calls start in the order in which they are made, whether or not they are awaited. Each call completes before the next
 * starts, except for `fit`, `fitDataset` and `evaluateDataset`: as without a worker, calls made while they run are
 * executed between two batches.
 */
export type RemoteModel = Remote & Omit<RemoteMethods, 'add' | 'pop'>;

/** A sequential model in a worker; create one with `host.sequential`. It works like a `RemoteModel`. */
export type RemoteSequential = Remote & RemoteMethods;

export const remote = (connection: Connection, id: number, local: LayersModel): RemoteModel =>
  new Remote(connection, id, local) as RemoteSequential;
