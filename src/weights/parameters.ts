/**
 * The parameters of a model: weights in wasm memory, and, once a batch is trained, their gradients and the state of the
 * optimizer.
 */

import type { Layer, WeightStore } from '../layers/layer.ts';
import type { Optimizer } from '../optimizers/index.ts';
import { FLOAT } from '../util/memorySizes.ts';
import { sizeOf } from '../util/shapes.ts';
import { Block, countModel, kernels, uncountModel } from '../wasm/engine.ts';
import { sizesOf, UnpackScratch, WeightLayout, withUnpacked } from './layout.ts';
import { OptimizerStep } from './optimizerStep.ts';

/** The state of a training besides the weights. Together they determine the result of the next batch. */
export interface OptimizerState {
  /** Batches trained with the current optimizer; batches that changed nothing do not count. */
  readonly batches: number;
  /** Batches trained with any optimizer, as above. */
  readonly trained: number;
  /** The counters of the optimizer, empty before the first batch; null to compute them from `batches`. */
  readonly counters: readonly number[] | null;
  /**
   * The slots of the optimizer, then the averages of the weights if it keeps them. Each is a list of matrices like that of
   * `getWeights`. Empty before the first batch.
   */
  readonly slotValues: readonly (readonly Float32Array[])[];
}

const layersWith = (layers: readonly Layer[], what: 'regularizer' | 'constraint'): readonly Layer[] =>
  layers.filter(layer => layer.weightSpecs.some(spec => spec[what]));

export class Parameters implements WeightStore {
  /** Whether the warning about non-finite numbers has been printed (util/warning.ts). */
  warned = false;
  readonly #layout: WeightLayout;
  readonly #penalized: readonly Layer[];
  readonly #constrained: readonly Layer[];
  #weights: Block | null = null;
  /** Null until gradients are needed. */
  #training: OptimizerStep | null = null;
  /** For regularizers, constraints and clipNorm; null until one of them needs it. */
  #scratch: UnpackScratch | null = null;
  #trained = 0;
  #free = false;
  #version = 0;

  constructor(layers: readonly Layer[]) {
    this.#layout = new WeightLayout(layers);
    this.#penalized = layersWith(layers, 'regularizer');
    this.#constrained = layersWith(layers, 'constraint');
  }

  /** Whether `free` has been called; all other methods then fail. */
  get isFree(): boolean {
    return this.#free;
  }

  /** The byte offset of a layer's weights, and of its gradients. */
  offsetOf(layer: Layer): number {
    return this.#layout.offsetOf(layer);
  }

  /** Changes whenever the plans compiled so far have become invalid. */
  get version(): number {
    return this.#version;
  }

  /** Invalidates the plans of all models with these parameters, because a value that plans contain has changed. */
  invalidatePlans(): void {
    this.#version++;
  }

  // ------------------------------------------------------------------------------------------------------- memory

  /** Address of the weights; they are allocated and initialized on first use. */
  weights(call: string): number {
    if (this.#weights) return this.#weights.address;
    const { layers, count } = this.#layout;
    const block = new Block(call, Math.max(count, 1) * FLOAT);
    try {
      for (const layer of layers) initialize(call, layer, block.address + this.offsetOf(layer));
    } catch (error) {
      block.free();
      throw error;
    }
    for (const layer of layers) layer.initialValues = null;
    countModel(this);
    this.#weights = block;
    return block.address;
  }

  /** Address of the gradients; they and the state of the optimizer are allocated on first use. */
  gradients(call: string, optimizer: Optimizer): number {
    return this.#trainingWith(call, optimizer).gradients;
  }

  #trainingWith(call: string, optimizer: Optimizer): OptimizerStep {
    if (!this.#training) {
      const weights = this.weights(call);
      this.#reserveScratch(call, optimizer.clipNorm !== null);
      this.#training = new OptimizerStep(call, this.#layout, this.#constrained, this.#scratch, weights, optimizer);
    }
    return this.#training;
  }

  /** Reserves scratch for the layers that need it in every batch, or for all. */
  #reserveScratch(call: string, all: boolean): void {
    const layers = all ? this.#layout.layers : [...this.#penalized, ...this.#constrained];
    if (layers.length === 0 || this.#scratch?.holds(layers)) return;
    const scratch = new UnpackScratch(call, layers);
    this.#scratch?.free();
    this.#scratch = scratch;
  }

  /**
   * Allocates all memory that writing the weights and `resume` need, so that neither can fail afterwards.
   *
   * @param optimizer null if no batches have been trained
   */
  prepare(call: string, optimizer: Optimizer | null): void {
    this.weights(call);
    if (optimizer) this.gradients(call, optimizer);
    this.makeRoom(call);
  }

  /** Allocates and frees the memory that writing the weights of any layer needs, so that writing cannot fail. */
  makeRoom(call: string): void {
    if (this.#weights) new UnpackScratch(call, this.#layout.layers).free();
  }

  free(): void {
    this.forgetTraining();
    this.#scratch?.free();
    this.#scratch = null;
    if (this.#weights) uncountModel(this);
    this.#weights?.free();
    this.#weights = null;
    this.#free = true;
  }

  // ------------------------------------------------------------------------------------------------------- weights

  /** Copies of the weights of a layer, or of one that a layer wraps. */
  read(call: string, layer: Layer): Float32Array[] {
    return this.#readFrom(call, layer, this.weights(call));
  }

  #readFrom(call: string, layer: Layer, address: number): Float32Array[] {
    return withUnpacked(call, sizesOf(layer), (matrices, views) => {
      layer.unpackWeights(kernels(), address + this.offsetOf(layer), matrices);
      return views().map(view => view.slice());
    });
  }

  /** Replaces the weights of a layer, or of one that a layer wraps. */
  write(call: string, layer: Layer, values: readonly Float32Array[]): void {
    this.warned = false;
    // Without memory, the values are kept until `weights`
    if (!this.#weights && this.#layout.layers.includes(layer)) layer.initialValues = [...values];
    else this.#writeTo(call, layer, this.weights(call), values);
  }

  #writeTo(call: string, layer: Layer, address: number, values: readonly Float32Array[]): void {
    this.#training?.resetGuard();
    withUnpacked(call, sizesOf(layer), (matrices, views) => {
      for (const [i, view] of views().entries()) view.set(values[i]!);
      layer.packWeights(kernels(), address + this.offsetOf(layer), matrices);
    });
  }

  // ---------------------------------------------------------------------------------------------------- one batch

  /** The number of batches trained with any optimizer, on which dropout depends; batches that changed nothing do not count. */
  get trained(): number {
    return this.#trained;
  }

  /** The number of batches trained with the current optimizer, as above. */
  get batches(): number {
    return this.#training?.batches ?? 0;
  }

  /** The learning rate of the next batch. */
  rate(call: string, optimizer: Optimizer): number {
    return optimizer.rateAt(call, this.batches);
  }

  /** The penalties of the regularizers. */
  penalty(call: string): number {
    if (this.#penalized.length === 0) return 0;
    const weights = this.weights(call);
    this.#reserveScratch(call, false);
    let sum = 0;
    for (const layer of this.#penalized) {
      sum += penaltyOf(layer, this.#scratch!.unpack(layer, weights + this.offsetOf(layer)));
    }
    return sum;
  }

  /**
   * Sets the gradients to those of the regularizers, or to zero. Backward then adds to them.
   *
   * @returns the penalties of the regularizers
   */
  startGradients(): number {
    const { gradients } = this.#training!;
    kernels().zero(gradients, this.#layout.count * FLOAT);
    let sum = 0;
    for (const layer of this.#penalized) {
      const offset = this.offsetOf(layer);
      const matrices = this.#scratch!.unpack(layer, this.#weights!.address + offset);
      sum += penaltyOf(layer, matrices);
      toPenaltyGradients(layer, matrices);
      layer.packWeights(kernels(), gradients + offset, matrices);
    }
    return sum;
  }

  /**
   * Updates the weights by the gradients.
   *
   * @param rate the learning rate of the batch
   * @returns false if gradients or updated numbers are not finite; nothing has changed in that case
   */
  update(call: string, optimizer: Optimizer, rate: number): boolean {
    const updated = this.#training!.update(call, optimizer, rate);
    if (updated) this.#trained++;
    return updated;
  }

  /** Replaces the trainable weights by their averages, if the optimizer keeps them and a batch has been trained. */
  takeAverages(optimizer: Optimizer): void {
    this.#training?.takeAverages(optimizer);
  }

  /** Frees gradients and optimizer state, so that training starts with a fresh optimizer. */
  forgetTraining(): void {
    this.warned = false;
    if (!this.#training) return;
    this.#training.free();
    this.#training = null;
    this.invalidatePlans();
  }

  // -------------------------------------------------------------------------------------------------------- saving

  /** The state of the training; the arrays are copies. */
  optimizerState(call: string, optimizer: Optimizer | null): OptimizerState {
    const { batches, trained } = this;
    const training = this.#training;
    if (batches === 0 || !training || !optimizer) return { batches, trained, counters: [], slotValues: [] };
    const slotValues = Array.from({ length: training.slots }, (_, slot) =>
      this.#layout.layers.flatMap(layer => this.#readFrom(call, layer, training.slotAddress(slot))),
    );
    return { batches, trained, counters: training.counters, slotValues };
  }

  /**
   * Restores the state of a training.
   *
   * @param optimizer null before `compile`; only `trained` is restored then
   * @param progress checked against this optimizer and these layers
   */
  restoreOptimizerState(
    call: string,
    optimizer: Optimizer | null,
    { batches, trained, counters, slotValues }: OptimizerState,
  ): void {
    if (batches === 0) this.forgetTraining();
    const training = batches > 0 && optimizer ? this.#trainingWith(call, optimizer) : null;
    this.#trained = trained;
    optimizer?.setStep(batches);
    if (!training || !optimizer) return;
    for (const [slot, values] of slotValues.entries()) {
      let next = 0;
      for (const layer of this.#layout.layers) {
        const own = values.slice(next, next + layer.weightSpecs.length);
        next += own.length;
        this.#writeTo(call, layer, training.slotAddress(slot), own);
      }
    }
    training.restoreCounters(optimizer, batches, counters);
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

/** The penalties of a layer. */
function penaltyOf(layer: Layer, matrices: readonly number[]): number {
  let sum = 0;
  const specs = layer.weightSpecs;
  for (let i = 0; i < specs.length; i++) {
    const { regularizer, shape } = specs[i]!;
    if (regularizer) sum += kernels().penalty(matrices[i]!, sizeOf(shape), regularizer.l1, regularizer.l2);
  }
  return sum;
}

/** Replaces weights by the gradients of their penalties. */
function toPenaltyGradients(layer: Layer, matrices: readonly number[]): void {
  const specs = layer.weightSpecs;
  for (let i = 0; i < specs.length; i++) {
    const { regularizer, shape } = specs[i]!;
    const size = sizeOf(shape);
    if (regularizer) kernels().penaltyGradient(matrices[i]!, size, regularizer.l1, regularizer.l2);
    else kernels().zero(matrices[i]!, size * FLOAT);
  }
}
