// log and log1p against float64, within the bounds of assembly/math/log.ts: a million arguments each, spread over all
// binades, and runs of neighbours where the exponent changes.

import { describe, expect, test } from 'vitest';
import { harness } from './harness.ts';

const { kernels, memory, alloc } = harness();

const CHUNK = 1 << 14;
const input = alloc(CHUNK * 4);
const output = alloc(CHUNK * 4);

type Name = 'log' | 'log1p';

function apply(name: Name, x: Float32Array): Float32Array {
  const y = new Float32Array(x.length);
  for (let from = 0; from < x.length; from += CHUNK) {
    const part = x.subarray(from, from + CHUNK);
    new Float32Array(memory.buffer, input, part.length).set(part);
    kernels[`${name}Array`](output, input, Math.ceil(part.length / 4) * 4);
    y.set(new Float32Array(memory.buffer, output, part.length), from);
  }
  return y;
}

const bitsOf = (x: number) => new Uint32Array(Float32Array.of(x).buffer)[0]!;

/** About `count` float32 numbers from a to b, of the same sign, ascending. */
function run(a: number, b: number, count = 500_000): Float32Array {
  const [first, last] = [bitsOf(a), bitsOf(b)].sort((m, n) => m - n) as [number, number];
  const step = Math.max(1, Math.floor((last - first) / count));
  const bits = Uint32Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, i) => first + i * step);
  return new Float32Array(a < 0 || Object.is(a, -0) ? bits.reverse().buffer : bits.buffer);
}

const neighbours = (x: number) => run(x * (1 - 2 ** -11), x * (1 + 2 ** -11), 1 << 15);

const runs = {
  log: [
    run(2 ** -149, 3.4e38, 1_000_000),
    ...[0.25, 0.5, 1, 2, 1e10].flatMap(s => [s, s * Math.SQRT1_2]).map(neighbours),
  ],
  log1p: [run(0, 1), run(-0.5, -0), run(-0.5, -0.4), run(0.5, 1), ...[1e-3, 0.63, -0.4986].map(neighbours)],
};

/** The distance from 2^e <= |y| < 2^(e+1) to its neighbour in float32. */
const unit = (y: number) => 2 ** (Math.max(Math.floor(Math.log2(Math.abs(y))), -126) - 23);

describe.each([
  ['log', Math.log, 0.95],
  ['log1p', Math.log1p, 1.45],
] as const)('%s', (name, exact, bound) => {
  test(`${name} has an error below ${bound} ulp and is monotone`, () => {
    for (const x of runs[name]) {
      const y = apply(name, x);
      let found = { ulp: 0, x: 0, got: 0 };
      let fall = -1;
      for (let i = 0; i < x.length; i++) {
        const expected = exact(x[i]!);
        const ulp = expected === 0 ? Math.abs(y[i]!) : Math.abs(y[i]! - expected) / unit(expected);
        if (!(ulp <= found.ulp)) found = { ulp, x: x[i]!, got: y[i]! };
        if (i > 0 && !(y[i]! >= y[i - 1]!)) fall = i;
      }
      expect(found.ulp, `${name}(${found.x}) gave ${found.got}`).toBeLessThan(bound);
      expect(fall, `falls at ${x[fall]}`).toBe(-1);
    }
  });
});

test('log and log1p are exact at 0, infinity and the ends of the range', () => {
  const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;
  const at = Float32Array.of(0, -0, infinity, -infinity, nan, -1, 1, -1e-45);
  expect([...apply('log', at)]).toEqual([-infinity, -infinity, infinity, nan, nan, nan, 0, nan]);
  expect([...apply('log1p', Float32Array.of(0, -0, nan, 2 ** -100))]).toEqual([0, -0, nan, 2 ** -100]);
});
