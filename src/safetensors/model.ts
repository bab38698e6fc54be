/** The weights of a model as a safetensors file, and back. */

import { Sequential } from '../model/sequential.ts';
import { Tensor } from '../tensor/tensor.ts';
import { noMore } from '../util/arguments.ts';
import { fail, show } from '../util/errors.ts';
import { checkBoolean, checkName, checkOptions } from '../util/options.ts';
import { checkMetadata, type NamedTensor, SafetensorsReader, write } from './format.ts';
import { findKeras, kerasMappings } from './keras.ts';
import { findTorch, type Modules, torchMappings } from './torch.ts';

/** Whose names the tensors have. */
export type SafetensorsNames = 'keras' | 'torch';

export interface ToSafetensorsOptions {
  /**
   * 'keras', the default: `<layer>/kernel`, `<layer>/recurrent_kernel`, `<layer>/bias`, `<layer>/embeddings`, in the
   * shapes of `getWeights`. 'torch': as a `state_dict` of PyTorch has them.
   */
  names?: SafetensorsNames;
  /**
   * With the names of PyTorch: which layers make which module, by the name of the module. Layers that are not
   * mentioned make one of their own name each. Several recurrent layers of one kind and width make one module with as
   * many layers: `{ encoder: ['lstm_1', 'lstm_2'] }` gives `encoder.weight_ih_l0` and `encoder.weight_ih_l1`. The
   * name '' gives `weight_ih_l0`, as the module itself has it.
   */
  modules?: Modules;
  /** Strings for the header. With the names of PyTorch, `format` is 'pt' unless it is given, as programs expect. */
  metadata?: Readonly<Record<string, string>>;
}

export interface LoadSafetensorsOptions extends Pick<ToSafetensorsOptions, 'names' | 'modules'> {
  /**
   * Whether the file must have the tensors of the model by their names and no others; default true. Every weight of
   * the model gets a value either way.
   *
   * Without it, tensors of modules that the model does not have are ignored (PyTorch), and where the names of the
   * layers differ, weights are found by their order (Keras): what stands before the last slash of a name is a layer;
   * each layer of the model takes the first one of the file that is left and has weights of the same names and shapes,
   * and none may be left in the end. Order is that of the data in the file.
   */
  strict?: boolean;
}

/**
 * The weights of a model as a safetensors file, float32 bit for bit.
 *
 * The file holds weights alone. With the names of PyTorch, what has no weights (activations of dense layers, dropout,
 * masks, whether the last step or all come out) is for the program there to do in the same way. A lstm, gru or
 * simpleRNN becomes `<layer>.weight_ih_l0` [G U, D], `weight_hh_l0` [G U, U], `bias_ih_l0` and `bias_hh_l0` [G U], a
 * bidirectional one has the same with `_reverse` besides, a dense one `weight` [U, D] and `bias` [U], an embedding
 * `weight`; `load_state_dict` takes them as they are.
 *
 * @returns the whole file
 * @throws ValueError where a layer has no form in PyTorch: other activations than tanh and sigmoid (relu in a
 * simpleRNN), a gru without resetAfter, goBackwards, a mergeMode other than concat, cells of several kinds in a rnn
 */
export function toSafetensors(model: Sequential, options?: ToSafetensorsOptions): Uint8Array {
  noMore('toSafetensors', 2, arguments);
  const call = 'toSafetensors';
  checkModel(call, model);
  const known = checkOptions<ToSafetensorsOptions>(call, options, ['names', 'modules', 'metadata']);
  const names = checkNames(call, known.names, known.modules);
  const metadata = checkMetadata(call, known.metadata);
  const parts = names === 'torch' ? torchMappings(call, model, known.modules) : kerasMappings(model);
  if (names === 'torch' && !metadata.some(([name]) => name === 'format')) metadata.push(['format', 'pt']);
  const weights = model.getWeights();
  const tensors = parts.flatMap((part, n): NamedTensor[] => {
    const written = part.write(weights[n]!.dataSync());
    return part.names.map((name, i) => ({ name, shape: part.shape, values: written[i]! }));
  });
  return write(call, tensors, metadata);
}

/**
 * Sets the weights of a model from a safetensors file: all of them, or none where it throws. States and optimizer
 * stay as they are.
 *
 * Takes what `toSafetensors` writes, and a `state_dict` of PyTorch, whose `LSTMCell`, `GRUCell` and `RNNCell` have
 * `weight_ih` where a layer has `weight_ih_l0`: F16, BF16 and F64 are made into float32. The two
 * biases of an LSTM or RNN are added.
 *
 * @param model with the layers that the file has weights for
 * @param bytes the whole file
 * @throws ValueError naming the part of the file that breaks the format, or the tensor that is missing, superfluous or
 * of another shape, or the layer that has no form in PyTorch
 */
export function loadSafetensors(
  model: Sequential,
  bytes: Uint8Array | ArrayBuffer,
  options?: LoadSafetensorsOptions,
): void {
  noMore('loadSafetensors', 3, arguments);
  const call = 'loadSafetensors';
  checkModel(call, model);
  const known = checkOptions<LoadSafetensorsOptions>(call, options, ['names', 'modules', 'strict']);
  const names = checkNames(call, known.names, known.modules);
  const strict = known.strict === undefined ? true : checkBoolean(call, 'strict', known.strict);
  const file = new SafetensorsReader(call, bytes);
  const parts =
    names === 'torch' ? findTorch(call, file, model, known.modules, strict) : findKeras(call, file, model, strict);
  const shapes = model.layers.flatMap(layer => layer.weightSpecs.map(({ shape }) => shape));
  model.setWeights(
    parts.map((part, n) => new Tensor(part.read(part.names.map(name => file.numbers(name))), shapes[n]!)),
  );
}

function checkModel(call: string, model: unknown): void {
  if (!(model instanceof Sequential)) fail(call, `model must be a model made with sequential(), got ${show(model)}`);
}

function checkNames(call: string, names: unknown, modules: unknown): SafetensorsNames {
  const known = names === undefined ? 'keras' : checkName(call, 'names', names, ['keras', 'torch']);
  if (modules !== undefined && known !== 'torch') {
    fail(call, `modules must stand beside names: 'torch', got it beside '${known}'`);
  }
  return known;
}
