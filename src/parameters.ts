/**
 * The parameters of a model in wasm memory: weights, and beside them, once a model is compiled, gradients and what
 * the optimizer keeps. Each is one contiguous run over all layers, so that an update is one pass.
 */

import { Block, countModel, float32, kernels, uncountModel } from './engine/engine.ts';
import type { Layer, WeightHome } from './layers/layer.ts';
import type { Optimizer } from './optimizers.ts';
import { roundUp } from './plan.ts';
import { sizeOf } from './shapes.ts';

const FLOAT = 4;
const LINE = 64;

export class Parameters implements WeightHome {
  /** Byte offset of each layer within every run. */
  readonly offsets: readonly number[];
  readonly #layers: readonly Layer[];
  readonly #count: number;
  #weights: Block | null = null;
  /** Gradients, then one run for each slot of the optimizer. */
  #training: Block | null = null;
  #counters = new Float64Array(0);
  /** Batches that have changed the weights. */
  #batches = 0;
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
  }

  /** Whether the memory has been given back; nothing works then. */
  get isFree(): boolean {
    return this.#free;
  }

  /** The number of the next training batch, over the life of the weights: what dropout drops hangs on it. */
  get batches(): number {
    return this.#batches;
  }

  /** Counts the times gradients have moved, and with them what was planned to write there. */
  get moves(): number {
    return this.#moves;
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
      this.#training = new Block(call, Math.max(this.#count, 1) * FLOAT * (1 + optimizer.slots));
      this.#counters = new Float64Array(optimizer.counters).fill(1);
    }
    return this.#training.address;
  }

  /** Drops gradients and optimizer state: the next batch begins with a fresh optimizer. */
  forgetTraining(): void {
    if (!this.#training) return;
    this.#training.free();
    this.#training = null;
    this.#moves++;
  }

  /** Whether the gradients are numbers an optimizer can take. */
  get gradientsAreSound(): boolean {
    return kernels().areSound(this.#training!.address, this.#count) === 1;
  }

  zeroGradients(): void {
    kernels().zero(this.#training!.address, this.#count * FLOAT);
  }

  /** One optimizer step over every run of trainable layers. */
  update(optimizer: Optimizer): void {
    const bytes = this.#count * FLOAT;
    const weights = this.#weights!.address;
    const gradients = this.#training!.address;
    this.#batches++;
    optimizer.advance(this.#counters);
    for (let n = 0; n < this.#layers.length; n++) {
      if (!this.#layers[n]!.trainable) continue;
      const from = this.offsets[n]!;
      while (n + 1 < this.#layers.length && this.#layers[n + 1]!.trainable) n++;
      const count = (this.offsets[n + 1] ?? bytes) - from;
      if (count === 0) continue;
      optimizer.update(kernels(), weights + from, gradients + from, bytes, count / FLOAT, this.#counters);
    }
  }

  read(call: string, layer: Layer): Float32Array[] {
    const address = this.weights(call) + this.offsets[this.#layers.indexOf(layer)]!;
    return withPlain(call, layer, (plain, views) => {
      layer.moveWeights(kernels(), address, plain, false);
      return views().map(view => view.slice());
    });
  }

  write(call: string, layer: Layer, values: readonly Float32Array[]): void {
    if (!this.#weights) {
      layer.initialValues = [...values];
      return;
    }
    const address = this.#weights.address + this.offsets[this.#layers.indexOf(layer)]!;
    withPlain(call, layer, (plain, views) => {
      for (const [i, view] of views().entries()) view.set(values[i]!);
      layer.moveWeights(kernels(), address, plain, true);
    });
  }

  /** Gives all memory back. */
  free(): void {
    this.forgetTraining();
    if (this.#weights) uncountModel(this);
    this.#weights?.free();
    this.#weights = null;
    this.#free = true;
  }
}

/** Fills the weights of a layer with the values somebody set, or else with its initializers. */
function initialize(call: string, layer: Layer, address: number): void {
  if (layer.weightSpecs.length === 0) return;
  withPlain(call, layer, (plain, views) => {
    for (const [i, { initializer, shape, seed }] of layer.weightSpecs.entries()) {
      const values = views()[i]!;
      if (layer.initialValues) values.set(layer.initialValues[i]!);
      else initializer.fill({ kernels: kernels(), address: plain[i]!, values }, shape, seed);
    }
    layer.moveWeights(kernels(), address, plain, true);
  });
}

/** Calls `use` with room for the plain matrices of a layer: their addresses, and views of them made when asked for. */
function withPlain<T>(call: string, layer: Layer, use: (plain: number[], views: () => Float32Array[]) => T): T {
  const sizes = layer.weightSpecs.map(({ shape }) => sizeOf(shape));
  const block = new Block(
    call,
    Math.max(
      1,
      sizes.reduce((sum, size) => sum + roundUp(size * FLOAT, LINE), 0),
    ),
  );
  try {
    let address = block.address;
    const plain = sizes.map(size => {
      const here = address;
      address += roundUp(size * FLOAT, LINE);
      return here;
    });
    return use(plain, () => plain.map((from, i) => float32().subarray(from / FLOAT, from / FLOAT + sizes[i]!)));
  } finally {
    block.free();
  }
}
