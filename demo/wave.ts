/** Which part of a batch is drawn. */

import type { PredictionData } from 'lstm-wasm/plot';
import { timeSteps } from './trainer.ts';

/** Points in a radian, as the data has them, and in a whole wave. */
const perRadian = 10 * Math.PI;
const perWave = 2 * Math.PI * perRadian;

interface Batch {
  /** The number of its first point. */
  start: number;
  target: Float32Array;
  prediction: Float32Array;
}

/**
 * Whole waves, beginning at a crest of the target. The rows of a batch continue one another, so all of it is one curve;
 * beginning at the same place of a wave every time, as an oscilloscope does, makes the target stand still.
 */
export function waves({ start, target, prediction }: Batch, count: number): PredictionData {
  const crest = Math.ceil(start / perWave) * perWave;
  const from = Math.round(crest - start);
  const to = Math.min(from + Math.round(count * perWave) + 1, target.length);
  return {
    // A crest lies between two points; taking it for the nearer one keeps the axis where it is.
    time: Float64Array.from({ length: to - from }, (_, i) => i / perRadian),
    target: target.subarray(from, to),
    prediction: prediction.subarray(from, to),
  };
}

/** The first row of the batch alone, over the time that has passed since the first step. */
export function firstRow({ start, target, prediction }: Batch): PredictionData {
  return {
    time: Float64Array.from({ length: timeSteps }, (_, i) => (start + i) / perRadian),
    target: target.subarray(0, timeSteps),
    prediction: prediction.subarray(0, timeSteps),
  };
}
