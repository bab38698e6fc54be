/**
 * Weights as safetensors files, under the names of Keras or of PyTorch.
 *
 * `toSafetensors(model)` and `loadSafetensors(model, bytes)` are for models; `readSafetensors` and `writeSafetensors`
 * for tensors of any name.
 */

export { readSafetensors, type SafetensorsFile, writeSafetensors } from './format.ts';
export {
  type LoadSafetensorsOptions,
  loadSafetensors,
  type SafetensorsNames,
  type ToSafetensorsOptions,
  toSafetensors,
} from './model.ts';
export type { Modules } from './torch.ts';
