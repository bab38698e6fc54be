// minGRU and minLSTM: a sequence at once and step by step give the same bits; options, and a task that they learn.

import { input, layers, model, modelFromJSON, sequential, setRandomSeed, type Tensor, tensor, train } from 'lstm-wasm';
import { beforeEach, describe, expect, test } from 'vitest';
import { expectBits } from '../compare.ts';
import { Random } from '../reference/random.ts';

const random = new Random(41);
const numbers = (...shape: number[]) => tensor(Float32Array.from(random.normals(shape).data), shape);
/** Step t of the only sample of a batch. */
const stepOf = (values: Tensor, t: number) => {
  const width = values.shape.at(-1)!;
  return values.dataSync().slice(t * width, (t + 1) * width) as Float32Array;
};

beforeEach(() => setRandomSeed(5));

describe.each(['minGRU', 'minLSTM'] as const)('%s', kind => {
  test.each([1, 3, 16, 33, 70])('a stream gives the bits of predict for the whole sequence, %i units', units => {
    for (const [T, D] of [
      [1, 1],
      [7, 3],
      [300, 20],
    ] as const) {
      const net = sequential({
        layers: [
          layers[kind]({ units, returnSequences: true, biasInitializer: 'randomNormal', inputShape: [null, D] }),
          layers[kind]({ units: units + 1, activation: 'tanh', returnSequences: true }),
          layers.dense({ units: 2 }),
        ],
      });
      const x = numbers(1, T, D);
      const expected = net.predict<Tensor>(x);
      const stream = net.stream();
      for (let t = 0; t < T; t++) expectBits(stream.step(stepOf(x, t)), stepOf(expected, t), `step ${t}`);
    }
  });

  test('a sample has the same bits alone and in a batch of any size', () => {
    const net = sequential({ layers: [layers[kind]({ units: 21, returnSequences: true, inputShape: [50, 6] })] });
    const x = numbers(40, 50, 6);
    const all = net.predict<Tensor>(x, { batchSize: 40 }).dataSync();
    expectBits(net.predict<Tensor>(x, { batchSize: 7 }).dataSync(), all);
    const one = tensor(x.dataSync().slice(0, 300), [1, 50, 6]);
    expectBits(net.predict<Tensor>(one).dataSync(), all.subarray(0, 50 * 21));
  });

  test('a stateful layer gives the same bits for a sequence in one batch and in two', () => {
    const net = sequential({ layers: [layers[kind]({ units: 9, stateful: true, batchInputShape: [1, null, 4] })] });
    const x = numbers(1, 11, 4);
    const expected = net.predict<Tensor>(x).dataSync();
    net.resetStates();
    net.predict(tensor(x.dataSync().slice(0, 20), [1, 5, 4]));
    expectBits(net.predict<Tensor>(tensor(x.dataSync().slice(20), [1, 6, 4])).dataSync(), expected);
  });

  test('getConfig has all options but those of a recurrent kernel, and describes the same model', async () => {
    const gates = kind === 'minGRU' ? 2 : 3;
    const layer = layers[kind]({
      units: 4,
      activation: 'gelu',
      biasInitializer: 'ones',
      kernelRegularizer: 'l2',
      kernelConstraint: 'maxNorm',
      dropout: 0.25,
      returnSequences: true,
      goBackwards: true,
      unroll: true,
      inputShape: [3, 2],
    });
    const net = sequential({ layers: [layer] });
    expect(layer.className).toBe(kind === 'minGRU' ? 'MinGRU' : 'MinLSTM');
    expect(layer.name).toMatch(kind === 'minGRU' ? /^min_gru_MinGRU/ : /^min_lstm_MinLSTM/);
    expect(net.getWeights().map(({ shape }) => shape)).toEqual([[2, 4 * gates], [4 * gates]]);
    expect(layer.weightPaths.map(path => path.split('/').at(-1))).toEqual(['kernel', 'bias']);
    const config = layer.getConfig();
    expect(config).toMatchObject({ units: 4, activation: 'gelu', useBias: true, dropout: 0.25, goBackwards: true });
    expect(Object.keys(config).filter(name => name.startsWith('recurrent'))).toEqual([]);
    const copy = await modelFromJSON(net.toJSON());
    expect(copy.layers[0]!.getConfig()).toEqual(config);
    copy.setWeights(net.getWeights());
    const x = numbers(2, 3, 2);
    expectBits(copy.predict<Tensor>(x).dataSync(), net.predict<Tensor>(x).dataSync());
  });

  test('layers and their bidirectional copies have the activation linear by default', () => {
    const one = layers[kind]({ units: 2 });
    expect(one.getConfig().activation).toBe('linear');
    const both = layers.bidirectional({ layer: one });
    expect(both.backwardLayer.getConfig()).toMatchObject({ activation: 'linear', goBackwards: true });
  });

  test('a final state of one layer starts another', () => {
    const x = input({ shape: [4, 3] });
    const [, state] = layers[kind]({ units: 5, returnState: true }).apply(x);
    const net = model({ inputs: x, outputs: layers[kind]({ units: 5 }).apply(x, { initialState: [state!] }) });
    const alone = sequential({ layers: [layers[kind]({ units: 5, inputShape: [8, 3] })] });
    net.setWeights([...net.getWeights().slice(0, 2), ...net.getWeights().slice(0, 2)]);
    alone.setWeights(net.getWeights().slice(0, 2));
    const once = numbers(2, 4, 3);
    const flat = once.dataSync();
    const twice = [0, 0, 1, 1].flatMap(b => [...flat.subarray(b * 12, (b + 1) * 12)]);
    expectBits(
      net.predict<Tensor>(once).dataSync(),
      alone.predict<Tensor>(tensor(Float32Array.from(twice), [2, 8, 3])).dataSync(),
    );
  });

  test('training continues from a snapshot to the same bits', () => {
    const make = () => {
      const net = sequential({
        layers: [layers[kind]({ units: 6, dropout: 0.3, seed: 3, inputShape: [5, 2] }), layers.dense({ units: 1 })],
      });
      net.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
      return net;
    };
    const [x, y] = [numbers(8, 5, 2), numbers(8, 1)];
    const net = make();
    net.trainOnBatch(x, y);
    const snapshot = net.snapshot();
    net.trainOnBatch(x, y);
    const other = make();
    other.restore(snapshot);
    other.trainOnBatch(x, y);
    for (const [n, weight] of net.getWeights().entries()) {
      expectBits(other.getWeights()[n]!.dataSync(), weight.dataSync());
    }
  });

  test('learns to return the value of the marked time step', () => {
    const [B, T] = [64, 12];
    const batch = () => {
      const x = new Float32Array(B * T * 2);
      const y = new Float32Array(B);
      for (let b = 0; b < B; b++) {
        const marked = Math.floor(((random.uniform() + 1) / 2) * T) % T;
        for (let t = 0; t < T; t++) {
          x[(b * T + t) * 2] = random.uniform();
          x[(b * T + t) * 2 + 1] = Number(t === marked);
        }
        y[b] = x[(b * T + marked) * 2]!;
      }
      return [tensor(x, [B, T, 2]), tensor(y, [B, 1])] as const;
    };
    const net = sequential({
      layers: [layers[kind]({ units: 8, inputShape: [T, 2] }), layers.dense({ units: 1 })],
    });
    net.compile({ optimizer: train.adam(0.02), loss: 'meanSquaredError' });
    const before = net.testOnBatch(...batch()) as number;
    for (let step = 0; step < 400; step++) net.trainOnBatch(...batch());
    const after = net.testOnBatch(...batch()) as number;
    expect(before).toBeGreaterThan(0.2); // the variance of the values is 1/3
    expect(after).toBeLessThan(0.01);
  });
});
