/** What sequential and functional models have in common: everything but how their layers are put together. */

import { version } from '../../package.json' with { type: 'json' };
import type { ModelData } from '../inputs/parts.ts';
import type { SampleWeightOptions } from '../inputs/sampleWeights.ts';
import { Layer } from '../layers/layer.ts';
import { SymbolicTensor } from '../layers/symbolicTensor.ts';
import { type CompileOptions, readObjective } from '../objective/objective.ts';
import type { Optimizer } from '../optimizers/index.ts';
import type { IOHandler, SaveResult } from '../saving/tfjs/artifacts.ts';
import type { ModelParts, SaveOptions } from '../saving/tfjs/save.ts';
import type { TensorLike } from '../tensor/read.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { CallbackModel } from '../training/callback.ts';
import type { BatchSource } from '../training/dataset.ts';
import type { Evaluation, ModelEvaluateArgs, ModelEvaluateDatasetArgs } from '../training/evaluation.ts';
import type { ModelFitArgs } from '../training/fitArguments.ts';
import type { ModelFitDatasetArgs } from '../training/fitDatasetArguments.ts';
import type { History } from '../training/history.ts';
import type { TrainedModel } from '../training/trainedModel.ts';
import { limitMethodArguments } from '../util/arguments.ts';
import { type Config, toPython } from '../util/config.ts';
import { fail } from '../util/errors.ts';
import { Lazy } from '../util/lazy.ts';
import { checkBoolean, checkCount } from '../util/options.ts';
import { type Shape, sameShape, showShape } from '../util/shapes.ts';
import { asTrainedModel } from './asTrainedModel.ts';
import type { Graph, Tensors } from './graph.ts';
import type { Inspection } from './inspect.ts';
import type { ModelState } from './modelState.ts';
import type { EndPoint, ModelView } from './modelView.ts';
import { evaluationPlace, inspectionPlace, metadataPlace, snapshotPlace, streamPlace } from './places.ts';
import { type PredictOptions, predict, predictOnBatch } from './prediction.ts';
import { captureParts } from './savedParts.ts';
import type { Restored } from './snapshot.ts';
import { getStates, setStates } from './states.ts';
import type { Stream, StreamOptions } from './stream.ts';
import { TrainStep } from './trainStep.ts';

const saving = /* @__PURE__ */ new Lazy(() => import('../saving/tfjs/save.ts'));
const training = /* @__PURE__ */ new Lazy(() => import('../training/run.ts'));
type TrainingCalls = typeof import('../training/run.ts');

/** An input or an output of a model. */
type ModelTensor = SymbolicTensor<Layer>;

/**
 * A model: trains and predicts. Create one with `sequential()`, or with `model()` from symbolic inputs and outputs. A model
 * is a layer: it can be applied, and nested in others.
 */
export abstract class LayersModel extends Layer implements CallbackModel {
  readonly #view: ModelView;
  readonly #state: ModelState;
  readonly #step: TrainStep;
  readonly #trained: TrainedModel;
  #stopTraining = false;
  #metadata: { [name: string]: unknown } | null = null;
  /** The result of the last training; null before the first. */
  history: History | null = null;

  /** @internal */
  constructor(className: string, name: string, view: ModelView) {
    super(className, { name }, 1, { isModel: true });
    this.#view = view;
    this.#state = view.state;
    this.#step = new TrainStep(view);
    this.#trained = asTrainedModel(this, view, this.#step);
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

  /** The layers, from inputs to outputs. A nested model counts as one. */
  get layers(): Layer[] {
    return [...this.#state.layers];
  }

  /** The layer of a name, or of an index if there is no name. */
  getLayer(name?: string | null, index?: number): Layer {
    const call = 'model.getLayer';
    this.#view.checkNotDisposed(call);
    return this.#state.find(call, name, index);
  }

  /** The inputs: their shapes, with null for open axes, and their names. */
  get inputs(): ModelTensor[] {
    return this.#tensors(this.#view.ends('model.inputs').inputs, this.#view.graph('model.inputs').inputs);
  }

  /** The outputs, as above. */
  get outputs(): ModelTensor[] {
    return this.#tensors(this.#view.ends('model.outputs').outputs, this.#view.graph('model.outputs').outputs);
  }

  #tensors(ends: readonly EndPoint[], tensors: Tensors): ModelTensor[] {
    // With the batch size of this model, which `withBatchSize` may have set
    return ends.map(({ shape }, n) => {
      const tensor = tensors[n]!;
      return sameShape(shape, tensor.shape) ? tensor : new SymbolicTensor(tensor.node, tensor.index, shape);
    });
  }

  /** The names of the inputs, in order. */
  get inputNames(): string[] {
    return [...this.#view.ends('model.inputNames').inputNames];
  }

  /** The names of the outputs, in order. */
  get outputNames(): string[] {
    return [...this.#view.ends('model.outputNames').outputNames];
  }

  /** The shape of the first input, as in TF.js. */
  override get inputShape(): Shape {
    return [...this.#view.ends('model.inputShape').inputs[0]!.shape];
  }

  /** The shape of the first output, as in TF.js. */
  override get outputShape(): Shape {
    return [...this.#view.ends('model.outputShape').outputs[0]!.shape];
  }

  /** The number of parameters: the numbers in all weights. */
  override countParams(): number {
    this.#view.checkNotDisposed('model.countParams');
    return this.#state.allLayers.reduce((count, layer) => count + layer.countParams(), 0);
  }

  /** Prints layers, output shapes and numbers of parameters. */
  summary(lineLength?: number | null, positions?: number[] | null, printFn?: ((line: string) => void) | null): void {
    this.#view.checkNotDisposed('model.summary');
    inspectionPlace
      .need('model.summary')
      .printSummary('model.summary', this.name, this.#view, lineLength, positions, printFn);
  }

  /** The name of the model and the options of its layers, without weights. */
  abstract override getConfig(): Config;

  /**
   * The model without its weights, in the `model.json` format of TF.js and Keras; `modelFromJSON` reads it.
   *
   * @param returnString whether to return JSON, the default, or an object
   */
  toJSON(_unused?: unknown, returnString?: boolean): string | Config {
    const { className } = this;
    this.checkFileLayers('model.toJSON');
    const topology = toPython({ className, config: this.getConfig(), kerasVersion: `lstm-wasm ${version}` });
    return (returnString ?? true) ? JSON.stringify(topology) : (topology as Config);
  }

  /** @internal Fails if nested models share a layer, because a file would hold it as several layers. */
  checkFileLayers(call: string): void {
    const met = new Set<Layer>();
    const visit = (layers: readonly Layer[]): void => {
      for (const layer of layers) {
        if (met.has(layer))
          fail(call, `a layer must be in one of the nested models only, got '${layer.name}' in several`);
        met.add(layer);
        if (layer instanceof LayersModel) visit(layer.#state.layers);
      }
    };
    visit(this.#state.layers);
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
    const parts = (): ModelParts => {
      this.#view.graph(call);
      return {
        topology: this.toJSON(null, false) as Config,
        metadata: this.#metadata,
        layers: [...this.#state.allLayers],
        parameters: this.#view.parameters(call),
        objective: this.#state.objective,
        outputNames: this.#state.outputNames,
      };
    };
    if (saving.loaded) return saving.loaded.saveModel(call, target, options, parts);
    const copy = captureParts(call, parts, options?.includeOptimizer === true);
    return (await saving.get()).saveModel(call, target, options, copy);
  }

  /** Sets data that is saved with the model: an object that JSON can hold. */
  setUserDefinedMetadata(metadata: { [name: string]: unknown }): void {
    const call = 'model.setUserDefinedMetadata';
    this.#metadata = metadataPlace.need(call)(call, metadata);
  }

  /** The metadata that was set, or that was in the file the model was loaded from; null if there is none. */
  getUserDefinedMetadata(): { [name: string]: unknown } | null {
    return this.#metadata;
  }

  /**
   * Whether training updates the weights. Setting false freezes every layer. Setting true restores the state of each
   * layer: those that were frozen individually stay frozen.
   */
  override get trainable(): boolean {
    const layers = this.#state.allLayers;
    return layers.length === 0 || layers.some(layer => layer.trainable);
  }

  override set trainable(value: boolean) {
    this.followModel(checkBoolean('model', 'trainable', value));
  }

  /** @internal */
  override followModel(trainable: boolean): void {
    for (const layer of this.#state.allLayers) layer.followModel(trainable);
  }

  /** @internal Makes the model what a new one with this seed is, compiled in the same way. It must share no layers. */
  renew(seed: number): void {
    const call = 'model.renew';
    this.#view.checkNotDisposed(call);
    this.#state.renew(call, seed);
    this.#view.renew();
    this.#stopTraining = false;
    this.#metadata = null;
    this.history = null;
  }

  // -------------------------------------------------------------------------------------------------------- weights

  /** All weights in the order of the layers, in Keras's layout; with `trainableOnly`, without those of frozen layers. */
  override getWeights(trainableOnly?: boolean): Tensor[] {
    const call = 'model.getWeights';
    this.#view.checkNotDisposed(call);
    return this.#state.readWeights(call, trainableOnly);
  }

  /** Replaces all weights; takes the result of `getWeights`. States and optimizer do not change. */
  override setWeights(weights: readonly TensorLike[]): void {
    const call = 'model.setWeights';
    this.#view.checkNotDisposed(call);
    this.#state.writeWeights(call, weights);
  }

  // ------------------------------------------------------------------------------------------------------- training

  /** Sets optimizer, loss and metrics. The optimizer starts anew; the weights do not change. */
  compile(options: CompileOptions): void {
    const call = 'model.compile';
    this.#view.checkNotDisposed(call);
    this.#state.compile(readObjective(call, options, this.#state.outputNames));
  }

  /** The optimizer set by `compile`; null before. */
  get optimizer(): Optimizer | null {
    return this.#state.objective?.optimizer ?? null;
  }

  /**
   * Trains on one batch. Stateful layers carry their states to the next batch, as in Keras.
   *
   * A batch whose loss or gradients are not finite (NaN or Infinity in the data, or an overflow) does not change weights,
   * optimizer and states. Its loss is NaN or Infinity, and the first one is reported by a warning on the console.
   *
   * @param x [B, T, D] or [B, D]; for several inputs, a list, or an object by the name of the input
   * @param y in the shape of the output; class numbers, [B, 1] or [B, T, 1], for sparse losses; for several outputs, a
   * list, or an object by the name of the output
   * @param options sampleWeight, classWeight: factors for the loss, not for metrics. TF.js has them in `fit` only
   * @returns the loss before the update; NaN if only the gradients were not finite. With metrics, a list of the loss and
   * each metric, of the same outputs; with several outputs, the loss is followed by that of each output
   */
  trainOnBatch(x: ModelData, y: ModelData, options?: SampleWeightOptions): number | number[] {
    const call = 'model.trainOnBatch';
    const { inputs, outputs } = this.#trained;
    const results = this.#step.train(call, inputs(call, 'x', x), outputs(call, 'y', y), options);
    this.#step.warnIfNotFinite(call, results, true);
    return results;
  }

  /**
   * Replaces the weights by their moving averages, if the optimizer keeps them (`useEma`). `fit` calls it at its end;
   * call it yourself after training batch by batch.
   */
  finalizeVariableValues(): void {
    const { optimizer } = this.#view.objective('model.finalizeVariableValues');
    this.#state.parameters?.takeAverages(optimizer);
  }

  /** The loss on one batch, or a list as in `trainOnBatch`, without training. Stateful layers carry their states. */
  testOnBatch(x: ModelData, y: ModelData, options?: SampleWeightOptions): number | number[] {
    const call = 'model.testOnBatch';
    const { inputs, outputs } = this.#trained;
    return this.#step.test(call, inputs(call, 'x', x), outputs(call, 'y', y), options);
  }

  /** The names of the results of `trainOnBatch`, `testOnBatch` and `evaluate`, in order. Empty before `compile`. */
  get metricsNames(): string[] {
    return [...(this.#state.objective?.labels ?? [])];
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
  async fit(x: ModelData, y: ModelData, options?: ModelFitArgs): Promise<History> {
    return this.#train(({ fitSamples }) => fitSamples(this.#trained, x, y, options));
  }

  /**
   * Trains on the batches of a data set. After an error, such as a bad batch, the effect of the batches before it remains.
   *
   * @param dataset batches of { xs, ys }: an array, a generator, an iterator, a function that returns one, a TF.js data set
   */
  async fitDataset(dataset: BatchSource, options?: ModelFitDatasetArgs): Promise<History> {
    return this.#train(({ fitDataset }) => fitDataset(this.#trained, dataset, options));
  }

  /**
   * Loss and metrics of any number of samples, without training. Stateful layers carry their states from batch to batch.
   * Batches are weighted by their number of samples; masked steps are excluded within each batch.
   *
   * @returns a scalar, or with metrics a list of scalars; `Number(loss)` is the number
   */
  evaluate<R extends Tensor | Tensor[] = Evaluation>(x: ModelData, y: ModelData, options?: ModelEvaluateArgs): R {
    return evaluationPlace.need('model.evaluate')(this.#trained, x, y, options) as R;
  }

  /** Loss and metrics of the batches of a data set, without training. */
  async evaluateDataset<R extends Tensor | Tensor[] = Evaluation>(
    dataset: BatchSource,
    options?: ModelEvaluateDatasetArgs,
  ): Promise<R> {
    const { evaluateDataset } = training.loaded ?? (await training.get());
    return (await evaluateDataset(this.#trained, dataset, options)) as R;
  }

  /** Starts a training run; at once, if its code is loaded. */
  async #train(start: (calls: TrainingCalls) => Promise<History>): Promise<History> {
    if (training.loaded) return start(training.loaded);
    const before = this.#stopTraining;
    this.#stopTraining = false;
    const calls = await training.get();
    const stops = this.#stopTraining;
    this.#stopTraining = before;
    const run = start(calls);
    if (stops) this.#stopTraining = true; // set while the code was loaded
    return run;
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
   * @param x [N, T, D] or [N, D]; for several inputs, a list, or an object by the name of the input
   * @returns in the shape of the output; a list for several outputs
   */
  predict<R extends Tensor | Tensor[] = Tensor>(x: ModelData, options?: PredictOptions): R {
    return oneOrAll(predict(this.#view, x, options)) as R;
  }

  /** Predictions for one batch of any size, or of the model's batch size if that is fixed. */
  predictOnBatch<R extends Tensor | Tensor[] = Tensor>(x: ModelData): R {
    return oneOrAll(predictOnBatch(this.#view, x)) as R;
  }

  /**
   * The gates and states of a recurrent layer at every time step of a batch, such as for `gateHeatmap`. Does not change
   * the carried states. Of a layer that is applied several times, those of its first call.
   *
   * @param layer an lstm, gru, simpleRNN, minGRU or minLSTM of the model or of a model in it, or its name
   * @param x one batch, as for `predictOnBatch`
   * @returns tensors [B, T, U]: i, f, g, o, c, h of an lstm, z, r, n, h of a gru, h of a simpleRNN
   */
  inspect(layer: Layer | string, x: ModelData): Inspection {
    return inspectionPlace.need('model.inspect').inspect(this.#view, layer, x);
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
    return snapshotPlace.need(call).takeSnapshot(call, this.#view, this.#trained.progress?.(call) ?? null);
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
    const { step, epoch, batch, write } = snapshotPlace.need(call).readSnapshot(call, this.#view, bytes, 'bytes');
    write();
    return { step, epoch, batch };
  }

  // ------------------------------------------------------------------------------------ other uses of the same weights

  /**
   * Inference one sample and one time step at a time, for any batch size of the model. The stream has its own states and
   * always uses the current weights of the model. It ends when the model is disposed or its layers change.
   *
   * Inputs that recurrent layers read as initial states are no inputs of a step: the stream carries these states, and
   * `stream.setStates` sets them.
   *
   * @param options constants: inputs that are the same at every step, such as the sequence that attention reads;
   * batchSize: how many sequences run at the same time
   */
  stream(options?: StreamOptions): Stream {
    const call = 'model.stream';
    const Stream = streamPlace.need(call);
    return new Stream(call, this.#view.graph(call), this.#view.parameters(call), options);
  }

  /**
   * The same model at another batch size. Layers, weights and optimizer are shared: training one trains both, and
   * compiling one compiles both. Carried states are not shared. While both exist, layers cannot be added or removed; the
   * weights are freed when the last one is disposed.
   */
  withBatchSize(batchSize: number): this {
    const call = 'model.withBatchSize';
    this.#view.graph(call);
    const size = checkCount(call, 'batchSize', batchSize);
    this.#view.parameters(call);
    return this.withView(`${this.name}_batch${size}`, this.#view.withBatchSize(size));
  }

  /**
   * Frees the memory of the model and ends its streams. Without it, garbage collection frees the memory. Weights shared
   * by `withBatchSize` are freed with the last of the models.
   */
  dispose(): void {
    this.#view.dispose();
  }

  /** @internal A model of its class with another view of the same layers. */
  protected abstract withView(name: string, view: ModelView): this;

  // ----------------------------------------------------------------------------------------------- the model as a layer

  /** @internal */
  override get nestedLayers(): readonly Layer[] {
    return this.#state.allLayers;
  }

  /** @internal */
  override get innerGraph(): Graph | null {
    return this.#state.graph; // also after the model is disposed, for models that contain it
  }

  /** @internal */
  override countContainers(change: 1 | -1): void {
    this.#state.containers += change;
  }

  /** @internal */
  override get connection(): { inputs: readonly Shape[]; outputs: readonly Shape[] } {
    const { inputs, outputs } = this.#view.graph(this.name);
    return { inputs: inputs.map(({ shape }) => shape), outputs: outputs.map(({ shape }) => shape) };
  }

  /** @internal */
  override get stateful(): boolean {
    return this.#state.allLayers.some(layer => layer.stateful);
  }

  /** @internal */
  override connect(call: string, inputs: readonly Shape[]): Shape[] {
    const graph = this.#view.graph(call);
    if (inputs.length !== graph.inputs.length) {
      const count = graph.inputs.length;
      fail(call, `${this.name} takes ${count === 1 ? '1 input' : `${count} inputs`}, got ${inputs.length}`);
    }
    for (const [n, { shape }] of graph.inputs.entries()) {
      if (canFeed(inputs[n]!, shape)) continue;
      fail(call, `${this.name} needs the input ${showShape(shape)}, got ${showShape(inputs[n]!)}`);
    }
    return graph.shapesFor(call, inputs);
  }

  /** @internal Nothing: the layers of the model keep their weights. */
  override unbuild(): void {}

  /** @internal A model is planned by the calls in it. */
  override plan(): never {
    throw new Error('models have no plan of their own');
  }
}

const oneOrAll = (tensors: Tensor[]): Tensor | Tensor[] => (tensors.length === 1 ? tensors[0]! : tensors);

/** Whether a value of one shape can be an input of another. */
const canFeed = (given: Shape, expected: Shape): boolean =>
  given.length === expected.length && expected.every((n, axis) => n === null || given[axis] === n || axis === 0);

limitMethodArguments(LayersModel, 'model');
