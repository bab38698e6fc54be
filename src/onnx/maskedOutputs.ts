/** What masks select: masked sequences, and merging layers and attention that ignore masked steps. */

import { hideKeys } from './attentionScores.ts';
import { identity } from './formula.ts';
import { eitherMask, numberFor } from './masks.ts';
import { merged as mergedChain, mergeOutputs, operand } from './mergeOutputs.ts';
import type { NodeReader } from './nodeReader.ts';
import {
  type Axis,
  type LayerOutput,
  layerOutputOf,
  type Mask,
  type MaskTensor,
  nameOf,
  type Value,
} from './values.ts';

/** Whether a tensor of some axes can be repeated to the axes of an output. */
const fits = (axes: readonly Axis[], x: LayerOutput): boolean =>
  x.axes.length === 3 && axes.length === 3 && axes.every((axis, n) => axis === 'one' || axis === x.axes[n]);

/** Reads a Where. */
export function where(node: NodeReader): Value {
  const [condition, x, other] = [node.value(0), node.value(1), node.value(2)];
  for (const value of [condition, x, other]) if (value.kind === 'unknown') return value;
  if (condition.kind !== 'mask' || condition.axes.join() !== 'batch,time,one') return hideKeys(node);
  const number = numberFor(other, 3);
  if (x.kind === 'product' && Object.is(number, 0) && x.mask.key === condition.mask.key) return x.output;
  if (x.kind !== 'layerOutput' || !fits(condition.axes, x)) {
    return node.fail(`must select steps [batch, time, width] of an output, got ${nameOf(x)}`);
  }
  if (number === 1) return { kind: 'factor', output: x, mask: condition.mask };
  if (Object.is(number, 0)) return clear(node, x, condition.mask);
  if (number === Number.NEGATIVE_INFINITY) return masked(x, condition.mask, number);
  return chooseOther(node, x, condition, node.layerOutput(2));
}

/** An output with a number at its masked steps, to be pooled. */
const masked = (output: LayerOutput, mask: Mask, number: number): Value => ({
  kind: 'masked',
  output,
  mask,
  number,
  isReduced: false,
});

/** An output with zeros at its masked steps: a masking layer, attention with masked queries, or a sum over steps. */
function clear(node: NodeReader, x: LayerOutput, mask: Mask): Value {
  const output = node.withLayers(x);
  const { chain } = output.parts[0]!;
  const { differs } = mask;
  if (differs?.chain === chain) {
    const options = { maskValue: differs.value };
    const spec = { factory: 'masking', name: node.name, options, weights: [], kind: 'other' } as const;
    return layerOutputOf(node.addLayer(chain, spec, { mask }), output.axes);
  }
  const attention = !chain.spec && chain.origin?.kind === 'merge' ? chain.origin.attention : undefined;
  const isQueryMask = attention?.withQueryMask && chain.mask?.key !== mask.key;
  return isQueryMask ? layerOutputOf(attention.withQueryMask!(mask), output.axes) : masked(output, mask, 0);
}

/** A maximum or minimum that ignores a masked input: there, it is the other input. */
function chooseOther(node: NodeReader, x: LayerOutput, { mask }: MaskTensor, other: LayerOutput): LayerOutput {
  const { chain } = x.parts[0]!;
  const { origin, spec } = chain;
  const instead = operand(node, other);
  if (spec || origin?.kind !== 'merge' || !['maximum', 'minimum'].includes(origin.factory)) {
    return node.fail('must select steps of a maximum or minimum, or a number, got another output');
  }
  const [first, second, ...more] = origin.inputs;
  const [a, b] = origin.masks!;
  const own = instead.parts[0]!.chain;
  const isFirst = !a && !b && own === second;
  const isKnown = more.length === 0 && (isFirst || (!b && own === first));
  if (!isKnown || x.formula.text !== identity.text || !fits(instead.axes, x)) {
    node.fail('must select the other input at the masked steps of an input, got another output');
  }
  const masks = isFirst ? [mask, null] : [a!, mask];
  const { factory, name, options, inputs } = origin;
  const made = mergedChain(
    node,
    factory,
    options,
    inputs,
    chain.steps,
    chain.width,
    { name, masks },
    eitherMask(masks),
  );
  return { ...x, parts: [{ chain: made, half: null }], otherwise: null };
}

/** A product of two outputs, which ignores the masked steps of its factors. */
export function multiplyFactors(node: NodeReader): Value {
  const values = [node.value(0), node.value(1)];
  const outputs = values.map((value, n) => (value.kind === 'factor' ? value.output : node.layerOutput(n)));
  const masks = values.map(value => (value.kind === 'factor' ? value.mask : null));
  if (!node.source.branches) node.fail('must have one input, got more; a sequential model has no branches');
  const output = mergeOutputs(node, 'multiply', outputs, masks);
  const mask = eitherMask(masks);
  return mask ? { kind: 'product', output, mask } : output;
}
