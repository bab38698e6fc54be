/** lstm-wasm/onnx: exports models to ONNX, and imports recurrent models from it. */

export { type ToOnnxOptions, toOnnx } from './export.ts';
export { loadOnnxModel } from './load.ts';
