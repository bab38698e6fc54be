// The safetensors format byte by byte: writing, reading, and errors that name the invalid part.

import { tensor, ValueError } from 'lstm-wasm';
import { readSafetensors, writeSafetensors } from 'lstm-wasm/safetensors';
import { describe, expect, test } from 'vitest';
import { expectBits } from '../compare.ts';

/** A file with a header, given as text or as an object, and data, given as bytes or as a number of zero bytes. */
function file(header: unknown, data: number | Uint8Array = 0): Uint8Array {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + (typeof data === 'number' ? data : data.length));
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  if (typeof data !== 'number') bytes.set(data, 8 + text.length);
  return bytes;
}

const entry = (begin: number, end: number, shape = [(end - begin) / 4], dtype = 'F32') => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

const bytesOf = (values: { buffer: ArrayBufferLike }) => new Uint8Array(values.buffer);

describe('writeSafetensors', () => {
  test('writeSafetensors writes the bytes of the format', () => {
    const bytes = writeSafetensors({ a: [[1, -2]], b: tensor(0.5) }, { metadata: { format: 'pt' } });
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    const header = new TextDecoder().decode(bytes.subarray(8, 8 + length));
    expect(length % 8).toBe(0);
    expect(header.trimEnd()).toBe(
      '{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},' +
        '"b":{"dtype":"F32","shape":[],"data_offsets":[8,12]}}',
    );
    expect([...bytes.subarray(8 + length)]).toEqual([0, 0, 128, 63, 0, 0, 0, 192, 0, 0, 0, 63]);
  });

  test('writing and reading keep bits, unusual names and metadata', () => {
    const values = [0, -0, 1.1, Number.NaN, Number.POSITIVE_INFINITY, -1e-45, 3.4028234663852886e38];
    const names = ['a/b.c', '', '10', '2', '"\\\n', 'ключ 🙂', 'toString'];
    const tensors = Object.fromEntries(
      [...names, '__proto__'].map((name, n) => [name, tensor(values.map(v => v * n))]),
    );
    const metadata = Object.fromEntries([...names, '__proto__'].map(name => [name, name]));
    const again = readSafetensors(writeSafetensors(tensors, { metadata }));
    expect(Object.entries(again.metadata).sort()).toEqual(Object.entries(metadata).sort());
    expect(Object.keys(again.tensors).sort()).toEqual(Object.keys(tensors).sort());
    for (const [name, { shape, dataSync }] of Object.entries(tensors)) {
      const got = Object.getOwnPropertyDescriptor(again.tensors, name)!.value;
      expect(got.shape).toEqual(shape);
      expectBits(got.dataSync(), dataSync.call(tensors[name]), name);
    }
    expect(readSafetensors(writeSafetensors({}))).toEqual({ tensors: {}, metadata: {} });
  });

  test('writeSafetensors keeps the order of the tensors', () => {
    expect(Object.keys(readSafetensors(writeSafetensors({ b: [1], a: [2] })).tensors)).toEqual(['b', 'a']);
  });

  const refused: [string, () => unknown, RegExp][] = [
    ['a list', () => writeSafetensors([] as never), /^writeSafetensors: tensors must be an object/],
    ['a map', () => writeSafetensors(new Map() as never), /tensors must be an object/],
    ['a tensor', () => writeSafetensors(tensor([1]) as never), /tensors must be an object/],
    ['a string as values', () => writeSafetensors({ a: 'x' as never }), /tensors.'a' must be numbers/],
    ['a tensor named __metadata__', () => writeSafetensors({ __metadata__: [1] }), /names must be unique and/],
    ['a name with an unpaired surrogate', () => writeSafetensors({ '\ud800': [1] }), /names must be valid Unicode/],
    [
      'an integer that float32 cannot represent',
      () => writeSafetensors({ a: new Int32Array([2 ** 24 + 1]) }),
      /got 16777217/,
    ],
    ['a number in metadata', () => writeSafetensors({}, { metadata: { a: 1 as never } }), /metadata.'a' must be a/],
    [
      'metadata with an unpaired surrogate',
      () => writeSafetensors({}, { metadata: { a: '\udc00' } }),
      /metadata.'a' must be valid Unicode/,
    ],
    ['metadata that is a list', () => writeSafetensors({}, { metadata: [] as never }), /metadata must be an object of/],
    [
      'an unknown option',
      () => writeSafetensors({}, { metdata: {} } as never),
      /unknown option 'metdata'; did you mean/,
    ],
  ];

  test.each(refused)('writeSafetensors rejects %s', (_name, call, message) => {
    expect(call).toThrow(ValueError);
    expect(call).toThrow(message);
  });
});

describe('readSafetensors', () => {
  const one = { a: entry(0, 8) };

  test('readSafetensors accepts spaces, an unaligned header and tensors in any order', () => {
    const text =
      ' {"b" : {"shape":[1], "data_offsets" :[8 ,12],"dtype":"F32"},\n\t"a":{"dtype":"F32","shape":[2,1],'.trimStart();
    const bytes = file(`${text}"data_offsets":[0,8]}}\r\n `, bytesOf(new Float32Array([1, 2, 3])));
    for (const form of [bytes, bytes.slice().buffer, Buffer.from(bytes)]) {
      const { tensors } = readSafetensors(form);
      expect(Object.entries(tensors).map(([name, t]) => [name, t.shape, [...t.dataSync()]])).toEqual([
        ['a', [2, 1], [1, 2]],
        ['b', [1], [3]],
      ]);
    }
  });

  test('readSafetensors accepts empty tensors', () => {
    const { tensors } = readSafetensors(file({ a: entry(0, 4), none: entry(4, 4, [3, 0]), b: entry(4, 8) }, 8));
    expect(Object.entries(tensors).map(([name, { shape }]) => [name, shape])).toEqual([
      ['a', [1]],
      ['none', [3, 0]],
      ['b', [1]],
    ]);
  });

  test('every float16 value is converted to float32', () => {
    const words = Uint16Array.from({ length: 2 ** 16 }, (_, i) => i);
    const { a } = readSafetensors(file({ a: entry(0, 2 ** 17, [2 ** 16], 'F16') }, bytesOf(words))).tensors;
    const expected = Float32Array.from(words, word => {
      const [sign, exponent, fraction] = [1 - 2 * (word >> 15), (word >> 10) & 31, (word & 1023) / 1024];
      if (exponent === 31) return fraction ? Number.NaN : sign / 0;
      return exponent ? sign * (1 + fraction) * 2 ** (exponent - 15) : sign * fraction * 2 ** -14;
    });
    expectBits(a!.dataSync(), expected);
  });

  test('every bfloat16 value is converted to float32', () => {
    const words = Uint16Array.from({ length: 2 ** 16 }, (_, i) => i);
    const { a } = readSafetensors(file({ a: entry(0, 2 ** 17, [2 ** 16], 'BF16') }, bytesOf(words))).tensors;
    const expected = new Float32Array(Uint32Array.from(words, word => word * 2 ** 16).buffer);
    expect([...a!.dataSync().entries()].filter(([i, value]) => !Object.is(value, expected[i]))).toEqual([]);
  });

  test('float64 values are rounded to the nearest float32', () => {
    const doubles = [1.1, 1 + 2 ** -24, 1 + 3 * 2 ** -24, 1e-60, -1e-60, Number.NaN, Number.NEGATIVE_INFINITY];
    const data = bytesOf(Float64Array.from(doubles));
    const { a } = readSafetensors(file({ a: entry(0, data.length, [doubles.length], 'F64') }, data)).tensors;
    expectBits(a!.dataSync(), doubles.map(Math.fround));
  });

  const numbers: [string, { buffer: ArrayBufferLike }, RegExp][] = [
    [
      'F64',
      new Float64Array([1e39]),
      /^readSafetensors: tensor 'a' must have numbers that fit into float32, got 1e\+39/,
    ],
    ['I32', new Int32Array([2 ** 24 + 1]), /fit into float32, got 16777217/],
    ['U32', new Uint32Array([2 ** 32 - 1]), /fit into float32, got 4294967295/],
    ['I64', new BigInt64Array([2n ** 62n + 1n]), /fit into float32, got 4611686018427387905n/],
    ['U64', new BigUint64Array([2n ** 64n - 1n]), /fit into float32, got 18446744073709551615n/],
    ['BOOL', new Uint8Array([2]), /tensor 'a' must have only 0 and 1 for BOOL, got 2/],
    ['F8_E4M3', new Uint8Array([2]), /tensor 'a' must have one of the types F32, F16, .*, got 'F8_E4M3'/],
    ['C64', new Float32Array(2), /, got 'C64'/],
  ];

  test.each(numbers)(
    'readSafetensors rejects an unsupported dtype or a value that does not fit: %s',
    (dtype, values, message) => {
      const data = bytesOf(values);
      expect(() => readSafetensors(file({ a: entry(0, data.length, [1], dtype) }, data))).toThrow(message);
    },
  );

  const withHeaderLength = (length: bigint) => {
    const bytes = file(one, 8);
    new DataView(bytes.buffer).setBigUint64(0, length, true);
    return bytes;
  };
  const text = (json: string) => file(json, 8);
  const field = (more: string) => text(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]${more}}}`);

  const invalidFiles: [string, unknown, RegExp][] = [
    ['undefined', undefined, /^readSafetensors: bytes must be a Uint8Array or an ArrayBuffer, got undefined/],
    ['a string', '{}', /bytes must be a Uint8Array/],
    ['an empty file', new Uint8Array(0), /bytes must be a safetensors file, got an empty file/],
    ['a file of 7 bytes', new Uint8Array(7), /got 7 bytes/],
    [
      'a header longer than the file',
      withHeaderLength(1000n),
      /length of the header must be at most the \d+ bytes after it, got 1000/,
    ],
    [
      'a header of 100,000,001 bytes',
      withHeaderLength(100_000_001n),
      /length of the header must be at most 100000000, got/,
    ],
    ['a header of 2^64 - 1 bytes', withHeaderLength(2n ** 64n - 1n), /at most 100000000, got 18446744073709551615/],
    ['an empty header', withHeaderLength(0n), /header must begin with '\{', got none/],
    ['a truncated header', withHeaderLength(17n), /header.'a' must close its strings, got an unterminated one/],
    ['a header that is not UTF-8', file('{"a\xff":1}').fill(0xff, 11, 12), /header must be UTF-8/],
    ['a byte order mark', text('\ufeff{}'), /header must begin with '\{'/],
    ['spaces before the header', text(' {}'), /header must begin with '\{', got ' '/],
    ['a list as header', text('[]'), /header must begin with '\{', got '\['/],
    ['text after the header object', text('{} {}'), /header must have the end at character 3, got '\{'/],
    ['a trailing comma', text('{"a":{},}'), /header.'a' must have dtype, shape, data_offsets/],
    ['a missing comma', field(' "x":1'), /header.'a' must have '\}' at character/],
    [
      'a duplicate tensor name',
      text('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"\\u0061":{}}'),
      /'a' twice/,
    ],
    ['a duplicate field', field(',"shape":[2]'), /header.'a' must have unique names, got 'shape' twice/],
    ['an unknown field', field(',"x":[[[[[[[]]]]]]]'), /header.'a' must have only dtype, shape, data_offsets/],
    ['a tensor without a shape', file({ a: { dtype: 'F32', data_offsets: [0, 8] } }, 8), /header.'a' must have dtype/],
    ['a single offset', file({ a: { dtype: 'F32', shape: [2], data_offsets: [8] } }, 8), /the last of two numbers/],
    ['a tensor that is a number', text('{"a":1}'), /header.'a' must have '\{' at character 5, got '1'/],
    ['a deeply nested tensor', text(`{"a":${'['.repeat(1e5)}`), /header.'a' must have '\{'/],
    ['a deeply nested shape', text(`{"a":{"shape":${'['.repeat(1e5)}`), /must have integers .* got '\['/],
    ['a negative size', file({ a: entry(0, 8, [-2]) }, 8), /integers from 0 to 2\^53 - 1 in its lists, got '-2'/],
    ['a fraction in a shape', text('{"a":{"shape":[2.0]}}'), /got '2.0'/],
    ['an exponent in a shape', text('{"a":{"shape":[2e0]}}'), /got '2e0'/],
    ['a leading zero in a shape', text('{"a":{"shape":[02]}}'), /got '02'/],
    ['a size of 2^53', text('{"a":{"shape":[9007199254740992]}}'), /got '9007199254740992'/],
    ['null in a shape', text('{"a":{"shape":[null]}}'), /got 'null'/],
    [
      'an unknown dtype',
      file({ a: entry(0, 8, [2], 'F33') }, 8),
      /header.'a'.dtype must be a type of the format, got 'F33'/,
    ],
    ['__proto__ as dtype', file({ a: entry(0, 8, [2], '__proto__') }, 8), /dtype must be a type of the format/],
    [
      'a shape of more than 2^53 bytes',
      file({ a: entry(0, 8, [2 ** 30, 2 ** 30]) }, 8),
      /shape must be below 2\^53 bytes/,
    ],
    [
      'a shape of more than 2^53 bytes before a size of 0',
      file({ a: entry(0, 0, [2 ** 30, 2 ** 30, 0]) }, 0),
      /shape must be below 2\^53 bytes/,
    ],
    [
      'offsets beyond the end',
      file({ a: entry(0, 12) }, 8),
      /header.'a'.data_offsets must be in order and within the 8/,
    ],
    [
      'reversed offsets',
      file({ a: entry(8, 0, [2]) }, 8),
      /must be in order and within the 8 bytes of data, got \[8, 0\]/,
    ],
    [
      'a shape larger than its data',
      file({ a: entry(0, 8, [3]) }, 8),
      /must be 12 bytes apart for F32 \[3\], got \[0, 8\]/,
    ],
    ['a shape smaller than its data', file({ a: entry(0, 8, [1]) }, 8), /must be 4 bytes apart for F32 \[1\]/],
    [
      'a shape of 2^40 values with 8 bytes of data',
      file({ a: entry(0, 8, [2 ** 40]) }, 8),
      /must be 4398046511104 bytes apart/,
    ],
    ['a size of half a byte', file({ a: entry(0, 1, [3], 'F4') }, 1), /must be 1.5 bytes apart/],
    [
      'overlapping tensors',
      file({ a: entry(0, 8), b: entry(4, 12) }, 12),
      /header.'b'.data_offsets must begin at 8, .*, got an overlap: 4/,
    ],
    ['two tensors with the same data', file({ a: entry(0, 8), b: entry(0, 8) }, 8), /got an overlap: 0/],
    [
      'a gap between tensors',
      file({ a: entry(0, 4), b: entry(8, 12) }, 12),
      /header.'b'.data_offsets must begin at 4, .*, got a gap: 8/,
    ],
    ['a gap before the first tensor', file({ a: entry(4, 12) }, 12), /at 0, .*, got a gap: 4/],
    ['surplus data', file(one, 9), /data must end at 8, with the last tensor, got 9 bytes/],
    ['data without tensors', file({}, 1), /data must end at 0, with the last tensor, got 1 bytes/],
    ['a number as metadata', text('{"__metadata__":1}'), /header.'__metadata__' must have '\{'/],
    ['a number in metadata', text('{"__metadata__":{"a":1}}'), /header.'__metadata__' must have a string at/],
    [
      'a control character in a name',
      text('{"a\n":1}'),
      /header must have valid JSON strings, got another at character 1/,
    ],
    ['an invalid escape sequence', text('{"\\x":1}'), /header must have valid JSON strings/],
    ['an unpaired surrogate', text('{"\\ud800":1}'), /header must have valid JSON strings/],
  ];

  test.each(invalidFiles)('readSafetensors rejects %s', (_name, bytes, message) => {
    const call = () => readSafetensors(bytes as never);
    expect(call).toThrow(ValueError);
    expect(call).toThrow(message);
  });

  test('invalid headers of 1 to 2 MB are rejected within two seconds', () => {
    const quotes = `{"${'\\"'.repeat(1e6)}":1}`;
    const slashes = `{"${'\\\\'.repeat(1e6)}":1}`;
    const long = `{"a":{"shape":[${'1,'.repeat(1e6)}1]}}`;
    const digits = `{"a":{"shape":[${'1'.repeat(1e6)}]}}`;
    for (const header of [quotes, slashes, long, digits]) {
      const start = performance.now();
      expect(() => readSafetensors(file(header))).toThrow(/^readSafetensors: header.{1,300}$/);
      expect(performance.now() - start).toBeLessThan(2000);
    }
  });
});
