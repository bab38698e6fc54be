// Random graphs of layers against plain float64: outputs, losses, and the gradients of all weights, which are compared with
// finite differences. They have what TF.js lacks: masks that meet in merging layers and attention, recurrent layers of masked
// sequences with initial states, nested models and shared layers among them (test/graphs/generator.ts).

import { describe, expect, test } from 'vitest';
import { type Compared, expectAgreement } from '../graphs/compare.ts';
import { GraphGenerator } from '../graphs/generator.ts';
import type { Signal } from '../graphs/spec.ts';

const CASES = 40;
const PER_TEST = 8;
const first = Number(process.env.GRAPH_SEED ?? 1);
const cases = process.env.GRAPH_SEED ? Number(process.env.GRAPH_CASES ?? 1) : CASES;

const compared: Compared[] = [];

describe('random graphs agree with the float64 reference', () => {
  for (let from = first; from < first + cases; from += PER_TEST) {
    const to = Math.min(from + PER_TEST, first + cases) - 1;
    test(`outputs, losses and gradients of graphs with seeds ${from} to ${to} agree with the reference`, () => {
      for (let seed = from; seed <= to; seed++) {
        const program = new GraphGenerator(seed).program();
        try {
          const result = expectAgreement(program);
          if (result) compared.push(result);
        } catch (error) {
          const { message } = error as Error;
          const text = `seed ${seed}: ${message}\nGRAPH_SEED=${seed} runs this graph alone:\n${JSON.stringify(program)}`;
          throw new Error(text, { cause: error });
        }
      }
    });
  }

  test('at least 95 % of the random graphs are compared, and 99 % of the gradients of their weights', () => {
    const sum = (sizeOf: (each: Compared) => number) => compared.reduce((total, each) => total + sizeOf(each), 0);
    expect(compared.length).toBeGreaterThanOrEqual(Math.floor(0.95 * cases));
    expect(sum(({ kinks }) => kinks)).toBeLessThanOrEqual(0.01 * sum(({ count }) => count));
  });

  // One graph alone need not have all of them
  test.runIf(cases >= CASES)(
    'the random graphs have masks at merging layers, attention, recurrent layers with initial states, and outputs',
    () => {
      const hides = ({ mask }: Signal) => mask !== null && Array.from(mask).includes(0);
      const calls = compared.flatMap(({ evaluator }) => evaluator.calls);
      /** The calls of some kinds of layers in which so many inputs have masked time steps. */
      const count = (kinds: string[], masks: number) =>
        calls.filter(({ spec, inputs }) => kinds.includes(spec.kind) && inputs.filter(hides).length >= masks).length;
      expect(count(['merge', 'concatenate'], 2)).toBeGreaterThan(20);
      expect(count(['attention', 'additiveAttention', 'multiHeadAttention'], 2)).toBeGreaterThan(20);
      const started = calls.filter(
        ({ spec, inputs }) =>
          ['recurrent', 'bidirectional'].includes(spec.kind) && inputs.length > 1 && hides(inputs[0]!),
      );
      expect(started.length).toBeGreaterThan(0);
      expect(compared.flatMap(({ evaluator }) => evaluator.outputs.filter(hides)).length).toBeGreaterThan(25);
    },
  );
});
