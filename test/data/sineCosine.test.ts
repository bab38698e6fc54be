/** Batches of `sineCosine`: each computes only its new row, and must equal a batch computed as a whole. */

import { sineCosine } from 'lstm-wasm/data';
import { expect, it } from 'vitest';
import { cos, sin } from '../../src/util/math.ts';

it.each([
  [50, 20],
  [1, 7],
  [3, 1],
])('batches of %i rows of %i steps are those of the formula, whatever is done to the ones before', (B, T) => {
  const batches = sineCosine({ batchSize: B, timeSteps: T });
  for (let k = 0; k < 5; k++) {
    const { xs, ys, time } = batches.next().value;
    const at = Float64Array.from({ length: B * T }, (_, i) => (k * T + i) / (10 * Math.PI));
    expect(xs.dataSync()).toEqual(Float32Array.from(at, sin));
    expect(ys.dataSync()).toEqual(Float32Array.from(at, cos));
    expect(time.dataSync()).toEqual(Float32Array.from(at));
    for (const tensor of [xs, ys, time]) (tensor.dataSync() as Float32Array).fill(9);
  }
});
