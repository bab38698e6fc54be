/** The bytes of a build of kernels that the package has as text. */

import type { Simd } from './kernels.ts';

/** A module that binariesModule in scripts/build.js writes. */
export interface BuildAsText {
  readonly text: string;
  readonly operations: RegExp;
  readonly strictOperations: Readonly<Record<string, string>>;
  readonly others: readonly number[];
}

/** The text is that of the relaxed build. The strict one is the same but for its operations, see scripts/fused.js. */
export function decode(
  { text, operations, strictOperations, others }: BuildAsText,
  build: Simd,
): Uint8Array<ArrayBuffer> {
  const strict = () =>
    text.replaceAll(operations, (found, at) => (others.includes(at) ? found : strictOperations[found]!));
  const characters = build === 'strict' ? strict() : text;
  const bytes = new Uint8Array(characters.length);
  let count = 0;
  for (let i = 0; i < characters.length; i++) {
    const value = characters.charCodeAt(i) - 35;
    bytes[count++] = value < 89 ? value : 89 * (value - 88) + characters.charCodeAt(++i) - 35;
  }
  return bytes.slice(0, count);
}
