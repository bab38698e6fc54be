/** Values of a graph that has not been computed yet, and the calls of layers that give them. */

import { limitMethodArguments } from '../util/arguments.ts';
import type { Shape } from '../util/shapes.ts';

type Named = { readonly name: string };

/** The calls between symbolic inputs and outputs, such as those of a model. */
export interface NodeGraph<L extends Named> {
  readonly inputs: readonly SymbolicTensor<L>[];
  readonly outputs: readonly SymbolicTensor<L>[];
  /** Each after the nodes that it reads. */
  readonly nodes: readonly LayerNode<L>[];
}

/** One call of a layer with symbolic tensors. A layer that is called several times shares its weights between them. */
export class LayerNode<L extends Named = Named> {
  readonly outputs: readonly SymbolicTensor<L>[];

  constructor(
    readonly layer: L,
    /** The inputs, then the initial states if there are any. */
    readonly inputs: readonly SymbolicTensor<L>[],
    outputShapes: readonly Shape[],
    /** How many of the inputs are initial states. */
    readonly stateCount = 0,
    /** Whether dropout is always active in this call; null if it is active in training only. */
    readonly training: boolean | null = null,
    /** The masks that the call is given, with null for inputs without one; empty if the inputs keep their masks. */
    readonly masks: readonly (SymbolicTensor<L> | null)[] = [],
  ) {
    this.outputs = outputShapes.map((shape, n) => new SymbolicTensor(this, n, shape));
  }

  /** All tensors that the call depends on: inputs, initial states and masks. */
  get reads(): readonly SymbolicTensor<L>[] {
    return [...this.inputs, ...this.masks.filter(mask => mask !== null)];
  }
}

/** An input of a model, or the output of a layer in a model. It has a shape, but no numbers. */
export class SymbolicTensor<L extends Named = Named> {
  readonly dtype = 'float32';
  readonly #node: LayerNode<L>;
  readonly #shape: Shape;

  /** @internal */
  constructor(
    node: LayerNode<L>,
    /** @internal The position among the outputs of the call. */
    readonly index: number,
    shape: Shape,
  ) {
    this.#node = node;
    this.#shape = [...shape];
  }

  /** @internal The call that gives the tensor. */
  get node(): LayerNode<L> {
    return this.#node;
  }

  /** The shape of a batch; null for sizes that are not fixed. */
  get shape(): Shape {
    return [...this.#shape];
  }

  get rank(): number {
    return this.#shape.length;
  }

  /** The name of the layer, with a number if it is not the first of its outputs. */
  get name(): string {
    return this.index === 0 ? this.node.layer.name : `${this.node.layer.name}_${this.index}`;
  }

  /** Name, shape and dtype, for `JSON.stringify`, which passes a key. */
  toJSON(_key?: string): { name: string; shape: Shape; dtype: string } {
    const { name, shape, dtype } = this;
    return { name, shape, dtype };
  }

  /** The layer that gives the tensor. */
  get sourceLayer(): L {
    return this.node.layer;
  }
}

limitMethodArguments(SymbolicTensor, 'symbolicTensor');
