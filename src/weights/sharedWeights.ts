/** The weights of layers in wasm memory. Models that have layers in common share them. */

import type { Layer, WeightStore } from '../layers/layer.ts';
import { fail } from '../util/errors.ts';
import { FLOAT } from '../util/memorySizes.ts';
import { Block, countModel, kernels, uncountModel } from '../wasm/engine.ts';
import { sizesOf, UnpackScratch, WeightLayout, withUnpacked } from './layout.ts';

/** What depends on the place of the weights. */
interface User {
  /** The weights have moved to other weights, of which they are a part. */
  moveTo(weights: SharedWeights): void;
}

export class SharedWeights implements WeightStore {
  readonly layout: WeightLayout;
  /** How many models use the weights and have not been disposed of. */
  #models = 0;
  /** Increased by every write from outside of training. */
  #writes = 0;
  #block: Block | null = null;
  #free = false;
  /** How many calls of the user's code are running in which the weights must stay as they are. */
  #locks = 0;
  readonly #users = new Set<WeakRef<User>>();

  /** The layers must be connected, and belong to no other weights. */
  constructor(layers: readonly Layer[]) {
    this.layout = new WeightLayout(layers);
    for (const layer of layers) layer.store = this;
  }

  /** Of layers that only disposed models use. */
  static readonly #freed = SharedWeights.#withoutWeights();

  static #withoutWeights(): SharedWeights {
    const weights = new SharedWeights([]);
    weights.free();
    return weights;
  }

  /** The layers that still have their weights here. */
  get #layers(): Layer[] {
    return this.layout.layers.filter(layer => layer.store === this);
  }

  /** The weights of all these layers: those that exist, extended by new layers, or several joined into one. */
  static of(call: string, layers: readonly Layer[]): SharedWeights {
    const weighted = layers.filter(({ weightSpecs }) => weightSpecs.length > 0);
    const stores = new Set(weighted.map(({ store }) => store).filter(store => store instanceof SharedWeights));
    const freed = weighted.find(({ store }) => store instanceof SharedWeights && store.isFree);
    if (freed) fail(call, `'${freed.name}' must not be used after its model was disposed`);
    const [only] = stores;
    if (only && stores.size === 1 && weighted.every(({ store }) => store === only)) {
      for (const layer of layers) layer.store = only;
      return only;
    }
    // All values are read before anything changes
    const values = [...stores].map(store => store.#values(call));
    const all = new Set([...[...stores].flatMap(store => store.#layers), ...layers]);
    const joined = new SharedWeights([...all]);
    for (const own of values) for (const [layer, weights] of own) layer.initialValues = weights;
    for (const store of stores) store.#moveTo(joined);
    return joined;
  }

  /** Copies of the weights of each layer; empty without memory. */
  #values(call: string): [Layer, Float32Array[]][] {
    return this.#block ? this.#layers.map(layer => [layer, this.read(call, layer)]) : [];
  }

  #moveTo(weights: SharedWeights): void {
    for (const user of this.#users) user.deref()?.moveTo(weights);
    weights.#models += this.#models;
    this.free();
  }

  addUser(user: User): void {
    for (const known of this.#users) if (!known.deref()) this.#users.delete(known);
    this.#users.add(new WeakRef(user));
  }

  /** The number of models that use the weights and have not been disposed of. */
  get models(): number {
    return this.#models;
  }

  addModel(): void {
    this.#models++;
  }

  /**
   * Removes a model that was disposed of. Removing the last one frees the weights. Before, layers that no other model uses
   * lose their weights, whose memory is used again when weights of more layers are joined.
   */
  removeModel(layers: readonly Layer[]): void {
    for (const layer of layers) if (layer.users === 0 && layer.store === this) layer.store = SharedWeights.#freed;
    if (--this.#models === 0) this.free();
  }

  /** Removes a model that was used for one call of a layer. The weights stay, because the layer has them. */
  removeTemporaryModel(): void {
    this.#models--;
  }

  /** Whether `free` has been called; all other methods then fail. */
  get isFree(): boolean {
    return this.#free;
  }

  /** A number that changes with every write from outside of training. */
  get writes(): number {
    return this.#writes;
  }

  // ------------------------------------------------------------------------------------------------------- memory

  get isAllocated(): boolean {
    return this.#block !== null;
  }

  /** Address of the weights; they are allocated and initialized on first use. */
  address(call: string): number {
    if (this.#block) return this.#block.address;
    if (this.#free) fail(call, 'the model must not be used after dispose()');
    const { count } = this.layout;
    const layers = this.#layers;
    const block = new Block(call, Math.max(count, 1) * FLOAT);
    try {
      for (const layer of layers) initialize(call, layer, block.address + this.layout.offsetOf(layer));
    } catch (error) {
      block.free();
      throw error;
    }
    for (const layer of layers) layer.initialValues = null;
    countModel(this);
    this.#block = block;
    return block.address;
  }

  /** Draws all weights anew by the seeds of their layers, in the same memory. */
  redraw(call: string): void {
    this.checkUnlocked(call);
    this.#writes++;
    if (!this.#block) return;
    for (const layer of this.#layers) initialize(call, layer, this.#block.address + this.layout.offsetOf(layer));
  }

  /** Allocates and frees the memory that writing the weights of any layer needs, so that writing cannot fail. */
  makeRoom(call: string): void {
    if (this.#block) new UnpackScratch(call, this.#layers).free();
  }

  free(): void {
    if (this.#block) uncountModel(this);
    this.#block?.free();
    this.#block = null;
    this.#free = true;
  }

  // ------------------------------------------------------------------------------------------------------- weights

  /** Runs custom layers, losses or metrics, in which the weights must not be written. */
  locked<T>(run: () => T): T {
    this.#locks++;
    try {
      return run();
    } finally {
      this.#locks--;
    }
  }

  checkUnlocked(call: string): void {
    if (this.#locks > 0) fail(call, 'weights must not change while a custom layer, loss or metric of their model runs');
  }

  /** Copies of the weights of a layer, or of one that a layer wraps. */
  read(call: string, layer: Layer): Float32Array[] {
    return this.readFrom(call, layer, this.address(call));
  }

  /** The same for numbers at another address in the layout of the weights. */
  readFrom(call: string, layer: Layer, address: number): Float32Array[] {
    return withUnpacked(call, sizesOf(layer), (matrices, views) => {
      layer.unpackWeights(kernels(), address + this.layout.offsetOf(layer), matrices);
      return views().map(view => view.slice());
    });
  }

  /** Replaces the weights of a layer, or of one that a layer wraps. */
  write(call: string, layer: Layer, values: readonly Float32Array[]): void {
    if (this.#free) fail(call, 'the model must not be used after dispose()');
    this.checkUnlocked(call);
    this.#writes++;
    // Without memory, the values are kept until `address`
    if (!this.#block && this.#layers.includes(layer)) layer.initialValues = [...values];
    else this.writeTo(call, layer, this.address(call), values);
  }

  /** The same for numbers at another address in the layout of the weights. */
  writeTo(call: string, layer: Layer, address: number, values: readonly Float32Array[]): void {
    withUnpacked(call, sizesOf(layer), (matrices, views) => {
      for (const [i, view] of views().entries()) view.set(values[i]!);
      layer.packWeights(kernels(), address + this.layout.offsetOf(layer), matrices);
    });
  }
}

/** Fills the weights of a layer with its initial values if it has any, or by its initializers. */
function initialize(call: string, layer: Layer, address: number): void {
  if (layer.weightSpecs.length === 0) return;
  withUnpacked(call, sizesOf(layer), (matrices, views) => {
    for (const [i, { initializer, shape, seed }] of layer.weightSpecs.entries()) {
      const values = views()[i]!;
      if (layer.initialValues) values.set(layer.initialValues[i]!);
      else initializer.fill({ kernels: kernels(), address: matrices[i]!, values }, shape, seed);
    }
    layer.packWeights(kernels(), address, matrices);
  });
}
