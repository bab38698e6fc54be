/** `fit`: training on samples in memory. */

import type { ModelData } from '../inputs/parts.ts';
import { SampleOrder } from '../inputs/samples.ts';
import type { Logs } from './callback.ts';
import { validatePairs } from './evaluateDataset.ts';
import { type Fit, type ModelFitArgs, readFit } from './fitArguments.ts';
import type { History } from './history.ts';
import { TrainingLoop } from './loop.ts';
import { runExclusively } from './options.ts';
import { PairSelection, type Pairs } from './pairs.ts';
import { findSnapshot, readResumed, readsSnapshot } from './resume.ts';
import type { TrainedModel } from './trainedModel.ts';

export async function fitSamples(
  trained: TrainedModel,
  x: ModelData,
  y: ModelData,
  options: ModelFitArgs | undefined,
): Promise<History> {
  const call = 'model.fit';
  const read = readFit(call, trained, x, y, options);
  return runExclusively(trained, read.signal, () => train(call, trained, read));
}

async function train(call: string, trained: TrainedModel, read: Fit): Promise<History> {
  const { pairs, batchSize, shuffle, validation, callbacks, yieldEvery, resume, signal, ...rest } = read;
  const found = readsSnapshot(resume, callbacks) ? await findSnapshot(resume, callbacks) : null;
  const snapshot = found && readResumed(call, trained, found);
  const resumed = snapshot?.progress ?? null;
  const samples = pairs.count;
  const steps = Math.ceil(samples / batchSize);
  const seed = resumed ? resumed.seed : shuffle ? trained.seeds.next() : null;
  const loop = new TrainingLoop(call, trained, {
    callbacks,
    yieldEvery,
    params: { ...rest, samples, steps, batchSize, doValidation: validation !== null },
    method: 'fit',
    data: { samples, batchSize, shuffle },
    seed,
    resumed,
  });
  snapshot?.write();
  const order = new SampleOrder(samples, batchSize, shuffle, seed);
  const selection = new PairSelection(pairs, order.indices);
  const diagnose = () => findFault(pairs);
  const pause = () => loop.pause();

  return loop.run(async (epochLogs, epoch, firstBatch) => {
    order.shuffleFor(epoch);
    for (let batch = firstBatch; batch < steps && !loop.stopsBefore(batch); batch++) {
      const from = batch * batchSize;
      const size = Math.min(batchSize, samples - from);
      const logs: Logs = {};
      await loop.batchBegin(batch, logs);
      logs.batch = batch;
      logs.size = size;
      const { xs, ys, weights } = selection.select(from, size);
      loop.train(logs, xs, ys, weights, diagnose);
      // Before the end of the last batch, as in TF.js
      if (batch === steps - 1 && validation) {
        await loop.validate(epochLogs, () => validatePairs(call, trained, validation, batchSize, pause));
      }
      await loop.batchEnd(batch, logs);
    }
  });
}

/** Describes the first sample with a number that is not finite; null if there is none. */
export function findFault({ xs, ys, xNames, yNames }: Omit<Pairs, 'count' | 'weights'>): string | null {
  const names = [...xNames, ...yNames];
  for (const [n, { data, sampleSize }] of [...xs, ...ys].entries()) {
    const index = data.findIndex(value => !Number.isFinite(value));
    if (index >= 0) return `sample ${Math.floor(index / sampleSize)} of ${names[n]} holds ${data[index]}`;
  }
  return null;
}
