// Functional models whose recurrent layers pass their states to each other.

import { input, layers, model, sequential, setRandomSeed, type Tensor, tensor } from 'lstm-wasm';
import { expect, test } from 'vitest';
import { expectBits, expectClose } from '../compare.ts';

const numbers = (seed: number, ...shape: number[]) =>
  tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, n) => Math.sin(1 + seed + 12.9898 * n)),
    shape,
  );
const [B, T, D] = [5, 4, 3];

/** An encoder whose final states start a decoder. */
function encoderDecoder(kind: 'lstm' | 'gru' | 'simpleRNN' | 'minGRU' | 'minLSTM', masks = false) {
  const [past, future] = [input({ shape: [T, D] }), input({ shape: [T, D] })];
  const encoder = layers[kind]({ units: 5, returnState: true });
  const decoder = layers[kind]({ units: 5, returnSequences: true });
  const head = layers.dense({ units: 1 });
  const [, ...initialState] = encoder.apply<(typeof past)[]>(past);
  const known = masks ? layers.masking().apply<typeof past>(future) : future;
  const y = head.apply<typeof past>(decoder.apply<typeof past>(known, { initialState }));
  return { net: model({ inputs: [past, future], outputs: y }), encoder, decoder, head };
}

test.each([
  ['lstm', false],
  ['lstm', true],
  ['gru', false],
  ['simpleRNN', true],
  ['minGRU', true],
  ['minLSTM', false],
] as const)('an encoder starts a decoder with its final states: %s, masked %s', (kind, masks) => {
  setRandomSeed(1);
  const { net, encoder, decoder, head } = encoderDecoder(kind, masks);
  const [a, b] = [numbers(1, B, T, D), numbers(2, B, T, D)];
  const future = masks
    ? tensor(
        b.dataSync().map((value, n) => (n % (2 * D) < D ? 0 : value)),
        [B, T, D],
      )
    : b;

  const options = { units: 5, returnSequences: true, stateful: true };
  const first = sequential({ layers: [layers[kind]({ ...options, batchInputShape: [B, T, D] })] });
  first.setWeights(encoder.getWeights());
  first.predict(a);
  const second = sequential({
    layers: [
      layers.inputLayer({ batchInputShape: [B, T, D] }),
      ...(masks ? [layers.masking()] : []),
      layers[kind](options),
      layers.dense({ units: 1 }),
    ],
  });
  second.setWeights([...decoder.getWeights(), ...head.getWeights()]);
  second.setStates(first.getStates());
  expectBits((net.predict([a, future]) as Tensor).dataSync(), second.predict(future).dataSync());
});

test.each(['lstm', 'gru', 'simpleRNN', 'minGRU', 'minLSTM'] as const)(
  'gradients through the states of an encoder and a decoder match finite differences: %s',
  kind => {
    setRandomSeed(2);
    const { net } = encoderDecoder(kind);
    const rate = 1 / 16;
    net.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    (net.optimizer as { learningRate: number }).learningRate = rate;
    const x = [numbers(1, B, T, D), numbers(2, B, T, D)];
    const y = numbers(3, B, T, 1);
    const before = net.getWeights();
    const loss = () => net.evaluate(x, y) as unknown as Tensor;
    net.trainOnBatch(x, y);
    const after = net.getWeights();
    // Weight by weight, so that the gradient of each is checked, the encoder's among them
    for (const [n, weight] of before.entries()) {
      const gradient = after[n]!.dataSync().map((value, k) => (weight.dataSync()[k]! - value) / rate);
      const direction = gradient.map((_, k) => Math.sin(7 * k + 1));
      const at = (s: number) => {
        const moved = tensor(
          weight.dataSync().map((value, k) => value + s * direction[k]!),
          [...weight.shape],
        );
        net.setWeights(before.map((other, m) => (m === n ? moved : other)));
        return loss().dataSync()[0]!;
      };
      const slope = (at(1 / 64) - at(-1 / 64)) * 32;
      const dot = gradient.reduce((sum, value, k) => sum + value * direction[k]!, 0);
      expectClose([dot], [slope], { abs: 2e-4, rel: 2e-3, what: `gradient of weight ${n}` });
      expect(gradient.some(value => value !== 0)).toBe(true);
    }
  },
);

test.each([
  ['returnState', () => layers.lstm({ units: 2, returnState: true, inputShape: [3, 1] }), 3],
  [
    'mergeMode: null',
    () => layers.bidirectional({ layer: layers.gru({ units: 2 }), mergeMode: null, inputShape: [3, 1] }),
    2,
  ],
] as const)('a sequential model rejects a layer with %s', (_, make, count) => {
  expect(() => sequential({ layers: [make()] })).toThrow(
    `sequential: a layer of a sequential model must have one output, got ${count} of `,
  );
});

test('rejects initial states of another shape', () => {
  const [x, h] = [input({ shape: [T, D] }), input({ shape: [4] })];
  const gru = layers.gru({ units: 5, name: 'decoder' });
  expect(() => gru.apply(x, { initialState: h })).toThrow(
    'decoder.apply: the initial state h of decoder must have the shape [null, 5], got [null, 4]',
  );
});
