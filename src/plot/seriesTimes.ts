/** Series of `lstm-wasm/forecast` as lines: their times from a start and a frequency. */

import { checkFrequency, timeAt } from '../forecast/frequency.ts';
import type { Series } from '../forecast/series.ts';
import { checkTime } from '../forecast/times.ts';
import { isPlain } from '../util/options.ts';
import { isList } from './checks.ts';
import type { LineData } from './lineData.ts';

/** A line, or a series of `lstm-wasm/forecast`, whose other properties are not drawn. */
export type SeriesData = LineData | Series;

/** A line with the times of a series, if it is one. */
export function withTimes(call: string, name: string, line: unknown): unknown {
  if (isList(line) || !isPlain(line) || 'time' in line) return line;
  const { id: _id, past: _past, future: _future, static: _static, start, frequency, ...rest } = line as Series;
  if (start === undefined || !isList(rest.values)) return rest;
  const from = checkTime(call, `${name}.start`, start);
  const step = checkFrequency(call, `${name}.frequency`, frequency);
  return { time: Array.from(rest.values, (_, n) => new Date(timeAt(from, n, step))), ...rest };
}
