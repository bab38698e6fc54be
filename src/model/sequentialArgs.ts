/** The options of `sequential`, and the stack of layers that they describe. */

import type { Layer } from '../layers/layer.ts';
import { fail, show } from '../util/errors.ts';
import { checkOptions, checkText } from '../util/options.ts';
import { checkSeed, globalSeeds, SeedStream } from '../util/random.ts';
import { Stack } from './stack.ts';

/** Options of `sequential`. */
export interface SequentialArgs {
  /** The layers, from the input to the output; `add` appends more. */
  layers?: readonly Layer[];
  /** Default 'sequential_1', 'sequential_2' and so on. */
  name?: string;
  /**
   * Fixes the initial weights, dropout and shuffles of this model, whatever else the program does: an integer from 0
   * to 2^53 - 1. Without it, `setRandomSeed` and the number of models made since then fix them. It is not saved.
   */
  seed?: number;
}

const call = 'sequential';

export function readSequentialArgs(options: unknown): SequentialArgs {
  const args = checkOptions<SequentialArgs>(call, options, ['layers', 'name', 'seed']);
  const { layers, name, seed } = args;
  if (name !== undefined) checkText(call, 'name', name);
  if (layers !== undefined && !Array.isArray(layers)) {
    fail(call, `layers must be an array of layers, got ${show(layers)}`);
  }
  if (seed !== undefined) checkSeed(call, seed);
  return args;
}

/** Adds layers to a new stack. If one of them cannot be added, all of them can still join another model. */
export function stackOf(layers: readonly Layer[], seed: number | undefined): Stack {
  const stack = new Stack(seed === undefined ? globalSeeds.split() : new SeedStream(seed));
  try {
    for (const layer of layers) stack.push(call, layer);
  } catch (error) {
    for (const layer of stack.layers) layer.unbuild();
    throw error;
  }
  return stack;
}
