/** What the rest of the package needs of tensors; they live in tensor/. */

export { readTensor, type TensorLike } from './tensor/read.ts';
export { Tensor } from './tensor/tensor.ts';
