/** lstm-wasm/onnx: models to ONNX, and recurrent models from it. */

export { type ToOnnxOptions, toOnnx } from './export.ts';
export { loadOnnxModel } from './load.ts';
