/** The model: a stack of layers that trains and predicts. */

import { readBatch, shapeOfBatch, writeBatch } from './batches.ts';
import { float32, kernels } from './engine/engine.ts';
import { fail, show, suggest } from './errors.ts';
import { type BoundPlan, Executor } from './executor.ts';
import { Layer } from './layers/layer.ts';
import type { RecurrentLayer } from './layers/recurrent.ts';
import { type Loss, resolveLoss } from './losses.ts';
import type { Objective } from './objective.ts';
import { type Optimizer, type OptimizerName, resolveOptimizer } from './optimizers.ts';
import { checkBoolean, checkCount, checkOptions } from './options.ts';
import { Parameters } from './parameters.ts';
import type { Purpose } from './plan.ts';
import { floatsFor, type Shape, showShape, sizeOf } from './shapes.ts';
import { readStates, recurrentOf, writeStates } from './states.ts';
import { Stream } from './stream.ts';
import { summarize } from './summary.ts';
import { Tensor, type TensorLike } from './tensor.ts';

export interface CompileOptions {
  /** One of `train.*`, or 'adam' or 'sgd' for its defaults. */
  optimizer: Optimizer | OptimizerName;
  /** 'meanSquaredError', also spelled 'mse'. */
  loss: Loss;
}

const DEFAULT_BATCH = 32;
let unnamed = 0;

/** What models that differ only in their batch size share. */
interface Stack {
  readonly layers: Layer[];
  parameters: Parameters | null;
  objective: Objective | null;
  /** How many models have been made of it. */
  models: number;
}

/** A stack of layers; make one with `sequential()`. */
export class Sequential {
  readonly name: string;
  #stack: Stack = { layers: [], parameters: null, objective: null, models: 1 };
  /** The batch size of `withBatchSize`; null for that of the layers. */
  #batch: number | null = null;
  #executor: Executor | null = null;
  #disposed = false;

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
      for (const layer of layers ?? []) this.#push('sequential', layer);
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
    this.#push('model.add', layer);
  }

  #push(call: string, layer: Layer): void {
    if (!(layer instanceof Layer)) fail(call, `layer must be one of layers.*, got ${show(layer)}`);
    if (this.#stack.layers.some(({ name }) => name === layer.name)) {
      fail(call, `the name of a layer must be unique in its model, got a second '${layer.name}'`);
    }
    const below = this.#stack.layers.at(-1);
    const input = below ? below.outputShape : layer.batchInputShape;
    if (!input) fail(call, `the first layer must have inputShape or batchInputShape, got neither in '${layer.name}'`);
    if (below && layer.batchInputShape && !agree(layer.batchInputShape, input)) {
      const got = showShape(layer.batchInputShape);
      fail(call, `the input shape of '${layer.name}' must be that of the layer below, ${showShape(input)}, got ${got}`);
    }
    if (below) layer.checkBelow(call, below);
    const home = {
      read: (asked: string, from: Layer) => this.#home(asked).read(asked, from),
      write: (asked: string, to: Layer, values: readonly Float32Array[]) => this.#home(asked).write(asked, to, values),
    };
    layer.build(call, input, home);
    this.#rebuild(() => this.#stack.layers.push(layer));
  }

  /** Takes the top layer off. */
  pop(): void {
    this.#alive('model.pop');
    this.#unshared('model.pop');
    const top = this.#stack.layers.at(-1) ?? fail('model.pop', 'the model must have a layer, got none');
    this.#rebuild(() => this.#stack.layers.pop());
    top.leave();
  }

  /** The layers, bottom up. */
  get layers(): Layer[] {
    return [...this.#stack.layers];
  }

  /** A layer by its name, or by its index where the name is absent. */
  getLayer(name?: string | null, index?: number): Layer {
    const call = 'model.getLayer';
    this.#alive(call);
    if (typeof name === 'string') {
      const names = this.#stack.layers.map(layer => layer.name);
      return this.#stack.layers[names.indexOf(name)] ?? fail(call, `unknown layer '${name}'${suggest(name, names)}`);
    }
    if (name !== undefined && name !== null) fail(call, `name must be a string, got ${show(name)}`);
    const count = this.#stack.layers.length;
    if (!Number.isInteger(index) || !this.#stack.layers[index!]) {
      fail(call, `index must be a whole number below ${count}, the number of layers, got ${show(index)}`);
    }
    return this.#stack.layers[index!]!;
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
    return this.#stack.layers.flatMap(layer => layer.readWeights(call));
  }

  /** Replaces all weights; takes what `getWeights` gives. States and optimizer stay as they are. */
  setWeights(weights: readonly TensorLike[]): void {
    const call = 'model.setWeights';
    this.#alive(call);
    const count = this.#stack.layers.reduce((sum, layer) => sum + layer.weightSpecs.length, 0);
    if (!Array.isArray(weights) || weights.length !== count) {
      fail(call, `weights must be an array of ${count} tensors, got ${show(weights)}`);
    }
    let next = 0;
    const checked = this.#stack.layers.map(layer => {
      const own = weights.slice(next, next + layer.weightSpecs.length);
      next += own.length;
      return layer.checkWeights(call, own);
    });
    const home = this.#home(call);
    for (const [n, layer] of this.#stack.layers.entries()) home.write(call, layer, checked[n]!);
  }

  // ------------------------------------------------------------------------------------------------------- training

  /** Chooses optimizer and loss. Doing it again starts the optimizer afresh; the weights stay. */
  compile(options: CompileOptions): void {
    const call = 'model.compile';
    this.#alive(call);
    const known = checkOptions<CompileOptions & { metrics: unknown }>(call, options, ['optimizer', 'loss', 'metrics']);
    if (known.optimizer === undefined) fail(call, 'optimizer must be one of train.* or its name, got none');
    if (known.loss === undefined) fail(call, "loss must be a name such as 'meanSquaredError', got none");
    if (known.metrics !== undefined && !(Array.isArray(known.metrics) && known.metrics.length === 0)) {
      fail(call, `metrics must be absent or empty in this version, got ${show(known.metrics)}`);
    }
    const optimizer = resolveOptimizer(call, known.optimizer);
    const loss = resolveLoss(call, known.loss);
    this.#stack.parameters?.forgetTraining();
    this.#stack.objective = { optimizer, loss };
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
   * @param y in the shape of the model's output
   * @returns the loss of the weights before the step; NaN when only the gradients were not finite
   */
  trainOnBatch(x: TensorLike, y: TensorLike): number {
    const call = 'model.trainOnBatch';
    const objective = this.#compiled(call);
    const batch = this.#load(call, x, y, 'train', objective);
    const parameters = this.#stack.parameters!;
    kernels().setBatch(parameters.batches);
    batch.forward();
    const loss = batch.loss();
    if (!Number.isFinite(loss)) {
      batch.rewind();
      return loss;
    }
    parameters.zeroGradients();
    batch.backward();
    if (!parameters.gradientsAreSound) {
      batch.rewind();
      return Number.NaN;
    }
    parameters.update(objective.optimizer);
    return loss;
  }

  /** The loss on one batch, without training. Stateful layers carry their state on. */
  testOnBatch(x: TensorLike, y: TensorLike): number {
    const call = 'model.testOnBatch';
    const batch = this.#load(call, x, y, 'test', this.#compiled(call));
    batch.forward();
    return batch.loss();
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
    const size =
      known.batchSize === undefined ? (fixed ?? DEFAULT_BATCH) : checkCount(call, 'batchSize', known.batchSize);
    if (fixed !== null && size !== fixed) {
      fail(call, `batchSize must be ${fixed}, which the model fixes, got ${size}`);
    }
    const shape = shapeOfBatch(call, 'x', x, [null, ...expected.slice(1)]);
    const samples = shape[0]!;
    if (fixed !== null && samples % fixed !== 0) {
      fail(
        call,
        `x must hold a multiple of ${fixed} samples, the model's batch size, got the shape ${showShape(shape)}`,
      );
    }
    return this.#predict(call, x, shape, Math.min(size, samples));
  }

  /** Predictions for one batch of any size, or of the model's where that is fixed. */
  predictOnBatch(x: TensorLike): Tensor {
    const call = 'model.predictOnBatch';
    this.#alive(call);
    const shape = shapeOfBatch(call, 'x', x, this.#inputShape(call));
    return this.#predict(call, x, shape, shape[0]!);
  }

  #predict(call: string, x: TensorLike, shape: readonly number[], size: number): Tensor {
    const samples = shape[0]!;
    const sample = sizeOf(shape.slice(1));
    const output = this.#stack.layers.at(-1)!.outputShape;
    const outputShape = [samples, ...output.slice(1).map(n => n ?? shape[1]!)];
    const out = floatsFor(call, 'the predictions', outputShape);
    const each = sizeOf(outputShape.slice(1));
    const source = readBatch(call, 'x', x, shape); // one array, whatever was given: a ragged one fails here, early
    this.#checkInput(call, source, 0, source.length);
    for (let from = 0; from < samples; from += size) {
      const count = Math.min(size, samples - from);
      const batch = this.#run(call).prepare(call, count, shape.slice(1), 'predict');
      float32().set(source.subarray(from * sample, (from + count) * sample), batch.input);
      batch.forward();
      batch.collect();
      out.set(float32().subarray(batch.result, batch.result + batch.resultSize), from * each);
    }
    return new Tensor(out, outputShape);
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
    this.#executor?.free();
    this.#executor = null;
    if (this.#batch === null) this.#stack.parameters?.free();
    this.#disposed = true;
  }

  #alive(call: string): void {
    if (this.#disposed || this.#stack.parameters?.isFree) fail(call, 'the model must not be used after dispose()');
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
    this.#stack.parameters ??= new Parameters([...this.#stack.layers]);
    return this.#stack.parameters;
  }

  #run(call: string): Executor {
    if (!this.#executor) {
      const input = this.#inputShape(call);
      this.#executor = new Executor([...this.#stack.layers], this.#home(call), input[0]!);
    }
    return this.#executor;
  }

  /** Lets the layers refuse numbers of x that they cannot take: ids that no row of an embedding has. */
  #checkInput(call: string, numbers: Float32Array, from: number, count: number): void {
    for (const layer of this.#stack.layers) layer.checkInput(call, 'x', numbers, from, count);
  }

  /** Checks x and y, and puts them where the kernels expect them. */
  #load(call: string, x: TensorLike, y: TensorLike, purpose: Purpose, objective: Objective): BoundPlan {
    const shape = shapeOfBatch(call, 'x', x, this.#inputShape(call));
    const [samples, steps] = shape;
    const output = this.#outputShape(call);
    const wanted = output.map((n, axis) => (axis === 0 ? samples! : (n ?? steps!)));
    const target = shapeOfBatch(call, 'y', y, wanted);
    const batch = this.#run(call).prepare(call, samples!, shape.slice(1), purpose, objective);
    const memory = float32();
    writeBatch(call, 'x', x, shape, memory, batch.input);
    this.#checkInput(call, memory, batch.input, sizeOf(shape));
    writeBatch(call, 'y', y, target, memory, batch.target);
    return batch;
  }

  /** Changes the stack. What has been learned so far moves along; the optimizer starts afresh. */
  #rebuild(change: () => void): void {
    const parameters = this.#stack.parameters;
    if (parameters) {
      for (const layer of this.#stack.layers) layer.initialValues = parameters.read('model.add', layer);
      this.#executor?.free();
      parameters.free();
      this.#executor = null;
      this.#stack.parameters = null;
    }
    change();
  }
}

const agree = (a: Shape, b: Shape): boolean =>
  a.length === b.length && a.every((n, axis) => n === null || b[axis] === null || n === b[axis]);

/** A new model: a stack of layers. */
export function sequential(options?: { layers?: readonly Layer[]; name?: string }): Sequential {
  return new Sequential(options);
}
