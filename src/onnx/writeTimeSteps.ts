/** Converts pooling layers, and layers that pad, crop, repeat or exchange time steps. */

import type { Layer } from '../layers/layer.ts';
import { AveragePooling1D, GlobalAveragePooling1D, GlobalPooling1D, Pooling1D } from '../layers/pooling.ts';
import { Cropping1D, Permute, UpSampling1D, ZeroPadding1D } from '../layers/timeSteps.ts';
import { windowsOver } from '../layers/windows.ts';
import { fail } from '../util/errors.ts';
import type { Attributes } from './graph.ts';
import { FLOAT32 } from './proto.ts';
import type { WriteContext, WrittenCall, WrittenValue } from './writeContext.ts';

const TRANSPOSED = { perm: { ints: [0, 2, 1] } };
const OVER_TIME = { axes: { ints: [1] }, keepdims: { i: 0 } };

/** Adds the nodes of a layer that changes time steps; null for other layers. The mask ends there. */
export function writeTimeSteps(context: WriteContext, layer: Layer, call: WrittenCall): WrittenValue | null {
  const value = written(context, layer, call);
  return value === null ? null : { value, mask: null };
}

function written(context: WriteContext, layer: Layer, call: WrittenCall): string | null {
  const { graph } = context;
  const { name, inputs, inputShape } = call;
  const [{ value: x, mask }] = inputs as [WrittenValue];
  if (layer instanceof Pooling1D) {
    const isMean = layer instanceof AveragePooling1D;
    const windows = {
      kernel_shape: { ints: [...layer.poolSize] },
      strides: { ints: [...layer.strides] },
      ...padding(context.call, layer, inputShape[0]!),
    };
    // ONNX pools over the last axis
    const columns = graph.add('Transpose', `${name}/columns`, [x], TRANSPOSED);
    const pooled = graph.add(isMean ? 'AveragePool' : 'MaxPool', `${name}/pool`, [columns], windows);
    return graph.add('Transpose', name, [pooled], TRANSPOSED);
  }
  if (layer instanceof GlobalPooling1D) {
    const isMean = layer instanceof GlobalAveragePooling1D;
    if (mask) return isMean ? meanOfCounted(context, name, x, mask) : maximumOfCounted(context, name, x, mask);
    return graph.add(isMean ? 'ReduceMean' : 'ReduceMax', name, [x], OVER_TIME);
  }
  if (layer instanceof ZeroPadding1D) {
    const [before, after] = layer.padding;
    return before + after === 0 ? x : graph.add('Pad', name, [x, graph.ints([0, before, 0, 0, after, 0])]);
  }
  if (layer instanceof Cropping1D) {
    const [before, after] = layer.cropping;
    if (before + after === 0) return x;
    const end = after === 0 ? 2 ** 31 - 1 : -after;
    return graph.add('Slice', name, [x, graph.ints([before]), graph.ints([end]), graph.ints([1])]);
  }
  if (layer instanceof UpSampling1D) {
    if (layer.size === 1) return x;
    const scales = graph.floats(`${name}/scales`, [3], Float32Array.of(1, layer.size, 1));
    const nearest = { mode: { s: 'nearest' }, coordinate_transformation_mode: { s: 'asymmetric' } };
    return graph.add('Resize', name, [x, '', scales], { ...nearest, nearest_mode: { s: 'floor' } });
  }
  if (layer instanceof Permute) return layer.dims[0] === 1 ? x : graph.add('Transpose', name, [x], TRANSPOSED);
  return null;
}

/** The padding of windows over a number of steps, or over an open one. */
function padding(call: string, layer: Pooling1D, steps: number | string): Attributes {
  if (layer.padding === 'valid') return {};
  const [extent] = layer.poolSize;
  const [stride] = layer.strides;
  if (extent === 1) return {};
  if (typeof steps === 'string' && stride > 1) {
    if (extent >= stride) return { auto_pad: { s: 'SAME_UPPER' } };
    const rule = `layer '${layer.name}' must have a fixed number of time steps`;
    fail(call, `${rule}, or strides of at most poolSize, with padding 'same', got strides of ${stride}`);
  }
  const all = typeof steps === 'number' ? steps : extent;
  const windows = windowsOver(call, layer.name, all, { extent, stride, padding: 'same' });
  const missing = Math.max(0, (windows.steps - 1) * stride + extent - all);
  return { pads: { ints: [windows.before, missing - windows.before] } };
}

/** The mean of the steps that count; zeros if none does. */
function meanOfCounted({ graph }: WriteContext, name: string, x: string, mask: string): string {
  const counted = graph.add('Where', `${name}/counted`, [mask, x, graph.number(0)]);
  const sum = graph.add('ReduceSum', `${name}/sum`, [counted, graph.ints([1])], { keepdims: { i: 0 } });
  const count = graph.add('Max', `${name}/count`, [countOf({ graph }, name, mask), graph.number(1)]);
  return graph.add('Div', name, [sum, count]);
}

/** The maximum of the steps that count; zeros if none does. */
function maximumOfCounted({ graph }: WriteContext, name: string, x: string, mask: string): string {
  const counted = graph.add('Where', `${name}/counted`, [mask, x, graph.number(Number.NEGATIVE_INFINITY)]);
  const most = graph.add('ReduceMax', `${name}/most`, [counted], OVER_TIME);
  const some = graph.add('Greater', `${name}/some`, [countOf({ graph }, name, mask), graph.number(0)]);
  return graph.add('Where', name, [some, most, graph.number(0)]);
}

/** The number of steps that count, [batch, 1]. */
function countOf({ graph }: Pick<WriteContext, 'graph'>, name: string, mask: string): string {
  const numbers = graph.add('Cast', `${name}/numbers`, [mask], { to: { i: FLOAT32 } });
  return graph.add('ReduceSum', `${name}/all`, [numbers, graph.ints([1])], { keepdims: { i: 0 } });
}
