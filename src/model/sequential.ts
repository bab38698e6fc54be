/** The model: a stack of layers that trains and predicts. */

import { version } from '../../package.json' with { type: 'json' };
import type { OneTensor } from '../inputs/batches.ts';
import type { SampleWeightOptions } from '../inputs/sampleWeights.ts';
import type { Layer } from '../layers/layer.ts';
import { type CompileOptions, readObjective } from '../objective/objective.ts';
import type { Optimizer } from '../optimizers/index.ts';
import type { IOHandler, SaveResult } from '../saving/tfjs/artifacts.ts';
import { checkMetadata, type SaveOptions, saveModel } from '../saving/tfjs/save.ts';
import type { TensorLike } from '../tensor/read.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { CallbackModel } from '../training/callback.ts';
import type { BatchSource } from '../training/dataset.ts';
import { evaluate, evaluateDataset } from '../training/evaluate.ts';
import type { Evaluation, ModelEvaluateArgs, ModelEvaluateDatasetArgs } from '../training/evaluation.ts';
import { fitSamples, type ModelFitArgs } from '../training/fit.ts';
import { fitDataset, type ModelFitDatasetArgs } from '../training/fitDataset.ts';
import type { History } from '../training/history.ts';
import type { TrainedModel } from '../training/trainedModel.ts';
import { limitMethodArguments, rejectExtraArguments } from '../util/arguments.ts';
import { type Config, serialize, toPython } from '../util/config.ts';
import { checkBoolean, checkCount } from '../util/options.ts';
import { globalSeeds } from '../util/random.ts';
import type { Shape } from '../util/shapes.ts';
import { asTrainedModel } from './asTrainedModel.ts';
import { type Inspection, inspect } from './inspect.ts';
import { ModelView } from './modelView.ts';
import { predict, predictOnBatch } from './prediction.ts';
import { readSequentialArgs, type SequentialArgs, stackOf } from './sequentialArgs.ts';
import { type Restored, readSnapshot, takeSnapshot } from './snapshot.ts';
import type { Stack } from './stack.ts';
import { getStates, setStates } from './states.ts';
import { Stream } from './stream.ts';
import { printSummary } from './summary.ts';
import { TrainStep } from './trainStep.ts';

let unnamed = 0;

/** A stack of layers; create one with `sequential()`. */
export class Sequential implements CallbackModel {
  /** The name Keras gives it. */
  readonly className = 'Sequential';
  readonly name: string;
  readonly #view: ModelView;
  readonly #stack: Stack;
  readonly #step: TrainStep;
  readonly #trained: TrainedModel;
  #stopTraining = false;
  #metadata: { [name: string]: unknown } | null = null;
  /** The result of the last training; null before the first. */
  history: History | null = null;

  /** @param view of existing layers; used by `withBatchSize` only */
  constructor(options?: SequentialArgs, view?: ModelView) {
    const { layers = [], name, seed } = readSequentialArgs(options);
    this.#view = view ?? globalSeeds.rollBackOnError(() => new ModelView(stackOf(layers, seed)));
    this.name = name ?? `sequential_${++unnamed}`;
    this.#stack = this.#view.stack;
    this.#step = new TrainStep(this.#view);
    this.#trained = asTrainedModel(this, this.#view, this.#step);
  }

  /** @internal The layers at the batch size of this model, and its plans. */
  get view(): ModelView {
    return this.#view;
  }

  /** @internal The model as `fit` and `evaluate` use it. */
  get trained(): TrainedModel {
    return this.#trained;
  }

  // -------------------------------------------------------------------------------------------------------- layers

  /** Adds a layer at the end. The first layer needs an `inputShape` or a `batchInputShape`. */
  add(layer: Layer): void {
    this.#view.changeLayers('model.add', call => this.#stack.push(call, layer));
  }

  /** Removes the last layer. */
  pop(): void {
    this.#view.changeLayers('model.pop', call => this.#stack.pop(call));
  }

  /** The layers, from input to output. */
  get layers(): Layer[] {
    return [...this.#stack.layers];
  }

  /** The layer of a name, or of an index if there is no name. */
  getLayer(name?: string | null, index?: number): Layer {
    const call = 'model.getLayer';
    this.#view.checkNotDisposed(call);
    return this.#stack.find(call, name, index);
  }

  /** The shape of the input, `inputs[0].shape`; null for open axes. */
  get inputs(): { shape: Shape }[] {
    return [{ shape: [...this.#view.inputShape('model.inputs')] }];
  }

  /** The shape of the output, `outputs[0].shape`; null for open axes. */
  get outputs(): { shape: Shape }[] {
    return [{ shape: this.#view.outputShape('model.outputs') }];
  }

  /** The same as `outputs[0].shape`, as in TF.js. */
  get outputShape(): Shape {
    return this.#view.outputShape('model.outputShape');
  }

  /** The number of parameters: the numbers in all weights. */
  countParams(): number {
    this.#view.checkNotDisposed('model.countParams');
    return this.#stack.layers.reduce((count, layer) => count + layer.countParams(), 0);
  }

  /** Prints layers, output shapes and numbers of parameters. */
  summary(lineLength?: number | null, positions?: number[] | null, printFn?: ((line: string) => void) | null): void {
    this.#view.checkNotDisposed('model.summary');
    printSummary('model.summary', this.name, this.#stack.layers, lineLength, positions, printFn);
  }

  /** The name of the model and the options of its layers, without weights. */
  getConfig(): Config {
    const { name, layers } = this;
    return { name, layers: layers.map(layer => serialize(layer)) };
  }

  /**
   * The model without its weights, in the `model.json` format of TF.js and Keras; `modelFromJSON` reads it.
   *
   * @param returnString whether to return JSON, the default, or an object
   */
  toJSON(_unused?: unknown, returnString?: boolean): string | Config {
    const { className } = this;
    const topology = toPython({ className, config: this.getConfig(), kerasVersion: `lstm-wasm ${version}` });
    return (returnString ?? true) ? JSON.stringify(topology) : (topology as Config);
  }

  // --------------------------------------------------------------------------------------------------------- saving

  /**
   * Saves the model in the layers-model format of TF.js; `loadLayersModel` reads it, here and in TF.js. With
   * `includeOptimizer`, optimizer, loss and metrics are saved too, and training continues bit for bit. TF.js continues
   * as well if it has the same optimizer, loss and metrics, and otherwise loads the model uncompiled. The carried states
   * of stateful layers are not saved.
   *
   * @param target 'file://folder' in Node (model.json and weights.bin), 'localstorage://name', 'indexeddb://name' or
   * 'downloads://name' in a page, a URL that accepts a form, or a handler with a `save` method
   * @throws ValueError if the target cannot be written, and for includeOptimizer if the model is not compiled or its
   * learning rate is a function
   */
  async save(target: string | IOHandler, options?: SaveOptions): Promise<SaveResult> {
    const call = 'model.save';
    return saveModel(call, target, options, () => {
      this.#view.checkUsable(call);
      return {
        topology: this.toJSON(null, false) as Config,
        metadata: this.#metadata,
        layers: this.layers,
        parameters: this.#view.parameters(call),
        objective: this.#stack.objective,
      };
    });
  }

  /** Sets data that is saved with the model: an object that JSON can hold. */
  setUserDefinedMetadata(metadata: { [name: string]: unknown }): void {
    this.#metadata = checkMetadata('model.setUserDefinedMetadata', metadata);
  }

  /** The metadata that was set, or that was in the file the model was loaded from; null if there is none. */
  getUserDefinedMetadata(): { [name: string]: unknown } | null {
    return this.#metadata;
  }

  /**
   * Whether training updates the weights. Setting false freezes every layer. Setting true restores the state of each
   * layer: those that were frozen individually stay frozen.
   */
  get trainable(): boolean {
    const { layers } = this.#stack;
    return layers.length === 0 || layers.some(layer => layer.trainable);
  }

  set trainable(value: boolean) {
    const learns = checkBoolean('model', 'trainable', value);
    for (const layer of this.#stack.layers) layer.followModel(learns);
  }

  // -------------------------------------------------------------------------------------------------------- weights

  /** All weights in the order of the layers, in Keras's layout; with `trainableOnly`, without those of frozen layers. */
  getWeights(trainableOnly?: boolean): Tensor[] {
    const call = 'model.getWeights';
    this.#view.checkNotDisposed(call);
    return this.#stack.readWeights(call, trainableOnly);
  }

  /** Replaces all weights; takes the result of `getWeights`. States and optimizer do not change. */
  setWeights(weights: readonly TensorLike[]): void {
    const call = 'model.setWeights';
    this.#view.checkNotDisposed(call);
    this.#stack.writeWeights(call, weights);
  }

  // ------------------------------------------------------------------------------------------------------- training

  /** Sets optimizer, loss and metrics. The optimizer starts anew; the weights do not change. */
  compile(options: CompileOptions): void {
    const call = 'model.compile';
    this.#view.checkNotDisposed(call);
    this.#stack.compile(readObjective(call, options));
  }

  /** The optimizer set by `compile`; null before. */
  get optimizer(): Optimizer | null {
    return this.#stack.objective?.optimizer ?? null;
  }

  /**
   * Trains on one batch. Stateful layers carry their states to the next batch, as in Keras.
   *
   * A batch whose loss or gradients are not finite (NaN or Infinity in the data, or an overflow) does not change weights,
   * optimizer and states. Its loss is NaN or Infinity, and the first one is reported by a warning on the console.
   *
   * @param x [B, T, D] or [B, D]
   * @param y in the shape of the output; class numbers, [B, 1] or [B, T, 1], for sparse losses
   * @param options sampleWeight, classWeight: factors for the loss, not for metrics. TF.js has them in `fit` only
   * @returns the loss before the update; NaN if only the gradients were not finite. With metrics, a list of the loss and
   * each metric, of the same outputs
   */
  trainOnBatch(x: OneTensor, y: OneTensor, options?: SampleWeightOptions): number | number[] {
    const call = 'model.trainOnBatch';
    const results = this.#step.train(call, x, y, options);
    this.#step.warnIfNotFinite(call, results, true);
    return results;
  }

  /**
   * Replaces the weights by their moving averages, if the optimizer keeps them (`useEma`). `fit` calls it at its end;
   * call it yourself after training batch by batch.
   */
  finalizeVariableValues(): void {
    const { optimizer } = this.#view.objective('model.finalizeVariableValues');
    this.#stack.parameters?.takeAverages(optimizer);
  }

  /** The loss on one batch, or a list as in `trainOnBatch`, without training. Stateful layers carry their states. */
  testOnBatch(x: OneTensor, y: OneTensor, options?: SampleWeightOptions): number | number[] {
    return this.#step.test('model.testOnBatch', x, y, options);
  }

  /** The names of the results of `trainOnBatch`, `testOnBatch` and `evaluate`, in order. Empty before `compile`. */
  get metricsNames(): string[] {
    const { objective } = this.#stack;
    return objective ? ['loss', ...objective.metrics.map(({ key }) => key)] : [];
  }

  /**
   * Trains on all samples, epoch by epoch. Nested arrays are read once, at the start. Float32 tensors and arrays are not
   * copied; do not change them during training. After an error (a learning-rate function that returns NaN, a checkpoint
   * that cannot be written), the effect of the batches before it remains.
   *
   * @param x [N, T, D] or [N, D]
   * @param y in the shape of the output
   * @returns losses and metrics of every epoch
   */
  async fit(x: OneTensor, y: OneTensor, options?: ModelFitArgs): Promise<History> {
    return fitSamples(this.#trained, x, y, options);
  }

  /**
   * Trains on the batches of a data set. After an error, such as a bad batch, the effect of the batches before it remains.
   *
   * @param dataset batches of { xs, ys }: an array, a generator, an iterator, a function that returns one, a TF.js data set
   */
  async fitDataset(dataset: BatchSource, options?: ModelFitDatasetArgs): Promise<History> {
    return fitDataset(this.#trained, dataset, options);
  }

  /**
   * Loss and metrics of any number of samples, without training. Stateful layers carry their states from batch to batch.
   * Batches are weighted by their number of samples; masked steps are excluded within each batch.
   *
   * @returns a scalar, or with metrics a list of scalars; `Number(loss)` is the number
   */
  evaluate<R extends Tensor | Tensor[] = Evaluation>(x: OneTensor, y: OneTensor, options?: ModelEvaluateArgs): R {
    return evaluate(this.#trained, x, y, options) as R;
  }

  /** Loss and metrics of the batches of a data set, without training. */
  async evaluateDataset<R extends Tensor | Tensor[] = Evaluation>(
    dataset: BatchSource,
    options?: ModelEvaluateDatasetArgs,
  ): Promise<R> {
    return (await evaluateDataset(this.#trained, dataset, options)) as R;
  }

  /** A callback sets this to end the training after the current batch. */
  get stopTraining(): boolean {
    return this.#stopTraining;
  }

  set stopTraining(value: boolean) {
    this.#stopTraining = checkBoolean('model', 'stopTraining', value);
  }

  // ------------------------------------------------------------------------------------------------------ prediction

  /**
   * Predictions for any number of samples, batch by batch. Warns once if a prediction is not finite.
   *
   * @param x [N, T, D] or [N, D]
   * @param options batchSize: default 32, or the model's own if that is fixed; verbose is accepted as in TF.js
   * @returns in the shape of the output
   */
  predict(x: OneTensor, options?: { batchSize?: number; verbose?: boolean }): Tensor {
    return predict(this.#view, x, options);
  }

  /** Predictions for one batch of any size, or of the model's batch size if that is fixed. */
  predictOnBatch(x: OneTensor): Tensor {
    return predictOnBatch(this.#view, x);
  }

  /**
   * The gates and states of a recurrent layer at every time step of a batch, such as for `gateHeatmap`. Does not change
   * the carried states.
   *
   * @param layer an lstm, a gru or a simpleRNN of the model, or its name
   * @param x one batch, as for `predictOnBatch`
   * @returns tensors [B, T, U]: i, f, g, o, c, h of an lstm, z, r, n, h of a gru, h of a simpleRNN
   */
  inspect(layer: Layer | string, x: TensorLike): Inspection {
    return inspect(this.#view, layer, x);
  }

  // --------------------------------------------------------------------------------------------------------- states

  /** Sets the carried states of all stateful layers to zero. */
  resetStates(): void {
    this.#view.checkNotDisposed('model.resetStates');
    this.#view.resetStates();
  }

  /** The carried states, a list for each recurrent layer in order: [h, c] for lstm, [h] otherwise, each [B, U]. */
  getStates(): Tensor[][] {
    return getStates(this.#view);
  }

  /** Replaces the carried states; takes the result of `getStates`. */
  setStates(states: readonly (readonly TensorLike[])[]): void {
    setStates(this.#view, states);
  }

  // ------------------------------------------------------------------------------------------------------ snapshots

  /**
   * Everything that the next batch depends on: weights, optimizer, carried states, dropout seeds, the model's stream of
   * random numbers and, during `fit` or `fitDataset`, their progress.
   *
   * In a callback, the event counts as finished: callbacks that come later in the list are not notified of it again when
   * training is resumed, so put the callback that takes the snapshot last. A snapshot taken in onBatchBegin is that before
   * the batch; one taken in onTrainEnd is that of a model outside of training.
   *
   * @returns bytes with a version and a checksum, for `restore` and the option `resume` of `fit`
   */
  snapshot(): Uint8Array<ArrayBuffer> {
    const call = 'model.snapshot';
    this.#view.checkNotDisposed(call);
    return takeSnapshot(call, this.#view, this.#trained.progress?.(call) ?? null);
  }

  /**
   * Restores a snapshot: the model and its stream of random numbers. Models that share the weights are restored too,
   * except for their carried states. The optimizer must be of the same kind; of its options, only a numeric learning rate
   * is restored. A model that is not compiled takes weights and states only.
   *
   * `fit` starts a new training run afterwards; to resume one that was interrupted, pass the snapshot to `fit` as `resume`.
   *
   * @param bytes the result of `snapshot` for a model of the same layers; anything else throws and changes nothing
   */
  restore(bytes: Uint8Array | ArrayBuffer): Restored {
    const call = 'model.restore';
    this.#view.checkNotDisposed(call);
    const { step, epoch, batch, write } = readSnapshot(call, this.#view, bytes, 'bytes');
    write();
    return { step, epoch, batch };
  }

  // ------------------------------------------------------------------------------------ other uses of the same weights

  /**
   * Inference one sample and one time step at a time, for any batch size of the model. The stream has its own states and
   * always uses the current weights of the model. It ends when the model is disposed or its layers change.
   */
  stream(): Stream {
    const call = 'model.stream';
    this.#view.checkUsable(call);
    return new Stream(call, this.#stack.layers, this.#view.parameters(call));
  }

  /**
   * The same model at another batch size. Layers, weights and optimizer are shared: training one trains both, and
   * compiling one compiles both. Carried states are not shared. While both exist, layers cannot be added or removed; the
   * weights are freed when the last one is disposed.
   */
  withBatchSize(batchSize: number): Sequential {
    const call = 'model.withBatchSize';
    this.#view.checkUsable(call);
    const size = checkCount(call, 'batchSize', batchSize);
    this.#view.parameters(call);
    return new Sequential({ name: `${this.name}_batch${size}` }, this.#view.withBatchSize(size));
  }

  /**
   * Frees the memory of the model and ends its streams. Without it, garbage collection frees the memory. Weights shared
   * by `withBatchSize` are freed with the last of the models.
   */
  dispose(): void {
    this.#view.dispose();
  }
}

limitMethodArguments(Sequential, 'model');

/** A new model: a stack of layers. */
export function sequential(options?: SequentialArgs): Sequential {
  rejectExtraArguments('sequential', 1, arguments);
  return new Sequential(options);
}
