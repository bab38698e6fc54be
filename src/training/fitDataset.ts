/** `fitDataset`: training on a data set, batch by batch. */

import { readSamples } from '../inputs/batches.ts';
import type { SampleWeightOptions } from '../inputs/sampleWeights.ts';
import { warn } from '../util/warning.ts';
import type { Logs } from './callback.ts';
import type { BatchSource, Reader } from './dataset.ts';
import { validatePairs, validateSource } from './evaluateDataset.ts';
import { findFault } from './fit.ts';
import { type FitDataset, type ModelFitDatasetArgs, readFitDataset } from './fitDatasetArguments.ts';
import type { History } from './history.ts';
import { TrainingLoop } from './loop.ts';
import { runExclusively } from './options.ts';
import type { TrainingProgress } from './progress.ts';
import { findSnapshot, readResumed, readsSnapshot } from './resume.ts';
import type { TrainedModel } from './trainedModel.ts';

export async function fitDataset(
  trained: TrainedModel,
  dataset: BatchSource,
  options: ModelFitDatasetArgs | undefined,
): Promise<History> {
  const call = 'model.fitDataset';
  const read = readFitDataset(call, trained, dataset, options);
  return runExclusively(trained, read.signal, () => train(call, trained, read));
}

async function train(call: string, trained: TrainedModel, read: FitDataset): Promise<History> {
  const { source, batchesPerEpoch, validation, classWeight, callbacks, yieldEvery, resume, signal, ...rest } = read;
  const found = readsSnapshot(resume, callbacks) ? await findSnapshot(resume, callbacks) : null;
  const snapshot = found && readResumed(call, trained, found);
  const resumed = snapshot?.progress ?? null;
  const steps = batchesPerEpoch ?? source.size;
  const loop = new TrainingLoop(call, trained, {
    callbacks,
    yieldEvery,
    params: { ...rest, samples: null, steps, batchSize: null, doValidation: validation !== null },
    method: 'fitDataset',
    data: { batchesPerEpoch },
    seed: null,
    resumed,
  });
  snapshot?.write();
  const pause = () => loop.pause();
  let reader: Reader | null = null;

  /** @returns whether the epoch was trained to its end */
  const trainBatches = async (firstBatch: number): Promise<boolean> => {
    for (let batch = firstBatch; batch !== batchesPerEpoch; batch++) {
      if (loop.stopsBefore(batch)) return false;
      reader ??= await source.open();
      const next = await reader.next();
      if (!next) {
        if (batchesPerEpoch === null) return batch > 0 || source.failEmpty(call);
        loop.endOfData();
        warn(
          `${call}: dataset must hold batchesPerEpoch * epochs = ${batchesPerEpoch * rest.epochs} batches, but it ` +
            `ended at batch ${batch} of an epoch; training stops here`,
        );
        return false;
      }
      try {
        const [xs, ys] = [trained.inputs(call, 'xs', next.xs), trained.outputs(call, 'ys', next.ys)];
        const shapes = trained.shapes(call, xs, ys, ['xs', 'ys'], trained.fixedBatch(call));
        const logs: Logs = { batch, size: shapes.xs[0]![0]! };
        await loop.batchBegin(batch, logs);
        const diagnose = () =>
          findFault({
            ...shapes,
            xs: xs.map((x, n) => readSamples(call, shapes.xNames[n]!, x, shapes.xs[n]!)),
            ys: ys.map((y, n) => readSamples(call, shapes.yNames[n]!, y, shapes.ys[n]!)),
          });
        loop.train(logs, xs, ys, joinWeights(next.weights, classWeight), diagnose);
        await loop.batchEnd(batch, logs);
      } finally {
        next.release();
      }
    }
    return true;
  };

  const trainEpoch = async (epochLogs: Logs, _epoch: number, firstBatch: number) => {
    const isWhole = await trainBatches(firstBatch);
    if (!isWhole) return; // as in TF.js, an epoch that was stopped has no validation
    if (batchesPerEpoch === null) reader = null;
    if (!validation) return;
    await loop.validate(epochLogs, () =>
      'pairs' in validation
        ? validatePairs(call, trained, validation.pairs, validation.size, pause)
        : validateSource(call, trained, validation.source, validation.batches, pause),
    );
  };

  /** Reads the batches of the training run to resume, without using them, for data sets that draw random numbers. */
  const replay = async ({ epoch, batch, ended, history }: TrainingProgress) => {
    if (ended && batch === null) return; // no more data is needed
    for (let trainedEpoch = history.epoch[0] ?? epoch; trainedEpoch < epoch; trainedEpoch++) {
      reader ??= await source.open();
      await skip(reader, batchesPerEpoch, loop);
      if (batchesPerEpoch === null) {
        await reader.close();
        reader = null;
      }
      if (!validation || 'pairs' in validation) continue;
      const tested = await validation.source.open();
      await skip(tested, validation.batches, loop);
      await tested.close();
    }
    if (!batch) return;
    reader ??= await source.open();
    await skip(reader, batch, loop);
  };

  let failed = true;
  try {
    const history = await loop.run(trainEpoch, replay);
    failed = false;
    return history;
  } finally {
    await (reader as Reader | null)?.close(failed);
  }
}

/** Reads a number of batches without using them; null for all. */
async function skip(reader: Reader, batches: number | null, loop: TrainingLoop): Promise<void> {
  for (let n = 0; n !== batches; n++) {
    const batch = await reader.next();
    if (!batch) break;
    batch.release();
    await loop.pause();
  }
}

const joinWeights = (own: SampleWeightOptions | undefined, classWeight: SampleWeightOptions['classWeight']) =>
  classWeight === undefined ? own : { ...own, classWeight };
