/** Masks in a graph, in the form that `toOnnx` writes: which time steps count. */

import type { NodeReader } from './nodeReader.ts';
import { BOOL, FLOAT32 } from './proto.ts';
import { permOf } from './rearrangeConstants.ts';
import type { Size } from './sizes.ts';
import {
  type CallMasks,
  type Chain,
  type Mask,
  type MaskTensor,
  nameOf,
  onlyNumber,
  type Value,
  type Visible,
} from './values.ts';

const maskOf = (node: NodeReader, description: string, more: Partial<Mask> = {}): Mask => ({
  key: `${node.idOf(description)}`,
  given: null,
  differs: null,
  ...more,
});

/** The mask of the steps that count in any of several masks; null if one of them is null. */
export function eitherMask(masks: readonly (Mask | null | undefined)[]): Mask | null {
  const given = masks.filter(mask => mask !== null && mask !== undefined);
  if (given.length < masks.length) return null;
  const key = [...new Set(given.flatMap(mask => mask.key.split('|')))].sort().join('|');
  return given.find(mask => mask.key === key) ?? { key, given: null, differs: null };
}

/** The mask of sequences in a row; a number of steps for a sequence in which all count. Null if no part has a mask. */
export function joinedMask(node: NodeReader, parts: readonly (Mask | Size)[]): Mask | null {
  const keys = parts.map(part => (typeof part === 'object' ? part.key : `all ${part}`));
  return parts.some(part => typeof part === 'object') ? maskOf(node, `join ${keys.join()}`) : null;
}

/** The masks to give to the call of a layer; null if the inputs have these masks already. */
export function callMasks(node: NodeReader, inputs: readonly Chain[], masks: CallMasks): CallMasks | null {
  if (masks.every((mask, n) => mask === undefined || mask?.key === inputs[n]!.mask?.key)) return null;
  if (!node.source.branches) node.fail('must have the mask of its input; a sequential model has no other masks');
  if (masks.some(mask => mask && !mask.given)) {
    node.fail('its masks must be those of its inputs, or outputs [batch, time], got another mask');
  }
  return masks;
}

/** A single number of the file that does not add axes to a tensor; null for other values. */
export function numberFor(value: Value, rank: number): number | null {
  const number = onlyNumber(value);
  const isOne = (value.kind === 'floats' || value.kind === 'ints') && value.values.length === 1;
  return isOne && value.dims.length <= rank && typeof number === 'number' ? number : null;
}

// ------------------------------------------------------------------------------------------------------ time steps

/** Compares an output with a number, for a mask of the steps that differ from it. */
export function compare(node: NodeReader): Value {
  const [a, b] = [node.value(0), node.value(1)];
  for (const value of [a, b]) if (value.kind === 'unknown') return value;
  const [x, other] = a.kind === 'layerOutput' ? [a, b] : [b, a];
  const value = x.kind === 'layerOutput' ? numberFor(other, x.axes.length) : null;
  if (x.kind !== 'layerOutput' || value === null) {
    const why = `must compare an output with one number of the file, got ${nameOf(a)} and ${nameOf(b)}`;
    return { kind: 'unknown', why: node.why(why) };
  }
  const { axes } = x;
  const { chain } = x.ids ? x.parts[0]! : node.withLayers(x).parts[0]!;
  const isKnown = ['batch,time,width', 'batch,time', 'batch,width'].includes(axes.join());
  if (!isKnown || chain.flipped)
    node.fail(`must compare [batch, time, width] or [batch, time], got [${axes.join(', ')}]`);
  return { kind: 'compared', chain, axes, value, stage: 'equal' };
}

/** Continues a comparison: to where numbers differ, and to the steps with such numbers. */
export function continueMask(node: NodeReader): Value {
  const compared = node.value(0);
  if (compared.kind !== 'compared') return node.fail(`must read a comparison with a number, got ${nameOf(compared)}`);
  const { stage, chain, axes, value } = compared;
  const isSequence = axes.length === 3;
  const isLast = () =>
    node
      .list('axes', 1)
      ?.map(axis => node.axis(axis, 3))
      .join() === '2';
  const made = (mask: Mask): MaskTensor => ({ kind: 'mask', mask, axes: ['batch', 'time', 'one'] });
  const [id, to] = [node.idOf(chain), node.int('to', 0)];
  switch (`${stage} ${node.op}`) {
    case 'equal Not':
      return { ...compared, stage: 'different' };
    case 'different Unsqueeze':
      if (isSequence || value !== 0 || !isLast()) break;
      return made(maskOf(node, `given ${id}`, { given: chain }));
    case 'different Cast':
      if (!isSequence || to !== FLOAT32) break;
      return { ...compared, stage: 'numbers' };
    case 'numbers ReduceMax':
      if (!isLast() || node.int('keepdims', 1) === 0) break;
      return { ...compared, stage: 'steps' };
    case 'steps Cast':
      if (to !== BOOL) break;
      return made(maskOf(node, `differs ${id} ${value}`, { differs: { chain, value } }));
  }
  return node.fail('must be a part of a mask in the form of masking, or of ids other than 0, got something else');
}

/** The mask of the ids that are not 0. */
export const idsMask = (node: NodeReader, ids: Chain): Mask => maskOf(node, `given ${node.idOf(ids)}`, { given: ids });

export function transposeMask(node: NodeReader): MaskTensor {
  const tensor = node.value(0) as MaskTensor;
  return { ...tensor, axes: permOf(node, 3).map(axis => tensor.axes[axis]!) };
}

/** A mask as numbers, of which the steps that count can be counted. */
export function startCount(node: NodeReader): Value {
  const { axes, mask } = node.value(0) as MaskTensor;
  if (axes.join() !== 'batch,time,one' || node.int('to', 0) !== FLOAT32) {
    node.fail(`must convert a mask [batch, time, 1] to float32, got [${axes.join(', ')}]`);
  }
  return { kind: 'counts', mask, stage: 'steps' };
}

/** The steps that count in either of two masks. */
export function eitherOf(node: NodeReader): MaskTensor {
  const [a, b] = [node.value(0), node.value(1)];
  if (a.kind !== 'mask' || b.kind !== 'mask' || a.axes.join() !== b.axes.join()) {
    return node.fail(`must combine masks of the same axes, got ${nameOf(a)} and ${nameOf(b)}`);
  }
  return { ...a, mask: eitherMask([a.mask, b.mask])! };
}

/** Masks of sequences in a row; for those without a mask, all steps count. */
export function joinMasks(node: NodeReader): MaskTensor {
  const axis = node.axis(node.int('axis', 0), 3);
  const parts = node.values().map(value => {
    if (value?.kind === 'mask' && value.axes.join() === 'batch,time,one') return value.mask;
    const [batch, steps, one] = value?.kind === 'fill' && value.value === 1 ? (value.dims ?? []) : [];
    if (batch === 'batch' && steps !== undefined && one === 1) return steps;
    return node.fail('must concatenate masks [batch, time, 1], got something else');
  });
  if (axis !== 1) node.fail(`must concatenate masks along time, got the axis ${axis}`);
  return { kind: 'mask', mask: joinedMask(node, parts)!, axes: ['batch', 'time', 'one'] };
}

// ---------------------------------------------------------------------------------------------- queries and keys

/** Which keys a value shows to which queries; null for other values. */
export function visibleOf(value: Value): Visible | null {
  if (value.kind === 'visible') return value;
  const none = { kind: 'visible', keys: [], queries: [], causal: null, rank: 3 } as const;
  if (value.kind === 'causal') return { ...none, causal: value, rank: 2 };
  if (value.kind !== 'mask') return null;
  if (value.axes.join() === 'batch,one,time') return { ...none, keys: [value.mask] };
  return value.axes.join() === 'batch,time,one' ? { ...none, queries: [value.mask] } : null;
}

const unique = (masks: readonly Mask[]): Mask[] => [...new Map(masks.map(mask => [mask.key, mask])).values()];

/** The keys that two masks show. */
export function bothOf(node: NodeReader): Visible {
  const values = [node.value(0), node.value(1)];
  const [a, b] = values.map(visibleOf);
  if (!a || !b || (a.rank !== b.rank && a.rank !== 2 && b.rank !== 2)) {
    return node.fail(`must combine masks of the same queries and keys, got ${values.map(nameOf).join(' and ')}`);
  }
  if (a.causal && b.causal) node.fail('must combine a causal mask with other masks, got two causal masks');
  return {
    kind: 'visible',
    keys: unique([...a.keys, ...b.keys]),
    queries: unique([...a.queries, ...b.queries]),
    causal: a.causal ?? b.causal,
    rank: Math.max(a.rank, b.rank),
  };
}

/** Adds the axis of the heads. */
export function unsqueezeVisible(node: NodeReader): Visible {
  const visible = visibleOf(node.value(0));
  const axes = node.list('axes', 1)?.map(axis => node.axis(axis, 4));
  if (visible?.rank !== 3 || axes?.join() !== '1') {
    return node.fail('must add the axis of the heads to a mask [batch, queries, keys], got something else');
  }
  return { ...visible, rank: 4 };
}
