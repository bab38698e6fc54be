/** The progress of a training run as a section of a snapshot: plain data for its header, and arrays of numbers. */

import { type Fields, readChoice, readList, readNames, readObject } from '../saving/snapshot/fields.ts';
import type { Body, Numbers } from '../saving/snapshot/format.ts';
import { Tensor } from '../tensor/tensor.ts';
import { fail, show } from '../util/errors.ts';
import { checkBoolean, checkCount } from '../util/options.ts';
import { checkSeed } from '../util/random.ts';
import { sizeOf } from '../util/shapes.ts';
import type { CallbackState } from './callback.ts';
import type { DataOrder, TrainingProgress } from './progress.ts';

export function packProgress(progress: TrainingProgress): { header: Fields; arrays: Numbers[] } {
  const { sums, logs, history, states, ...header } = progress;
  const series = Object.entries(history.history);
  const lists = [sums, Object.values(logs), history.epoch, ...series.map(([, list]) => list)];
  return {
    header: {
      ...header,
      logs: Object.keys(logs),
      epochs: history.epoch.length,
      series: series.map(([name]) => name),
      counts: series.map(([, list]) => list.length),
      states: states.map(({ numbers, weights }) => ({
        numbers: Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, toJSON(value)])),
        weights: Boolean(weights),
      })),
    },
    arrays: [
      ...lists.map(list => Float64Array.from(list)),
      ...states.flatMap(({ weights }) => (weights ?? []).map(tensor => tensor.dataSync() as Float32Array)),
    ],
  };
}

/**
 * Reads and checks what `packProgress` wrote.
 *
 * @param shapes those of all weights of the model
 */
export function unpackProgress(
  call: string,
  name: string,
  value: unknown,
  body: Body,
  shapes: readonly (readonly number[])[],
): TrainingProgress {
  const fields = readObject(call, name, value);
  const count = (key: string) => checkCount(call, `${name}.${key}`, fields[key], 0);
  const labels = readNames(call, `${name}.labels`, fields.labels);
  const sums = [...body.doubles(`${name}.sums`, labels.length)];
  const logNames = readNames(call, `${name}.logs`, fields.logs);
  const logValues = body.doubles(`${name}.logs`, logNames.length);
  const epoch = [...body.doubles(`${name}.epochs`, count('epochs'))];
  const series = readNames(call, `${name}.series`, fields.series);
  const counts = readList(call, `${name}.counts`, fields.counts, series.length);
  const history = series.map((label, n): [string, number[]] => {
    const length = checkCount(call, `${name}.counts[${n}]`, counts[n], 0);
    return [label, [...body.doubles(`${name}.series '${label}'`, length)]];
  });
  const states = readList(call, `${name}.states`, fields.states).map((state, n) =>
    readState(call, `${name}.states[${n}]`, state, body, shapes),
  );
  return {
    method: readChoice(call, `${name}.method`, fields.method, ['fit', 'fitDataset']),
    data: readData(call, `${name}.data`, fields.data),
    seed: fields.seed === null ? null : checkSeed(`${call}: ${name}`, fields.seed),
    epoch: count('epoch'),
    batch: fields.batch === null ? null : count('batch'),
    ended: checkBoolean(call, `${name}.ended`, fields.ended),
    labels,
    sums,
    seen: count('seen'),
    logs: Object.fromEntries(logNames.map((label, n) => [label, logValues[n]!])),
    history: { epoch, history: Object.fromEntries(history) },
    callbacks: count('callbacks'),
    states,
  };
}

function readData(call: string, name: string, value: unknown): DataOrder {
  const data = readObject(call, name, value);
  for (const [key, item] of Object.entries(data)) {
    if (typeof item === 'object' && item !== null)
      fail(call, `${name}.${key} must be a number, string, boolean or null, got ${show(item)}`);
  }
  return data as DataOrder;
}

function readState(
  call: string,
  name: string,
  value: unknown,
  body: Body,
  shapes: readonly (readonly number[])[],
): CallbackState {
  const { numbers, weights } = readObject(call, name, value);
  const entries = Object.entries(readObject(call, `${name}.numbers`, numbers));
  const kept = checkBoolean(call, `${name}.weights`, weights);
  return {
    numbers: Object.fromEntries(entries.map(([key, item]) => [key, fromJSON(call, `${name}.numbers.${key}`, item)])),
    weights: kept
      ? shapes.map(shape => new Tensor(body.floats(`${name}.weights`, sizeOf(shape)).slice(), [...shape]))
      : null,
  };
}

/** Numbers that JSON cannot represent. */
const words = ['NaN', 'Infinity', '-Infinity', '-0'];

const toJSON = (value: number | null): number | string | null =>
  value === null || (Number.isFinite(value) && !Object.is(value, -0))
    ? value
    : Object.is(value, -0)
      ? '-0'
      : String(value);

function fromJSON(call: string, name: string, value: unknown): number | null {
  if (value === null || typeof value === 'number') return value;
  if (typeof value === 'string' && words.includes(value)) return Number(value);
  return fail(call, `${name} must be a number or null, got ${show(value)}`);
}
