/** Merges two directions into a bidirectional layer: halves of one node, or two nodes with the same input. */

import { splitsOf } from './arrange.ts';
import { identity } from './forms.ts';
import type { Reading } from './reading.ts';
import { type Chain, MOST_PARTS, type Part, type Spec, type Stream } from './values.ts';

/** Merges two directions; null if the streams are not two directions of one layer. */
export function mergedHalves(node: Reading, streams: readonly Stream[], mergeMode: string): Stream | null {
  const parts = streams.flatMap(stream => stream.parts);
  if (parts.length !== 2 || streams.some(({ form }) => form.text !== identity.text)) return null;
  if (streams.some(({ axes }) => axes.join() !== streams[0]!.axes.join())) return null;
  const [first, second] = parts as [Part, Part];
  const { chain } = first;
  const spec = chain === second.chain ? specOfHalves(first, second) : specOfTwo(first, second);
  if (!spec) return null;
  const width = mergeMode === 'concat' ? 2 * chain.width : chain.width;
  const merged = node.replace(chain, { ...spec, options: { ...spec.options, mergeMode } }, { width });
  return { ...streams[0]!, parts: [{ chain: merged, half: null }] };
}

const specOfHalves = (first: Part, second: Part): Spec | null =>
  first.half === 0 && second.half === 1 ? first.chain.spec : null;

const recurrent = ['lstm', 'gru', 'simpleRNN'];

/** Two layers of one kind with the same input, the second of which runs in the other direction of time. */
function specOfTwo({ chain: a, half }: Part, { chain: b, half: other }: Part): Spec | null {
  const [first, second] = [a.spec, b.spec];
  if (half !== null || other !== null || !first || !second || !sameLayers(a.below, b.below)) return null;
  if (!recurrent.includes(first.factory) || first.factory !== second.factory || first.kind !== second.kind) return null;
  const turned = { ...second.options, goBackwards: !second.options.goBackwards };
  if (JSON.stringify(first.options) !== JSON.stringify(turned)) return null;
  // Exactly one of them must have had its outputs reversed, to align the time steps of both
  if (a.steps !== null && a.flipped === b.flipped) return null;
  return {
    factory: 'bidirectional',
    name: first.name,
    options: { layer: first.factory, inner: first.options },
    weights: [...first.weights, ...second.weights],
    kind: first.kind,
  };
}

/** Whether two chains are the same layers, ignoring the order of time. */
const sameLayers = (a: Chain | null, b: Chain | null): boolean =>
  a === b || (a !== null && b !== null && a.spec === b.spec && a.below === b.below);

/** Whether an axis has size 1 and can be removed. */
export const isSingle = (stream: Stream, axis: number): boolean =>
  stream.axes[axis] === 'one' ||
  (stream.axes[axis] === 'direction' && stream.parts.length === 1 && stream.parts[0]!.half === null);

/** Whether an axis has size 1, or holds one half of a bidirectional layer. */
export const isOneDirection = (stream: Stream, axis: number): boolean =>
  stream.axes[axis] === 'one' || (stream.axes[axis] === 'direction' && stream.parts.length === 1);

export const without = (stream: Stream, axis: number): Stream => ({
  ...stream,
  axes: stream.axes.filter((_, n) => n !== axis),
});

export function reduce(node: Reading, mergeMode: string): Stream {
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

/** Concatenates directions along the features, or along the direction axis. */
export function joined(node: Reading, streams: readonly Stream[]): Stream {
  const [first] = streams as [Stream];
  if (streams.length === 1) return first;
  const axis = node.axis(node.int('axis', 0), first.axes.length);
  const alike = streams.every(({ axes, form }) => axes.join() === first.axes.join() && form.text === identity.text);
  if (first.axes[axis] === 'width') {
    const merged = alike ? mergedHalves(node, streams, 'concat') : null;
    return (
      merged ?? node.fail('must join the forward and the backward half of one layer, in that order, got something else')
    );
  }
  const parts = streams.flatMap(stream => stream.parts);
  if (!alike || first.axes[axis] !== 'direction' || parts.length > MOST_PARTS) {
    node.fail('must join directions of layers, or final states, got something else');
  }
  return { ...first, parts };
}

/** Splits the direction axis. */
export function split(node: Reading): Stream[] {
  const stream = node.stream(0);
  const axis = node.axis(node.int('axis', 0), stream.axes.length);
  if (stream.axes[axis] !== 'direction')
    node.fail(`must split directions of layers, got the axis ${stream.axes[axis]}`);
  let from = 0;
  return splitsOf(node, stream.parts.length).map(size => {
    const parts = stream.parts.slice(from, from + size);
    from += size;
    return parts.length > 0 ? { ...stream, parts } : node.fail('must make outputs of one direction or more, got none');
  });
}
