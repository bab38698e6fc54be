/** The passes over all weights in a training step, which threads share if there are many weights. */

import type { Optimizer } from '../optimizers/optimizer.ts';
import { FLOAT, LINE } from '../util/memorySizes.ts';
import { Block, kernels, leaveThreadsAfter, team } from '../wasm/engine.ts';
import { sizeOfChunk } from '../wasm/team.ts';

/** Floats of a vector, in which the kernels count. */
const VECTOR = 4;
/** Vectors that a thread updates at a time: the results stay in a cache close to the core. */
const CHUNK = 1024;
/** Fewer vectors take less time to update than to hand out. */
const LEAST_UPDATE = 3 * CHUNK;
/** Vectors that a thread clears or checks at a time. */
const LONG_CHUNK = 4 * CHUNK;

/** A structure for the kernels with the numbers of an update, and scratch for each thread. */
export class WeightUpdate {
  readonly #block: Block;
  readonly #gradients: number;
  readonly #vectors: number;

  /**
   * @param gradients their address; the slots follow them
   * @param count the number of weights
   * @param slots with that of the averages
   */
  constructor(call: string, gradients: number, count: number, slots: number) {
    this.#gradients = gradients;
    this.#vectors = count / VECTOR;
    const bytes = Math.ceil(kernels().updateBytes() / LINE) * LINE;
    const others = this.#vectors < LEAST_UPDATE ? 0 : (team()?.size ?? 1) - 1;
    const each = sizeOfChunk(this.#vectors, CHUNK) * VECTOR * FLOAT;
    this.#block = new Block(call, bytes + others * (2 + slots) * each);
    kernels().setUpdateMemory(this.address, count * FLOAT, slots, this.address + bytes, each);
  }

  /** Its address. */
  get address(): number {
    return this.#block.address;
  }

  /** Sets all gradients to zero. */
  clear(): void {
    kernels().setStart(this.address, 0, this.#gradients);
    this.#run('clearGradients', this.#vectors, LONG_CHUNK);
  }

  /** Whether all gradients are within [-most, most]. */
  areWithin(most: number): boolean {
    kernels().setStart(this.address, 0, this.#gradients);
    kernels().setBound(this.address, most);
    this.#run('checkGradients', this.#vectors, LONG_CHUNK);
    return kernels().isOutside(this.address) === 0;
  }

  /** Sets the numbers of the optimizer, whose counters have advanced. */
  setRule(optimizer: Optimizer, rate: number, counters: Float64Array): void {
    optimizer.setRule(kernels(), this.address, rate, counters);
  }

  /** Updates consecutive weights. */
  run(weights: number, gradients: number, count: number): void {
    kernels().setStart(this.address, weights, gradients);
    const vectors = count / VECTOR;
    if (vectors < LEAST_UPDATE) kernels().updateWeights(this.address, 0, vectors);
    else this.#run('updateWeights', vectors, CHUNK);
  }

  #run(name: 'clearGradients' | 'checkGradients' | 'updateWeights', vectors: number, chunk: number): void {
    const threads = team();
    if (!threads || vectors < 2 * chunk) {
      kernels()[name](this.address, 0, vectors);
      return;
    }
    try {
      if (name === 'updateWeights') {
        threads.run('updateWeightsAside', this.address, vectors, chunk, 'updateWeightsStore', name);
      } else threads.run(name, this.address, vectors, chunk);
    } catch (error) {
      leaveThreadsAfter(error);
      error.finish(kernels());
    }
  }

  free(): void {
    this.#block.free();
  }
}
