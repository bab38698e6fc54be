/** A model that lives in a worker: the methods of `Sequential`, with promises in place of values. */

import type { ForecastTask } from '../data/forecast.ts';
import { Sequential } from '../model/sequential.ts';
import { rates } from '../optimizers/schedules.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Evaluation } from '../training/evaluate.ts';
import { noMore } from '../util/arguments.ts';
import { checkBoolean, checkCount, checkNumber } from '../util/options.ts';
import {
  type ClientCall,
  clientCalls,
  type Method,
  type RemoteTrainingOptions,
  type TransferOptions,
} from './clientCalls.ts';
import type { Wire } from './host.ts';

/** Methods that take arrays without options of their own. */
type Plain = 'setWeights' | 'setStates' | 'predictOnBatch' | 'inspect' | 'restore';
/** Methods that have options, as their last argument. */
type Optional = 'trainOnBatch' | 'testOnBatch' | 'evaluate' | 'evaluateDataset' | 'predict';
type Training = 'fit' | 'fitDataset';
/** Known on this side of the worker, too. */
type Known = 'countParams' | 'summary' | 'getConfig' | 'toJSON';

type With<Args extends unknown[], Options> =
  Required<Args> extends [...infer First, infer Last] ? [...args: First, options?: Last & Options] : never;

type Arguments<M extends Method | Known> = M extends Plain
  ? [...args: Parameters<Sequential[M]>, options?: TransferOptions]
  : M extends Optional
    ? With<Parameters<Sequential[M]>, TransferOptions>
    : M extends Training
      ? With<Parameters<Sequential[M]>, RemoteTrainingOptions>
      : Parameters<Sequential[M]>;

/** The methods of `Sequential`, with promises of what these return. @useDeclaredType */
export type RemoteMethods = {
  [M in keyof Pick<Sequential, Method | Known>]: M extends 'evaluate' | 'evaluateDataset'
    ? <R extends Tensor | Tensor[] = Evaluation>(...args: Arguments<M>) => Promise<R>
    : (...args: Arguments<M>) => Promise<Awaited<ReturnType<Sequential[M]>>>;
};

const plain: ReadonlySet<string> = new Set<Plain>(['setWeights', 'setStates', 'predictOnBatch', 'inspect', 'restore']);

const known = ['countParams', 'summary', 'getConfig', 'toJSON'] as const satisfies Known[];

/** Tells the worker of models that nobody holds any more. */
const forgotten = new FinalizationRegistry<() => void>(dispose => dispose());

/** What a remote model is, beside the methods that it has in common with a model at hand. */
export class Remote {
  /** The name Keras gives it. */
  readonly className = 'Sequential';
  readonly #wire: Wire;
  readonly #id: number;
  readonly #mirror: Sequential;
  #stop = false;

  static {
    const define = (name: string, value: (this: Remote, ...args: unknown[]) => Promise<unknown>) =>
      Object.defineProperty(Remote.prototype, name, { value, writable: true, configurable: true });
    const most = (name: Method | Known) => Sequential.prototype[name].length + Number(plain.has(name));
    for (const [name, way] of Object.entries(clientCalls)) {
      define(name, async function (...args) {
        const call = `model.${name}`;
        noMore(call, most(name as Method), args);
        if (name !== 'dispose') this.#mirror.view.checkNotDisposed(call);
        return this.#call(call, name, (way as (...args: unknown[]) => ClientCall)(call, this.#mirror, ...args));
      });
    }
    for (const name of known) {
      define(name, async function (...args) {
        noMore(`model.${name}`, most(name), args);
        return (this.#mirror[name] as (...args: unknown[]) => unknown)(...args);
      });
    }
  }

  /** @internal @param mirror the same model without weights */
  constructor(wire: Wire, id: number, mirror: Sequential) {
    this.#wire = wire;
    this.#id = id;
    this.#mirror = mirror;
    forgotten.register(this, () => {
      wire.call('model.dispose', id, 'dispose', { args: [] }).catch(() => {});
    });
  }

  async #call(call: string, method: string, way: ClientCall): Promise<unknown> {
    const trained = this.#mirror.trained;
    const trains = method === 'fit' || method === 'fitDataset';
    if (!trains) return this.#wire.call(call, this.#id, method, way, this);
    trained.training = true;
    this.#stop = false;
    try {
      return await this.#wire.call(call, this.#id, method, way, this);
    } finally {
      trained.training = false;
    }
  }

  get name(): string {
    return this.#mirror.name;
  }

  /** What goes in: `inputs[0].shape`, null where an axis is open. */
  get inputs(): Sequential['inputs'] {
    return this.#mirror.inputs;
  }

  /** What comes out: `outputs[0].shape`, null where an axis is open. */
  get outputs(): Sequential['outputs'] {
    return this.#mirror.outputs;
  }

  /** The same as `outputs[0].shape`. */
  get outputShape(): Sequential['outputShape'] {
    return this.#mirror.outputShape;
  }

  /** What `trainOnBatch`, `testOnBatch` and `evaluate` return, in order. Empty before `compile`. */
  get metricsNames(): string[] {
    return this.#mirror.metricsNames;
  }

  /** What the last training left behind; null before the first. */
  get history(): Sequential['history'] {
    return this.#mirror.history;
  }

  /** Set to true, it ends the training that is going on, as soon as the worker hears of it. */
  get stopTraining(): boolean {
    return this.#stop;
  }

  set stopTraining(value: boolean) {
    this.#stop = checkBoolean('model', 'stopTraining', value);
    this.#wire.stop(this.#id, value);
  }

  /** Sets the learning rate of the batches to come; in a model at hand, `model.optimizer.learningRate` does it. */
  async setLearningRate(learningRate: number): Promise<void> {
    const call = 'model.setLearningRate';
    noMore(call, 1, arguments);
    this.#mirror.view.objective(call);
    checkNumber(call, 'learningRate', learningRate, rates);
    await this.#call(call, 'setLearningRate', { args: [learningRate] });
  }

  /** @internal For `forecast` of lstm-wasm/data, which has checked the task. */
  async tell(task: ForecastTask): Promise<Float32Array> {
    this.#mirror.view.checkNotDisposed('forecast');
    return (await this.#call('forecast', 'tell', { args: [task] })) as Float32Array;
  }

  /** The same model at another batch size, as in `Sequential`: layers, weights and optimizer are shared. */
  async withBatchSize(batchSize: number): Promise<RemoteSequential> {
    const call = 'model.withBatchSize';
    noMore(call, 1, arguments);
    const view = this.#mirror.view;
    view.checkUsable(call);
    const size = checkCount(call, 'batchSize', batchSize);
    const mirror = new Sequential({ name: `${this.name}_batch${size}` }, view.withBatchSize(size));
    const id = nextId();
    await this.#call(call, 'withBatchSize', { args: [id, size] });
    return remote(this.#wire, id, mirror);
  }
}

let ids = 0;

/** A number for a model. */
export const nextId = (): number => ++ids;

/**
 * A model in a worker; make one with `host.sequential`. Its methods are those of `Sequential`, with the same arguments,
 * and promises of what these return; what is wrong rejects the promise with the same `ValueError`.
 *
 * Calls begin in the order in which they are made, whether or not anybody awaits them, and each is over before the next
 * begins, but for `fit`, `fitDataset` and `evaluateDataset`: as without a worker, what is called while they run is done
 * between two of their batches.
 */
export type RemoteSequential = Remote & RemoteMethods;

export const remote = (wire: Wire, id: number, mirror: Sequential): RemoteSequential =>
  new Remote(wire, id, mirror) as RemoteSequential;
