/** Tensors and their functions, by their TF.js names. */

export * from './arithmetic.ts';
export { TensorBuffer } from './buffer.ts';
export { grad, grads, valueAndGrad, valueAndGrads } from './gradients.ts';
export {
  cast,
  clone,
  concat,
  expandDims,
  flatten,
  gather,
  reshape,
  reverse,
  slice,
  split,
  squeeze,
  stack,
  tile,
  transpose,
  unstack,
} from './layout.ts';
export * from './life.ts';
export { losses } from './losses.ts';
export * from './make.ts';
export { multinomial, randomNormal, randomUniform, truncatedNormal } from './random.ts';
export type { NestedBooleans, TensorLike } from './read.ts';
export { type Axes, argMax, argMin, max, mean, min, moments, softmax, sum } from './reduce.ts';
// TypeScript programs for TF.js use these names; here the type does not include the rank.
export type {
  Tensor as Scalar,
  Tensor as Tensor1D,
  Tensor as Tensor2D,
  Tensor as Tensor3D,
  Tensor as Tensor4D,
} from './tensor.ts';
export { Tensor } from './tensor.ts';
export { type Nested, util } from './util.ts';
export type { DataType, DataTypeMap } from './values.ts';
