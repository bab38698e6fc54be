/** Sizes that memory is measured in, in bytes. */

/** A number. */
export const FLOAT = 4;

/** A cache line: where every block and every buffer begins. */
export const LINE = 64;
