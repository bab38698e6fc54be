/**
 * Converts the loops that `toOnnx` writes: those of recurrent layers of masked sequences, a step of which keeps the states
 * or replaces them, and those of minGRU and minLSTM.
 */

import type { RecurrentOp } from './gates.ts';
import { NodeReader } from './nodeReader.ts';
import { attributeTypes, type GraphProto, isStandard, type NodeProto } from './proto.ts';
import { minimalStep, readMinimal } from './readMinRnn.ts';
import { readRecurrent } from './readRecurrent.ts';
import { quote, sanitize } from './text.ts';
import type { Mask, Value } from './values.ts';

const stateCounts = { LSTM: 2, GRU: 1, RNN: 1 } as const;

/** Longer descriptions are not of such a loop. */
const MOST_CHARACTERS = 100;

/** @returns the outputs of the node: the final states, and the outputs of all steps */
export function readScan(node: NodeReader): Value[] {
  const body = node.attributes.get('body')?.g ?? node.fail('must have a body, got none');
  const minimal = minimalStep(node, body);
  if (minimal) {
    const reverse = readDirection(node, 1, minimal.isMasked ? 2 : 1);
    return readMinimal(node, minimal, reverse, minimal.isMasked ? readMask(node, 2) : null);
  }
  const cell = cellOf(node, body);
  const states = stateCounts[cell.opType as RecurrentOp];
  const reverse = readDirection(node, states, 2);
  const mask = readMask(node, states + 1);
  const [, W = '', R = '', B = '', , , , P] = cell.input;
  const name = (index: number) => node.inputName(index);
  const whole: NodeProto = {
    ...cell,
    name: node.name,
    input: [name(states), W, R, B, '', ...Array.from({ length: states }, (_, n) => name(n)), ...(P ? [P] : [])],
    attribute: [
      ...cell.attribute.filter(one => one.name !== 'direction'),
      {
        name: 'direction',
        type: attributeTypes.s,
        s: reverse ? 'reverse' : 'forward',
        floats: [],
        ints: [],
        strings: [],
      },
    ],
  };
  const [y, ...after] = readRecurrent(
    new NodeReader(node.source, whole, node.position),
    cell.opType as RecurrentOp,
    mask,
  );
  const withoutDirection = (value: Value): Value =>
    value.kind === 'layerOutput' ? { ...value, axes: value.axes.filter(axis => axis !== 'direction') } : value;
  return [...after.slice(0, states), y!].map(withoutDirection);
}

/** Checks how a loop runs over its sequences; returns whether it runs backwards. */
function readDirection(node: NodeReader, states: number, sequences: number): boolean {
  const isZero = (name: string) => (node.attributes.get(name)?.ints ?? []).every(n => n === 0);
  const directions = (name: string, count: number) => node.attributes.get(name)?.ints ?? Array<number>(count).fill(0);
  const runs = [...directions('scan_input_directions', sequences), ...directions('scan_output_directions', 1)];
  const [reverse] = runs;
  if (node.source.opset < 9 || node.int('num_scan_inputs', 0) !== sequences || node.count !== states + sequences) {
    const rule = sequences === 1 ? `${states} state and a sequence` : `${states} states, a sequence and its mask`;
    node.fail(`must have ${rule}, got ${node.count} inputs`);
  }
  if (!isZero('scan_input_axes') || !isZero('scan_output_axes')) node.fail('must run along the first axis');
  if (runs.length !== sequences + 1 || runs.some(n => n !== reverse) || (reverse !== 0 && reverse !== 1)) {
    node.fail(`must run in one direction, got ${runs.slice(0, 12).join(', ')}`);
  }
  return reverse === 1;
}

function readMask(node: NodeReader, index: number): Mask {
  const counts = node.value(index);
  if (counts.kind === 'unknown') node.fail(counts.why);
  if (counts.kind !== 'mask' || counts.axes.join() !== 'time,batch,one') {
    return node.fail('its second sequence must be a mask [time, batch, 1], got something else');
  }
  return counts.mask;
}

/** The recurrent node of a body that keeps the states where the mask is false. */
function cellOf(node: NodeReader, body: GraphProto): NodeProto {
  const states = body.input.length - 2;
  const texts = new Map(
    body.input.map(({ name }, n) => [name, n < states ? `state ${n}` : n === states ? 'step' : 'counts']),
  );
  const textOf = (name: string) => texts.get(name) ?? `outer ${name}`;
  let cell: NodeProto | null = null;
  const reject = (inner: string): never =>
    node.fail(
      `its body must be a step of LSTM, GRU or RNN that keeps its states where a mask is false, or of minGRU or minLSTM, as toOnnx writes it, got ${inner}; ` +
        'export the model with sequences of a fixed length and without masks',
    );
  if (body.initializer.length > 0 || texts.size !== states + 2) reject('other inputs');
  for (const inner of body.node) {
    const { opType: op, output } = inner;
    const given = inner.input.map(textOf);
    const what = `${sanitize(op)} ${quote(inner.name)}`;
    if (!isStandard(inner.domain) || output.some(name => name !== '' && texts.has(name))) reject(what);
    if (Object.hasOwn(stateCounts, op) && !cell) {
      cell = inner;
      for (const [index, name] of output.entries()) texts.set(name, `cell ${index}`);
      continue;
    }
    const axes = () => new NodeReader(node.source, inner, node.position).list('axes', 1)?.join();
    const text =
      op === 'Identity'
        ? given[0]!
        : op === 'Where'
          ? `Where(${given.join()})`
          : (op === 'Squeeze' || op === 'Unsqueeze') && axes() === '0'
            ? `${op}(${given[0]})`
            : reject(what);
    if (text.length > MOST_CHARACTERS) reject(what);
    texts.set(output[0]!, text);
  }
  return cell && isMaskedStep(cell, body, textOf) ? cell : reject('another step');
}

function isMaskedStep(cell: NodeProto, body: GraphProto, textOf: (name: string) => string): boolean {
  const states = stateCounts[cell.opType as RecurrentOp];
  const attributeOf = (name: string) => cell.attribute.find(one => one.name === name);
  const all = Array.from({ length: states }, (_, n) => n);
  const [x, ...weights] = [...cell.input.slice(0, 4), ...cell.input.slice(7)].map(textOf);
  const kept = all.map(n => `Where(counts,Squeeze(cell ${n + 1}),state ${n})`);
  return (
    body.input.length === states + 2 &&
    new Set(body.output.map(({ name }) => name)).size === states + 1 &&
    x === 'Unsqueeze(step)' &&
    weights.every(text => text.startsWith('outer ')) &&
    !cell.input[4] &&
    cell.input.slice(5, 7).map(textOf).join() === all.map(n => `Unsqueeze(state ${n})`).join() &&
    (attributeOf('direction')?.s ?? 'forward') === 'forward' &&
    (attributeOf('layout')?.i ?? 0) === 0 &&
    body.output.map(({ name }) => textOf(name)).join() === [...kept, kept[0]].join()
  );
}
