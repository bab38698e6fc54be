// fit and fitDataset call callbacks in the same order as TF.js 4.22, with the same keys in the logs, in the same order.

import * as lw from 'lstm-wasm';
import { describe, expect, test } from 'vitest';
import { dataset } from '../../examples/backend.js';
import { Random } from '../reference/random.ts';
import { compare, PERTURBATIONS, type Result, tf } from './agree.ts';
import type { Library } from './build.ts';
import { perturb } from './perturb.ts';

const SAMPLES = 10;
const STEPS = 3;
const random = new Random(5);
const x = Float32Array.from(random.normals([SAMPLES, STEPS, 2]).data);
const y = Float32Array.from({ length: SAMPLES }, () => random.bits() % 2);
const weights = [[2, 12], [3, 12], [12], [3, 1], [1]].map(shape => ({
  shape,
  values: Float32Array.from(random.normals(shape, 0.5).data),
}));

type Values = Record<string, number>;
type Fit = (model: Library, library: Library, xs: Library, ys: Library, record: Recorder) => Promise<Library>;

/** Records the calls in order, with the numbers in their logs. */
class Recorder {
  readonly results: Result[] = [];

  note(what: string, logs: Values = {}): void {
    this.results.push({ what: `${what} {${Object.keys(logs)}}`, values: Object.values(logs) });
  }

  /** A callback for each event. */
  callbacks(name = '', actions: Record<string, (...args: Library[]) => unknown> = {}) {
    const events = ['onTrainBegin', 'onTrainEnd', 'onEpochBegin', 'onEpochEnd', 'onBatchBegin', 'onBatchEnd'];
    const each = events.map(event => {
      const call = async (...args: unknown[]) => {
        const logs = args.at(-1) as Values | undefined;
        const number = event.startsWith('onTrain') ? '' : ` ${args[0]}`;
        this.note(`${name}${event}${number}`, logs ? { ...logs } : {});
        actions[event]?.(...args);
        // The next call must wait for this one.
        await new Promise(resolve => setTimeout(resolve));
        this.note(`${name}${event}${number} has resolved`);
      };
      return [event, call];
    });
    return Object.fromEntries(each) as object;
  }
}

async function run(library: Library, fit: Fit, change = (values: Float32Array) => values): Promise<Result[]> {
  const model = library.sequential({
    layers: [
      library.layers.lstm({ units: 3, recurrentActivation: 'sigmoid', inputShape: [STEPS, 2] }),
      library.layers.dense({ units: 1, activation: 'sigmoid' }),
    ],
  });
  model.compile({ optimizer: library.train.sgd(0.5), loss: 'binaryCrossentropy', metrics: ['accuracy', 'mse'] });
  model.setWeights(weights.map(({ shape, values }) => library.tensor(change(values), shape)));
  const record = new Recorder();
  const [xs, ys] = [library.tensor(x, [SAMPLES, STEPS, 2]), library.tensor(y, [SAMPLES, 1])];
  const history = await fit(model, library, xs, ys, record);
  record.note(`epochs ${history.epoch}`);
  for (const [key, values] of Object.entries(history.history)) {
    record.results.push({ what: `history ${key}`, values: values as number[] });
  }
  return record.results;
}

async function expectSame(fit: Fit): Promise<void> {
  const expected = await run(tf, fit);
  const got = await run(lw, fit);
  expect(got.map(({ what }) => what)).toEqual(expected.map(({ what }) => what));
  const perturbed: Result[][] = [];
  for (let n = 0; n < PERTURBATIONS; n++) {
    const random = new Random(n);
    perturbed.push(await run(tf, fit, values => perturb(values, random)));
  }
  const differences = expected.map((result, n) =>
    compare(
      result,
      got[n]!,
      perturbed.map(run => run[n]!.values),
    ),
  );
  expect(differences.filter(Boolean)).toEqual([]);
}

/** Batches of 4, 4 and 2 samples, once or repeated forever. */
function* batches(library: Library, once: boolean) {
  do {
    for (let from = 0; from < SAMPLES; from += 4) {
      const to = Math.min(from + 4, SAMPLES);
      yield {
        xs: library.tensor(x.slice(from * STEPS * 2, to * STEPS * 2), [to - from, STEPS, 2]),
        ys: library.tensor(y.slice(from, to), [to - from, 1]),
      };
    }
  } while (!once);
}

const fitOptions = { epochs: 3, batchSize: 4, shuffle: false, verbose: 0 };

describe('fit', () => {
  const cases: Record<string, object> = {
    'fit without validation calls callbacks like TF.js': {},
    'fit with validationSplit calls callbacks like TF.js': { validationSplit: 0.3 },
    'fit with initialEpoch calls callbacks like TF.js': { initialEpoch: 1 },
    'fit with a single batch calls callbacks like TF.js': { batchSize: 32 },
  };
  for (const [name, options] of Object.entries(cases)) {
    test(name, () =>
      expectSame((model, _, xs, ys, record) =>
        model.fit(xs, ys, { ...fitOptions, ...options, callbacks: record.callbacks() }),
      ),
    );
  }

  test('fit with validationData calls callbacks like TF.js', () =>
    expectSame((model, _, xs, ys, record) =>
      model.fit(xs, ys, { ...fitOptions, validationData: [xs, ys], callbacks: record.callbacks() }),
    ));

  test('fit with two callback objects calls them like TF.js', () =>
    expectSame((model, _, xs, ys, record) =>
      model.fit(xs, ys, { ...fitOptions, callbacks: [record.callbacks('first '), record.callbacks('second ')] }),
    ));

  test('stopTraining in a batch ends fit like TF.js', () =>
    expectSame((model, _, xs, ys, record) => {
      const stop = (batch: number) => {
        if (batch === 1) model.stopTraining = true;
      };
      const callbacks = record.callbacks('', { onBatchEnd: stop });
      return model.fit(xs, ys, { ...fitOptions, validationData: [xs, ys], callbacks });
    }));

  test('stopTraining after an epoch ends fit like TF.js', () =>
    expectSame((model, _, xs, ys, record) => {
      const stop = (epoch: number) => {
        if (epoch === 1) model.stopTraining = true;
      };
      return model.fit(xs, ys, { ...fitOptions, callbacks: record.callbacks('', { onEpochEnd: stop }) });
    }));

  test('earlyStopping ends fit like TF.js', () =>
    expectSame((model, library, xs, ys) => {
      const early = library.callbacks.earlyStopping({ monitor: 'val_acc', patience: 2 });
      return model.fit(xs, ys, { ...fitOptions, epochs: 30, validationSplit: 0.2, callbacks: early });
    }));
});

describe('fitDataset', () => {
  test('fitDataset with a full pass per epoch calls callbacks like TF.js', () =>
    expectSame((model, library, _, __, record) => {
      const data = dataset(() => batches(library, true));
      return model.fitDataset(data, { epochs: 2, verbose: 0, callbacks: record.callbacks() });
    }));

  test('fitDataset with batchesPerEpoch and validation arrays calls callbacks like TF.js', () =>
    expectSame((model, library, xs, ys, record) => {
      const data = dataset(() => batches(library, false));
      const options = { epochs: 3, batchesPerEpoch: 2, validationData: [xs, ys], verbose: 0 };
      return model.fitDataset(data, { ...options, callbacks: record.callbacks() });
    }));

  test('fitDataset with a validation dataset calls callbacks like TF.js', () =>
    expectSame((model, library, _, __, record) => {
      const data = dataset(() => batches(library, true));
      const options = { epochs: 2, validationData: data, verbose: 0 };
      return model.fitDataset(data, { ...options, callbacks: record.callbacks() });
    }));

  test('stopTraining in a batch ends fitDataset like TF.js', () =>
    expectSame((model, library, _, __, record) => {
      const data = dataset(() => batches(library, true));
      const stop = (batch: number) => {
        if (batch === 1) model.stopTraining = true;
      };
      const callbacks = record.callbacks('', { onBatchEnd: stop });
      return model.fitDataset(data, { epochs: 3, verbose: 0, callbacks });
    }));
});
