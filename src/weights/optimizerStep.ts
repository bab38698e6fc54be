/** Gradients, the state of the optimizer, and the step that updates the weights with them. */

import type { Layer } from '../layers/layer.ts';
import { advance, type Optimizer } from '../optimizers/optimizer.ts';
import { FLOAT } from '../util/memorySizes.ts';
import { sizeOf } from '../util/shapes.ts';
import { Block, float32, kernels } from '../wasm/engine.ts';
import { clipNumbers } from '../wasm/shared.generated.ts';
import type { UnpackScratch, WeightLayout } from './layout.ts';
import { areFinite, backUp, OverflowGuard, type StepNumbers } from './overflow.ts';
import { WeightUpdate } from './weightUpdate.ts';

/** The weights of consecutive trainable layers, without statistics. */
interface Range {
  /** Byte offset in the array. */
  readonly from: number;
  /** The number of weights. */
  count: number;
}

/**
 * One block with arrays in the layout of the weights: the gradients, one array for each slot of the optimizer, and one for
 * the averages of the weights if the optimizer keeps them.
 */
export class OptimizerStep {
  readonly #layout: WeightLayout;
  /** The layers of the model, in the order of the layout, which may hold others too. */
  readonly #layers: readonly Layer[];
  readonly #constrained: readonly Layer[];
  /** For clipNorm and constraints; null if the model needs neither. */
  readonly #scratch: UnpackScratch | null;
  readonly #block: Block;
  readonly #numbers: StepNumbers;
  readonly #update: WeightUpdate;
  readonly #guard: OverflowGuard;
  /** The number of batches trained, then the counters of the optimizer. */
  readonly #counters: Float64Array;
  #ranges: Range[] = [];
  /** Which layers were trainable when `#ranges` was computed. */
  readonly #trainable: boolean[] = [];

  /** @throws ValueError if there is not enough memory */
  constructor(
    call: string,
    layout: WeightLayout,
    layers: readonly Layer[],
    constrained: readonly Layer[],
    scratch: UnpackScratch | null,
    weights: number,
    optimizer: Optimizer,
  ) {
    const { count } = layout;
    const slots = optimizer.slots + Number(optimizer.useEma);
    this.#layout = layout;
    this.#layers = layers.toSorted((a, b) => layout.offsetOf(a) - layout.offsetOf(b));
    this.#constrained = constrained;
    this.#scratch = scratch;
    this.#block = new Block(call, Math.max(count, 1) * FLOAT * (1 + slots));
    this.#update = new WeightUpdate(call, this.gradients, count, slots);
    this.#guard = new OverflowGuard(most => this.#update.areWithin(most));
    this.#counters = new Float64Array(1 + optimizer.counters).fill(1, 1);
    this.#numbers = { weights, gradients: this.#block.address, count, arrays: 1 + slots };
    this.#fillSlots(optimizer);
  }

  #fillSlots(optimizer: Optimizer): void {
    const { weights, count } = this.#numbers;
    const memory = float32();
    const start = (slot: number) => this.slotAddress(slot) / FLOAT;
    for (let n = 0; n < optimizer.slots; n++) memory.fill(optimizer.slotStart(n), start(n), start(n + 1));
    if (optimizer.useEma) memory.copyWithin(start(optimizer.slots), weights / FLOAT, weights / FLOAT + count);
  }

  /** Sets everything to what it is before the first batch; call it after the weights were written. */
  restart(optimizer: Optimizer): void {
    this.#fillSlots(optimizer);
    this.restoreCounters(optimizer, 0, null);
    this.resetGuard();
    optimizer.setStep(0);
  }

  /** Address of the gradients. */
  get gradients(): number {
    return this.#block.address;
  }

  /** Sets the gradients to zero. */
  clearGradients(): void {
    this.#update.clear();
  }

  /** The number of slots, the averages included. */
  get slots(): number {
    return this.#numbers.arrays - 1;
  }

  /** Address of a slot; the averages follow the slots of the optimizer. */
  slotAddress(slot: number): number {
    return this.gradients + (1 + slot) * this.#layout.count * FLOAT;
  }

  /** The number of batches trained; batches that changed nothing do not count. */
  get batches(): number {
    return this.#counters[0]!;
  }

  /** The counters of the optimizer. */
  get counters(): number[] {
    return [...this.#counters.subarray(1)];
  }

  /**
   * Sets the number of batches trained and the counters.
   *
   * @param counters those of the optimizer; null to compute them
   */
  restoreCounters(optimizer: Optimizer, batches: number, counters: readonly number[] | null): void {
    this.#counters[0] = batches;
    if (counters) this.#counters.set(counters, 1);
    else advance(optimizer, this.#counters.fill(1, 1), batches);
  }

  /** Call this after weights or slots changed other than by `update`. */
  resetGuard(): void {
    this.#guard.reset();
  }

  /**
   * Updates the weights by the gradients.
   *
   * @returns false if gradients or updated numbers are not finite; nothing has changed in that case
   */
  update(call: string, optimizer: Optimizer, rate: number): boolean {
    const numbers = this.#numbers;
    const risk = this.#guard.classify(numbers, optimizer, rate);
    if (risk === 'rejected') return false;
    const restore = risk === 'risky' ? backUp(call, numbers, this.#counters) : null;
    this.#step(optimizer, rate);
    if (restore && !areFinite(numbers)) {
      restore();
      optimizer.setStep(this.batches);
      return false;
    }
    return true;
  }

  /** One step for all trainable layers, in the order of Keras: clip, decay, update, average, constrain. */
  #step(optimizer: Optimizer, rate: number): void {
    const { weightDecay, useEma, emaMomentum, emaOverwriteFrequency, clipValue } = optimizer;
    const { weights, gradients } = this.#numbers;
    const keep = this.batches === 0 ? 0 : emaMomentum;
    const factor = this.#clip(optimizer);
    const scales = factor === 1 ? clipNumbers.none : clipNumbers.scale;
    const clip = clipValue === null ? scales : clipNumbers.clamp;
    const decays = Number(weightDecay !== null);
    const update = this.#update;
    const decay = rate * (weightDecay ?? 0);
    kernels().setExtras(update.address, clip, clipValue ?? factor, decays, decay, Number(useEma), keep);
    optimizer.advance(this.#counters);
    update.setRule(optimizer, rate, this.#counters);
    for (const { from, count } of this.#trainableRanges()) update.run(weights + from, gradients + from, count);
    this.#counters[0]!++;
    if (emaOverwriteFrequency !== null && this.batches % emaOverwriteFrequency === 0) this.takeAverages(optimizer);
    this.#constrain();
    optimizer.setStep(this.batches);
  }

  /** The ranges of trainable layers; computed again only if `trainable` of a layer has changed. */
  #trainableRanges(): readonly Range[] {
    const layers = this.#layers;
    let same = true;
    for (let n = 0; n < layers.length; n++) {
      const { trainable } = layers[n]!;
      if (trainable === this.#trainable[n]) continue;
      this.#trainable[n] = trainable;
      same = false;
    }
    if (same) return this.#ranges;
    this.#ranges = [];
    for (const [n, layer] of layers.entries()) {
      const count = layer.trainedCount;
      if (!this.#trainable[n] || count === 0) continue;
      const from = this.#layout.offsetOf(layer);
      const last = this.#ranges.at(-1);
      if (last && last.from + last.count * FLOAT === from) last.count += count;
      else this.#ranges.push({ from, count });
    }
    return this.#ranges;
  }

  /** Clips gradients that depend on others; returns a factor by which the update scales all of them. */
  #clip({ clipNorm, globalClipNorm }: Optimizer): number {
    if (globalClipNorm !== null) {
      let squares = 0;
      for (const { from, count } of this.#trainableRanges()) {
        squares += kernels().sumOfSquares(this.gradients + from, count);
      }
      const norm = Math.sqrt(squares);
      if (norm > globalClipNorm) return globalClipNorm / norm;
    } else if (clipNorm !== null) {
      for (const layer of this.#layers) if (layer.trainable) this.#clipEach(layer, clipNorm);
    }
    return 1;
  }

  /** Scales the gradient of each weight of a layer down to a norm. */
  #clipEach(layer: Layer, most: number): void {
    const packed = this.gradients + this.#layout.offsetOf(layer);
    const matrices = this.#scratch!.unpack(layer, packed);
    let clipped = false;
    const specs = layer.weightSpecs;
    for (let i = 0; i < specs.length; i++) {
      const size = sizeOf(specs[i]!.shape);
      const norm = Math.sqrt(kernels().sumOfSquares(matrices[i]!, size));
      if (norm <= most) continue;
      kernels().scale(matrices[i]!, size, most / norm);
      clipped = true;
    }
    if (clipped) layer.packWeights(kernels(), packed, matrices);
  }

  #constrain(): void {
    for (const layer of this.#constrained) {
      if (!layer.trainable) continue;
      const packed = this.#numbers.weights + this.#layout.offsetOf(layer);
      const matrices = this.#scratch!.unpack(layer, packed);
      const specs = layer.weightSpecs;
      for (let i = 0; i < specs.length; i++) {
        const { constraint, shape } = specs[i]!;
        constraint?.apply(kernels(), matrices[i]!, shape);
      }
      layer.packWeights(kernels(), packed, matrices);
    }
  }

  /** Replaces the trainable weights by their averages, if the optimizer keeps them and a batch has been trained. */
  takeAverages(optimizer: Optimizer): void {
    if (!optimizer.useEma || this.batches === 0) return;
    const { weights } = this.#numbers;
    const averages = this.slotAddress(optimizer.slots);
    for (const { from, count } of this.#trainableRanges()) {
      const source = (averages + from) / FLOAT;
      float32().copyWithin((weights + from) / FLOAT, source, source + count);
    }
  }

  free(): void {
    this.#update.free();
    this.#block.free();
  }
}
