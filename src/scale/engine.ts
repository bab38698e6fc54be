/**
 * The contract between what to compute (`sweep`, `fitEach`, ...) and where: an `Engine` runs tasks, in threads of this
 * process or on other machines. A task is data in, result out. It gives the same result wherever it runs and however often,
 * so an engine may deliver it twice, and may reuse a stored result with the same id.
 */

/** Plain data, as JSON can hold it. Numbers that are not finite are not allowed. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

export interface Task {
  /** SHA-256, in hexadecimal, of all that the result depends on: the fields below, the kernels and the version. */
  readonly id: string;
  /** The built-in function to run; 'file' for a task file. */
  readonly kind: 'file' | 'fit' | 'predict' | 'backtest';
  /**
   * Only of kind 'file': the module whose default export is the task. Its address for an engine of this process, its name
   * in the worker's folder for workers on other machines: a queue never ships code.
   */
  readonly file?: string;
  /** The SHA-256 of the content of `file`, where it was given by its address. */
  readonly fileHash?: string;
  /** Parameters and options. Small: large arrays are in `blobs`. */
  readonly input: Json;
  readonly seed: number;
  /** Bytes by name: each is the SHA-256 under which the engine's store keeps them. */
  readonly blobs: { readonly [name: string]: string };
}

export interface Result {
  readonly value: Json;
  /** Bytes by name, such as a model: each is the SHA-256 under which the engine's store keeps them. */
  readonly blobs: { readonly [name: string]: string };
}

/**
 * Keeps bytes under their SHA-256, and the results of tasks under the id of the task, so the bytes under a name never change.
 * All functions may be called from several processes at once. Readers must not write to the bytes.
 */
export interface Store {
  /** The bytes, or undefined if they are not there. */
  get(hash: string): Promise<Uint8Array | undefined>;
  put(hash: string, bytes: Uint8Array): Promise<void>;
  /** Whether the bytes are there. Without it, `get` is called. */
  has?(hash: string): Promise<boolean>;
  /** Says that a caller of `put` no longer needs the bytes. A store may then forget them, if no other caller needs them. */
  release?(hash: string): Promise<void>;
}

export interface RunOptions {
  /** Ends the task; the promise of `run` is rejected with its reason. */
  readonly signal?: AbortSignal;
  /** Receives what the task reports, in order. Reports may repeat if a task is run again. */
  readonly onProgress?: (progress: Json) => void;
}

export interface Engine {
  /**
   * Runs a task, or waits for the same task if it is running already.
   * @throws {TaskError} if the task fails, or its worker has died three times
   */
  run(task: Task, options?: RunOptions): Promise<Result>;
  /** How many tasks run at once. */
  readonly slots: number;
  readonly store: Store;
  /** Ends all workers; tasks that are running are rejected. */
  close(): Promise<void>;
}

/** The error of a task, with the input that led to it. */
export class TaskError extends Error {
  override readonly name = 'TaskError';

  constructor(
    message: string,
    /** The task that failed. */
    readonly task: Task,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
