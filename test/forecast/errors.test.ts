// Invalid arguments of lstm-wasm/forecast throw a one-sentence error that starts with the call.

import { ValueError } from 'lstm-wasm';
import {
  boxCox,
  calendarFeatures,
  chain,
  conformal,
  coverage,
  crps,
  difference,
  drift,
  log,
  mae,
  mase,
  mean,
  msis,
  naive,
  pinball,
  restoreTransform,
  seasonalNaive,
  seasonLength,
  smape,
  timeRange,
} from 'lstm-wasm/forecast';
import { expect, test } from 'vitest';

// biome-ignore lint/suspicious/noExplicitAny: wrong arguments are the point
const wrong = (value: unknown): any => value;

const _ = Number.NaN;

const mistakes: [call: () => unknown, sentence: string][] = [
  [() => naive(wrong('1,2'), 1), "naive: values must be an array of numbers or a typed array, got '1,2'"],
  [() => naive([], 1), 'naive: values must have at least 1 number, got 0'],
  [() => naive([_, _], 1), 'naive: values must have a number that is not NaN, got 2 missing numbers'],
  [
    () => mean([1, Infinity], 1),
    'mean: values must be finite numbers, or NaN where one is missing, got Infinity at index 1',
  ],
  [
    () => drift(wrong([1, null]), 1),
    'drift: values must be finite numbers, or NaN where one is missing, got null at index 1',
  ],
  [
    () => naive(wrong(new Array(3)), 1),
    'naive: values must be finite numbers, or NaN where one is missing, got undefined at index 0',
  ],
  [
    () => naive(wrong(['1']), 1),
    "naive: values must be finite numbers, or NaN where one is missing, got '1' at index 0",
  ],
  [
    () => naive(wrong(new BigInt64Array(2)), 1),
    'naive: values must be an array of numbers or a typed array, got a BigInt64Array of 2',
  ],
  [() => naive([1], 0), 'naive: horizon must be an integer of at least 1, got 0'],
  [() => naive([1], 1.5), 'naive: horizon must be an integer of at least 1, got 1.5'],
  [() => seasonalNaive([1, 2], 1, 0), 'seasonalNaive: season must be an integer of at least 1, got 0'],
  [() => seasonalNaive([1, 2], 1, 24), 'seasonalNaive: values must have at least a season, 24 numbers, got 2'],

  [() => mae([1, 2], [1]), 'mae: predicted must have as many numbers as actual, 2, got 1'],
  [() => mae([1, 2], [1, _]), 'mae: predicted must have a number where actual has one, got NaN at index 1'],
  [() => smape([], []), 'smape: actual must have at least 1 number, got 0'],
  [() => mase([1], [1], [1, 2], 2), 'mase: history must have more numbers than a season, 2 numbers, got 2'],
  [() => mase([1], [1], [1, _, 2, _], 1), 'mase: history must have two known values 1 step apart, got none'],
  [
    () => mase([1], [1], [5, 5, 5]),
    'mase: history must not repeat itself after 1 step, got values that all do; use mae instead',
  ],
  [() => mase([1], [1], [_, _]), 'mase: history must have a number that is not NaN, got 2 missing numbers'],
  [() => coverage([1], wrong([1])), 'coverage: interval must be [lower, upper], got [1]'],
  [() => coverage([1, 2], [[1, 2], [1]]), 'coverage: interval[1] must have as many numbers as actual, 2, got 1'],
  [() => coverage([1], [[2], [1]]), 'coverage: interval[0] must not be above interval[1], got 2 and 1 at index 0'],
  [() => msis([1], [[1], [1]], 95, [1, 2]), 'msis: level must be a finite number above 0 and below 1, got 95'],
  [() => pinball([1], [1], 1), 'pinball: level must be a finite number above 0 and below 1, got 1'],
  [() => crps([1], {}), 'crps: forecast must have samples or quantiles, got {}'],
  [() => crps([1], wrong(null)), 'crps: forecast must have samples or quantiles, got null'],
  [
    () => crps([1], { samples: [[1], [_]] }),
    'crps: forecast.samples[1] must have a number where actual has one, got NaN at index 0',
  ],
  [
    () => crps([1], { quantiles: { low: [1] } }),
    'crps: a level of forecast.quantiles must be a finite number above 0 and below 1, got NaN',
  ],
  [() => crps([1], { quantiles: { '0.5': [] } }), "crps: forecast.quantiles['0.5'] must have at least 1 number, got 0"],

  [() => conformal([1, 2], 0.95), 'conformal: residuals must have at least 19 known numbers for the level 0.95, got 2'],
  [() => conformal([1, _, 2], 0.7), 'conformal: residuals must have at least 3 known numbers for the level 0.7, got 2'],
  [
    () =>
      conformal(
        [
          [1, 2],
          [1, _],
        ],
        0.6,
      ),
    'conformal: residuals must have at least 2 known numbers for the level 0.6, got 1 for step 2',
  ],
  [() => conformal([[1, 2], [1]], 0.5), 'conformal: residuals must have rows of equal length, 2, got 1 in row 1'],
  [() => conformal([1], 0), 'conformal: level must be a finite number above 0 and below 1, got 0'],
  [() => conformal([1], 0.5, { signed: wrong(1) }), 'conformal: signed must be true or false, got 1'],

  [() => difference(0), 'difference: lag must be an integer of at least 1, got 0'],
  [() => difference([]), 'difference: lag must have at least one number, got []'],
  [() => difference([1, -1]), 'difference: lag[1] must be an integer of at least 1, got -1'],
  [
    () => difference([1, 12]).fit([1, 2, 3]),
    'difference.fit: values must have at least 14 numbers, 1 more than the sum of the lags, got 3',
  ],
  [() => difference().fit([_, _]), 'difference.fit: values must have a number that is not NaN, got 2 missing numbers'],
  [
    () => difference().invert([1]),
    'difference.invert: before must be the values before the forecast, got none; call fit first',
  ],
  [() => difference(3).invert([1], [1, 2]), 'difference.invert: before must have at least 3 numbers, got 2'],
  [
    () => difference().transform([1], [_]),
    'difference.transform: before must have a number that is not NaN, got 1 missing number',
  ],
  [
    () => log().transform([1, 0]),
    'log.transform: values plus the offset must be above 0, got 0 at index 1; pass a larger offset',
  ],
  [
    () => log({ offset: 1 }).fit([-2]),
    'log.fit: values plus the offset must be above 0, got -2 at index 0; pass a larger offset',
  ],
  [() => log({ offset: _ }), 'log: offset must be a finite number, got NaN'],
  [() => log(wrong(1)), 'log: options must be an object, got 1'],
  [() => boxCox({ lambda: 9 }), 'boxCox: lambda must be a finite number at least -5 and at most 5, got 9'],
  [
    () => boxCox().fit([3, 3, _]),
    'boxCox.fit: values must differ, so that lambda can be estimated, got a constant series; pass lambda',
  ],
  [
    () => boxCox().fit([3]),
    'boxCox.fit: values must differ, so that lambda can be estimated, got one value; pass lambda',
  ],
  [
    () => boxCox().fit([1, 0]),
    'boxCox.fit: values plus the offset must be above 0, got 0 at index 1; pass a larger offset',
  ],
  [() => boxCox().transform([1]), 'boxCox.transform: lambda must be known, got none; call fit first, or pass lambda'],
  [() => chain(boxCox()).invert([1]), 'chain.invert: lambda must be known, got none; call fit first, or pass lambda'],
  [() => chain(), 'chain: transforms must be at least one, got none'],
  [() => chain(wrong('log')), "chain: transforms must be made by difference, log, boxCox or chain, got 'log'"],
  [
    () => chain(difference(), log()).fit([3, 2, 1]),
    'chain.fit: values plus the offset must be above 0, got -1 at index 1; pass a larger offset',
  ],
  [
    () => restoreTransform(wrong({ transform: 'sqrt' })),
    'restoreTransform: saved must be a transform saved as JSON, got { transform }',
  ],
  [() => restoreTransform(wrong(null)), 'restoreTransform: saved must be a transform saved as JSON, got null'],
  [
    () => restoreTransform({ transform: 'difference', lag: [2], tail: [1] }),
    'restoreTransform: saved.tail must have 2 numbers, got 1',
  ],
  [() => restoreTransform({ transform: 'log' }), 'restoreTransform: offset must be a finite number, got undefined'],

  [
    () => timeRange('soon', 1, 'day'),
    "timeRange: start must be a Date or text such as '2024-01-31' or '2024-01-31T10:00', got 'soon'",
  ],
  [() => timeRange(new Date(_), 1, 'day'), 'timeRange: start must be a valid date, got an invalid Date'],
  [
    () => timeRange('01/02/2024', 1, 'day'),
    "timeRange: start must be a Date or text such as '2024-01-31' or '2024-01-31T10:00', got '01/02/2024'",
  ],
  [() => timeRange('2024-01-31', -1, 'day'), 'timeRange: count must be an integer of at least 0, got -1'],
  [() => seasonLength(wrong('daily')), "seasonLength: unknown frequency 'daily'; did you mean 'day'?"],
  [() => seasonLength(wrong(5)), "seasonLength: frequency must be a name such as 'hour' or { every, unit }, got 5"],
  [
    () => seasonLength(wrong({ unit: 'day' })),
    'seasonLength: frequency.every must be an integer of at least 1, got undefined',
  ],
  [() => calendarFeatures(wrong('2024')), "calendarFeatures: times must be an array of dates, got '2024'"],
  [
    () => calendarFeatures(['2024-01-31']),
    'calendarFeatures: names must be given for fewer than 2 different times, got none',
  ],
  [
    () => calendarFeatures(['2024-01-31', wrong(3)]),
    "calendarFeatures: times[1] must be a Date or text such as '2024-01-31' or '2024-01-31T10:00', got 3",
  ],
  [
    () => calendarFeatures([], wrong(['hourOfDays'])),
    "calendarFeatures: unknown names[0] 'hourOfDays'; did you mean 'hourOfDay'?",
  ],
  [
    () => calendarFeatures([], wrong('hourOfDay')),
    "calendarFeatures: names must be an array of names, got 'hourOfDay'",
  ],
];

test.each(mistakes)('%s throws a sentence', (call, sentence) => {
  let error: unknown;
  try {
    call();
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(ValueError);
  expect((error as Error).message).toBe(sentence);
});
