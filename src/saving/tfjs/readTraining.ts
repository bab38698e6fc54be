/** Reads the compile options and the training state of a saved model, in the form of TF.js or of trainingConfig.ts. */

import type { Layer } from '../../layers/layer.ts';
import type { Loss } from '../../objective/losses.ts';
import type { MetricName } from '../../objective/metrics.ts';
import { type CompileOptions, type Objective, readObjective } from '../../objective/objective.ts';
import { Adam } from '../../optimizers/adam.ts';
import type { Optimizer } from '../../optimizers/index.ts';
import { type ConfigValue, fromPython } from '../../util/config.ts';
import { isSerialized } from '../../util/deserialize.ts';
import { show } from '../../util/errors.ts';
import { power } from '../../util/math.ts';
import { floatsFor, showShape } from '../../util/shapes.ts';
import type { OptimizerState } from '../../weights/parameters.ts';
import {
  checkDepth,
  type FilePath,
  failAt,
  isObject,
  itemOf,
  readCount,
  readList,
  readNumber,
  readObject,
  readText,
  withFilePath,
  within,
} from '../config/filePath.ts';
import { fromBase64 } from './base64.ts';
import { tfjsOptimizers } from './tfjsTraining.ts';
import { MOST_COUNTED, slotsOf, weightsOf } from './trainingConfig.ts';
import type { StoredWeight } from './weightData.ts';

/** The checked training state of a file. */
export interface FoundTraining {
  readonly objective: Objective;
  readonly progress: OptimizerState | null;
  /** The seeds of each layer; null if the file has none. */
  readonly dropoutSeeds: readonly (readonly number[])[] | null;
}

type MakeOptimizer = (location: FilePath, described: unknown) => Optimizer;

/** Reads `trainingConfig` and the optimizer weights of TF.js. */
export function readTfjsTraining(
  location: FilePath,
  value: unknown,
  specs: FilePath,
  stored: readonly StoredWeight[],
  layers: readonly Layer[],
  outputNames: readonly string[],
  makeOptimizer: MakeOptimizer,
): FoundTraining {
  checkDepth(location, value);
  const config = readObject(location, value);
  for (const name of ['weighted_metrics', 'loss_weights', 'sample_weight_mode']) {
    const given = config[name];
    if (given !== undefined && given !== null) {
      failAt(within(location, name), `must be absent, because it is not supported, got ${show(given)}`);
    }
  }
  const loss = readLosses(within(location, 'loss'), config.loss, outputNames);
  const described = fromPython(config.optimizer_config as ConfigValue);
  const optimizer = makeOptimizer(within(location, 'optimizer_config'), described);
  const objective = objectiveOf(location, outputNames, {
    optimizer,
    loss: loss as Loss[],
    metrics: readMetrics(within(location, 'metrics'), config.metrics, outputNames),
  });
  if (stored.length === 0) return { objective, progress: null, dropoutSeeds: null };
  const batches = readIterations(specs, stored);
  const slotValues = readSlotValues(specs, stored, layers, optimizer, true, batches);
  // Computed as powers, because repeated multiplication would take time proportional to the number of batches
  const counters = optimizer instanceof Adam ? [power(optimizer.beta1, batches), power(optimizer.beta2, batches)] : [];
  return { objective, progress: { batches, trained: batches, counters, slotValues }, dropoutSeeds: null };
}

/** Reads the result of `describeTraining`. */
export function readOwnTraining(
  location: FilePath,
  value: unknown,
  specs: FilePath,
  stored: readonly StoredWeight[],
  layers: readonly Layer[],
  outputNames: readonly string[],
  asTfjs: boolean,
  makeOptimizer: MakeOptimizer,
): FoundTraining {
  checkDepth(location, value);
  const own = readObject(location, value);
  const optimizer = makeOptimizer(within(location, 'optimizer'), own.optimizer);
  const objective = objectiveOf(location, outputNames, { ...readOwnObjective(location, own), optimizer });
  const batches = readCount(within(location, 'batches'), own.batches);
  const trained = readCount(within(location, 'trained'), own.trained);
  const counters = readNumbers(within(location, 'counters'), own.counters, batches === 0 ? 0 : optimizer.counters);
  const iterations = readIterations(specs, stored);
  if (iterations !== Math.min(batches, MOST_COUNTED)) {
    failAt(within(location, 'batches'), `must equal the weight 'iter', ${iterations}, got ${batches}`);
  }
  const slotValues = readSlotValues(specs, stored, layers, optimizer, asTfjs, batches);
  const exact = own.slots === undefined ? slotValues : readSlots(within(location, 'slots'), own.slots, slotValues);
  const seedsLocation = within(location, 'dropoutSeeds');
  const lists = readList(seedsLocation, own.dropoutSeeds);
  if (lists.length !== layers.length) {
    failAt(seedsLocation, `must have a list for each of the ${layers.length} layers, got ${lists.length}`);
  }
  const dropoutSeeds = layers.map((layer, n) => {
    const here = itemOf(seedsLocation, n);
    const seeds = readNumbers(here, lists[n], layer.dropoutSeeds.length);
    return seeds.map((seed, i) => readCount(itemOf(here, i), seed));
  });
  return { objective, progress: { batches, trained, counters, slotValues: exact }, dropoutSeeds };
}

/** Reads the exact slots, with the sizes of `rounded`. */
function readSlots(
  location: FilePath,
  value: unknown,
  rounded: readonly (readonly Float32Array[])[],
): Float32Array[][] {
  const bytes = fromBase64(location, readText(location, value));
  const expected = rounded.flat().reduce((sum, { byteLength }) => sum + byteLength, 0);
  if (bytes.byteLength !== expected) failAt(location, `must be ${expected} bytes, got ${bytes.byteLength}`);
  let at = 0;
  return rounded.map(run =>
    run.map(({ byteLength }) => {
      const from = at;
      at += byteLength;
      return new Float32Array(bytes.slice(from, at).buffer);
    }),
  );
}

/** The losses and metrics of a result of `describeObjective`: of one output, or lists of those of several. */
function readOwnObjective(
  location: FilePath,
  own: Readonly<Record<string, unknown>>,
): Omit<CompileOptions, 'optimizer'> {
  const weights = {
    ...(own.lossWeights !== undefined && { lossWeights: own.lossWeights as number[] }),
    ...(own.weightedMetrics !== undefined && { weightedMetrics: readOwnMetrics(location, own, 'weightedMetrics') }),
  };
  const metrics = readOwnMetrics(location, own, 'metrics');
  if (!Array.isArray(own.loss)) {
    const loss = readText(within(location, 'loss'), own.loss) as Loss;
    return { loss, metrics, ...weights };
  }
  return { loss: readLossNames(within(location, 'loss'), own.loss) as Loss[], metrics, ...weights };
}

/** Of one output, metrics are a list; of several, a list of lists. */
function readOwnMetrics(
  location: FilePath,
  own: Readonly<Record<string, unknown>>,
  option: 'metrics' | 'weightedMetrics',
): MetricName[] | MetricName[][] {
  const here = within(location, option);
  if (!Array.isArray(own.loss) || own.loss.length === 1) return readLossNames(here, own[option]) as MetricName[];
  return readList(here, own[option]).map((names, n) => readLossNames(itemOf(here, n), names) as MetricName[]);
}

const objectiveOf = (location: FilePath, outputNames: readonly string[], options: CompileOptions): Objective =>
  withFilePath(location, () => readObjective('compile', options, outputNames));

/** Reads the loss of each output: a name for all of them, a list, or an object by the name of the output. */
function readLosses(location: FilePath, value: unknown, outputNames: readonly string[]): string[] {
  if (typeof value === 'string') return outputNames.map(() => value);
  const isByName = isObject(value) && !Array.isArray(value);
  const list = isByName ? valuesByName(location, value, outputNames) : readList(location, value);
  const count = outputNames.length;
  if (list.length !== count) {
    failAt(location, `must be ${count === 1 ? 'one name' : `${count} names`}, got ${list.length}`);
  }
  return list.map((name, n) => readText(itemOf(location, n), name));
}

/** Reads the metrics: a list for all outputs, or an object of lists or single metrics by the name of the output. */
function readMetrics(location: FilePath, value: unknown, outputNames: readonly string[]): CompileOptions['metrics'] {
  if (value === undefined || value === null) return [];
  if (typeof value === 'string' || Array.isArray(value)) return readNames(location, value) as MetricName[];
  const values = valuesByName(location, readObject(location, value), outputNames);
  const lists = values.map((list, n) =>
    list === undefined ? [] : readNames(within(location, outputNames[n] ?? String(n)), list),
  );
  return (outputNames.length === 1 ? lists.flat() : lists) as MetricName[];
}

/** The value for each output of an object by the name of the output; a single output may have any name. */
function valuesByName(location: FilePath, value: object, outputNames: readonly string[]): unknown[] {
  const entries = Object.entries(value);
  if (outputNames.length === 1) return entries.length === 0 ? [undefined] : entries.map(([, item]) => item as unknown);
  const unknown = entries.find(([name]) => !outputNames.includes(name));
  if (unknown) failAt(location, `must name outputs (${outputNames.join(', ')}), got ${show(unknown[0])}`);
  return outputNames.map(name => (value as Record<string, unknown>)[name]);
}

/** As `readNames`, of names or descriptions of losses with options. */
function readLossNames(location: FilePath, value: unknown): unknown[] {
  if (typeof value === 'string') return [value];
  return readList(location, value).map((name, n) => (isSerialized(name) ? name : readText(itemOf(location, n), name)));
}

/** Reads a name, or a list of names. */
function readNames(location: FilePath, value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return readList(location, value).map((name, n) => readText(itemOf(location, n), name));
}

function readNumbers(location: FilePath, value: unknown, count: number): number[] {
  const list = readList(location, value);
  if (list.length !== count) failAt(location, `must be a list of ${count} numbers, got ${list.length}`);
  return list.map((item, n) => readNumber(itemOf(location, n), item));
}

function readIterations(specs: FilePath, stored: readonly StoredWeight[]): number {
  const first = stored[0];
  if (first?.dtype !== 'int32' || first.values.length !== 1) {
    failAt(specs, `the first weight of the optimizer must be 'iter', one int32 number, got ${show(first?.name)}`);
  }
  return readCount({ ...specs, part: `${specs.part} (iter)` }, first!.values[0]);
}

/** Reads the optimizer state of every weight, slot by slot. */
function readSlotValues(
  specs: FilePath,
  [, ...stored]: readonly StoredWeight[],
  layers: readonly Layer[],
  optimizer: Optimizer,
  asTfjs: boolean,
  batches: number,
): Float32Array[][] {
  const weights = weightsOf(layers);
  const learning = asTfjs ? weights.filter(({ learns }) => learns) : weights;
  if (asTfjs && !tfjsOptimizers[optimizer.className]) {
    failAt(specs, `must have no optimizer weights, because TF.js has no ${optimizer.className}, got ${stored.length}`);
  }
  const slots = slotsOf(optimizer, asTfjs);
  const count = batches === 0 ? 0 : slots.length * learning.length;
  if (batches > 0 || stored.length > 0) {
    if (stored.length !== slots.length * learning.length) {
      const rule = `${slots.length} for each of ${learning.length} weights`;
      failAt(specs, `the weights of the optimizer after 'iter' must be ${rule}, got ${stored.length}`);
    }
  }
  if (count === 0) return [];
  const scale = asTfjs ? (tfjsOptimizers[optimizer.className]!.scale?.(optimizer) ?? 1) : 1;
  const runs: Float32Array[][] = [];
  for (const [s, { name, idle }] of slots.entries()) {
    const start = optimizer.slotStart(runs.length);
    const run: Float32Array[] = [];
    for (const [n, { path, shape, index }] of learning.entries()) {
      const { name: found, shape: got, dtype, values } = stored[s * learning.length + n]!;
      if (!found.endsWith(`/${name}`) || dtype !== 'float32' || showShape(got) !== showShape(shape)) {
        const wanted = `'${path}/${name}' of float32 ${showShape(shape)}`;
        failAt(specs, `must have ${wanted} at this position, got ${show(found)} of ${dtype} ${showShape(got)}`);
      }
      run[index] = scale === 1 ? (values as Float32Array) : (values as Float32Array).map(value => value * scale);
    }
    if (idle) continue;
    for (const { index, shape } of weights) run[index] ??= floatsFor(specs.call, 'layers', shape).fill(start);
    runs.push(run);
  }
  return runs;
}
