/** Layers and cells that consist of parts, such as the halves of a bidirectional layer. */

import { FLOAT } from '../util/memorySizes.ts';

/**
 * Calls `use` for each part, with its share of the packed memory and of the matrices of the whole.
 *
 * @param packed address of the packed numbers; those of the parts follow each other
 * @param matrices addresses of the matrices of all parts, in order
 * @param floatsOf the number of packed floats of a part
 * @param countOf the number of matrices of a part
 */
export function forEachPart<P>(
  parts: readonly P[],
  packed: number,
  matrices: readonly number[],
  floatsOf: (part: P, n: number) => number,
  countOf: (part: P) => number,
  use: (part: P, packed: number, matrices: readonly number[], n: number) => void,
): void {
  let first = 0;
  for (let n = 0; n < parts.length; n++) {
    const part = parts[n]!;
    const count = countOf(part);
    use(part, packed, parts.length === 1 ? matrices : matrices.slice(first, first + count), n);
    first += count;
    packed += floatsOf(part, n) * FLOAT;
  }
}
