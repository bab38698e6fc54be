// Functional models with merging layers and attention: predictions, masks, and gradients against finite differences.

import { input, type LayersModel, layers, model, setRandomSeed, type Tensor, tensor } from 'lstm-wasm';
import { describe, expect, test } from 'vitest';
import { expectClose } from '../compare.ts';
import { attend } from '../reference/attention.ts';
import { type Block, block } from '../reference/block.ts';
import { dotOf } from '../reference/differences.ts';

const numbers = (seed: number, ...shape: number[]) =>
  tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, n) => Math.sin(1 + seed + 12.9898 * n)),
    shape,
  );
const [B, T, S, D] = [3, 4, 6, 3];
type Symbolic = ReturnType<typeof input>;

/** Checks the gradient of each weight along a direction of its own. */
function expectGradients(net: LayersModel, x: Tensor | Tensor[], y: Tensor | Tensor[]): void {
  const rate = 1 / 16;
  net.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
  (net.optimizer as { learningRate: number }).learningRate = rate;
  const before = net.getWeights();
  net.trainOnBatch(x, y);
  const after = net.getWeights();
  for (const [n, weight] of before.entries()) {
    const gradient = after[n]!.dataSync().map((value, k) => (weight.dataSync()[k]! - value) / rate);
    const direction = gradient.map((_, k) => Math.sin(7 * k + 1));
    const lossAt = (s: number) => {
      const moved = tensor(
        weight.dataSync().map((value, k) => value + s * direction[k]!),
        [...weight.shape],
      );
      net.setWeights(before.map((other, m) => (m === n ? moved : other)));
      const loss = net.evaluate(x, y) as unknown as Tensor | Tensor[];
      return (Array.isArray(loss) ? loss[0]! : loss).dataSync()[0]!;
    };
    const slope = (lossAt(1 / 256) - lossAt(-1 / 256)) * 128;
    expectClose([dotOf(gradient, direction)], [slope], { abs: 3e-4, rel: 3e-3, what: `gradient of weight ${n}` });
    expect(gradient.every(value => Number.isFinite(value))).toBe(true);
  }
  net.setWeights(before);
}

describe('a decoder with attention', () => {
  test.each([
    ['attention', () => layers.attention({ useScale: true })],
    ['attention of sums', () => layers.attention({ useScale: true, scoreMode: 'concat' })],
    ['additiveAttention', () => layers.additiveAttention()],
    ['multiHeadAttention', () => layers.multiHeadAttention({ numHeads: 2, keyDim: 3, valueDim: 2 })],
    ['causal multiHeadAttention', () => layers.multiHeadAttention({ numHeads: 2, keyDim: 3, useCausalMask: true })],
  ] as const)('the gradients of %s match finite differences, with masks', (_, make) => {
    setRandomSeed(3);
    const [past, future] = [input({ shape: [null, D] }), input({ shape: [null, D] })];
    const masked = layers.masking().apply<Symbolic>(past);
    const encoded = layers.lstm({ units: 5, returnSequences: true }).apply<Symbolic>(masked);
    const decoded = layers.gru({ units: 5, returnSequences: true }).apply<Symbolic>(future);
    const context = make().apply<Symbolic>([decoded, encoded]);
    const joined = layers.concatenate().apply<Symbolic>([context, decoded]);
    const net = model({ inputs: [past, future], outputs: layers.dense({ units: 2 }).apply<Symbolic>(joined) });
    const known = numbers(1, B, S, D)
      .dataSync()
      .map((value, n) => (n % (S * D) >= (S - 2) * D ? 0 : value));
    expectGradients(net, [tensor(known, [B, S, D]), numbers(2, B, T, D)], numbers(3, B, T, 2));
  });

  test('does not depend on masked steps', () => {
    setRandomSeed(3);
    const [past, future] = [input({ shape: [null, D] }), input({ shape: [null, D] })];
    const masked = layers.masking().apply<Symbolic>(past);
    const outputs = layers.attention().apply<Symbolic>([future, masked]);
    const net = model({ inputs: [past, future], outputs });
    const short = numbers(1, B, S, D);
    const long = tensor(
      Float32Array.from({ length: B * 9 * D }, (_, n) => {
        const [b, rest] = [Math.floor(n / (9 * D)), n % (9 * D)];
        return rest < S * D ? short.dataSync()[b * S * D + rest]! : 0;
      }),
      [B, 9, D],
    );
    const query = numbers(2, B, T, D);
    const [first, second] = [short, long].map(x => (net.predict([x, query]) as Tensor).dataSync());
    expectClose(second!, first!, { abs: 1e-6, rel: 1e-6 });
  });
});

test('self-attention with a residual connection has the gradients of finite differences', () => {
  setRandomSeed(4);
  const x = input({ shape: [T, D] });
  const embedded = layers.dense({ units: 4 }).apply<Symbolic>(x);
  const attended = layers
    .multiHeadAttention({ numHeads: 2, keyDim: 2 })
    .apply<Symbolic>([embedded, embedded, embedded]);
  const outputs = layers.add().apply<Symbolic>([embedded, attended]);
  expectGradients(model({ inputs: x, outputs }), numbers(1, B, T, D), numbers(2, B, T, 4));
});

test.each([
  ['add', () => layers.add()],
  ['average', () => layers.average()],
  ['multiply', () => layers.multiply()],
  ['maximum', () => layers.maximum()],
  ['minimum', () => layers.minimum()],
  ['concatenate', () => layers.concatenate({ axis: 1 })],
] as const)('%s of the same signal and others has the gradients of finite differences', (_, make) => {
  setRandomSeed(5);
  const x = input({ shape: [T, D] });
  const [a, b] = [layers.dense({ units: 3 }).apply<Symbolic>(x), layers.dense({ units: 3 }).apply<Symbolic>(x)];
  const merged = make().apply<Symbolic>([a, b, a]);
  const outputs = layers.dense({ units: 1 }).apply<Symbolic>(merged);
  const steps = merged.shape[1]!;
  expectGradients(model({ inputs: x, outputs }), numbers(1, B, T, D), numbers(2, B, steps, 1));
});

test('dot and subtract of two inputs match plain arithmetic', () => {
  const [a, b] = [input({ shape: [D] }), input({ shape: [D] })];
  const outputs = [
    layers.dot({ axes: 1 }).apply<Symbolic>([a, b]),
    layers.dot({ axes: 1, normalize: true }).apply<Symbolic>([a, b]),
    layers.subtract().apply<Symbolic>([a, b]),
  ];
  const [p, q] = [numbers(1, 1, D), numbers(2, 1, D)];
  const [product, cosine, difference] = (model({ inputs: [a, b], outputs }).predict([p, q]) as Tensor[]).map(each => [
    ...each.dataSync(),
  ]);
  const [x, z] = [p.dataSync(), q.dataSync()];
  expectClose(product!, [dotOf(x, z)], { abs: 1e-6, rel: 0 });
  expectClose(cosine!, [dotOf(x, z) / Math.sqrt(dotOf(x, x) * dotOf(z, z))], { abs: 1e-6, rel: 0 });
  expectClose(
    difference!,
    Array.from(x, (value, n) => value - z[n]!),
    { abs: 1e-6, rel: 0 },
  );
});

test('attention weights are a second output, and its gradients match finite differences', () => {
  setRandomSeed(6);
  const [query, value] = [input({ shape: [T, D] }), input({ shape: [S, D] })];
  const projected = layers.dense({ units: D }).apply<Symbolic>(query);
  const outputs = layers.attention({ returnAttentionScores: true }).apply<Symbolic[]>([projected, value]);
  const net = model({ inputs: [query, value], outputs });
  const [q, v] = [numbers(1, B, T, D), numbers(2, B, S, D)];
  const [y, weights] = net.predict([q, v]) as Tensor[];
  const asBlock = (each: Tensor): Block => block(each.shape, each.dataSync());
  const first = model({ inputs: query, outputs: projected }).predict(q) as Tensor;
  const expected = attend(asBlock(first), asBlock(v), asBlock(v), {
    score: dotOf,
    isVisible: () => true,
    replacesMasked: false,
  });
  expectClose(y!.dataSync(), expected.y.data, { abs: 1e-6, rel: 1e-6 });
  expectClose(weights!.dataSync(), expected.weights.data, { abs: 1e-6, rel: 1e-6 });
  expectGradients(net, [q, v], [numbers(3, B, T, D), numbers(4, B, T, S)]);
});

test('dropout of attention is active in training only, and repeats with the seed', () => {
  const run = () => {
    setRandomSeed(7);
    const x = input({ shape: [T, D] });
    const attended = layers.attention({ dropout: 0.5, seed: 1 }).apply<Symbolic>([x, x]);
    const net = model({ inputs: x, outputs: layers.dense({ units: 1 }).apply<Symbolic>(attended) });
    net.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const [data, target] = [numbers(1, B, T, D), numbers(2, B, T, 1)];
    const before = (net.evaluate(data, target) as unknown as Tensor).dataSync()[0];
    const trained = net.trainOnBatch(data, target) as number;
    return [before, trained];
  };
  const [plain, dropped] = run();
  expect(dropped).not.toBeCloseTo(plain!, 4);
  expect(run()).toEqual([plain, dropped]);
});

test('merging inputs whose shapes do not fit names the layer and both shapes', () => {
  const inputs = [input({ shape: [5, 3] }), input({ shape: [5, 4] })];
  expect(() => layers.add({ name: 'sum' }).apply(inputs)).toThrow(
    'the inputs of sum must have equal sizes or sizes of 1, got [null, 5, 3] and [null, 5, 4]',
  );
});
