/** `inspect`: gates and states against the float64 reference; the model does not change. */

import {
  type Layer,
  layers,
  model,
  type Sequential,
  sequential,
  setRandomSeed,
  input as symbol,
  ValueError,
} from 'lstm-wasm';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectBits, expectClose } from '../compare.ts';
import { sigmoid } from '../reference/activations.ts';
import { gruForward } from '../reference/gru.ts';
import { lstmForward } from '../reference/lstm.ts';
import { minRnnForward } from '../reference/minRnn.ts';
import { Random } from '../reference/random.ts';
import { curves } from '../reference/recurrent.ts';

const random = new Random(31);
const input = (B: number, T: number, D: number) => {
  const flat = random.normals([B * T * D]).data;
  const nested = Array.from({ length: B }, (_, b) =>
    Array.from({ length: T }, (_, t) => Array.from(flat.slice((b * T + t) * D, (b * T + t + 1) * D))),
  );
  return { flat, nested };
};
const weightsOf = (model: Sequential) => model.getWeights().map(tensor => tensor.dataSync());
const tolerance = { abs: 2e-6, rel: 2e-5 };

/** Sizes with and without padded units, narrow and wide inputs, few and many rows. */
const sizes = [
  { B: 1, T: 1, D: 1, U: 1 },
  { B: 3, T: 5, D: 2, U: 7 },
  { B: 50, T: 4, D: 12, U: 20 },
];

beforeEach(() => setRandomSeed(3));

describe('model.inspect', () => {
  it('inspect tells layers of one name in two nested models apart', () => {
    const part = (name: string) =>
      sequential({ name, layers: [layers.lstm({ units: 2, inputShape: [3, 2], name: 'memory' })] });
    const [a, b] = [part('a'), part('b')];
    const x = symbol({ shape: [3, 2] });
    const net = model({ inputs: x, outputs: layers.add().apply([a.apply(x), b.apply(x)]) });
    const { nested } = input(2, 3, 2);
    for (const one of [a, b]) {
      const expected = one.inspect('memory', nested).h.dataSync();
      expectBits(net.inspect(one.layers[0]!, nested).h.dataSync(), expected);
    }
    expect(() => net.inspect('memory', nested)).toThrow(
      "model.inspect: layer must be the name of one layer, got that of 2, 'memory'; pass the layer",
    );
  });

  it.each(sizes)('inspect returns i f g o c h of an lstm, B $B T $T D $D U $U', ({ B, T, D, U }) => {
    const model = sequential({ layers: [layers.lstm({ units: U, inputShape: [T, D] }), layers.dense({ units: 1 })] });
    const [kernel, recurrentKernel, bias] = weightsOf(model);
    const x = input(B, T, D);
    const inspected = model.inspect(model.layers[0]!, x.nested);
    const reference = lstmForward({
      sizes: { B, T, D, U },
      x: x.flat,
      kernel: kernel!,
      recurrentKernel: recurrentKernel!,
      bias: bias!,
    });
    expect(Object.keys(inspected)).toEqual(['i', 'f', 'g', 'o', 'c', 'h']);
    const { z, c } = reference.cache;
    const gate = (block: number, activation: (z: number) => number) =>
      inOrder(B, T, U, (b, t, u) => activation(z[t]![b * 4 * U + block * U + u]!));
    const expected = {
      i: gate(0, sigmoid),
      f: gate(1, sigmoid),
      g: gate(2, Math.tanh),
      o: gate(3, sigmoid),
      c: inOrder(B, T, U, (b, t, u) => c[t + 1]![b * U + u]!),
      h: reference.outputs,
    };
    for (const [name, values] of Object.entries(expected)) {
      const tensor = inspected[name as 'h'];
      expect(tensor.shape).toEqual([B, T, U]);
      expectClose(tensor.dataSync(), values, { ...tolerance, what: name });
    }
  });

  it.each(sizes)('inspect returns z r n h of a gru, B $B T $T D $D U $U', ({ B, T, D, U }) => {
    const model = sequential({ layers: [layers.gru({ units: U, inputShape: [T, D], returnSequences: true })] });
    const [kernel, recurrentKernel, bias] = weightsOf(model);
    const x = input(B, T, D);
    const inspected = model.inspect(model.layers[0]!.name, x.nested);
    const { outputs } = gruForward({
      sizes: { B, T, D, U },
      x: x.flat,
      kernel: kernel!,
      recurrentKernel: recurrentKernel!,
      bias: bias!,
      resetAfter: true,
    });
    expect(Object.keys(inspected)).toEqual(['z', 'r', 'n', 'h']);
    const [z, r, n, h] = [inspected.z!, inspected.r!, inspected.n!, inspected.h].map(tensor => tensor.dataSync());
    expectClose(h!, outputs, { ...tolerance, what: 'h' });
    const before = inOrder(B, T, U, (b, t, u) => (t === 0 ? 0 : outputs[(b * T + t - 1) * U + u]!));
    expectClose(
      h!,
      before.map((previous, k) => z![k]! * previous + (1 - z![k]!) * n![k]!),
      { ...tolerance, what: 'h from z and n' },
    );
    // The reset gate computed from its weights.
    const expectedReset = inOrder(B, T, U, (b, t, u) => {
      let sum = bias![U + u]! + bias![4 * U + u]!;
      for (let d = 0; d < D; d++) sum += x.flat[(b * T + t) * D + d]! * kernel![d * 3 * U + U + u]!;
      for (let k = 0; k < U; k++) sum += before[(b * T + t) * U + k]! * recurrentKernel![k * 3 * U + U + u]!;
      return sigmoid(sum);
    });
    expectClose(r!, expectedReset, { ...tolerance, what: 'r' });
  });

  it('inspect returns the outputs of a simpleRNN at every time step', () => {
    const rnn = layers.simpleRNN({ units: 5, inputShape: [6, 3], returnSequences: true });
    const model = sequential({ layers: [rnn] });
    const { nested } = input(2, 6, 3);
    const inspected = model.inspect(rnn, nested);
    expect(Object.keys(inspected)).toEqual(['h']);
    expectBits(inspected.h.dataSync(), model.predictOnBatch(nested).dataSync());
  });

  it.each(sizes)('inspect returns z n h of a minGRU and f i g h of a minLSTM, B $B T $T D $D U $U', sizes => {
    const { B, T, D, U } = sizes;
    for (const kind of ['minGRU', 'minLSTM'] as const) {
      const layer = layers[kind]({ units: U, activation: 'tanh', inputShape: [T, D], biasInitializer: 'randomNormal' });
      const model = sequential({ layers: [layer] });
      const [kernel, bias] = weightsOf(model);
      const x = input(B, T, D);
      const inspected = model.inspect(layer, x.nested);
      const { outputs, cache } = minRnnForward({
        sizes,
        x: x.flat,
        kernel: kernel!,
        bias: bias!,
        activation: curves.tanh,
      });
      const letters = kind === 'minGRU' ? ['z', 'n', 'h'] : ['f', 'i', 'g', 'h'];
      expect(Object.keys(inspected)).toEqual(letters);
      for (const [gate, letter] of letters.slice(0, -1).entries()) {
        const activation = gate < letters.length - 2 ? sigmoid : Math.tanh;
        const G = (letters.length - 1) * U;
        const expected = inOrder(B, T, U, (b, t, u) => activation(cache.sums[t]![b * G + gate * U + u]!));
        expectClose(inspected[letter]!.dataSync(), expected, { ...tolerance, what: letter });
      }
      expectClose(inspected.h.dataSync(), outputs, { ...tolerance, what: 'h' });
    }
  });

  it('inspect of a middle layer changes neither weights nor states', () => {
    const stateful = { units: 6, stateful: true, returnSequences: true };
    const model = sequential({
      layers: [
        layers.lstm({ ...stateful, batchInputShape: [2, 4, 3] }),
        layers.gru({ ...stateful, name: 'middle' }),
        layers.dense({ units: 1 }),
      ],
    });
    const { nested } = input(2, 4, 3);
    model.predict(nested);
    const states = model.getStates().flat();
    const weights = weightsOf(model);
    const first = model.inspect('middle', nested);
    for (const [n, state] of model.getStates().flat().entries()) expectBits(state.dataSync(), states[n]!.dataSync());
    for (const [n, weight] of weightsOf(model).entries()) expectBits(weight, weights[n]!);
    expectBits(model.inspect('middle', nested).h.dataSync(), first.h.dataSync());
    model.predict(nested);
    const last = model.getStates()[1]![0]!.dataSync();
    expectBits(
      last,
      inOrder(2, 1, 6, (b, _, u) => first.h.dataSync()[(b * 4 + 3) * 6 + u]!),
    );
  });

  it('inspect rejects layers that are not recurrent, unknown layers and invalid inputs', () => {
    const model = sequential({
      layers: [
        layers.bidirectional({ layer: layers.lstm({ units: 2 }) as never, inputShape: [2, 1], name: 'both' }),
        layers.dense({ units: 1, name: 'top' }),
      ],
    });
    const x = [[[1], [2]]];
    const expectInspect = (layer: unknown, input: unknown = x) =>
      expect(() => model.inspect(layer as Layer, input as never));
    expectInspect('top').toThrow(
      "model.inspect: layer must be an lstm, gru, simpleRNN, minGRU or minLSTM, got 'top', a Dense layer",
    );
    expectInspect('both').toThrow(
      "model.inspect: layer must be an lstm, gru, simpleRNN, minGRU or minLSTM, got 'both', a Bidirectional layer",
    );
    expectInspect('botth').toThrow("model.inspect: unknown layer 'botth'; did you mean 'both'?");
    expectInspect(layers.dense({ units: 1 })).toThrow('model.inspect: layer must be a layer of the model or its name');
    expectInspect(3).toThrow(ValueError);
    expectInspect('top', [[[1, 2]]]).toThrow('model.inspect: x');
  });
});

/** The values of a function for all indices of [B, T, U] in row-major order. */
function inOrder(B: number, T: number, U: number, value: (b: number, t: number, u: number) => number): number[] {
  return Array.from({ length: B * T * U }, (_, k) => value(Math.floor(k / (T * U)), Math.floor(k / U) % T, k % U));
}
