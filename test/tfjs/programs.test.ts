// Random programs give the same results in TF.js 4.22 and lstm-wasm.

import { describe, expect, test } from 'vitest';
import { disagreements } from './agree.ts';
import { Generator } from './programs.ts';

const CASES = 45;
const PER_TEST = 15;
const first = Number(process.env.PARITY_SEED ?? 1);
const cases = process.env.PARITY_SEED ? 1 : CASES;

let compared = 0;

describe('random programs give the same results in lstm-wasm and TF.js', () => {
  for (let from = first; from < first + cases; from += PER_TEST) {
    const to = Math.min(from + PER_TEST, first + cases) - 1;
    test(`programs with seeds ${from} to ${to} give the same results`, { timeout: 120_000 }, async () => {
      for (let seed = from; seed <= to; seed++) {
        const program = new Generator(seed).program();
        const message = `PARITY_SEED=${seed} runs this program alone:\n${JSON.stringify(program, null, 1)}`;
        const found = await disagreements(program).catch((error: Error) => {
          throw new Error(`seed ${seed}: ${error.message}\n${message}`, { cause: error });
        });
        expect(found ?? [], message).toEqual([]);
        if (found) compared++;
      }
    });
  }

  test.skipIf(cases < CASES)('at least 95 % of the random programs have results to compare', () => {
    expect(compared).toBeGreaterThan(0.95 * cases);
  });
});
