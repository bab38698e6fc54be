/**
 * lstm-wasm/safetensors: weights as safetensors files, with the names of Keras or PyTorch.
 *
 * `toSafetensors(model)` and `loadSafetensors(model, bytes)` write and read the weights of models; `writeSafetensors` and
 * `readSafetensors` write and read any tensors.
 */

import '../tensor/chained.ts';

export { readSafetensors, type SafetensorsFile, writeSafetensors } from './format.ts';
export {
  type LoadSafetensorsOptions,
  loadSafetensors,
  type SafetensorsNames,
  type ToSafetensorsOptions,
  toSafetensors,
} from './model.ts';
export type { Modules } from './torch.ts';
