/** Converts the layers that merge several inputs. */

import type { Concatenate } from '../layers/concatenate.ts';
import type { Dot } from '../layers/dot.ts';
import type { CombineMode, Merge } from '../layers/merge.ts';
import { BOOL } from './proto.ts';
import type { WriteContext, WrittenCall, WrittenValue } from './writeContext.ts';

/** The operators; those of more than two inputs also take two. */
const pairOps: { readonly [mode in CombineMode]: string } = {
  add: 'Add',
  subtract: 'Sub',
  average: 'Mean',
  multiply: 'Mul',
  maximum: 'Max',
  minimum: 'Min',
};
const listOps: { readonly [mode in CombineMode]?: string } = {
  add: 'Sum',
  average: 'Mean',
  maximum: 'Max',
  minimum: 'Min',
};

/** Converts add, subtract, multiply, average, maximum and minimum. */
export function writeMerge(context: WriteContext, layer: Merge, call: WrittenCall): WrittenValue {
  const { graph } = context;
  const { name, ranks, passesMask } = call;
  const { mode } = layer;
  const rank = Math.max(...ranks);
  const inputs = call.inputs.map(({ value, mask }, n) => ({
    value: ranks[n]! < rank ? graph.add('Unsqueeze', `${name}/step`, [value, graph.ints([1])]) : value,
    mask,
  }));
  const masked = layer.ignoresMasked && inputs.some(({ mask }) => mask);
  const listOp = masked ? undefined : listOps[mode];
  if (inputs.length > 2 && listOp) {
    const value = graph.add(
      listOp,
      name,
      inputs.map(input => input.value),
    );
    const masks = passesMask ? inputs.map(({ mask }) => mask) : [null];
    return { value, mask: masks.reduce((a, b) => either(context, name, a, b)) };
  }
  return inputs.slice(1).reduce((first, second, n) => {
    const isLast = n === inputs.length - 2;
    const own = isLast ? name : `${name}/part`;
    const value = masked
      ? mergeMasked(context, own, mode, first, second)
      : graph.add(pairOps[mode], own, [first.value, second.value]);
    const needsMask = passesMask || (masked && !isLast);
    return { value, mask: needsMask ? either(context, name, first.mask, second.mask) : null };
  }, inputs[0]!);
}

/** Products, maxima and minima ignore a masked operand; where both are masked, they are zero and the first one. */
function mergeMasked(
  { graph }: WriteContext,
  name: string,
  mode: CombineMode,
  a: WrittenValue,
  b: WrittenValue,
): string {
  const op = pairOps[mode];
  const choose = (mask: string | null, counted: string, otherwise: string) =>
    mask ? graph.add('Where', `${name}/counted`, [mask, counted, otherwise]) : counted;
  if (mode === 'multiply') {
    const one = graph.number(1);
    const factors = [a, b].map(({ mask, value }) => choose(mask, value, one));
    const product = graph.add(op, name, factors);
    return a.mask && b.mask
      ? choose(graph.add('Or', `${name}/any`, [a.mask, b.mask]), product, graph.number(0))
      : product;
  }
  const merged = graph.add(op, name, [a.value, b.value]);
  return choose(b.mask, choose(a.mask, merged, b.value), a.value);
}

/** The mask of a merged value: a step counts if it counts in any input; without a mask if one of them has none. */
function either({ graph }: WriteContext, name: string, a: string | null, b: string | null): string | null {
  return a && b ? (a === b ? a : graph.add('Or', `${name}/mask`, [a, b])) : null;
}

export function writeConcatenate(context: WriteContext, layer: Concatenate, call: WrittenCall): WrittenValue {
  const { graph } = context;
  const { name, inputs, ranks, passesMask } = call;
  const alongTime = ranks[0] === 3 && (layer.axis === 1 || layer.axis === -2);
  const values = inputs.map(({ value }) => value);
  const value = graph.add('Concat', name, values, { axis: { i: alongTime ? 1 : -1 } });
  if (!passesMask) return { value, mask: null };
  const masks = inputs.map(({ mask }) => mask);
  if (!alongTime) return { value, mask: masks.reduce((a, b) => either(context, name, a, b)) };
  if (masks.every(mask => mask === null)) return { value, mask: null };
  const all = masks.map((mask, n) => mask ?? everyStep(context, name, values[n]!));
  return { value, mask: graph.add('Concat', `${name}/mask`, all, { axis: { i: 1 } }) };
}

/** A mask of a sequence in which all steps count. */
function everyStep({ graph }: WriteContext, name: string, value: string): string {
  const shape = graph.add('Shape', `${name}/shape`, [value]);
  const steps = graph.add('Gather', `${name}/sizes`, [shape, graph.ints([0, 1])]);
  const whole = graph.add('Concat', `${name}/maskShape`, [steps, graph.ints([1])], { axis: { i: 0 } });
  const ones = graph.add('Expand', `${name}/ones`, [graph.ints([1], true), whole]);
  return graph.add('Cast', `${name}/all`, [ones], { to: { i: BOOL } });
}

/** Smaller norms count as this, as in Keras. */
const LEAST_NORM = 1e-7;

/** Converts a product of two inputs, as matrices [B, M, K] and [B, K, N]. */
export function writeDot({ graph }: WriteContext, layer: Dot, { name, inputs, ranks }: WrittenCall): WrittenValue {
  const axes = layer.axesFor(ranks);
  const operands = inputs.map(({ value }, n) => {
    if (!layer.normalize) return value;
    const which = n === 0 ? 'first' : 'second';
    const attributes = { axes: { ints: [axes[n]!] }, keepdims: { i: 1 } };
    const norm = graph.add('ReduceL2', `${name}/${which}/norm`, [value], attributes);
    const divisor = graph.add('Max', `${name}/${which}/divisor`, [norm, graph.number(LEAST_NORM)]);
    return graph.add('Div', `${name}/${which}`, [value, divisor]);
  });
  const matrices = operands.map((value, n) => {
    const which = n === 0 ? 'rows' : 'columns';
    if (ranks[n] === 2) return graph.add('Unsqueeze', `${name}/${which}`, [value, graph.ints([1 + n])]);
    const asNeeded = axes[n] === 2 - n;
    return asNeeded ? value : graph.add('Transpose', `${name}/${which}`, [value], { perm: { ints: [0, 2, 1] } });
  });
  const product = graph.add('MatMul', name, matrices);
  const single = [...(ranks[0] === 2 && ranks[1] === 3 ? [1] : []), ...(ranks[1] === 2 ? [2] : [])];
  if (single.length === 0) return { value: product, mask: null };
  return { value: graph.add('Squeeze', `${name}/squeezed`, [product, graph.ints(single)]), mask: null };
}
