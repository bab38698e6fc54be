// Streams of every recurrent layer and of embeddings, and layers that cannot be streamed.

import { layers, type Sequential, sequential, setRandomSeed } from 'lstm-wasm';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectBits, expectClose } from '../compare.ts';
import { Random } from '../reference/random.ts';

const random = new Random(12);
const rows = (count: number, width: number) =>
  Array.from({ length: count }, () => [...Float32Array.from(random.normals([width]).data)]);
const tolerance = { abs: 2e-7, rel: 2e-6 };

beforeEach(() => setRandomSeed(5));

const sequences = { returnSequences: true };
type Options = { returnSequences?: boolean; inputShape?: (number | null)[] };
const makers: Record<string, (units: number, options?: Options) => Parameters<Sequential['add']>[0]> = {
  lstm: (units, options) => layers.lstm({ units, ...options }),
  'lstm with other activations': (units, options) =>
    layers.lstm({ units, activation: 'relu', recurrentActivation: 'hardSigmoid', ...options }),
  gru: (units, options) => layers.gru({ units, ...options }),
  'gru, resetAfter: false': (units, options) => layers.gru({ units, resetAfter: false, ...options }),
  simpleRNN: (units, options) => layers.simpleRNN({ units, ...options }),
  minGRU: (units, options) => layers.minGRU({ units, ...options }),
  minLSTM: (units, options) => layers.minLSTM({ units, activation: 'softplus', ...options }),
  rnn: (units, options) => layers.rnn({ cell: [layers.gruCell({ units: 3 }), layers.lstmCell({ units })], ...options }),
};

describe.each(Object.entries(makers))('%s', (_, make) => {
  it.each([1, 3, 4, 20, 33])('step gives the outputs of predict, one time step at a time, %i units', units => {
    for (const width of [1, 3, 12]) {
      const model = sequential({
        layers: [
          make(units, { ...sequences, inputShape: [null, width] }),
          make(units + 2, sequences),
          layers.dense({ units: 2, activation: 'tanh' }),
        ],
      });
      const x = rows(7, width);
      const expected = (model.predict([x]).arraySync() as number[][][])[0]!;
      const stream = model.stream();
      for (const [t, step] of x.entries())
        expectClose(stream.step(step), expected[t]!, { ...tolerance, what: `step ${t}` });
      stream.reset();
      expectClose(stream.step(x[0]!), expected[0]!, tolerance);
    }
  });

  it('step gives the last output of predict for the sequence so far', () => {
    const model = sequential({ layers: [make(5, { inputShape: [null, 2] }), layers.dense({ units: 3 })] });
    const x = rows(5, 2);
    const stream = model.stream();
    for (const t of x.keys()) {
      expectClose(stream.step(x[t]!), model.predict([x.slice(0, t + 1)]).dataSync(), {
        ...tolerance,
        what: `step ${t}`,
      });
    }
  });

  it('setStates returns a stream to an earlier state', () => {
    const model = sequential({ layers: [make(5, { ...sequences, inputShape: [null, 2] }), make(3)] });
    const stream = model.stream();
    stream.step([1, 2]);
    const states = stream.getStates();
    const next = stream.step([2, 1]).slice();
    stream.step([9, 9]);
    stream.setStates(states);
    expectBits(stream.step([2, 1]), next);
  });
});

it('a stream with an embedding accepts one id per step', () => {
  for (const maskZero of [false, true]) {
    const model = sequential({
      layers: [
        layers.embedding({ inputDim: 7, outputDim: 3, maskZero }),
        layers.gru({ units: 4, returnSequences: true }),
        layers.dropout({ rate: 0.5 }),
        layers.lstm({ units: 5 }),
        layers.dense({ units: 7, activation: 'softmax' }),
      ],
    });
    const ids = [3, 0, 6, 1];
    const stream = model.stream();
    for (const t of ids.keys()) {
      expectClose(stream.step([ids[t]!]), model.predict([ids.slice(0, t + 1)]).dataSync(), tolerance);
    }
    const before = stream.getStates().flat();
    for (const id of [7, -1, 1.5, Number.NaN]) {
      expect(() => stream.step([id])).toThrow(/^stream\.step: input must hold integers from 0 to 6/);
    }
    expect(() => stream.step([1, 2])).toThrow('stream.step: input must hold 1 numbers, got 2');
    for (const [n, state] of stream.getStates().flat().entries()) expectBits(state.dataSync(), before[n]!.dataSync());
  }
});

it('a stream passes rectifiers and layers of noise one time step at a time', () => {
  const model = sequential({
    layers: [
      layers.gaussianNoise({ stddev: 1, inputShape: [null, 3] }),
      layers.prelu({ sharedAxes: [1], alphaInitializer: 'randomNormal' }),
      layers.spatialDropout1d({ rate: 0.5 }),
      layers.lstm({ units: 4, ...sequences }),
      layers.gaussianDropout({ rate: 0.5 }),
      layers.thresholdedReLU({ theta: 0.01 }),
      layers.leakyReLU({ alpha: 0.5 }),
      layers.elu({ alpha: 2 }),
      layers.dense({ units: 2 }),
    ],
  });
  const x = rows(5, 3);
  const expected = (model.predict([x]).arraySync() as number[][][])[0]!;
  const stream = model.stream();
  for (const [t, step] of x.entries())
    expectClose(stream.step(step), expected[t]!, { ...tolerance, what: `step ${t}` });
});

it('a masked time step of a stream repeats the output', () => {
  const model = sequential({
    layers: [layers.masking({ inputShape: [null, 2] }), layers.simpleRNN({ units: 3 })],
  });
  const stream = model.stream();
  const first = stream.step([1, 2]).slice();
  expectBits(stream.step([0, 0]), first);
  expect([...stream.step([1, 2])]).not.toEqual([...first]);
});

describe('layers that cannot be streamed', () => {
  const anyLength = { inputShape: [null, 2] };
  it.each([
    ['a gru that runs backwards', () => [layers.gru({ units: 2, goBackwards: true, ...anyLength })]],
    ['a bidirectional layer', () => [layers.bidirectional({ layer: layers.gru({ units: 2 }), ...anyLength })]],
  ])('model.stream rejects %s', (_, make) => {
    const model = sequential({ layers: make() });
    expect(() => model.stream()).toThrow(/^model\.stream: no layer may run backwards in time, as '.*' does$/);
  });

  it.each([
    ['flatten', () => [layers.lstm({ units: 2, ...sequences, inputShape: [3, 2] }), layers.flatten()]],
    ['repeatVector', () => [layers.lstm({ units: 2, ...anyLength }), layers.repeatVector({ n: 3 })]],
    ['pooling', () => [layers.lstm({ units: 2, returnSequences: true, ...anyLength }), layers.maxPooling1d()]],
    ['global pooling', () => [layers.globalMaxPooling1d(anyLength)]],
    ['padding', () => [layers.zeroPadding1d(anyLength)]],
    ['prelu with slopes for each time step', () => [layers.prelu({ inputShape: [3, 2] })]],
    ['a reshape', () => [layers.lstm({ units: 2, ...anyLength }), layers.reshape({ targetShape: [2, 1] })]],
    ['a reshape to another number of time steps', () => [layers.reshape({ inputShape: [4, 2], targetShape: [2, 4] })]],
    ['a reshape to the same shape', () => [layers.reshape({ inputShape: [4, 2], targetShape: [4, 2] })]],
  ])('model.stream rejects %s', (_, make) => {
    const model = sequential({ layers: make() });
    expect(() => model.stream()).toThrow(/^model\.stream: every layer must work on one time step at a time/);
  });
});
