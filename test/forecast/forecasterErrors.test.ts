// Invalid arguments of forecasters throw a one-sentence error that starts with the call, and change nothing.

import { io, layers, sequential, ValueError } from 'lstm-wasm';
import { type Forecaster, type ForecasterOptions, forecaster, loadForecaster, type Series } from 'lstm-wasm/forecast';
import { beforeAll, expect, test } from 'vitest';
import { counts, loads, small } from './forecasterSeries.ts';

// biome-ignore lint/suspicious/noExplicitAny: wrong arguments are the point
const wrong = (value: unknown): any => value;

const [one] = loads(1, 120) as [Series];
const numbers = Array.from(one.values);
const wind = Array.from({ length: 120 }, (_value, t) => Math.cos(t));
const covariates: Series = {
  ...one,
  past: { wind },
  future: { temperature: [...wind, ...new Array(12).fill(0)] },
  static: { region: 'north', area: 1 },
};

async function messageOf(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    expect(error).toBeInstanceOf(ValueError);
    return (error as Error).message;
  }
  throw new Error('nothing was thrown');
}

const options: [options: unknown, sentence: string][] = [
  [undefined, 'horizon must be an integer of at least 1, got undefined'],
  [{ horizon: 0 }, 'horizon must be an integer of at least 1, got 0'],
  [{ horizon: 1, horizn: 1 }, "unknown option 'horizn'; did you mean 'horizon'?"],
  [{ horizon: 1, cell: 'lstn' }, "unknown cell 'lstn'; did you mean 'lstm'?"],
  [
    { horizon: 1, output: 'gaussian' },
    "unknown output 'gaussian'; known: 'point', 'normal', 'studentT', 'poisson', 'negativeBinomial', 'quantiles'",
  ],
  [{ horizon: 1, output: 'poison' }, "unknown output 'poison'; did you mean 'poisson'?"],
  [{ horizon: 1, output: 1 }, "output must be a name such as 'normal', or { quantiles }, got 1"],
  [{ horizon: 1, output: { quantiles: [] } }, 'output.quantiles must be a list of numbers such as [0.1, 0.9], got []'],
  [{ horizon: 1, output: { quantiles: [0.5, 0.1] } }, 'output.quantiles must be increasing, got 0.1 after 0.5'],
  [{ horizon: 1, decoding: 'autoregresive' }, "unknown decoding 'autoregresive'; did you mean 'autoregressive'?"],
  [
    { horizon: 1, output: { quantiles: [1] } },
    'output.quantiles[0] must be a finite number above 0 and below 1, got 1',
  ],
  [
    { horizon: 1, output: 'poisson', scaling: 'standard' },
    "scaling must be 'mean' or 'none' for the output 'poisson', got 'standard'",
  ],
  [{ horizon: 1, output: 'poisson', difference: 1 }, "difference must be 0 for the output 'poisson', got 1"],
  [{ horizon: 1, frequency: 'hourly' }, "unknown frequency 'hourly'; did you mean 'hour'?"],
  [{ horizon: 1, learningRate: 0 }, 'learningRate must be a finite number above 0 and at most 1e+38, got 0'],
  [{ horizon: 1, seed: -1 }, 'seed must be an integer from 0 to 2^53 - 1, got -1'],
  [{ horizon: 1, ensemble: 0 }, 'ensemble must be an integer of at least 1, got 0'],
];

test.for(options)('forecaster rejects %o', async ([given, sentence]) => {
  expect(await messageOf(() => forecaster(wrong(given)))).toBe(`forecaster: ${sentence}`);
});

const fits: [what: string, options: Partial<ForecasterOptions>, series: unknown, sentence: string][] = [
  ['no series', {}, [], 'series must be a series { values } or a list of them, got an empty list'],
  ['numbers', {}, [1, 2], 'series[0] must be a series { values }, got 1'],
  ['unknown fields', {}, { value: [1] }, "unknown option 'value'; did you mean 'values'?"],
  [
    'Infinity',
    {},
    { id: 'a', values: [1, Infinity] },
    "values of series 'a' must be finite numbers, or NaN where one is missing, got Infinity at index 1",
  ],
  [
    'a series without known values',
    {},
    [one, { id: 'b', values: [NaN, NaN] }],
    "values of series 'b' must have a number that is not NaN, got 2 missing numbers",
  ],
  [
    'a short series',
    {},
    [one, { ...one, id: 'b', values: numbers.slice(0, 71) }],
    "series 'b' must have at least 72 values, inputSteps + 2 * horizon, got 71",
  ],
  [
    'a short series for differences',
    { difference: 24 },
    { values: numbers.slice(0, 72) },
    'series must have at least 96 values, inputSteps + difference + 2 * horizon, got 72',
  ],
  [
    'negative counts',
    { output: 'poisson' },
    [counts(120), { values: [3, -2, ...numbers] }],
    "values of series[1] must be at least 0 for the output 'poisson', got -2 at index 1",
  ],
  [
    'negative counts of a negative binomial distribution',
    { output: 'negativeBinomial', decoding: 'autoregressive' },
    { id: 'shop', values: [...numbers, -1] },
    "values of series 'shop' must be at least 0 for the output 'negativeBinomial', got -1 at index 120",
  ],
  [
    'mixed frequencies',
    {},
    [one, { ...one, id: 'b', frequency: 'day' }],
    "frequency of series 'b' must be that of series 'meter 0', hour, got day",
  ],
  [
    'no start',
    { calendar: true },
    { values: numbers },
    'start of series must be given for calendar features; or pass calendar: false',
  ],
  [
    'no frequency',
    { calendar: true },
    { start: '2024-01-01', values: numbers },
    'frequency must be given for calendar features; or pass calendar: false',
  ],
  [
    'a bad start',
    {},
    { start: 'soon', values: numbers },
    "start of series must be a Date or text such as '2024-01-31' or '2024-01-31T10:00', got 'soon'",
  ],
  [
    'a short covariate',
    {},
    { ...one, future: { temperature: wind.slice(1) } },
    "future.temperature of series 'meter 0' must have at least 120 numbers, one for each value, got 119",
  ],
  [
    'other covariates',
    {},
    [covariates, { ...covariates, id: 'b', past: { wnd: wind } }],
    "past of series 'b' must have those of the first training series, got 'wnd'; did you mean 'wind'?",
  ],
  [
    'a missing covariate',
    {},
    [covariates, { ...covariates, id: 'b', past: {} }],
    "past of series 'b' must have 'wind', as the first training series, got none",
  ],
  [
    'an unexpected covariate',
    {},
    [one, covariates],
    "past of series 'meter 0' must have none, as in the first training series, got 'wind'",
  ],
  [
    'an unknown property',
    {},
    [covariates, { ...covariates, id: 'b', static: { regoin: 'north', area: 1 } }],
    "static of series 'b' must have those of the first training series, got 'regoin'; did you mean 'region'?",
  ],
  [
    'an unknown covariate known in advance',
    {},
    [covariates, { ...covariates, id: 'b', future: { temperatur: covariates.future!.temperature } }],
    "future of series 'b' must have those of the first training series, got 'temperatur'; did you mean 'temperature'?",
  ],
  [
    'text instead of a number',
    {},
    [covariates, { ...covariates, id: 'b', static: { region: 'north', area: 'x' } }],
    "static.area of series 'b' must be a number, as in the first training series, got 'x'",
  ],
  [
    'a static of another kind',
    {},
    { ...one, static: { region: true } },
    "static.region of series 'meter 0' must be a finite number or text, got true",
  ],
  [
    'no known values in the held-out end',
    {},
    { values: numbers.map((value, n) => (n < 108 ? value : NaN)) },
    'the held-out end of a series must have known values, got none',
  ],
];

test.for(fits)('fit rejects %s', async ([, more, series, sentence]) => {
  const model = forecaster({ ...small, ...more });
  expect(await messageOf(() => model.fit(wrong(series)))).toBe(`forecaster.fit: ${sentence}`);
  expect(model.model).toBe(null);
});

let model: Forecaster;
let plain: Forecaster;
beforeAll(async () => {
  model = forecaster(small);
  await model.fit([covariates, { ...covariates, id: 'b' }]);
  plain = forecaster({ ...small, conformal: false });
  await plain.fit({ values: numbers });
});

test('the calls that need a fitted forecaster say so', async () => {
  const sentence = 'the forecaster must be fitted first; call fit';
  expect(await messageOf(() => forecaster(small).predict(one))).toBe(`forecaster.predict: ${sentence}`);
  expect(await messageOf(() => forecaster(small).save('file:///tmp/none'))).toBe(`forecaster.save: ${sentence}`);
});

test('predict rejects what it cannot forecast, by name', async () => {
  const early = { temperature: [...wind, 1, 2] };
  const cases: [work: () => unknown, sentence: string][] = [
    [() => model.predict(covariates, wrong({ level: [0.1] })), "unknown option 'level'; did you mean 'levels'?"],
    [() => model.predict(covariates, { levels: [0.9, 0.1] }), 'levels must be increasing, got 0.1 after 0.9'],
    [() => model.predict(covariates, { samples: -1 }), 'samples must be an integer of at least 0, got -1'],
    [
      () => model.predict({ ...covariates, future: early }),
      "future.temperature of series 'meter 0' must have at least 132 numbers, for 120 values and the horizon 12, got 122",
    ],
    [
      () => model.predict(covariates, { future: { temperature: [1, 2] } }),
      'future.temperature must have at least 12 numbers, got 2',
    ],
    [
      () => model.predict(covariates, { future: { temprature: new Array(12).fill(0) } }),
      "future of series 'meter 0' must have those of the first training series, got 'temprature'; did you mean 'temperature'?",
    ],
    [
      () => model.predict([covariates, covariates], { future: [] }),
      'future must have an object for each of the 2 series, got 0',
    ],
    [
      () => model.predict([covariates, { ...covariates, id: 'short', values: numbers.slice(0, 47) }]),
      "series 'short' must have at least 48 values, inputSteps, got 47",
    ],
    [
      () => model.predict({ ...covariates, values: numbers.map((value, n) => (n < 60 ? value : NaN)) }),
      "the last 48 values of series 'meter 0' must have one that is not missing, got none",
    ],
    [
      () => model.predict({ ...covariates, frequency: 'day' }),
      "frequency of series 'meter 0' must be that of the training series, hour, got day",
    ],
    [() => plain.predict(one, { levels: [0.1] }), "levels must be absent for the output 'point' with conformal: false"],
    [() => plain.predict(one, { samples: 1 }), "samples must be absent for the output 'point' with conformal: false"],
  ];
  const [before] = await model.predict(covariates);
  for (const [work, sentence] of cases) expect(await messageOf(work)).toBe(`forecaster.predict: ${sentence}`);
  expect((await model.predict(covariates))[0]).toEqual(before);
  expect((await plain.predict(one))[0]!.quantiles).toEqual({});
});

test('predict rejects negative counts by name, and forecasts the other series as before', async () => {
  const shops = [counts(120), { ...counts(120, 5), id: 'south' }].map((one, n) => ({ ...one, id: `shop ${n}` }));
  const returned = { ...shops[1]!, values: [...Array.from(shops[1]!.values), -3] };
  for (const decoding of ['direct', 'autoregressive'] as const) {
    const sales = forecaster({ ...small, output: 'poisson', decoding });
    await sales.fit(shops);
    const before = await sales.predict(shops[0]!);
    expect(await messageOf(() => sales.predict([shops[0]!, returned]))).toBe(
      "forecaster.predict: values of series 'shop 1' must be at least 0 for the output 'poisson', got -3 at index 120",
    );
    expect(await sales.predict(shops[0]!)).toEqual(before);
  }
});

test('constant series, and series with few known values, have finite forecasts for every output', async () => {
  const length = 120;
  const series: Series[] = [
    { id: 'constant', values: new Array(length).fill(7) },
    { id: 'zeros', values: new Array(length).fill(0) },
    { id: 'rare', values: Array.from({ length }, (_value, t) => (t % 9 === 4 ? t % 4 : Number.NaN)) },
  ];
  for (const output of [
    'point',
    { quantiles: [0.1, 0.9] },
    'normal',
    'studentT',
    'poisson',
    'negativeBinomial',
  ] as const) {
    for (const decoding of ['direct', 'autoregressive'] as const) {
      if (typeof output === 'object' && decoding === 'autoregressive') continue;
      const any = forecaster({ ...small, output, decoding, season: 6 });
      await any.fit(series);
      for (const { mean, median, quantiles, samples } of await any.predict(series, { samples: 2, seed: 1 })) {
        for (const list of [mean, median, ...Object.values(quantiles), ...samples]) {
          expect(list.every(Number.isFinite)).toBe(true);
        }
      }
    }
  }
});

test('backtest rejects bad options and series that are too short for its folds', async () => {
  const cases: [options: unknown, sentence: string][] = [
    [{ folds: 0 }, 'folds must be an integer of at least 1, got 0'],
    [{ metrics: ['mse'] }, "unknown metrics[0] 'mse'; did you mean 'mae'?"],
    [{ metrics: [] }, "metrics must be a list of names such as ['mase', 'coverage'], got []"],
    [{ refit: 1 }, 'refit must be true or false, got 1'],
    [{}, "series 'meter 0' before the origin 1 of 5 must have at least 72 values, inputSteps + 2 * horizon, got 60"],
  ];
  for (const [given, sentence] of cases) {
    expect(await messageOf(() => forecaster(small).backtest(one, wrong(given)))).toBe(
      `forecaster.backtest: ${sentence}`,
    );
  }
});

test('loadForecaster rejects other models and incomplete data', async () => {
  const net = sequential();
  net.add(layers.dense({ units: 1, inputShape: [1] }));
  const saved = async (metadata: unknown) => {
    net.setUserDefinedMetadata(wrong(metadata));
    let found: unknown;
    await net.save(
      io.withSaveHandler(async artifacts => {
        found = artifacts;
        const sizes = { modelTopologyBytes: 0, weightSpecsBytes: 0, weightDataBytes: 0 };
        return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON', ...sizes } };
      }),
    );
    return messageOf(() => loadForecaster(io.fromMemory(wrong(found))));
  };
  const call = 'loadForecaster: source must';
  expect(await saved({})).toBe(`${call} be a forecaster saved by forecaster.save, got another model`);
  expect(await saved({ forecaster: { version: 9 } })).toBe(`${call} have the version 1 of forecasters, got 9`);
  expect(await saved({ forecaster: { version: 1, options: { horizon: 1 } } })).toBe(
    `${call} be a forecaster saved by forecaster.save, got data that is incomplete`,
  );
});
