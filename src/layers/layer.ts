/** What every layer is: shapes, weights, and a plan for its kernels. Layers do no arithmetic. */

import type { LayerOffsets, Planner, Signal } from '../plan/plan.ts';
import { readTensor, type TensorLike } from '../tensor/read.ts';
import { Tensor } from '../tensor/tensor.ts';
import { exactMethods } from '../util/arguments.ts';
import { type Config, describe, toPython } from '../util/config.ts';
import { factoryOf, fail, show } from '../util/errors.ts';
import { checkBoolean, checkCount, checkOptions, withoutNull } from '../util/options.ts';
import type { SeedStream } from '../util/random.ts';
import { checkShape, type Shape, showShape, sizeOf } from '../util/shapes.ts';
import type { Kernels } from '../wasm/kernels.ts';
import type { Constraint } from '../weights/constraints.ts';
import type { Initializer } from '../weights/initializers.ts';
import type { Regularizer } from '../weights/regularizers.ts';
import { registerClass } from './registry.ts';

/** Options of every layer. */
export interface LayerOptions {
  /** Unique within a model; drawn from the class name when absent. */
  name?: string;
  /** Whether training changes the weights; default true. */
  trainable?: boolean;
  /** First layer only: the shape of one sample, `[T, D]` or `[D]`; T may be null. */
  inputShape?: Shape;
  /** First layer only: the shape of a batch, `[B, T, D]` or `[B, D]`; B and T may be null. */
  batchInputShape?: Shape;
  /** First layer only, beside inputShape: the batch size, fixed. */
  batchSize?: number;
  /** First layer only: the width of the input, short for an inputShape whose other axis is open. */
  inputDim?: number;
  /** Initial values, in the order of `getWeights`. */
  weights?: readonly TensorLike[];
  /** The only one there is. */
  dtype?: 'float32' | null;
}

const layerOptions = [
  'name',
  'trainable',
  'inputShape',
  'batchInputShape',
  'batchSize',
  'inputDim',
  'weights',
  'dtype',
] as const;

/** A weight of a built layer, in Keras's terms. */
export interface WeightSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly initializer: Initializer;
  /** A penalty that joins the loss; null or absent for none. */
  readonly regularizer?: Regularizer | null;
  /** What it must be after every update; null or absent for anything. */
  readonly constraint?: Constraint | null;
  /** The seed drawn for it when the layer was built. */
  readonly seed: number;
}

/** What a caller chooses for a weight. */
export type WeightSettings = Pick<WeightSpec, 'initializer' | 'regularizer' | 'constraint'>;

/** As plain data: what was chosen for the weight of a name. */
export const settingsOf = (name: string, { initializer, regularizer, constraint }: WeightSettings): Config => ({
  [`${name}Initializer`]: describe(initializer),
  [`${name}Regularizer`]: describe(regularizer ?? null),
  [`${name}Constraint`]: describe(constraint ?? null),
});

/** What holds the weights of a layer once it belongs to a model. */
export interface WeightStore {
  read(call: string, layer: Layer): Float32Array[];
  write(call: string, layer: Layer, values: readonly Float32Array[]): void;
}

const counters = new Map<string, number>();

/** A layer; make one with `layers.*`. */
export abstract class Layer {
  readonly name: string;
  /** What the options say of the input, null where they say nothing: only the first layer of a model needs it. */
  readonly batchInputShape: Shape | null;
  #trainable: boolean;
  #frozenByModel = false;
  readonly #lists: boolean;
  #weights: WeightSpec[] = [];
  #home: WeightStore | null = null;
  #built: { input: Shape; output: Shape } | null = null;
  #initialValues: Float32Array[] | null = null;
  readonly #initialWeights: readonly TensorLike[] | undefined;

  constructor(
    /** The name Keras gives it. */
    readonly className: string,
    options: LayerOptions,
    /** Rank of one sample, for inputDim. */
    inputRank: 1 | 2,
    /** Whether a sample may be a list of any length, `[null]`, as one of ids is. */
    lists = false,
  ) {
    const call = `layers.${factoryOf(className)}`;
    this.#trainable = options.trainable === undefined ? true : checkBoolean(call, 'trainable', options.trainable);
    this.batchInputShape = readInputShape(call, options, inputRank, lists);
    if (options.dtype !== undefined && options.dtype !== 'float32') {
      fail(call, `dtype must be 'float32', got ${show(options.dtype)}`);
    }
    if (options.weights !== undefined && !Array.isArray(options.weights)) {
      fail(call, `weights must be an array of tensors, got ${show(options.weights)}`);
    }
    registerClass(className, new.target as never);
    this.#initialWeights = options.weights;
    this.#lists = lists;
    this.name = readName(call, className, options.name);
  }

  /** Whether training changes the weights. It may be set at any time, also between batches. */
  get trainable(): boolean {
    return this.#trainable && !this.#frozenByModel;
  }

  set trainable(value: boolean) {
    this.#trainable = checkBoolean(this.name, 'trainable', value);
    this.#frozenByModel = false;
  }

  /** @internal Applies `model.trainable` to this layer: true restores the layer's own setting. */
  followModel(trainable: boolean): void {
    this.#frozenByModel = !trainable;
  }

  /** The shape of a batch that comes out, null where it is open. */
  get outputShape(): Shape {
    return [...this.built.output];
  }

  /** The shape of a batch that goes in, null where it is open. */
  get inputShape(): Shape {
    return [...this.built.input];
  }

  /** How many numbers the layer learns. */
  countParams(): number {
    return this.weightSpecs.reduce((count, { shape }) => count + sizeOf(shape), 0);
  }

  /**
   * The weights, in Keras's order and layout.
   *
   * @param trainableOnly none of a frozen layer; default false
   */
  getWeights(trainableOnly?: boolean): Tensor[] {
    return this.readWeights(`${this.name}.getWeights`, trainableOnly);
  }

  /** @internal */
  readWeights(call: string, trainableOnly = false): Tensor[] {
    if (checkBoolean(call, 'trainableOnly', trainableOnly) && !this.trainable) return [];
    const values = this.#homeOf(call).read(call, this);
    return this.weightSpecs.map(({ shape }, i) => new Tensor(values[i]!, [...shape]));
  }

  /** Replaces the weights; takes what `getWeights` gives. */
  setWeights(weights: readonly TensorLike[]): void {
    const call = `${this.name}.setWeights`;
    this.#homeOf(call);
    const checked = this.checkWeights(call, weights); // may run user code that removes the layer from its model
    this.#homeOf(call).write(call, this, checked);
  }

  /** @internal Weights given by a caller, checked and copied. */
  checkWeights(call: string, weights: unknown): Float32Array[] {
    return readWeights(call, weights, this.weightSpecs);
  }

  #homeOf(call: string): WeightStore {
    return this.#home ?? fail(call, 'the layer must belong to a model first; pass it to model.add');
  }

  /** The options of the layer, as TF.js has them: the factory of its class makes the same layer of them. */
  getConfig(): Config {
    const { name, trainable, batchInputShape } = this;
    return { name, trainable, ...(batchInputShape && { batchInputShape, dtype: 'float32' }), ...this.settings() };
  }

  /** @internal Its own options. */
  protected settings(): Config {
    return {};
  }

  /** @internal The names of the weights in files, each once in a model. */
  get weightPaths(): string[] {
    return this.weightSpecs.map(spec => `${this.name}/${toPython(spec.name)}`);
  }

  // --------------------------------------------------------------------------------------- between layers and models

  /** @internal The weights of the built layer. */
  get weightSpecs(): readonly WeightSpec[] {
    return this.#weights;
  }

  /** @internal Values for weights that no memory holds yet. */
  get initialValues(): Float32Array[] | null {
    return this.#initialValues;
  }

  set initialValues(values: Float32Array[] | null) {
    this.#initialValues = values;
  }

  /** @internal */
  get built(): { input: Shape; output: Shape } {
    return this.#built ?? fail(this.name, 'the layer has no shape before it belongs to a model; pass it to model.add');
  }

  /** @internal The seeds from which dropout draws, given or drawn; they belong to the state of a training. */
  get dropoutSeeds(): readonly number[] {
    return [];
  }

  set dropoutSeeds(_seeds: readonly number[]) {}

  /** @internal Whether the layer carries a state from batch to batch. */
  get stateful(): boolean {
    return false;
  }

  /** @internal Whether it says which time steps count in the layers above. */
  get masks(): boolean {
    return false;
  }

  /** @internal Whether the layer turns each number of a sequence into a vector, as an embedding does. */
  get opensTime(): boolean {
    return false;
  }

  /** @internal Whether an output depends on the inputs of several time steps, other than through carried states. */
  get mixesTime(): boolean {
    const { input, output } = this.built;
    return input.length !== output.length;
  }

  /** @internal Refuses to be applied to every time step by `timeDistributed`. */
  checkWrapped(call: string): void {
    refuseWrapped(call, this);
  }

  /**
   * @internal Fixes the shapes and draws the seeds of the initial weights. Checks everything before it keeps any.
   * @param seeds of the model
   */
  build(call: string, input: Shape, home: WeightStore, seeds: SeedStream): void {
    if (this.#home) fail(call, `layer must not belong to a model yet, got '${this.name}'`);
    if (input.at(-1) === null && !this.#lists) {
      fail(call, `${this.name} needs an input whose last axis is fixed, got ${showShape(input)}`);
    }
    const output = this.outputShapeFor(call, input);
    const specs = this.describeWeights(input);
    const values = this.#initialWeights ? readWeights(call, this.#initialWeights, specs) : null;
    for (const { name, shape, initializer, constraint } of specs) {
      initializer.checkWeight(call, name, shape);
      constraint?.checkWeight(call, name, shape);
    }
    const weights = specs.map(spec => ({ ...spec, seed: spec.initializer.drawSeed(seeds) }));
    if (values) this.initialValues = values; // a layer around another one has those of that
    this.#built = { input, output };
    this.#weights = weights;
    this.#home = home;
  }

  /** @internal Refuses to stand on a layer it cannot work with; shapes are looked at elsewhere. */
  checkBelow(_call: string, _below: Layer): void {}

  /** @internal Refuses numbers of the model's input that it cannot take, before anything has changed. */
  checkInput(_call: string, _name: string, _numbers: Float32Array, _from: number, _count: number): void {}

  /** @internal Undoes `build`: the layer may join another model. */
  leave(): void {
    this.#home = null;
    this.#built = null;
    this.#frozenByModel = false;
    this.initialValues = null;
  }

  /** @internal The output shape for an input shape, or a ValueError that names `call`. */
  abstract outputShapeFor(call: string, input: Shape): Shape;

  /** @internal */
  protected abstract describeWeights(input: Shape): Omit<WeightSpec, 'seed'>[];

  /** @internal Floats the packed weights take. */
  abstract get parameterCount(): number;

  /** @internal Floats a carried state takes; 0 for layers that have none. */
  stateCount(_batch: number): number {
    return 0;
  }

  /**
   * @internal Moves weights between `packed` and plain matrices, one address for each of `describeWeights`.
   * Inward packs, outward unpacks.
   */
  abstract moveWeights(kernels: Kernels, packed: number, plain: readonly number[], inward: boolean): void;

  /**
   * @internal Reserves buffers and adds stages for the kernels.
   * @param input what the layer below leaves, and where it wants the gradient
   * @param top whether the loss comes next
   * @returns what this layer leaves, and, in training, where it expects the gradient of that
   */
  abstract plan(planner: Planner, input: Signal, home: LayerOffsets, top: boolean): Signal;
}

exactMethods(Layer, 'layer', ['countParams', 'getWeights', 'setWeights', 'getConfig']);

/** Of what is no layer, or none that works on each time step by itself. */
export function refuseWrapped(call: string, layer: unknown): never {
  return fail(call, `layer must be a dense layer, dropout or an activation, got ${show(layer)}`);
}

function readName(call: string, className: string, name: unknown): string {
  if (name !== undefined) {
    if (typeof name !== 'string' || name === '') fail(call, `name must be a non-empty string, got ${show(name)}`);
    return name;
  }
  const count = (counters.get(className) ?? 0) + 1;
  counters.set(className, count);
  const snake = className.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase();
  return `${snake}_${className}${count}`;
}

function readInputShape(call: string, options: LayerOptions, inputRank: 1 | 2, lists: boolean): Shape | null {
  const { inputShape, batchInputShape, batchSize, inputDim } = options;
  const batch = batchSize === undefined || batchSize === null ? null : checkCount(call, 'batchSize', batchSize);
  let shape: Shape;
  if (batchInputShape !== undefined) {
    if (inputShape !== undefined) fail(call, 'takes either inputShape or batchInputShape, got both');
    shape = checkShape(call, 'batchInputShape', batchInputShape, { open: true });
  } else if (inputShape !== undefined) {
    shape = [batch, ...checkShape(call, 'inputShape', inputShape, { open: true })];
  } else if (inputDim !== undefined) {
    shape = [batch, ...(inputRank === 2 ? [null] : []), checkCount(call, 'inputDim', inputDim)];
  } else {
    return null;
  }
  const name = batchInputShape === undefined ? 'inputShape' : 'batchInputShape';
  const sample = shape.slice(1);
  if (sample.length !== 1 && sample.length !== 2) {
    const rule = batchInputShape === undefined ? '[T, D] or [D]' : '[B, T, D] or [B, D]';
    fail(call, `${name} must be ${rule}, got ${showShape(batchInputShape === undefined ? sample : shape)}`);
  }
  if (sample.at(-1) === null && !(lists && sample.length === 1)) {
    fail(call, `${name} must fix its last axis, got ${showShape(shape)}`);
  }
  // What two options say must agree: neither is passed over.
  if (batch !== null && shape[0] !== batch) {
    fail(call, `batchSize must be that of batchInputShape ${showShape(shape)}, got ${batch}`);
  }
  if (inputDim !== undefined && shape.at(-1) !== inputDim) {
    fail(call, `inputDim must be the last axis of ${name} ${showShape(shape)}, got ${show(inputDim)}`);
  }
  return shape;
}

/** Weights given by a caller, checked against what is expected; copies. */
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

/** Options for which null in a configuration means absent. */
const nullable: readonly string[] = ['dtype', 'inputLength', 'seed', 'weights'];

/** The options of a layer that must be known by name, beside those of every layer. */
export function checkLayerOptions<T extends LayerOptions>(
  call: string,
  options: unknown,
  own: readonly string[],
): Partial<T> {
  return withoutNull(checkOptions<T>(call, options, [...own, ...layerOptions]), nullable);
}
