// Functional models in safetensors files: weights by the names of layers, in Keras's and PyTorch's form.

import { input, type LayersModel, layers, model } from 'lstm-wasm';
import { loadSafetensors, toSafetensors } from 'lstm-wasm/safetensors';
import { expect, test } from 'vitest';

/** Two towers of two lstm layers each, and a nested model. */
function towers() {
  const [a, b] = ['a', 'b'].map(name => input({ shape: [4, 3], name }));
  const tower = (x: ReturnType<typeof input>, name: string) => {
    const first = layers.lstm({ units: 2, name: `${name}1`, returnSequences: true }).apply(x);
    const dropped = layers.dropout({ rate: 0.5, name: `${name}Drop` }).apply(first);
    return layers.lstm({ units: 2, name: `${name}2` }).apply(dropped);
  };
  const p = input({ shape: [2], name: 'p' });
  const inner = model({ inputs: p, outputs: layers.dense({ units: 2, name: 'dense' }).apply(p), name: 'inner' });
  const outputs = [inner.apply(tower(a!, 'left')), layers.dense({ units: 1, name: 'out' }).apply(tower(b!, 'right'))];
  return model({ inputs: [a!, b!], outputs });
}

const bitsOf = (model: LayersModel) => model.getWeights().map(weight => [...weight.dataSync()]);

/** The names in the header of a file. */
function namesIn(bytes: Uint8Array): string[] {
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  return Object.keys(header).filter(name => name !== '__metadata__');
}

test.each(['keras', 'torch'] as const)('the weights of a graph come back with the names of %s', names => {
  const [first, second] = [towers(), towers()];
  const bytes = toSafetensors(first, { names });
  const expected =
    names === 'keras' ? ['dense/bias', 'left1/kernel', 'right2/bias'] : ['dense.bias', 'left1.bias_hh_l0'];
  expect(namesIn(bytes)).toEqual(expect.arrayContaining(expected));
  loadSafetensors(second, bytes, { names });
  expect(bitsOf(second)).toEqual(bitsOf(first));
});

test('layers of a PyTorch module must take the output of each other', () => {
  const net = towers();
  const rule = /must have consecutive layers, with only dropout between them/;
  const wrong: Record<string, string[]>[] = [{ both: ['left1', 'right1'] }, { left: ['left1', 'left2'] }];
  for (const modules of wrong) {
    // The layers of both towers alternate in the order of the weights
    expect(() => toSafetensors(net, { names: 'torch', modules })).toThrow(rule);
  }
  const x = input({ shape: [4, 3] });
  const steps = layers.lstm({ units: 2, name: 'one', returnSequences: true }).apply(x);
  const y = layers.lstm({ units: 2, name: 'two' }).apply(layers.dropout({ rate: 0.5 }).apply(steps));
  const chain = model({ inputs: x, outputs: [y, layers.dense({ units: 1, name: 'head' }).apply(y)] });
  const bytes = toSafetensors(chain, { names: 'torch', modules: { rnn: ['one', 'two'] } });
  expect(namesIn(bytes)).toEqual(expect.arrayContaining(['rnn.weight_ih_l0', 'rnn.weight_ih_l1', 'head.weight']));
});

test('layers of a PyTorch module may be given masks', () => {
  const [x, mask] = [input({ shape: [4, 3] }), input({ shape: [4] })];
  const first = layers.lstm({ units: 2, name: 'one', returnSequences: true }).apply(x, { mask });
  const net = model({ inputs: [x, mask], outputs: layers.lstm({ units: 2, name: 'two' }).apply(first, { mask }) });
  const bytes = toSafetensors(net, { names: 'torch', modules: { rnn: ['one', 'two'] } });
  expect(namesIn(bytes)).toEqual(expect.arrayContaining(['rnn.weight_ih_l0', 'rnn.weight_ih_l1']));
});
