/**
 * The parameters of a model in wasm memory: weights, and beside them, once a model is compiled, gradients and what
 * the optimizer keeps. Each is one contiguous run over all layers, so that an update is one pass.
 */

import type { Layer, WeightStore } from '../layers/layer.ts';
import type { Optimizer } from '../optimizers/index.ts';
import { advance } from '../optimizers/optimizer.ts';
import { sizeOf } from '../util/shapes.ts';
import { FLOAT } from '../util/units.ts';
import { Block, countModel, float32, kernels, uncountModel } from '../wasm/engine.ts';
import { areFinite, copied, OverflowGuard, type Stepped } from './overflow.ts';
import { sizesOf, UnpackScratch, withUnpacked } from './unpackScratch.ts';

const layersWith = (layers: readonly Layer[], what: 'regularizer' | 'constraint'): readonly Layer[] =>
  layers.filter(layer => layer.weightSpecs.some(spec => spec[what]));

/** Weights of neighbouring layers: their offset in bytes, and how many numbers they are. */
interface Run {
  readonly from: number;
  readonly count: number;
}

/** What a training has come to, apart from the weights: with them, all that the next batch depends on. */
export interface Progress {
  /** Batches trained with the present optimizer; those that changed nothing do not count. */
  readonly batches: number;
  /** Batches that have changed the weights, whatever the optimizer. */
  readonly trained: number;
  /** The counters of the optimizer, none before the first batch; null where they are to be counted anew. */
  readonly counters: readonly number[] | null;
  /**
   * What the optimizer keeps beside the weights, slot by slot, then their averages, if any: of each one matrix for every
   * weight, in the order of `getWeights`. None before the first batch.
   */
  readonly runs: readonly (readonly Float32Array[])[];
}

export class Parameters implements WeightStore {
  /** Whether somebody has been warned of numbers that are not finite. */
  warned = false;
  /** Byte offset of each layer within every run. */
  readonly offsets: readonly number[];
  readonly #layers: readonly Layer[];
  readonly #count: number;
  readonly #penalized: readonly Layer[];
  readonly #constrained: readonly Layer[];
  /** Which layers were trainable when the runs were found. */
  readonly #learns: boolean[] = [];
  #found: Run[] = [];
  #weights: Block | null = null;
  /** Gradients, then one run for each slot of the optimizer, then one for averages where it keeps them. */
  #training: Block | null = null;
  /** For the layers whose weights somebody works on as plain matrices; null where nobody does. */
  #room: UnpackScratch | null = null;
  #trained = 0;
  /** Batches trained so far, then the counters of the optimizer. */
  #counters = new Float64Array(1);
  readonly #guard = new OverflowGuard();
  /** The numbers that a step works on; null without gradients. */
  #stepped: Stepped | null = null;
  #free = false;
  #moves = 0;

  constructor(layers: readonly Layer[]) {
    this.#layers = layers;
    let count = 0;
    this.offsets = layers.map(layer => {
      const offset = count * FLOAT;
      count += layer.parameterCount;
      return offset;
    });
    this.#count = count;
    this.#penalized = layersWith(layers, 'regularizer');
    this.#constrained = layersWith(layers, 'constraint');
  }

  /** Whether the memory has been given back; nothing works then. */
  get isFree(): boolean {
    return this.#free;
  }

  /** Counts the times gradients have moved, and with them what was planned to write there. */
  get moves(): number {
    return this.#moves;
  }

  /** Has every plan made anew, of all models that share these parameters: something that is written into plans changed. */
  outdatePlans(): void {
    this.#moves++;
  }

  /** Address of the weights; they are allocated and filled on first use. */
  weights(call: string): number {
    if (this.#weights) return this.#weights.address;
    const block = new Block(call, Math.max(this.#count, 1) * FLOAT);
    try {
      for (const [n, layer] of this.#layers.entries()) initialize(call, layer, block.address + this.offsets[n]!);
    } catch (error) {
      block.free();
      throw error;
    }
    for (const layer of this.#layers) layer.initialValues = null;
    countModel(this);
    this.#weights = block;
    return block.address;
  }

  /** Address of the gradients; memory for them and for the optimizer is allocated on first use. */
  gradients(call: string, optimizer: Optimizer): number {
    if (!this.#training) {
      const weights = this.weights(call) / FLOAT;
      this.#reserve(call, optimizer.clipNorm !== null);
      const runs = 1 + this.#runsOf(optimizer);
      this.#training = new Block(call, Math.max(this.#count, 1) * FLOAT * runs);
      this.#counters = new Float64Array(1 + optimizer.counters).fill(1, 1);
      const memory = float32();
      const start = (run: number) => this.#training!.address / FLOAT + run * this.#count;
      for (let n = 0; n < optimizer.slots; n++) memory.fill(optimizer.slotStart(n), start(1 + n), start(2 + n));
      if (optimizer.useEma) memory.copyWithin(start(1 + optimizer.slots), weights, weights + this.#count);
      this.#stepped = { weights: weights * FLOAT, gradients: this.#training.address, count: this.#count, runs };
      this.#guard.forget();
    }
    return this.#training.address;
  }

  /** Room for plain weights: of the layers that ask for it, or of all. */
  #reserve(call: string, all: boolean): void {
    const asking = all ? this.#layers : [...this.#penalized, ...this.#constrained];
    if (asking.length === 0 || this.#room?.holds(asking)) return;
    const room = new UnpackScratch(call, asking);
    this.#room?.free();
    this.#room = room;
  }

  /** Drops gradients and optimizer state: the next batch begins with a fresh optimizer. */
  forgetTraining(): void {
    this.warned = false;
    this.#counters = new Float64Array(1);
    if (!this.#training) return;
    this.#training.free();
    this.#training = null;
    this.#stepped = null;
    this.#moves++;
  }

  /** How many batches have changed the weights, whatever the optimizer: what dropout draws from. */
  get trained(): number {
    return this.#trained;
  }

  /** How many batches have been trained with the present optimizer; those that changed nothing do not count. */
  get batches(): number {
    return this.#counters[0]!;
  }

  // ---------------------------------------------------------------------------------------------------- one batch

  /** The learning rate of the next batch. */
  rate(call: string, optimizer: Optimizer): number {
    return optimizer.rateAt(call, this.batches);
  }

  /** What the regularizers add to the loss. */
  penalty(call: string): number {
    if (this.#penalized.length === 0) return 0;
    this.weights(call);
    this.#reserve(call, false);
    let sum = 0;
    for (const layer of this.#penalized) sum += this.#penaltyOf(layer, this.#unpack(layer));
    return sum;
  }

  #penaltyOf(layer: Layer, plain: readonly number[]): number {
    let sum = 0;
    const specs = layer.weightSpecs;
    for (let i = 0; i < specs.length; i++) {
      const { regularizer, shape } = specs[i]!;
      if (regularizer) sum += kernels().penalty(plain[i]!, sizeOf(shape), regularizer.l1, regularizer.l2);
    }
    return sum;
  }

  /** The weights of a layer as plain matrices, until the next layer needs the room. */
  #unpack(layer: Layer): readonly number[] {
    const plain = this.#room!.of(layer);
    layer.moveWeights(kernels(), this.#weights!.address + this.#offsetOf(layer), plain, false);
    return plain;
  }

  #offsetOf(layer: Layer): number {
    return this.offsets[this.#layers.indexOf(layer)]!;
  }

  /**
   * Begins the gradients of a batch, to which the layers then add: zero, or those of the regularizers.
   *
   * @returns what the regularizers add to the loss
   */
  startGradients(): number {
    const gradients = this.#training!.address;
    kernels().zero(gradients, this.#count * FLOAT);
    let sum = 0;
    for (const layer of this.#penalized) {
      const plain = this.#unpack(layer);
      sum += this.#penaltyOf(layer, plain);
      const specs = layer.weightSpecs;
      for (let i = 0; i < specs.length; i++) {
        const { regularizer, shape } = specs[i]!;
        const size = sizeOf(shape);
        if (regularizer) kernels().penaltyGradient(plain[i]!, size, regularizer.l1, regularizer.l2);
        else kernels().zero(plain[i]!, size * FLOAT);
      }
      layer.moveWeights(kernels(), gradients + this.#offsetOf(layer), plain, true);
    }
    return sum;
  }

  /**
   * Changes the weights by the gradients.
   *
   * @param rate what `rate` gave for this batch
   * @returns false when the gradients or the updated numbers are not finite; nothing has changed in that case
   */
  update(call: string, optimizer: Optimizer, rate: number): boolean {
    const numbers = this.#stepped!;
    const outlook = this.#guard.judge(numbers, optimizer, rate);
    if (outlook === 'refused') return false;
    const putBack = outlook === 'risky' ? copied(call, numbers, this.#counters) : null;
    this.#step(optimizer, rate);
    if (putBack && !areFinite(numbers)) {
      putBack();
      this.#trained--;
      optimizer.moveTo(this.batches);
      return false;
    }
    return true;
  }

  /** One step over every run of trainable layers, in the order of Keras: clip, decay, update, average, constrain. */
  #step(optimizer: Optimizer, rate: number): void {
    const { weightDecay, useEma, emaMomentum, emaOverwriteFrequency } = optimizer;
    const bytes = this.#count * FLOAT;
    const weights = this.#weights!.address;
    const gradients = this.#training!.address;
    const averages = gradients + (1 + optimizer.slots) * bytes;
    const first = this.batches === 0;
    this.#clip(optimizer);
    optimizer.advance(this.#counters);
    for (const { from, count } of this.#runs()) {
      const here = weights + from;
      if (weightDecay !== null) kernels().decay(here, count, rate * weightDecay);
      optimizer.update(kernels(), here, gradients + from, bytes, count, rate, this.#counters);
      if (useEma) kernels().average(averages + from, here, count, first ? 0 : emaMomentum);
    }
    this.#counters[0]!++;
    this.#trained++;
    if (emaOverwriteFrequency !== null && this.batches % emaOverwriteFrequency === 0) this.takeAverages(optimizer);
    this.#constrain();
    optimizer.moveTo(this.batches);
  }

  /** The runs of trainable layers; made anew where that has changed since they were made. */
  #runs(): readonly Run[] {
    const layers = this.#layers;
    let same = true;
    for (let n = 0; n < layers.length; n++) {
      const { trainable } = layers[n]!;
      if (trainable === this.#learns[n]) continue;
      this.#learns[n] = trainable;
      same = false;
    }
    if (same) return this.#found;
    const end = this.#count * FLOAT;
    this.#found = [];
    for (let n = 0; n < layers.length; n++) {
      if (!this.#learns[n]) continue;
      const from = this.offsets[n]!;
      while (this.#learns[n + 1]) n++;
      const count = ((this.offsets[n + 1] ?? end) - from) / FLOAT;
      if (count > 0) this.#found.push({ from, count });
    }
    return this.#found;
  }

  #clip({ clipNorm, clipValue, globalClipNorm }: Optimizer): void {
    const gradients = this.#training!.address;
    if (clipValue !== null) {
      for (const { from, count } of this.#runs()) kernels().clamp(gradients + from, count, clipValue);
    } else if (globalClipNorm !== null) {
      let squares = 0;
      for (const { from, count } of this.#runs()) squares += kernels().sumOfSquares(gradients + from, count);
      const norm = Math.sqrt(squares);
      if (norm <= globalClipNorm) return;
      for (const { from, count } of this.#runs()) kernels().scale(gradients + from, count, globalClipNorm / norm);
    } else if (clipNorm !== null) {
      for (const layer of this.#layers) if (layer.trainable) this.#clipEach(layer, clipNorm);
    }
  }

  /** Scales the gradient of every weight of a layer down to a norm. */
  #clipEach(layer: Layer, most: number): void {
    const packed = this.#training!.address + this.#offsetOf(layer);
    const plain = this.#room!.of(layer);
    layer.moveWeights(kernels(), packed, plain, false);
    let clipped = false;
    const specs = layer.weightSpecs;
    for (let i = 0; i < specs.length; i++) {
      const size = sizeOf(specs[i]!.shape);
      const norm = Math.sqrt(kernels().sumOfSquares(plain[i]!, size));
      if (norm <= most) continue;
      kernels().scale(plain[i]!, size, most / norm);
      clipped = true;
    }
    if (clipped) layer.moveWeights(kernels(), packed, plain, true);
  }

  #constrain(): void {
    for (const layer of this.#constrained) {
      if (!layer.trainable) continue;
      const plain = this.#unpack(layer);
      const specs = layer.weightSpecs;
      for (let i = 0; i < specs.length; i++) {
        const { constraint, shape } = specs[i]!;
        constraint?.apply(kernels(), plain[i]!, shape);
      }
      layer.moveWeights(kernels(), this.#weights!.address + this.#offsetOf(layer), plain, true);
    }
  }

  /** Puts the averages of trainable weights, where the optimizer has made some, in place of the weights. */
  takeAverages(optimizer: Optimizer): void {
    if (!optimizer.useEma || !this.#training || this.batches === 0) return;
    const weights = this.#weights!.address;
    const averages = this.#training.address + (1 + optimizer.slots) * this.#count * FLOAT;
    for (const { from, count } of this.#runs()) {
      const source = (averages + from) / FLOAT;
      float32().copyWithin((weights + from) / FLOAT, source, source + count);
    }
  }

  // --------------------------------------------------------------------------------------------------- for callers

  /** What the training has come to; the arrays are copies. */
  progress(call: string, optimizer: Optimizer | null): Progress {
    const { batches, trained } = this;
    if (batches === 0 || !this.#training || !optimizer) return { batches, trained, counters: [], runs: [] };
    const runs = Array.from({ length: this.#runsOf(optimizer) }, (_, run) =>
      this.#layers.flatMap(layer => this.#readFrom(call, layer, this.#training!.address + this.#runStart(run))),
    );
    return { batches, trained, counters: [...this.#counters.subarray(1)], runs };
  }

  /**
   * Takes all the memory that writing the weights, and `resume` with some batches, would need; afterwards neither can
   * fail.
   *
   * @param optimizer whose memory to take; null for none
   */
  prepare(call: string, optimizer: Optimizer | null): void {
    this.weights(call);
    if (optimizer) this.gradients(call, optimizer);
    this.makeRoom(call);
  }

  /** Takes, for a moment, the memory that writing the weights of any layer needs. */
  makeRoom(call: string): void {
    if (this.#weights) new UnpackScratch(call, this.#layers).free();
  }

  /**
   * Goes on where another training stood.
   *
   * @param optimizer null before `compile`: only the number of batches is taken over then
   * @param progress checked: as many runs, and matrices of such sizes, as `progress` gives for this optimizer
   */
  resume(call: string, optimizer: Optimizer | null, { batches, trained, counters, runs }: Progress): void {
    if (batches === 0) this.forgetTraining();
    const address = batches === 0 || !optimizer ? 0 : this.gradients(call, optimizer);
    this.#trained = trained;
    if (!optimizer) return;
    optimizer.moveTo(batches);
    if (batches === 0) return;
    for (const [run, values] of runs.entries()) {
      let next = 0;
      for (const layer of this.#layers) {
        const own = values.slice(next, next + layer.weightSpecs.length);
        next += own.length;
        this.#writeTo(call, layer, address + this.#runStart(run), own);
      }
    }
    this.#counters[0] = batches;
    if (counters) this.#counters.set(counters, 1);
    else advance(optimizer, this.#counters.fill(1, 1), batches);
  }

  /** How many runs of numbers lie behind the gradients. */
  #runsOf(optimizer: Optimizer): number {
    return optimizer.slots + Number(optimizer.useEma);
  }

  /** Bytes from the gradients to a run. */
  #runStart(run: number): number {
    return (1 + run) * this.#count * FLOAT;
  }

  read(call: string, layer: Layer): Float32Array[] {
    return this.#readFrom(call, layer, this.weights(call));
  }

  #readFrom(call: string, layer: Layer, run: number): Float32Array[] {
    const address = run + this.#offsetOf(layer);
    return withUnpacked(call, sizesOf(layer), (plain, views) => {
      layer.moveWeights(kernels(), address, plain, false);
      return views().map(view => view.slice());
    });
  }

  write(call: string, layer: Layer, values: readonly Float32Array[]): void {
    this.warned = false;
    if (!this.#weights) {
      layer.initialValues = [...values];
      return;
    }
    this.#writeTo(call, layer, this.#weights.address, values);
  }

  #writeTo(call: string, layer: Layer, run: number, values: readonly Float32Array[]): void {
    const address = run + this.#offsetOf(layer);
    this.#guard.forget();
    withUnpacked(call, sizesOf(layer), (plain, views) => {
      for (const [i, view] of views().entries()) view.set(values[i]!);
      layer.moveWeights(kernels(), address, plain, true);
    });
  }

  /** Gives all memory back. */
  free(): void {
    this.forgetTraining();
    this.#room?.free();
    this.#room = null;
    if (this.#weights) uncountModel(this);
    this.#weights?.free();
    this.#weights = null;
    this.#free = true;
  }
}

/** Fills the weights of a layer with the values somebody set, or else with its initializers. */
function initialize(call: string, layer: Layer, address: number): void {
  if (layer.weightSpecs.length === 0) return;
  withUnpacked(call, sizesOf(layer), (plain, views) => {
    for (const [i, { initializer, shape, seed }] of layer.weightSpecs.entries()) {
      const values = views()[i]!;
      if (layer.initialValues) values.set(layer.initialValues[i]!);
      else initializer.fill({ kernels: kernels(), address: plain[i]!, values }, shape, seed);
    }
    layer.moveWeights(kernels(), address, plain, true);
  });
}
