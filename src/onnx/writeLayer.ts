/** Converts a call of a layer to nodes. */

import { Activation, ELU, LeakyReLU, ReLU, Softmax, ThresholdedReLU } from '../layers/activationLayers.ts';
import type { ActivationName } from '../layers/activations.ts';
import { AttentionLayer } from '../layers/attentionLayer.ts';
import { Concatenate } from '../layers/concatenate.ts';
import { Conv1D } from '../layers/conv1d.ts';
import { Dense } from '../layers/dense.ts';
import { Dot } from '../layers/dot.ts';
import { Embedding } from '../layers/embedding.ts';
import { ExplicitMask } from '../layers/explicitMask.ts';
import { Flatten } from '../layers/flatten.ts';
import type { Layer } from '../layers/layer.ts';
import { Masking } from '../layers/masking.ts';
import { Merge } from '../layers/merge.ts';
import { Noise } from '../layers/noise.ts';
import { BatchNormalization, LayerNormalization } from '../layers/normalization.ts';
import { PReLU } from '../layers/prelu.ts';
import { Bidirectional } from '../layers/recurrent/bidirectional.ts';
import { Recurrent } from '../layers/recurrent/recurrent.ts';
import { TimeDistributed } from '../layers/recurrent/timeDistributed.ts';
import { RepeatVector } from '../layers/repeatVector.ts';
import { Reshape } from '../layers/reshape.ts';
import { fail } from '../util/errors.ts';
import { writeActivation } from './activations.ts';
import { writeAttention } from './writeAttention.ts';
import type { WriteContext, WrittenCall, WrittenValue } from './writeContext.ts';
import { writeConcatenate, writeDot, writeMerge } from './writeMerging.ts';
import { writeNormalization } from './writeNormalization.ts';
import { writeRecurrent } from './writeRecurrent.ts';
import { writeTimeSteps } from './writeTimeSteps.ts';

/** Adds the nodes of a call; returns the outputs. */
export function writeLayer(context: WriteContext, layer: Layer, call: WrittenCall): WrittenValue[] {
  if (layer instanceof Recurrent || layer instanceof Bidirectional) return writeRecurrent(context, layer, call);
  if (layer instanceof AttentionLayer) return writeAttention(context, layer, call);
  if (layer instanceof Merge) return [writeMerge(context, layer, call)];
  if (layer instanceof Concatenate) return [writeConcatenate(context, layer, call)];
  if (layer instanceof Dot) return [writeDot(context, layer, call)];
  return [writeSimple(context, layer, call)];
}

/** Converts a layer of one input and one output. */
function writeSimple(context: WriteContext, layer: Layer, call: WrittenCall): WrittenValue {
  const { graph } = context;
  const { name, inputs, ranks, passesMask } = call;
  const [{ value, mask }] = inputs as [WrittenValue];
  const activation = (which: ActivationName, x: string, at = name) => writeActivation[which](graph, at, x);
  if (layer instanceof Noise) return { value, mask };
  if (layer instanceof TimeDistributed) {
    const further = name.slice(layer.name.length);
    return writeSimple(context, layer.layer, { ...call, name: `${layer.layer.name}${further}` });
  }
  if (layer instanceof Dense) return { value: writeDense(context, layer, name, value), mask };
  if (layer instanceof Conv1D) return { value: writeConv1d(context, layer, name, value), mask: null };
  if (layer instanceof BatchNormalization || layer instanceof LayerNormalization) {
    return { value: writeNormalization(context, layer, name, value, ranks[0]!), mask };
  }
  if (layer instanceof Embedding) {
    const [rows] = context.weights(layer, 'embeddings', () => {
      const [table] = layer.readWeights(context.call);
      return [graph.floats(`${layer.name}/embeddings`, table!.shape, table!.dataSync())];
    });
    return {
      value: graph.add('Gather', name, [rows!, value]),
      mask: layer.maskZero && passesMask ? differs(context, name, value, graph.ints([0], true), true) : null,
    };
  }
  if (layer instanceof ExplicitMask) {
    const given = inputs[1]?.value;
    return { value, mask: given && passesMask ? differs(context, name, given, graph.number(0), true) : null };
  }
  if (layer instanceof Masking) {
    const counts = differs(context, name, value, graph.number(layer.maskValue), false);
    return { value: graph.add('Where', name, [counts, value, graph.number(0)]), mask: counts };
  }
  if (layer instanceof Activation) return { value: activation(layer.activation, value), mask };
  if (layer instanceof Softmax) return { value: activation('softmax', value), mask };
  if (layer instanceof ELU) return { value: graph.add('Elu', name, [value], { alpha: { f: layer.alpha } }), mask };
  if (layer instanceof LeakyReLU) {
    return { value: graph.add('LeakyRelu', name, [value], { alpha: { f: layer.alpha } }), mask };
  }
  if (layer instanceof ThresholdedReLU) {
    return { value: graph.add('ThresholdedRelu', name, [value], { alpha: { f: layer.theta } }), mask };
  }
  if (layer instanceof PReLU) {
    const [alpha] = context.weights(layer, 'prelu', () => {
      const [slopes] = layer.readWeights(context.call);
      return [graph.floats(`${layer.name}/alpha`, slopes!.shape, slopes!.dataSync())];
    });
    return { value: graph.add('PRelu', name, [value, alpha!]), mask };
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
    return { value: ranks[0] === 2 ? value : graph.add('Flatten', name, [value], AXIS_1), mask: null };
  }
  if (layer instanceof Reshape) {
    const target = call.shape as number[]; // its axes are fixed
    return { value: graph.add('Reshape', name, [value, graph.ints([0, ...target])]), mask: null };
  }
  if (layer instanceof RepeatVector) {
    const step = graph.add('Unsqueeze', `${name}/step`, [value, graph.ints([1])]);
    return { value: graph.add('Expand', name, [step, graph.ints([1, layer.n, 1])]), mask: null };
  }
  const changed = writeTimeSteps(context, layer, call);
  if (changed) return changed;
  return fail(context.call, `layer '${layer.name}' must be supported by ONNX, got ${layer.className}`);
}

const AXIS_1 = { axis: { i: 1 } };

function writeDense(context: WriteContext, layer: Dense, name: string, x: string): string {
  const { call, graph } = context;
  const { activation } = layer;
  const [kernel, bias] = context.weights(layer, 'dense', () =>
    layer
      .readWeights(call)
      .map((tensor, n) =>
        graph.floats(`${layer.name}/${n === 0 ? 'kernel' : 'bias'}`, tensor.shape, tensor.dataSync()),
      ),
  );
  const product = graph.add('MatMul', name, [x, kernel!]);
  const sum = bias ? graph.add('Add', `${name}/sum`, [product, bias]) : product;
  return writeActivation[activation](graph, `${name}/${activation}`, sum);
}

/** Conv of ONNX has the features before the time steps, and the kernel [filters, inputs, kernelSize]. */
function writeConv1d(context: WriteContext, layer: Conv1D, name: string, x: string): string {
  const { call, graph } = context;
  const { activation, kernelSize, strides, dilationRate, filters, padding } = layer;
  const weights = context.weights(layer, 'conv1d', () => {
    const [kernel, bias] = layer.readWeights(call);
    const inputs = kernel!.shape[1]!;
    const turned = turnKernel(kernel!.dataSync(), kernelSize, inputs, filters);
    const names = [graph.floats(`${layer.name}/kernel`, [filters, inputs, kernelSize], turned)];
    if (bias) names.push(graph.floats(`${layer.name}/bias`, bias.shape, bias.dataSync()));
    return names;
  });
  const turn = { perm: { ints: [0, 2, 1] } };
  const turned = graph.add('Transpose', `${name}/features`, [x], turn);
  const zeros = dilationRate * (kernelSize - 1);
  const before = padding === 'valid' ? 0 : padding === 'causal' ? zeros : Math.floor(zeros / 2);
  const after = padding === 'same' ? zeros - before : 0;
  const product = graph.add('Conv', name, [turned, ...weights], {
    kernel_shape: { ints: [kernelSize] },
    strides: { ints: [strides] },
    dilations: { ints: [dilationRate] },
    // With strides, the zeros of 'same' depend on the number of time steps
    ...(padding === 'same' && strides > 1 ? { auto_pad: { s: 'SAME_UPPER' } } : { pads: { ints: [before, after] } }),
  });
  const y = graph.add('Transpose', `${name}/steps`, [product], turn);
  return writeActivation[activation](graph, `${name}/${activation}`, y);
}

/** The kernel [kernelSize, inputs, filters] as [filters, inputs, kernelSize]. */
function turnKernel(kernel: Float32Array, taps: number, inputs: number, filters: number): Float32Array {
  const turned = new Float32Array(kernel.length);
  for (let n = 0; n < filters; n++) {
    for (let d = 0; d < inputs; d++) {
      for (let k = 0; k < taps; k++) turned[(n * inputs + d) * taps + k] = kernel[(k * inputs + d) * filters + n]!;
    }
  }
  return turned;
}

/** A mask [B, T, 1]: true for the time steps whose id, or any feature, differs from a number. */
function differs({ graph }: WriteContext, name: string, value: string, number: string, ids: boolean): string {
  const same = graph.add('Equal', `${name}/same`, [value, number]);
  const other = graph.add('Not', `${name}/other`, [same]);
  if (ids) return graph.add('Unsqueeze', `${name}/counts`, [other, graph.ints([2])]);
  const numbers = graph.add('Cast', `${name}/others`, [other], { to: { i: 1 } });
  const any = graph.add('ReduceMax', `${name}/any`, [numbers], { axes: { ints: [2] }, keepdims: { i: 1 } });
  return graph.add('Cast', `${name}/counts`, [any], { to: { i: 9 } });
}
