/** The base class of layers that users write in JavaScript. */

import { type PlannedCall, type Planner, type Signals, wholeLines } from '../../plan/planner.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { rejectExtraArguments } from '../../util/arguments.ts';
import type { Config } from '../../util/config.ts';
import { addCustomName } from '../../util/customClasses.ts';
import { factoryNameOf, fail, reasonOf, show, ValueError } from '../../util/errors.ts';
import { FLOAT } from '../../util/memorySizes.ts';
import { checkBoolean, checkText } from '../../util/options.ts';
import { checkShape, type Shape, showShape, sizeOf } from '../../util/shapes.ts';
import { warn } from '../../util/warning.ts';
import type { Kernels } from '../../wasm/kernels.ts';
import { type Constraint, type ConstraintName, resolveConstraint } from '../../weights/constraints.ts';
import {
  type Initializer,
  type InitializerName,
  initializers,
  resolveInitializer,
} from '../../weights/initializers.ts';
import { type Regularizer, type RegularizerName, resolveRegularizer } from '../../weights/regularizers.ts';
import { Layer } from '../layer.ts';
import { checkLayerOptions, type LayerOptions, layerOptions } from '../layerOptions.ts';
import { checkSameRanks } from '../merge.ts';
import { rejectBuiltIn } from '../registry.ts';
import type { WeightSpec } from '../weightSpec.ts';
import { LayerVariable } from './layerVariable.ts';
import { type CallArguments, type PlannedLayer, planCustom } from './planCustom.ts';

/** The shapes for which the result of `computeOutputShape` is kept. */
const MOST_SHAPES = 64;

/**
 * The base class of your own layers, `layers.Layer`. Write `call` with the functions of tensors, from which its gradient is
 * derived, and register the class with `serialization.registerClass`, so that files with the layer can be read. The layer
 * runs in JavaScript, between the kernels of the others.
 *
 *     class Scale extends layers.Layer {
 *       static className = 'Scale';
 *       build(inputShape) {
 *         this.factor = this.addWeight('factor', [inputShape.at(-1)], 'float32', 'ones');
 *       }
 *       call([x]) {
 *         return x.mul(this.factor.read());
 *       }
 *     }
 */
export abstract class CustomLayer extends Layer {
  /** Whether `build` has been called. */
  built = false;
  /**
   * Whether the layer passes masks on, as `computeMask` says. Default: false; a mask of its input then ends at the layer, with a
   * warning.
   */
  supportsMasking = false;
  /**
   * Whether `call` computes each time step from that time step of its inputs alone, so that streams can run the layer step by
   * step. Default: false. Not needed for inputs without time steps.
   */
  perTimeStep = false;
  readonly dtype = 'float32';
  #variables: LayerVariable[] = [];
  #specs: Omit<WeightSpec, 'seed'>[] | null = null;
  #isBuilding = false;
  /** Whether the warning about a mask has been printed. */
  #warned = false;
  readonly #shapes = new Map<string, Shape[]>();

  /** @param config the options of every layer, such as `name` and `inputShape`; others are ignored */
  constructor(config?: LayerOptions) {
    rejectExtraArguments('layers.Layer', 1, arguments);
    const { className } = new.target as { className?: unknown };
    if (!Object.hasOwn(new.target, 'className') || typeof className !== 'string' || className === '') {
      fail(
        `layers.${new.target.name || 'Layer'}`,
        `the class must have a static className, a string that is not empty, got ${show(className)}`,
      );
    }
    const call = `layers.${factoryNameOf(className)}`;
    rejectBuiltIn(call, className);
    if (config !== undefined && config !== null && typeof config !== 'object') {
      fail(call, `config must be an object, got ${show(config)}`);
    }
    const given = (config ?? {}) as { readonly [name: string]: unknown };
    const own = Object.fromEntries(layerOptions.filter(name => name in given).map(name => [name, given[name]]));
    super(className, checkLayerOptions<LayerOptions>(call, own, []), 1, { isModel: true });
    for (const name of ['build', 'call', 'computeOutputShape', 'computeMask', 'getConfig'] as const) {
      if (typeof this[name] !== 'function') fail(call, `the class must have a method ${name}, got ${show(this[name])}`);
    }
    addCustomName(className);
  }

  /** Creates a layer from what `getConfig` returned. */
  static fromConfig<T>(cls: new (config: never) => T, config: object): T {
    return new cls(config as never);
  }

  // ------------------------------------------------------------------------------------------------ for subclasses

  /**
   * Creates the weights, with `addWeight`. Called once, before the layer is first used.
   *
   * @param inputShape the shape of a batch, with null for sizes that are not fixed; a list of shapes for several inputs
   */
  build(inputShape: Shape | Shape[]): void;
  build(): void {
    this.built = true;
  }

  /**
   * Computes the output, with tensor functions. Called for every batch; it must not depend on anything but its arguments, the
   * weights and the options of the layer.
   *
   * @param inputs a list of the inputs, each [batch, features] or [batch, timeSteps, features], also for a single one
   * @returns a tensor of the shape that `computeOutputShape` gives; a list for several outputs
   */
  abstract call(inputs: Tensor[], kwargs: CallArguments): Tensor | Tensor[];

  /**
   * The shape of the output; a list of shapes for several outputs. Default: the shape of the input.
   *
   * @param inputShape as in `build`, also with other sizes
   */
  computeOutputShape(inputShape: Shape | Shape[]): Shape | Shape[] {
    return inputShape;
  }

  /**
   * Which time steps of the output count, if `supportsMasking` is set. Default: those of the first input that has a mask.
   *
   * @param inputs as in `call`
   * @param masks a list with the mask of each input, [batch, timeSteps], a bool tensor; null for those without
   * @returns a tensor [batch, timeSteps], or null if all count; a list for several outputs
   */
  computeMask(inputs: Tensor[], masks: (Tensor | null)[]): Tensor | null | (Tensor | null)[];
  computeMask(_: Tensor[], masks: (Tensor | null)[]): Tensor | null | (Tensor | null)[] {
    return masks.find(mask => mask) ?? null;
  }

  /**
   * Adds a weight; to be called in `build`.
   *
   * @param initializer default: 'glorotUniform'
   * @param regularizer a penalty on the weight, added to the loss; default: none
   * @param trainable whether the optimizer updates the weight; default: true
   * @param constraint applied to the weight after every update; default: none
   * @returns the weight; `read()` gives its numbers in `call`
   */
  protected addWeight(
    name: string,
    shape: Shape,
    dtype?: 'float32' | null,
    initializer?: Initializer | InitializerName | null,
    regularizer?: Regularizer | RegularizerName | null,
    trainable?: boolean | null,
    constraint?: Constraint | ConstraintName | null,
  ): LayerVariable {
    const call = `${this.name}.addWeight`;
    rejectExtraArguments(call, 7, arguments);
    if (!this.#isBuilding) fail(call, 'must be called in build');
    checkText(call, 'name', name);
    if (this.#specs!.some(spec => spec.name === name)) fail(call, `name must be unique, got a second ${show(name)}`);
    const sizes = checkShape(call, 'shape', shape) as number[];
    if (sizes.includes(0)) fail(call, `shape must have sizes of at least 1, got ${showShape(sizes)}`);
    if (dtype !== undefined && dtype !== null && dtype !== 'float32') {
      fail(call, `dtype must be 'float32', got ${show(dtype)}`);
    }
    const isTrained = trainable === undefined || trainable === null ? true : checkBoolean(call, 'trainable', trainable);
    const spec = {
      name,
      shape: sizes,
      initializer: initializer ? resolveInitializer(call, 'initializer', initializer) : initializers.glorotUniform(),
      regularizer: resolveRegularizer(call, 'regularizer', regularizer ?? null),
      constraint: resolveConstraint(call, 'constraint', constraint ?? null),
      ...(!isTrained && { trainable: false, constraint: null }),
    };
    const variable = new LayerVariable(this, one => this.#variables.indexOf(one), name, sizes, isTrained);
    // As in Keras, the weights that are trained come first
    const at = isTrained ? this.#variables.filter(one => one.trainable).length : this.#variables.length;
    this.#variables.splice(at, 0, variable);
    this.#specs!.splice(at, 0, spec);
    return variable;
  }

  /** Does nothing. For layers written for TF.js. */
  protected invokeCallHook(_inputs?: unknown, _kwargs?: unknown): void {}

  /** The name of the class, as in TF.js. */
  getClassName(): string {
    rejectExtraArguments('layer.getClassName', 0, arguments);
    return this.className;
  }

  // ---------------------------------------------------------------------------------------------- for the library

  /** @internal The options of every layer. */
  baseConfig(): Config {
    return super.getConfig();
  }

  /** Whether its class computes masks. */
  get #ownsMask(): boolean {
    return this.supportsMasking && this.computeMask !== CustomLayer.prototype.computeMask;
  }

  /** @internal */
  override get createsMask(): boolean {
    return this.#ownsMask;
  }

  /** @internal */
  override get endsMask(): boolean {
    return !this.supportsMasking || this.connection.outputs.every(({ length }) => length === 2);
  }

  /** @internal */
  override get isCustom(): boolean {
    return true;
  }

  /** @internal */
  override get runsByTimeStep(): boolean {
    const { inputs, outputs } = this.connection;
    if (inputs.every(({ length }) => length === 2)) return outputs.every(({ length }) => length === 2);
    return this.perTimeStep && outputs.every(({ length }) => length === 3);
  }

  /** @internal */
  override get weightPaths(): string[] {
    return this.weightSpecs.map(({ name }) => `${this.name}/${name}`);
  }

  /** @internal */
  override connect(call: string, inputs: readonly Shape[]): Shape[] {
    const isFirst = this.#specs === null;
    if (!isFirst) checkSameRanks(call, this, inputs);
    try {
      return super.connect(call, inputs);
    } catch (error) {
      if (isFirst) this.#forget();
      throw error;
    }
  }

  /** @internal */
  override unbuild(): void {
    super.unbuild();
    this.#forget();
  }

  #forget(): void {
    this.#specs = null;
    this.#variables = [];
    this.#shapes.clear();
    this.built = false;
  }

  /** @internal */
  override outputShapesFor(call: string, inputs: readonly Shape[]): Shape[] {
    if (this.#specs === null) this.#build(call, inputs);
    const key = inputs.join(' ');
    const known = this.#shapes.get(key);
    if (known) return known;
    const shapes = this.#computeShapes(call, inputs);
    if (this.#shapes.size >= MOST_SHAPES) this.#shapes.clear();
    this.#shapes.set(key, shapes);
    return shapes;
  }

  #build(call: string, inputs: readonly Shape[]): void {
    this.#specs = [];
    this.#isBuilding = true;
    try {
      this.#guard(call, 'build', () => this.build(oneOrAll(inputs)));
      this.built = true;
    } finally {
      this.#isBuilding = false;
    }
  }

  #computeShapes(call: string, inputs: readonly Shape[]): Shape[] {
    const given: unknown = this.#guard(call, 'computeOutputShape', () => this.computeOutputShape(oneOrAll(inputs)));
    const list: readonly unknown[] = Array.isArray(given) && Array.isArray(given[0]) ? given : [given];
    return list.map(value => {
      const what = `computeOutputShape of ${this.#title}`;
      const shape = checkShape(call, `the result of ${what}`, value, { open: true });
      const batch = inputs[0]![0]!;
      if ((shape.length !== 2 && shape.length !== 3) || shape[0] !== batch || shape.at(-1) === null) {
        const rule = `[${batch}, features] or [${batch}, timeSteps, features]`;
        fail(call, `${what} must return ${rule} for the input ${inputs.map(showShape).join(', ')}, got ${show(value)}`);
      }
      return shape;
    });
  }

  /** Describes the layer in error messages. */
  get #title(): string {
    return `layer ${show(this.name)}`;
  }

  /** Calls a method of the user, and names it in errors. */
  #guard<T>(call: string, method: string, run: () => T): T {
    try {
      return run();
    } catch (error) {
      throw new ValueError(`${call}: ${method} of ${this.#title} failed: ${reasonOf(error)}`, { cause: error });
    }
  }

  /** @internal */
  protected override describeWeights(): Omit<WeightSpec, 'seed'>[] {
    return this.#specs!;
  }

  /** @internal */
  override get trainedCount(): number {
    return this.#weightOffset(this.#variables.filter(({ trainable }) => trainable).length) / FLOAT;
  }

  /** @internal */
  override get parameterCount(): number {
    return this.#weightOffset(this.#variables.length) / FLOAT;
  }

  /** Where weight n is among the packed weights, in bytes: each starts on a cache line. */
  #weightOffset(n: number): number {
    let floats = 0;
    for (let k = 0; k < n; k++) floats += wholeLines(sizeOf(this.#variables[k]!.shape));
    return floats * FLOAT;
  }

  /** @internal */
  override packWeights({ copyRows }: Kernels, packed: number, matrices: readonly number[]): void {
    for (let n = 0; n < matrices.length; n++) {
      const size = sizeOf(this.#variables[n]!.shape);
      copyRows(packed + this.#weightOffset(n), 0, 0, matrices[n]!, 0, 0, 1, 1, size);
    }
  }

  /** @internal */
  override unpackWeights({ copyRows }: Kernels, packed: number, matrices: readonly number[]): void {
    for (let n = 0; n < matrices.length; n++) {
      const size = sizeOf(this.#variables[n]!.shape);
      copyRows(matrices[n]!, 0, 0, packed + this.#weightOffset(n), 0, 0, 1, 1, size);
    }
  }

  /** @internal */
  override plan(planner: Planner, inputs: Signals, call: PlannedCall): Signals {
    const layer: PlannedLayer = {
      name: this.name,
      title: this.#title,
      ranks: this.connection.inputs.map(({ length }) => length),
      supportsMasking: this.supportsMasking,
      ownsMask: this.#ownsMask,
      variables: this.#variables,
      offsets: this.#variables.map((_, n) => this.#weightOffset(n)),
      isTrainable: () => this.trainable,
      outputShapes: shapes => this.outputShapesFor(this.name, shapes),
      call: (given, kwargs) => this.call(given, kwargs),
      computeMask: (given, masks) => this.computeMask(given, masks),
      guard: (name, method, run) => this.#guard(name, method, run),
    };
    if (!this.supportsMasking && !this.#warned && inputs.some(({ mask }) => mask)) {
      this.#warned = true;
      warn(`${this.name}: the mask of the input ends here, because the layer does not set supportsMasking to true`);
    }
    return planCustom(layer, planner, inputs, call);
  }
}

/** As TF.js passes shapes: a list only for several inputs. Copies, which the user may change. */
const oneOrAll = (shapes: readonly Shape[]): Shape | Shape[] =>
  shapes.length === 1 ? [...shapes[0]!] : shapes.map(shape => [...shape]);
