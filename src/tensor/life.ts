/**
 * Functions of TF.js that manage the memory of tensors. Tensors here are garbage collected, so most of these do nothing.
 */

import { rejectExtraArguments } from '../util/arguments.ts';
import { fail, show } from '../util/errors.ts';
import { backendInfo } from '../wasm/engine.ts';
import { asTensor, type TensorLike } from './read.ts';
import type { Tensor } from './tensorClass.ts';

/** Calls `f` and returns its result. For programs written for TF.js, where it frees tensors. */
export function tidy<T>(nameOrFunction: string | (() => T), f?: () => T): T {
  rejectExtraArguments('tidy', 2, arguments);
  const run = typeof nameOrFunction === 'function' ? nameOrFunction : f;
  if (typeof run !== 'function') {
    fail('tidy', `f must be a function, got ${show(typeof nameOrFunction === 'string' ? f : nameOrFunction)}`);
  }
  return run();
}

/** Returns its argument. For programs written for TF.js, where it keeps `tidy` from freeing a tensor. */
export function keep(x: Tensor): Tensor {
  rejectExtraArguments('keep', 1, arguments);
  return x;
}

/** Does nothing. For programs written for TF.js. */
export function dispose(_tensors: unknown): void {
  rejectExtraArguments('dispose', 1, arguments);
}

/** Memory use, in the form of TF.js. */
export interface MemoryInfo {
  /** The number of tensors that must be disposed of: always 0. */
  numTensors: number;
  /** The number of models that hold memory. */
  numDataBuffers: number;
  /** The size of the memory that all models share, in bytes; it never shrinks. */
  numBytes: number;
  /** Always true: these numbers do not include tensors, which are garbage collected. */
  unreliable: boolean;
  reasons: string[];
}

/** Memory use, for programs that read `memory().numTensors`; `backendInfo` has more. */
export function memory(): MemoryInfo {
  rejectExtraArguments('memory', 0, arguments);
  const { models, memoryBytes } = backendInfo();
  return {
    numTensors: 0,
    numDataBuffers: models,
    numBytes: memoryBytes,
    unreliable: true,
    reasons: ['Tensors are garbage collected and not counted.'],
  };
}

/** Resolves after the page has drawn a frame; outside of pages, after pending events. */
export function nextFrame(): Promise<void> {
  rejectExtraArguments('nextFrame', 0, arguments);
  return new Promise(resolve => {
    if (typeof requestAnimationFrame === 'function') requestAnimationFrame(() => resolve());
    else setTimeout(resolve, 0);
  });
}

/** Prints a tensor to the console; with `verbose`, also its dtype and shape. */
export function print(x: TensorLike, verbose?: boolean): void {
  rejectExtraArguments('print', 2, arguments);
  asTensor('print', 'x', x).print(verbose);
}
