/** Reads the series of a file, and plans their backtest. */

import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { leastLength } from '../forecast/fitForecaster.ts';
import { checkForecasterOptions, resolveSettings } from '../forecast/forecasterOptions.ts';
import { readCsv, type Series } from '../forecast/index.ts';
import { reasonOf, show } from '../util/errors.ts';
import { CommandError, type ForecastCommand, UsageError } from './usage.ts';

const MOST_FOLDS = 5;

/** A series whose last value is known. */
export type Known = Series & { values: Float64Array };

/** The series of a file; without `--id`, the only one. */
export function readSeries({ file, value, id, time, dateFormat }: ForecastCommand): Known[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CommandError(`cannot read ${show(file)}: ${code === 'ENOENT' ? 'no such file' : reasonOf(error)}`);
  }
  const list = readTable(text, { file, value, id, time, dateFormat });
  if (list.length > 1 && id === undefined) {
    const names = list.slice(0, 20).map(one => show(one.id));
    throw new UsageError(`--value must be one of the columns ${names.join(', ')}, got none`);
  }
  return list.map(one => {
    const all = Float64Array.from(one.values);
    const values = all.subarray(0, all.findLastIndex(number => !Number.isNaN(number)) + 1);
    if (values.length === 0) {
      const what = id === undefined ? '' : ` of ${show(one.id)}`;
      throw new CommandError(`${basename(file)}: the column of values must have numbers${what}, got none`);
    }
    return { ...one, id: id === undefined ? (value ?? one.id) : one.id, values };
  });
}

function readTable(
  text: string,
  { file, ...columns }: Pick<ForecastCommand, 'file' | 'value' | 'id' | 'time' | 'dateFormat'>,
): Series[] {
  try {
    return readCsv(text, columns);
  } catch (error) {
    const reason = reasonOf(error)
      .replace(/^readCsv: /, '')
      .replace('dateFormat must', '--date-format must')
      .replace('; pass id if', '; pass --id if')
      .replace('pass value', 'pass --value');
    throw new CommandError(`${basename(file)}: ${reason}`);
  }
}

/** The season, and as many origins as leave at least half of each series for training. */
export function planOf({ file, horizon, season }: ForecastCommand, list: readonly Known[]) {
  const call = 'forecaster';
  const given = checkForecasterOptions(call, { horizon, season });
  const settings = resolveSettings(call, given, list[0]!.frequency ?? null);
  const least = leastLength(settings);
  const folds = list.map(({ id, values }) => {
    if (values.length < least + horizon) {
      const rule = `must have at least ${least + horizon} values for a horizon of ${horizon}`;
      const what = list.length === 1 ? 'the series' : `the series ${show(id)}`;
      throw new CommandError(`${basename(file)}: ${what} ${rule}, got ${values.length}`);
    }
    return Math.min((values.length - least) / horizon, values.length / 2 / horizon, MOST_FOLDS);
  });
  return { season: settings.season, folds: Math.max(1, Math.floor(Math.min(...folds))) };
}
