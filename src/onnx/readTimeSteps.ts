/** Nodes that become pooling layers, and layers that pad, crop or repeat time steps. */

import { type Padding, windowsOver } from '../layers/windows.ts';
import { reduceDirections } from './directions.ts';
import { inTimeOrder, permuted, withAxes } from './insertedLayers.ts';
import { callMasks } from './masks.ts';
import type { NodeReader } from './nodeReader.ts';
import { added, divided, multiplied, type Size } from './sizes.ts';
import {
  type Axis,
  type Chain,
  type Counts,
  type DirectionOutput,
  type LayerOutput,
  layerOutputOf,
  type Mask,
  type Masked,
  nameOf,
  onlyNumber,
  sizeOfAxis,
} from './values.ts';

const COLUMNS: readonly Axis[] = ['batch', 'width', 'time'];

const chainOf = ({ parts }: LayerOutput): Chain => (parts[0] as DirectionOutput).chain;

/** An open number of time steps that a node computes. */
const openSteps = (node: NodeReader): Size => `steps of node ${node.position}`;

/** Adds a layer that changes the number of time steps. */
function changed(
  node: NodeReader,
  output: LayerOutput,
  factory: string,
  options: object,
  steps: Size | null,
): LayerOutput {
  const spec = { factory, name: node.name, options: { ...options }, weights: [], kind: 'other' } as const;
  const chain = node.addLayer(chainOf(output), spec, { steps: steps ?? openSteps(node), flipped: false, mask: null });
  return layerOutputOf(chain, output.axes);
}

/** An output in the order of time, with time on an axis: where time and features are exchanged, after a permute layer. */
function alongTime(node: NodeReader, output: LayerOutput, axis: number): LayerOutput {
  const swapped = axis === 1 && output.axes.join() === COLUMNS.join() ? permuted(node, output) : output;
  if (swapped.axes[axis] !== 'time') {
    node.fail(`must change the time steps, got the axis ${axis} of [${output.axes.join(', ')}]`);
  }
  return inTimeOrder(node, swapped);
}

// ------------------------------------------------------------------------------------------------------------ pooling

/** Reads a MaxPool or an AveragePool. */
export function pool(node: NodeReader, factory: 'maxPooling1d' | 'averagePooling1d'): LayerOutput {
  let x = inTimeOrder(node, withAxes(node, node.layerInput(0), COLUMNS));
  if (x.axes.join() !== COLUMNS.join()) node.rejectAxes(x, COLUMNS);
  const [extent, ...more] = node.attributes.get('kernel_shape')?.ints ?? [];
  const [stride = 1] = node.attributes.get('strides')?.ints ?? [];
  const [dilation = 1] = node.attributes.get('dilations')?.ints ?? [];
  if (extent === undefined || more.length > 0 || !(extent >= 1) || !(stride >= 1)) {
    node.fail('must have windows of one axis, with sizes and strides of at least 1');
  }
  if (dilation !== 1 || node.int('ceil_mode', 0) !== 0) node.fail('must have no dilations and no ceil_mode');
  const window = { extent: extent!, stride };
  const [before, after] = padsOf(node);
  const isPadded = before + after > 0 || node.string('auto_pad', 'NOTSET').startsWith('SAME');
  let padding: Padding | null = isPadded ? null : 'valid';
  if (isPadded && factory === 'averagePooling1d' && node.int('count_include_pad', 0) !== 0) {
    if (before + after === 0) node.fail('must count padding only with explicit pads, got auto_pad');
    x = padded(node, x, [before, after]);
    padding = 'valid';
  }
  padding ??= samePadding(node, window, chainOf(x).steps!);
  const { steps } = chainOf(x);
  const keepsSteps = stride === 1 && (padding === 'same' || extent === 1);
  const count =
    typeof steps === 'number'
      ? windowsOver(node.source.call, node.name || node.op, steps, { ...window, padding }).steps
      : keepsSteps
        ? steps
        : null;
  return changed(node, x, factory, { poolSize: extent, strides: stride, padding }, count);
}

/** The explicit padding at both ends. */
function padsOf(node: NodeReader): [number, number] {
  const [before = 0, after = 0] = node.attributes.get('pads')?.ints ?? [];
  if (!(before >= 0) || !(after >= 0)) node.fail(`pads must be at least 0, got [${before}, ${after}]`);
  return [before, after];
}

/** Fails if the padding of a node is not that of a layer with padding: 'same'. */
function samePadding(node: NodeReader, { extent, stride }: { extent: number; stride: number }, steps: Size): 'same' {
  const auto = node.string('auto_pad', 'NOTSET');
  // The runtimes disagree about windows that are shorter than strides
  if (auto === 'SAME_UPPER' && extent >= stride) return 'same';
  const pads = padsOf(node);
  if (auto === 'NOTSET' && (typeof steps === 'number' || stride === 1)) {
    const all = typeof steps === 'number' ? steps : extent;
    const { call } = node.source;
    const windows = windowsOver(call, node.name, all, { extent, stride, padding: 'same' });
    const missing = Math.max(0, (windows.steps - 1) * stride + extent - all);
    if (pads[0] === windows.before && pads[1] === missing - windows.before) return 'same';
  }
  const got = auto === 'NOTSET' ? `pads [${pads.join(', ')}]` : auto;
  return node.fail(`must be padded for as many windows as strides, with the smaller half first, got ${got}`);
}

/** Pools all time steps that count. */
function pooled(node: NodeReader, output: LayerOutput, factory: string, mask: Mask | null, axes: readonly Axis[]) {
  // The order of the steps does not matter, but that of a mask does
  const chain = chainOf(mask ? inTimeOrder(node, output) : node.withLayers(output));
  const masks = callMasks(node, [chain], [mask]);
  const spec = {
    factory,
    name: node.name,
    options: {},
    weights: [],
    kind: 'other',
    ...(masks && { masks }),
  } as const;
  return layerOutputOf(node.addLayer(chain, spec, { steps: null, flipped: false, mask: null }), axes);
}

/** Reads a GlobalMaxPool or a GlobalAveragePool. */
export function poolAll(node: NodeReader, factory: string): LayerOutput {
  const x = withAxes(node, node.layerInput(0), COLUMNS);
  if (x.axes.join() !== COLUMNS.join()) node.rejectAxes(x, COLUMNS);
  return pooled(node, x, factory, null, ['batch', 'width', 'one']);
}

/** Reads a ReduceMax or a ReduceMean, over time or over both directions of a layer. */
export function reduce(node: NodeReader, factory: string, mergeMode: string | null): LayerOutput {
  const output = node.layerOutput(0);
  const [axis, ...more] = node.list('axes', 1)?.map(n => node.axis(n, output.axes.length)) ?? [];
  const isSwapped = axis === 1 && output.axes.join() === COLUMNS.join();
  if (axis === undefined || more.length > 0 || (output.axes[axis] !== 'time' && !isSwapped)) {
    return mergeMode ? reduceDirections(node, mergeMode) : node.fail('must reduce the time steps, got something else');
  }
  const x = isSwapped ? permuted(node, output) : output;
  const keeps = node.int('keepdims', 1) !== 0;
  const axes = x.axes.flatMap((name, n): Axis[] => (n !== axis ? [name] : keeps ? ['one'] : []));
  return pooled(node, x, factory, null, axes);
}

// ------------------------------------------------------------------------------------ pooling of masked sequences

const isOverSteps = (node: NodeReader): boolean => {
  const axes = node.list('axes', 1)?.map(axis => node.axis(axis, 3));
  return axes?.join() === '1' && node.int('keepdims', 1) === 0;
};

/** Reads the sum or the maximum of the steps that count. */
export function reduceMasked(node: NodeReader): Masked {
  const value = node.value(0);
  const number = node.op === 'ReduceSum' ? 0 : Number.NEGATIVE_INFINITY;
  if (value.kind !== 'masked' || value.isReduced || value.number !== number || !isOverSteps(node)) {
    return node.fail('must be the sum of steps with 0, or the maximum of steps with -Infinity, where they are masked');
  }
  return { ...value, isReduced: true };
}

/** Reads the number of steps that count, in the form that `toOnnx` writes. */
export function countSteps(node: NodeReader): Counts {
  const [a, b] = node.values();
  const counts = a?.kind === 'counts' ? a : b?.kind === 'counts' ? b : null;
  const other = counts === a ? b : a;
  const number = other ? onlyNumber(other) : null;
  switch (`${counts?.stage} ${node.op}`) {
    case 'steps ReduceSum':
      if (counts === a && isOverSteps(node)) return { ...counts!, stage: 'total' };
      break;
    case 'total Max':
      if (number === 1 && node.count === 2) return { ...counts!, stage: 'divisor' };
      break;
    case 'total Greater':
      if (number === 0 && counts === a) return { ...counts!, stage: 'some' };
  }
  return node.fail('must be a part of the number of unmasked steps, got something else');
}

/** Reads the quotient of the sum of the steps that count and their number. */
export function divideByCount(node: NodeReader): LayerOutput {
  const [sum, count] = [node.value(0), node.value(1)];
  if (sum.kind !== 'masked' || !sum.isReduced || sum.number !== 0 || count.kind !== 'counts') return rejectPart(node);
  if (count.stage !== 'divisor' || count.mask.key !== sum.mask.key) return rejectPart(node);
  return pooled(node, sum.output, 'globalAveragePooling1d', sum.mask, ['batch', 'width']);
}

/** Reads the maximum of the steps that count, with 0 if none does. */
export function chooseMaximum(node: NodeReader): LayerOutput {
  const [some, most, other] = [node.value(0), node.value(1), node.value(2)];
  if (some.kind !== 'counts' || some.stage !== 'some' || most.kind !== 'masked' || !most.isReduced) {
    return rejectPart(node);
  }
  if (most.number === 0 || most.mask.key !== some.mask.key || onlyNumber(other) !== 0) return rejectPart(node);
  return pooled(node, most.output, 'globalMaxPooling1d', most.mask, ['batch', 'width']);
}

const rejectPart = (node: NodeReader): never =>
  node.fail(
    `must pool the unmasked steps of one mask, got ${node
      .values()
      .map(value => value && nameOf(value))
      .join(' and ')}`,
  );

// ------------------------------------------------------------------------------------- padding, cropping, repetition

/** Adds steps of zeros. */
const padded = (node: NodeReader, x: LayerOutput, [before, after]: [number, number]): LayerOutput => {
  const { steps } = chainOf(x);
  return changed(node, x, 'zeroPadding1d', { padding: [before, after] }, added(steps!, before + after));
};

/** Reads a Pad that adds steps of zeros. */
export function pad(node: NodeReader): LayerOutput {
  const output = node.layerOutput(0);
  const rank = output.axes.length;
  const pads = node.list('pads', 1) ?? [];
  const axes = node.has(3) ? node.ints(3).map(axis => node.axis(axis, rank)) : [...output.axes.keys()];
  const value = node.has(2) ? onlyNumber(node.value(2)) : node.float('value', 0);
  if (pads.length !== 2 * axes.length || node.string('mode', 'constant') !== 'constant' || value !== 0) {
    node.fail('must add zeros at both ends of each axis, got something else');
  }
  const changes = axes
    .map((axis, n) => ({ axis, before: pads[n]!, after: pads[n + axes.length]! }))
    .filter(({ before, after }) => before !== 0 || after !== 0);
  const [only, ...others] = changes;
  if (!only) return output;
  const { axis, before, after } = only;
  if (others.length > 0 || before < 0 || after < 0) node.fail('must add steps to the time axis only');
  return padded(node, alongTime(node, output, axis), [before, after]);
}

/** Cuts off steps, from a range of the time axis; null if a layer cannot. */
export function crop(
  node: NodeReader,
  output: LayerOutput,
  axis: number,
  start: number,
  end: Size,
): LayerOutput | null {
  const size = sizeOfAxis(output, axis);
  let [before, after] = [start, 0];
  if (typeof size === 'number') {
    const clamp = (n: number) => Math.min(Math.max(n < 0 ? n + size : n, 0), size);
    [before, after] = [clamp(start), size - clamp(typeof end === 'number' ? end : size)];
  } else if (typeof end === 'number' && end < 0) after = -end;
  else if (end !== size && !(typeof end === 'number' && end >= 2 ** 31 - 1)) return null;
  if (before < 0 || output.parts.length !== 1 || output.parts[0]!.half !== null) return null;
  if (typeof size === 'number' && before + after >= size)
    return node.fail('must keep at least one time step, got none');
  const x = alongTime(node, output, axis);
  const steps = typeof size === 'number' ? size - before - after : null;
  return changed(node, x, 'cropping1d', { cropping: [before, after] }, steps);
}

/** Reads a Resize or Upsample that repeats each time step. */
export function resize(node: NodeReader): LayerOutput {
  const output = node.layerOutput(0);
  const { axes } = output;
  const isNew = node.op === 'Resize' && node.source.opset >= 11;
  const mode = node.string('mode', 'nearest');
  const place = node.string('coordinate_transformation_mode', isNew ? 'half_pixel' : 'asymmetric');
  const rounding = node.string('nearest_mode', isNew ? 'round_prefer_floor' : 'floor');
  const repeats = place === 'half_pixel' ? rounding.startsWith('round_prefer') : rounding === 'floor';
  if (mode !== 'nearest' || !repeats || !['half_pixel', 'asymmetric'].includes(place)) {
    node.fail('must repeat the numbers of an axis, got another mode');
  }
  const factors = factorsOf(node, output, isNew ? 2 : 1);
  if (factors.length !== axes.length)
    node.fail(`must have a scale for each of ${axes.length} axes, got ${factors.length}`);
  const [axis, ...more] = [...axes.keys()].filter(n => factors[n] !== 1);
  if (axis === undefined) return output;
  const times = factors[axis];
  if (more.length > 0 || typeof times !== 'number' || !Number.isInteger(times) || times < 1) {
    node.fail(`must repeat time steps a whole number of times, got the scales [${factors.slice(0, 12).join(', ')}]`);
  }
  const x = alongTime(node, output, axis);
  return changed(node, x, 'upSampling1d', { size: times }, multiplied(chainOf(x).steps!, times));
}

/** The factors of the sizes of all axes; null for unknown ones. */
function factorsOf(node: NodeReader, output: LayerOutput, scales: number): readonly (Size | null)[] {
  if (node.has(scales + 1)) {
    const { batch } = node.source;
    return node.sizes(scales + 1).values.map((size, axis) => {
      const own = sizeOfAxis(output, axis);
      return own === 'batch' && size === batch ? 1 : divided(size, own);
    });
  }
  return node.attributes.get('scales')?.floats ?? [...node.floats(scales).values];
}
