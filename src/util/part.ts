/**
 * Parts of the package that not every program needs. A program of `lstm-wasm` contains all of them; one of `lstm-wasm/core`
 * contains those that it passes to `use`.
 */

import { fail, show } from './errors.ts';

/** Where the package looks for the code of a part. */
export class Place<T> {
  #code: T | null = null;

  /** @param part its name in `lstm-wasm/core` */
  constructor(readonly part: string) {}

  /** Null if the program does not use the part. */
  get code(): T | null {
    return this.#code;
  }

  fill(code: T): void {
    this.#code = code;
  }

  /** The code, for a call that cannot do without it. */
  need(call: string): T {
    return this.#code ?? fail(call, `needs use(${this.part}) of 'lstm-wasm/core', or an import of 'lstm-wasm'`);
  }
}

/** A part of the package, for `use`. */
export class Part {
  /** @internal */
  constructor(
    /** The name of the export. */
    readonly name: string,
    /** @internal */
    readonly add: () => void,
  ) {}
}

/**
 * Adds parts of the package to a program that imports `lstm-wasm/core`. Call it before anything that needs them. A part that
 * was added before does no harm.
 */
export function use(...parts: readonly Part[]): void {
  for (const part of parts) {
    if (!(part instanceof Part)) fail('use', `parts must be parts of 'lstm-wasm/core', got ${show(part)}`);
  }
  for (const part of parts) part.add();
}
