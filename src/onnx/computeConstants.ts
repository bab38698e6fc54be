/** Evaluates elementwise operators on constants: shapes, lengths, and sums and products of weights. */

import { sizeOf } from '../util/shapes.ts';
import type { NodeReader } from './nodeReader.ts';
import { BOOL, FLOAT32, INT32, INT64 } from './proto.ts';
import { broadcast, type ConstantOperator, chargeBudget, commonDims } from './rearrangeConstants.ts';
import { added, divided, equals, multiplied, type Size } from './sizes.ts';
import { readTensor } from './tensors.ts';
import type { Constant, Value } from './values.ts';

/** A function of one number of each input; null if the result is unknown. */
export type Rule = (numbers: readonly Size[], allInts: boolean) => Size | null;

/** A function of known numbers; null if one is an open size. */
const ofNumbers =
  (f: (...numbers: number[]) => number): Rule =>
  numbers =>
    numbers.every(n => typeof n === 'number') ? f(...(numbers as number[])) : null;

const sum: Rule = numbers => numbers.reduce<Size | null>((total, n) => (total === null ? null : added(total, n)), 0);
const product: Rule = ([a, b]) => multiplied(a!, b!);
const negative: Rule = ([a]) => multiplied(a!, -1);
const difference: Rule = ([a, b]) => {
  const minus = multiplied(b!, -1);
  return minus === null ? null : added(a!, minus);
};
const quotient: Rule = ([a, b], allInts) =>
  allInts || typeof a === 'string' || typeof b === 'string' ? divided(a!, b!) : a! / b!;

/** The elementwise functions, by operator; they get the numbers of all inputs after broadcasting. */
export const rules: { readonly [op: string]: Rule } = {
  Add: sum,
  Sum: sum,
  Sub: difference,
  Mul: product,
  Div: quotient,
  Neg: negative,
  Abs: ofNumbers(Math.abs),
  Floor: ([a]) => (typeof a === 'number' ? Math.floor(a) : a!),
  Ceil: ([a]) => (typeof a === 'number' ? Math.ceil(a) : a!),
  Sqrt: ofNumbers(Math.sqrt),
  Reciprocal: ofNumbers(a => 1 / a),
  Pow: ofNumbers((a, b) => a ** b),
  Min: numbers => (numbers.every(n => n === numbers[0]) ? numbers[0]! : ofNumbers(Math.min)(numbers, true)),
  Max: numbers => (numbers.every(n => n === numbers[0]) ? numbers[0]! : ofNumbers(Math.max)(numbers, true)),
  Not: ([a]) => equals(a!, 0),
  Equal: ([a, b]) => equals(a!, b!),
  Where: ([condition, a, b]) => (condition === 0 ? b! : condition === 1 ? a! : null),
};

/** The input whose type the result has; null for boolean results. */
const kindOf = (op: string): number | null => (op === 'Where' ? 1 : op === 'Equal' || op === 'Not' ? null : 0);

/** Combines constants elementwise, with broadcasting. */
export const combined: ConstantOperator = (node, inputs) => {
  const all = inputs.filter(input => input !== null);
  const dims = all.reduce<readonly number[] | null>((shape, input) => shape && commonDims(shape, input.dims), []);
  const spread = dims && all.map(input => broadcast(node, input, dims));
  if (!dims || !spread?.every(input => input !== null)) return null;
  const typeSource = kindOf(node.op);
  const floats = typeSource !== null && all[typeSource]?.kind === 'floats';
  const size = sizeOf(dims);
  chargeBudget(node, floats ? 'floats' : 'ints', size);
  const allInts = all.every(({ kind }) => kind === 'ints');
  const rule = rules[node.op]!;
  const numbers = all.map((): Size => 0);
  const made: Float32Array | Size[] = floats ? new Float32Array(size) : [];
  for (let n = 0; n < size; n++) {
    for (const [input, { values }] of spread.entries()) numbers[input] = values[n]!;
    const number = rule(numbers, allInts);
    if (number === null || (typeof number === 'string' && floats)) return null;
    if (typeof number === 'number' && !floats && !Number.isSafeInteger(number)) return null;
    made[n] = number as number;
  }
  return made instanceof Float32Array ? { kind: 'floats', dims, values: made } : { kind: 'ints', dims, values: made };
};

/** Reduces all numbers of a constant to one. */
const reduced =
  (rule: Rule, start: Size): ConstantOperator =>
  (node, [from]) => {
    const { dims, values, kind } = from!;
    const axes = node.list('axes', 1)?.map(axis => node.axis(axis, dims.length));
    if (kind !== 'ints' || (axes && new Set(axes).size !== dims.length)) return null;
    chargeBudget(node, kind, values.length);
    let total: Size | null = start;
    for (const value of values) if (total !== null) total = rule([total, value], true);
    if (total === null) return null;
    return { kind, dims: node.int('keepdims', 1) === 0 ? [] : dims.map(() => 1), values: [total] };
  };

const range: ConstantOperator = (node, inputs) => {
  const ends = inputs.map(input => (input?.kind === 'ints' && input.values.length === 1 ? input.values[0]! : null));
  if (!ends.every(end => typeof end === 'number') || ends.length !== 3 || ends[2] === 0) return null;
  const [start, limit, delta] = ends as [number, number, number];
  const count = Math.max(Math.ceil((limit - start) / delta), 0);
  chargeBudget(node, 'ints', count);
  return { kind: 'ints', dims: [count], values: Array.from({ length: count }, (_, n) => start + n * delta) };
};

/** Converts a number to another type. */
export function castTo(type: number, value: Size): Size {
  if (typeof value !== 'number' || type === FLOAT32) return value;
  return type === BOOL ? Number(value !== 0) : Math.trunc(value);
}

/** Open sizes are kept even as floats, because some exporters compute shapes in floats. */
const cast: ConstantOperator = (node, [from]) => {
  const to = node.int('to', 0);
  const { dims, kind, values } = from!;
  if (![FLOAT32, INT32, INT64, BOOL].includes(to)) return null;
  chargeBudget(node, to === FLOAT32 ? 'floats' : 'ints', values.length);
  if (to === FLOAT32) {
    const known = values.every(value => typeof value === 'number');
    return known && kind === 'ints'
      ? { kind: 'floats', dims, values: Float32Array.from(values as readonly number[]) }
      : from!;
  }
  const numbers = Array.from(values as Iterable<Size>, value => castTo(to, value));
  return numbers.every(n => typeof n === 'string' || Number.isSafeInteger(n) || kind === 'ints')
    ? { kind: 'ints', dims, values: numbers }
    : null;
};

const shape: ConstantOperator = (node, [from]) => shapeFrom(node, from!.dims);

/** The result of Shape, or the range that its attributes select. */
export function shapeFrom(node: NodeReader, sizes: readonly Size[]): Constant {
  const values = sizes.slice(node.int('start', 0), node.int('end', sizes.length));
  return { kind: 'ints', dims: [values.length], values };
}

export const computations: { readonly [op: string]: ConstantOperator } = {
  ...Object.fromEntries(Object.keys(rules).map(op => [op, combined])),
  Cast: cast,
  Range: range,
  ReduceProd: reduced(product, 1),
  ReduceSum: reduced(sum, 0),
  Shape: shape,
  Size: (_node, [from]) => ({ kind: 'ints', dims: [], values: [from!.values.length] }),
};

/** The tensor of a Constant node. */
export function constantOf(node: NodeReader): Value {
  const attribute = (name: string) => node.attributes.get(name);
  const tensor = attribute('value')?.t;
  if (tensor) return readTensor(node.source.call, node.why('value'), tensor);
  const floats = attribute('value_floats')?.floats ?? listOf(attribute('value_float')?.f);
  if (floats) {
    return {
      kind: 'floats',
      dims: attribute('value_floats') ? [floats.length] : [],
      values: Float32Array.from(floats),
    };
  }
  const ints = attribute('value_ints')?.ints ?? listOf(attribute('value_int')?.i);
  if (ints) return { kind: 'ints', dims: attribute('value_ints') ? [ints.length] : [], values: ints };
  return { kind: 'unknown', why: node.why('must have a tensor of numbers, got something else') };
}

const listOf = (value: number | undefined): number[] | undefined => (value === undefined ? undefined : [value]);

/** Larger tensors are not allocated, but kept as a fill with one value. */
const MOST_FILLED = 2 ** 16;

export function constantOfShape(node: NodeReader): Value {
  const tensor = node.attributes.get('value')?.t;
  const value: Value = tensor
    ? readTensor(node.source.call, node.why('value'), tensor)
    : { kind: 'floats', dims: [1], values: new Float32Array(1) };
  if (value.kind !== 'floats' && value.kind !== 'ints') return value;
  if (value.values.length !== 1) node.fail(`value must be one number, got ${value.values.length}`);
  const dims = node.sizes(0).values;
  const known = dims.filter(size => typeof size === 'number');
  if (known.length < dims.length || sizeOf(known) > MOST_FILLED) return { kind: 'fill', value: value.values[0]! };
  if (known.some(size => size < 0)) node.fail(`must have a shape, got [${known.slice(0, 12).join(', ')}]`);
  return broadcast(node, { ...value, dims: [] }, known) ?? node.fail(`must have at most 8 axes, got ${dims.length}`);
}
