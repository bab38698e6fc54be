/**
 * Whether the host merges vectors.
 *
 * Under `lstm-wasm/turbo`, V8 merges two adjacent vectors of 128 bits into one of 256. A tile of 4x16 then fits into the
 * registers, and does twice the work for each number it loads; otherwise it spills. The choice changes no order of
 * additions, so the bits are the same.
 */

export let wideVectors = false;

export function setWideVectors(on: bool): void {
  wideVectors = on;
}
