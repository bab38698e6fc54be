/** Temporary memory for weights and states as plain matrices in Keras's order, which kernels pack and unpack. */

import type { Layer } from '../layers/layer.ts';
import { roundUp } from '../plan/plan.ts';
import { sizeOf } from '../util/shapes.ts';
import { FLOAT, LINE } from '../util/units.ts';
import { Block, float32 } from '../wasm/engine.ts';

/** Numbers in each weight of a layer. */
export const sizesOf = (layer: Layer): number[] => layer.weightSpecs.map(({ shape }) => sizeOf(shape));

const bytesOf = (size: number): number => roundUp(size * FLOAT, LINE);

/** Bytes of matrices of the given sizes, each in whole cache lines. */
const totalBytes = (sizes: readonly number[]): number => sizes.reduce((total, size) => total + bytesOf(size), 0);

/** An address for each of these matrices, from `start`. */
function addressesOf(start: number, sizes: readonly number[]): number[] {
  let next = start;
  return sizes.map(size => {
    const address = next;
    next += bytesOf(size);
    return address;
  });
}

/** Memory for the weights of one layer at a time, out of a list of layers. */
export class UnpackScratch {
  readonly #block: Block;
  readonly #layers: readonly Layer[];
  readonly #addresses: ReadonlyMap<Layer, readonly number[]>;

  /** @throws ValueError if there is not enough memory */
  constructor(call: string, layers: readonly Layer[]) {
    this.#layers = layers;
    this.#block = new Block(call, Math.max(1, ...layers.map(layer => totalBytes(sizesOf(layer)))));
    this.#addresses = new Map(layers.map(layer => [layer, addressesOf(this.#block.address, sizesOf(layer))]));
  }

  holds(layers: readonly Layer[]): boolean {
    return layers.every(layer => this.#layers.includes(layer));
  }

  /** An address for each weight of a layer. */
  of(layer: Layer): readonly number[] {
    return this.#addresses.get(layer)!;
  }

  free(): void {
    this.#block.free();
  }
}

/** Calls `use` with memory for matrices of the given sizes: their addresses, and a function that returns views of them. */
export function withUnpacked<T>(
  call: string,
  sizes: readonly number[],
  use: (plain: readonly number[], views: () => Float32Array[]) => T,
): T {
  const block = new Block(call, Math.max(1, totalBytes(sizes)));
  try {
    const plain = addressesOf(block.address, sizes);
    return use(plain, () => plain.map((from, i) => float32().subarray(from / FLOAT, from / FLOAT + sizes[i]!)));
  } finally {
    block.free();
  }
}
