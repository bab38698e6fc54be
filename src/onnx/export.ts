/** Exports models to ONNX. */

import { version } from '../../package.json' with { type: 'json' };
import { Activation, ELU, LeakyReLU, ReLU, Softmax } from '../layers/activationLayers.ts';
import type { ActivationName } from '../layers/activations.ts';
import { Dense } from '../layers/dense.ts';
import { Dropout } from '../layers/dropout.ts';
import { Embedding } from '../layers/embedding.ts';
import { Flatten } from '../layers/flatten.ts';
import { InputLayer } from '../layers/inputLayer.ts';
import type { Layer } from '../layers/layer.ts';
import { Masking } from '../layers/masking.ts';
import { Bidirectional } from '../layers/recurrent/bidirectional.ts';
import { Recurrent, RecurrentLayer } from '../layers/recurrent/recurrent.ts';
import { TimeDistributed } from '../layers/recurrent/timeDistributed.ts';
import { RepeatVector } from '../layers/repeatVector.ts';
import { Reshape } from '../layers/reshape.ts';
import { LayersModel } from '../model/layersModel.ts';
import { Sequential } from '../model/sequential.ts';
import { rejectExtraArguments } from '../util/arguments.ts';
import { fail, show } from '../util/errors.ts';
import { checkOptions } from '../util/options.ts';
import { writeActivation } from './activations.ts';
import { Graph } from './graph.ts';
import { writeModel } from './proto.ts';
import { type WriteContext, type WrittenLayer, writeRecurrent } from './writeRecurrent.ts';

export interface ToOnnxOptions {
  /** The operator set version, 14 to 17; default 17, which ONNX Runtime supports since 1.12. */
  opset?: number;
  /**
   * Whether initial and final states are inputs and outputs; default false. With 'optional', the inputs may be omitted,
   * and the states are then zero. ONNX Runtime supports this in Python, C++, C# and Java, but not in JavaScript:
   * onnxruntime-node silently ignores such inputs, and onnxruntime-web rejects them. Use true there.
   */
  states?: boolean | 'optional';
  /** The name of the graph; default that of the model. */
  name?: string;
}

/** The version of the file format; ONNX Runtime supports it since 1.12. */
const IR_VERSION = 8;
const OLDEST = 14;
const NEWEST = 17;

/**
 * Converts a model to an ONNX file for inference.
 *
 * The input 'input' has the shape [batch, time, width] or [batch, width]; below an embedding, it has int64 ids
 * [batch, time]. The output 'output' has the shape of the model's output. Batch and time are variable; time is fixed if a
 * layer needs that, such as flatten. With states, every recurrent layer has the inputs '<layer>_h' and, for lstm,
 * '<layer>_c', and the outputs '<layer>_h_out' and '<layer>_c_out', of the shape [directions, batch, units], so that a
 * sequence can be processed in parts. Stacked cells are numbered: '<layer>_0_h'.
 *
 * @throws ValueError if a cell has an activation that ONNX does not support
 */
export function toOnnx(model: Sequential, options?: ToOnnxOptions): Uint8Array {
  rejectExtraArguments('toOnnx', 2, arguments);
  const call = 'toOnnx';
  if (!(model instanceof Sequential) || model.layers.some(({ nestedLayers }) => nestedLayers)) {
    const other = '; build a sequential model of the same layers and pass it the weights with setWeights';
    const advice = model instanceof LayersModel ? other : '';
    fail(call, `model must be a sequential model without nested models, got ${show(model)}${advice}`);
  }
  const known = checkOptions<ToOnnxOptions>(call, options, ['opset', 'states', 'name']);
  const { opset = NEWEST, name = model.name } = known;
  if (!Number.isInteger(opset) || opset < OLDEST || opset > NEWEST) {
    fail(call, `opset must be an integer from ${OLDEST} to ${NEWEST}, got ${show(opset)}`);
  }
  const { states = false } = known;
  if (typeof states !== 'boolean' && states !== 'optional') {
    fail(call, `states must be true, false or 'optional', got ${show(states)}`);
  }
  if (typeof name !== 'string' || name === '') fail(call, `name must be a non-empty string, got ${show(name)}`);
  const { layers } = model;
  if (layers.length === 0) fail(call, 'model must have a layer, got none');

  const graph = new Graph();
  for (const taken of ['input', 'output']) graph.name(taken);
  const [, ...sample] = layers[0]!.inputShape;
  const ids = layers.some(layer => layer instanceof Embedding);
  const time = fixedTime(layers) ?? 'time';
  const shape = sample.length === 2 ? ['batch', time, sample[1]!] : ['batch', ids ? time : sample[0]!];
  graph.input('input', ids ? 'int64' : 'float32', shape);
  // Added first, because readers use the first output
  const [, ...result] = layers.at(-1)!.outputShape;
  const steps = keepsTime(layers) ? time : result[0]!;
  graph.output('output', 'float32', ['batch', ...(result.length === 2 ? [steps, result[1]!] : [result[0]!])]);
  let batch: string | null = null;
  const context: WriteContext = {
    call,
    graph,
    states,
    batch: () => {
      batch ??= graph.add('Gather', 'batch', [graph.add('Shape', 'shape', ['input']), graph.ints([0])]);
      return batch;
    },
  };
  let current: WrittenLayer = { value: 'input', mask: null };
  for (const [n, layer] of layers.entries()) {
    const masked = layers.slice(n + 1).some(above => above instanceof RecurrentLayer);
    current = write(context, layer, current, masked);
  }
  graph.rename(current.value, 'output');
  return writeModel({
    irVersion: IR_VERSION,
    producerName: 'lstm-wasm',
    producerVersion: version,
    graph: graph.finish(name),
    opsetImport: [{ domain: '', version: opset }],
  });
}

/** Whether the output of a layer does not have the time steps of its input. */
const endsTime = (layer: Layer): boolean =>
  layer instanceof Flatten ||
  layer instanceof Reshape ||
  (layer instanceof RecurrentLayer && layer.outputShape.length === 2);

const hasTime = (layers: readonly Layer[]): boolean =>
  layers[0]!.inputShape.length === 3 || layers.some(layer => layer instanceof Embedding);

const keepsTime = (layers: readonly Layer[]): boolean => hasTime(layers) && !layers.some(endsTime);

/** The number of time steps of the input, if a layer requires a fixed number. */
function fixedTime(layers: readonly Layer[]): number | null {
  const last = hasTime(layers) ? layers.find(endsTime) : undefined;
  return last && !(last instanceof RecurrentLayer) && last.inputShape.length === 3 ? last.inputShape[1]! : null;
}

/**
 * Adds the nodes of a layer.
 *
 * @param masked whether a layer above uses the mask
 */
function write(context: WriteContext, layer: Layer, { value, mask }: WrittenLayer, masked: boolean): WrittenLayer {
  const { graph } = context;
  const { name } = layer;
  const activation = (which: ActivationName, x: string, at = name) => writeActivation[which](graph, at, x);
  if (layer instanceof InputLayer || layer instanceof Dropout) return { value, mask };
  if (layer instanceof Recurrent || layer instanceof Bidirectional) return writeRecurrent(context, layer, value, mask);
  if (layer instanceof TimeDistributed) return write(context, layer.layer, { value, mask }, masked);
  if (layer instanceof Dense) return { value: writeDense(context, layer, value), mask };
  if (layer instanceof Embedding) {
    const [table] = layer.readWeights(context.call);
    const rows = graph.floats(`${name}/embeddings`, table!.shape, table!.dataSync());
    return {
      value: graph.add('Gather', name, [rows, value]),
      mask: layer.maskZero && masked ? differs(context, layer, value, graph.ints([0], true), true) : null,
    };
  }
  if (layer instanceof Masking) {
    const counts = differs(context, layer, value, graph.number(layer.maskValue), false);
    return { value: graph.add('Where', name, [counts, value, graph.number(0)]), mask: counts };
  }
  if (layer instanceof Activation) return { value: activation(layer.activation, value), mask };
  if (layer instanceof Softmax) return { value: activation('softmax', value), mask };
  if (layer instanceof ELU) return { value: graph.add('Elu', name, [value], { alpha: { f: layer.alpha } }), mask };
  if (layer instanceof LeakyReLU) {
    return { value: graph.add('LeakyRelu', name, [value], { alpha: { f: layer.alpha } }), mask };
  }
  if (layer instanceof ReLU) {
    const { maxValue, negativeSlope } = layer;
    if (negativeSlope === 0) {
      if (maxValue === null) return { value: activation('relu', value), mask };
      return { value: graph.add('Clip', name, [value, graph.number(0), graph.number(maxValue)]), mask };
    }
    const leaky = maxValue === null ? name : `${name}/leaky`;
    const sloped = graph.add('LeakyRelu', leaky, [value], { alpha: { f: negativeSlope } });
    return { value: maxValue === null ? sloped : graph.add('Min', name, [sloped, graph.number(maxValue)]), mask };
  }
  if (layer instanceof Flatten) {
    return { value: layer.inputShape.length === 2 ? value : graph.add('Flatten', name, [value], AXIS_1), mask: null };
  }
  if (layer instanceof Reshape) {
    const [, ...target] = layer.outputShape as number[];
    return { value: graph.add('Reshape', name, [value, graph.ints([0, ...target])]), mask: null };
  }
  if (layer instanceof RepeatVector) {
    const step = graph.add('Unsqueeze', `${name}/step`, [value, graph.ints([1])]);
    return { value: graph.add('Expand', name, [step, graph.ints([1, layer.n, 1])]), mask: null };
  }
  return fail(context.call, `layer '${name}' must be supported by ONNX, got ${layer.className}`);
}

const AXIS_1 = { axis: { i: 1 } };

function writeDense({ call, graph }: WriteContext, layer: Dense, x: string): string {
  const { name, activation } = layer;
  const [kernel, bias] = layer.readWeights(call).map(tensor => ({ shape: tensor.shape, values: tensor.dataSync() }));
  const product = graph.add('MatMul', name, [x, graph.floats(`${name}/kernel`, kernel!.shape, kernel!.values)]);
  const sum = bias
    ? graph.add('Add', `${name}/sum`, [product, graph.floats(`${name}/bias`, bias.shape, bias.values)])
    : product;
  return writeActivation[activation](graph, `${name}/${activation}`, sum);
}

/** A mask [B, T, 1]: true for the time steps whose id, or any feature, differs from a number. */
function differs({ graph }: WriteContext, { name }: Layer, value: string, number: string, ids: boolean): string {
  const same = graph.add('Equal', `${name}/same`, [value, number]);
  const other = graph.add('Not', `${name}/other`, [same]);
  if (ids) return graph.add('Unsqueeze', `${name}/counts`, [other, graph.ints([2])]);
  const numbers = graph.add('Cast', `${name}/others`, [other], { to: { i: 1 } });
  const any = graph.add('ReduceMax', `${name}/any`, [numbers], { axes: { ints: [2] }, keepdims: { i: 1 } });
  return graph.add('Cast', `${name}/counts`, [any], { to: { i: 9 } });
}
