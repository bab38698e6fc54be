/** The positions of the weights of all layers in one array, and matrices to which they can be unpacked. */

import type { Layer } from '../layers/layer.ts';
import { roundUp } from '../plan/planner.ts';
import { FLOAT, LINE } from '../util/memorySizes.ts';
import { sizeOf } from '../util/shapes.ts';
import { Block, float32, kernels } from '../wasm/engine.ts';

/**
 * The weights of a model form one contiguous array, layer by layer, so that an optimizer updates all of them in one pass.
 * Gradients and the state of the optimizer have the same layout.
 */
export class WeightLayout {
  readonly layers: readonly Layer[];
  /** The number of floats of the array. */
  readonly count: number;
  /** Of layers and of the layers that they wrap. */
  readonly #offsets = new Map<Layer, number>();

  constructor(layers: readonly Layer[]) {
    this.layers = layers;
    this.count = this.#assign(layers, 0) / FLOAT;
  }

  /** Assigns offsets from `next` on; returns the end. */
  #assign(layers: readonly Layer[], next: number): number {
    for (const layer of layers) {
      this.#offsets.set(layer, next);
      this.#assign(layer.children, next);
      next += layer.parameterCount * FLOAT;
    }
    return next;
  }

  /** The byte offset of the weights of a layer; 0 for a layer without weights, which need not be in the array. */
  offsetOf(layer: Layer): number {
    return this.#offsets.get(layer) ?? 0;
  }
}

/** The number of floats of each weight of a layer. */
export const sizesOf = (layer: Layer): number[] => layer.weightSpecs.map(({ shape }) => sizeOf(shape));

/** Bytes of a matrix of `size` numbers, whole cache lines. */
const bytesOf = (size: number): number => roundUp(size * FLOAT, LINE);

const totalBytes = (sizes: readonly number[]): number => sizes.reduce((total, size) => total + bytesOf(size), 0);

/** The addresses of matrices of the given sizes, one after the other from `next` on. */
const addressesOf = (next: number, sizes: readonly number[]): number[] =>
  sizes.map(size => {
    next += bytesOf(size);
    return next - bytesOf(size);
  });

/** Memory for the unpacked weights of one layer at a time. */
export class UnpackScratch {
  readonly #block: Block;
  readonly #addresses: ReadonlyMap<Layer, readonly number[]>;

  /** @throws ValueError if there is not enough memory */
  constructor(call: string, layers: readonly Layer[]) {
    this.#block = new Block(call, Math.max(1, ...layers.map(layer => totalBytes(sizesOf(layer)))));
    this.#addresses = new Map(layers.map(layer => [layer, addressesOf(this.#block.address, sizesOf(layer))]));
  }

  /** Whether the memory suffices for these layers. */
  holds(layers: readonly Layer[]): boolean {
    return layers.every(layer => this.#addresses.has(layer));
  }

  /** The addresses of the weights of a layer. */
  of(layer: Layer): readonly number[] {
    return this.#addresses.get(layer)!;
  }

  /** Unpacks the weights of a layer from `packed`; returns their addresses. The next call overwrites them. */
  unpack(layer: Layer, packed: number): readonly number[] {
    const matrices = this.of(layer);
    layer.unpackWeights(kernels(), packed, matrices);
    return matrices;
  }

  free(): void {
    this.#block.free();
  }
}

/** Calls `use` with temporary memory for matrices of the given sizes: their addresses, and a function for views of them. */
export function withUnpacked<T>(
  call: string,
  sizes: readonly number[],
  use: (matrices: readonly number[], views: () => Float32Array[]) => T,
): T {
  const block = new Block(call, Math.max(1, totalBytes(sizes)));
  try {
    const matrices = addressesOf(block.address, sizes);
    return use(matrices, () => matrices.map((from, i) => float32().subarray(from / FLOAT, from / FLOAT + sizes[i]!)));
  } finally {
    block.free();
  }
}
