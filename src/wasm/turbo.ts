/**
 * Shared by `lstm-wasm/turbo` and the engine.
 *
 * V8's flags belong to the process, so all copies of the package in a program share this object.
 */

/** `relaxed-simd`: fused multiply-add on Node 20; `revectorize`: V8 merges two vectors of 128 bits into one of 256. @inline */
export type TurboFlag = 'relaxed-simd' | 'revectorize';

interface Turbo {
  /** The enabled flags. */
  flags: readonly TurboFlag[];
  /** Whether kernels have started. Flags set later affect only functions that V8 has not optimized yet. */
  started: boolean;
}

const key: unique symbol = Symbol.for('lstm-wasm.turbo');
const shared = globalThis as { [key]?: Turbo };
shared[key] ??= { flags: [], started: false };

export const turbo: Turbo = shared[key];
