/**
 * lstm-wasm/worker: models that train and predict in a worker, so that a page stays responsive. Methods have the same
 * arguments and return promises. Works in browsers and in Node.
 */

import '../core/full.ts';
import { type ContainerArgs, model } from '../model/functional.ts';
import type { LayersModel } from '../model/layersModel.ts';
import { Sequential } from '../model/sequential.ts';
import type { SequentialArgs } from '../model/sequentialArgs.ts';
import { httpOptions } from '../saving/stores/http.ts';
import { loaderFor } from '../saving/stores/urlHandlers.ts';
import type { IOHandler } from '../saving/tfjs/artifacts.ts';
import type { LoadOptions } from '../saving/tfjs/load.ts';
import { limitMethodArguments, rejectExtraArguments } from '../util/arguments.ts';
import { fail, show } from '../util/errors.ts';
import { Lazy } from '../util/lazy.ts';
import { checkBoolean, checkOptions } from '../util/options.ts';
import { checkSeed } from '../util/random.ts';
import { type BackendInfo, checkSimd, type configure } from '../wasm/engine.ts';
import type { WorkerLike } from './channel.ts';
import { Connection } from './connection.ts';
import { initialValuesOf, rejectCustom, withoutConsumingSeeds } from './localModel.ts';
import { nextId, type RemoteModel, type RemoteSequential, remote } from './model.ts';
import type { Loaded } from './topology.ts';

export type { WorkerLike } from './channel.ts';
export type { RemoteTrainingOptions, TransferOptions } from './clientCalls.ts';
export type { Remote, RemoteMethods, RemoteModel, RemoteSequential } from './model.ts';

const topologies = /* @__PURE__ */ new Lazy(() => import('./topology.ts'));

/** Options of `connect`. */
export interface ConnectOptions {
  /** The random seed of the worker, as for `setRandomSeed`. */
  seed?: number;
  /** The kernels of the worker, as for `configure`. */
  simd?: 'auto' | 'strict' | 'relaxed';
  /** A worker that runs `lstm-wasm/thread`, for bundlers that need it; by default, a worker is started. */
  worker?: WorkerLike;
}

/** A worker and its models; create one with `connect`. */
export class Host {
  readonly #connection: Connection;

  /** @internal */
  constructor(options?: ConnectOptions) {
    const call = 'connect';
    const known = checkOptions<ConnectOptions>(call, options, ['seed', 'simd', 'worker']);
    const { seed, simd, worker } = known;
    if (seed !== undefined) checkSeed(call, seed);
    if (simd !== undefined) checkSimd(call, simd);
    if (worker !== undefined && typeof (worker as Partial<WorkerLike> | null)?.postMessage !== 'function') {
      fail(call, `worker must be a Worker that runs lstm-wasm/thread, got ${show(worker)}`);
    }
    this.#connection = new Connection(worker);
    // The arguments have been checked, so an error concerns the worker, and the next call reports it
    if (seed !== undefined) this.setRandomSeed(seed).catch(() => {});
    if (simd !== undefined) this.configure({ simd }).catch(() => {});
  }

  /** Creates a model in the worker, as `sequential`. The layers belong to that model. */
  async sequential(options?: SequentialArgs): Promise<RemoteSequential> {
    if (Array.isArray(options?.layers)) rejectCustom('sequential', options.layers);
    return this.#create('sequential', options?.seed, () => new Sequential(options)) as Promise<RemoteSequential>;
  }

  /**
   * Creates a functional model in the worker, as `model`. Layers that belong to a model of this thread are copied with their
   * weights: the model in the worker trains its own.
   */
  async model(options: ContainerArgs): Promise<RemoteModel> {
    return this.#create('model', options?.seed, () => model(options));
  }

  async #create(call: string, seed: number | undefined, make: () => LayersModel): Promise<RemoteModel> {
    const local = withoutConsumingSeeds(make);
    rejectCustom(call, local.view.state.allLayers);
    const id = nextId();
    await this.#call(call, [id, local.toJSON(null, false), initialValuesOf(local), seed]);
    return remote(this.#connection, id, local);
  }

  /**
   * Loads a model into the worker, as `loadLayersModel`. This thread reads the files.
   *
   * @returns a sequential model, or a functional one (`loadLayersModel<RemoteModel>`)
   */
  async loadLayersModel<M extends RemoteModel = RemoteSequential>(
    source: string | IOHandler,
    options?: LoadOptions,
  ): Promise<M> {
    const call = 'loadLayersModel';
    const names = [...httpOptions, 'strict', 'streamWeights'];
    const { strict = true, onProgress, streamWeights, ...rest } = checkOptions<LoadOptions>(call, options, names);
    checkBoolean(call, 'strict', strict);
    const artifacts = await loaderFor(call, source, rest)({ strict, ...(onProgress && { onProgress }) });
    const id = nextId();
    const { allModules, localCopy } = await topologies.get();
    this.#connection.sendKernels(allModules);
    const loaded = (await this.#call(call, [id, artifacts, strict])) as Loaded;
    const local = withoutConsumingSeeds(() => localCopy(call, loaded));
    return remote(this.#connection, id, local) as M;
  }

  /** Sets the random seed of the worker: results then have the same bits as after `setRandomSeed` without a worker. */
  async setRandomSeed(seed: number): Promise<void> {
    await this.#call('setRandomSeed', [checkSeed('setRandomSeed', seed)]);
  }

  /** Selects the kernels of the worker. Call it before creating the first model. */
  async configure(options: Parameters<typeof configure>[0]): Promise<void> {
    await this.#call('configure', [options]);
  }

  /** The kernels and the memory of the worker. */
  async backendInfo(): Promise<BackendInfo> {
    return (await this.#call('backendInfo', [])) as BackendInfo;
  }

  /** Terminates the worker immediately and rejects all pending calls. Later calls are rejected too. */
  async terminate(): Promise<void> {
    await this.#connection.terminate();
  }

  #call(method: string, args: unknown[]): Promise<unknown> {
    return this.#connection.call(method, null, method, { args });
  }
}

limitMethodArguments(Host, 'host');

/** Starts a worker: a Web Worker in browsers, a thread in Node. An idle thread does not keep the process alive. */
export function connect(options?: ConnectOptions): Host {
  rejectExtraArguments('connect', 1, arguments);
  return new Host(options);
}
