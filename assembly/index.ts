/** The whole binary interface. Pointers and strides are bytes, sizes are elements. */

export { boundNorms, nonNegative } from './constraints';
export { copyRows } from './copy';
export { gruBackward, gruForward, gruRewind } from './gru';
export { gruWeights } from './gruOrder';
export { lstmBackward, lstmForward, lstmRewind } from './lstm';
export { lstmState, lstmWeights } from './lstmOrder';
export { hState } from './recurrent';
export { simpleRnnBackward, simpleRnnForward, simpleRnnRewind, simpleRnnWeights } from './simpleRnn';
export { denseBackward, denseForward, denseWeights } from './dense';
export { loss } from './loss';
export { countedRows } from './lossPlan';
export { metric } from './metrics';
export { joinBackward, mergeBackward, mergeForward } from './merge';
export { activationBackward, activationForward } from './activation';
export { dropoutBackward, dropoutForward, setBatch } from './dropout';
export { embeddingBackward, embeddingForward, embeddingWeights } from './embedding';
export { maskingBackward, maskingForward } from './masking';
export { areWithin, clamp, scale, sumOfSquares } from './gradients';
export {
  adadelta, adagrad, adam, adamax, amsgrad, average, decay, momentum, nadam, rmsprop, sgd,
} from './optimizers';
export { penalty, penaltyGradient } from './regularizers';
export { repeatBackward, repeatForward, reshapeBackward, reshapeForward } from './reshape';
export { mixedRows } from './orthogonal';
export { orthonormalize, randomNormal, randomUniform, truncatedNormal } from './random';

// The parts, for the tests: each is checked on its own against a float64 reference.
export { activateWithSlope } from './activations';
export { dropoutMask } from './dropout';
export { expArray, reluArray, reluBackward, sigmoidArray, sigmoidBackward, tanhArray, tanhBackward } from './activations';
export { setJoined } from './joined';
export { log1pArray, logArray } from './log';
export { matmul, matmulTransposed, packTransposed } from './matmul';
export { matmulNaive, matmulTransposedNaive } from './naive';
export { outerPanel12, outerPanel16, rowPanel12, rowPanel16 } from './tiles.generated';

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
