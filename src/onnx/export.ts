/** Models to ONNX. */

import { version } from '../../package.json' with { type: 'json' };
import { Activation, ELU, LeakyReLU, ReLU, Softmax } from '../layers/activation.ts';
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
import { Sequential } from '../model/sequential.ts';
import { noMore } from '../util/arguments.ts';
import { fail, show } from '../util/errors.ts';
import { checkOptions } from '../util/options.ts';
import { writeActivation } from './activations.ts';
import { Graph } from './graph.ts';
import { writeModel } from './proto.ts';
import { type WriteContext, type WrittenLayer, writeRecurrent } from './writeRecurrent.ts';

export interface ToOnnxOptions {
  /** Version of the operators, 14 to 17; default 17, which ONNX Runtime knows from 1.12 on. */
  opset?: number;
  /**
   * Whether initial and final states are inputs and outputs; default false. With 'optional' the inputs may be left out,
   * and the states are zero then. ONNX Runtime takes such inputs in Python, C++, C# and Java; in JavaScript it does not:
   * onnxruntime-node ignores them in silence, onnxruntime-web refuses them. There, true is right.
   */
  states?: boolean | 'optional';
  /** Of the graph; default that of the model. */
  name?: string;
}

/** The format of the file; ONNX Runtime 1.12 knows it. */
const IR_VERSION = 8;
const OLDEST = 14;
const NEWEST = 17;

/**
 * A model as an ONNX file: its prediction, without what only training needs.
 *
 * Input 'input' is [batch, time, width], or [batch, width], or int64 ids [batch, time] below an embedding; 'output' has the
 * shape of the model's output. Batch and time are open; time is fixed where a layer needs that, as flatten does.
 * With states, every recurrent layer has inputs '<layer>_h' and, of lstm, '<layer>_c', and outputs '<layer>_h_out' and
 * '<layer>_c_out', all of them [directions, batch, units], so that a sequence may be fed in pieces. The cells of a stack
 * count: '<layer>_0_h'.
 *
 * @throws ValueError where a cell has an activation that ONNX has not
 */
export function toOnnx(model: Sequential, options?: ToOnnxOptions): Uint8Array {
  noMore('toOnnx', 2, arguments);
  const call = 'toOnnx';
  if (!(model instanceof Sequential)) fail(call, `model must be a sequential model, got ${show(model)}`);
  const known = checkOptions<ToOnnxOptions>(call, options, ['opset', 'states', 'name']);
  const { opset = NEWEST, name = model.name } = known;
  if (!Number.isInteger(opset) || opset < OLDEST || opset > NEWEST) {
    fail(call, `opset must be a whole number from ${OLDEST} to ${NEWEST}, got ${show(opset)}`);
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
  // The first of all outputs: readers take it for the model's.
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
  let flow: WrittenLayer = { value: 'input', mask: null };
  for (const [n, layer] of layers.entries()) {
    const masked = layers.slice(n + 1).some(above => above instanceof RecurrentLayer);
    flow = write(context, layer, flow, masked);
  }
  graph.rename(flow.value, 'output');
  return writeModel({
    irVersion: IR_VERSION,
    producerName: 'lstm-wasm',
    producerVersion: version,
    graph: graph.finish(name),
    opsetImport: [{ domain: '', version: opset }],
  });
}

/** Whether a layer gives its time steps an end: none of the layers above sees those that came in. */
const endsTime = (layer: Layer): boolean =>
  layer instanceof Flatten ||
  layer instanceof Reshape ||
  (layer instanceof RecurrentLayer && layer.outputShape.length === 2);

const hasTime = (layers: readonly Layer[]): boolean =>
  layers[0]!.inputShape.length === 3 || layers.some(layer => layer instanceof Embedding);

const keepsTime = (layers: readonly Layer[]): boolean => hasTime(layers) && !layers.some(endsTime);

/** How many time steps go in, where a layer can take no other number. */
function fixedTime(layers: readonly Layer[]): number | null {
  const last = hasTime(layers) ? layers.find(endsTime) : undefined;
  return last && !(last instanceof RecurrentLayer) && last.inputShape.length === 3 ? last.inputShape[1]! : null;
}

/**
 * Adds the nodes of a layer.
 *
 * @param masked whether a layer above asks which time steps count
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
  return fail(context.call, `layer '${name}' must be one that ONNX can express, got ${layer.className}`);
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

/** Which time steps differ from a number, [B, T, 1]: those of ids, or those with any feature that does. */
function differs({ graph }: WriteContext, { name }: Layer, value: string, number: string, ids: boolean): string {
  const same = graph.add('Equal', `${name}/same`, [value, number]);
  const other = graph.add('Not', `${name}/other`, [same]);
  if (ids) return graph.add('Unsqueeze', `${name}/counts`, [other, graph.ints([2])]);
  const numbers = graph.add('Cast', `${name}/others`, [other], { to: { i: 1 } });
  const any = graph.add('ReduceMax', `${name}/any`, [numbers], { axes: { ints: [2] }, keepdims: { i: 1 } });
  return graph.add('Cast', `${name}/counts`, [any], { to: { i: 9 } });
}
