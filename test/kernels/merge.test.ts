// Merging two sequences and splitting the gradient, and adding two gradients: every mode, any strides, both time orders.

import { describe, expect, test } from 'vitest';
import { structures } from '../../src/wasm/shared.generated.ts';
import { expectBits, expectClose } from '../compare.ts';
import { Random } from '../reference/random.ts';
import { type Harness, harness, type Room } from './harness.ts';

const modes = ['concat', 'sum', 'ave', 'mul'] as const;
const widths = [1, 2, 3, 4, 5, 7, 8, 9, 20, 33];
const padded = (n: number) => Math.ceil(n / 4) * 4;

/** Rows [T][B][padded U] with gaps between them, NaN where nothing has been set. */
interface Rows {
  room: Room;
  fields: [address: number, row: number, step: number];
  set(values: Float32Array): void;
  get(): Float32Array;
  /** The contents of the padding of each row. */
  padding(): Float32Array;
  expectFences(what: string): void;
}

/** @param reverse whether the last step comes first in memory */
function rowsOf(h: Harness, T: number, B: number, U: number, reverse = false): Rows {
  const row = padded(U) + 4;
  const step = B * row + 8;
  const room = h.room(T * step);
  const indexOf = (t: number, b: number) => (reverse ? T - 1 - t : t) * step + b * row;
  const each = (use: (n: number, index: number) => void, from = 0, to = U) => {
    let n = 0;
    for (let t = 0; t < T; t++) {
      for (let b = 0; b < B; b++) for (let u = from; u < to; u++) use(n++, indexOf(t, b) + u);
    }
  };
  const gather = (from: number, to: number) => {
    const values: number[] = [];
    each((_, index) => values.push(room.floats()[index]!), from, to);
    return Float32Array.from(values);
  };
  return {
    room,
    fields: [room.address + indexOf(0, 0) * 4, row * 4, (reverse ? -step : step) * 4],
    set(values) {
      // Whole vectors are read, so the contents of the padding must not matter.
      each(
        (_, index) => {
          room.floats()[index] = 777;
        },
        U,
        padded(U),
      );
      each((n, index) => {
        room.floats()[index] = values[n]!;
      });
    },
    get: () => gather(0, U),
    padding: () => gather(U, padded(U)),
    expectFences(what) {
      const targets: number[] = [];
      each((_, index) => targets.push(index), 0, padded(U));
      room.expectUntouched(targets, what);
    },
  };
}

/** The address of a structure with these fields. */
function structure(h: Harness, kind: 'merge' | 'join', fields: Record<string, number>): number {
  const names: readonly string[] = structures[kind];
  expect(Object.keys(fields).sort()).toEqual([...names].sort());
  const address = h.alloc(names.length * 4);
  new Int32Array(h.memory.buffer, address, names.length).set(names.map(name => fields[name]!));
  return address;
}

const strided = (name: string, { fields: [address, row, step] }: Rows) => ({
  [name]: address,
  [`${name}Row`]: row,
  [`${name}Step`]: step,
});

const random = new Random(9);
const numbers = (count: number) => Float32Array.from(random.normals([count]).data);

describe.each([...modes.entries()])('mode %i, %s', (mode, name) => {
  test.each(widths)('matches the reference for width %i', U => {
    for (const [T, B] of [
      [1, 1],
      [1, 5],
      [4, 3],
    ] as const) {
      for (const reverse of [false, true]) {
        const h = harness();
        const O = name === 'concat' ? 2 * U : U;
        const [a, b, da, db] = [
          rowsOf(h, T, B, U),
          rowsOf(h, T, B, U, reverse),
          rowsOf(h, T, B, U),
          rowsOf(h, T, B, U),
        ];
        const [y, dy] = [rowsOf(h, T, B, O), rowsOf(h, T, B, O, reverse)];
        const plan = structure(h, 'merge', {
          mode,
          steps: T,
          rows: B,
          width: U,
          ...Object.assign({}, ...Object.entries({ a, b, y, dy, da, db }).map(([key, rows]) => strided(key, rows))),
        });
        const [p, q, g] = [numbers(T * B * U), numbers(T * B * U), numbers(T * B * O)];
        a.set(p);
        b.set(q);
        h.kernels.mergeForward(plan);
        const whole = (n: number) => Math.floor(n / O) * U + ((n % O) % U);
        const expected = g.map((_, n) => {
          const k = whole(n);
          if (name === 'concat') return n % O < U ? p[k]! : q[k]!;
          if (name === 'mul') return Math.fround(p[k]! * q[k]!);
          return name === 'sum' ? p[k]! + q[k]! : Math.fround(p[k]! + q[k]!) / 2;
        });
        expectBits(y.get(), expected, 'y');
        expectBits(y.padding(), new Float32Array(y.padding().length), 'padding of y');

        dy.set(g);
        h.kernels.mergeBackward(plan);
        for (const [rows, other, first] of [
          [da, q, 0],
          [db, p, U],
        ] as const) {
          const share = p.map((_, n) => {
            const k = name === 'concat' ? Math.floor(n / U) * O + first + (n % U) : n;
            return name === 'mul' ? g[k]! * other[n]! : name === 'ave' ? g[k]! / 2 : g[k]!;
          });
          expectBits(rows.get(), share, rows === da ? 'da' : 'db');
          expectBits(rows.padding(), new Float32Array(rows.padding().length), 'padding of a gradient');
        }
        for (const [what, rows] of Object.entries({ y, da, db })) rows.expectFences(what);
      }
    }
  });
});

test.each(widths)('joinBackward adds rows of %i numbers for all strides', U => {
  for (const reverse of [false, true]) {
    const h = harness();
    const [dx, more] = [rowsOf(h, 3, 5, U, reverse), rowsOf(h, 3, 5, U)];
    const fields = { steps: 3, rows: 5, width: U, ...strided('dx', dx), ...strided('more', more) };
    const plan = structure(h, 'join', fields);
    const [p, q] = [numbers(15 * U), numbers(15 * U)];
    dx.set(p);
    more.set(q);
    h.kernels.joinBackward(plan);
    expectBits(
      dx.get(),
      p.map((value, n) => value + q[n]!),
    );
    expectBits(dx.padding(), new Float32Array(dx.padding().length), 'padding');
    dx.expectFences('dx');
  }
});

test('merges pass NaN and Infinity through', () => {
  const h = harness();
  const [a, b, y] = [rowsOf(h, 1, 1, 3), rowsOf(h, 1, 1, 3), rowsOf(h, 1, 1, 3)];
  const none = { dy: 0, dyRow: 0, dyStep: 0, da: 0, daRow: 0, daStep: 0, db: 0, dbRow: 0, dbStep: 0 };
  const fields = { steps: 1, rows: 1, width: 3, ...strided('a', a), ...strided('b', b), ...strided('y', y), ...none };
  a.set(Float32Array.of(Number.NaN, Number.POSITIVE_INFINITY, 1));
  b.set(Float32Array.of(1, 2, Number.NaN));
  for (const mode of [1, 2, 3]) {
    h.kernels.mergeForward(structure(h, 'merge', { ...fields, mode }));
    expectClose(y.get(), [Number.NaN, Number.POSITIVE_INFINITY, Number.NaN], { abs: 0, rel: 0 });
  }
});
