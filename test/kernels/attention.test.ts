// Attention layers, planned and run, against plain float64 and its differences.
//
//   B batch, T queries, S keys, D features of queries and keys, V features of values, N heads

import { describe, expect, test } from 'vitest';
import { AdditiveAttention, Attention } from '../../src/layers/attention.ts';
import type { AttentionLayer } from '../../src/layers/attentionLayer.ts';
import { MultiHeadAttention } from '../../src/layers/multiHeadAttention.ts';
import { expectBits, expectClose } from '../compare.ts';
import { type AttentionSpec, attend, columns, project } from '../reference/attention.ts';
import { type Block, block, sizeOf } from '../reference/block.ts';
import { dotOf, numericalGradient } from '../reference/differences.ts';
import { dropoutMask, seedBits } from '../reference/dropout.ts';
import { Random } from '../reference/random.ts';
import { type Harness, harness, some } from './harness.ts';
import { bindCall } from './multiPlans.ts';

interface Sizes {
  B: number;
  T: number;
  S: number;
  D: number;
  V?: number;
}

interface Case extends Sizes {
  /** Whether there is a key, beside query and value. */
  hasKey?: boolean;
  queryMask?: boolean;
  valueMask?: boolean;
  keyMask?: boolean;
  causal?: boolean;
  dropout?: number;
  returnsScores?: boolean;
  h?: Harness;
}

interface Drawn {
  query: Block;
  value: Block;
  key: Block;
  queryMask: number[] | undefined;
  valueMask: number[] | undefined;
  keyMask: number[] | undefined;
}

function draw({ B, T, S, D, V = D, hasKey, ...masks }: Case): Drawn {
  const random = new Random(B + 10 * T + 100 * S + 1000 * D);
  const value = random.normals([B, S, hasKey ? V : D]);
  // The first step of each sample counts, so that no query is without keys
  const mask = (wanted: boolean | undefined, steps: number) =>
    wanted ? Array.from({ length: B * steps }, (_, n) => (n % steps === 0 ? 1 : random.bits() & 1)) : undefined;
  return {
    query: random.normals([B, T, D]),
    value,
    key: hasKey ? random.normals([B, S, D]) : value,
    queryMask: mask(masks.queryMask, T),
    valueMask: mask(masks.valueMask, S),
    keyMask: hasKey ? mask(masks.keyMask, S) : undefined,
  };
}

/** The factors of dropped weights in the first batch, by sample, head, query and key. */
function dropFactors({ B, T, S, dropout = 0 }: Case, N: number) {
  const width = Math.ceil(S / 4) * 4;
  const factors = dropoutMask(B * N * T * width, seedBits(5), 0, dropout);
  return (b: number, h: number, i: number, j: number) => (dropout ? factors[((b * N + h) * T + i) * width + j]! : 1);
}

interface Outputs {
  y: Float64Array;
  scores?: Float64Array | undefined;
}

/** Runs a layer forward and back, and compares all results. */
function expectReference(
  layer: AttentionLayer,
  subject: Case,
  drawn: Drawn,
  reference: (weights: Block[]) => Outputs,
  tolerance = { abs: 4e-6, rel: 4e-6 },
): void {
  const { h = harness(), hasKey, returnsScores } = subject;
  const inputs = [
    { values: drawn.query, mask: drawn.queryMask },
    { values: drawn.value, mask: drawn.valueMask },
    ...(hasKey ? [{ values: drawn.key, mask: drawn.keyMask }] : []),
  ];
  const bound = bindCall(h, layer, inputs);
  const random = new Random(77);
  const weights = layer.weightSpecs.map(({ shape }) => {
    const { data } = random.normals([sizeOf(shape)], 0.7);
    return block(shape, data);
  });
  bound.setWeights(weights.map(({ data }) => data));
  bound.weights().forEach((values, n) => {
    expectBits(values, weights[n]!.data, `weight ${n}`);
  });
  h.kernels.setBatch(0);
  bound.forward();
  const outputs = reference(weights);
  expectClose(bound.output(), outputs.y, { ...tolerance, what: 'y' });
  if (returnsScores) {
    expectClose(bound.output(1), outputs.scores!, { ...tolerance, what: 'scores' });
    expect(bound.mask(1)).toBeNull();
  }
  if (drawn.queryMask) expectBits(bound.mask()!, drawn.queryMask, 'mask');
  else expect(bound.mask()).toBeNull();

  const dY = random.normals([outputs.y.length]).data;
  const dScores = returnsScores ? random.normals([outputs.scores!.length]).data : [];
  bound.setGradient(dY);
  if (returnsScores) bound.setGradient(dScores, 1);
  bound.backward();
  const loss = () => {
    const { y, scores } = reference(weights);
    return dotOf(y, dY) + (returnsScores ? dotOf(scores!, dScores) : 0);
  };
  const compare = (got: Float32Array, x: Block, what: string) => {
    const expected = numericalGradient(loss, x.data);
    const most = Math.max(1, ...expected.map(Math.abs));
    expectClose(got, expected, { abs: 1e-5 * most, rel: 1e-5, what });
  };
  inputs.forEach(({ values }, n) => {
    compare(bound.gradient(n), values, `gradient of input ${n}`);
  });
  bound.weightGradients().forEach((got, n) => {
    compare(got, weights[n]!, `gradient of weight ${n}`);
  });
  bound.expectFences();
}

/** Attention and AdditiveAttention in float64. */
function sequenceReference(subject: Case, drawn: Drawn, scoreOf: (weights: Block[]) => AttentionSpec['score']) {
  const { B, T, S, causal } = subject;
  const factors = dropFactors(subject, 1);
  return (weights: Block[]): Outputs => {
    const { y, weights: scores } = attend(drawn.query, drawn.value, drawn.key, {
      score: scoreOf(weights),
      isVisible: (b, i, j) => (drawn.valueMask?.[b * S + j] ?? 1) === 1 && (!causal || j <= i),
      replacesMasked: false,
      factor: (b, i, j) => factors(b, 0, i, j),
    });
    const width = y.data.length / (B * T);
    const masked = (n: number) => drawn.queryMask?.[Math.floor(n / width)] === 0;
    return { y: y.data.map((value, n) => (masked(n) ? 0 : value)), scores: scores.data };
  };
}

const sizes: Sizes[] = some<Sizes>([
  { B: 1, T: 1, S: 1, D: 1 },
  { B: 2, T: 3, S: 5, D: 4 },
  { B: 3, T: 5, S: 4, D: 3 },
  { B: 2, T: 4, S: 9, D: 7, V: 5 },
  { B: 1, T: 7, S: 13, D: 9, V: 17 },
]);

const variants = some<Omit<Case, keyof Sizes>>([
  {},
  { hasKey: true },
  { hasKey: true, queryMask: true, valueMask: true, keyMask: true },
  { valueMask: true, causal: true },
  { causal: true, hasKey: true, queryMask: true, keyMask: true },
  { dropout: 0.4, hasKey: true, valueMask: true },
  { returnsScores: true },
  { returnsScores: true, dropout: 0.4, queryMask: true, causal: true },
]);

const optionsOf = ({ causal = false, dropout = 0, returnsScores = false }: Case) => ({
  useCausalMask: causal,
  dropout,
  seed: 5,
  returnAttentionScores: returnsScores,
});

const dotScore = (q: ArrayLike<number>, k: ArrayLike<number>) => dotOf(q, k);

describe.each(variants)('variant %j', variant => {
  test.each([false, true])('attention of products matches the reference, with a trained scale: %s', useScale => {
    for (const size of sizes) {
      const subject = { ...size, ...variant };
      const drawn = draw(subject);
      const reference = sequenceReference(
        subject,
        drawn,
        ([scale]) =>
          (q, k) =>
            dotScore(q, k) * (scale?.data[0] ?? 1),
      );
      expectReference(new Attention({ ...optionsOf(subject), useScale }), subject, drawn, reference);
    }
  });

  test.each([false, true])('attention of sums matches the reference, with a trained scale: %s', useScale => {
    for (const size of sizes.slice(0, 4)) {
      const subject = { ...size, ...variant };
      const drawn = draw(subject);
      const reference = sequenceReference(subject, drawn, weights => {
        const [scale, gain] = useScale ? weights.map(({ data }) => data[0]!) : [1, weights[0]!.data[0]!];
        return (q, k) =>
          gain! * Array.from(q, (x, d) => Math.tanh(scale! * (x + k[d]!))).reduce((sum, t) => sum + t, 0);
      });
      const layer = new Attention({ ...optionsOf(subject), useScale, scoreMode: 'concat' });
      expectReference(layer, subject, drawn, reference);
    }
  });

  test.each([false, true])('additive attention matches the reference, with trained scales: %s', useScale => {
    for (const size of sizes.slice(0, 4)) {
      const subject = { ...size, ...variant };
      const drawn = draw(subject);
      const reference = sequenceReference(subject, drawn, ([scale]) => (q, k) => {
        return Array.from(q, (x, d) => (scale?.data[d] ?? 1) * Math.tanh(x + k[d]!)).reduce((sum, t) => sum + t, 0);
      });
      expectReference(new AdditiveAttention({ ...optionsOf(subject), useScale }), subject, drawn, reference);
    }
  });

  if (variant.returnsScores) return;

  test.each([
    { numHeads: 1, keyDim: 4 },
    { numHeads: 2, keyDim: 3, valueDim: 5, outputShape: 6 },
    { numHeads: 3, keyDim: 1, useBias: false },
  ])('attention with heads %j matches the reference', options => {
    for (const size of sizes.slice(0, 4)) {
      const subject = { ...size, ...variant };
      const drawn = draw(subject);
      const layer = new MultiHeadAttention({
        ...options,
        useCausalMask: subject.causal ?? false,
        dropout: subject.dropout ?? 0,
        seed: 5,
      });
      expectReference(layer, subject, drawn, multiHeadReference(layer, subject, drawn), { abs: 1e-5, rel: 1e-5 });
    }
  });
});

function multiHeadReference(
  { numHeads: N, keyDim, valueDim, useBias }: MultiHeadAttention,
  subject: Case,
  drawn: Drawn,
) {
  const { B, T, S, causal } = subject;
  const factors = dropFactors(subject, N);
  return (weights: Block[]): Outputs => {
    const at = (n: number) =>
      useBias ? ([weights[2 * n], weights[2 * n + 1]] as const) : ([weights[n], undefined] as const);
    const projected = [drawn.query, drawn.key, drawn.value].map((x, n) => project(x, at(n)[0]!, at(n)[1]));
    const heads = Array.from({ length: N }, (_, h) => {
      const [query, key] = projected.slice(0, 2).map(x => columns(x, h * keyDim, keyDim)) as [Block, Block];
      return attend(query, columns(projected[2]!, h * valueDim, valueDim), key, {
        score: (q, k) => dotScore(q, k) / Math.sqrt(keyDim),
        isVisible: (b, i, j) =>
          [drawn.queryMask?.[b * T + i], drawn.valueMask?.[b * S + j], drawn.keyMask?.[b * S + j]].every(
            m => m !== 0,
          ) &&
          (!causal || j <= i),
        replacesMasked: true,
        factor: (b, i, j) => factors(b, h, i, j),
      }).y;
    });
    const width = N * valueDim;
    const context = block([B, T, width]);
    for (let n = 0; n < context.data.length; n++) {
      const column = n % width;
      const head = heads[Math.floor(column / valueDim)]!;
      context.data[n] = head.data[Math.floor(n / width) * valueDim + (column % valueDim)]!;
    }
    return { y: project(context, at(3)[0]!, at(3)[1]).data };
  };
}

test('more than 16 keys, which are exponentiated 16 at a time, match the reference', () => {
  for (const S of [15, 16, 17, 33, 70]) {
    const subject = { B: 1, T: 3, S, D: 2, hasKey: true, V: 3, valueMask: true, returnsScores: true };
    const drawn = draw(subject);
    expectReference(
      new Attention(optionsOf(subject)),
      subject,
      drawn,
      sequenceReference(subject, drawn, () => dotScore),
    );
  }
});

test('NaN and large scores of one query stay in its row', () => {
  const query = block([1, 3, 1], [Number.NaN, 100, 1]);
  const value = block(
    [1, 18, 1],
    Array.from({ length: 18 }, (_, n) => n),
  );
  const bound = bindCall(harness(), new Attention(), [{ values: query }, { values: value }], { purpose: 'predict' });
  bound.forward();
  const [first, second, third] = bound.output();
  expect(first).toBeNaN();
  expect(second).toBe(17);
  expect(third).toBeCloseTo(16.418, 3);
});

test('more queries than a block match the reference', () => {
  for (const T of [64, 65, 129]) {
    const subject = { B: 1, T, S: 3, D: 2, causal: true, dropout: 0.3, returnsScores: true };
    const drawn = draw(subject);
    const reference = sequenceReference(subject, drawn, () => dotScore);
    expectReference(new Attention(optionsOf(subject)), subject, drawn, reference);
  }
});

test('more queries than a block match the reference in each head', () => {
  const subject = { B: 1, T: 67, S: 5, D: 2, valueMask: true, dropout: 0.3 };
  const drawn = draw(subject);
  const layer = new MultiHeadAttention({ numHeads: 2, keyDim: 2, valueDim: 3, dropout: 0.3, seed: 5 });
  expectReference(layer, subject, drawn, multiHeadReference(layer, subject, drawn), { abs: 1e-5, rel: 1e-5 });
});

test.each([
  ['attention', () => new Attention({ useScale: true })],
  ['additive attention', () => new AdditiveAttention()],
  ['attention with heads', () => new MultiHeadAttention({ numHeads: 2, keyDim: 3 })],
] as const)('%s of a model input has the same gradients for its other inputs', (_, make) => {
  const drawn = draw({ B: 3, T: 5, S: 7, D: 3, hasKey: true });
  const [first, second] = [false, true].map(isModelInput => {
    const layer = make();
    const inputs = [{ values: drawn.query, isModelInput }, { values: drawn.value }, { values: drawn.key }];
    const bound = bindCall(harness(), layer, inputs);
    const random = new Random(4);
    bound.setWeights(layer.weightSpecs.map(({ shape }) => random.normals([sizeOf(shape)]).data));
    bound.forward();
    const output = bound.output();
    bound.setGradient(new Random(6).normals([output.length]).data);
    bound.backward();
    bound.expectFences();
    return [output, bound.gradient(1), bound.gradient(2), ...bound.weightGradients()];
  });
  expect(first!.length).toBeGreaterThan(3);
  first!.forEach((values, n) => {
    // Rows in another order are summed in another order
    expectClose(second![n]!, values, { abs: 1e-5, rel: 1e-5, what: `result ${n}` });
  });
});

test('predictions keep the weights of one block only, and do not drop', () => {
  const subject = { B: 2, T: 67, S: 5, D: 3, returnsScores: true };
  const drawn = draw(subject);
  const layer = new Attention({ dropout: 0.5, returnAttentionScores: true });
  const inputs = [drawn.query, drawn.value].map(values => ({ values, isModelInput: true }));
  const bound = bindCall(harness(), layer, inputs, { purpose: 'predict' });
  bound.forward();
  const { y, scores } = sequenceReference(subject, drawn, () => dotScore)([]);
  expectClose(bound.output(), y, { abs: 4e-6, rel: 4e-6, what: 'y' });
  expectClose(bound.output(1), scores!, { abs: 4e-6, rel: 4e-6, what: 'scores' });
  bound.expectFences();
});

test('without a reader of the weights, attention writes and reads none', () => {
  const subject = { B: 2, T: 3, S: 5, D: 3 };
  const drawn = draw(subject);
  const inputs = [drawn.query, drawn.value].map(values => ({ values }));
  const [all, first] = [
    [true, true],
    [true, false],
  ].map(isRead => {
    const bound = bindCall(harness(), new Attention({ returnAttentionScores: true }), inputs, { isRead });
    bound.forward();
    bound.setGradient(new Float32Array(18).fill(1));
    if (isRead[1]) bound.setGradient(new Float32Array(30), 1);
    bound.backward();
    return [bound.output(), bound.gradient(0), bound.gradient(1)];
  });
  first!.forEach((values, n) => {
    expectBits(values, all![n]!);
  });
});

test('without a reader of the output, the gradient of the weights alone counts', () => {
  const subject = { B: 2, T: 3, S: 5, D: 3, returnsScores: true };
  const drawn = draw(subject);
  const inputs = [drawn.query, drawn.value].map(values => ({ values }));
  const bound = bindCall(harness(), new Attention({ returnAttentionScores: true }), inputs, { isRead: [false, true] });
  bound.forward();
  const dScores = new Random(3).normals([30]).data;
  bound.setGradient(dScores, 1);
  bound.backward();
  const loss = () => dotOf(sequenceReference(subject, drawn, () => dotScore)([]).scores!, dScores);
  expectClose(bound.gradient(0), numericalGradient(loss, drawn.query.data), { abs: 1e-5, rel: 1e-5 });
});

describe('a query without visible keys', () => {
  const query = block([1, 2, 2], [1, 2, 3, 4]);
  const value = block([1, 3, 2], [1, 0, 0, 1, 2, 5]);
  const mean = [1, 2];

  test('attends to all values equally, with gradients of its scores', () => {
    const bound = bindCall(harness(), new Attention(), [{ values: query }, { values: value, mask: [0, 0, 0] }]);
    bound.forward();
    expectClose(bound.output(), [...mean, ...mean], { abs: 1e-6, rel: 0 });
    bound.setGradient([1, 0, 0, 0]);
    bound.backward();
    // ds = (v - mean) / 3 in the first feature: 0, -1/3, 1/3; dq = ds K
    expectClose(bound.gradient(0), [2 / 3, 4 / 3, 0, 0], { abs: 1e-6, rel: 0 });
  });

  test('attends to all values equally in each head, without gradients of its scores', () => {
    const layer = new MultiHeadAttention({ numHeads: 1, keyDim: 2, useBias: false });
    const bound = bindCall(harness(), layer, [
      { values: query, mask: [1, 0] },
      { values: value, mask: [0, 0, 0] },
    ]);
    const identity = [1, 0, 0, 1];
    bound.setWeights([identity, identity, identity, identity]);
    bound.forward();
    expectClose(bound.output(), [...mean, ...mean], { abs: 1e-6, rel: 0 });
    bound.setGradient([1, 0, 0, 0]);
    bound.backward();
    expectClose(bound.gradient(0), [0, 0, 0, 0], { abs: 0, rel: 0 });
    expectClose(bound.gradient(1), [1 / 3, 0, 1 / 3, 0, 1 / 3, 0], { abs: 1e-6, rel: 0 });
  });
});

test('multi-head attention has the weights of Keras, in its order and shapes', () => {
  const layer = new MultiHeadAttention({ numHeads: 2, keyDim: 3, valueDim: 4, outputShape: 5, name: 'attention' });
  layer.connect('test', [
    [2, 6, 7],
    [2, 8, 9],
    [2, 8, 10],
  ]);
  expect(layer.weightSpecs.map(({ shape }) => shape)).toEqual([
    [7, 2, 3],
    [2, 3],
    [10, 2, 3],
    [2, 3],
    [9, 2, 4],
    [2, 4],
    [2, 4, 5],
    [5],
  ]);
  expect(layer.weightPaths[6]).toBe('attention/attention_output/kernel');
});
