/** The model: a stack of layers that trains and predicts. */

import { version } from '../../package.json' with { type: 'json' };
import { type OneTensor, shapeOfBatch, single } from '../inputs/batches.ts';
import type { SampleWeightOptions } from '../inputs/sampleWeights.ts';
import type { Layer } from '../layers/layer.ts';
import type { RecurrentLayer } from '../layers/recurrent/recurrent.ts';
import { type CompileOptions, readObjective } from '../objective/objective.ts';
import type { Optimizer } from '../optimizers/index.ts';
import type { IOHandler, SaveResult } from '../saving/artifacts.ts';
import { checkMetadata, type SaveOptions, saveModel } from '../saving/save.ts';
import type { TensorLike } from '../tensor/read.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { CallbackModel } from '../training/callback.ts';
import type { BatchSource } from '../training/dataset.ts';
import { evaluate, evaluateDataset } from '../training/evaluate.ts';
import type { Evaluation, ModelEvaluateArgs, ModelEvaluateDatasetArgs } from '../training/evaluation.ts';
import { fitSamples, type ModelFitArgs } from '../training/fit.ts';
import { fitDataset, type ModelFitDatasetArgs } from '../training/fitDataset.ts';
import type { History } from '../training/history.ts';
import { checkBatchSize, checkWhole } from '../training/options.ts';
import type { TrainedModel } from '../training/trainedModel.ts';
import { exactMethods, noMore } from '../util/arguments.ts';
import { type Config, describe, toPython } from '../util/config.ts';
import { fail, show } from '../util/errors.ts';
import { checkBoolean, checkCount, checkOptions } from '../util/options.ts';
import { rollBackSeedsOnError } from '../util/random.ts';
import type { Shape } from '../util/shapes.ts';
import { type Inspection, inspected, inspectLayer } from './inspect.ts';
import { ModelView } from './modelView.ts';
import { predictAll } from './prediction.ts';
import { type Restored, readSnapshot, takeSnapshot } from './snapshot.ts';
import type { Stack } from './stack.ts';
import { checkStates, readStates, recurrentOf, writeStates } from './states.ts';
import { Stream } from './stream.ts';
import { readSummary, summarize } from './summary.ts';
import { trainedModelOf } from './trainedModel.ts';
import { TrainStep } from './trainStep.ts';

let unnamed = 0;

/** @internal What a model runs on, for those who load one. */
export let viewOf: (model: Sequential) => ModelView;

/** @internal The model as the loop of a training sees it. */
export let trainedBy: (model: Sequential) => TrainedModel;

/** A stack of layers; make one with `sequential()`. */
export class Sequential implements CallbackModel {
  static {
    viewOf = model => model.#view;
    trainedBy = model => model.#trained;
  }

  /** The name Keras gives it. */
  readonly className = 'Sequential';
  readonly name: string;
  readonly #view: ModelView;
  readonly #stack: Stack;
  readonly #step: TrainStep;
  readonly #trained: TrainedModel;
  #stopTraining = false;
  #metadata: { [name: string]: unknown } | null = null;
  /** What the last training left behind; null before the first. */
  history: History | null = null;

  /** @param view of the layers that are there already; for `withBatchSize` alone */
  constructor(options?: { layers?: readonly Layer[]; name?: string }, view = new ModelView()) {
    const { layers, name } = checkOptions<{ layers: unknown; name: unknown }>('sequential', options, [
      'layers',
      'name',
    ]);
    if (name !== undefined && (typeof name !== 'string' || name === '')) {
      fail('sequential', `name must be a non-empty string, got ${show(name)}`);
    }
    if (layers !== undefined && !Array.isArray(layers)) {
      fail('sequential', `layers must be an array of layers, got ${show(layers)}`);
    }
    this.name = name ?? `sequential_${++unnamed}`;
    this.#view = view;
    this.#stack = view.stack;
    this.#step = new TrainStep(view);
    this.#trained = trainedModelOf(this, view, this.#step);
    try {
      rollBackSeedsOnError(() => {
        for (const layer of layers ?? []) this.#stack.push('sequential', layer);
      });
    } catch (error) {
      for (const layer of this.#stack.layers) layer.leave();
      throw error;
    }
  }

  // ----------------------------------------------------------------------------------------------------- the stack

  /** Puts a layer on top. The first one must name its input: `inputShape` or `batchInputShape`. */
  add(layer: Layer): void {
    this.#view.alive('model.add');
    this.#view.unshared('model.add');
    this.#stack.push('model.add', layer);
    this.#view.forgetPlans();
  }

  /** Takes the top layer off. */
  pop(): void {
    this.#view.alive('model.pop');
    this.#view.unshared('model.pop');
    this.#stack.pop('model.pop');
    this.#view.forgetPlans();
  }

  /** The layers, bottom up. */
  get layers(): Layer[] {
    return [...this.#stack.layers];
  }

  /** A layer by its name, or by its index where the name is absent. */
  getLayer(name?: string | null, index?: number): Layer {
    const call = 'model.getLayer';
    this.#view.alive(call);
    return this.#stack.find(call, name, index);
  }

  /** What goes in: `inputs[0].shape`, null where an axis is open. */
  get inputs(): { shape: Shape }[] {
    return [{ shape: [...this.#view.inputShape('model.inputs')] }];
  }

  /** What comes out: `outputs[0].shape`, null where an axis is open. */
  get outputs(): { shape: Shape }[] {
    return [{ shape: this.#view.outputShape('model.outputs') }];
  }

  /** The same as `outputs[0].shape`; TF.js programs ask for it. */
  get outputShape(): Shape {
    return this.#view.outputShape('model.outputShape');
  }

  /** How many numbers the model learns. */
  countParams(): number {
    this.#view.alive('model.countParams');
    return this.#stack.layers.reduce((count, layer) => count + layer.countParams(), 0);
  }

  /** Prints layers, output shapes and numbers of parameters. */
  summary(lineLength?: number | null, positions?: number[] | null, printFn?: ((line: string) => void) | null): void {
    this.#view.alive('model.summary');
    const known = readSummary('model.summary', lineLength, positions, printFn);
    for (const line of summarize(this.name, this.#stack.layers, known)) known.print(line);
  }

  /** The options of the layers, and the name: what the model is, without what it has learned. */
  getConfig(): Config {
    const { name, layers } = this;
    return { name, layers: layers.map(layer => describe(layer)) };
  }

  /**
   * The model without its weights, as TF.js and Keras write it into `model.json`; `modelFromJSON` reads it.
   *
   * @param returnString whether to return JSON, the default, or the object that it stands for
   */
  toJSON(_unused?: unknown, returnString?: boolean): string | Config {
    const { className } = this;
    const topology = toPython({ className, config: this.getConfig(), kerasVersion: `lstm-wasm ${version}` });
    return (returnString ?? true) ? JSON.stringify(topology) : (topology as Config);
  }

  // --------------------------------------------------------------------------------------------------------- saving

  /**
   * Saves the model in the layers-model format of TF.js: `loadLayersModel` reads it, here and there. With
   * `includeOptimizer`, what it is compiled with and what its optimizer keeps are saved too, and training goes on to the
   * same bits; TF.js can go on as well where it has that optimizer, loss and metrics, and opens the model uncompiled
   * where it has not. The states that stateful layers carry are not part of the format.
   *
   * @param target 'file://folder' in Node (model.json and weights.bin), 'localstorage://name', 'indexeddb://name' or
   * 'downloads://name' in a page, a URL that takes a form, or a handler with a `save` method
   * @throws ValueError where the target cannot be written, and for includeOptimizer where the model is not compiled or
   * its learning rate is a function
   */
  async save(target: string | IOHandler, options?: SaveOptions): Promise<SaveResult> {
    const call = 'model.save';
    return saveModel(call, target, options, () => {
      this.#view.alive(call);
      this.#view.bottom(call);
      return {
        topology: this.toJSON(null, false) as Config,
        metadata: this.#metadata,
        layers: this.layers,
        parameters: this.#view.parameters(call),
        objective: this.#stack.objective,
      };
    });
  }

  /** Data of the caller's own, saved with the model: an object that JSON can hold. */
  setUserDefinedMetadata(metadata: { [name: string]: unknown }): void {
    this.#metadata = checkMetadata('model.setUserDefinedMetadata', metadata);
  }

  /** What `setUserDefinedMetadata` set, or the file had that the model was loaded from; null where there is none. */
  getUserDefinedMetadata(): { [name: string]: unknown } | null {
    return this.#metadata;
  }

  /**
   * The model as a `.keras` file, which Keras 3 opens; `toKeras` of lstm-wasm/keras, loaded when it is called. Needs the
   * package h5wasm.
   */
  async toKeras(): Promise<Uint8Array> {
    this.#view.alive('model.toKeras');
    const { toKeras } = await import('../keras/write.ts');
    return toKeras(this);
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

  /**
   * All weights in the order of the layers, in Keras's layout.
   *
   * @param trainableOnly leave out those of frozen layers; default false
   */
  getWeights(trainableOnly?: boolean): Tensor[] {
    const call = 'model.getWeights';
    this.#view.alive(call);
    return this.#stack.readWeights(call, trainableOnly);
  }

  /** Replaces all weights; takes what `getWeights` gives. States and optimizer stay as they are. */
  setWeights(weights: readonly TensorLike[]): void {
    const call = 'model.setWeights';
    this.#view.alive(call);
    this.#stack.writeWeights(call, weights);
  }

  // ------------------------------------------------------------------------------------------------------- training

  /** Chooses optimizer, loss and metrics. Doing it again starts the optimizer afresh; the weights stay. */
  compile(options: CompileOptions): void {
    const call = 'model.compile';
    this.#view.alive(call);
    const objective = readObjective(call, options);
    this.#stack.parameters?.forgetTraining();
    objective.optimizer.moveTo(0);
    this.#stack.objective = objective;
  }

  /** What `compile` chose; null before. */
  get optimizer(): Optimizer | null {
    return this.#stack.objective?.optimizer ?? null;
  }

  /**
   * One step of training on one batch. Stateful layers carry their state on, as in Keras.
   *
   * A batch whose loss or gradients are not finite (NaN or Infinity in the data, or an overflow) changes nothing:
   * weights, optimizer and carried states stay as they were. The loss that comes back says so: it is NaN or Infinity,
   * and the model warns of it on the console, the first time.
   *
   * @param x [B, T, D] or [B, D]
   * @param y in the shape of the model's output; numbers of classes, [B, 1] or [B, T, 1], for sparse losses
   * @param options sampleWeight, classWeight: factors for the loss, not for metrics. TF.js has them in `fit` alone
   * @returns the loss of the weights before the step; NaN when only the gradients were not finite. Where there are
   * metrics, a list: the loss, then each of them, of the same outputs
   */
  trainOnBatch(x: OneTensor, y: OneTensor, options?: SampleWeightOptions): number | number[] {
    const call = 'model.trainOnBatch';
    const results = this.#step.train(call, x, y, options);
    this.#step.warnIfNotFinite(call, results, true);
    return results;
  }

  /**
   * Puts the moving averages of the weights in place of the weights, where the optimizer keeps them (`useEma`), and
   * does nothing where it does not. `fit` does it at its end; whoever trains batch by batch calls it.
   */
  finalizeVariableValues(): void {
    const { optimizer } = this.#view.objective('model.finalizeVariableValues');
    this.#stack.parameters?.takeAverages(optimizer);
  }

  /**
   * The loss on one batch, without training; with metrics a list, as from `trainOnBatch`. Stateful layers carry their
   * state on.
   */
  testOnBatch(x: OneTensor, y: OneTensor, options?: SampleWeightOptions): number | number[] {
    return this.#step.test('model.testOnBatch', x, y, options);
  }

  /** What `trainOnBatch`, `testOnBatch` and `evaluate` return, in order: 'loss', then each metric. Empty before `compile`. */
  get metricsNames(): string[] {
    const { objective } = this.#stack;
    return objective ? ['loss', ...objective.metrics.map(({ key }) => key)] : [];
  }

  /**
   * Trains on all samples, epoch by epoch. Nested arrays are read once, at the start; tensors and typed arrays are not
   * copied, and must stay as they are until the end. Where it fails on its way (a learning-rate function that returns NaN,
   * a checkpoint that cannot be written), the batches trained before stay trained.
   *
   * @param x [N, T, D] or [N, D]
   * @param y in the shape of the model's output
   * @returns losses and metrics of every epoch
   */
  async fit(x: OneTensor, y: OneTensor, options?: ModelFitArgs): Promise<History> {
    return fitSamples(this.#trained, x, y, options);
  }

  /**
   * Trains on batches as they come. Where it fails on its way, such as at a bad batch, those trained before stay trained.
   *
   * @param dataset batches of { xs, ys }: an array, a generator, an iterator, a function that makes one, a TF.js data set
   */
  async fitDataset(dataset: BatchSource, options?: ModelFitDatasetArgs): Promise<History> {
    return fitDataset(this.#trained, dataset, options);
  }

  /**
   * Loss and metrics over any number of samples, without training. Stateful layers carry their state on. The means of the
   * batches are weighed by their samples; masked steps are left out within a batch only.
   *
   * @returns a scalar, or a list of them where there are metrics; `Number(loss)` is its number
   */
  evaluate<R extends Tensor | Tensor[] = Evaluation>(x: OneTensor, y: OneTensor, options?: ModelEvaluateArgs): R {
    return evaluate(this.#trained, x, y, options) as R;
  }

  /** Loss and metrics over batches as they come, without training. */
  async evaluateDataset<R extends Tensor | Tensor[] = Evaluation>(
    dataset: BatchSource,
    options?: ModelEvaluateDatasetArgs,
  ): Promise<R> {
    return (await evaluateDataset(this.#trained, dataset, options)) as R;
  }

  /** Set by a callback, it ends the training that is going on, after the batch. */
  get stopTraining(): boolean {
    return this.#stopTraining;
  }

  set stopTraining(value: boolean) {
    this.#stopTraining = checkBoolean('model', 'stopTraining', value);
  }

  // ------------------------------------------------------------------------------------------------------ prediction

  /**
   * Predictions for any number of samples, batch by batch. What is not finite in them is warned of once.
   *
   * @param x [N, T, D] or [N, D]
   * @param options batchSize: 32, or the model's own where that is fixed; verbose shows nothing, as in TF.js
   * @returns in the shape of the model's output
   */
  predict(x: OneTensor, options?: { batchSize?: number; verbose?: boolean }): Tensor {
    const call = 'model.predict';
    this.#view.alive(call);
    const known = checkOptions<{ batchSize: number; verbose: boolean }>(call, options, ['batchSize', 'verbose']);
    if (known.verbose !== undefined) checkBoolean(call, 'verbose', known.verbose);
    const fixed = this.#view.fixedBatch(call);
    const size = checkBatchSize(call, known.batchSize, fixed);
    const one = single(call, 'x', x);
    const shape = shapeOfBatch(call, 'x', one, [null, ...this.#view.inputShape(call).slice(1)]);
    checkWhole(call, 'x', shape, fixed);
    return predictAll(call, this.#view, one, shape, Math.min(size, shape[0]!));
  }

  /** Predictions for one batch of any size, or of the model's where that is fixed. */
  predictOnBatch(x: OneTensor): Tensor {
    const call = 'model.predictOnBatch';
    this.#view.alive(call);
    const one = single(call, 'x', x);
    const shape = shapeOfBatch(call, 'x', one, this.#view.inputShape(call));
    return predictAll(call, this.#view, one, shape, shape[0]!);
  }

  /**
   * What a recurrent layer computes on a batch, step by step, such as for `gateHeatmap`. Weights and carried states stay
   * as they are.
   *
   * @param layer an lstm, a gru or a simpleRNN of the model, or its name
   * @param x one batch, as for `predictOnBatch`
   * @returns tensors [B, T, U]: i, f, g, o, c, h of an lstm, z, r, n, h of a gru, h of a simpleRNN
   */
  inspect(layer: Layer | string, x: TensorLike): Inspection {
    const call = 'model.inspect';
    this.#view.alive(call);
    const shape = shapeOfBatch(call, 'x', x, this.#view.inputShape(call));
    return inspectLayer(call, this.#view, inspected(call, this.#view, layer), x, shape);
  }

  // --------------------------------------------------------------------------------------------------------- states

  /** Sets the carried states of all stateful layers to zero. */
  resetStates(): void {
    this.#view.alive('model.resetStates');
    this.#view.resetStates();
  }

  /** The carried states, a list for each recurrent layer in order: [h, c] for lstm, [h] otherwise, each [B, U]. */
  getStates(): Tensor[][] {
    const call = 'model.getStates';
    const recurrent = this.#stateful(call);
    return readStates(call, this.#view.plans(call), recurrent, this.#view.fixedBatch(call) ?? 0);
  }

  /** Replaces the carried states; takes what `getStates` gives. */
  setStates(states: readonly (readonly TensorLike[])[]): void {
    const call = 'model.setStates';
    const recurrent = this.#stateful(call);
    const view = this.#view;
    const [input, { objective }] = [view.inputShape(call), this.#stack];
    const batch = input[0] ?? 0;
    const checked = checkStates(call, recurrent, batch, states);
    view.expectSame(call, input, objective);
    writeStates(call, view.plans(call), recurrent, batch, checked);
  }

  #stateful(call: string): [RecurrentLayer, number][] {
    this.#view.alive(call);
    this.#view.bottom(call);
    const found = recurrentOf(this.#stack.layers);
    const stateless = found.find(([layer]) => !layer.stateful)?.[0];
    if (stateless) fail(call, `all recurrent layers must be stateful, got '${stateless.name}', which is not`);
    return found;
  }

  // ------------------------------------------------------------------------------------------------------ snapshots

  /**
   * Everything that the next batch depends on: weights, optimizer, carried states, dropout seeds, the random state of the
   * package and, during `fit` or `fitDataset`, their progress.
   *
   * In a callback, the event counts as finished: callbacks that come later in the list are not notified of it again when
   * training is resumed, so put the callback that takes the snapshot last. A snapshot taken in onBatchBegin is that before
   * the batch; one taken in onTrainEnd is that of a model outside of training.
   *
   * @returns one block of bytes with a version and a checksum, for `restore` and the option `resume` of `fit`
   */
  snapshot(): Uint8Array<ArrayBuffer> {
    const call = 'model.snapshot';
    this.#view.alive(call);
    return takeSnapshot(call, this.#view, this.#trained.progress?.(call) ?? null);
  }

  /**
   * Puts the model, and the random numbers of the package, where they were when a snapshot was taken. Models that share
   * the weights get them, too; carried states are this model's own. The optimizer must be of the kind it was and keeps
   * its options, but for a learning rate that is a number. A model that is not compiled takes weights and states alone.
   *
   * `fit` starts a new training run afterwards; to resume one that was interrupted, pass the snapshot to `fit` as `resume`.
   *
   * @param bytes what `snapshot` returned for a model of the same layers; anything else is refused, and changes nothing
   */
  restore(bytes: Uint8Array | ArrayBuffer): Restored {
    const call = 'model.restore';
    this.#view.alive(call);
    const { step, epoch, batch, write } = readSnapshot(call, this.#view, bytes, 'bytes');
    write();
    return { step, epoch, batch };
  }

  // ------------------------------------------------------------------------------------ other uses of the same weights

  /**
   * A stepper for inference one sample and one time step at a time, with a state of its own, whatever batch size the
   * model has. It runs on the model's weights: when the model trains on, the stream sees it. It ends when the model is
   * disposed of, or loses its weights by another layer.
   */
  stream(): Stream {
    const call = 'model.stream';
    this.#view.alive(call);
    this.#view.bottom(call);
    return new Stream(call, this.#stack.layers, this.#view.parameters(call));
  }

  /**
   * The same model at another batch size. Layers, weights and optimizer are shared: training one trains both, and
   * compiling one compiles both. Carried states are each one's own. As long as both are there, neither takes or loses
   * layers; the weights stay until the last is disposed of.
   */
  withBatchSize(batchSize: number): Sequential {
    const call = 'model.withBatchSize';
    this.#view.alive(call);
    this.#view.bottom(call);
    const size = checkCount(call, 'batchSize', batchSize);
    this.#view.parameters(call);
    return new Sequential({ name: `${this.name}_batch${size}` }, this.#view.at(size));
  }

  // ------------------------------------------------------------------------------------------------------------ life

  /**
   * Gives the model's memory back at once, and ends its streams. Without it, that happens when the model is garbage
   * collected. Weights that models made by `withBatchSize` share, and streams on them, stay until the last of these
   * models is disposed of or collected.
   */
  dispose(): void {
    this.#view.dispose();
  }
}

exactMethods(Sequential, 'model');

/** A new model: a stack of layers. */
export function sequential(options?: { layers?: readonly Layer[]; name?: string }): Sequential {
  noMore('sequential', 1, arguments);
  return new Sequential(options);
}
