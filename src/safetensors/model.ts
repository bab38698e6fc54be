/** Writes the weights of a model to a safetensors file, and reads them. */

import { LayersModel } from '../model/layersModel.ts';
import { Tensor } from '../tensor/tensor.ts';
import { rejectExtraArguments } from '../util/arguments.ts';
import { fail, show } from '../util/errors.ts';
import { checkBoolean, checkName, checkOptions } from '../util/options.ts';
import { checkMetadata, type NamedTensor, SafetensorsReader, write } from './format.ts';
import { findKeras, kerasMappings } from './keras.ts';
import { findTorch, type Modules, torchMappings } from './torch.ts';

/** The naming scheme of the tensors. */
export type SafetensorsNames = 'keras' | 'torch';

export interface ToSafetensorsOptions {
  /**
   * 'keras', the default: `<layer>/kernel`, `<layer>/recurrent_kernel`, `<layer>/bias`, `<layer>/embeddings`, in the
   * shapes of `getWeights`. 'torch': as in a `state_dict` of PyTorch.
   */
  names?: SafetensorsNames;
  /**
   * With the names of PyTorch: the layers of each module, by module name. Each layer that is not listed is a module of
   * its own name. Several recurrent layers of the same kind and width form one module with several layers:
   * `{ encoder: ['lstm_1', 'lstm_2'] }` gives `encoder.weight_ih_l0` and `encoder.weight_ih_l1`. The name '' gives
   * `weight_ih_l0`, as in the module itself.
   */
  modules?: Modules;
  /** Strings for the header. With the names of PyTorch, `format` is 'pt' by default, as programs expect. */
  metadata?: Readonly<Record<string, string>>;
}

export interface LoadSafetensorsOptions extends Pick<ToSafetensorsOptions, 'names' | 'modules'> {
  /**
   * Whether the file must have exactly the tensors of the model, by name; default true. In either case, the file must
   * have every weight of the model.
   *
   * With false and the names of PyTorch, tensors of other modules are ignored. With false and the names of Keras, weights
   * are matched by order if the names of layers differ: each layer of the model takes the first remaining layer of the
   * file with the same weight names and shapes, in the order of the data. No layer of the file may remain.
   */
  strict?: boolean;
}

/**
 * Converts the weights of a model to a safetensors file, as exact float32.
 *
 * The file contains only weights. The PyTorch program must apply everything else itself: activations of dense layers,
 * dropout, masks, and the selection of the last step. An lstm, gru or simpleRNN becomes `<layer>.weight_ih_l0` [G U, D],
 * `weight_hh_l0` [G U, U], `bias_ih_l0` and `bias_hh_l0` [G U]; a bidirectional layer also has these with `_reverse`; a
 * dense layer becomes `weight` [U, D] and `bias` [U], and an embedding `weight`. `load_state_dict` accepts them. A minGRU
 * becomes `linear_z` and `linear_h`, a minLSTM `linear_f`, `linear_i` and `linear_h`, each like a dense layer.
 *
 * @returns the whole file
 * @throws ValueError if PyTorch has no equivalent of a layer: activations other than tanh and sigmoid (relu in a
 * simpleRNN), a gru without resetAfter, goBackwards, a mergeMode other than concat, different cells in an rnn, a
 * bidirectional minGRU or minLSTM
 */
export function toSafetensors(model: LayersModel, options?: ToSafetensorsOptions): Uint8Array {
  rejectExtraArguments('toSafetensors', 2, arguments);
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
 * Sets all weights of a model from a safetensors file; sets none if it throws. Does not change states and optimizer.
 *
 * Accepts the files of `toSafetensors` and any `state_dict` of PyTorch, including those of `LSTMCell`, `GRUCell` and
 * `RNNCell`, which have `weight_ih` instead of `weight_ih_l0`. Converts F16, BF16 and F64 to float32, and adds the two
 * biases of an LSTM or RNN.
 *
 * @param model a model with the layers of the file
 * @param bytes the whole file
 * @throws ValueError naming the invalid part of the file, the tensor that is missing, unexpected or has another shape, or
 * the layer without an equivalent in PyTorch
 */
export function loadSafetensors(
  model: LayersModel,
  bytes: Uint8Array | ArrayBuffer,
  options?: LoadSafetensorsOptions,
): void {
  rejectExtraArguments('loadSafetensors', 3, arguments);
  const call = 'loadSafetensors';
  checkModel(call, model);
  const known = checkOptions<LoadSafetensorsOptions>(call, options, ['names', 'modules', 'strict']);
  const names = checkNames(call, known.names, known.modules);
  const strict = known.strict === undefined ? true : checkBoolean(call, 'strict', known.strict);
  const file = new SafetensorsReader(call, bytes);
  const parts =
    names === 'torch' ? findTorch(call, file, model, known.modules, strict) : findKeras(call, file, model, strict);
  const shapes = model.view.state.allLayers.flatMap(layer => layer.weightSpecs.map(({ shape }) => shape));
  model.setWeights(
    parts.map((part, n) => new Tensor(part.read(part.names.map(name => file.numbers(name))), shapes[n]!)),
  );
}

function checkModel(call: string, model: unknown): void {
  if (!(model instanceof LayersModel)) {
    fail(call, `model must be made with sequential() or model(), got ${show(model)}`);
  }
}

function checkNames(call: string, names: unknown, modules: unknown): SafetensorsNames {
  const known = names === undefined ? 'keras' : checkName(call, 'names', names, ['keras', 'torch']);
  if (modules !== undefined && known !== 'torch') {
    fail(call, `modules requires names: 'torch', got '${known}'`);
  }
  return known;
}
