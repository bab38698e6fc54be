/** Types of the kernels. */

export type { Address, Kernels } from './shared.generated.ts';

/** The builds: `strict` rounds every operation, `relaxed` fuses multiply and add. */
export type Simd = 'strict' | 'relaxed';
