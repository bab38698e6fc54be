// Corrupted and forged snapshots: each is restored, or rejected with a ValueError and changes nothing.

import {
  callbacks,
  configure,
  layers,
  type Sequential,
  sequential,
  setRandomSeed,
  Tensor,
  train,
  ValueError,
} from 'lstm-wasm';
import { beforeAll, describe, expect, test } from 'vitest';
import { checksum } from '../../src/saving/snapshot/checksum.ts';
import { RandomGenerator } from '../../src/util/randomGenerator.ts';
import { expectBits } from '../compare.ts';
import { Random } from '../reference/random.ts';

configure({ simd: 'strict' });
/** The number of bytes before the JSON header. */
const HEAD = 32;

const x = new Tensor(Float32Array.from(new Random(1).normals([8, 2, 2]).data), [8, 2, 2]);
const y = new Tensor(Float32Array.from(new Random(2).normals([8, 1]).data), [8, 1]);

function make(): Sequential {
  const lstm = layers.lstm({ units: 2, stateful: true, dropout: 0.2, batchInputShape: [2, 2, 2] });
  const model = sequential({ layers: [lstm, layers.dense({ units: 1 })] });
  model.compile({ optimizer: train.adam(0.1), loss: 'mse' });
  return model;
}

const options = () => ({
  verbose: 0 as const,
  epochs: 3,
  validationData: [x, y] as const,
  callbacks: [callbacks.earlyStopping({ patience: 5, restoreBestWeights: true }), callbacks.reduceLROnPlateau()],
});

/** A snapshot taken during training. */
let bytes: Uint8Array;
/** A model that it fits, with another training state. */
let model: Sequential;
/** A snapshot of that state. */
let before: Uint8Array;

beforeAll(async () => {
  setRandomSeed(3);
  const trained = make();
  let epochs = 0;
  const { callbacks: list, ...rest } = options();
  const onEpochEnd = () => {
    if (++epochs === 2) bytes = trained.snapshot();
  };
  await trained.fit(x, y, { ...rest, callbacks: [...list, { onEpochEnd }] });
  model = make();
  model.trainOnBatch(x.slice([0, 0, 0], [2, 2, 2]), y.slice([0, 0], [2, 1]));
  before = model.snapshot();
});

/** The error message of `restore`, or null if it succeeds. */
function errorOf(given: Uint8Array): string | null {
  try {
    model.restore(given);
    return null;
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    expect(error.message).toMatch(/^model\.restore: bytes/);
    return error.message;
  }
}

const expectUnchanged = () => expectBits(model.snapshot(), before, 'the model');

function headerOf(from: Uint8Array): string {
  const length = new DataView(from.buffer, from.byteOffset).getUint32(24, true);
  return new TextDecoder().decode(from.subarray(HEAD, HEAD + length));
}

/** The same data after another header, with a valid checksum. */
function withHeader(from: Uint8Array, text: string | Uint8Array, body = bodyOf(from)): Uint8Array {
  const header = typeof text === 'string' ? new TextEncoder().encode(text) : text;
  const start = Math.ceil((HEAD + header.length) / 8) * 8;
  const made = new Uint8Array(start + body.length);
  made.set(from.subarray(0, HEAD));
  made.set(header, HEAD);
  made.set(body, start);
  const view = new DataView(made.buffer);
  view.setUint32(24, header.length, true);
  view.setFloat64(16, made.length, true);
  view.setUint32(12, checksum(made.subarray(16)), true);
  return made;
}

const bodyOf = (from: Uint8Array) =>
  from.subarray(Math.ceil((HEAD + new TextEncoder().encode(headerOf(from)).length) / 8) * 8);

describe('corrupted snapshots', () => {
  test('restore accepts the unchanged snapshot', () => {
    expect(errorOf(bytes)).toBe(null);
    model.restore(before);
    expectUnchanged();
  });

  test('restore rejects every other length', () => {
    for (let length = 0; length < bytes.length; length++)
      expect(errorOf(bytes.slice(0, length)), `${length}`).toBeTruthy();
    expect(errorOf(Uint8Array.of(...bytes, 0))).toContain('must have');
    expectUnchanged();
  });

  test('restore rejects a flipped bit in every byte', () => {
    const damaged = bytes.slice();
    for (let at = 0; at < bytes.length; at++) {
      damaged[at]! ^= 1 << (at % 8);
      expect(errorOf(damaged), `byte ${at}`).toBeTruthy();
      damaged[at] = bytes[at]!;
    }
    expectUnchanged();
  });

  test('restore rejects random bytes and moved pieces', () => {
    const random = new RandomGenerator(5);
    for (let n = 0; n < 2000; n++) {
      const damaged = bytes.slice();
      const [from, to] = [random.below(bytes.length), random.below(bytes.length)];
      const count = 1 + random.below(64);
      if (n % 2) damaged.copyWithin(to, from, Math.min(from + count, bytes.length));
      else for (let at = from; at < Math.min(from + count, bytes.length); at++) damaged[at] = random.below(256);
      const same = damaged.every((byte, at) => byte === bytes[at]);
      expect(errorOf(damaged) === null, `case ${n}`).toBe(same);
      if (same) model.restore(before);
    }
    expectUnchanged();
  });
});

describe('forged snapshots with a valid checksum', () => {
  const values = [
    null,
    -1,
    0,
    1,
    3,
    0.5,
    2 ** 31,
    2 ** 53,
    1e308,
    true,
    '',
    'NaN',
    '__proto__',
    [],
    {},
    [[[]]],
    { __proto__: null, length: 3 },
    Array.from({ length: 300 }, () => 'a'),
  ];

  /** All fields of plain data, nested ones too, as an object or list and a key of it. */
  function* fieldsOf(data: unknown): Generator<[Record<string, unknown>, string], void, void> {
    if (data === null || typeof data !== 'object') return;
    for (const key of Object.keys(data)) {
      yield [data as Record<string, unknown>, key];
      yield* fieldsOf((data as Record<string, unknown>)[key]);
    }
  }

  test('writing the same header again gives the same bytes', () => {
    expectBits(withHeader(bytes, headerOf(bytes)), bytes);
  });

  test('restore accepts or rejects any value in any field of the header', async () => {
    const count = [...fieldsOf(JSON.parse(headerOf(bytes)))].length;
    expect(count).toBeGreaterThan(80);
    let read = 0;
    for (let n = 0; n < count; n++) {
      for (const value of [...values, undefined]) {
        const header = JSON.parse(headerOf(bytes));
        const [owner, key] = [...fieldsOf(header)][n]!;
        if (value === undefined) delete owner[key];
        else owner[key] = value;
        const made = withHeader(bytes, JSON.stringify(header));
        if (errorOf(made) !== null) continue;
        read++;
        model.restore(before);
      }
    }
    expect(read).toBeGreaterThan(0);
    expectUnchanged();
  });

  test('fit resumes from or rejects changed training fields', async () => {
    const random = new RandomGenerator(7);
    for (let n = 0; n < 300; n++) {
      const header = JSON.parse(headerOf(bytes));
      const all = [...fieldsOf(header.training)];
      const [owner, key] = all[random.below(all.length)]!;
      owner[key] = values[random.below(values.length)];
      const resume = withHeader(bytes, JSON.stringify(header));
      const custom = { onEpochEnd: () => {} };
      const { callbacks: list, ...rest } = options();
      try {
        await model.fit(x, y, { ...rest, resume, callbacks: [...list, custom] });
      } catch (error) {
        if (!(error instanceof ValueError)) throw error;
        expect(error.message).toMatch(/^model\.fit: /);
        expectUnchanged();
      }
      model.restore(before);
    }
  });

  test('restore rejects missing and surplus data, and invalid headers', () => {
    const body = bodyOf(bytes);
    for (const [length, array] of [
      [0, 'weights'],
      [8, 'weights'],
      [body.length - 8, 'training.states[0].weights'],
    ] as const) {
      const error = errorOf(withHeader(bytes, headerOf(bytes), body.subarray(0, length)));
      expect(error).toMatch(/^model\.restore: bytes: [^:]+ must have \d+ numbers, got \d+$/);
      expect(error).toContain(`bytes: ${array} must have`);
    }
    const more = new Uint8Array(body.length + 8);
    more.set(body);
    expect(errorOf(withHeader(bytes, headerOf(bytes), more))).toContain('must end after its last array');
    for (const text of ['', 'null', '[]', '7', '{', '{"layers":'])
      expect(errorOf(withHeader(bytes, text))).toBeTruthy();
    expect(errorOf(withHeader(bytes, Uint8Array.of(0x22, 0xff, 0x22)))).toContain('the header must be JSON');
    expectUnchanged();
  });

  test('restore rejects deeply nested headers and names such as __proto__', () => {
    for (const [open, close] of [
      ['[', ']'],
      ['{"a":', '}'],
    ] as const) {
      const deep = `{"layers":${open.repeat(200_000)}1${close.repeat(200_000)}}`;
      expect(errorOf(withHeader(bytes, deep))).toMatch(
        /the header(: must be nested at most 100 levels deep| must be JSON)/,
      );
    }
    const header = headerOf(bytes).replace('"labels":["loss"]', '"labels":["__proto__"]');
    expect(errorOf(withHeader(bytes, header))).toContain("labels must have distinct names, got '__proto__'");
    const polluting = headerOf(bytes).replace(/^\{/, '{"__proto__":{"polluted":1},');
    errorOf(withHeader(bytes, polluting));
    expect(({} as { polluted?: number }).polluted).toBe(undefined);
    model.restore(before);
    expectUnchanged();
  });

  test('restore rejects wrong header lengths', () => {
    const made = bytes.slice();
    const view = new DataView(made.buffer);
    for (const length of [0, 7, 2 ** 31, 2 ** 32 - 1]) {
      view.setUint32(24, length, true);
      view.setUint32(12, checksum(made.subarray(16)), true);
      expect(errorOf(made), `${length}`).toBeTruthy();
    }
    expectUnchanged();
  });
});
