/** The exports of the kernels. Pointers and strides count bytes, sizes count elements. */

import { Build } from './math/elementary';

export { boundNorms, nonNegative } from './training/constraints';
export { copyRows } from './memory/copy';
export {
  gruBackward, gruBackwardRows, gruBackwardStart, gruBackwardWeights, gruForward, gruForwardEnd, gruForwardRows, gruRewind,
} from './recurrent/gru';
export { packGruWeights, unpackGruWeights } from './recurrent/gruPacking';
export {
  gruCandidateGroups, gruCellsBackward, gruResetsBackward, gruSetStep, gruStatesBackward, gruStepGroups, gruStepsStart,
  gruSweepStart, gruTransposeColumns,
} from './recurrent/gruUnitGroups';
export {
  lstmBackward, lstmBackwardRows, lstmBackwardStart, lstmBackwardWeights, lstmForward, lstmForwardEnd, lstmForwardRows,
  lstmRewind,
} from './recurrent/lstm';
export { packLstmState, packLstmWeights, unpackLstmState, unpackLstmWeights } from './recurrent/lstmPacking';
export {
  lstmCellsBackward, lstmInputGroups, lstmSetStep, lstmStatesBackward, lstmStepGroups, lstmStepsEnd, lstmStepsStart,
  lstmSweepEnd, lstmSweepStart, lstmTransposeColumns,
} from './recurrent/lstmUnitGroups';
export {
  lstmVariantBackward, lstmVariantBackwardRows, lstmVariantBackwardStart, lstmVariantBackwardWeights,
  lstmVariantForward, lstmVariantForwardEnd, lstmVariantForwardRows, lstmVariantRewind, packGates, packProjection,
  unpackGates, unpackProjection,
} from './recurrent/lstmVariants';
export {
  minRnnBackward, minRnnBackwardRows, minRnnBackwardStart, minRnnBackwardWeights, minRnnForward, minRnnForwardEnd,
  minRnnForwardRows, minRnnRewind,
} from './recurrent/minRnn';
export { packMinRnnWeights, unpackMinRnnWeights } from './recurrent/minRnnPlan';
export { packState, unpackState } from './recurrent/shared';
export {
  packSimpleRnnWeights, simpleRnnBackward, simpleRnnBackwardRows, simpleRnnBackwardStart, simpleRnnBackwardWeights,
  simpleRnnForward, simpleRnnForwardEnd, simpleRnnForwardRows, simpleRnnRewind, unpackSimpleRnnWeights,
} from './recurrent/simpleRnn';
export {
  denseBackward, denseBackwardRows, denseBackwardStart, denseBackwardWeights, denseForward, denseForwardRows,
  packDenseWeights, unpackDenseWeights,
} from './layers/dense';
export {
  conv1dBackward, conv1dBackwardRows, conv1dBackwardStart, conv1dBackwardWeights, conv1dForward, conv1dForwardRows,
} from './layers/conv';
export { loss, lossEnd, lossRows, lossStart, otherLoss, weightedMean } from './losses/loss';
export { countedRows } from './losses/lossPlan';
export { metric } from './losses/metrics';
export { clearBackward, joinBackward, mergeBackward, mergeForward, scaleBackward } from './layers/merge';
export {
  attentionBackward, attentionBackwardRows, attentionForward, attentionForwardRows, attentionForwardStart,
} from './layers/attention';
export { combineBackward, combineForward, placeBackward, placeForward } from './layers/combine';
export { dotBackward, dotForward } from './layers/dot';
export { activationBackward, activationForward } from './layers/activation';
export {
  batchNormalizationCommit, batchNormalizationForward, batchNormalizationForwardRows,
} from './layers/batchNormalization';
export { batchNormalizationBackward, batchNormalizationBackwardRows } from './layers/batchNormalizationBackward';
export { foldForward } from './layers/fold';
export {
  layerNormalizationBackward, layerNormalizationBackwardRows, layerNormalizationBackwardWeights,
  layerNormalizationForward, layerNormalizationForwardRows,
} from './layers/layerNormalization';
export { dropoutBackward, dropoutForward, dropoutMask, setBatch } from './layers/dropout';
export { embeddingBackward, embeddingForward, packEmbeddingWeights, unpackEmbeddingWeights } from './layers/embedding';
export { maskingBackward, maskingForward } from './layers/masking';
export { areWithin, clamp, scale, sumOfSquares } from './training/gradients';
export {
  checkGradients, clearGradients, isOutside, otherStep, setBound, setExtras, setRule, setStart, setUpdateMemory, updateBytes,
  updateWeights, updateWeightsAside, updateWeightsStore,
} from './training/updates';
export { penalty, penaltyGradient } from './training/regularizers';
export { poolBackward, poolForward } from './layers/pool';
export { preluBackward, preluForward } from './layers/prelu';
export {
  repeatBackward, repeatForward, reshapeBackward, reshapeForward, stretchBackward, stretchForward, transposeBackward,
  transposeForward,
} from './layers/reshape';
export { activateStrided } from './math/activations';
export { mixedRows } from './math/orthogonal';
export { orthonormalize, randomNormal, randomUniform, truncatedNormal } from './math/random';
export { logSoftmaxBackward, logSoftmaxRows, softmaxBackward, softmaxRows } from './math/softmax';
export { setThread } from './memory/thread';
export { setWideVectors } from './products/wideVectors';

/** One of `Build`. */
export function build(): i32 {
  return ASC_FEATURE_RELAXED_SIMD ? Build.relaxed : Build.strict;
}

/** Allocates a block of memory; traps if there is not enough. */
export function allocate(bytes: usize): usize {
  return heap.alloc(bytes);
}

export function release(block: usize): void {
  heap.free(block);
}

export function zero(block: usize, bytes: usize): void {
  memory.fill(block, 0, bytes);
}
