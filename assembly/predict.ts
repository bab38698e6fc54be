/** The exports of the kernels of `lstm-wasm/predict`: forward only. */

export { copyRows } from './memory/copy';
export { gruForward } from './recurrent/gru';
export { packGruWeights } from './recurrent/gruPacking';
export { lstmForward } from './recurrent/lstm';
export { packLstmWeights } from './recurrent/lstmPacking';
export { denseForward, packDenseWeights } from './layers/dense';
