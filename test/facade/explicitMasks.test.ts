// Masks that calls of layers are given, symbolic and at once: they act as the masks of masking layers do.

import { input, type LayersModel, layers, model, setRandomSeed, type Tensor, tensor } from 'lstm-wasm';
import { describe, expect, test } from 'vitest';
import { expectBits, expectClose } from '../compare.ts';
import { Random } from '../reference/random.ts';

type Symbolic = ReturnType<typeof input>;
const [B, T, D] = [5, 7, 3];
const random = new Random(4);
const x = tensor(Float32Array.from(random.normals([B, T, D]).data), [B, T, D]);
/** Steps that count: in the first sample all, then fewer; the third misses a step in the middle. */
const kept = Array.from({ length: B }, (_, b) =>
  Array.from({ length: T }, (_, t) => Number(t < T - b && !(b === 2 && t === 1))),
);
const mask = tensor(kept);
/** The same sequences with zeros at masked steps, for masking layers. */
const zeroed = tensor(
  x.dataSync().map((value, n) => value * kept[Math.floor(n / (T * D))]![Math.floor(n / D) % T]!),
  [B, T, D],
);
const sequences = () => [input({ shape: [null, D] }), input({ shape: [null] })] as const;
const bits = (y: Tensor | Tensor[]) => [y].flat().map(one => one.dataSync() as Float32Array);
const predict = (net: LayersModel, data: Tensor | Tensor[]) => bits(net.predict(data));

/** Predictions with a given mask, and with that of a masking layer, from the same weights. */
function expectAsMasked(build: (sequence: Symbolic, options: { mask?: Symbolic }) => Symbolic): void {
  const [sequence, given] = sequences();
  setRandomSeed(1);
  const explicit = model({ inputs: [sequence, given], outputs: build(sequence, { mask: given }), seed: 2 });
  const plain = input({ shape: [null, D] });
  setRandomSeed(1);
  const implicit = model({ inputs: plain, outputs: build(layers.masking().apply<Symbolic>(plain), {}), seed: 2 });
  explicit.setWeights(implicit.getWeights());
  const [got, expected] = [predict(explicit, [zeroed, mask]), predict(implicit, zeroed)];
  for (const [n, values] of expected.entries()) expectBits(got[n]!, values);
}

describe('a given mask acts as the mask of a masking layer', () => {
  test.each([
    ['lstm', () => layers.lstm({ units: 4 })],
    ['gru', () => layers.gru({ units: 4, goBackwards: true })],
    ['simpleRNN', () => layers.simpleRNN({ units: 4, returnSequences: true })],
    ['minGRU', () => layers.minGRU({ units: 4, returnSequences: true })],
    ['minLSTM', () => layers.minLSTM({ units: 4, goBackwards: true })],
    ['bidirectional', () => layers.bidirectional({ layer: layers.lstm({ units: 3, returnSequences: true }) })],
  ] as const)('in %s', (_, make) => {
    expectAsMasked((sequence, options) => make().apply<Symbolic>(sequence, options));
  });

  test('in the layers above: the mask passes through lstm, timeDistributed and dense', () => {
    expectAsMasked((sequence, options) => {
      const seq = layers.lstm({ units: 4, returnSequences: true }).apply<Symbolic>(sequence, options);
      const each = layers.timeDistributed({ layer: layers.dense({ units: 3 }) }).apply<Symbolic>(seq);
      return layers.gru({ units: 2 }).apply<Symbolic>(each);
    });
  });

  test('in a nested model', () => {
    expectAsMasked((sequence, options) => {
      const own = input({ shape: [null, D] });
      const seq = layers.lstm({ units: 4, returnSequences: true }).apply<Symbolic>(own);
      const inner = model({ inputs: own, outputs: layers.gru({ units: 2 }).apply<Symbolic>(seq) });
      return inner.apply<Symbolic>(sequence, options);
    });
  });

  test.each([
    ['attention', () => layers.attention()],
    ['multiHeadAttention', () => layers.multiHeadAttention({ numHeads: 2, keyDim: 3 })],
  ] as const)('in %s, input by input', (_, make) => {
    const [query, given] = sequences();
    const memory = input({ shape: [null, D] });
    const layer = make();
    const explicit = model({
      inputs: [query, memory, given],
      outputs: layer.apply<Symbolic>([query, memory], { mask: [null, given] }),
    });
    const masked = layers.masking().apply<Symbolic>(memory);
    const implicit = model({ inputs: [query, memory], outputs: layer.apply<Symbolic>([query, masked]) });
    const [got] = predict(explicit, [x, zeroed, mask]);
    expectBits(got!, predict(implicit, [x, zeroed])[0]!);
    const both = layer.apply([x, zeroed], { mask: [null, mask] });
    expectBits(both.dataSync() as Float32Array, got!);
  });

  test('in the loss and its gradients', () => {
    const y = tensor(Float32Array.from(random.normals([B, T, 2]).data), [B, T, 2]);
    const [sequence, given] = sequences();
    const cell = layers.lstm({ units: 4, returnSequences: true });
    const head = layers.dense({ units: 2 });
    const outputs = head.apply<Symbolic>(cell.apply<Symbolic>(sequence, { mask: given }));
    const explicit = model({ inputs: [sequence, given], outputs, seed: 3 });
    const plain = input({ shape: [null, D] });
    const above = layers.lstm({ units: 4, returnSequences: true }).apply<Symbolic>(layers.masking().apply(plain));
    const implicit = model({ inputs: plain, outputs: layers.dense({ units: 2 }).apply<Symbolic>(above), seed: 3 });
    implicit.setWeights(explicit.getWeights());
    for (const net of [explicit, implicit]) net.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
    for (let n = 0; n < 3; n++) {
      expect(explicit.trainOnBatch([zeroed, mask], y)).toEqual(implicit.trainOnBatch(zeroed, y));
    }
    for (const [n, weight] of implicit.getWeights().entries()) {
      expectBits(explicit.getWeights()[n]!.dataSync() as Float32Array, weight.dataSync() as Float32Array);
    }
  });
});

test('null in a list of masks removes the mask of that input', () => {
  const plain = input({ shape: [null, D] });
  const layer = layers.lstm({ units: 3 });
  const masked = layers.masking().apply<Symbolic>(plain);
  const without = model({ inputs: plain, outputs: layer.apply<Symbolic>(masked, { mask: [null] }) });
  const never = model({ inputs: plain, outputs: layer.apply<Symbolic>(plain) });
  const kept = model({ inputs: plain, outputs: layer.apply<Symbolic>(masked, { mask: null }) });
  expectBits(predict(without, zeroed)[0]!, predict(never, zeroed)[0]!);
  expect(predict(kept, zeroed)[0]).not.toEqual(predict(never, zeroed)[0]);
});

test('a mask given at once acts as in a model, also as booleans', () => {
  const layer = layers.lstm({ units: 4, returnSequences: true });
  const [sequence, given] = sequences();
  const net = model({ inputs: [sequence, given], outputs: layer.apply<Symbolic>(sequence, { mask: given }) });
  const expected = predict(net, [x, mask])[0]!;
  const booleans = tensor(kept.map(row => row.map(Boolean)));
  for (const one of [mask, booleans]) {
    expectBits(layer.apply(x, { mask: one }).dataSync() as Float32Array, expected);
  }
});

test('masked steps do not reach the output', () => {
  const layer = layers.gru({ units: 4 });
  const changed = tensor(
    x.dataSync().map((value, n) => (zeroed.dataSync()[n] === 0 ? 1e3 : value)),
    [B, T, D],
  );
  const [first, second] = [x, changed].map(one => layer.apply(one, { mask }).dataSync() as Float32Array);
  expectBits(first!, second!);
});

test('a mask may be computed by layers, which get no gradient from it', () => {
  const sequence = input({ shape: [T, D] });
  const flat = layers.flatten().apply<Symbolic>(sequence);
  const gate = layers.dense({ units: T, activation: 'relu', name: 'gate' });
  const seq = layers.lstm({ units: 4 }).apply<Symbolic>(sequence, { mask: gate.apply<Symbolic>(flat) });
  const net = model({ inputs: sequence, outputs: layers.dense({ units: 1 }).apply<Symbolic>(seq), seed: 5 });
  net.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
  const before = gate.getWeights().map(weight => [...weight.dataSync()]);
  const others = net.getWeights().map(weight => [...weight.dataSync()]);
  net.trainOnBatch(x, tensor(new Float32Array(B).fill(1), [B, 1]));
  expect(gate.getWeights().map(weight => [...weight.dataSync()])).toEqual(before);
  expect(net.getWeights().map(weight => [...weight.dataSync()])).not.toEqual(others);
});

test('layers that ignore masks accept one and pass it on', () => {
  expectAsMasked((sequence, options) => {
    const wide = layers.dense({ units: 4 }).apply<Symbolic>(sequence, options);
    return layers.lstm({ units: 3 }).apply<Symbolic>(wide);
  });
});

test('a list of masks for a merging layer acts as masked inputs', () => {
  const [a, b] = [input({ shape: [null, D] }), input({ shape: [null, D] })];
  const given = input({ shape: [null] });
  const cell = layers.lstm({ units: 3 });
  const sum = layers.add().apply<Symbolic>([a, b], { mask: [given, given] });
  const net = model({ inputs: [a, b, given], outputs: cell.apply<Symbolic>(sum) });
  const direct = model({
    inputs: [a, b, given],
    outputs: cell.apply<Symbolic>(layers.add().apply<Symbolic>([a, b]), { mask: given }),
  });
  expectBits(predict(net, [x, x, mask])[0]!, predict(direct, [x, x, mask])[0]!);
});

test('a stream takes one number of the mask at each step', () => {
  const [sequence, given] = sequences();
  const layer = layers.lstm({ units: 3, returnSequences: true });
  const net = model({ inputs: [sequence, given], outputs: layer.apply<Symbolic>(sequence, { mask: given }) });
  const expected = net.predict<Tensor>([x, mask]);
  const stream = net.stream();
  for (let t = 0; t < T; t++) {
    const step = x.dataSync().slice((2 * T + t) * D, (2 * T + t + 1) * D);
    const out = stream.step([step, [kept[2]![t]!]]);
    const from = (2 * T + t) * 3;
    expectClose(out as Float32Array, expected.dataSync().slice(from, from + 3), {
      abs: 1e-6,
      rel: 1e-5,
      what: `step ${t}`,
    });
  }
});

test('the summary lists the mask among the inputs of the layer', () => {
  const [sequence] = sequences();
  const given = input({ shape: [null], name: 'counts' });
  const net = model({
    inputs: [sequence, given],
    outputs: layers.lstm({ units: 3 }).apply<Symbolic>(sequence, { mask: given }),
  });
  const lines: string[] = [];
  net.summary(100, null, line => lines.push(line));
  expect(lines.join('\n')).toContain('counts[0][0]');
  expect(net.layers.map(({ className }) => className)).toEqual(['InputLayer', 'InputLayer', 'LSTM']);
});

describe('a mask that does not fit is rejected', () => {
  const sequence = input({ shape: [4, D] });
  const named = () => layers.lstm({ units: 2, name: 'encoder' });
  test.each([
    [
      () => named().apply(sequence, { mask: input({ shape: [5] }) }),
      "encoder.apply: the mask of 'encoder' must be [batch, timeSteps] for an input [batch, timeSteps, features], got [null, 5] for the input [null, 4, 3]",
    ],
    [
      () => named().apply(sequence, { mask: input({ shape: [4, 1] }) }),
      "encoder.apply: the mask of 'encoder' must be [batch, timeSteps] for an input [batch, timeSteps, features], got [null, 4, 1] for the input [null, 4, 3]",
    ],
    [
      () => layers.dense({ units: 2, name: 'head' }).apply(input({ shape: [4] }), { mask: input({ shape: [4] }) }),
      "head.apply: the mask of 'head' must be [batch, timeSteps] for an input [batch, timeSteps, features], got [null, 4] for the input [null, 4]",
    ],
    [
      () => layers.add({ name: 'sum' }).apply([sequence, sequence], { mask: input({ shape: [4] }) }),
      'sum.apply: mask must be a list of 2 masks, one for each input, with null for none, got 1',
    ],
    [() => named().apply(sequence, { mask: [null, null] }), 'encoder.apply: mask must be one mask, got 2'],
    [() => named().apply(sequence, { mask }), 'encoder.apply: mask must be a symbolic tensor, got a Tensor'],
    [
      () => named().apply(x, { mask: tensor([[1, 0]]) }),
      "encoder.apply: the mask of 'encoder' must be [batch, timeSteps] for an input [batch, timeSteps, features], got [1, 2] for the input [5, 7, 3]",
    ],
    [() => named().apply(x, { mask: 3 as never }), 'encoder.apply: mask must be a tensor, got 3'],
  ])('%#: %s', (call, message) => {
    expect(call).toThrow(message);
  });

  test('a batch whose mask has another length than its sequences', () => {
    const [open, given] = sequences();
    const net = model({ inputs: [open, given], outputs: named().apply<Symbolic>(open, { mask: given }) });
    expect(() => net.predict([x, tensor(kept.map(row => row.slice(1)))])).toThrow(
      "the mask of 'encoder' must be [batch, timeSteps] for an input [batch, timeSteps, features], got [5, 6] for the input [5, 7, 3]",
    );
  });
});
