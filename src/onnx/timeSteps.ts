/** Selects parts of an axis: directions, the last time step, and reversed time steps. */

import { rangeOf, selectionAt, selectionOf, type TimeSelection } from './axisRanges.ts';
import { isSingle, withoutAxis } from './directions.ts';
import type { NodeReader } from './nodeReader.ts';
import { crop } from './readTimeSteps.ts';
import { slicesOf } from './rearrangeConstants.ts';
import type { Size } from './sizes.ts';
import {
  type Axis,
  type Chain,
  type DirectionOutput,
  type LayerOutput,
  lastOf,
  nameOf,
  onlyNumber,
  sizeOfAxis,
  type Value,
} from './values.ts';
import { embed } from './weightedLayers.ts';

export function slice(node: NodeReader): LayerOutput {
  const output = node.layerOutput(0);
  return slicesOf(node, output.axes.length).reduce<LayerOutput>((from, { axis, start, end, step }) => {
    const selection = selectionOf(sizeOfAxis(from, axis), start, end, step);
    if (selection === 'all') return from;
    if (from.axes[axis] === 'direction' && step === 1) return directions(node, from, start, end);
    const isSwapped = axis === 1 && from.axes.join() === 'batch,width,time';
    if (from.axes[axis] !== 'time' && !(isSwapped && step === 1)) {
      node.fail(`must select the whole axis ${from.axes[axis]}, got ${start} to ${end} in steps of ${step}`);
    }
    if (selection === 'reversed') return reversed(from);
    if (isSwapped || (step === 1 && !endsAt(from, selection))) {
      const cropped = crop(node, from, axis, start, end);
      if (cropped) return cropped;
      if (isSwapped) node.fail('must select time steps of one direction, got something else');
    }
    return oneStep(node, from, axis, selection);
  }, output);
}

export function gather(node: NodeReader): Value {
  const indices = node.value(1);
  if (indices.kind === 'unknown') return indices;
  if (indices.kind === 'layerOutput') return embed(node, node.floats(0), indices);
  const value = node.layerOutput(0);
  const axis = node.axis(node.int('axis', 0), value.axes.length);
  const [index, ...more] = node.ints(1);
  if (index === undefined || more.length > 0) node.fail(`must select one index, got ${more.length + 1}`);
  const size = sizeOfAxis(value, axis);
  if (typeof size === 'number') node.index(index, size);
  const selection = selectionAt(size, index);
  let picked = value;
  if (value.axes[axis] === 'time') picked = oneStep(node, value, axis, selection);
  else if (value.axes[axis] === 'direction') picked = directions(node, value, index, index === -1 ? size : index + 1);
  else if (!isSingle(value, axis)) node.fail(`must select the whole axis ${value.axes[axis]}, got the index ${index}`);
  return node.sizes(1).dims.length === 0 ? withoutAxis(picked, axis) : picked;
}

function directions(node: NodeReader, output: LayerOutput, start: number, end: Size): LayerOutput {
  if (typeof end !== 'number') node.fail(`must select directions by known indices, got the end ${end}`);
  const { from, count } = rangeOf(output.parts.length, start, end, 1);
  const parts = output.parts.slice(from, from + count);
  return parts.length > 0 ? { ...output, parts } : node.fail('must select at least one direction, got none');
}

/** Whether a selection may be the last output of a recurrent layer. */
function endsAt({ parts }: LayerOutput, selection: TimeSelection): boolean {
  const { chain } = parts[0]!;
  let at = chain;
  while (at.spec?.kind === 'each' && at.below) at = at.below;
  const ends = chain.flipped ? 'first' : 'last';
  return (
    (selection === ends || at.spec?.factory === 'bidirectional') && at.spec?.kind === 'steps' && selection !== null
  );
}

/** Selects the step that each direction processes last: the last one, or the first if it runs backwards. */
export function oneStep(node: NodeReader, output: LayerOutput, axis: number, selection: TimeSelection): LayerOutput {
  const parts = output.parts.map(({ chain, half }): DirectionOutput => {
    const ends = chain.flipped !== (half === 1) ? 'first' : 'last';
    if (chain.steps !== 1 && selection !== ends) {
      const which = selection ?? 'other steps';
      node.fail(`must select the time step that the layer processes last, the ${ends} one, got ${which}`);
    }
    return { chain: lastOfChain(node, chain, half), half };
  });
  return { ...output, axes: output.axes.map((name, n): Axis => (n === axis ? 'one' : name)), parts };
}

/** Makes the recurrent layer return its last output only, and applies the layers above it to that step only. */
function lastOfChain(node: NodeReader, chain: Chain, half: 0 | 1 | null): Chain {
  const above: Chain[] = [];
  let at = chain;
  while (at.spec?.kind === 'each' && at.below) {
    above.push(at);
    at = at.below;
  }
  const { spec } = at;
  const both = spec?.factory === 'bidirectional';
  if (spec?.kind !== 'steps' || (both && half === null && at.steps !== 1)) {
    const rule = 'must select the last time step of a recurrent layer with one direction';
    node.fail(
      `${rule}, got ${both ? 'both directions; the backward direction has processed only one step there' : 'something else'}`,
    );
  }
  const end = { steps: null, flipped: false, last: null, mask: null };
  const last = at.last ?? { ...at, ...end, spec: lastOf(spec) };
  return above.reduceRight((below, layer): Chain => ({ ...layer, ...end, below }), last);
}

/** Reverses all time steps. */
function reversed(output: LayerOutput): LayerOutput {
  return {
    ...output,
    parts: output.parts.map(
      ({ chain, half }): DirectionOutput => ({ chain: { ...chain, flipped: !chain.flipped }, half }),
    ),
  };
}

/** Reads a ReverseSequence that reverses all time steps of every sample. */
export function reverseSequence(node: NodeReader): LayerOutput {
  const output = node.layerOutput(0);
  const rank = output.axes.length;
  const [time, batch] = [node.int('time_axis', 0), node.int('batch_axis', 1)].map(axis => node.axis(axis, rank));
  if (output.axes[time!] !== 'time' || output.axes[batch!] !== 'batch') {
    node.fail(`must reverse the time axis of each sample, got [${output.axes.join(', ')}]`);
  }
  checkLengths(node, 1, sizeOfAxis(output, time!));
  return reversed(output);
}

/** Rejects sequence lengths other than the number of time steps. */
export function checkLengths(node: NodeReader, index: number, steps: Size): void {
  const lengths = node.value(index);
  if (lengths.kind === 'unknown') node.fail(lengths.why);
  const length = onlyNumber(lengths);
  if (length === steps) return;
  const got = length === null ? nameOf(lengths) : `${length}`;
  const rule = `sequence_lens must be the number of time steps, ${steps}, for every sample, or absent`;
  node.fail(`${rule}, got ${got}; sequences of different lengths need a mask, which the file does not contain`);
}
