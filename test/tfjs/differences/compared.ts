/** Runs the same small program in TF.js and in lstm-wasm, and returns both results. */

import * as lw from 'lstm-wasm';
import { beforeEach } from 'vitest';
import { tf } from '../agree.ts';
import type { Library } from '../build.ts';

const both: [string, Library][] = [
  ['tf', tf],
  ['lw', lw],
];

// TF.js identifies weights by name, and layers of other tests have the same names.
beforeEach(() => tf.disposeVariables());

/** The results of the function for TF.js and for lstm-wasm. */
export async function compared<T>(f: (library: Library) => T | Promise<T>): Promise<{ tf: T; lw: T }> {
  const results: [string, T][] = [];
  for (const [name, library] of both) results.push([name, await f(library)]);
  return Object.fromEntries(results) as { tf: T; lw: T };
}

/** The message of the error, or null if there is none. */
export async function errorOf(f: () => unknown): Promise<string | null> {
  try {
    await f();
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

/** The messages of the errors that the function throws for TF.js and for lstm-wasm, or null if it throws none. */
export const errors = (f: (library: Library) => unknown): Promise<{ tf: string | null; lw: string | null }> =>
  compared(library => errorOf(() => f(library)));

export const ones = (...shape: number[]): Float32Array => new Float32Array(shape.reduce((a, b) => a * b)).fill(1);

/** A model with a single weight, 0.5. */
export function dense(library: Library, options: object = {}): Library {
  const layer = library.layers.dense({ units: 1, useBias: false, inputShape: [1], ...options });
  const model = library.sequential({ layers: [layer] });
  model.setWeights([library.tensor([0.5], [1, 1])]);
  return model;
}

/** The same model, compiled with SGD at a learning rate of 0.1 and the mean squared error. */
export function compiled(library: Library, more: object = {}): Library {
  const model = dense(library);
  model.compile({ optimizer: library.train.sgd(0.1), loss: 'meanSquaredError', ...more });
  return model;
}

/** One training step on one sample with x = 1. */
export const step = (library: Library, model: Library, y: number): number | Promise<number> =>
  model.trainOnBatch(library.tensor([1], [1, 1]), library.tensor([y], [1, 1]));

/** The weight after each training step, one step per target. */
export async function weightsAfter(
  library: Library,
  optimizer: Library,
  targets: number[],
  { options = {}, loss = 'meanSquaredError', before = (_n: number, _model: Library): void => {} } = {},
): Promise<number[]> {
  const model = dense(library, options);
  model.compile({ optimizer, loss });
  const weights: number[] = [];
  for (const [n, y] of targets.entries()) {
    before(n, model);
    await step(library, model, y);
    weights.push(model.getWeights()[0].dataSync()[0]);
  }
  return weights;
}
