/** The model: a stack of layers that trains and predicts. */

import { type Batch, shapeOfBatch, writeBatch } from './batches.ts';
import { float32, kernels } from './engine/engine.ts';
import { fail, show } from './errors.ts';
import { type BoundPlan, Executor } from './executor.ts';
import { Embedding } from './layers/embedding.ts';
import type { Layer } from './layers/layer.ts';
import { Masking } from './layers/masking.ts';
import type { RecurrentLayer } from './layers/recurrent.ts';
import { isSparse, type Loss, resolveLoss } from './losses.ts';
import type { MetricFunction } from './metricFunctions.ts';
import { type MetricName, resolveMetrics } from './metrics.ts';
import type { Objective } from './objective.ts';
import { type Optimizer, type OptimizerName, resolveOptimizer } from './optimizers/index.ts';
import { checkBoolean, checkCount, checkOptions } from './options.ts';
import type { Parameters } from './parameters.ts';
import type { Purpose } from './plan.ts';
import { predictAll } from './prediction.ts';
import { type Shape, sizeOf } from './shapes.ts';
import { Stack } from './stack.ts';
import { readStates, recurrentOf, writeStates } from './states.ts';
import { Stream } from './stream.ts';
import { summarize } from './summary.ts';
import { shapeOfTarget, targetShapeOf } from './targets.ts';
import type { Tensor, TensorLike } from './tensor.ts';
import type { BatchSource } from './training/dataset.ts';
import {
  evaluate,
  evaluateDataset,
  type ModelEvaluateArgs,
  type ModelEvaluateDatasetArgs,
} from './training/evaluate.ts';
import { fitSamples, type ModelFitArgs } from './training/fit.ts';
import { fitDataset, type ModelFitDatasetArgs } from './training/fitDataset.ts';
import type { History } from './training/history.ts';
import { checkBatchSize, checkWhole } from './training/options.ts';
import type { Trainee } from './training/trainee.ts';
import { checkWeightOptions, type WeightOptions, writeWeights } from './weights.ts';

export interface CompileOptions {
  /** One of `train.*`, or 'adam' or 'sgd' for its defaults. */
  optimizer: Optimizer | OptimizerName;
  /** By its name in TF.js or Keras, such as 'meanSquaredError', or 'mse' for short. */
  loss: Loss | MetricFunction;
  /** Names of losses and accuracies, or functions of `metrics`; 'acc' is the accuracy that fits output and loss. */
  metrics?: MetricName | MetricFunction | readonly (MetricName | MetricFunction)[];
}

let unnamed = 0;

/** A stack of layers; make one with `sequential()`. */
export class Sequential {
  readonly name: string;
  #stack = new Stack();
  /** The batch size of `withBatchSize`; null for that of the layers. */
  #batch: number | null = null;
  #executor: Executor | null = null;
  #disposed = false;
  #stopTraining = false;
  readonly #trainee = this.#asTrainee();
  /** What the last training left behind; null before the first. */
  history: History | null = null;

  constructor(options?: { layers?: readonly Layer[]; name?: string }) {
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
    try {
      for (const layer of layers ?? []) this.#stack.push('sequential', layer);
    } catch (error) {
      for (const layer of this.#stack.layers) layer.leave();
      throw error;
    }
  }

  // ----------------------------------------------------------------------------------------------------- the stack

  /** Puts a layer on top. The first one must name its input: `inputShape` or `batchInputShape`. */
  add(layer: Layer): void {
    this.#alive('model.add');
    this.#unshared('model.add');
    this.#stack.push('model.add', layer);
    this.#forgetPlans();
  }

  /** Takes the top layer off. */
  pop(): void {
    this.#alive('model.pop');
    this.#unshared('model.pop');
    this.#stack.pop('model.pop');
    this.#forgetPlans();
  }

  /** The layers, bottom up. */
  get layers(): Layer[] {
    return [...this.#stack.layers];
  }

  /** A layer by its name, or by its index where the name is absent. */
  getLayer(name?: string | null, index?: number): Layer {
    const call = 'model.getLayer';
    this.#alive(call);
    return this.#stack.find(call, name, index);
  }

  /** What goes in: `inputs[0].shape`, null where an axis is open. */
  get inputs(): { shape: Shape }[] {
    return [{ shape: this.#inputShape('model.inputs') }];
  }

  /** What comes out: `outputs[0].shape`, null where an axis is open. */
  get outputs(): { shape: Shape }[] {
    return [{ shape: this.#outputShape('model.outputs') }];
  }

  /** How many numbers the model learns. */
  countParams(): number {
    this.#alive('model.countParams');
    return this.#stack.layers.reduce((count, layer) => count + layer.countParams(), 0);
  }

  /** Prints layers, output shapes and numbers of parameters. */
  summary(lineLength?: number, positions?: number[], printFn: (line: string) => void = console.log): void {
    this.#alive('model.summary');
    if (lineLength !== undefined) checkCount('model.summary', 'lineLength', lineLength, 20);
    for (const line of summarize(this.name, this.#stack.layers, lineLength, positions)) printFn(line);
  }

  // -------------------------------------------------------------------------------------------------------- weights

  /** All weights in the order of the layers, in Keras's layout. */
  getWeights(): Tensor[] {
    const call = 'model.getWeights';
    this.#alive(call);
    return this.#stack.readWeights(call);
  }

  /** Replaces all weights; takes what `getWeights` gives. States and optimizer stay as they are. */
  setWeights(weights: readonly TensorLike[]): void {
    const call = 'model.setWeights';
    this.#alive(call);
    this.#stack.writeWeights(call, weights);
  }

  // ------------------------------------------------------------------------------------------------------- training

  /** Chooses optimizer, loss and metrics. Doing it again starts the optimizer afresh; the weights stay. */
  compile(options: CompileOptions): void {
    const call = 'model.compile';
    this.#alive(call);
    const known = checkOptions<CompileOptions>(call, options, ['optimizer', 'loss', 'metrics']);
    if (known.optimizer === undefined) fail(call, 'optimizer must be one of train.* or its name, got none');
    if (known.loss === undefined) fail(call, "loss must be a name such as 'meanSquaredError', got none");
    const optimizer = resolveOptimizer(call, known.optimizer);
    const loss = resolveLoss(call, known.loss);
    const metrics = resolveMetrics(call, known.metrics, loss);
    this.#stack.parameters?.forgetTraining();
    optimizer.moveTo(0);
    this.#stack.objective = { optimizer, loss, metrics };
  }

  /** What `compile` chose; null before. */
  get optimizer(): Optimizer | null {
    return this.#stack.objective?.optimizer ?? null;
  }

  /**
   * One step of training on one batch. Stateful layers carry their state on, as in Keras.
   *
   * A batch whose loss or gradients are not finite (NaN or Infinity in the data, or an overflow) changes nothing:
   * weights, optimizer and carried states stay as they were. The loss that comes back says so: it is NaN or Infinity.
   *
   * @param x [B, T, D] or [B, D]
   * @param y in the shape of the model's output; numbers of classes, [B, 1] or [B, T, 1], for sparse losses
   * @param options sampleWeight, classWeight: factors for the loss, not for metrics. TF.js has them in `fit` alone
   * @returns the loss of the weights before the step; NaN when only the gradients were not finite. Where there are
   * metrics, a list: the loss, then each of them, of the same outputs
   */
  trainOnBatch(x: TensorLike, y: TensorLike, options?: WeightOptions): number | number[] {
    return this.#trainBatch('model.trainOnBatch', x, y, options);
  }

  #trainBatch(call: string, x: Batch, y: Batch, options?: WeightOptions): number | number[] {
    const objective = this.#compiled(call);
    const parameters = this.#home(call);
    // First of all, because a function of the caller's may be behind it
    const rate = parameters.rate(call, objective.optimizer);
    const batch = this.#load(call, x, y, 'train', objective, options);
    const penalty = parameters.startGradients();
    kernels().setBatch(parameters.trained);
    batch.forward();
    const loss = batch.loss() + penalty;
    const results = measure(batch, objective, loss);
    if (!Number.isFinite(loss)) {
      refuseWrongClass(call, batch, objective);
      batch.rewind();
      return results;
    }
    batch.backward();
    if (!parameters.gradientsAreSound) {
      batch.rewind();
      return withLoss(results, Number.NaN);
    }
    parameters.update(objective.optimizer, rate);
    return results;
  }

  /**
   * Puts the moving averages of the weights in place of the weights, where the optimizer keeps them (`useEma`), and
   * does nothing where it does not. `fit` does it at its end; whoever trains batch by batch calls it.
   */
  finalizeVariableValues(): void {
    const { optimizer } = this.#compiled('model.finalizeVariableValues');
    this.#stack.parameters?.takeAverages(optimizer);
  }

  /**
   * The loss on one batch, without training; with metrics a list, as from `trainOnBatch`. Stateful layers carry their
   * state on.
   */
  testOnBatch(x: TensorLike, y: TensorLike, options?: WeightOptions): number | number[] {
    return this.#testBatch('model.testOnBatch', x, y, options);
  }

  #testBatch(call: string, x: Batch, y: Batch, options?: WeightOptions): number | number[] {
    const objective = this.#compiled(call);
    const batch = this.#load(call, x, y, 'test', objective, options);
    const penalty = this.#stack.parameters!.penalty(call);
    batch.forward();
    const loss = batch.loss() + penalty;
    if (!Number.isFinite(loss)) refuseWrongClass(call, batch, objective);
    return measure(batch, objective, loss);
  }

  /** What `trainOnBatch`, `testOnBatch` and `evaluate` return, in order: 'loss', then each metric. Empty before `compile`. */
  get metricsNames(): string[] {
    const { objective } = this.#stack;
    return objective ? ['loss', ...objective.metrics.map(({ key }) => key)] : [];
  }

  /**
   * Trains on all samples, epoch by epoch. Samples are read once, at the start.
   *
   * @param x [N, T, D] or [N, D]
   * @param y in the shape of the model's output
   * @returns losses and metrics of every epoch
   */
  async fit(x: TensorLike, y: TensorLike, options?: ModelFitArgs): Promise<History> {
    return fitSamples(this.#trainee, x, y, options);
  }

  /**
   * Trains on batches as they come.
   *
   * @param dataset batches of { xs, ys }: an array, a generator, an iterator, a function that makes one, a TF.js data set
   */
  async fitDataset(dataset: BatchSource, options?: ModelFitDatasetArgs): Promise<History> {
    return fitDataset(this.#trainee, dataset, options);
  }

  /**
   * Loss and metrics over any number of samples, without training. Stateful layers carry their state on.
   *
   * @returns a scalar, or a list of them where there are metrics; `Number(loss)` is its number
   */
  evaluate(x: TensorLike, y: TensorLike, options?: ModelEvaluateArgs): Tensor | Tensor[] {
    return evaluate(this.#trainee, x, y, options);
  }

  /** Loss and metrics over batches as they come, without training. */
  async evaluateDataset(dataset: BatchSource, options?: ModelEvaluateDatasetArgs): Promise<Tensor | Tensor[]> {
    return evaluateDataset(this.#trainee, dataset, options);
  }

  /** Set by a callback, it ends the training that is going on, after the batch. */
  get stopTraining(): boolean {
    return this.#stopTraining;
  }

  set stopTraining(value: boolean) {
    this.#stopTraining = checkBoolean('model', 'stopTraining', value);
  }

  /** What src/training/ needs of the model. */
  #asTrainee(): Trainee {
    const model = this;
    return {
      model,
      training: false,
      get stateful() {
        return model.#stack.layers.some(layer => layer.stateful);
      },
      objective: call => this.#compiled(call),
      alive: (call, message) => {
        if (this.#disposed || this.#stack.parameters?.isFree) fail(call, message);
      },
      fixedBatch: call => this.#inputShape(call)[0] ?? null,
      shapes: (call, x, y, names, samples) => {
        const { loss } = this.#compiled(call);
        const shape = shapeOfBatch(call, names[0], x, [samples, ...this.#inputShape(call).slice(1)]);
        const wanted = targetShapeOf(call, loss, this.#outputFor(shape));
        return { x: shape, y: shapeOfTarget(call, names[1], y, loss, wanted), target: wanted };
      },
      checkInput: (call, name, numbers) => this.#checkInput(call, name, numbers, 0, numbers.length),
      labels: () => this.metricsNames,
      classes: call => {
        const masks = this.#stack.layers.some(
          layer => layer instanceof Masking || (layer instanceof Embedding && layer.maskZero),
        );
        return isSparse(this.#compiled(call).loss) && !masks ? (this.#outputShape(call).at(-1) ?? null) : null;
      },
      train: (...given) => this.#trainBatch(...given),
      test: (...given) => this.#testBatch(...given),
    };
  }

  // ------------------------------------------------------------------------------------------------------ prediction

  /**
   * Predictions for any number of samples, batch by batch.
   *
   * @param x [N, T, D] or [N, D]
   * @param options batchSize: 32, or the model's own where that is fixed
   * @returns in the shape of the model's output
   */
  predict(x: TensorLike, options?: { batchSize?: number; verbose?: boolean }): Tensor {
    const call = 'model.predict';
    this.#alive(call);
    const known = checkOptions<{ batchSize: number; verbose: boolean }>(call, options, ['batchSize', 'verbose']);
    if (known.verbose !== undefined) checkBoolean(call, 'verbose', known.verbose);
    const expected = this.#inputShape(call);
    const fixed = expected[0] ?? null;
    const size = checkBatchSize(call, known.batchSize, fixed);
    const shape = shapeOfBatch(call, 'x', x, [null, ...expected.slice(1)]);
    checkWhole(call, 'x', shape, fixed);
    return this.#predict(call, x, shape, Math.min(size, shape[0]!));
  }

  /** Predictions for one batch of any size, or of the model's where that is fixed. */
  predictOnBatch(x: TensorLike): Tensor {
    const call = 'model.predictOnBatch';
    this.#alive(call);
    const shape = shapeOfBatch(call, 'x', x, this.#inputShape(call));
    return this.#predict(call, x, shape, shape[0]!);
  }

  #predict(call: string, x: TensorLike, shape: readonly number[], size: number): Tensor {
    const ready = (numbers: Float32Array) => {
      this.#checkInput(call, 'x', numbers, 0, numbers.length);
      return this.#run(call);
    };
    return predictAll(call, ready, this.#outputFor(shape), x, shape, size);
  }

  // --------------------------------------------------------------------------------------------------------- states

  /** Sets the carried states of all stateful layers to zero. */
  resetStates(): void {
    this.#alive('model.resetStates');
    this.#executor?.resetStates();
  }

  /** The carried states, a list for each recurrent layer in order: [h, c] for lstm, [h] otherwise, each [B, U]. */
  getStates(): Tensor[][] {
    const call = 'model.getStates';
    const recurrent = this.#stateful(call);
    return readStates(call, this.#run(call), recurrent, this.#inputShape(call)[0] ?? 0);
  }

  /** Replaces the carried states; takes what `getStates` gives. */
  setStates(states: readonly (readonly TensorLike[])[]): void {
    const call = 'model.setStates';
    const recurrent = this.#stateful(call);
    writeStates(call, this.#run(call), recurrent, this.#inputShape(call)[0] ?? 0, states);
  }

  #stateful(call: string): [RecurrentLayer, number][] {
    this.#alive(call);
    this.#bottom(call);
    const found = recurrentOf(this.#stack.layers);
    const stateless = found.find(([layer]) => !layer.stateful)?.[0];
    if (stateless) fail(call, `all recurrent layers must be stateful, got '${stateless.name}', which is not`);
    return found;
  }

  // ------------------------------------------------------------------------------------ other uses of the same weights

  /**
   * A stepper for inference one sample and one time step at a time, with a state of its own, whatever batch size the
   * model has. It runs on the model's weights: when the model trains on, the stream sees it.
   */
  stream(): Stream {
    const call = 'model.stream';
    this.#alive(call);
    this.#bottom(call);
    return new Stream(call, this.#stack.layers, this.#home(call));
  }

  /**
   * The same model at another batch size. Layers, weights and optimizer are shared: training one trains both, and
   * compiling one compiles both. Carried states are each one's own. After this, neither takes or loses layers.
   */
  withBatchSize(batchSize: number): Sequential {
    const call = 'model.withBatchSize';
    this.#alive(call);
    this.#bottom(call);
    const size = checkCount(call, 'batchSize', batchSize);
    this.#home(call);
    const other = new Sequential({ name: `${this.name}_batch${size}` });
    other.#stack = this.#stack;
    other.#batch = size;
    this.#stack.models++;
    return other;
  }

  // ------------------------------------------------------------------------------------------------------------ life

  /**
   * Gives the model's memory back at once. Without it, that happens when the model is garbage collected. What a model
   * made by `withBatchSize` shares stays with the others.
   */
  dispose(): void {
    this.#forgetPlans();
    if (this.#batch === null) this.#stack.dispose();
    else if (!this.#disposed) this.#stack.models--;
    this.#disposed = true;
  }

  #alive(call: string): void {
    if (this.#disposed) fail(call, 'the model must not be used after dispose()');
    this.#stack.alive(call);
  }

  #unshared(call: string): void {
    if (this.#stack.models > 1) fail(call, 'the model must not share its layers; withBatchSize has made them common');
  }

  #bottom(call: string): Layer {
    return this.#stack.layers[0] ?? fail(call, 'the model must have a layer, got none; call model.add first');
  }

  #inputShape(call: string): Shape {
    const shape = this.#bottom(call).inputShape;
    if (this.#batch !== null) shape[0] = this.#batch;
    return shape;
  }

  #outputShape(call: string): Shape {
    this.#bottom(call);
    const shape = this.#stack.layers.at(-1)!.outputShape;
    if (this.#batch !== null) shape[0] = this.#batch;
    return shape;
  }

  #compiled(call: string): Objective {
    this.#alive(call);
    this.#bottom(call);
    return this.#stack.objective ?? fail(call, 'the model must be compiled first; call model.compile');
  }

  #home(call: string): Parameters {
    this.#alive(call);
    return this.#stack.home(call);
  }

  #run(call: string): Executor {
    if (!this.#executor) {
      const input = this.#inputShape(call);
      this.#executor = new Executor([...this.#stack.layers], this.#home(call), input[0]!);
    }
    return this.#executor;
  }

  /** The shape of what comes out where x has the given shape. */
  #outputFor([samples, steps]: readonly number[]): number[] {
    const [, ...sample] = this.#stack.layers.at(-1)!.outputShape;
    return [samples!, ...sample.map(n => n ?? steps!)];
  }

  /** Lets the layers refuse numbers of x that they cannot take: ids that no row of an embedding has. */
  #checkInput(call: string, name: string, numbers: Float32Array, from: number, count: number): void {
    for (const layer of this.#stack.layers) layer.checkInput(call, name, numbers, from, count);
  }

  /** Checks x and y, and puts them where the kernels expect them. */
  #load(call: string, x: Batch, y: Batch, purpose: Purpose, objective: Objective, options?: WeightOptions): BoundPlan {
    const weights = checkWeightOptions(call, options);
    const shape = shapeOfBatch(call, 'x', x, this.#inputShape(call));
    const samples = shape[0]!;
    const whole = this.#outputFor(shape);
    const { loss } = objective;
    const wanted = targetShapeOf(call, loss, whole);
    const target = shapeOfTarget(call, 'y', y, loss, wanted);
    const batch = this.#run(call).prepare(call, samples, shape.slice(1), purpose, objective, weights !== null);
    const memory = float32();
    writeBatch(call, 'x', x, shape, memory, batch.input);
    this.#checkInput(call, 'x', memory, batch.input, sizeOf(shape));
    writeBatch(call, 'y', y, target, memory, batch.target);
    if (weights) {
      const sequence = whole.length === 3 ? whole[1]! : null;
      const targets = { values: memory, from: batch.target, samples, steps: sequence, width: wanted.at(-1)! };
      writeWeights(call, weights, targets, memory, batch.weights);
    }
    return batch;
  }

  /** Gives back what was planned for other layers than there are now. */
  #forgetPlans(): void {
    this.#executor?.free();
    this.#executor = null;
  }
}

/** The loss, or a list of it and the metrics of the output as it stands. */
function measure(batch: BoundPlan, { metrics }: Objective, loss: number): number | number[] {
  if (metrics.length === 0) return loss;
  const values = [loss];
  batch.measure(values);
  return values;
}

const withLoss = (results: number | number[], loss: number) =>
  typeof results === 'number' ? loss : [loss, ...results.slice(1)];

/** Says so where a loss is no number because y holds the number of a class that does not exist. */
function refuseWrongClass(call: string, batch: BoundPlan, { loss }: Objective): void {
  if (!isSparse(loss)) return;
  const wrong = batch.wrongClass();
  if (wrong === undefined) return;
  batch.rewind();
  fail(call, `y must hold numbers of classes from 0 to ${batch.plan.output.y.width - 1}, got ${wrong}`);
}

/** A new model: a stack of layers. */
export function sequential(options?: { layers?: readonly Layer[]; name?: string }): Sequential {
  return new Sequential(options);
}
