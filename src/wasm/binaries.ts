/** The kernels inside the package. */

import { pieces } from './binaries.generated.ts';
import type { Simd } from './kernels.ts';

/** The bytes of a build, decoded from the text that asText in scripts/build.js writes. */
export function binary(build: Simd): Uint8Array<ArrayBuffer> {
  const text = pieces.map(piece => piece[build]).join('');
  const bytes = new Uint8Array(text.length);
  let count = 0;
  for (let i = 0; i < text.length; i++) {
    const value = text.charCodeAt(i) - 35;
    bytes[count++] = value < 89 ? value : 89 * (value - 88) + text.charCodeAt(++i) - 35;
  }
  return bytes.slice(0, count);
}
