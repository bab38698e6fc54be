/**
 * Snapshots: everything that the next batch of a model depends on, in one block of bytes, and back. What a block is,
 * block.ts says; nothing of a model changes before all of a snapshot has been checked.
 */

import { version } from '../../package.json' with { type: 'json' };
import type { RecurrentLayer } from '../layers/recurrent/recurrent.ts';
import type { ModelView } from '../model/modelView.ts';
import { readStates, recurrentOf, writeStates } from '../model/states.ts';
import type { Optimizer } from '../optimizers/index.ts';
import { rates } from '../optimizers/schedules.ts';
import { Tensor } from '../tensor/tensor.ts';
import { epochsDone, type TrainingProgress } from '../training/progress.ts';
import { fail, show } from '../util/errors.ts';
import { checkBoolean, checkCount, checkNumber } from '../util/options.ts';
import { checkSeed } from '../util/random.ts';
import { sizeOf } from '../util/shapes.ts';
import type { Progress } from '../weights/parameters.ts';
import { architectureOf, checkSame } from './architecture.ts';
import { type Body, type Numbers, readBlock, writeBlock } from './block.ts';
import { readList, readObject } from './fields.ts';
import { packTraining, readSeedState, readTraining } from './trainingPart.ts';

/** Where the training of a snapshot stands. */
export interface Restored {
  /** Batches trained with its optimizer; those that changed nothing do not count. 0 where the model is not compiled. */
  step: number;
  /** Epochs that `fit` or `fitDataset` had behind it; null where the snapshot was taken outside of them. */
  epoch: number | null;
  /** Batches trained of the epoch after those, likewise. */
  batch: number | null;
}

/** A snapshot that has been checked. */
export interface Snapshot extends Restored {
  /** The training it was taken in; null outside of one. */
  readonly progress: TrainingProgress | null;
  /** Puts it into the model it was checked against. */
  write(): void;
}

/** The stateful layers, each with its place in the stack. */
const statefulOf = ({ stack }: ModelView): [RecurrentLayer, number][] =>
  recurrentOf(stack.layers).filter(([layer]) => layer.stateful);

const optimizerOf = ({ stack }: ModelView): Optimizer | null => stack.objective?.optimizer ?? null;

/** @param progress of the training that is going on; null outside of one */
export function takeSnapshot(
  call: string,
  view: ModelView,
  progress: TrainingProgress | null,
): Uint8Array<ArrayBuffer> {
  const { layers } = view.stack;
  view.firstLayer(call);
  const parameters = view.parameters(call);
  const optimizer = optimizerOf(view);
  const { batches, trained, counters, runs } = parameters.progress(call, optimizer);
  const stateful = statefulOf(view);
  const batch = stateful.length > 0 ? view.fixedBatch(call)! : null;
  const states = batch === null ? [] : readStates(call, view.plans(call), stateful, batch);
  const training = progress && packTraining(progress);
  const header = {
    writer: `lstm-wasm ${version}`,
    layers: architectureOf(layers),
    trainable: layers.map(({ trainable }) => trainable),
    dropoutSeeds: layers.map(({ dropoutSeeds }) => dropoutSeeds),
    batchSize: batch,
    trained,
    random: view.stack.seeds.state,
    optimizer: optimizer && { ...kindOf(optimizer), batches },
    training: training?.header ?? null,
  };
  const numbers: Numbers[] = [
    ...layers.flatMap(layer => parameters.read(call, layer)),
    ...runs.flat(),
    ...(batches > 0 && optimizer ? [Float64Array.from(counters!)] : []),
    ...states.flat().map(state => state.dataSync() as Float32Array),
    ...(training?.runs ?? []),
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
 * Checks a snapshot against a model, and changes nothing.
 *
 * @param name of the argument that holds it
 */
export function readSnapshot(call: string, view: ModelView, bytes: unknown, name: string): Snapshot {
  const { layers } = view.stack;
  view.firstLayer(call);
  const { header, body } = readBlock({ call, part: name }, bytes);
  const at = (key: string) => `${name}: ${key}`;
  checkSame(call, at('layers'), architectureOf(layers), header.layers);
  const trainable = readList(call, at('trainable'), header.trainable, layers.length).map((value, n) =>
    checkBoolean(call, at(`trainable[${n}]`), value),
  );
  const lists = readList(call, at('dropoutSeeds'), header.dropoutSeeds, layers.length);
  const seeds = layers.map(({ dropoutSeeds }, n) =>
    readList(call, at(`dropoutSeeds[${n}]`), lists[n], dropoutSeeds.length).map(seed =>
      checkSeed(`${call}: ${at(`dropoutSeeds[${n}]`)}`, seed),
    ),
  );
  const trained = checkCount(call, at('trained'), header.trained, 0);
  const random = readSeedState(call, at('random'), header.random);

  const shapes = layers.flatMap(layer => layer.weightSpecs.map(({ shape }) => shape));
  const weights = shapes.map(shape => body.floats(at('weights'), sizeOf(shape)));
  const optimizer = readOptimizer(call, view, at, header.optimizer, body, shapes);
  const states = readCarried(call, view, at('batchSize'), header.batchSize, body);
  const progress =
    header.training === null || header.training === undefined
      ? null
      : readTraining(call, at('training'), header.training, body, shapes);
  body.end();

  return {
    step: optimizer.progress.batches,
    epoch: progress && epochsDone(progress),
    batch: progress && (progress.stage === 'epochEnd' ? 0 : progress.batch),
    progress,
    write() {
      const parameters = view.parameters(call);
      const own = optimizerOf(view);
      const stateful = statefulOf(view);
      // All memory first: what follows cannot fail
      parameters.prepare(call, optimizer.progress.batches > 0 ? own : null);
      if (stateful.length > 0) readStates(call, view.plans(call), stateful, view.fixedBatch(call)!);
      let next = 0;
      for (const layer of layers) {
        const values = weights.slice(next, next + layer.weightSpecs.length);
        next += values.length;
        parameters.write(call, layer, values);
      }
      parameters.resume(call, own, { ...optimizer.progress, trained });
      if (own && optimizer.rate !== null) own.learningRate = optimizer.rate;
      if (stateful.length > 0) {
        const numbers = states.map(list => list.map(state => state.dataSync()));
        writeStates(call, view.plans(call), stateful, view.fixedBatch(call)!, numbers);
      }
      for (const [n, layer] of layers.entries()) {
        layer.trainable = trainable[n]!;
        layer.dropoutSeeds = seeds[n]!;
      }
      // Seeds are written into plans
      parameters.outdatePlans();
      view.stack.seeds.state = random;
    },
  };
}

interface OptimizerPart {
  readonly progress: Omit<Progress, 'trained'>;
  /** The learning rate where it was set to a number. */
  readonly rate: number | null;
}

/** The optimizer of a snapshot; a fresh one where either side has none. */
function readOptimizer(
  call: string,
  view: ModelView,
  at: (key: string) => string,
  value: unknown,
  body: Body,
  shapes: readonly (readonly number[])[],
): OptimizerPart {
  const none: OptimizerPart = { progress: { batches: 0, counters: null, runs: [] }, rate: null };
  if (value === null || value === undefined) return none;
  const name = at('optimizer');
  const fields = readObject(call, name, value);
  const own = optimizerOf(view);
  const batches = checkCount(call, `${name}.batches`, fields.batches, 0);
  const count = (key: string) => checkCount(call, `${name}.${key}`, fields[key], 0);
  if (own) {
    const { learningRate, ...kind } = kindOf(own);
    checkSame(
      call,
      name,
      kind,
      (({ className, slots, counters, useEma }) => ({ className, slots, counters, useEma }))(fields),
    );
  }
  const rate = readRate(call, `${name}.learningRate`, fields.learningRate, own);
  if (batches === 0) return { ...none, rate };
  const useEma = checkBoolean(call, `${name}.useEma`, fields.useEma);
  const runs: Float32Array[][] = [];
  // One at a time: a number of slots that lies meets the end of the bytes before it costs anything
  for (let run = count('slots') + Number(useEma); run > 0; run--) {
    if (shapes.length === 0) break;
    runs.push(shapes.map(shape => body.floats(`${name}.slots`, sizeOf(shape))));
  }
  const counters = body.doubles(`${name}.counters`, count('counters'));
  return own ? { progress: { batches, counters: [...counters], runs }, rate } : none;
}

/** A number goes into the optimizer in hand; of schedules and functions, it must have one of its own. */
function readRate(call: string, name: string, value: unknown, own: Optimizer | null): number | null {
  if (typeof value === 'number') return checkNumber(call, name, value, rates);
  if (value !== 'schedule' && value !== 'function') {
    fail(call, `${name} must be a number, 'schedule' or 'function', got ${show(value)}`);
  }
  if (own && typeof own.rateOrKind === 'number') {
    fail(call, `${name} must be a number, as in the model, got a ${value}; compile the model with that`);
  }
  return null;
}

/** The carried states of the stateful layers, a list for each. */
function readCarried(call: string, view: ModelView, name: string, value: unknown, body: Body): Tensor[][] {
  const stateful = statefulOf(view);
  if (stateful.length === 0) return [];
  const batch = view.fixedBatch(call)!;
  if (value !== batch) fail(call, `${name} must be ${batch}, that of the stateful model, got ${show(value)}`);
  return stateful.map(([layer]) =>
    layer.states.map(({ width }) => new Tensor(body.floats('the states', batch * width), [batch, width])),
  );
}
