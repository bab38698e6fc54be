// Thousands of spoiled safetensors files: each loads whole, or is refused with the part that is wrong.

import { readFileSync } from 'node:fs';
import { layers, type Sequential, sequential, Tensor, ValueError } from 'lstm-wasm';
import { type LoadSafetensorsOptions, loadSafetensors, readSafetensors, toSafetensors } from 'lstm-wasm/safetensors';
import { describe, expect, test } from 'vitest';
import { RandomGenerator } from '../../src/util/randomGenerator.ts';
import { fixtures } from './torchModels.ts';

const CASES = 1000;

const generator = new RandomGenerator(20_231);
const pick = <T>(list: readonly T[]): T => list[generator.below(list.length)]!;

const gru = () =>
  sequential({
    layers: [
      layers.gru({ name: 'g', units: 3, inputShape: [4, 2], returnSequences: true }),
      layers.bidirectional({ name: 'b', layer: layers.gru({ name: 'in', units: 2, useBias: false }) }),
      layers.dense({ name: 'd', units: 2 }),
    ],
  });
const lstm = () =>
  sequential({
    layers: [layers.lstm({ name: 'l', units: 2, inputShape: [4, 3] }), layers.dense({ name: 'd', units: 1 })],
  });

// ------------------------------------------------------------------------------------------------------ how to spoil

type Spoil = (bytes: Uint8Array) => Uint8Array;

const headerLength = (bytes: Uint8Array) => Number(new DataView(bytes.buffer).getBigUint64(0, true));
const headerOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes.subarray(8, 8 + headerLength(bytes)));

/** The same data behind another header, whose length is right. */
function withHeader(bytes: Uint8Array, text: string): Uint8Array {
  const header = new TextEncoder().encode(text);
  const data = bytes.subarray(8 + headerLength(bytes));
  const changed = new Uint8Array(8 + header.length + data.length);
  new DataView(changed.buffer).setBigUint64(0, BigInt(header.length), true);
  changed.set(header, 8);
  changed.set(data, 8 + header.length);
  return changed;
}

const odd = [
  '0',
  '-1',
  '1',
  '3',
  '4',
  '8',
  '1e9',
  '0.5',
  '4294967296',
  '9007199254740993',
  '1e400',
  'null',
  '[]',
  '""',
];
const words = [
  '"F16"',
  '"BF16"',
  '"F64"',
  '"I32"',
  '"BOOL"',
  '"F8_E4M3"',
  '"__proto__"',
  '"__metadata__"',
  '{}',
  '"\\ud800"',
];

/** Puts something else in place of one match of a pattern in the header. */
const exchange =
  (pattern: RegExp, other: (found: string) => string): Spoil =>
  bytes => {
    const text = headerOf(bytes);
    const found = [...text.matchAll(pattern)];
    if (found.length === 0) return bytes;
    const { index, 0: match } = pick(found);
    return withHeader(bytes, text.slice(0, index) + other(match) + text.slice(index + match.length));
  };

const spoils: Record<string, Spoil> = {
  'cut short': bytes => bytes.slice(0, generator.below(bytes.length)),
  'flipped bits': bytes => {
    const changed = bytes.slice();
    for (let n = 1 + generator.below(4); n > 0; n--)
      changed[generator.below(changed.length)]! ^= 1 << generator.below(8);
    return changed;
  },
  'flipped bits of the header': bytes => {
    const changed = bytes.slice();
    changed[generator.below(8 + headerLength(bytes))]! ^= 1 << generator.below(8);
    return changed;
  },
  'flipped bits of the data': bytes => {
    const changed = bytes.slice();
    const from = 8 + headerLength(bytes);
    if (from < bytes.length) changed[from + generator.below(bytes.length - from)]! ^= 1 << generator.below(8);
    return changed;
  },
  'another length': bytes => {
    const changed = bytes.slice();
    new DataView(changed.buffer).setBigUint64(0, BigInt(generator.bits()) >> BigInt(generator.below(32)), true);
    return changed;
  },
  'another number': exchange(/\d+/g, () => pick(odd)),
  'a number one off': exchange(/\d+/g, found => String(Number(found) + pick([-1, 1, 4, 8]))),
  'another word': exchange(/"[^"]*"/g, () => pick(words)),
  'a word of another place': bytes =>
    exchange(/"[^"]*"/g, () => pick(headerOf(bytes).match(/"[^"]*"/g) ?? ['""']))(bytes),
  'a part twice': exchange(/"[^"]*":\{[^}]*\}|\d+|[[\]{}:,]/g, found => `${found},${found}`),
  'a part less': exchange(/"[^"]*":\{[^}]*\},?|\d+|[[\]{}:,]/g, () => ''),
  'parts that have changed places': bytes => {
    const parts = headerOf(bytes).match(/\{[^{}]*\}/g) ?? [];
    if (parts.length === 0) return bytes;
    return exchange(/\{[^{}]*\}/g, () => pick(parts))(bytes);
  },
  'a piece of it elsewhere': bytes => {
    const changed = bytes.slice();
    const from = generator.below(bytes.length);
    const piece = bytes.slice(from, from + 1 + generator.below(40));
    changed.set(
      piece.subarray(0, Math.max(bytes.length - piece.length, 0)),
      generator.below(bytes.length - piece.length + 1),
    );
    return changed;
  },
  'more behind it': bytes => {
    const changed = new Uint8Array(bytes.length + 1 + generator.below(16));
    changed.set(bytes);
    return changed;
  },
  'as it is': bytes => bytes,
};

// ------------------------------------------------------------------------------------------------------ what must hold

/** What stands at the front of a message, and the part of the file. */
const named = /^(loadSafetensors|readSafetensors): (bytes|length of the header|header|data|tensor)\b.*$/;

function refusal(work: () => unknown): string | null {
  try {
    work();
    return null;
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    expect(error.message).toMatch(named);
    expect(error.message.length).toBeLessThan(600);
    return error.message;
  }
}

const weightsOf = (model: Sequential) => model.getWeights().flatMap(weight => [...weight.dataSync()]);

function fill(model: Sequential): void {
  const random = ({ shape, size }: Tensor) =>
    new Tensor(
      Float32Array.from({ length: size }, () => generator.normal()),
      shape,
    );
  model.setWeights(model.getWeights().map(random));
}

/** By name, of a file that is sound. */
const numbersOf = (bytes: Uint8Array) =>
  new Map(Object.entries(readSafetensors(bytes).tensors).map(([name, tensor]) => [name, [...tensor.dataSync()]]));

describe.each([
  ['by the names of Keras', gru, {}],
  ['by the names of Keras or their order', gru, { strict: false }],
  ['by the names of PyTorch', gru, { names: 'torch' }],
  ['by the names of PyTorch, others ignored', lstm, { names: 'torch', strict: false }],
] as [string, () => Sequential, LoadSafetensorsOptions][])('%s', (_name, make, options) => {
  test(`${CASES} spoiled files load whole or not at all`, () => {
    const model = make();
    fill(model);
    const { strict: _, ...how } = options;
    const sound = toSafetensors(model, { ...how, metadata: { a: 'b' } });
    fill(model);
    let before = weightsOf(model);
    const outcomes = new Map<string, number>();
    for (let n = 0; n < CASES; n++) {
      const kind = pick(Object.keys(spoils));
      let bytes = spoils[kind]!(sound);
      if (n % 5 === 0 && bytes.length > 16 && headerLength(bytes) < bytes.length)
        bytes = pick(Object.values(spoils))(bytes);
      const refused = refusal(() => loadSafetensors(model, bytes, options));
      const after = weightsOf(model);
      if (refused) expect(after, `${kind}: ${refused}`).toEqual(before);
      else expectWhole(model, bytes, options);
      before = after;
      outcomes.set(kind, (outcomes.get(kind) ?? 0) + Number(refused === null));
    }
    expect(outcomes.get('as it is')).toBeGreaterThan(CASES / 40);
    expect(outcomes.get('flipped bits of the data')).toBeGreaterThan(CASES / 40);
    expect(outcomes.get('cut short')).toBeLessThan(10);
  });
});

/** Every weight is what the file says. */
function expectWhole(model: Sequential, bytes: Uint8Array, { names, strict }: LoadSafetensorsOptions): void {
  const file = numbersOf(bytes);
  const mine = numbersOf(toSafetensors(model, { names: names ?? 'keras' }));
  if (names !== 'torch' && strict === false) {
    // Names may differ; then the numbers are there in the order of the layers.
    if (![...mine.keys()].every(name => file.has(name))) {
      expect([...mine.values()].flat().sort()).toEqual([...file.values()].flat().sort());
      return;
    }
  }
  for (const [name, values] of mine) {
    const hidden = /^l\.bias_hh/.test(name); // of an LSTM: it has been added to the other
    const other = /^l\.bias_ih/.test(name) ? file.get(name.replace('_ih', '_hh'))! : [];
    const expected = file.get(name)!.map((value, i) => (other[i] ? Math.fround(value + other[i]) : value));
    expect(values).toEqual(hidden ? values.map(() => 0) : expected);
  }
}

test(`${CASES} spoiled files of every kind of number are read or refused`, () => {
  const sound = new Uint8Array(readFileSync(`${fixtures}kinds.safetensors`));
  let read = 0;
  for (let n = 0; n < CASES; n++) {
    const bytes = pick(Object.values(spoils))(sound);
    if (refusal(() => readSafetensors(bytes)) === null) read++;
  }
  expect(read).toBeGreaterThan(CASES / 40);
  expect(read).toBeLessThan(CASES / 2);
});

test('bytes of any kind are read or refused', () => {
  for (let n = 0; n < CASES; n++) {
    const bytes = Uint8Array.from({ length: generator.below(200) }, () => generator.bits() >>> 24);
    if (bytes.length > 8 && n % 2) new DataView(bytes.buffer).setBigUint64(0, BigInt(bytes.length - 8), true);
    expect(refusal(() => readSafetensors(bytes))).not.toBeNull();
  }
});
