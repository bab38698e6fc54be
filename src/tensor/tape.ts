/** The tape: while a gradient is computed, tensor functions record their calls on it. Nothing is recorded otherwise. */

import type { Tensor } from './tensorClass.ts';

/** A recorded call of a tensor function. */
export interface Recorded {
  /** The name of its rule in gradients.ts. */
  readonly name: string;
  readonly inputs: readonly Tensor[];
  readonly output: Tensor;
  /** What the rule needs beside the tensors. */
  readonly options: unknown;
}

class Tape {
  readonly calls: Recorded[] = [];
  /** The tensors whose gradients are wanted, and those computed from them. */
  readonly followed = new Set<Tensor>();
}

/** Null while no gradient is computed. */
let tape: Tape | null = null;

/** Records a call if a tape runs and follows one of the inputs; returns the output. */
export function record(name: string, output: Tensor, inputs: readonly Tensor[], options: unknown = null): Tensor {
  if (tape === null || !inputs.some(input => tape!.followed.has(input))) return output;
  tape.followed.add(output);
  tape.calls.push({ name, inputs, output, options });
  return output;
}

/**
 * Calls `f` and returns its result with the calls recorded meanwhile. Inside of another recording, the calls, and what
 * follows them, are recorded there too: that gives gradients of gradients.
 */
export function recording<T>(followed: readonly Tensor[], f: () => T): { result: T; calls: readonly Recorded[] } {
  const outer = tape;
  tape ??= new Tape();
  try {
    const from = tape.calls.length;
    for (const one of followed) tape.followed.add(one);
    const result = f();
    return { result, calls: tape.calls.slice(from) };
  } finally {
    tape = outer;
  }
}
