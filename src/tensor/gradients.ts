/** Gradients of functions of tensors: the backward rules of the tensor functions, and what runs them. */

import { rejectExtraArguments } from '../util/arguments.ts';
import { fail, show } from '../util/errors.ts';
import { showShape, sizeOf } from '../util/shapes.ts';
import * as math from './arithmetic.ts';
import * as layout from './layout.ts';
import { ones, onesLike, zeros, zerosLike } from './make.ts';
import { asTensor, asTensors, type TensorLike } from './read.ts';
import { sum } from './reduce.ts';
import { type Recorded, record, recording } from './tape.ts';
import { Tensor } from './tensorClass.ts';

// ------------------------------------------------------------------------------------------------------------- rules

/** The gradient of input `n` of a call, from the gradient `dy` of its output. */
type Rule = (dy: Tensor, call: Recorded, n: number) => Tensor;

/** A rule of a function of one tensor. */
const one =
  (rule: (dy: Tensor, x: Tensor, y: Tensor) => Tensor): Rule =>
  (dy, { inputs, output }) =>
    rule(dy, inputs[0]!, output);

/** The rules of a function of two tensors, which are broadcast. */
const two =
  (...rules: readonly [PairRule, PairRule]): Rule =>
  (dy, { inputs, output }, n) =>
    summedTo(rules[n]!(dy, inputs[0]!, inputs[1]!, output), inputs[n]!.shape);
type PairRule = (dy: Tensor, a: Tensor, b: Tensor, y: Tensor) => Tensor;

/** Sums over the axes along which a tensor of `shape` was broadcast. */
function summedTo(x: Tensor, shape: readonly number[]): Tensor {
  if (x.shape.join() === shape.join()) return x;
  const missing = x.rank - shape.length;
  const axes = [...x.shape.keys()].filter(
    axis => axis < missing || (shape[axis - missing] === 1 && x.shape[axis] !== 1),
  );
  return layout.reshape(sum(x, axes), shape);
}

/** The gradient where a comparison holds, 0 elsewhere. */
const where = (condition: Tensor, dy: Tensor): Tensor => math.mul(dy, layout.cast(condition, 'float32'));

/** Broadcasts what a reduction over `axes` has left to the shape that it read. */
const expanded = (x: Tensor, axes: readonly number[], shape: readonly number[]): Tensor =>
  math.mul(
    layout.reshape(
      x,
      shape.map((size, axis) => (axes.includes(axis) ? 1 : size)),
    ),
    ones(shape),
  );

/** Puts zeros around a part of a tensor of `shape`. */
function padded(x: Tensor, starts: readonly number[], shape: readonly number[]): Tensor {
  return shape.reduce((part, size, axis) => {
    const [start, length] = [starts[axis] ?? 0, part.shape[axis]!];
    if (length === size) return part;
    const gap = (n: number) => zeros(part.shape.with(axis, n));
    return layout.concat([gap(start), part, gap(size - start - length)], axis);
  }, x);
}

interface Gathered {
  readonly indices: Tensor;
  readonly axis: number;
  readonly batchDims: number;
  /** The shape from which was gathered. */
  readonly shape: readonly number[];
}

/** The reverse of `gather`: adds items to zeros, at their indices. */
function scatter(x: Tensor, options: Gathered): Tensor {
  const { indices, axis, batchDims, shape } = options;
  const [ids, values, to] = [indices.dataSync(), x.dataSync(), new Float32Array(sizeOf(shape))];
  const [outer, inner] = [sizeOf(shape.slice(batchDims, axis)), sizeOf(shape.slice(axis + 1))];
  const [batches, count] = [sizeOf(shape.slice(0, batchDims)), sizeOf(indices.shape.slice(batchDims))];
  for (let o = 0, at = 0; o < batches * outer; o++) {
    const first = Math.floor(o / outer) * count;
    for (let i = first; i < first + count; i++) {
      const start = (o * shape[axis]! + ids[i]!) * inner;
      for (let n = start; n < start + inner; n++) to[n]! += values[at++]!;
    }
  }
  return record('scatter', new Tensor(to, shape), [x], options);
}

/** b log a, without the logarithm of what is not positive: its gradient there is 0, as in TF.js. */
function logOfPositive(a: Tensor): Tensor {
  const positive = layout.cast(math.greater(a, 0), 'float32');
  return math.log(math.add(where(positive, a), math.sub(1, positive)));
}

const reshaped = one((dy, x) => layout.reshape(dy, x.shape));
const zero = one(dy => zerosLike(dy));
/** All of the largest or smallest numbers, if several are equal, have the gradient, as in TF.js. */
const extreme: Rule = (dy, { inputs: [x], output, options }) => {
  const axes = options as number[];
  return where(math.equal(x!, expanded(output, axes, x!.shape)), expanded(dy, axes, x!.shape));
};

const makeRules = (): Readonly<Record<string, Rule>> => ({
  neg: one(dy => math.neg(dy)),
  abs: one((dy, x) => math.mul(dy, math.sign(x))),
  sign: zero,
  square: one((dy, x) => math.mul(dy, math.mul(x, 2))),
  floor: zero,
  ceil: zero,
  round: zero,
  sqrt: one((dy, _, y) => math.div(dy, math.mul(y, 2))),
  exp: one((dy, _, y) => math.mul(dy, y)),
  log: one((dy, x) => math.div(dy, layout.cast(x, 'float32'))),
  sin: one((dy, x) => math.mul(dy, math.cos(x))),
  cos: one((dy, x) => math.neg(math.mul(dy, math.sin(x)))),
  sigmoid: one((dy, _, y) => math.mul(dy, math.mul(y, math.sub(1, y)))),
  tanh: one((dy, _, y) => math.mul(dy, math.sub(1, math.square(y)))),
  relu: one((dy, x) => where(math.greater(x, 0), dy)),
  clipByValue: (dy, { inputs: [x], options }) => {
    const [least, most] = options as [number, number];
    return where(math.greaterEqual(x!, least), where(math.lessEqual(x!, most), dy));
  },

  add: two(
    dy => dy,
    dy => dy,
  ),
  sub: two(
    dy => dy,
    dy => math.neg(dy),
  ),
  mul: two(
    (dy, _, b) => math.mul(dy, b),
    (dy, a) => math.mul(dy, a),
  ),
  div: two(
    (dy, _, b) => math.div(dy, b),
    (dy, a, b) => math.neg(math.div(math.mul(dy, a), math.square(b))),
  ),
  pow: two(
    (dy, a, b) => math.mul(dy, math.mul(b, math.pow(a, math.sub(b, 1)))),
    (dy, a, _, y) => math.mul(dy, math.mul(y, logOfPositive(a))),
  ),
  maximum: two(
    (dy, a, b) => where(math.greaterEqual(a, b), dy),
    (dy, a, b) => where(math.less(a, b), dy),
  ),
  minimum: two(
    (dy, a, b) => where(math.lessEqual(a, b), dy),
    (dy, a, b) => where(math.greater(a, b), dy),
  ),
  squaredDifference: two(
    (dy, a, b) => math.mul(dy, math.mul(2, math.sub(a, b))),
    (dy, a, b) => math.mul(dy, math.mul(2, math.sub(b, a))),
  ),
  matMul: (dy, { inputs: [a, b], options }, n) => {
    const [ta, tb] = options as [boolean, boolean];
    const [x, y] = [a!, b!];
    if (n === 0) return summedTo(ta ? math.matMul(y, dy, tb, true) : math.matMul(dy, y, false, !tb), x.shape);
    return summedTo(tb ? math.matMul(dy, x, true, ta) : math.matMul(x, dy, !ta, false), y.shape);
  },

  sum: (dy, { inputs: [x], options }) => expanded(dy, options as number[], x!.shape),
  mean: (dy, { inputs: [x], output, options }) =>
    math.div(expanded(dy, options as number[], x!.shape), x!.size / output.size),
  variance: (dy, { inputs: [x], output, options }) => {
    const [axes, count] = [options as number[], x!.size / output.size];
    const middle = math.div(sum(x!, axes, true), count);
    return math.mul(expanded(dy, axes, x!.shape), math.mul(math.sub(x!, middle), 2 / count));
  },
  max: extreme,
  min: extreme,
  softmax: one((dy, _, y) => {
    const both = math.mul(dy, y);
    return math.sub(both, math.mul(sum(both, dy.rank === 0 ? [] : -1, true), y));
  }),

  reshape: reshaped,
  cast: one(dy => layout.clone(dy)),
  transpose: (dy, { options }) => {
    const order = options as number[];
    return layout.transpose(
      dy,
      order.map((_, axis) => order.indexOf(axis)),
    );
  },
  reverse: (dy, { options }) => layout.reverse(dy, options as number[]),
  part: (dy, { inputs: [x], options }) => padded(dy, options as number[], x!.shape),
  item: (dy, { inputs: [x], options }) => {
    const [axis, index] = options as [number, number];
    return padded(layout.expandDims(dy, axis), zeroesWith(axis, index), x!.shape);
  },
  gather: (dy, { options }) => scatter(dy, options as Gathered),
  scatter: (dy, { options }) => {
    const { indices, axis, batchDims } = options as Gathered;
    return layout.gather(dy, indices, axis, batchDims);
  },
  /** Of `concat` and `stack`: a block of the output for each input. */
  concat: (dy, { inputs, output, options }, n) => {
    const axis = options as number;
    const sizes = inputs.map(({ size }) => (size * output.shape[axis]!) / output.size);
    const start = sizes.slice(0, n).reduce((all, size) => all + size, 0);
    const part = layout.slice(dy, zeroesWith(axis, start), output.shape.with(axis, sizes[n]!));
    return layout.reshape(part, inputs[n]!.shape);
  },
  tile: (dy, { inputs: [x], options }) => {
    const shape = x!.shape.flatMap((size, axis) => [(options as number[])[axis]!, size]);
    return sum(
      layout.reshape(dy, shape),
      x!.shape.map((_, axis) => 2 * axis),
    );
  },
});
const rules = /* @__PURE__ */ makeRules();

const zeroesWith = (axis: number, start: number) => new Array<number>(axis).fill(0).concat(start);

// ---------------------------------------------------------------------------------------------------------- backward

/**
 * Calls `f` and returns its result with its gradients.
 *
 * @param seedOf the gradient of the result, of its shape
 * @returns for each of `xs` its gradient, or null if the result does not depend on it
 */
export function gradientsOf(
  xs: readonly Tensor[],
  f: () => Tensor,
  seedOf: (value: Tensor) => Tensor,
): { value: Tensor; gradients: (Tensor | null)[] } {
  const { result: value, calls } = recording(xs, f);
  return { value, gradients: gradientsThrough(calls, xs, [value], [seedOf(value)]) };
}

/**
 * The gradients of results of recorded calls.
 *
 * @param seeds the gradient of each result, of its shape
 * @returns for each of `xs` its gradient, or null if the results do not depend on it
 */
export function gradientsThrough(
  calls: readonly Recorded[],
  xs: readonly Tensor[],
  results: readonly Tensor[],
  seeds: readonly Tensor[],
): (Tensor | null)[] {
  const gradients = new Map<Tensor, Tensor>();
  const add = (x: Tensor, more: Tensor) => {
    const before = gradients.get(x);
    gradients.set(x, before ? math.add(before, more) : more);
  };
  for (const [n, result] of results.entries()) add(result, seeds[n]!);
  const wanted = new Set(xs);
  for (const { inputs, output } of calls) if (inputs.some(input => wanted.has(input))) wanted.add(output);
  for (const call of calls.toReversed()) {
    const dy = gradients.get(call.output);
    if (!dy) continue;
    const rule = rules[call.name] ?? fail('grad', `no gradient is known of ${call.name}`);
    for (const [n, input] of call.inputs.entries()) if (wanted.has(input)) add(input, rule(dy, call, n));
  }
  return xs.map(x => gradients.get(x) ?? null);
}

// ------------------------------------------------------------------------------------------------------------ public

/** A function of tensors. @inline */
type TensorFunction = (...xs: Tensor[]) => Tensor;

function differentiate(call: string, f: TensorFunction, args: readonly Tensor[], dy: TensorLike | null | undefined) {
  // Copies, so that a tensor that is passed twice has two gradients
  const xs = args.map(x => layout.clone(x));
  const run = () => {
    const value = f(...xs);
    return value instanceof Tensor ? value : fail(call, `f must return a tensor, got ${show(value)}`);
  };
  const { value, gradients } = gradientsOf(xs, run, result => {
    if (dy === undefined || dy === null) return onesLike(layout.cast(result, 'float32'));
    const seed = asTensor(call, 'dy', dy);
    if (showShape(seed.shape) === showShape(result.shape)) return seed;
    return fail(call, `dy must have the shape of the result, ${showShape(result.shape)}, got ${showShape(seed.shape)}`);
  });
  const grads = gradients.map(
    gradient => gradient ?? fail(call, 'f must compute its result from its arguments with tensor functions'),
  );
  return { value, grads };
}

function checkFunction(call: string, f: unknown): void {
  if (typeof f !== 'function') fail(call, `f must be a function of tensors, got ${show(f)}`);
}

/**
 * A function that computes the gradient of `f` with respect to its argument: of the sum of the result, or with `dy` of
 * the sum of the result times `dy`.
 */
export function grad(f: (x: Tensor) => Tensor): (x: TensorLike, dy?: TensorLike | null) => Tensor {
  rejectExtraArguments('grad', 1, arguments);
  checkFunction('grad', f);
  return (x, dy) => differentiate('grad', f as TensorFunction, [asTensor('grad', 'x', x)], dy).grads[0]!;
}

/** The same as `grad`, for a function of several tensors: a list with the gradient of each. */
export function grads(f: TensorFunction): (args: readonly TensorLike[], dy?: TensorLike | null) => Tensor[] {
  rejectExtraArguments('grads', 1, arguments);
  checkFunction('grads', f);
  return (args, dy) => differentiate('grads', f, asTensors('grads', 'args', args), dy).grads;
}

/** The same as `grad`, with the result of `f` too. */
export function valueAndGrad(
  f: (x: Tensor) => Tensor,
): (x: TensorLike, dy?: TensorLike | null) => { grad: Tensor; value: Tensor } {
  rejectExtraArguments('valueAndGrad', 1, arguments);
  checkFunction('valueAndGrad', f);
  return (x, dy) => {
    const call = 'valueAndGrad';
    const { value, grads } = differentiate(call, f as TensorFunction, [asTensor(call, 'x', x)], dy);
    return { grad: grads[0]!, value };
  };
}

/** The same as `grads`, with the result of `f` too. */
export function valueAndGrads(
  f: TensorFunction,
): (args: readonly TensorLike[], dy?: TensorLike | null) => { grads: Tensor[]; value: Tensor } {
  rejectExtraArguments('valueAndGrads', 1, arguments);
  checkFunction('valueAndGrads', f);
  return (args, dy) => {
    const { value, grads } = differentiate('valueAndGrads', f, asTensors('valueAndGrads', 'args', args), dy);
    return { grads, value };
  };
}
