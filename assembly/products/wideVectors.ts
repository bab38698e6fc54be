/**
 * What the host's compiler makes of vectors.
 *
 * Under `lstm-wasm/turbo` V8 joins two neighbouring vectors of 128 bits into one of 256. A tile of 4x16 then fits into
 * the registers, does twice the work for each number it loads, and wants panels of 16 columns; without joining it
 * spills. No choice made here changes a sum: the bits are the same.
 */

/** Whether vectors are joined. Packed matrices are laid out accordingly: set it before anything is packed. */
export let joined = false;

export function setJoined(on: bool): void {
  joined = on;
}
