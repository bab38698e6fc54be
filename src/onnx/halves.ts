/** The two directions of a layer, and how they become one: halves of one node, or two nodes that read the same. */

import { splitsOf } from './arrange.ts';
import { identity } from './forms.ts';
import type { Reading } from './reading.ts';
import { type Chain, MOST_PARTS, type Part, type Spec, type Stream } from './values.ts';

/** Merges two directions; null where the streams are something else. */
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

/** Two layers of one kind on the same layers, the second of which goes the other way through time. */
function specOfTwo({ chain: a, half }: Part, { chain: b, half: other }: Part): Spec | null {
  const [first, second] = [a.spec, b.spec];
  if (half !== null || other !== null || !first || !second || !sameLayers(a.below, b.below)) return null;
  if (!recurrent.includes(first.factory) || first.factory !== second.factory || first.kind !== second.kind) return null;
  const turned = { ...second.options, goBackwards: !second.options.goBackwards };
  if (JSON.stringify(first.options) !== JSON.stringify(turned)) return null;
  // One of them gives its steps in the order of the graph, the other has been turned round to it
  if (a.steps !== null && a.flipped === b.flipped) return null;
  return {
    factory: 'bidirectional',
    name: first.name,
    options: { layer: first.factory, inner: first.options },
    weights: [...first.weights, ...second.weights],
    kind: first.kind,
  };
}

/** Whether two chains are the same layers, in whichever order of time. */
const sameLayers = (a: Chain | null, b: Chain | null): boolean =>
  a === b || (a !== null && b !== null && a.spec === b.spec && a.below === b.below);

/** Axes that hold one thing, and may go. */
export const isSingle = (stream: Stream, axis: number): boolean =>
  stream.axes[axis] === 'one' ||
  (stream.axes[axis] === 'direction' && stream.parts.length === 1 && stream.parts[0]!.half === null);

/** The same, or an axis that holds half of a layer. */
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

/** Directions side by side, or one behind the other along their axis. */
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

/** Directions apart. */
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
