// Random graphs of layers give the same results in TF.js 4.22 and lstm-wasm.

import { describe, expect, test } from 'vitest';
import { graphDisagreements } from './graphAgree.ts';
import { GraphGenerator } from './graphs.ts';

const CASES = 24;
const PER_TEST = 8;
const first = Number(process.env.GRAPH_SEED ?? 1);
const cases = process.env.GRAPH_SEED ? Number(process.env.GRAPH_CASES ?? 1) : CASES;

let compared = 0;

describe('random graphs give the same results in lstm-wasm and TF.js', () => {
  for (let from = first; from < first + cases; from += PER_TEST) {
    const to = Math.min(from + PER_TEST, first + cases) - 1;
    test(`graphs with seeds ${from} to ${to} give the same results`, { timeout: 120_000 }, async () => {
      for (let seed = from; seed <= to; seed++) {
        const program = new GraphGenerator(seed).graphProgram();
        const message = `GRAPH_SEED=${seed} runs this graph alone:\n${JSON.stringify(program, null, 1)}`;
        const found = await graphDisagreements(program).catch((error: Error) => {
          throw new Error(`seed ${seed}: ${error.message}\n${message}`, { cause: error });
        });
        expect(found ?? [], message).toEqual([]);
        if (found) compared++;
      }
    });
  }

  test('at least 90 % of the random graphs have results to compare', () => {
    expect(compared).toBeGreaterThan(0.9 * cases);
  });
});
