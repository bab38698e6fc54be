/**
 * The parameters of a model: its weights, which it may share with others, and, once a batch is trained, their gradients
 * and the state of the optimizer.
 */

import type { Layer } from '../layers/layer.ts';
import type { Optimizer } from '../optimizers/index.ts';
import { FLOAT } from '../util/memorySizes.ts';
import { sizeOf } from '../util/shapes.ts';
import { kernels } from '../wasm/engine.ts';
import { UnpackScratch } from './layout.ts';
import { OptimizerStep } from './optimizerStep.ts';
import type { SharedWeights } from './sharedWeights.ts';

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

export class Parameters {
  #warned = false;
  /** The weights of these layers, and of those of other models that share some of them. */
  #weights: SharedWeights;
  /** The layers of the model. */
  readonly #layers: readonly Layer[];
  readonly #penalized: readonly Layer[];
  readonly #constrained: readonly Layer[];
  /** Null until gradients are needed. */
  #training: OptimizerStep | null = null;
  /** The state of a training whose weights have moved, until it goes on. */
  #moved: OptimizerState | null = null;
  /** `SharedWeights.writes` at the last update. */
  #writes = 0;
  /** For regularizers, constraints and clipNorm; null until one of them needs it. */
  #scratch: UnpackScratch | null = null;
  #trained = 0;
  #free = false;
  #version = 0;

  constructor(layers: readonly Layer[], weights: SharedWeights) {
    this.#layers = layers;
    this.#weights = weights;
    this.#penalized = layersWith(layers, 'regularizer');
    this.#constrained = layersWith(layers, 'constraint');
    weights.addUser(this);
  }

  /** Whether the warning about non-finite numbers has been printed (util/warning.ts). */
  get warned(): boolean {
    this.#noticeWrites();
    return this.#warned;
  }

  set warned(warned: boolean) {
    this.#warned = warned;
  }

  /** Whether `free` has been called, or the weights have been freed; all other methods then fail. */
  get isFree(): boolean {
    return this.#free || this.#weights.isFree;
  }

  /** The byte offset of a layer's weights, and of its gradients. */
  offsetOf(layer: Layer): number {
    return this.#weights.layout.offsetOf(layer);
  }

  /** Changes whenever the plans compiled so far have become invalid. */
  get version(): number {
    return this.#version;
  }

  /** Runs custom layers, losses or metrics, in which the weights must not change. */
  locked<T>(run: () => T): T {
    return this.#weights.locked(run);
  }

  /** Fails while `locked` runs. */
  checkUnlocked(call: string): void {
    this.#weights.checkUnlocked(call);
  }

  /** Invalidates the plans of all models with these parameters, because a value that plans contain has changed. */
  invalidatePlans(): void {
    this.#version++;
  }

  // ------------------------------------------------------------------------------------------------------- memory

  /** Address of the weights; they are allocated and initialized on first use. */
  weights(call: string): number {
    return this.#weights.address(call);
  }

  /** Address of the gradients; they and the state of the optimizer are allocated on first use. */
  gradients(call: string, optimizer: Optimizer): number {
    return this.#trainingWith(call, optimizer).gradients;
  }

  #trainingWith(call: string, optimizer: Optimizer): OptimizerStep {
    if (!this.#training) {
      const weights = this.weights(call);
      const { layout } = this.#weights;
      this.#reserveScratch(call, optimizer.clipNorm !== null);
      this.#training = new OptimizerStep(
        call,
        layout,
        this.#layers,
        this.#constrained,
        this.#scratch,
        weights,
        optimizer,
      );
      if (this.#moved) this.#restoreTraining(call, this.#training, optimizer, this.#moved);
      this.#moved = null;
    }
    return this.#training;
  }

  /** Reserves scratch for the layers that need it in every batch, or for all. */
  #reserveScratch(call: string, all: boolean): void {
    const layers = all ? this.#layers : [...this.#penalized, ...this.#constrained];
    if (layers.length === 0 || this.#scratch?.holds(layers)) return;
    const scratch = new UnpackScratch(call, layers);
    this.#scratch?.free();
    this.#scratch = scratch;
  }

  /**
   * Allocates all memory that writing the weights and `restoreOptimizerState` need, so that neither can fail afterwards.
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
    this.#weights.makeRoom(call);
  }

  /** The weights have moved: keeps the state of the training until it goes on there. */
  moveTo(weights: SharedWeights): void {
    if (this.#training) this.#moved = this.#stateOf('model', this.#training);
    this.#training?.free();
    this.#training = null;
    this.#weights = weights;
    weights.addUser(this);
    this.invalidatePlans();
  }

  free(): void {
    this.forgetTraining();
    this.#scratch?.free();
    this.#scratch = null;
    this.#free = true;
  }

  // ------------------------------------------------------------------------------------------------------- weights

  /** Copies of the weights of a layer, or of one that a layer wraps. */
  read(call: string, layer: Layer): Float32Array[] {
    return this.#weights.read(call, layer);
  }

  /** Replaces the weights of a layer, or of one that a layer wraps. */
  write(call: string, layer: Layer, values: readonly Float32Array[]): void {
    this.#weights.write(call, layer, values);
  }

  /** Resets what depends on weights that were written from outside of training. */
  #noticeWrites(): void {
    if (this.#writes === this.#weights.writes) return;
    this.#writes = this.#weights.writes;
    this.#warned = false;
    this.#training?.resetGuard();
  }

  // ---------------------------------------------------------------------------------------------------- one batch

  /** The number of batches trained with any optimizer, on which dropout depends; batches that changed nothing do not count. */
  get trained(): number {
    return this.#trained;
  }

  /** The number of batches trained with the current optimizer, as above. */
  get batches(): number {
    return this.#training?.batches ?? this.#moved?.batches ?? 0;
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
    const weights = this.#weights.address('model');
    this.#training!.clearGradients();
    let sum = 0;
    for (const layer of this.#penalized) {
      const offset = this.offsetOf(layer);
      const matrices = this.#scratch!.unpack(layer, weights + offset);
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
    this.#noticeWrites();
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
    this.#moved = null;
    if (!this.#training) return;
    this.#training.free();
    this.#training = null;
    this.invalidatePlans();
  }

  /** Draws all weights anew by the seeds of their layers, and sets the training to its start. */
  renew(call: string, optimizer: Optimizer | null): void {
    this.#weights.redraw(call);
    this.#trained = 0;
    if (optimizer && this.#training) this.#training.restart(optimizer);
    else this.forgetTraining();
    this.#noticeWrites();
    // Plans contain the seeds of dropout
    if (this.#layers.some(layer => layer.dropoutSeeds.some(seed => seed !== 0))) this.invalidatePlans();
  }

  // -------------------------------------------------------------------------------------------------------- saving

  /** The state of the training; the arrays are copies. */
  optimizerState(call: string, optimizer: Optimizer | null): OptimizerState {
    const { batches, trained } = this;
    if (batches === 0 || !optimizer) return { batches, trained, counters: [], slotValues: [] };
    return this.#stateOf(call, this.#trainingWith(call, optimizer));
  }

  #stateOf(call: string, training: OptimizerStep): OptimizerState {
    const { trained } = this;
    const slotValues = Array.from({ length: training.slots }, (_, slot) =>
      this.#layers.flatMap(layer => this.#weights.readFrom(call, layer, training.slotAddress(slot))),
    );
    return { batches: training.batches, trained, counters: training.counters, slotValues };
  }

  /**
   * Restores the state of a training.
   *
   * @param optimizer null before `compile`; only `trained` is restored then
   * @param progress checked against this optimizer and these layers
   */
  restoreOptimizerState(call: string, optimizer: Optimizer | null, progress: OptimizerState): void {
    const { batches, trained } = progress;
    if (batches === 0) this.forgetTraining();
    const training = batches > 0 && optimizer ? this.#trainingWith(call, optimizer) : null;
    this.#trained = trained;
    optimizer?.setStep(batches);
    if (training && optimizer) this.#restoreTraining(call, training, optimizer, progress);
  }

  #restoreTraining(
    call: string,
    training: OptimizerStep,
    optimizer: Optimizer,
    { batches, counters, slotValues }: OptimizerState,
  ): void {
    for (const [slot, values] of slotValues.entries()) {
      let next = 0;
      for (const layer of this.#layers) {
        const own = values.slice(next, next + layer.weightSpecs.length);
        next += own.length;
        this.#weights.writeTo(call, layer, training.slotAddress(slot), own);
      }
    }
    training.resetGuard();
    training.restoreCounters(optimizer, batches, counters);
  }
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
