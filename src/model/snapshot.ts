/**
 * Snapshots: everything that the next batch of a model depends on, in one block of bytes (saving/snapshot/format.ts). Restoring
 * checks the whole snapshot before it changes the model.
 */

import { version } from '../../package.json' with { type: 'json' };
import type { RecurrentLayer } from '../layers/recurrent/recurrent.ts';
import type { Optimizer } from '../optimizers/index.ts';
import { rates } from '../optimizers/schedules.ts';
import { architectureOf, checkSameAsModel } from '../saving/snapshot/architecture.ts';
import { readList, readObject, readSeedState } from '../saving/snapshot/fields.ts';
import { type Body, type Numbers, readBlock, writeBlock } from '../saving/snapshot/format.ts';
import { Tensor } from '../tensor/tensor.ts';
import { packProgress, unpackProgress } from '../training/checkpointFormat.ts';
import type { TrainingProgress } from '../training/progress.ts';
import type { ModelSnapshot } from '../training/trainedModel.ts';
import { fail, show } from '../util/errors.ts';
import { checkBoolean, checkCount, checkNumber } from '../util/options.ts';
import { checkSeed } from '../util/random.ts';
import { sizeOf } from '../util/shapes.ts';
import type { OptimizerState } from '../weights/parameters.ts';
import type { ModelView } from './modelView.ts';
import { readStates, recurrentOf, usableLayers, writeStates } from './states.ts';

/** How far the training of a snapshot had come. */
export interface Restored {
  /** Optimizer steps; batches that changed nothing do not count. 0 if the model is not compiled. */
  step: number;
  /** Complete epochs of `fit` or `fitDataset`; null if the snapshot was taken outside of them. */
  epoch: number | null;
  /** The number of batches trained in the next epoch; null if the snapshot was taken outside of training. */
  batch: number | null;
}

/** A snapshot that fits the model. */
export interface Snapshot extends Restored, ModelSnapshot {}

const statefulOf = ({ state }: ModelView): RecurrentLayer[] =>
  recurrentOf(state.allLayers).filter(layer => layer.stateful);

const optimizerOf = ({ state }: ModelView): Optimizer | null => state.objective?.optimizer ?? null;

/** @param progress of the current training run; null outside of one */
export function takeSnapshot(
  call: string,
  view: ModelView,
  progress: TrainingProgress | null,
): Uint8Array<ArrayBuffer> {
  const layers = usableLayers(call, view);
  const parameters = view.parameters(call);
  const optimizer = optimizerOf(view);
  const { batches, trained, counters, slotValues } = parameters.optimizerState(call, optimizer);
  const stateful = statefulOf(view);
  const batch = stateful.length > 0 ? view.fixedBatch(call)! : null;
  const states = batch === null ? [] : readStates(call, view.plans(call), stateful, batch);
  const training = progress && packProgress(progress);
  const header = {
    writer: `lstm-wasm ${version}`,
    layers: architectureOf(layers),
    trainable: layers.map(({ trainable }) => trainable),
    dropoutSeeds: layers.map(({ dropoutSeeds }) => dropoutSeeds),
    batchSize: batch,
    trained,
    random: view.state.seeds.state,
    optimizer: optimizer && { ...kindOf(optimizer), batches },
    training: training?.header ?? null,
  };
  const numbers: Numbers[] = [
    ...layers.flatMap(layer => parameters.read(call, layer)),
    ...slotValues.flat(),
    ...(batches > 0 && optimizer ? [Float64Array.from(counters!)] : []),
    ...states.flat().map(state => state.dataSync() as Float32Array),
    ...(training?.arrays ?? []),
  ];
  return writeBlock(header, numbers);
}

const kindOf = ({ className, slots, counters, useEma, rateOrKind }: Optimizer) => ({
  className,
  slots,
  counters,
  useEma,
  learningRate: rateOrKind,
});

/**
 * Checks a snapshot against a model, without changing the model.
 *
 * @param name of the argument with the bytes
 */
export function readSnapshot(call: string, view: ModelView, bytes: unknown, name: string): Snapshot {
  const layers = usableLayers(call, view);
  const { header, body } = readBlock({ call, part: name }, bytes);
  const field = (key: string) => `${name}: ${key}`;
  checkSameAsModel(call, field('layers'), architectureOf(layers), header.layers);
  const trainable = readList(call, field('trainable'), header.trainable, layers.length).map((value, n) =>
    checkBoolean(call, field(`trainable[${n}]`), value),
  );
  const lists = readList(call, field('dropoutSeeds'), header.dropoutSeeds, layers.length);
  const seeds = layers.map(({ dropoutSeeds }, n) =>
    readList(call, field(`dropoutSeeds[${n}]`), lists[n], dropoutSeeds.length).map(seed =>
      checkSeed(`${call}: ${field(`dropoutSeeds[${n}]`)}`, seed),
    ),
  );
  const trained = checkCount(call, field('trained'), header.trained, 0);
  const random = readSeedState(call, field('random'), header.random);

  const shapes = layers.flatMap(layer => layer.weightSpecs.map(({ shape }) => shape));
  const weights = shapes.map(shape => body.floats(field('weights'), sizeOf(shape)));
  const optimizer = readOptimizer(call, view, field, header.optimizer, body, shapes);
  const states = readCarried(call, view, field, header.batchSize, body);
  const progress =
    header.training === null || header.training === undefined
      ? null
      : unpackProgress(call, field('training'), header.training, body, shapes);
  body.end();

  return {
    step: optimizer.progress.batches,
    epoch: progress?.epoch ?? null,
    batch: progress && (progress.batch ?? 0),
    progress,
    write() {
      const parameters = view.parameters(call);
      const own = optimizerOf(view);
      const stateful = statefulOf(view);
      // Allocates all memory first: the rest cannot fail
      parameters.prepare(call, optimizer.progress.batches > 0 ? own : null);
      if (stateful.length > 0) readStates(call, view.plans(call), stateful, view.fixedBatch(call)!);
      let next = 0;
      for (const layer of layers) {
        const values = weights.slice(next, next + layer.weightSpecs.length);
        next += values.length;
        parameters.write(call, layer, values);
      }
      parameters.restoreOptimizerState(call, own, { ...optimizer.progress, trained });
      if (own && optimizer.rate !== null) own.learningRate = optimizer.rate;
      if (stateful.length > 0) {
        const numbers = states.map(list => list.map(state => state.dataSync()));
        writeStates(call, view.plans(call), stateful, view.fixedBatch(call)!, numbers);
      }
      for (const [n, layer] of layers.entries()) {
        layer.trainable = trainable[n]!;
        layer.dropoutSeeds = seeds[n]!;
      }
      // Plans hold the dropout seeds
      parameters.invalidatePlans();
      view.state.seeds.state = random;
    },
  };
}

interface OptimizerPart {
  readonly progress: Omit<OptimizerState, 'trained'>;
  /** The learning rate, if it is a number. */
  readonly rate: number | null;
}

/** The optimizer of a snapshot; a new one if the snapshot or the model has none. */
function readOptimizer(
  call: string,
  view: ModelView,
  field: (key: string) => string,
  value: unknown,
  body: Body,
  shapes: readonly (readonly number[])[],
): OptimizerPart {
  const none: OptimizerPart = { progress: { batches: 0, counters: null, slotValues: [] }, rate: null };
  if (value === null || value === undefined) return none;
  const name = field('optimizer');
  const fields = readObject(call, name, value);
  const own = optimizerOf(view);
  const batches = checkCount(call, `${name}.batches`, fields.batches, 0);
  const count = (key: string) => checkCount(call, `${name}.${key}`, fields[key], 0);
  if (own) {
    const { learningRate, ...kind } = kindOf(own);
    checkSameAsModel(
      call,
      name,
      kind,
      (({ className, slots, counters, useEma }) => ({ className, slots, counters, useEma }))(fields),
    );
  }
  const rate = readRate(call, `${name}.learningRate`, fields.learningRate, own);
  if (batches === 0) return { ...none, rate };
  const useEma = checkBoolean(call, `${name}.useEma`, fields.useEma);
  const slotValues: Float32Array[][] = [];
  // One at a time: a wrong number of slots fails at the end of the bytes, before it allocates anything
  for (let run = count('slots') + Number(useEma); run > 0; run--) {
    if (shapes.length === 0) break;
    slotValues.push(shapes.map(shape => body.floats(`${name}.slots`, sizeOf(shape))));
  }
  const counters = body.doubles(`${name}.counters`, count('counters'));
  return own ? { progress: { batches, counters: [...counters], slotValues }, rate } : none;
}

/** Reads a learning rate. A schedule or function is not in the snapshot: the optimizer of the model must have one. */
function readRate(call: string, name: string, value: unknown, own: Optimizer | null): number | null {
  if (typeof value === 'number') return checkNumber(call, name, value, rates);
  if (value !== 'schedule' && value !== 'function') {
    fail(call, `${name} must be a number, 'schedule' or 'function', got ${show(value)}`);
  }
  if (own && typeof own.rateOrKind === 'number') {
    fail(call, `${name} must be a number, as in the model, got a ${value}; compile the model with a ${value}`);
  }
  return null;
}

/** Reads the carried states of the stateful layers, a list for each. */
function readCarried(
  call: string,
  view: ModelView,
  field: (key: string) => string,
  value: unknown,
  body: Body,
): Tensor[][] {
  const stateful = statefulOf(view);
  if (stateful.length === 0) return [];
  const batch = view.fixedBatch(call)!;
  if (value !== batch) {
    fail(call, `${field('batchSize')} must be ${batch}, the batch size of the stateful model, got ${show(value)}`);
  }
  return stateful.map(layer =>
    layer.states.map(({ width }) => new Tensor(body.floats(field('states'), batch * width), [batch, width])),
  );
}
