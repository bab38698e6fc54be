// Quantiles, likelihoods and CTC through the public API: compile, fit, evaluate, metrics, masks, weights, several outputs,
// snapshots, files and errors.

import {
  ctcGreedyDecode,
  input,
  io,
  type LayersModel,
  layers,
  loadLayersModel,
  losses,
  type ModelArtifacts,
  model as makeModel,
  type Sequential,
  sequential,
  setRandomSeed,
  type Tensor,
  tensor,
  train,
} from 'lstm-wasm';
import { describe, expect, test } from 'vitest';
import { expectBits, expectClose } from '../compare.ts';
import { ctcByPaths, gradientOf } from '../reference/likelihoods.ts';
import { pinball, type RowLoss, rowLosses } from '../reference/loss.ts';
import { Random } from '../reference/random.ts';

type CompileOptions = Parameters<Sequential['compile']>[0];

const levels = [0.2, 0.5, 0.9];
const kinds: { name: string; loss: CompileOptions['loss']; group: number; row: RowLoss }[] = [
  { name: 'pinball', loss: losses.pinball({ levels }), group: 3, row: pinball(levels) },
  { name: 'gaussianNLL', loss: 'gaussianNLL', group: 2, row: rowLosses.gaussianNLL },
  { name: 'studentTNLL', loss: 'studentTNLL', group: 3, row: rowLosses.studentTNLL },
  { name: 'negativeBinomialNLL', loss: 'negativeBinomialNLL', group: 2, row: rowLosses.negativeBinomialNLL },
];
const [B, T, D] = [5, 3, 4];
const bounds = { abs: 1e-6, rel: 2e-6 };

/** A model and its optimizer, as they are saved. */
async function artifactsOf(model: LayersModel): Promise<ModelArtifacts> {
  const saved: ModelArtifacts[] = [];
  const save = async (artifacts: ModelArtifacts) => {
    saved.push(artifacts);
    return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' as const } };
  };
  await model.save({ save } as never, { includeOptimizer: true });
  return saved[0]!;
}

/** A dense layer at every time step, or on vectors. */
function denseModel(units: number, steps: number | null): Sequential {
  const inputShape = steps === null ? [D] : [steps, D];
  const model = sequential({ layers: [layers.dense({ units, inputShape, useBias: false })] });
  model.setWeights([tensor(Float32Array.from(new Random(units).normals([D, units], 0.7).data), [D, units])]);
  return model;
}

const floats = (seed: number, ...shape: number[]): Tensor =>
  tensor(Float32Array.from(new Random(seed).normals(shape).data), shape);
const counts = (seed: number, ...shape: number[]): Tensor =>
  tensor(
    new Random(seed).normals(shape, 3).data.map(value => Math.floor(Math.abs(value))),
    shape,
  );

describe.each(kinds)('$name', ({ name, loss, group, row }) => {
  test.each([
    [1, null],
    [2, T],
  ])('the loss and one SGD step match the reference for %i targets, with %s time steps', (targets, steps) => {
    const width = targets * group;
    const model = denseModel(width, steps);
    const rows = B * (steps ?? 1);
    const sample = steps === null ? [] : [steps];
    const x = floats(1, B, ...sample, D);
    const y = counts(2, B, ...sample, targets);
    model.compile({ optimizer: train.sgd(0.5), loss });
    const kernel = Float64Array.from(model.getWeights()[0]!.dataSync());
    const [inputs, target] = [x.dataSync(), y.dataSync()];
    const lossOf = (weights: Float64Array) => {
      let sum = 0;
      for (let r = 0; r < rows; r++) {
        const outputs = Array.from({ length: width }, (_, n) => {
          let value = 0;
          for (let d = 0; d < D; d++) value += inputs[r * D + d]! * weights[d * width + n]!;
          return value;
        });
        sum += row(outputs, target.subarray(r * targets, (r + 1) * targets));
      }
      return sum / rows;
    };
    expectClose([model.testOnBatch(x, y) as number], [lossOf(kernel)], { ...bounds, what: 'testOnBatch' });
    expectClose([model.evaluate(x, y).dataSync()[0]!], [lossOf(kernel)], { ...bounds, what: 'evaluate' });
    model.trainOnBatch(x, y);
    const gradient = gradientOf(lossOf, kernel);
    expectClose(
      model.getWeights()[0]!.dataSync(),
      kernel.map((value, n) => value - 0.5 * gradient[n]!),
      { abs: 2e-5, rel: 1e-5, what: 'the weights after a step' },
    );
  });

  test('as a metric it has the value of the loss', () => {
    const model = denseModel(2 * group, T);
    const metric = loss as 'gaussianNLL';
    model.compile({ optimizer: 'sgd', loss, metrics: [metric, metric] });
    expect(model.metricsNames).toEqual(['loss', `${name}_0`, `${name}_1`]);
    const [value, ...same] = model.testOnBatch(floats(1, B, T, D), counts(2, B, T, 2)) as number[];
    expect(same).toEqual([value, value]);
  });

  test('masked time steps and samples of weight 0 do not count', () => {
    const model = sequential({ layers: [layers.masking({ inputShape: [T, D] })] });
    model.add(layers.simpleRNN({ units: group, returnSequences: true }));
    model.compile({ optimizer: 'sgd', loss });
    const [x, y] = [floats(1, B, T, D).dataSync().slice(), counts(2, B, T, 1).dataSync().slice()];
    x.fill(0, D, 2 * D); // step 1 of sample 0
    const weights = [1, 0, 1, 2, 1];
    const of = (targets: Float32Array) =>
      model.testOnBatch(tensor(x, [B, T, D]), tensor(targets, [B, T, 1]), { sampleWeight: weights }) as number;
    const expected = of(y);
    expect(of(y.with(1, -7))).toBe(expected);
    expect(of(y.with(T, -7))).toBe(expected);
    expect(of(y.with(0, 7))).not.toBe(expected);
  });

  test('an output that does not fit is rejected, and nothing changes', () => {
    const model = denseModel(2 * group + 1, null);
    model.compile({ optimizer: 'sgd', loss });
    const before = model.getWeights()[0]!.dataSync();
    const message = `model.trainOnBatch: the output must have ${group} features for each target if the loss is '${name}', got [5, ${2 * group + 1}]`;
    expect(() => model.trainOnBatch(floats(1, B, D), floats(2, B, 2))).toThrow(message);
    expectBits(model.getWeights()[0]!.dataSync(), before);
    const fitting = denseModel(2 * group, null);
    fitting.compile({ optimizer: 'sgd', loss });
    expect(() => fitting.trainOnBatch(floats(1, B, D), floats(2, B, 3))).toThrow(
      'model.trainOnBatch: y must have the shape [5, 2], got [5, 3]',
    );
  });

  test('metrics for other targets are rejected', () => {
    const model = denseModel(2 * group, null);
    for (const metric of ['mae', 'acc', 'ctc'] as const) {
      expect(() => model.compile({ optimizer: 'sgd', loss, metrics: [metric] })).toThrow(
        `model.compile: metrics must be for ${group} predictions for each target if the loss is '${name}', got '${metric}'`,
      );
    }
  });

  test('a saved model and a snapshot continue training with the same bits', async () => {
    const model = denseModel(group, T);
    model.compile({ optimizer: train.adam(0.01), loss, metrics: [loss as 'gaussianNLL'] });
    const [x, y] = [floats(1, B, T, D), counts(2, B, T, 1)];
    model.trainOnBatch(x, y);
    const saved = await artifactsOf(model);
    expect(saved).not.toHaveProperty('trainingConfig');
    const loaded = await loadLayersModel(io.fromMemory(saved));
    const other = denseModel(group, T);
    other.compile({ optimizer: train.adam(0.01), loss, metrics: [loss as 'gaussianNLL'] });
    other.restore(model.snapshot());
    expect(loaded.metricsNames).toEqual(model.metricsNames);
    const expected = [model.trainOnBatch(x, y), model.trainOnBatch(x, y)];
    for (const copy of [loaded, other]) expect([copy.trainOnBatch(x, y), copy.trainOnBatch(x, y)]).toEqual(expected);
  });
});

test.each(['poisson', 'negativeBinomialNLL'] as const)('%s rejects targets below 0 before anything changes', loss => {
  const width = loss === 'poisson' ? 1 : 2;
  const model = sequential({
    layers: [layers.gru({ units: width, stateful: true, returnSequences: true, batchInputShape: [2, T, D] })],
  });
  model.compile({ optimizer: 'sgd', loss });
  const x = floats(1, 2, T, D);
  const y = tensor([[0, 1, 2].map(n => [n]), [3, -0.5, 4].map(n => [n])]);
  const before = [...model.getWeights(), ...(model.getStates() as Tensor[][]).flat()].map(one => one.dataSync());
  const rule = 'y must hold numbers of at least 0, got -0.5';
  expect(() => model.trainOnBatch(x, y)).toThrow(`model.trainOnBatch: ${rule}`);
  expect(() => model.testOnBatch(x, y)).toThrow(`model.testOnBatch: ${rule}`);
  expect(() => model.evaluate(x, y)).toThrow(`model.evaluate: ${rule}`);
  const after = [...model.getWeights(), ...(model.getStates() as Tensor[][]).flat()].map(one => one.dataSync());
  for (const [n, values] of after.entries()) expectBits(values, before[n]!);
  return expect(model.fit(x, y, { batchSize: 2, verbose: 0 })).rejects.toThrow(`model.fit: ${rule}`);
});

test('the options of a loss are a copy', () => {
  const loss = losses.pinball({ levels: [0.1, 0.9] });
  (loss.getConfig().levels as number[]).push(5);
  expect(loss.getConfig()).toEqual({ levels: [0.1, 0.9] });
});

describe('ctc', () => {
  test('custom metrics are given the labels, and weighted with the weights of samples', () => {
    const sequence = sequential({ layers: [layers.gru({ units: 3, returnSequences: true, inputShape: [4, 2] })] });
    const given: unknown[] = [];
    const labels = [
      [1, 2],
      [1, -1],
      [2, 2],
    ];
    sequence.compile({
      optimizer: 'sgd',
      loss: losses.ctc(),
      metrics: [
        function seen(yTrue, yPred) {
          given.push(yTrue.arraySync(), yPred.shape);
          return yPred.mean(-1);
        },
      ],
      weightedMetrics: [() => tensor([1, 2, 3])],
    });
    const results = sequence.testOnBatch(tensor(new Float32Array(24).fill(0.5), [3, 4, 2]), labels, {
      sampleWeight: [1, 0, 3],
    });
    expect(given).toEqual([labels, [3, 4, 3]]);
    expect((results as number[])[2]).toBeCloseTo((1 * 1 + 3 * 3) / 4, 6);
  });

  const [steps, classes] = [6, 4];
  const labels = [[1, 2], [3, 3, 1], [2], [1, 1], []];
  const padded = (width: number, padding = -1) =>
    tensor(labels.map(row => [...row, ...Array.from({ length: width - row.length }, () => padding)]));

  function ctcModel(activation: 'linear' | 'softmax' = 'linear'): Sequential {
    const dense = layers.dense({ units: classes, inputShape: [steps, D], activation });
    const model = sequential({ layers: [dense] });
    model.setWeights([floats(5, D, classes), tensor(new Float32Array(classes), [classes])]);
    model.compile({ optimizer: train.sgd(0.1), loss: 'ctc' });
    return model;
  }

  const x = floats(3, B, steps, D);

  test('the loss is the mean over the samples of the sum over all paths', () => {
    const model = ctcModel();
    const logits = (model.predict(x) as Tensor).dataSync();
    const each = labels.map((row, b) =>
      ctcByPaths(
        Array.from({ length: steps }, (_, t) => {
          const from = (b * steps + t) * classes;
          return logits.subarray(from, from + classes);
        }),
        row,
        0,
      ),
    );
    const mean = each.reduce((sum, value) => sum + value, 0) / B;
    expectClose([model.testOnBatch(x, padded(3)) as number], [mean], bounds);
    expectClose([model.evaluate(x, padded(3)).dataSync()[0]!], [mean], bounds);
    const sampleWeight = [1, 2, 0, 0.5, 3];
    const weighted = each.reduce((sum, value, b) => sum + sampleWeight[b]! * value, 0) / B;
    expectClose([model.testOnBatch(x, padded(3), { sampleWeight }) as number], [weighted], bounds);
  });

  test('padding with -1 or the blank, of any width, gives the same bits', () => {
    const model = ctcModel();
    const expected = model.testOnBatch(x, padded(3));
    for (const y of [padded(4), padded(30), padded(3, 0), padded(30, 0)]) {
      expect(model.testOnBatch(x, y)).toBe(expected);
    }
    const trained = [3, 30, 3].map(width => {
      const other = ctcModel();
      other.trainOnBatch(x, padded(width));
      return other.getWeights()[0]!.dataSync();
    });
    expectBits(trained[1]!, trained[0]!);
    expectBits(trained[2]!, trained[0]!);
  });

  test('with a softmax as its last activation, a model has the same loss and gradients', () => {
    const results = (['linear', 'softmax'] as const).map(activation => {
      const model = ctcModel(activation);
      const loss = model.trainOnBatch(x, padded(3));
      return { loss, kernel: model.getWeights()[0]!.dataSync() };
    });
    expect(results[1]!.loss).toBe(results[0]!.loss);
    expectBits(results[1]!.kernel, results[0]!.kernel);
  });

  test('as a metric it has the options of the loss', () => {
    const model = ctcModel();
    model.compile({ optimizer: 'sgd', loss: losses.ctc({ blank: 3 }), metrics: ['ctc', losses.ctc({ blank: 3 })] });
    expect(model.metricsNames).toEqual(['loss', 'ctc_0', 'ctc_1']);
    const y = tensor([
      [1, 2],
      [0, 0],
      [1, 3],
      [3, 3],
      [2, -1],
    ]);
    const [loss, ...same] = model.testOnBatch(x, y) as number[];
    expect(same).toEqual([loss, loss]);
  });

  test('masked steps shorten the sequence', () => {
    const model = sequential({ layers: [layers.masking({ inputShape: [steps, D] })] });
    model.add(layers.simpleRNN({ units: classes, returnSequences: true }));
    model.compile({ optimizer: 'sgd', loss: 'ctc' });
    const short = sequential({
      layers: [layers.simpleRNN({ units: classes, returnSequences: true, inputShape: [3, D] })],
    });
    short.compile({ optimizer: 'sgd', loss: 'ctc' });
    short.setWeights(model.getWeights());
    const values = x.dataSync().slice(0, steps * D);
    const expected = short.testOnBatch(tensor(values.slice(0, 3 * D), [1, 3, D]), [[1, 2]]);
    values.fill(0, 3 * D);
    expect(model.testOnBatch(tensor(values, [1, steps, D]), [[1, 2]])).toBe(expected);
    const rule = 'y must have a time step for each label, and for a blank between equal labels';
    const long = 'got 3 time steps instead of 4 in sample 0';
    expect(() => model.trainOnBatch(tensor(values, [1, steps, D]), [[1, 1, 2]])).toThrow(
      `model.trainOnBatch: ${rule}, ${long}`,
    );
  });

  test.each([
    ['fit', (model: Sequential, y: Tensor) => model.fit(x, y, { verbose: 0 })],
    ['evaluate', async (model: Sequential, y: Tensor) => model.evaluate(x, y)],
    ['trainOnBatch', async (model: Sequential, y: Tensor) => model.trainOnBatch(x, y)],
    ['testOnBatch', async (model: Sequential, y: Tensor) => model.testOnBatch(x, y)],
  ])('%s rejects labels that do not fit, and changes nothing', async (call, run) => {
    const model = ctcModel();
    const before = model.getWeights()[0]!.dataSync();
    const classRule = 'y must hold numbers of classes from 0 to 3, and after the last label -1 or the blank 0';
    const cases: [wrong: number[], message: string][] = [
      [
        [1, 1, 1, 1],
        'y must have a time step for each label, and for a blank between equal labels, got 6 time steps instead of 7 in sample 2',
      ],
      [[1, 4, -1, -1], `${classRule}, got 4 at index 1 of sample 2`],
      [[1, 1.5, -1, -1], `${classRule}, got 1.5 at index 1 of sample 2`],
      [[1, -1, 2, -1], `${classRule}, got 2 at index 2 of sample 2`],
      [[1, Number.NaN, 2, -1], `${classRule}, got NaN at index 1 of sample 2`],
    ];
    for (const [wrong, message] of cases) {
      const rows = padded(4).arraySync() as number[][];
      const y = tensor(rows.with(2, wrong));
      await expect(run(model, y)).rejects.toThrow(`model.${call}: ${message}`);
    }
    expectBits(model.getWeights()[0]!.dataSync(), before);
  });

  test('outputs, targets, metrics and weights that do not fit are rejected', () => {
    const vector = denseModel(classes, null);
    vector.compile({ optimizer: 'sgd', loss: 'ctc' });
    expect(() => vector.trainOnBatch(floats(1, B, D), padded(3))).toThrow(
      "the output must be a sequence if the loss is 'ctc', got [5, 4]; pass returnSequences: true to the last recurrent layer",
    );
    const model = ctcModel();
    expect(() => model.trainOnBatch(x, floats(1, B, steps, classes))).toThrow(
      'model.trainOnBatch: y must have the shape [5, null], got [5, 6, 4]',
    );
    expect(() => model.trainOnBatch(x, padded(3), { classWeight: { 0: 1 } })).toThrow(
      "model.trainOnBatch: classWeight must be absent for the loss 'ctc', because a sample has several labels",
    );
    const each = { sampleWeight: floats(1, B, steps) };
    expect(() => model.trainOnBatch(x, padded(3), each)).toThrow('sampleWeight must have the shape [5], got [5, 6]');
    expect(() => model.compile({ optimizer: 'sgd', loss: 'ctc', metrics: ['acc'] })).toThrow(
      "model.compile: metrics must be 'ctc' if the loss is 'ctc', got 'acc'",
    );
    model.compile({ optimizer: 'sgd', loss: losses.ctc({ blank: 4 }) });
    expect(() => model.trainOnBatch(x, padded(3))).toThrow(/must have more than 4 features, the number of the blank/);
  });

  test('a recurrent model learns labels, and greedy decoding finds them', async () => {
    setRandomSeed(3);
    const [samples, length] = [64, 12];
    const random = new Random(11);
    const truth = Array.from({ length: samples }, () =>
      Array.from({ length: 3 }, () => 1 + Math.floor(((random.uniform() + 1) / 2) * 3)),
    );
    // Each label lasts two steps, with a step of nothing before it
    const signal = truth.map(row =>
      Array.from({ length }, (_, t) => {
        const label = t % 4 > 0 ? row[Math.floor(t / 4)]! : 0;
        return Array.from({ length: 3 }, (_, k) => Number(k + 1 === label) + 0.1 * random.normal());
      }),
    );
    const model = sequential({
      layers: [
        layers.gru({ units: 16, returnSequences: true, inputShape: [length, 3] }),
        layers.timeDistributed({ layer: layers.dense({ units: 4 }) }),
      ],
    });
    model.compile({ optimizer: train.adam(0.02), loss: 'ctc' });
    const { history } = await model.fit(tensor(signal), tensor(truth), { epochs: 60, batchSize: 16, verbose: 0 });
    expect(history.loss!.at(-1)!).toBeLessThan(0.1);
    expect(ctcGreedyDecode(model.predict(tensor(signal)) as Tensor)).toEqual(truth);
  });
});

test('a model with several outputs has several losses with options', async () => {
  const x = input({ shape: [T, D] });
  const sequence = layers.simpleRNN({ units: 6, returnSequences: true }).apply(x);
  const text = layers.dense({ units: 4, name: 'text' }).apply(sequence);
  const load = layers.dense({ units: 6, name: 'load' }).apply(layers.flatten().apply(sequence));
  const net = makeModel({ inputs: x, outputs: [text, load] });
  const options = {
    optimizer: 'sgd',
    loss: { text: losses.ctc(), load: losses.pinball({ levels }) },
    lossWeights: { load: 0.5 },
    metrics: { load: [losses.pinball({ levels: [0.1, 0.5, 0.9] })] },
  } as const;
  net.compile(options);
  expect(net.metricsNames).toEqual(['loss', 'text_loss', 'load_loss', 'load_pinball']);
  const data = floats(1, B, T, D);
  const y = { text: tensor(Array.from({ length: B }, (_, b) => [1 + (b % 3), -1])), load: floats(2, B, 2) };
  const [loss, ctc, pinballLoss] = net.trainOnBatch(data, y) as number[];
  expect(loss).toBeCloseTo(ctc! + 0.5 * pinballLoss!, 12);
  const loaded = await loadLayersModel(io.fromMemory(await artifactsOf(net)));
  expect(loaded.metricsNames).toEqual(net.metricsNames);
  expect(loaded.trainOnBatch(data, y)).toEqual(net.trainOnBatch(data, y));
  const tooLong = { ...y, text: tensor(Array.from({ length: B }, () => [1, 1, 1])) };
  expect(() => net.trainOnBatch(data, tooLong)).toThrow(
    /^model.trainOnBatch: y.text must have a time step for each label/,
  );
});

describe('options of losses', () => {
  test.each([
    [undefined, 'levels must be a list of numbers, got none'],
    [{ levels: [] }, 'levels must be a list of numbers, got []'],
    [{ levels: 0.5 }, 'levels must be a list of numbers, got 0.5'],
    [{ levels: [0.5, 0.1] }, 'levels must be increasing, got 0.1 after 0.5'],
    [{ levels: [0.5, 0.5] }, 'levels must be increasing, got 0.5 after 0.5'],
    [{ levels: [0, 0.5] }, 'levels[0] must be a finite number above 0 and below 1, got 0'],
    [{ levels: [0.5, 1] }, 'levels[1] must be a finite number above 0 and below 1, got 1'],
    [{ levels: [Number.NaN] }, 'levels[0] must be a finite number above 0 and below 1, got NaN'],
    [{ quantiles: [0.5] }, "unknown option 'quantiles'"],
  ])('losses.pinball(%j) is rejected', (options, message) => {
    expect(() => losses.pinball(options as never)).toThrow(`losses.pinball: ${message}`);
  });

  test.each([-1, 1.5, '0', Number.NaN])('losses.ctc rejects the blank %s', blank => {
    expect(() => losses.ctc({ blank } as never)).toThrow('losses.ctc: blank must be an integer of at least 0, got ');
  });

  test('a later change of the levels does not change the loss', () => {
    const mine = [0.1, 0.9];
    const loss = losses.pinball({ levels: mine });
    mine[0] = 7;
    expect(loss.getConfig()).toEqual({ levels: [0.1, 0.9] });
  });

  test('compile rejects pinball without levels', () => {
    const model = denseModel(3, null);
    expect(() => model.compile({ optimizer: 'sgd', loss: 'pinball' as 'mse' })).toThrow(
      "model.compile: loss must be losses.pinball({ levels }), got 'pinball'",
    );
    expect(() => model.compile({ optimizer: 'sgd', loss: 'mse', metrics: ['pinball' as 'mse'] })).toThrow(
      "model.compile: metrics[0] must be losses.pinball({ levels }), got 'pinball'",
    );
  });

  test('the loss and each metric have levels of their own', () => {
    const model = denseModel(3, null);
    const lists = [levels, [0.1, 0.4, 0.6], [0.3, 0.5, 0.7]];
    const [loss, ...metrics] = lists.map(own => losses.pinball({ levels: own }));
    model.compile({ optimizer: 'sgd', loss: loss!, metrics });
    const [x, y] = [floats(1, B, D), floats(2, B, 1)];
    const outputs = (model.predict(x) as Tensor).dataSync();
    const expected = lists.map(own => {
      const each = Array.from({ length: B }, (_, b) =>
        pinball(own)(outputs.subarray(b * 3, b * 3 + 3), y.dataSync().subarray(b, b + 1)),
      );
      return each.reduce((sum, value) => sum + value, 0) / B;
    });
    expectClose(model.testOnBatch(x, y) as number[], expected, bounds);
  });

  test('pinball with one level can be a metric of other losses', () => {
    const model = denseModel(2, null);
    model.compile({ optimizer: 'sgd', loss: 'mae', metrics: [losses.pinball({ levels: [0.5] }), 'mae'] });
    const [loss, half] = model.testOnBatch(floats(1, B, D), floats(2, B, 2)) as number[];
    expect(half).toBeCloseTo(loss! / 2, 6);
  });
});
