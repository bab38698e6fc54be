/**
 * What TF.js programs do about the life of tensors. Tensors here are collected like any other object, so most of it does
 * nothing.
 */

import { noMore } from '../util/arguments.ts';
import { fail, show } from '../util/errors.ts';
import { backendInfo } from '../wasm/engine.ts';
import { asTensor, type TensorLike } from './read.ts';
import type { Tensor } from './tensorClass.ts';

/** Calls `f` and returns what it returns. Here for programs written for TF.js, where it frees tensors. */
export function tidy<T>(nameOrFunction: string | (() => T), f?: () => T): T {
  noMore('tidy', 2, arguments);
  const run = typeof nameOrFunction === 'function' ? nameOrFunction : f;
  if (typeof run !== 'function') {
    fail('tidy', `f must be a function, got ${show(typeof nameOrFunction === 'string' ? f : nameOrFunction)}`);
  }
  return run();
}

/** Returns what it gets. Here for programs written for TF.js, where it saves a tensor from `tidy`. */
export function keep(x: Tensor): Tensor {
  noMore('keep', 1, arguments);
  return x;
}

/** Does nothing. Here for programs written for TF.js. */
export function dispose(_tensors: unknown): void {
  noMore('dispose', 1, arguments);
}

/** What holds memory, in the words of TF.js. */
export interface MemoryInfo {
  /** Tensors that wait to be disposed of: none, ever. */
  numTensors: number;
  /** Models that hold memory. */
  numDataBuffers: number;
  /** Size of the memory that all models share, in bytes; it only grows. */
  numBytes: number;
  /** True: tensors belong to the garbage collector and are not in these numbers. */
  unreliable: boolean;
  reasons: string[];
}

/** `backendInfo` for programs that watch `memory().numTensors`. */
export function memory(): MemoryInfo {
  noMore('memory', 0, arguments);
  const { models, memoryBytes } = backendInfo();
  return {
    numTensors: 0,
    numDataBuffers: models,
    numBytes: memoryBytes,
    unreliable: true,
    reasons: ['Tensors are garbage collected and not counted.'],
  };
}

/** Resolves after the page has drawn a frame, or, outside of pages, after other events had their turn. */
export function nextFrame(): Promise<void> {
  noMore('nextFrame', 0, arguments);
  return new Promise(resolve => {
    if (typeof requestAnimationFrame === 'function') requestAnimationFrame(() => resolve());
    else setTimeout(resolve, 0);
  });
}

/** Prints a tensor; with `verbose`, its dtype and shape too. */
export function print(x: TensorLike, verbose?: boolean): void {
  noMore('print', 2, arguments);
  asTensor('print', 'x', x).print(verbose);
}
