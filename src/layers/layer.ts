/** The base class of layers: shapes, weights, and a plan for the kernels. Layers do no arithmetic. */

import type { PlannedCall, Planner, Signals } from '../plan/planner.ts';
import { readTensor, type TensorLike } from '../tensor/read.ts';
import { Tensor } from '../tensor/tensor.ts';
import { limitMethodArguments, rejectExtraArguments } from '../util/arguments.ts';
import { type Config, toPython } from '../util/config.ts';
import { factoryNameOf, fail, show } from '../util/errors.ts';
import { FLOAT } from '../util/memorySizes.ts';
import { nextNumber } from '../util/numbering.ts';
import { checkBoolean, checkText } from '../util/options.ts';
import type { SeedStream } from '../util/random.ts';
import { type Shape, sameShape, showShape, sizeOf } from '../util/shapes.ts';
import type { Kernels } from '../wasm/kernels.ts';
import { applyLayer } from './apply.ts';
import { type LayerOptions, readInputShape } from './layerOptions.ts';
import { registerClass } from './registry.ts';
import { LayerNode, type NodeGraph, type SymbolicTensor } from './symbolicTensor.ts';
import type { WeightSpec } from './weightSpec.ts';

/** The shapes of the inputs and the outputs of a call. */
interface Connection {
  readonly inputs: readonly Shape[];
  readonly outputs: readonly Shape[];
}

/** The storage of the weights of a model, and so of all its layers. */
export interface WeightStore {
  read(call: string, layer: Layer): Float32Array[];
  write(call: string, layer: Layer, values: readonly Float32Array[]): void;
}

/** Options of `layer.apply`. */
export interface ApplyOptions {
  /**
   * The states in which a recurrent layer starts: [h, c] for lstm, [h] otherwise, each [batch, units]. Symbolic inputs take
   * symbolic states, tensors take tensors. Default: zeros.
   */
  initialState?: SymbolicTensor<Layer> | Tensor | readonly (SymbolicTensor<Layer> | Tensor)[] | null;
  /**
   * The time steps that count, [batch, timeSteps]: 0 or false masks a step, other numbers keep it. It replaces the mask
   * that the input has; for several inputs, a list with null for an input without a mask. Symbolic inputs take symbolic
   * masks, tensors take tensors. Default: the masks of the inputs.
   */
  mask?: SymbolicTensor<Layer> | Tensor | null | readonly (SymbolicTensor<Layer> | Tensor | null)[];
  /**
   * Whether dropout is active and batch normalization uses the statistics of the batch, whatever the model does. Default:
   * in training only.
   */
  training?: boolean;
}

/**
 * The result of `layer.apply` with symbolic tensors: one, or a list of them for a layer of several outputs. TypeScript
 * cannot know which, so this type can be used as both.
 */
export interface Applied extends SymbolicTensor<Layer> {
  readonly [output: number]: SymbolicTensor<Layer>;
  [Symbol.iterator](): Iterator<SymbolicTensor<Layer>>;
}

/** A layer of a model. Create one with `layers.*`. */
export abstract class Layer {
  readonly name: string;
  /** The input shape given in the options, `[batchSize, timeSteps, features]` or `[batchSize, features]`; null if none. */
  readonly batchInputShape: Shape | null;
  /** @internal The layers that this one wraps; its weights are theirs. */
  readonly children: readonly Layer[];
  /** @internal How many models use the layer and have not been disposed of. Not counted for models. */
  users = 0;
  /** @internal Weights set before the model allocated memory for them. */
  initialValues: Float32Array[] | null = null;
  #trainable: boolean;
  #frozenByModel = false;
  readonly #takesLists: boolean;
  #weights: readonly WeightSpec[] = [];
  #store: WeightStore | null = null;
  /** The first call. */
  #node: LayerNode<Layer> | null = null;
  #built: Connection | null = null;
  readonly #givenWeights: readonly TensorLike[] | undefined;

  /**
   * @internal
   * @param inputRank the rank of a sample that `inputDim` describes
   * @param takesLists whether a sample may be a list of any length, `[null]`, such as one of ids
   * @param isModel whether the layer is a model, which is not rebuilt from its configuration alone
   * @param children the layers that this one wraps
   */
  constructor(
    /** The name of the class in Keras. */
    readonly className: string,
    options: LayerOptions,
    inputRank: 1 | 2,
    { takesLists = false, isModel = false, children = [] as readonly Layer[] } = {},
  ) {
    const call = `layers.${factoryNameOf(className)}`;
    this.#trainable = options.trainable === undefined ? true : checkBoolean(call, 'trainable', options.trainable);
    this.batchInputShape = readInputShape(call, options, inputRank, takesLists);
    if (options.dtype !== undefined && options.dtype !== 'float32') {
      fail(call, `dtype must be 'float32', got ${show(options.dtype)}`);
    }
    if (options.weights !== undefined && !Array.isArray(options.weights)) {
      fail(call, `weights must be an array of tensors, got ${show(options.weights)}`);
    }
    if (!isModel) registerClass(className, new.target as never);
    this.#givenWeights = options.weights;
    this.#takesLists = takesLists;
    this.children = children;
    this.name = readName(call, className, options.name);
  }

  /** Whether training updates the weights. It can be set at any time, also between batches. */
  get trainable(): boolean {
    if (!this.#trainable || this.#frozenByModel) return false;
    for (let n = 0; n < this.children.length; n++) if (!this.children[n]!.trainable) return false;
    return true;
  }

  set trainable(value: boolean) {
    this.#trainable = checkBoolean(this.name, 'trainable', value);
    this.#frozenByModel = false;
    for (const child of this.children) child.trainable = value;
  }

  /** @internal Applies `model.trainable` to this layer: true restores the layer's own setting. */
  followModel(trainable: boolean): void {
    this.#frozenByModel = !trainable;
  }

  /** The shape of an output batch; null for sizes that are not fixed. Throws if the layer belongs to no model. */
  get outputShape(): Shape {
    return [...this.connection.outputs[0]!];
  }

  /** The shape of an input batch; null for sizes that are not fixed. Throws if the layer belongs to no model. */
  get inputShape(): Shape {
    return [...this.connection.inputs[0]!];
  }

  /**
   * Applies the layer. Symbolic tensors, which `input()` and this method return, add it to a graph, from which `model`
   * makes a model; several calls share the weights. Tensors are computed at once.
   *
   * @param inputs one input, or a list of several
   * @returns a tensor of the same kind, or a list for a layer of several outputs
   * @throws ValueError if the layer cannot process the inputs
   */
  apply<R = Applied>(inputs: SymbolicTensor<Layer> | readonly SymbolicTensor<Layer>[], options?: ApplyOptions): R;
  apply<R extends Tensor | Tensor[] = Tensor>(inputs: TensorLike | readonly Tensor[], options?: ApplyOptions): R;
  apply(inputs: unknown, options?: ApplyOptions): unknown {
    rejectExtraArguments(`${this.name}.apply`, 2, arguments);
    const node = applyLayer<Layer>(this, inputs, options);
    if (!(node instanceof LayerNode)) return node.result;
    this.#node ??= node;
    return node.outputs.length === 1 ? node.outputs[0] : [...node.outputs];
  }

  /**
   * The symbolic input of the first call of the layer, or a list of several, such as for a model of a part of another.
   * Throws if the layer has not been applied.
   */
  get input(): Applied {
    const { inputs } = this.#called;
    return (inputs.length === 1 ? inputs[0] : [...inputs]) as Applied;
  }

  /** The symbolic output of the first call of the layer, or a list of several. Throws if the layer has not been applied. */
  get output(): Applied {
    const { outputs } = this.#called;
    return (outputs.length === 1 ? outputs[0] : [...outputs]) as Applied;
  }

  get #called(): LayerNode<Layer> {
    return this.#node ?? fail(this.name, 'the layer has no input and output before it is applied');
  }

  /** @internal Sets the first call, for a sequential model, whose calls change with its layers. */
  set node(node: LayerNode<Layer>) {
    this.#node = node;
  }

  /** The number of parameters in the weights; 0 before the layer belongs to a model. */
  countParams(): number {
    return this.weightSpecs.reduce((count, { shape }) => count + sizeOf(shape), 0);
  }

  /**
   * Copies of the weights, in the order and the shapes of Keras.
   *
   * @param trainableOnly return only the weights that the optimizer updates: none if the layer is frozen; default false
   * @throws ValueError if the layer belongs to no model
   */
  getWeights(trainableOnly?: boolean): Tensor[] {
    return this.readWeights(`${this.name}.getWeights`, trainableOnly);
  }

  /** @internal */
  readWeights(call: string, trainableOnly = false): Tensor[] {
    if (checkBoolean(call, 'trainableOnly', trainableOnly) && !this.trainable) return [];
    const values = this.#storeOf(call).read(call, this);
    const tensors = this.weightSpecs.map(({ shape }, i) => new Tensor(values[i]!, [...shape]));
    return trainableOnly ? tensors.filter((_, i) => this.learns(this.weightSpecs[i]!)) : tensors;
  }

  /**
   * Replaces the weights. The state of the optimizer stays as it is.
   *
   * @param weights one for each of `getWeights`, in the same shapes
   * @throws ValueError if the layer belongs to no model, or number or shapes differ
   */
  setWeights(weights: readonly TensorLike[]): void {
    const call = `${this.name}.setWeights`;
    this.#storeOf(call);
    const checked = this.checkWeights(call, weights); // may run user code that removes the layer from its model
    this.#storeOf(call).write(call, this, checked);
  }

  /** @internal Checks and copies weights passed by the user. */
  checkWeights(call: string, weights: unknown): Float32Array[] {
    return readWeights(call, weights, this.weightSpecs);
  }

  #storeOf(call: string): WeightStore {
    return this.#store ?? fail(call, 'the layer must belong to a model first; pass it to model.add');
  }

  /** The options of the layer as plain data, in the form of TF.js. The factory of its class rebuilds the layer from it. */
  getConfig(): Config {
    const { name, trainable, batchInputShape } = this;
    return { name, trainable, ...(batchInputShape && { batchInputShape, dtype: 'float32' }), ...this.settings() };
  }

  /** @internal The options of its class. */
  protected settings(): Config {
    return {};
  }

  /** @internal The names of the weights in files, unique within a model. */
  get weightPaths(): string[] {
    return this.weightSpecs.map(spec => `${this.name}/${toPython(spec.name)}`);
  }

  // ------------------------------------------------------------------------------------------- what the layer can do

  /** @internal Whether the layer carries a state from batch to batch. */
  get stateful(): boolean {
    return this.children.some(child => child.stateful);
  }

  /** @internal Whether calls of the layer can have initial states. */
  get takesInitialStates(): boolean {
    return false;
  }

  /** @internal Whether the layer creates a mask, which the layers above and the loss follow. */
  get createsMask(): boolean {
    return false;
  }

  /** @internal Whether the time steps of the output differ from those of the input, so that a mask ends here. */
  get endsMask(): boolean {
    return false;
  }

  /** @internal Whether the layer turns a list of numbers into a sequence of vectors. */
  get createsTimeSteps(): boolean {
    return false;
  }

  /** @internal Whether the last axis of the inputs may be open, such as that of attention scores. */
  get takesAnyWidth(): boolean {
    return this.#takesLists;
  }

  /** @internal Whether a stream can pass the built layer one time step at a time. */
  get runsByTimeStep(): boolean {
    return this.connection.inputs[0]!.length === this.connection.outputs[0]!.length;
  }

  /**
   * @internal The same if some of the inputs are constants, which are whole at every step.
   *
   * @param isConstant for each input; not all are
   */
  runsBesideConstants(isConstant: readonly boolean[]): boolean {
    // Without an axis of time steps, constants are the same at every step
    return this.runsByTimeStep && this.connection.inputs.every(({ length }, n) => !isConstant[n] || length === 2);
  }

  /** @internal Whether code of the user computes the layer. */
  get isCustom(): boolean {
    return false;
  }

  /** @internal Throws if `timeDistributed` cannot apply the layer. */
  checkWrapped(call: string): void {
    rejectWrapped(call, this);
  }

  /** @internal Whether the inputs of the layer are ids, which are checked when a model reads them. */
  get readsIds(): boolean {
    return false;
  }

  /** @internal The layers in the layer if it is a model, without models; null for others. */
  get nestedLayers(): readonly Layer[] | null {
    return null;
  }

  /** @internal The calls in the layer if it is a model; null for others. */
  get innerGraph(): NodeGraph<Layer> | null {
    return null;
  }

  /** @internal Throws if the layer cannot process numbers of the model's input. */
  checkInput(_call: string, _name: string, _numbers: Float32Array, _from: number, _count: number): void {}

  /** @internal Counts the models that contain the layer and have not been disposed of. Models use it. */
  countContainers(_change: 1 | -1): void {}

  // ----------------------------------------------------------------------------------------- for the model it joins

  /** @internal The weights of the built layer. */
  get weightSpecs(): readonly WeightSpec[] {
    return this.#weights;
  }

  /** @internal The shapes of the first call of the layer. */
  get connection(): Connection {
    return this.#built ?? fail(this.name, 'the layer has no shape before it belongs to a model; pass it to model.add');
  }

  /** @internal Whether the optimizer updates a weight of the layer. */
  learns({ trainable = true }: WeightSpec): boolean {
    return trainable && this.trainable;
  }

  /** @internal Whether training computes some of the weights without the optimizer, such as moving means. */
  get hasStatistics(): boolean {
    return this.#weights.some(({ trainable }) => trainable === false);
  }

  /** @internal The seeds of all dropouts of the layer. They are part of the state of a training. */
  get dropoutSeeds(): readonly number[] {
    return this.children.flatMap(child => child.dropoutSeeds);
  }

  set dropoutSeeds(seeds: readonly number[]) {
    let next = 0;
    for (const child of this.children) {
      const count = child.dropoutSeeds.length;
      child.dropoutSeeds = seeds.slice(next, next + count);
      next += count;
    }
  }

  /**
   * @internal Checks the shapes of the inputs of a call. The first call fixes the shapes of the weights.
   *
   * @returns the shapes of the outputs
   * @throws ValueError for shapes that the layer or its weights cannot take; nothing has changed then
   */
  connect(call: string, inputs: readonly Shape[]): Shape[] {
    for (const input of inputs) {
      if (input.at(-1) === null && !this.takesAnyWidth) {
        fail(call, `${this.name} needs an input whose last axis is fixed, got ${showShape(input)}`);
      }
    }
    const outputs = this.outputShapesFor(call, inputs);
    const specs = this.describeWeights(...(inputs as [Shape, ...Shape[]]));
    if (this.#built) {
      this.#checkSameWeights(call, inputs, specs);
      for (const [n, child] of this.children.entries()) child.connect(call, this.childInputs(n, inputs));
      return outputs;
    }
    const given = this.#givenWeights;
    const wraps = this.children.length > 0;
    let values = given && !wraps ? readWeights(call, given, specs) : null;
    for (const { name, shape, initializer, constraint } of specs) {
      initializer.checkWeight(call, name, shape);
      constraint?.checkWeight(call, name, shape);
    }
    const built: Layer[] = [];
    try {
      for (const [n, child] of this.children.entries()) {
        child.connect(call, this.childInputs(n, inputs));
        built.push(child);
      }
      if (given && wraps) values = readWeights(call, given, this.#withChildren(specs));
    } catch (error) {
      for (const child of built) child.unbuild();
      throw error;
    }
    if (wraps && built.every(child => child.initialValues)) values = built.flatMap(child => child.initialValues!);
    if (values) this.initialValues = values;
    this.#built = { inputs, outputs };
    this.#weights = this.#withChildren(specs);
    return outputs;
  }

  /** Fails if the weights of another call would have other shapes. */
  #checkSameWeights(call: string, inputs: readonly Shape[], specs: readonly Omit<WeightSpec, 'seed'>[]): void {
    const own = this.#weights;
    if (specs.every(({ shape }, n) => sameShape(shape, own[n]!.shape))) return;
    const [first, other] = [this.#built!.inputs, inputs].map(shapes => shapes.map(showShape).join(', '));
    fail(call, `${this.name} shares its weights between calls, so its input must fit ${first}, got ${other}`);
  }

  /** The weights of the layer itself, and those of its children. */
  #withChildren(own: readonly Omit<WeightSpec, 'seed'>[]): WeightSpec[] {
    return [
      ...own.map(spec => ({ seed: 0, ...spec })),
      ...this.children.flatMap((child, n) =>
        child.weightSpecs.map(spec => ({ ...spec, name: this.childWeightName(n, spec.name) })),
      ),
    ];
  }

  /** @internal The weights that those of the layer are a part of; null before it belongs to a model. */
  get store(): WeightStore | null {
    return this.#store;
  }

  set store(store: WeightStore) {
    this.#store = store;
    for (const child of this.children) child.store = store;
  }

  /** @internal Draws the seeds of a connected layer. */
  drawSeeds(seeds: SeedStream): void {
    const own = this.#weights.slice(0, this.#weights.length - this.#childWeightCount);
    const drawn = own.map(spec => ({ ...spec, seed: spec.initializer.drawSeed(seeds) }));
    for (const child of this.children) child.drawSeeds(seeds);
    this.#weights = this.#withChildren(drawn);
  }

  get #childWeightCount(): number {
    return this.children.reduce((count, child) => count + child.weightSpecs.length, 0);
  }

  /** @internal Undoes `connect`, so that the layer can join another model. */
  unbuild(): void {
    this.#store = null;
    this.#built = null;
    this.#node = null;
    this.#frozenByModel = false;
    this.initialValues = null;
    for (const child of this.children) child.unbuild();
  }

  /** @internal The shapes of the outputs for those of the inputs. Throws if the layer cannot process the inputs. */
  outputShapesFor(call: string, inputs: readonly Shape[]): Shape[] {
    if (inputs.length !== 1) fail(call, `${this.name} takes 1 input, got ${inputs.length}`);
    return [this.outputShapeFor(call, inputs[0]!)];
  }

  /** @internal The same for layers of one input and one output. */
  outputShapeFor(_call: string, input: Shape): Shape {
    return input;
  }

  /** @internal The weights of the layer itself, without those of its children. */
  protected describeWeights(_input: Shape, ..._more: Shape[]): Omit<WeightSpec, 'seed'>[] {
    return [];
  }

  /** @internal The inputs that child n takes of those of this layer. */
  protected childInputs(_n: number, inputs: readonly Shape[]): readonly Shape[] {
    return inputs;
  }

  /** @internal The name that a weight of child n has in this layer. */
  protected childWeightName(_n: number, name: string): string {
    return name;
  }

  /** @internal The number of floats of the packed weights. */
  get parameterCount(): number {
    return this.children.reduce((count, child) => count + child.parameterCount, 0);
  }

  /** @internal How many of these the optimizer updates; statistics come after them. */
  get trainedCount(): number {
    return this.parameterCount;
  }

  /** @internal The number of floats of the carried states. */
  stateCount(batch: number): number {
    return this.children.reduce((count, child) => count + child.stateCount(batch), 0);
  }

  /**
   * @internal Packs weights into the layout of the kernels.
   *
   * @param packed address of the packed weights
   * @param matrices addresses of row-major matrices in the order of `weightSpecs`
   */
  packWeights(kernels: Kernels, packed: number, matrices: readonly number[]): void {
    let first = 0;
    for (let n = 0; n < this.children.length; n++) {
      const child = this.children[n]!;
      child.packWeights(kernels, packed, this.#matricesOf(child, matrices, first));
      first += child.weightSpecs.length;
      packed += child.parameterCount * FLOAT;
    }
  }

  /** @internal The inverse of `packWeights`. */
  unpackWeights(kernels: Kernels, packed: number, matrices: readonly number[]): void {
    let first = 0;
    for (let n = 0; n < this.children.length; n++) {
      const child = this.children[n]!;
      child.unpackWeights(kernels, packed, this.#matricesOf(child, matrices, first));
      first += child.weightSpecs.length;
      packed += child.parameterCount * FLOAT;
    }
  }

  /** The addresses of the weights of a child, which start at index `first`. */
  #matricesOf(child: Layer, matrices: readonly number[], first: number): readonly number[] {
    return this.children.length === 1 ? matrices : matrices.slice(first, first + child.weightSpecs.length);
  }

  /**
   * @internal Reserves buffers and adds kernel calls.
   *
   * @param inputs the outputs of other calls, and where to write their gradients
   * @param call what belongs to this call of the layer
   * @returns the outputs, and where the layer expects their gradients
   */
  abstract plan(planner: Planner, inputs: Signals, call: PlannedCall): Signals;
}

limitMethodArguments(Layer, 'layer', ['countParams', 'getWeights', 'setWeights', 'getConfig']);

/** Throws because `timeDistributed` cannot wrap this. */
export function rejectWrapped(call: string, layer: unknown): never {
  return fail(call, `layer must be a dense layer, dropout or an activation, got ${show(layer)}`);
}

function readName(call: string, className: string, name: unknown): string {
  if (name !== undefined) return checkText(call, 'name', name);
  return `${toPython(className)}_${className}${nextNumber(className)}`;
}

/** Checks and copies weights passed by the user. */
function readWeights(call: string, weights: unknown, specs: readonly Omit<WeightSpec, 'seed'>[]): Float32Array[] {
  if (!Array.isArray(weights) || weights.length !== specs.length) {
    const got = Array.isArray(weights) ? `${weights.length}` : show(weights);
    fail(
      call,
      `weights must be an array of ${specs.length} tensors (${specs.map(s => s.name).join(', ')}), got ${got}`,
    );
  }
  return specs.map(({ name, shape }, i) => readTensor(call, `weights[${i}] (${name})`, weights[i], shape));
}
