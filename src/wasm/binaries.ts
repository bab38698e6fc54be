/** The kernels inside the package. */

import { operations, others, strictOperations, text } from './binaries.generated.ts';
import type { Simd } from './kernels.ts';

/**
 * The bytes of a build. The package has the relaxed one, as text that asText in scripts/build.js writes. The strict one is
 * the same but for its operations, see scripts/fused.js.
 */
export function binary(build: Simd): Uint8Array<ArrayBuffer> {
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
