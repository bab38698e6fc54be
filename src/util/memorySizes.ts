/** Sizes in bytes. */

/** A float32 number, and also an int32 or an address. */
export const FLOAT = 4;

/** A cache line. Every memory block and every buffer starts at a multiple of it. */
export const LINE = 64;
