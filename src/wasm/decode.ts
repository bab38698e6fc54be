/** The bytes of kernels that the package has as text. */

import type { Simd } from './kernels.ts';
import { operations, strictOperations } from './modules/operations.generated.ts';

/** Kernels that programs carry or leave out together; scripts/kernelGroups.js lists them. */
export interface KernelModule {
  /** The name of the group. */
  readonly name: string;
  /** The fields of the plan structures that its kernels read. */
  readonly structures: { readonly [kind: string]: readonly string[] };
  /** Its relaxed build, as asText in scripts/build.js writes it. */
  readonly text: string;
  /** Places in the text that look like operations, but are something else. */
  readonly others: readonly number[];
}

/** The bytes of a build. The strict one is the relaxed one with other operations, see scripts/fused.js. */
export function decode({ text, others }: KernelModule, build: Simd): Uint8Array<ArrayBuffer> {
  const replaced = (found: string, at: number) => (others.includes(at) ? found : strictOperations[found]!);
  const characters = build === 'strict' ? text.replaceAll(operations, replaced) : text;
  const bytes = new Uint8Array(characters.length);
  let count = 0;
  for (let i = 0; i < characters.length; i++) {
    const value = characters.charCodeAt(i) - 35;
    bytes[count++] = value < 89 ? value : 89 * (value - 88) + characters.charCodeAt(++i) - 35;
  }
  return bytes.slice(0, count);
}
