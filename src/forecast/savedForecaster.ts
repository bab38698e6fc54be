/** What a saved forecaster has besides its networks, as data of the saved model. */

import type { FunctionalModel } from '../model/functional.ts';
import { fail, show, ValueError } from '../util/errors.ts';
import { isPlain } from '../util/options.ts';
import { allNames } from './calendar.ts';
import type { Calibration } from './calibration.ts';
import type { Encoding } from './encoding.ts';
import type { Fitted } from './fittedForecaster.ts';
import { checkForecasterOptions, optionsOf, resolveSettings, type Settings } from './forecasterOptions.ts';
import { layoutOf } from './forecastWindows.ts';

const VERSION = 1;

export function savedOf({ settings, encoding, calibration }: Fitted): { [name: string]: unknown } {
  return { version: VERSION, options: optionsOf(settings), base: settings.base, encoding, calibration };
}

/** @param net a loaded model */
export function fittedFrom(call: string, net: FunctionalModel): { given: Settings; fitted: Fitted } {
  const saved: unknown = net.getUserDefinedMetadata()?.forecaster;
  if (!isPlain(saved)) fail(call, 'source must be a forecaster saved by forecaster.save, got another model');
  const { version, options, base, encoding, calibration } = saved as { [name: string]: unknown };
  if (version !== VERSION) fail(call, `source must have the version ${VERSION} of forecasters, got ${show(version)}`);
  try {
    const given = checkForecasterOptions(call, options);
    const settings = { ...resolveSettings(call, given, null), base: countOf(base) };
    const learned = checkEncoding(encoding);
    const layout = layoutOf(settings, learned);
    const known = checkCalibration(calibration, settings.horizon);
    return { given, fitted: { settings, encoding: learned, layout, net, calibration: known } };
  } catch (error) {
    if (error instanceof ValueError) throw error;
    return fail(call, 'source must be a forecaster saved by forecaster.save, got data that is incomplete');
  }
}

type Data = { [name: string]: unknown };

const invalid = (): never => {
  throw new TypeError('incomplete');
};
const objectOf = (value: unknown): Data => (isPlain(value) ? (value as Data) : invalid());
const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : invalid());
const textOf = (value: unknown): string => (typeof value === 'string' ? value : invalid());
const numberOf = (value: unknown): number => (Number.isFinite(value) ? (value as number) : invalid());

const countOf = (value: unknown): number =>
  Number.isSafeInteger(value) && (value as number) >= 1 ? (value as number) : invalid();

function checkEncoding(value: unknown): Encoding {
  const { calendar, past, future, numbers, texts, ids } = objectOf(value);
  const columns = (list: unknown) =>
    listOf(list).map(item => {
      const { name, mean, deviation } = objectOf(item);
      return { name: textOf(name), mean: numberOf(mean), deviation: numberOf(deviation) };
    });
  return {
    calendar: listOf(calendar).map(name => allNames.find(one => one === name) ?? invalid()),
    past: columns(past),
    future: columns(future),
    numbers: columns(numbers),
    texts: listOf(texts).map(item => {
      const { name, values } = objectOf(item);
      return { name: textOf(name), values: listOf(values).map(textOf) };
    }),
    ids: ids === null ? null : listOf(ids).map(textOf),
  };
}

function checkCalibration(value: unknown, horizon: number): Calibration {
  const { spreads, scores, correlation } = objectOf(value);
  const numbers = (list: unknown) => listOf(list).map(numberOf);
  const read = numbers(spreads);
  if (read.length !== horizon) invalid();
  if (scores === null) return { spreads: read, scores: null, correlation: numberOf(correlation) };
  const { ideal, found } = objectOf(scores);
  const table = { ideal: numbers(ideal), found: numbers(found) };
  if (table.ideal.length === 0 || table.ideal.length !== table.found.length) invalid();
  return { spreads: read, scores: table, correlation: numberOf(correlation) };
}
