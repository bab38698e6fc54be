/** The operators that a graph of layers is made of, each as what it makes of its inputs. */

import { sizeOf } from '../shapes.ts';
import { HARD_SIGMOID, SELU } from './activations.ts';
import { constant, type Form, identity, plus, times } from './forms.ts';
import { INT32, INT64 } from './proto.ts';
import type { Reading } from './reading.ts';
import { lastOf, readRecurrent } from './readRecurrent.ts';
import { readTensor } from './tensors.ts';
import {
  type Axis,
  type Chain,
  type Floats,
  type Ints,
  MOST_AXES,
  MOST_ITEMS,
  type Part,
  type Size,
  type Stream,
  sizeOfAxis,
  streamOf,
  type Value,
} from './values.ts';

type Operator = (node: Reading) => Value | Value[];

const unary =
  (op: string, ...numbers: [name: string, otherwise: number][]): Operator =>
  node =>
    node.pointwise(0, op, ...numbers.map(([name, otherwise]) => node.float(name, otherwise)));

/** Softmax and its logarithm, along the last axis. */
const alongRows =
  (op: string): Operator =>
  node => {
    const stream = node.stream(0);
    const axis = node.axis(node.int('axis', node.source.opset < 13 ? 1 : -1), stream.axes.length);
    if (stream.axes[axis] !== 'width' || axis !== stream.axes.length - 1) {
      node.fail(`axis must be the last one, the features, got ${axis} of [${stream.axes.join(', ')}]`);
    }
    return node.pointwise(0, op);
  };

/** What leaves its first input as it is. */
const same: Operator = node => node.value(0);

export const operators: { readonly [op: string]: Operator } = {
  LSTM: node => readRecurrent(node, 'LSTM'),
  GRU: node => readRecurrent(node, 'GRU'),
  RNN: node => readRecurrent(node, 'RNN'),
  MatMul: node => dense(node, node.floats(1)),
  Gemm: gemm,
  Add: node => combine(node, plus, 'sum'),
  Sub: node => combine(node, (a, b) => plus(a, times(b, constant(-1))), null),
  Mul: node => combine(node, times, 'mul'),
  Div: divide,
  Pow: power,
  Relu: unary('Relu'),
  Sigmoid: unary('Sigmoid'),
  Tanh: unary('Tanh'),
  Erf: unary('Erf'),
  Softplus: unary('Softplus'),
  Softsign: unary('Softsign'),
  Mish: unary('Mish'),
  Elu: unary('Elu', ['alpha', 1]),
  Selu: unary('Selu', ['alpha', SELU.alpha], ['gamma', SELU.gamma]),
  LeakyRelu: unary('LeakyRelu', ['alpha', 0.01]),
  HardSigmoid: unary('HardSigmoid', ['alpha', HARD_SIGMOID.alpha], ['beta', HARD_SIGMOID.beta]),
  Gelu: node => node.pointwise(0, node.string('approximate', 'none') === 'tanh' ? 'GeluTanh' : 'Gelu'),
  Clip: clip,
  Softmax: alongRows('Softmax'),
  LogSoftmax: alongRows('LogSoftmax'),
  Identity: same,
  Dropout: same,
  Cast: cast,
  Constant: constantOf,
  ConstantOfShape: constantOfShape,
  Shape: shapeOf,
  Gather: gather,
  Slice: slice,
  Concat: concat,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Transpose: transpose,
  Reshape: reshape,
  Flatten: flatten,
  Expand: node => repeat(node, expanded),
  Tile: node => repeat(node, (size, times) => (times === 1 ? size : size === 1 ? times : null)),
  ReduceSum: node => reduce(node, 'sum'),
  ReduceMean: node => reduce(node, 'ave'),
  ReduceProd: node => reduce(node, 'mul'),
};

// ------------------------------------------------------------------------------------------------- layers with weights

function dense(node: Reading, kernel: Floats, bias?: Floats): Stream {
  const x = node.layered(0);
  if (x.axes.at(-1) !== 'width') node.fail(`its input must end with the axis width, got [${x.axes.join(', ')}]`);
  const [{ chain }] = x.parts as [Part];
  const units = kernel.dims[1] ?? 0;
  node.expectShape('its kernel', kernel, [chain.width, units]);
  if (units === 0 || chain.width === 0) node.fail('its kernel must have at least one number, got none');
  node.spend(kernel.values.length);
  const spec = {
    factory: 'dense',
    name: node.name,
    options: { units, activation: 'linear', useBias: false },
    weights: [[kernel]],
    kind: 'each',
  } as const;
  const grown = { ...x, parts: [{ chain: node.grow(chain, spec, { width: units }), half: null }] };
  return bias ? withBias(node, grown, bias)! : grown;
}

/** A dense layer with what is added to it; null where that is no bias of it. */
function withBias(node: Reading, stream: Stream, bias: Floats): Stream | null {
  const [{ chain }] = stream.parts as [Part];
  const { spec } = chain;
  const fits = bias.values.length === chain.width && bias.dims.slice(0, -1).every(n => n === 1);
  if (stream.form.text !== identity.text || spec?.factory !== 'dense' || spec.options.useBias || !fits) return null;
  if (bias.dims.length > stream.axes.length) return null;
  node.spend(bias.values.length);
  const weights = [[spec.weights[0]![0]!, { dims: [chain.width], values: bias.values }]];
  const better = node.replace(chain, { ...spec, options: { ...spec.options, useBias: true }, weights });
  return { ...stream, parts: [{ chain: better, half: null }] };
}

function gemm(node: Reading): Stream {
  if (node.float('alpha', 1) !== 1 || node.float('beta', 1) !== 1 || node.int('transA', 0) !== 0) {
    node.fail('alpha and beta must be 1 and transA 0, got others');
  }
  if (node.stream(0).axes.length !== 2) node.fail('its input must have two axes, got others');
  const kernel = node.floats(1);
  if (kernel.dims.length !== 2) node.fail(`its kernel must have two axes, got [${kernel.dims.join(', ')}]`);
  const bias = node.has(2) ? node.floats(2) : undefined;
  const layer = dense(node, node.int('transB', 0) === 0 ? kernel : transposed(node, kernel));
  if (!bias) return layer;
  return (
    withBias(node, layer, bias) ?? node.fail(`its bias must be one number for each unit, got [${bias.dims.join(', ')}]`)
  );
}

function transposed(node: Reading, { dims, values }: Floats): Floats {
  const [rows, columns] = dims as [number, number];
  node.spend(values.length);
  const result = new Float32Array(values.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) result[j * rows + i] = values[i * columns + j]!;
  return { kind: 'floats', dims: [columns, rows], values: result };
}

/** Ids to rows of a table. */
function embed(node: Reading, table: Floats, ids: Stream): Stream {
  if (!ids.ids) node.fail('its indices must be the input of the model, whole numbers, got the output of a layer');
  if (table.dims.length !== 2 || table.values.length === 0) {
    node.fail(`its table must be [ids, width], got [${table.dims.join(', ')}]`);
  }
  if (node.axis(node.int('axis', 0), 2) !== 0) node.fail('its axis must be 0, that of the ids, got 1');
  const [{ chain }] = ids.parts as [Part];
  const [inputDim, outputDim] = table.dims as [number, number];
  node.spend(table.values.length);
  const spec = {
    factory: 'embedding',
    name: node.name,
    options: { inputDim, outputDim },
    weights: [[table]],
    kind: 'other',
  } as const;
  return streamOf(node.grow(chain, spec, { width: outputDim }), [...ids.axes, 'width']);
}

// ---------------------------------------------------------------------------------------------------- number by number

/** Sums and products: of a number, of a bias, of two functions of the same numbers, of both directions of a layer. */
function combine(node: Reading, make: (a: Form, b: Form) => Form, mode: 'sum' | 'mul' | null): Value {
  const [a, b] = [node.value(0), node.value(1)];
  for (const value of [a, b]) if (value.kind === 'unknown') return value;
  if (a.kind === 'stream' && b.kind === 'stream') {
    const merged = mode && mergedHalves(node, [a, b], mode);
    if (merged) return merged;
    const together =
      a.parts.length === b.parts.length &&
      a.parts.every(({ chain, half }, n) => chain === b.parts[n]!.chain && half === b.parts[n]!.half);
    if (!together || a.axes.join() !== b.axes.join() || a.ids || b.ids) {
      node.fail(
        'its inputs must be functions of the output of one layer, got those of two; layers here stand in one line',
      );
    }
    return node.formed(a, make(a.form, b.form));
  }
  const [stream, other] = a.kind === 'stream' ? [a, b] : [b, a];
  if (stream.kind !== 'stream' || other.kind !== 'floats') {
    return {
      kind: 'unknown',
      why: node.why(`must combine outputs of layers with numbers, got ${a.kind} and ${b.kind}`),
    };
  }
  if (stream.ids) node.fail('must not compute with ids, which only an embedding takes');
  const biased = mode === 'sum' && stream.parts.length === 1 ? withBias(node, stream, other) : null;
  if (biased) return biased;
  if (other.values.length !== 1 || other.dims.length > stream.axes.length) {
    node.fail(`must take one number, or the bias of a dense layer, got [${other.dims.join(', ')}] of them`);
  }
  const number = constant(other.values[0]!);
  return node.formed(stream, stream === a ? make(stream.form, number) : make(number, stream.form));
}

/** The only number of an input. */
function numberOf(node: Reading, place: number): number {
  const { values } = node.floats(place);
  return values.length === 1
    ? values[0]!
    : node.fail(`input number ${place + 1} must be one number, got ${values.length}`);
}

function divide(node: Reading): Stream {
  const stream = node.pointwise(0, '');
  return node.formed(stream, times(node.stream(0).form, constant(1 / numberOf(node, 1))));
}

function power(node: Reading): Stream {
  const stream = node.stream(0);
  const exponent = numberOf(node, 1);
  const { form } = stream;
  if (stream.ids || (exponent !== 2 && exponent !== 3))
    node.fail(`must be a square or a cube, got the power ${exponent}`);
  return node.formed(stream, exponent === 2 ? times(form, form) : times(form, times(form, form)));
}

function clip(node: Reading): Stream {
  const bound = (name: string, place: number, otherwise: number) =>
    node.has(place) ? numberOf(node, place) : node.float(name, otherwise);
  const [least, most] = [bound('min', 1, Number.NEGATIVE_INFINITY), bound('max', 2, Number.POSITIVE_INFINITY)];
  // The greatest float32 is what exports write for no bound
  return node.pointwise(0, 'Clip', least, most >= 3.4e38 ? Number.POSITIVE_INFINITY : most);
}

// ------------------------------------------------------------------------------------------------ both directions in one

/** Merges the directions of a bidirectional layer; null where the streams are something else. */
function mergedHalves(node: Reading, streams: readonly Stream[], mergeMode: string): Stream | null {
  const parts = streams.flatMap(stream => stream.parts);
  const [first, second] = parts;
  const both = parts.length === 2 && first!.half === 0 && second!.half === 1 && first!.chain === second!.chain;
  if (!both || streams.some(({ form }) => form.text !== identity.text)) return null;
  if (streams.some(({ axes }) => axes.join() !== streams[0]!.axes.join())) return null;
  const { chain } = first!;
  const spec = chain.spec!;
  const width = mergeMode === 'concat' ? 2 * chain.width : chain.width;
  const merged = node.replace(chain, { ...spec, options: { ...spec.options, mergeMode } }, { width });
  return { ...streams[0]!, parts: [{ chain: merged, half: null }] };
}

function reduce(node: Reading, mergeMode: string): Stream {
  const stream = node.stream(0);
  const rank = stream.axes.length;
  const axes = node.list('axes', 1);
  const [axis] = axes?.map(n => node.axis(n, rank)) ?? [];
  if (axes?.length !== 1 || stream.axes[axis!] !== 'direction' || node.int('keepdims', 1) !== 0) {
    node.fail('must go over the two directions of a layer, without keeping their axis, got something else');
  }
  const merged = mergedHalves(node, [without(stream, axis!)], mergeMode);
  return merged ?? node.fail('must go over both directions of one layer, got something else');
}

const without = (stream: Stream, axis: number): Stream => ({
  ...stream,
  axes: stream.axes.filter((_, n) => n !== axis),
});

// -------------------------------------------------------------------------------------------------- shapes and constants

function cast(node: Reading): Value {
  const value = node.value(0);
  const to = node.int('to', 0);
  if (value.kind !== 'stream') return value;
  const [{ chain }] = value.parts as [Part];
  const whole = to === INT32 || to === INT64;
  if (!whole) return value.ids ? node.fail('must not compute with ids, which only an embedding takes') : value;
  if (value.ids) return value;
  if (chain.spec || value.axes.length !== 2) node.fail('only ids may be made whole numbers, got the output of a layer');
  // Ids that come in as floats: what was taken for features are time steps.
  return { ...streamOf({ ...chain, steps: chain.width, width: 0 }, ['batch', 'time']), ids: true };
}

function constantOf(node: Reading): Value {
  const attribute = (name: string) => node.attributes.get(name);
  const tensor = attribute('value')?.t;
  if (tensor) return readTensor(node.source.call, node.why('value'), tensor);
  const floats = attribute('value_floats')?.floats ?? listOf(attribute('value_float')?.f);
  const ints = attribute('value_ints')?.ints ?? listOf(attribute('value_int')?.i);
  if (floats) {
    const dims = attribute('value_floats') ? [floats.length] : [];
    return { kind: 'floats', dims, values: Float32Array.from(floats) };
  }
  if (ints && ints.length <= MOST_ITEMS) return { kind: 'ints', scalar: !attribute('value_ints'), items: ints };
  return { kind: 'unknown', why: node.why('must hold a tensor of numbers, got something else') };
}

const listOf = (value: number | undefined): number[] | undefined => (value === undefined ? undefined : [value]);

function constantOfShape(node: Reading): Value {
  const tensor = node.attributes.get('value')?.t;
  if (!tensor) return { kind: 'zeros' };
  const value = readTensor(node.source.call, node.why('value'), tensor);
  if (value.kind === 'floats' && value.values.every(v => v === 0)) return { kind: 'zeros' };
  return { kind: 'unknown', why: node.why('must make zeros, got other numbers') };
}

function shapeOf(node: Reading): Value {
  const value = node.value(0);
  if (value.kind === 'floats') return { kind: 'ints', scalar: false, items: value.dims };
  if (value.kind !== 'stream') return unknownFor(node, value);
  const items = value.axes.map((_, axis) => sizeOfAxis(value, axis));
  const start = node.int('start', 0);
  const end = node.int('end', items.length);
  return { kind: 'ints', scalar: false, items: items.slice(start, end) };
}

/** What comes of something that is not known. */
function unknownFor(node: Reading, value: Value): Value {
  if (value.kind === 'unknown' || value.kind === 'zeros' || value.kind === 'state') return value;
  return { kind: 'unknown', why: node.why(`cannot be applied to ${value.kind} here`) };
}

function gather(node: Reading): Value {
  const value = node.value(0);
  const indices = node.value(1);
  if (value.kind === 'floats' && indices.kind === 'stream') return embed(node, value, indices);
  if (indices.kind === 'unknown') return indices;
  if (value.kind === 'ints') {
    const { items, scalar } = node.sizes(1);
    const picked = items.map(
      n => value.items.at(n as number) ?? node.fail(`its indices must be below ${value.items.length}, got ${n}`),
    );
    return { kind: 'ints', scalar, items: picked };
  }
  if (value.kind !== 'stream') return unknownFor(node, value);
  const axis = node.axis(node.int('axis', 0), value.axes.length);
  const [index, ...more] = node.ints(1);
  if (index === undefined || more.length > 0) node.fail(`must take one index, got ${more.length + 1}`);
  const picked = pick(node, value, axis, index, index + 1);
  return node.sizes(1).scalar ? without(picked, axis) : picked;
}

function slice(node: Reading): Value {
  const value = node.value(0);
  if (value.kind !== 'stream' && value.kind !== 'ints') return unknownFor(node, value);
  const starts = node.list('starts', 1) ?? [];
  const ends = node.list('ends', 2) ?? [];
  const axes = node.list('axes', 3) ?? starts.map((_, n) => n);
  const steps = node.has(4) ? node.ints(4) : starts.map(() => 1);
  if ([ends, axes, steps].some(({ length }) => length !== starts.length)) {
    node.fail('starts, ends, axes and steps must be equally many, got others');
  }
  if (value.kind === 'ints') {
    if (starts.length !== 1 || axes[0] !== 0 || steps[0] !== 1)
      node.fail('must be one range of a list, got something else');
    return { ...value, items: value.items.slice(starts[0], ends[0]) };
  }
  return axes.reduce<Stream>((stream, axis, n) => {
    const at = node.axis(axis, stream.axes.length);
    if (steps[n] === 1) return pick(node, stream, at, starts[n]!, ends[n]!);
    return turned(node, stream, at, starts[n]!, ends[n]!, steps[n]!);
  }, value);
}

/** A range of an axis: all of it, some directions, or the last time step. */
function pick(node: Reading, stream: Stream, axis: number, start: number, end: number): Stream {
  const size = sizeOfAxis(stream, axis);
  const which = stream.axes[axis]!;
  // From the last on: -1 + 1 is 0, which as an end would be the start
  const from = typeof size === 'number' && start < 0 ? Math.max(start + size, 0) : start;
  const to = typeof size === 'number' && end < 0 ? end + size : end;
  if (from === 0 && to >= (typeof size === 'number' ? size : 2 ** 31)) return stream;
  if (which === 'direction') {
    const parts = stream.parts.slice(from, start === -1 && end === 0 ? undefined : to);
    return parts.length > 0 ? { ...stream, parts } : node.fail('must pick at least one direction, got none');
  }
  if (which !== 'time') node.fail(`must take all of the axis ${which}, got ${start} up to ${end}`);
  return lastStep(node, stream, axis, start, end);
}

/** The last time step that the layers went through, which is the first in time where that is reversed. */
function lastStep(node: Reading, stream: Stream, axis: number, start: number, end: number): Stream {
  const [{ chain, half }] = stream.parts as [Part];
  const size = chain.steps!;
  const isFirst = start === 0 && end === 1;
  const isLast = (start === -1 && (end === 0 || end >= 2 ** 31)) || (start === Number(size) - 1 && end >= Number(size));
  const wanted = chain.flipped ? isFirst : isLast;
  if (!wanted || half !== null || stream.parts.length !== 1) {
    node.fail('must take the time step that a layer of one direction comes to last, got others');
  }
  const axes = stream.axes.map((name, n): Axis => (n === axis ? 'one' : name));
  return { ...stream, axes, parts: [{ chain: lastOfChain(node, chain), half: null }] };
}

/** Layers that work on every step alone do so on the last; the recurrent layer below them gives no other. */
function lastOfChain(node: Reading, chain: Chain): Chain {
  const { below, spec } = chain;
  if (!below || !spec || spec.kind === 'other' || spec.factory === 'bidirectional') {
    node.fail('must take the last time step of a recurrent layer of one direction, got that of something else');
  }
  const end = { steps: null, flipped: false };
  if (spec.kind === 'steps') return { ...chain, ...end, spec: lastOf(spec) };
  return { ...chain, ...end, below: lastOfChain(node, below) };
}

/** All time steps the other way round. */
function turned(node: Reading, stream: Stream, axis: number, start: number, end: number, step: number): Stream {
  const [{ chain, half }] = stream.parts as [Part];
  const size = chain.steps;
  const whole =
    (start === -1 || start >= (typeof size === 'number' ? size - 1 : 2 ** 31)) &&
    end < -(typeof size === 'number' ? size : 2 ** 31);
  if (step !== -1 || !whole || stream.axes[axis] !== 'time' || half !== null || stream.parts.length !== 1) {
    node.fail(`must turn all time steps round where its step is not 1, got ${start} to ${end} by ${step}`);
  }
  return { ...stream, parts: [{ chain: { ...chain, flipped: !chain.flipped }, half: null }] };
}

function concat(node: Reading): Value {
  const values = Array.from({ length: node.count }, (_, n) => node.value(n));
  const strange = values.find(({ kind }) => kind === 'unknown') ?? values.find(({ kind }) => kind === 'state');
  if (strange) return strange;
  if (values.length > 0 && values.every(({ kind }) => kind === 'zeros')) return { kind: 'zeros' };
  if (values.every((value): value is Ints => value.kind === 'ints')) {
    const items = values.flatMap(value => value.items);
    if (items.length > MOST_ITEMS) node.fail(`must make at most ${MOST_ITEMS} whole numbers, got ${items.length}`);
    return { kind: 'ints', scalar: false, items };
  }
  if (!values.every((value): value is Stream => value.kind === 'stream') || values.length === 0) {
    return { kind: 'unknown', why: node.why('must join things of one kind, got several') };
  }
  const [first] = values as [Stream];
  if (values.length === 1) return first;
  const axis = node.axis(node.int('axis', 0), first.axes.length);
  const alike = values.every(({ axes, form }) => axes.join() === first.axes.join() && form.text === identity.text);
  if (first.axes[axis] === 'width') {
    const merged = alike ? mergedHalves(node, values, 'concat') : null;
    return (
      merged ?? node.fail('must join the forward and the backward half of one layer, in that order, got something else')
    );
  }
  const parts = values.flatMap(value => value.parts);
  if (!alike || first.axes[axis] !== 'direction' || parts.length > MOST_ITEMS) {
    node.fail('must join directions of layers, or final states, got something else');
  }
  return { ...first, parts };
}

// --------------------------------------------------------------------------------------------------------------- axes

/** Axes that hold one thing, and may go. */
const isSingle = (stream: Stream, axis: number): boolean =>
  stream.axes[axis] === 'one' ||
  (stream.axes[axis] === 'direction' && stream.parts.length === 1 && stream.parts[0]!.half === null);

function squeeze(node: Reading): Value {
  const value = node.value(0);
  const axes = node.list('axes', 1);
  if (value.kind === 'ints') return { ...value, scalar: value.items.length === 1 };
  if (value.kind === 'floats') {
    const gone =
      axes?.map(axis => node.axis(axis, value.dims.length)) ?? [...value.dims.keys()].filter(n => value.dims[n] === 1);
    if (gone.some(axis => value.dims[axis] !== 1)) node.fail('must take away axes of one, got others');
    return { ...value, dims: value.dims.filter((_, n) => !gone.includes(n)) };
  }
  if (value.kind !== 'stream') return unknownFor(node, value);
  const rank = value.axes.length;
  const gone = axes?.map(axis => node.axis(axis, rank)) ?? [...value.axes.keys()].filter(axis => isSingle(value, axis));
  const kept = gone.find(axis => !isSingle(value, axis));
  if (kept !== undefined) node.fail(`must take away axes of one, got the axis ${value.axes[kept]}`);
  return { ...value, axes: value.axes.filter((_, n) => !gone.includes(n)) };
}

function unsqueeze(node: Reading): Value {
  const value = node.value(0);
  const axes = node.list('axes', 1) ?? [];
  if (value.kind === 'ints' && value.scalar && axes.length === 1) return { ...value, scalar: false };
  if (value.kind !== 'stream' && value.kind !== 'floats') return unknownFor(node, value);
  const list: readonly unknown[] = value.kind === 'stream' ? value.axes : value.dims;
  const rank = list.length + axes.length;
  if (rank > MOST_AXES) node.fail(`must make at most ${MOST_AXES} axes, got ${rank}`);
  const added = axes.map(axis => node.axis(axis, rank));
  if (new Set(added).size !== added.length) node.fail('its axes must be different ones, got one twice');
  const rest = list[Symbol.iterator]();
  const make = <T>(one: T) =>
    Array.from({ length: rank }, (_, n) => (added.includes(n) ? one : (rest.next().value as T)));
  return value.kind === 'stream' ? { ...value, axes: make<Axis>('one') } : { ...value, dims: make(1) };
}

function transpose(node: Reading): Value {
  const value = node.value(0);
  if (value.kind !== 'stream' && value.kind !== 'floats') return unknownFor(node, value);
  const rank = value.kind === 'stream' ? value.axes.length : value.dims.length;
  const perm = node.attributes.get('perm')?.ints ?? Array.from({ length: rank }, (_, n) => rank - 1 - n);
  if ([...perm].sort((a, b) => a - b).join() !== Array.from({ length: rank }, (_, n) => n).join()) {
    node.fail(`perm must be an order of ${rank} axes, got [${perm.slice(0, 12).join(', ')}]`);
  }
  if (value.kind === 'stream') return { ...value, axes: perm.map(axis => value.axes[axis]!) };
  if (rank < 2) return value;
  return rank === 2 && perm[0] === 1
    ? transposed(node, value)
    : { kind: 'unknown', why: node.why('must turn a matrix, got other weights') };
}

/** Whether a size of the target is that of an axis. */
function agrees(node: Reading, stream: Stream, axis: number, target: Size, copied: boolean): boolean {
  const size = sizeOfAxis(stream, axis);
  if (target === 0) return copied;
  return target === size || (size === 'batch' && target === node.source.batch);
}

function reshape(node: Reading): Value {
  const value = node.value(0);
  if (value.kind === 'unknown' || value.kind === 'zeros' || value.kind === 'state') return value;
  const target = node.attributes.get('shape')?.ints ?? node.sizes(1).items;
  const copies = node.int('allowzero', 0) === 0;
  if (value.kind === 'floats') return reshapedWeights(node, value, target);
  if (value.kind === 'ints') return { ...value, scalar: target.length === 0 };
  const { axes } = value;
  const rank = axes.length;
  const open = target.indexOf(-1);
  if (target.indexOf(-1, open + 1) > open && open >= 0) node.fail('its shape must have one -1 at most, got more');
  const fits = (from: Stream) => {
    const free = target.filter((size, n) => !agrees(node, from, n, size, copies));
    return target.length === from.axes.length && (free.length === 0 || (free.length === 1 && free[0] === -1));
  };
  if (fits(value)) return value;
  // Both directions side by side
  if (axes[rank - 2] === 'direction' && axes[rank - 1] === 'width' && target.length === rank - 1) {
    const merged = mergedHalves(node, [without(value, rank - 2)], 'concat');
    if (merged && fits(merged)) return merged;
  }
  const slim = { ...value, axes: axes.filter((_, n) => !isSingle(value, n)) };
  if (fits(slim)) return slim;
  return reshapedSamples(node, slim, target, copies);
}

function reshapedWeights(node: Reading, value: Floats, target: readonly Size[]): Value {
  const sizes = target.map(n => (typeof n === 'number' ? n : -2));
  const known = sizeOf(sizes.filter(n => n !== -1));
  const dims = sizes.map(n => (n === -1 ? value.values.length / known : n));
  if (
    dims.length > MOST_AXES ||
    !dims.every(n => Number.isInteger(n) && n >= 0) ||
    sizeOf(dims) !== value.values.length
  ) {
    return { kind: 'unknown', why: node.why('must keep the numbers of its weights, got another size') };
  }
  return { ...value, dims };
}

/** A reshape or flatten layer. */
function reshapedSamples(node: Reading, stream: Stream, target: readonly Size[], copies: boolean): Stream {
  const { axes } = stream;
  const refuse = (): never =>
    node.fail(
      `must keep samples apart, [${axes.join(', ')}] before it, got the shape [${target.slice(0, 12).join(', ')}]`,
    );
  const inOrder = axes.join() === 'batch,time,width' || axes.join() === 'batch,width';
  if (!inOrder || (target.length !== 2 && target.length !== 3)) refuse();
  const sizes = axes.map((_, axis) => sizeOfAxis(stream, axis)).slice(1);
  if (!sizes.every(size => typeof size === 'number')) {
    node.fail('must take a fixed number of time steps, got an input whose number of them is open');
  }
  const all = sizeOf(sizes as number[]);
  const rest = target.slice(1).map((size, n) => (size === 0 && copies ? (sizes[n] ?? 0) : size));
  const free = rest.filter(size => size === -1).length;
  const known = sizeOf(rest.map(size => (typeof size === 'number' && size > 0 ? size : size === -1 ? 1 : 0)));
  const first = target[0] === -1 || agrees(node, stream, 0, target[0]!, copies);
  if (!first || free > 1 || (target[0] === -1 && free > 0) || known === 0 || all % known !== 0) refuse();
  if (free === 0 && known !== all) refuse();
  const shape = rest.map(size => (size === -1 ? all / known : (size as number)));
  return reshaped(node, stream, shape);
}

function reshaped(node: Reading, stream: Stream, shape: readonly number[]): Stream {
  const settled = node.settle(stream);
  const [{ chain }] = settled.parts as [Part];
  if (chain.flipped) node.fail('must not join the time steps of a reversed layer in order of time');
  const [steps, width] = shape.length === 2 ? [shape[0]!, shape[1]!] : [null, shape[0]!];
  const flat = shape.length === 1;
  const grown = node.grow(
    chain,
    {
      factory: flat ? 'flatten' : 'reshape',
      name: node.name,
      options: flat ? {} : { targetShape: shape },
      weights: [],
      kind: 'other',
    },
    { steps, width },
  );
  return streamOf(grown, flat ? ['batch', 'width'] : ['batch', 'time', 'width']);
}

function flatten(node: Reading): Value {
  const stream = node.stream(0);
  const { axes } = stream;
  if (node.axis(node.int('axis', 1), axes.length + 1) !== 1 || axes[0] !== 'batch') {
    node.fail(`must keep the axis batch and no other, got [${axes.join(', ')}]`);
  }
  const slim = { ...stream, axes: axes.filter((_, n) => !isSingle(stream, n)) };
  if (slim.axes.join() === 'batch,width') return slim;
  if (slim.axes.join() !== 'batch,time,width')
    node.fail(`its input must be [batch, time, width], got [${axes.join(', ')}]`);
  const [, steps, width] = slim.axes.map((_, axis) => sizeOfAxis(slim, axis));
  if (typeof steps !== 'number') {
    node.fail('must take a fixed number of time steps, got an input whose number of them is open');
  }
  return reshaped(node, slim, [steps * (width as number)]);
}

/** The size of an axis after Expand; null where it does not fit. */
const expanded = (size: Size, target: Size): Size | null =>
  target === 1 || target === size || target === -1 ? size : size === 1 ? target : null;

/** One step for each sample, repeated: what makes [batch, time, width] of [batch, one, width]. */
function repeat(node: Reading, sizeAfter: (size: Size, by: Size) => Size | null): Value {
  const value = node.value(0);
  if (value.kind === 'floats' && value.values.every(v => v === 0)) return { kind: 'zeros' };
  if (value.kind !== 'stream') return unknownFor(node, value);
  const by = node.sizes(1).items;
  const { axes } = value;
  if (by.length !== axes.length) node.fail(`must name a size for each of ${axes.length} axes, got ${by.length}`);
  const sizes = axes.map((_, axis) => sizeOfAxis(value, axis));
  const wanted = by.map((n, axis) => (n === node.source.batch && axes[axis] === 'batch' ? 'batch' : n));
  const after = sizes.map((size, axis) => sizeAfter(size, wanted[axis]!));
  if (after.every((size, axis) => size === sizes[axis])) return value;
  const [, steps] = after;
  const others = after.every((size, axis) => axis === 1 || size === sizes[axis]);
  if (axes.join() !== 'batch,one,width' || !others || typeof steps !== 'number' || steps < 1) {
    node.fail(`must repeat one step for each sample a fixed number of times, got [${by.slice(0, 12).join(', ')}]`);
  }
  const settled = node.settle(value);
  const [{ chain }] = settled.parts as [Part];
  const spec = { factory: 'repeatVector', name: node.name, options: { n: steps }, weights: [], kind: 'other' } as const;
  return streamOf(node.grow(chain, spec, { steps }), ['batch', 'time', 'width']);
}
