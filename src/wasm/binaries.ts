/** The kernels inside the package. */

import * as all from './binaries.generated.ts';
import { decode } from './decode.ts';
import type { Simd } from './kernels.ts';

/** The bytes of a build. */
export const binary = (build: Simd): Uint8Array<ArrayBuffer> => decode(all, build);
