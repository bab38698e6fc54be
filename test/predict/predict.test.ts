/** `lstm-wasm/predict` beside the full package: the same files, the same bits. */

import { describe, expect, it } from 'vitest';
import * as lw from '../../src/index.ts';
import { dense, gru, type LoadModelOptions, loadModel, lstm, type ModelArtifacts } from '../../src/predict/index.ts';

const kinds = [lstm, gru, dense];

async function artifactsOf(model: lw.LayersModel): Promise<ModelArtifacts> {
  let found: ModelArtifacts | null = null;
  await model.save({
    save: async artifacts => {
      found = artifacts;
      return {} as lw.SaveResult;
    },
  });
  return found!;
}

const load = async (model: lw.LayersModel, options: Partial<LoadModelOptions> = {}) => {
  const artifacts = await artifactsOf(model);
  const { simd } = lw.backendInfo();
  return loadModel({ load: async () => artifacts }, { layers: kinds, simd, ...options });
};

/** Numbers from -1 to 1. */
const numbers = (...shape: number[]) => lw.randomUniform(shape, -1, 1, 'float32', 5);

/** Replaces all weights, biases included, by random numbers. */
function randomize(model: lw.LayersModel): void {
  model.setWeights(model.getWeights().map((w, n) => lw.randomUniform(w.shape, -0.6, 0.6, 'float32', n)));
}

const { layers } = lw;
const models: [string, number[], () => lw.Layer[]][] = [
  ['lstm, dense', [7, 3], () => [layers.lstm({ units: 5, inputShape: [null, 3] }), layers.dense({ units: 2 })]],
  [
    'lstm of a wide input',
    [5, 19],
    () => [layers.lstm({ units: 33, inputShape: [5, 19] }), layers.dense({ units: 3, activation: 'softmax' })],
  ],
  [
    'stacked lstm, dense at each step',
    [6, 2],
    () => [
      layers.lstm({ units: 9, returnSequences: true, inputShape: [6, 2] }),
      layers.dropout({ rate: 0.5 }),
      layers.lstm({ units: 4, returnSequences: true, activation: 'relu', recurrentActivation: 'hardSigmoid' }),
      layers.timeDistributed({ layer: layers.dense({ units: 3, activation: 'tanh' }) }),
    ],
  ],
  [
    'gru with resetAfter, without a bias, and backwards',
    [8, 4],
    () => [
      layers.gru({ units: 6, returnSequences: true, inputShape: [8, 4] }),
      layers.gru({ units: 5, resetAfter: false, returnSequences: true, useBias: false }),
      layers.lstm({ units: 7, goBackwards: true }),
      layers.dense({ units: 1, useBias: false, activation: 'logSoftmax' }),
    ],
  ],
  [
    'dense only',
    [6],
    () => [layers.dense({ units: 40, activation: 'gelu', inputShape: [6] }), layers.dense({ units: 2 })],
  ],
  ['dense of a sequence', [4, 6], () => [layers.dense({ units: 3, inputShape: [4, 6] }), layers.dense({ units: 2 })]],
];

describe('the predictions have the bits of the full package', () => {
  it.each(models)('of a model with %s', async (_name, sample, make) => {
    const model = lw.sequential({ layers: make() });
    randomize(model);
    const small = await load(model);
    for (const count of [1, 3, 32, 71]) {
      const x = numbers(count, ...sample);
      const expected = model.predict(x);
      const { data, shape } = small.predict({ data: x.dataSync(), shape: x.shape });
      expect(shape).toEqual(expected.shape);
      expect(data).toEqual(expected.dataSync());
      expect(small.predict(x.arraySync()).data).toEqual(data);
    }
  });

  it('of a stateful model, whose states are carried and reset', async () => {
    const model = lw.sequential({
      layers: [
        layers.lstm({ units: 5, stateful: true, returnSequences: true, batchInputShape: [4, 3, 2] }),
        layers.gru({ units: 3, stateful: true }),
        layers.dense({ units: 1 }),
      ],
    });
    randomize(model);
    const small = await load(model);
    for (const reset of [false, false, true]) {
      if (reset) {
        model.resetStates();
        small.resetStates();
      }
      const x = numbers(8, 3, 2);
      expect(small.predict(x.arraySync()).data).toEqual(model.predict(x).dataSync());
    }
    expect(() => small.predict(numbers(3, 3, 2).arraySync())).toThrow(
      /^model\.predict: x must hold a multiple of 4 samples/,
    );
  });

  it.each(models.filter(([name]) => !name.includes('backwards')))(
    'of a stream through %s',
    async (_name, sample, make) => {
      const model = lw.sequential({ layers: make() });
      randomize(model);
      const [stream, small] = [model.stream(), (await load(model)).stream()];
      for (let step = 0; step < 6; step++) {
        if (step === 4) {
          stream.reset();
          small.reset();
        }
        const x = numbers(1, sample.at(-1)!).dataSync();
        expect(small.step(x)).toEqual(stream.step(x));
      }
    },
  );
});

describe('a file', () => {
  const small = () =>
    lw.sequential({ layers: [layers.lstm({ units: 2, inputShape: [3, 1] }), layers.dense({ units: 1 })] });

  it('that a folder holds is read', async () => {
    const model = small();
    const folder = `${process.env.TMPDIR ?? '/tmp'}/lstm-wasm-predict-${process.pid}`;
    await model.save(`file://${folder}`);
    const read = await loadModel(`file://${folder}`, { layers: kinds, simd: lw.backendInfo().simd });
    const x = numbers(2, 3, 1);
    expect(read.predict(x.arraySync()).data).toEqual(model.predict(x).dataSync());
    const { rmSync } = await import('node:fs');
    rmSync(folder, { recursive: true });
  });

  it('with a layer that is not listed is rejected by its name', async () => {
    await expect(load(small(), { layers: [lstm] })).rejects.toThrow(
      /^loadModel: modelTopology\.\S*layers\[1\]\.class_name: must be one of those in the option layers \(LSTM\), got 'Dense'$/,
    );
  });

  it('with peepholes is rejected', async () => {
    const model = lw.sequential({ layers: [layers.lstm({ units: 2, usePeepholes: true, inputShape: [3, 1] })] });
    await expect(load(model)).rejects.toThrow(/use_peepholes: needs the full package/);
  });

  it('without a weight is rejected', async () => {
    const artifacts = await artifactsOf(small());
    const { weightSpecs, weightData } = artifacts;
    const cut = {
      ...artifacts,
      weightSpecs: weightSpecs!.slice(0, -1),
      weightData: (weightData as ArrayBuffer).slice(0, -4),
    };
    await expect(loadModel({ load: async () => cut }, { layers: kinds })).rejects.toThrow(
      /must have the weight 'dense/,
    );
  });

  it('of a graph is rejected', async () => {
    const x = lw.input({ shape: [3, 1] });
    const model = lw.model({ inputs: x, outputs: layers.lstm({ units: 2 }).apply(x) as lw.SymbolicTensor });
    await expect(load(model)).rejects.toThrow(/class_name: must be 'Sequential'/);
  });
});

describe('arguments', () => {
  const ready = () => load(lw.sequential({ layers: [layers.lstm({ units: 2, inputShape: [3, 1] })] }));

  it.each([
    [[[1, 2, 3]], /^model\.predict: x must have the shape \[null, 3, 1\], got \[1, 3\]$/],
    [[[[1], [2]]], /^model\.predict: x must have the shape \[null, 3, 1\], got \[1, 2, 1\]$/],
    [5, /^model\.predict: x must be nested arrays or/],
    [
      { data: new Float32Array(4), shape: [1, 3, 1] },
      /^model\.predict: x\.data must have the 3 numbers of x\.shape, got 4$/,
    ],
  ])('x %j is rejected', async (x, message) => {
    const model = await ready();
    expect(() => model.predict(x as never)).toThrow(message);
  });

  it('a step of the wrong width is rejected', async () => {
    const stream = (await ready()).stream();
    expect(() => stream.step([1, 2])).toThrow(/^stream\.step: input must be 1 numbers/);
    expect(() => stream.step([1], new Float32Array(3))).toThrow(
      /^stream\.step: out must be a Float32Array of 2 numbers/,
    );
  });

  it('options are checked', async () => {
    await expect(loadModel('x', { layers: [5 as never] })).rejects.toThrow(/^loadModel: layers must be a list/);
    await expect(loadModel('x', { layers: kinds, simd: 'fast' as never })).rejects.toThrow(/^loadModel: .*simd/);
    await expect(loadModel('x', { layers: kinds, more: 1 } as never)).rejects.toThrow(
      /^loadModel: unknown option 'more'/,
    );
  });
});
