// Random graphs of layers against plain float64: outputs, losses, and the gradients of all weights, which are compared with
// finite differences. They have what TF.js lacks: masks that meet in merging layers and attention, recurrent layers of masked
// sequences with initial states, nested models and shared layers among them (test/graphs/generator.ts).

import { describe, expect, test } from 'vitest';
import { type Compared, expectAgreement } from '../graphs/compare.ts';
import { GraphGenerator } from '../graphs/generator.ts';
import { type Comparison, expectMeanAgreement, NEIGHBOURS } from '../graphs/rounding.ts';
import type { LayerSpec, Signal } from '../graphs/spec.ts';
import { Random } from '../reference/random.ts';

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
          compared.push(expectAgreement(program));
        } catch (error) {
          const { message } = error as Error;
          const text = `seed ${seed}: ${message}\nGRAPH_SEED=${seed} runs this graph alone:\n${JSON.stringify(program)}`;
          throw new Error(text, { cause: error });
        }
      }
    });
  }

  test('at least 99 % of the gradients of random graphs are compared', () => {
    const sum = (sizeOf: (each: Compared) => number) => compared.reduce((total, each) => total + sizeOf(each), 0);
    expect(sum(({ kinks }) => kinks)).toBeLessThanOrEqual(0.01 * sum(({ count }) => count));
  });

  // One graph alone need not have all of them
  test.runIf(cases >= CASES)(
    'the random graphs have masks at merging layers, attention, recurrent layers with initial states, and outputs',
    () => {
      const hides = ({ mask }: Signal) => mask !== null && Array.from(mask).includes(0);
      const calls = compared.flatMap(({ evaluator }) => evaluator.calls);
      const count = (isCounted: (spec: LayerSpec, inputs: Signal[], outputs: Signal[]) => boolean) =>
        calls.filter(({ spec, inputs, outputs }) => isCounted(spec, inputs, outputs)).length;
      const hiding = (inputs: Signal[]) => inputs.filter(hides).length;
      const merges = ['merge', 'concatenate'];
      const attends = ['attention', 'additiveAttention', 'multiHeadAttention'];
      expect(count(({ kind }, inputs) => merges.includes(kind) && hiding(inputs) > 1)).toBeGreaterThan(20);
      expect(count(({ kind }, inputs) => attends.includes(kind) && hiding(inputs) > 1)).toBeGreaterThan(20);
      const alongTime = (spec: LayerSpec) => spec.kind === 'concatenate' && spec.axis === 1;
      expect(
        count((spec, inputs) => alongTime(spec) && hiding(inputs) > 0 && inputs.some(({ mask }) => !mask)),
      ).toBeGreaterThan(5);
      const heads = (spec: LayerSpec) => spec.kind === 'multiHeadAttention';
      expect(
        count((spec, [, value, key]) => heads(spec) && key !== undefined && hides(key) && key.mask !== value!.mask),
      ).toBeGreaterThan(5);
      const twice = (spec: LayerSpec) => spec.kind === 'bidirectional' && spec.mergeMode === null;
      expect(count((spec, _, [, second]) => twice(spec) && hides(second!))).toBeGreaterThan(5);
      const started = ({ kind }: LayerSpec) => kind === 'recurrent' || kind === 'bidirectional';
      expect(count((spec, inputs) => started(spec) && inputs.length > 1 && hides(inputs[0]!))).toBeGreaterThan(10);
      expect(compared.flatMap(({ evaluator }) => evaluator.outputs.filter(hides)).length).toBeGreaterThan(25);
    },
  );
});

describe('the comparison of random graphs tells rounding errors from faults', () => {
  const tolerance = { abs: 1e-6, rel: 0 };
  const random = new Random(1);
  const comparison = (exact: number, error: number): Comparison => ({
    what: 'number',
    got: [exact + error],
    expected: [exact],
    tolerance,
    kinks: new Set(),
  });
  const neighbours = (numberOf: () => number, errorOf: () => number) =>
    Array.from({ length: NEIGHBOURS }, () => comparison(numberOf(), errorOf()));

  test('accepts errors beyond the tolerance that cancel in their mean', () => {
    const list = neighbours(
      () => 1,
      () => 4e-6 * random.normal(),
    );
    expectMeanAgreement(comparison(1, 4e-6), list);
  });

  test('accepts an error that one rounding of the weights makes in the exact result', () => {
    const list = neighbours(
      () => 1 + 4e-6 * 2048 * random.normal(),
      () => 3e-6,
    );
    expectMeanAgreement(comparison(1, 3e-6), list);
  });

  test('rejects an error that all neighbours share', () => {
    const list = neighbours(
      () => 1,
      () => 2e-6 + 1e-6 * random.normal(),
    );
    expect(() => expectMeanAgreement(comparison(1, 2e-6), list)).toThrow(/mean of 32 neighbours: 1 of 1 beyond/);
  });
});
