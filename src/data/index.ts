/** Data to train on. Nothing here needs the kernels. */

export { type SineCosineBatch, type SineCosineOptions, sineCosine } from './sineCosine.ts';
