/**
 * What `lstm-wasm/turbo` and the kernels tell each other.
 *
 * V8's flags belong to the process, so this does too: it holds for every copy of the package that a program loads.
 */

/** `relaxed-simd`: Node 20 has fused multiply-add; `revectorize`: V8 joins two vectors of 128 bits into one of 256. @inline */
export type TurboFlag = 'relaxed-simd' | 'revectorize';

interface Turbo {
  /** What is switched on. */
  flags: readonly TurboFlag[];
  /** Whether kernels have started. A flag set later would reach only those that V8 has yet to optimize. */
  started: boolean;
}

const key: unique symbol = Symbol.for('lstm-wasm.turbo');
const shared = globalThis as { [key]?: Turbo };
shared[key] ??= { flags: [], started: false };

export const turbo: Turbo = shared[key];
