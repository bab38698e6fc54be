/** Room for the weights of a layer as plain matrices, for everything that works on them in Keras's order. */

import type { Layer } from '../layers/layer.ts';
import { roundUp } from '../plan/plan.ts';
import { sizeOf } from '../util/shapes.ts';
import { FLOAT, LINE } from '../util/units.ts';
import { Block, float32 } from '../wasm/engine.ts';

/** Bytes of each weight of a layer, whole cache lines. */
const bytesOf = (layer: Layer): number[] => layer.weightSpecs.map(({ shape }) => roundUp(sizeOf(shape) * FLOAT, LINE));

const sum = (numbers: readonly number[]): number => numbers.reduce((total, n) => total + n, 0);

/** Room for one layer of a list at a time, which all of them share. */
export class UnpackScratch {
  readonly #block: Block;
  readonly #layers: readonly Layer[];
  readonly #addresses: ReadonlyMap<Layer, readonly number[]>;

  /** @throws ValueError when memory does not suffice */
  constructor(call: string, layers: readonly Layer[]) {
    this.#layers = layers;
    this.#block = new Block(call, Math.max(1, ...layers.map(layer => sum(bytesOf(layer)))));
    this.#addresses = new Map(
      layers.map(layer => {
        let next = this.#block.address;
        const addresses = bytesOf(layer).map(bytes => {
          next += bytes;
          return next - bytes;
        });
        return [layer, addresses];
      }),
    );
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

/** Calls `use` with room for the plain matrices of a layer: their addresses, and views of them made when asked for. */
export function withUnpacked<T>(
  call: string,
  layer: Layer,
  use: (plain: readonly number[], views: () => Float32Array[]) => T,
): T {
  const room = new UnpackScratch(call, [layer]);
  try {
    const plain = room.of(layer);
    const sizes = layer.weightSpecs.map(({ shape }) => sizeOf(shape));
    return use(plain, () => plain.map((from, i) => float32().subarray(from / FLOAT, from / FLOAT + sizes[i]!)));
  } finally {
    room.free();
  }
}
