/** The command line: its help, and what it means. */

import { parseArgs } from 'node:util';
import { reasonOf, show, suggest } from '../util/errors.ts';

export const help = `Usage: lstm-wasm forecast <file.csv> --horizon <steps> [options]
       lstm-wasm worker [options]      runs tasks of a queue; see lstm-wasm worker --help

Forecasts one or several time series. It trains a recurrent network, compares it with forecasts without a model
on the end of each series, and forecasts with the best of them. It writes forecast.csv, forecast.svg (of several series
the folder charts) and the folder model, the network.

  --horizon <steps>       the number of steps to forecast
  --value <column>        the column of values; may be absent if there is only one
  --id <column>           the column that names the series of each row, of a table with several series
  --time <column>         the column of times; default: the first column that has dates
  --season <steps>        the number of steps in a season; default: the usual one, such as 24 for hours
  --levels <list>         the levels of the quantiles; default: 0.1,0.9, an interval of 80 %
  --date-format <order>   DMY or MDY, for dates such as 01/02/2024
  --out <folder>          where to write; default: the current folder
  --seed <number>         another network; default: 1. The same file and seed give the same forecast
  --help                  this text

Exit codes: 0 done, 1 failed, 2 wrong usage.
`;

/** A mistake in the command line. */
export class UsageError extends Error {}

/** A failure whose message is meant for the user. */
export class CommandError extends Error {}

/** What `forecast` is to do. */
export interface ForecastCommand {
  file: string;
  horizon: number;
  value: string | undefined;
  id: string | undefined;
  time: string | undefined;
  dateFormat: 'DMY' | 'MDY' | undefined;
  season: number | undefined;
  levels: number[];
  out: string;
  seed: number;
}

const text = { type: 'string' } as const;
const options = {
  horizon: text,
  value: text,
  id: text,
  time: text,
  season: text,
  levels: text,
  'date-format': text,
  out: text,
  seed: text,
  help: { type: 'boolean', short: 'h' },
} as const;

/** Reads the words after the name of the program. @returns null to print the help */
export function readCommand(words: string[]): ForecastCommand | null {
  const { values, positionals } = parse(words, options);
  if (values.help) return null;
  const [command, file, ...rest] = positionals;
  if (command !== 'forecast') {
    const got = command === undefined ? 'none' : show(command);
    throw new UsageError(`the command must be 'forecast' or 'worker', got ${got}`);
  }
  if (file === undefined) throw new UsageError('forecast needs the name of a CSV file');
  if (rest.length > 0) throw new UsageError(`forecast takes one file, got ${rest.length + 1}`);
  const { horizon, value, id, time, season, levels, out = '.', seed = '1', 'date-format': order } = values;
  if (horizon === undefined) throw new UsageError('--horizon must be given: the number of steps to forecast');
  if (order !== undefined && order !== 'DMY' && order !== 'MDY') {
    throw new UsageError(`--date-format must be DMY or MDY, got ${show(order)}`);
  }
  return {
    file,
    horizon: integer('--horizon', horizon, 1),
    value,
    id,
    time,
    dateFormat: order,
    season: season === undefined ? undefined : integer('--season', season, 1),
    levels: levels === undefined ? [0.1, 0.9] : readLevels(levels),
    out,
    seed: integer('--seed', seed, 0),
  };
}

interface Options {
  readonly [name: string]: { readonly type: 'string' | 'boolean'; readonly short?: string };
}

type Values<T extends Options> = { [K in keyof T]?: T[K]['type'] extends 'boolean' ? boolean : string };

/** Reads options and other words. */
export function parse<T extends Options>(words: string[], options: T): { values: Values<T>; positionals: string[] } {
  try {
    const { values, positionals } = parseArgs({ args: words, options, allowPositionals: true });
    return { values: values as Values<T>, positionals };
  } catch (error) {
    const reason = reasonOf(error);
    const unknown = /^Unknown option '(-[^']*)'/.exec(reason)?.[1];
    if (unknown !== undefined) {
      const known = Object.keys(options).map(name => `--${name}`);
      throw new UsageError(`unknown option ${show(unknown)}${suggest(unknown, known)}`);
    }
    throw new UsageError(reason.split('\n')[0]!.replace(/\.$/, ''));
  }
}

/** Reads an integer of at least `least`. */
export function integer(name: string, given: string, least: number): number {
  const value = Number(given);
  if (!/^\d+$/.test(given) || !Number.isSafeInteger(value) || value < least) {
    throw new UsageError(`${name} must be an integer of at least ${least}, got ${show(given)}`);
  }
  return value;
}

function readLevels(given: string): number[] {
  const levels = given.split(',').map(part => (part.trim() === '' ? Number.NaN : Number(part)));
  const isRising = levels.every((level, n) => level > (levels[n - 1] ?? 0) && level < 1);
  if (!isRising || levels.length < 2) {
    throw new UsageError(`--levels must be increasing numbers between 0 and 1, such as 0.1,0.9, got ${show(given)}`);
  }
  return levels;
}
