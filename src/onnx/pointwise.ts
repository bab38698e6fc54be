/** Elementwise operators on a stream: sums, products, activations. */

import { constant, type Form, identity, plus, times } from './forms.ts';
import { mergedHalves } from './halves.ts';
import { INT32, INT64 } from './proto.ts';
import type { Reading } from './reading.ts';
import { nameOf, type Part, type Stream, streamOf, type Value } from './values.ts';
import { withBias } from './weighted.ts';

export const difference = (a: Form, b: Form): Form => plus(a, times(b, constant(-1)));

/**
 * Sums and products: with a number, with a bias, of two functions of the same stream, or of both directions of a layer.
 */
export function combine(node: Reading, make: (a: Form, b: Form) => Form, mode: 'sum' | 'mul' | null): Value {
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
        'its inputs must be functions of the output of one layer, got those of two; a sequential model has no branches',
      );
    }
    return node.formed(a, make(a.form, b.form));
  }
  const [stream, other] = a.kind === 'stream' ? [a, b] : [b, a];
  if (stream.kind !== 'stream' || other.kind !== 'floats') {
    const why = node.why(`must combine outputs of layers with numbers, got ${nameOf(a)} and ${nameOf(b)}`);
    return { kind: 'unknown', why };
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

/** Reads an input that must be one number. */
function numberOf(node: Reading, place: number): number {
  const { values } = node.floats(place);
  return values.length === 1
    ? values[0]!
    : node.fail(`input number ${place + 1} must be one number, got ${values.length}`);
}

export function divide(node: Reading): Stream {
  const stream = node.pointwise(0, '');
  return node.formed(stream, times(node.stream(0).form, constant(1 / numberOf(node, 1))));
}

export function power(node: Reading): Stream {
  const stream = node.stream(0);
  const exponent = numberOf(node, 1);
  const { form } = stream;
  if (stream.ids || (exponent !== 2 && exponent !== 3)) {
    node.fail(`must be a square or a cube, got the power ${exponent}`);
  }
  return node.formed(stream, exponent === 2 ? times(form, form) : times(form, times(form, form)));
}

export function clip(node: Reading): Stream {
  const bound = (name: string, place: number, otherwise: number) =>
    node.has(place) ? numberOf(node, place) : node.float(name, otherwise);
  const [least, most] = [bound('min', 1, Number.NEGATIVE_INFINITY), bound('max', 2, Number.POSITIVE_INFINITY)];
  // Exporters write the largest float32 for no bound
  return node.pointwise(0, 'Clip', least, most >= 3.4e38 ? Number.POSITIVE_INFINITY : most);
}

/** Reads a Min with a constant as an upper bound. */
export function atMost(node: Reading): Stream {
  if (node.has(2)) node.fail('must have two inputs, got more');
  const place = node.value(0).kind === 'floats' ? 1 : 0;
  return node.pointwise(place, 'Clip', Number.NEGATIVE_INFINITY, numberOf(node, 1 - place));
}

/** Softmax and LogSoftmax along the last axis. */
export function alongRows(node: Reading, op: string): Stream {
  const stream = node.stream(0);
  const axis = node.axis(node.int('axis', node.source.opset < 13 ? 1 : -1), stream.axes.length);
  if (stream.axes[axis] !== 'width' || axis !== stream.axes.length - 1) {
    node.fail(`axis must be the last one, the features, got ${axis} of [${stream.axes.join(', ')}]`);
  }
  return node.pointwise(0, op);
}

export function cast(node: Reading): Stream {
  const stream = node.stream(0);
  const to = node.int('to', 0);
  const [{ chain }] = stream.parts as [Part];
  const whole = to === INT32 || to === INT64;
  if (!whole) return stream.ids ? node.fail('must not compute with ids, which only an embedding takes') : stream;
  if (stream.ids) return stream;
  if (chain.spec || stream.axes.length !== 2 || stream.form.text !== identity.text) {
    node.fail('only ids may be made whole numbers, got the output of a layer');
  }
  // Ids passed as floats: the axis read as features is the time axis.
  return { ...streamOf({ ...chain, steps: chain.width, width: 0 }, ['batch', 'time']), ids: true };
}
