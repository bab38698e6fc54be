// ONNX files of masked sequences: loaded again, and run by onnxruntime-web.

import { input, layers, model, sequential, type Tensor, tensor } from 'lstm-wasm';
import { loadOnnxModel, toOnnx } from 'lstm-wasm/onnx';
import { expect, test } from 'vitest';
import { loadOnnxRuntimeWeb } from '../../scripts/onnxruntime.js';
import type { LayersModel } from '../../src/index.ts';
import { type GraphProto, type NodeProto, readModel, type TensorProto, writeModel } from '../../src/onnx/proto.ts';
import { RandomGenerator } from '../../src/util/randomGenerator.ts';
import { expectBits, expectClose } from '../compare.ts';
import { maskedInputs, maskModels } from './maskModels.ts';
import { mutantsOf } from './mutants.ts';
import { open, type Session } from './runtime.ts';

const ort = await loadOnnxRuntimeWeb();

type Inputs = { [name: string]: Tensor };

const close = { abs: 2e-6, rel: 0 };

const predict = (net: LayersModel, x: Inputs): Tensor[] => [net.predict<Tensor | Tensor[]>(Object.values(x))].flat();

/** The outputs of a session, in order. */
async function run(session: Session, x: Inputs): Promise<Tensor[]> {
  const values = Object.values(x);
  const feeds = Object.fromEntries(session.inputNames.slice(0, values.length).map((name, n) => [name, values[n]!]));
  const results = await session.run(feeds);
  return session.outputNames.map(name => results[name]!);
}

test.each(Object.entries(maskModels))(
  'a masked model predicts the same bits when loaded from ONNX, and is exported again: %s',
  async (_, make) => {
    const net = make();
    const bytes = toOnnx(net);
    const copy = await loadOnnxModel(bytes);
    const [first, second] = [await open(ort, bytes), await open(ort, toOnnx(copy))];
    for (const steps of [[5], [3]]) {
      const x = maskedInputs(net, steps);
      const [expected, got] = [net, copy].map(each => predict(each, x));
      const [before, after] = [await run(first, x), await run(second, x)];
      expect(got!.map(({ shape }) => shape)).toEqual(expected!.map(({ shape }) => shape));
      for (const [n, y] of expected!.entries()) {
        expectBits(got![n]!.dataSync(), y.dataSync());
        expectClose(before[n]!.dataSync(), y.dataSync(), close);
        expectClose(after[n]!.dataSync(), before[n]!.dataSync(), close);
      }
    }
    await first.close();
    await second.close();
  },
);

test.each(Object.entries(maskModels).filter(([name]) => /stacked|encoder|shared|embedding$/.test(name)))(
  'a masked model whose file has states predicts the same bits when loaded: %s',
  async (_, make) => {
    const net = make();
    const x = maskedInputs(net);
    for (const states of [true, 'optional'] as const) {
      const copy = await loadOnnxModel(toOnnx(net, { states }));
      const [expected, got] = [net, copy].map(each => predict(each, x));
      expect(got).toHaveLength(expected!.length);
      for (const [n, y] of expected!.entries()) expectBits(got![n]!.dataSync(), y.dataSync());
    }
  },
);

const configsOf = (net: LayersModel) =>
  net.layers.map(layer => {
    const { className, maskValue, maskZero, goBackwards, returnSequences, mergeMode } = {
      className: layer.className,
      ...layer.getConfig(),
    } as Record<string, unknown>;
    return { className, maskValue, maskZero, goBackwards, returnSequences, mergeMode };
  });

test.each(['lstm, bidirectional, mul', 'masking of hidden layers', 'embedding', 'masking alone'])(
  'a sequential model of masked sequences loads with the same layers: %s',
  async name => {
    const net = maskModels[name]!();
    const copy = await loadOnnxModel(toOnnx(net));
    expect(copy.constructor).toBe(net.constructor);
    expect(configsOf(copy)).toEqual(configsOf(net));
  },
);

test.each(['timeDistributed and activations', 'rnn of several cells', 'masking alone', 'encoder and decoder'])(
  'the loss of a loaded model ignores the steps that the exported one ignores: %s',
  async name => {
    const net = maskModels[name]!();
    const copy = await loadOnnxModel(toOnnx(net));
    const x = Object.values(maskedInputs(net));
    const [{ shape, size }] = predict(net, maskedInputs(net)) as [Tensor];
    const y = tensor(
      Float32Array.from({ length: size }, (_, n) => Math.sin(n)),
      shape,
    );
    const losses = await Promise.all(
      [net, copy].map(async each => {
        each.compile({ loss: 'meanSquaredError', optimizer: 'sgd' });
        return (await each.evaluate<Tensor>(x, y)).dataSync()[0];
      }),
    );
    expect(losses[1]).toBe(losses[0]);
  },
);

// ------------------------------------------------------------------------------------------------------------ changes

/** A tensor in the order [batch, time], in which loaded models output sequences. */
function batchFirst(y: Tensor, [batch]: readonly number[]): Tensor {
  if (y.shape[0] === batch) return y;
  const rows = y.arraySync() as unknown[][];
  return tensor(rows[0]!.map((_, n) => rows.map(row => row[n])) as number[][][]);
}

/** Loads a changed file; whether it is refused, invalid for ONNX Runtime, or predicts the same as there. */
async function outcomeOf(bytes: Uint8Array, x: Inputs, what: string): Promise<'refused' | 'invalid' | 'same'> {
  let copy: LayersModel;
  try {
    copy = await loadOnnxModel(bytes);
  } catch (error) {
    expect((error as Error).message, what).toMatch(/^loadOnnxModel: /);
    return 'refused';
  }
  let expected: Tensor[];
  try {
    const session = await open(ort, bytes);
    expected = await run(session, x).finally(() => session.close());
  } catch {
    return 'invalid';
  }
  for (const [n, y] of predict(copy, x).entries()) {
    expectClose(y.dataSync(), batchFirst(expected[n]!, y.shape).dataSync(), { abs: 2e-5, rel: 0, what });
  }
  return 'same';
}

/** The models whose files are changed, and which of the changes are tested: every nth. */
const changed: [string, number][] = [
  ['rnn, stacked, backwards', 41],
  ['lstm, bidirectional, concat', 97],
  ['minGRU, stacked, backwards', 61],
  ['minLSTM, bidirectional, ave', 211],
  ['rnn of several cells', 41],
  ['rnn of several cells, backwards', 307],
  ['embedding', 29],
  ['attention', 139],
  ['attention with a scale, causal', 431],
  ['additiveAttention', 197],
  ['multiHeadAttention, causal', 997],
  ['multiply', 127],
  ['maximum', 127],
  ['concatenate', 197],
  ['masks of calls', 307],
];
test.each(changed)(
  'loadOnnxModel refuses a changed file of masked sequences, or computes the same as ONNX Runtime: %s',
  async (name, nth) => {
    const net = maskModels[name]!();
    const x = maskedInputs(net);
    const counts = { refused: 0, invalid: 0, same: 0 };
    let n = 0;
    for (const { what, bytes } of mutantsOf(net)) if (n++ % nth === 0) counts[await outcomeOf(bytes(), x, what)]++;
    expect(counts.refused).toBeGreaterThan(counts.invalid);
    expect(counts.refused + counts.same).toBeGreaterThan(8);
  },
);

type Nodes = (op: string, n?: number) => NodeProto;

/** The file of a model after a change. */
function withChange(
  name: string,
  change: (nodes: Nodes, tensors: Map<string, TensorProto>, graph: GraphProto) => void,
) {
  const file = readModel('test', toOnnx(maskModels[name]!()));
  const graph = file.graph!;
  const scan = graph.node.find(({ opType }) => opType === 'Scan')?.attribute.find(({ g }) => g)?.g;
  const all = [...graph.node, ...(scan?.node ?? [])];
  const nodes: Nodes = (op, n = 0) => all.filter(({ opType }) => opType === op)[n]!;
  change(nodes, new Map(graph.initializer.map(one => [one.name, one])), graph);
  return writeModel(file);
}

const setInput = (node: NodeProto, index: number, name: string) => {
  node.input[index] = name;
};
const rewrite = (tensors: Map<string, TensorProto>, name: string, value: number) => {
  tensors.get(name)!.rawData = new Uint8Array(Float32Array.of(value).buffer);
};

test('another mask value in the file is that of the loaded masking layer', async () => {
  const bytes = withChange('rnn, stacked, backwards', (_, tensors) => rewrite(tensors, 'number_-1.5', 0.25));
  const copy = await loadOnnxModel(bytes);
  expect(copy.layers[0]!.getConfig()).toMatchObject({ maskValue: 0.25 });
});

const refused: [string, string, Parameters<typeof withChange>[1], RegExp][] = [
  [
    'masked steps that are not set to zero',
    'rnn, stacked, backwards',
    nodes => setInput(nodes('Where'), 2, nodes('Equal').input[1]!),
    /'masking_\S+', Where\): input number 3 must depend on the input of the model, got float32 numbers/,
  ],
  [
    'steps that count if all features differ',
    'rnn, stacked, backwards',
    nodes => {
      nodes('ReduceMax').opType = 'ReduceMin';
    },
    /any', ReduceMin\): must be Not, Cast, ReduceMax, Unsqueeze to continue with a mask/,
  ],
  [
    'a maximum over the time steps',
    'rnn, stacked, backwards',
    nodes => {
      nodes('ReduceMax').attribute.find(({ name }) => name === 'axes')!.ints = [1];
    },
    /any', ReduceMax\): must be a part of a mask in the form of masking/,
  ],
  [
    'ids that differ from another number than 0',
    'embedding',
    (_, tensors) => {
      tensors.get('int_0')!.rawData = new Uint8Array(BigInt64Array.of(3n).buffer);
    },
    /counts', Unsqueeze\): must be a part of a mask in the form of masking, or of ids other than 0/,
  ],
  [
    'a mask of the steps in another order',
    'rnn, stacked, backwards',
    nodes => {
      nodes('Scan').attribute.find(({ name }) => name === 'scan_input_directions')!.ints = [0, 1];
    },
    /Scan\): must run in one direction, got 0, 1, 0/,
  ],
  [
    'a loop that replaces the states where the mask is false',
    'rnn, stacked, backwards',
    nodes => {
      const where = nodes('Where', 1);
      where.input = [where.input[0]!, where.input[2]!, where.input[1]!];
    },
    /Scan\): its body must be a step of LSTM, GRU or RNN that keeps its states where a mask is false, .* got another step/,
  ],
  [
    'a loop with another operator',
    'rnn, stacked, backwards',
    nodes => {
      nodes('Identity').opType = 'Tanh';
    },
    /Scan\): its body must be .* got Tanh 'simple_rnn_\S+\/out'; export the model .* without masks/,
  ],
  [
    'a loop that returns the cell state',
    'embedding',
    nodes => setInput(nodes('Identity'), 0, nodes('Where', 1).output[0]!),
    /Scan\): its body must be a step of LSTM, GRU or RNN/,
  ],
  [
    'the mask of another sequence',
    'encoder and decoder',
    nodes => setInput(nodes('Scan', 1), 3, nodes('Scan').input[3]!),
    /LSTM\): its masks must be those of its inputs, or outputs \[batch, time\], got another mask/,
  ],
  [
    'masked keys whose scores are lowered by less',
    'attention',
    (_, tensors) => rewrite(tensors, 'number_1000000000', 1e5),
    /the scores of masked keys must be lower by 1000000000, got /,
  ],
  [
    'masked keys of several heads with another score',
    'multiHeadAttention',
    (_, tensors) => rewrite(tensors, 'number_-2.372671e+38', -1e9),
    /the scores of masked keys must be -2.37\d+e\+38, got -1000000000/,
  ],
  [
    'a factor other than 1 where it is masked',
    'multiply',
    (_, tensors) => rewrite(tensors, 'number_1', 2),
    /Where\): input number 3 must depend on the input of the model, got float32 numbers/,
  ],
  [
    'a maximum that takes the second input where the second one is masked',
    'maximum',
    nodes => setInput(nodes('Where', 3), 2, nodes('Max').input[1]!),
    /'maximum_\S+', Where\): must select the other input at the masked steps of an input, got another output/,
  ],
];
test.each(refused)('loadOnnxModel refuses %s', async (_, name, change, message) => {
  await expect(loadOnnxModel(withChange(name, change))).rejects.toThrow(message);
});

test('loadOnnxModel refuses a mask above directions of different kinds, and names the node', async () => {
  const net = sequential({
    layers: [
      layers.masking({ inputShape: [null, 3] }),
      layers.bidirectional({
        layer: layers.gru({ units: 2, returnSequences: true }),
        backwardLayer: layers.lstm({ units: 2, returnSequences: true, goBackwards: true }),
      }),
      layers.simpleRNN({ units: 2, name: 'top' }),
    ],
  });
  await expect(loadOnnxModel(toOnnx(net))).rejects.toThrow(
    /\('top', RNN\): its masks must be those of its inputs, or outputs \[batch, time\], got another mask/,
  );
});

test('each of 300 corrupted files of masked sequences loads, or is rejected with an error that names the part', async () => {
  const bytes = toOnnx(maskModels['multiHeadAttention, causal']!());
  const generator = new RandomGenerator(5);
  for (let n = 0; n < 300; n++) {
    const changed = bytes.slice();
    for (let k = 0; k <= n % 3; k++) changed[generator.below(changed.length)] = generator.below(256);
    await loadOnnxModel(changed).catch((error: Error) => expect(error.message).toMatch(/^loadOnnxModel: /));
  }
});

test('a mask of any length that a layer computes is exported, and refused by loadOnnxModel', async () => {
  const [x, given] = [input({ shape: [null, 3], name: 'x' }), input({ shape: [null], name: 'given' })];
  const mask = layers.activation({ activation: 'relu' }).apply(given);
  const net = model({ inputs: [x, given], outputs: layers.gru({ units: 4 }).apply(x, { mask }) });
  const bytes = toOnnx(net);
  const session = await open(ort, bytes);
  for (const steps of [3, 5]) {
    const inputs = maskedInputs(net, [steps]);
    const [expected] = predict(net, inputs);
    expectClose((await run(session, inputs))[0]!.dataSync(), expected!.dataSync(), close);
  }
  await session.close();
  await expect(loadOnnxModel(bytes)).rejects.toThrow("graph.input[1] ('given') must have a fixed last axis");
});
