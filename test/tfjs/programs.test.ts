// TF.js 4.22 and lstm-wasm side by side: random programs, the same weights in, the same numbers out.

import { describe, expect, test } from 'vitest';
import { disagreements } from './agree.ts';
import { Generator } from './programs.ts';

const CASES = 45;
const EACH = 15;
const first = Number(process.env.PARITY_SEED ?? 1);
const cases = process.env.PARITY_SEED ? 1 : CASES;

let compared = 0;

describe('random programs give the same results in lstm-wasm and TF.js', () => {
  for (let from = first; from < first + cases; from += EACH) {
    const to = Math.min(from + EACH, first + cases) - 1;
    test(`seeds ${from} to ${to}`, { timeout: 120_000 }, async () => {
      for (let seed = from; seed <= to; seed++) {
        const program = new Generator(seed).program();
        const told = `PARITY_SEED=${seed} runs it alone; the program:\n${JSON.stringify(program, null, 1)}`;
        const found = await disagreements(program).catch((error: Error) => {
          throw new Error(`seed ${seed}: ${error.message}\n${told}`, { cause: error });
        });
        expect(found ?? [], told).toEqual([]);
        if (found) compared++;
      }
    });
  }

  test.skipIf(cases < CASES)('at least 95 % of the random programs have results to compare', () => {
    expect(compared).toBeGreaterThan(0.95 * cases);
  });
});
