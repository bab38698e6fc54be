/** Layers that no node of the graph corresponds to, but that the meaning of the axes requires. */

import type { Reading } from './reading.ts';
import { type Axis, type Part, type Stream, streamOf } from './values.ts';

/** Repeats one step for each sample, [batch, one, width], n times: [batch, time, width]. */
export function repeated(node: Reading, stream: Stream, n: number): Stream {
  const [{ chain }] = node.settle(stream).parts as [Part];
  const spec = { factory: 'repeatVector', name: node.name, options: { n }, weights: [], kind: 'other' } as const;
  return streamOf(node.grow(chain, spec, { steps: n, flipped: false }), ['batch', 'time', 'width']);
}

/** Turns a stream with an axis of size 1 in place of time into a sequence of one step. */
export function asSequence(node: Reading, stream: Stream): Stream {
  const { axes } = stream;
  const places = axes.filter(axis => axis === 'one' || axis === 'batch' || axis === 'width');
  if (axes.length !== 3 || new Set(places).size !== 3 || stream.parts[0]!.chain.steps !== null) return stream;
  return { ...repeated(node, stream, 1), axes: axes.map((axis): Axis => (axis === 'one' ? 'time' : axis)) };
}

/**
 * Aligns the time order of the layers with that of the graph. If the layers output the steps in reverse, adds a frozen
 * simpleRNN that copies them from last to first: its kernel is the identity, its recurrent kernel zero.
 */
export function upright(node: Reading, stream: Stream): Stream {
  const settled = node.settle(stream);
  const [{ chain }] = settled.parts as [Part];
  if (!chain.flipped) return settled;
  const { width } = chain;
  node.spend(2 * width * width);
  const unit = new Float32Array(width * width);
  for (let n = 0; n < width; n++) unit[n * width + n] = 1;
  const dims = [width, width];
  const spec = {
    factory: 'simpleRNN',
    name: 'reversed',
    options: {
      units: width,
      activation: 'linear',
      useBias: false,
      returnSequences: true,
      goBackwards: true,
      trainable: false,
    },
    weights: [
      [
        { dims, values: unit },
        { dims, values: new Float32Array(width * width) },
      ],
    ],
    kind: 'steps',
  } as const;
  return { ...settled, parts: [{ chain: node.grow(chain, spec, { flipped: false }), half: null }] };
}
