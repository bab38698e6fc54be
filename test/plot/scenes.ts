/** Data as a training run makes it, without a random number in it: the pictures of the tests, equal on every run. */

import type { PredictionData } from '../../src/plot/index.ts';

const wobble = (i: number) => Math.sin(i * 12.9898) * Math.cos(i * 78.233);

/** The first row of the batch of a step: 20 points of a cosine, and a prediction that comes closer with the steps. */
export function frameAt(step: number): Required<Omit<PredictionData, 'input'>> {
  const time = Array.from({ length: 20 }, (_, i) => (step * 20 + i) / (10 * Math.PI));
  const ignorance = Math.exp(-step / 70);
  const target = time.map(Math.cos);
  const prediction = target.map((value, i) => value * (1 - ignorance) + 0.3 * (ignorance + 0.1) * Math.exp(-i / 3));
  return { time, target, prediction, caption: `step ${step}, cost ${costAt(step).toFixed(4)}` };
}

/** From 0.6 to 0.003, with the noise of single batches. */
const costAt = (step: number) =>
  (0.0026 + 0.57 * Math.exp(-step / 28) + 0.03 * Math.exp(-step / 120)) * Math.exp(0.3 * wobble(step));

export const frames = Array.from({ length: 51 }, (_, i) => frameAt(i * 10));
export const losses = Array.from({ length: 501 }, (_, step) => costAt(step));
