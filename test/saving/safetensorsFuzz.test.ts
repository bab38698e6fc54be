// Corrupted safetensors files: each loads completely, or is rejected with the name of the invalid part.

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

// ------------------------------------------------------------------------------------------------------ corruptions

type Corruption = (bytes: Uint8Array) => Uint8Array;

const headerLength = (bytes: Uint8Array) => Number(new DataView(bytes.buffer).getBigUint64(0, true));
const headerOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes.subarray(8, 8 + headerLength(bytes)));

/** The same data after another header, with a valid header length. */
function withHeader(bytes: Uint8Array, text: string): Uint8Array {
  const header = new TextEncoder().encode(text);
  const data = bytes.subarray(8 + headerLength(bytes));
  const changed = new Uint8Array(8 + header.length + data.length);
  new DataView(changed.buffer).setBigUint64(0, BigInt(header.length), true);
  changed.set(header, 8);
  changed.set(data, 8 + header.length);
  return changed;
}

const numberTexts = [
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
const stringTexts = [
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

/** Replaces one random match of a pattern in the header. */
const replaceMatch =
  (pattern: RegExp, replace: (match: string) => string): Corruption =>
  bytes => {
    const text = headerOf(bytes);
    const matches = [...text.matchAll(pattern)];
    if (matches.length === 0) return bytes;
    const { index, 0: match } = pick(matches);
    return withHeader(bytes, text.slice(0, index) + replace(match) + text.slice(index + match.length));
  };

const corruptions: Record<string, Corruption> = {
  truncated: bytes => bytes.slice(0, generator.below(bytes.length)),
  'flipped bits': bytes => {
    const changed = bytes.slice();
    for (let n = 1 + generator.below(4); n > 0; n--)
      changed[generator.below(changed.length)]! ^= 1 << generator.below(8);
    return changed;
  },
  'flipped header bits': bytes => {
    const changed = bytes.slice();
    changed[generator.below(8 + headerLength(bytes))]! ^= 1 << generator.below(8);
    return changed;
  },
  'flipped data bits': bytes => {
    const changed = bytes.slice();
    const from = 8 + headerLength(bytes);
    if (from < bytes.length) changed[from + generator.below(bytes.length - from)]! ^= 1 << generator.below(8);
    return changed;
  },
  'wrong header length': bytes => {
    const changed = bytes.slice();
    new DataView(changed.buffer).setBigUint64(0, BigInt(generator.bits()) >> BigInt(generator.below(32)), true);
    return changed;
  },
  'replaced number': replaceMatch(/\d+/g, () => pick(numberTexts)),
  'shifted number': replaceMatch(/\d+/g, match => String(Number(match) + pick([-1, 1, 4, 8]))),
  'replaced string': replaceMatch(/"[^"]*"/g, () => pick(stringTexts)),
  'copied string': bytes => replaceMatch(/"[^"]*"/g, () => pick(headerOf(bytes).match(/"[^"]*"/g) ?? ['""']))(bytes),
  'duplicated part': replaceMatch(/"[^"]*":\{[^}]*\}|\d+|[[\]{}:,]/g, match => `${match},${match}`),
  'removed part': replaceMatch(/"[^"]*":\{[^}]*\},?|\d+|[[\]{}:,]/g, () => ''),
  'copied entry': bytes => {
    const parts = headerOf(bytes).match(/\{[^{}]*\}/g) ?? [];
    if (parts.length === 0) return bytes;
    return replaceMatch(/\{[^{}]*\}/g, () => pick(parts))(bytes);
  },
  'copied bytes': bytes => {
    const changed = bytes.slice();
    const from = generator.below(bytes.length);
    const piece = bytes.slice(from, from + 1 + generator.below(40));
    changed.set(
      piece.subarray(0, Math.max(bytes.length - piece.length, 0)),
      generator.below(bytes.length - piece.length + 1),
    );
    return changed;
  },
  'appended bytes': bytes => {
    const changed = new Uint8Array(bytes.length + 1 + generator.below(16));
    changed.set(bytes);
    return changed;
  },
  unchanged: bytes => bytes,
};

// ------------------------------------------------------------------------------------------------------------ checks

/** The start of every error message: the call, and the invalid part of the file. */
const messageStart = /^(loadSafetensors|readSafetensors): (bytes|length of the header|header|data|tensor)\b.*$/;

/** The message of the ValueError that a call throws, or null if it throws none. */
function errorOf(call: () => unknown): string | null {
  try {
    call();
    return null;
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    expect(error.message).toMatch(messageStart);
    expect(error.message.length).toBeLessThan(600);
    return error.message;
  }
}

const weightsOf = (model: Sequential) => model.getWeights().flatMap(weight => [...weight.dataSync()]);

/** Sets all weights to random numbers. */
function randomize(model: Sequential): void {
  const random = ({ shape, size }: Tensor) =>
    new Tensor(
      Float32Array.from({ length: size }, () => generator.normal()),
      shape,
    );
  model.setWeights(model.getWeights().map(random));
}

/** The values of the tensors of a valid file, by name. */
const valuesOf = (bytes: Uint8Array) =>
  new Map(Object.entries(readSafetensors(bytes).tensors).map(([name, tensor]) => [name, [...tensor.dataSync()]]));

describe.each([
  ['Keras names', gru, {}],
  ['Keras names, strict: false', gru, { strict: false }],
  ['PyTorch names', gru, { names: 'torch' }],
  ['PyTorch names, strict: false', lstm, { names: 'torch', strict: false }],
] as [string, () => Sequential, LoadSafetensorsOptions][])('%s', (_name, make, options) => {
  test(`each of ${CASES} corrupted files loads completely, or is rejected and changes no weight`, () => {
    const model = make();
    randomize(model);
    const { strict: _, ...writeOptions } = options;
    const valid = toSafetensors(model, { ...writeOptions, metadata: { a: 'b' } });
    randomize(model);
    let before = weightsOf(model);
    const outcomes = new Map<string, number>();
    for (let n = 0; n < CASES; n++) {
      const kind = pick(Object.keys(corruptions));
      let bytes = corruptions[kind]!(valid);
      if (n % 5 === 0 && bytes.length > 16 && headerLength(bytes) < bytes.length)
        bytes = pick(Object.values(corruptions))(bytes);
      const message = errorOf(() => loadSafetensors(model, bytes, options));
      const after = weightsOf(model);
      if (message) expect(after, `${kind}: ${message}`).toEqual(before);
      else expectLoaded(model, bytes, options);
      before = after;
      outcomes.set(kind, (outcomes.get(kind) ?? 0) + Number(message === null));
    }
    expect(outcomes.get('unchanged')).toBeGreaterThan(CASES / 40);
    expect(outcomes.get('flipped data bits')).toBeGreaterThan(CASES / 40);
    expect(outcomes.get('truncated')).toBeLessThan(10);
  });
});

/** Checks that every weight has the value in the file. */
function expectLoaded(model: Sequential, bytes: Uint8Array, { names, strict }: LoadSafetensorsOptions): void {
  const file = valuesOf(bytes);
  const own = valuesOf(toSafetensors(model, { names: names ?? 'keras' }));
  if (names !== 'torch' && strict === false) {
    // If the names differ, weights are loaded in the order of the layers.
    if (![...own.keys()].every(name => file.has(name))) {
      expect([...own.values()].flat().sort()).toEqual([...file.values()].flat().sort());
      return;
    }
  }
  for (const [name, values] of own) {
    const isHiddenBias = /^l\.bias_hh/.test(name); // in an LSTM it is added to bias_ih
    const hiddenBias = /^l\.bias_ih/.test(name) ? file.get(name.replace('_ih', '_hh'))! : [];
    const expected = file.get(name)!.map((value, i) => (hiddenBias[i] ? Math.fround(value + hiddenBias[i]) : value));
    expect(values).toEqual(isHiddenBias ? values.map(() => 0) : expected);
  }
}

test(`each of ${CASES} corrupted files with tensors of every dtype is read or rejected`, () => {
  const valid = new Uint8Array(readFileSync(`${fixtures}kinds.safetensors`));
  let read = 0;
  for (let n = 0; n < CASES; n++) {
    const bytes = pick(Object.values(corruptions))(valid);
    if (errorOf(() => readSafetensors(bytes)) === null) read++;
  }
  expect(read).toBeGreaterThan(CASES / 40);
  expect(read).toBeLessThan(CASES / 2);
});

test('random bytes are rejected', () => {
  for (let n = 0; n < CASES; n++) {
    const bytes = Uint8Array.from({ length: generator.below(200) }, () => generator.bits() >>> 24);
    if (bytes.length > 8 && n % 2) new DataView(bytes.buffer).setBigUint64(0, BigInt(bytes.length - 8), true);
    expect(errorOf(() => readSafetensors(bytes))).not.toBeNull();
  }
});
