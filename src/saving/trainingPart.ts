/** Where a training stands as a part of a snapshot: plain data for the header, and runs of numbers. */

import { Tensor } from '../tensor/tensor.ts';
import type { CallbackState, Logs } from '../training/callback.ts';
import { type DataOrder, loopPhases, type TrainingProgress } from '../training/progress.ts';
import { fail, show } from '../util/errors.ts';
import { checkBoolean, checkCount } from '../util/options.ts';
import { checkSeed } from '../util/random.ts';
import { sizeOf } from '../util/shapes.ts';
import type { Body, Numbers } from './block.ts';
import { type Fields, readChoice, readList, readNames, readObject } from './fields.ts';

export function packTraining(progress: TrainingProgress): { header: Fields; runs: Numbers[] } {
  const { sums, logs, batchLogs, history, states, ...header } = progress;
  const series = Object.entries(history.history);
  const lists = [sums, Object.values(logs), Object.values(batchLogs), history.epoch, ...series.map(([, list]) => list)];
  return {
    header: {
      ...header,
      logs: Object.keys(logs),
      batchLogs: Object.keys(batchLogs),
      epochs: history.epoch.length,
      series: series.map(([name]) => name),
      counts: series.map(([, list]) => list.length),
      states: states.map(({ numbers, weights }) => ({
        numbers: Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, toJSON(value)])),
        weights: Boolean(weights),
      })),
    },
    runs: [
      ...lists.map(list => Float64Array.from(list)),
      ...states.flatMap(({ weights }) => (weights ?? []).map(tensor => tensor.dataSync() as Float32Array)),
    ],
  };
}

/**
 * The other way round.
 *
 * @param shapes of all weights of the model
 */
export function readTraining(
  call: string,
  name: string,
  value: unknown,
  body: Body,
  shapes: readonly (readonly number[])[],
): TrainingProgress {
  const fields = readObject(call, name, value);
  const count = (key: string, least = 0) => checkCount(call, `${name}.${key}`, fields[key], least);
  const logsOf = (key: string): Logs => {
    const names = readNames(call, `${name}.${key}`, fields[key]);
    const values = body.doubles(`${name}.${key}`, names.length);
    return Object.fromEntries(names.map((label, n) => [label, values[n]!]));
  };
  const labels = readNames(call, `${name}.labels`, fields.labels);
  const sums = [...body.doubles(`${name}.sums`, labels.length)];
  const logs = logsOf('logs');
  const batchLogs = logsOf('batchLogs');
  const epoch = [...body.doubles(`${name}.epochs`, count('epochs'))];
  const series = readNames(call, `${name}.series`, fields.series);
  const counts = readList(call, `${name}.counts`, fields.counts, series.length);
  const history = series.map((label, n) => {
    const length = checkCount(call, `${name}.counts[${n}]`, counts[n], 0);
    return [label, [...body.doubles(`${name}.series '${label}'`, length)]] as const;
  });
  const states = readList(call, `${name}.states`, fields.states).map((state, n) =>
    readState(call, `${name}.states[${n}]`, state, body, shapes),
  );
  return {
    method: readChoice(call, `${name}.method`, fields.method, ['fit', 'fitDataset']),
    data: readData(call, `${name}.data`, fields.data),
    seed: fields.seed === null ? null : checkSeed(`${call}: ${name}`, fields.seed),
    epoch: count('epoch'),
    batch: count('batch', fields.stage === 'batchEnd' ? 1 : 0),
    stage: readChoice(call, `${name}.stage`, fields.stage, loopPhases),
    told: count('told'),
    ended: checkBoolean(call, `${name}.ended`, fields.ended),
    labels,
    sums,
    seen: count('seen'),
    logs,
    batchLogs,
    history: { epoch, history: Object.fromEntries(history) },
    callbacks: count('callbacks'),
    states,
  };
}

/** The state of a `SeedStream`. */
export function readSeedState(call: string, name: string, value: unknown): string {
  if (typeof value !== 'string' || !/^[0-9a-f]{16}$/.test(value)) {
    fail(call, `${name} must be 16 hexadecimal digits, got ${show(value)}`);
  }
  return value;
}

function readData(call: string, name: string, value: unknown): DataOrder {
  const data = readObject(call, name, value);
  for (const [key, item] of Object.entries(data)) {
    if (typeof item === 'object' && item !== null) fail(call, `${name}.${key} must be plain, got ${show(item)}`);
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

/** Numbers that JSON has no word for. */
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
