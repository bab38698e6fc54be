/** The whole binary interface. Pointers and strides are bytes, sizes are elements. */

export { boundNorms, nonNegative } from './training/constraints';
export { copyRows } from './memory/copy';
export { gruBackward, gruForward, gruRewind } from './recurrent/gru';
export { gruWeights } from './recurrent/gruPacking';
export { lstmBackward, lstmForward, lstmRewind } from './recurrent/lstm';
export { lstmState, lstmWeights } from './recurrent/lstmPacking';
export { hState } from './recurrent/recurrent';
export { simpleRnnBackward, simpleRnnForward, simpleRnnRewind, simpleRnnWeights } from './recurrent/simpleRnn';
export { denseBackward, denseForward, denseWeights } from './layers/dense';
export { loss } from './losses/loss';
export { countedRows } from './losses/lossPlan';
export { metric } from './losses/metrics';
export { joinBackward, mergeBackward, mergeForward } from './layers/merge';
export { activationBackward, activationForward } from './layers/activation';
export { dropoutBackward, dropoutForward, setBatch } from './layers/dropout';
export { embeddingBackward, embeddingForward, embeddingWeights } from './layers/embedding';
export { maskingBackward, maskingForward } from './layers/masking';
export { areWithin, clamp, scale, sumOfSquares } from './training/gradients';
export {
  adadelta, adagrad, adam, adamax, amsgrad, average, decay, momentum, nadam, rmsprop, sgd,
} from './training/optimizers';
export { penalty, penaltyGradient } from './training/regularizers';
export { repeatBackward, repeatForward, reshapeBackward, reshapeForward } from './layers/reshape';
export { mixedRows } from './math/orthogonal';
export { orthonormalize, randomNormal, randomUniform, truncatedNormal } from './math/random';

// The parts, for the tests: each is checked on its own against a float64 reference.
export { activateWithSlope } from './math/activations';
export { dropoutMask } from './layers/dropout';
export { expArray, reluArray, reluBackward, sigmoidArray, sigmoidBackward, tanhArray, tanhBackward } from './math/activations';
export { setJoined } from './products/wideVectors';
export { log1pArray, logArray } from './math/log';
export { matmul, matmulTransposed, packTransposed } from './products/matmul';
export { matmulNaive, matmulTransposedNaive } from './products/matmulReference';
export { outerPanel12, outerPanel16, rowPanel12, rowPanel16 } from './products/tiles.generated';

/** Whether this build fuses multiply and add. */
export function isRelaxed(): bool {
  return ASC_FEATURE_RELAXED_SIMD;
}

/** A block of memory for the facade, which owns it from here; traps when there is none left. */
export function allocate(bytes: usize): usize {
  return heap.alloc(bytes);
}

export function release(block: usize): void {
  heap.free(block);
}

export function zero(block: usize, bytes: usize): void {
  memory.fill(block, 0, bytes);
}
