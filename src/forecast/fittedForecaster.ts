/** The trained networks of a forecaster, and their outputs for windows. */

import type { FunctionalModel } from '../model/functional.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { fail } from '../util/errors.ts';
import type { Calibration } from './calibration.ts';
import type { Encoding } from './encoding.ts';
import type { Resolved } from './forecasterOptions.ts';
import { type Frame, type Layout, type ReadySeries, WindowBatch } from './forecastWindows.ts';

/** Windows that are computed at once. */
const CHUNK = 256;

/** Trained networks with what they were trained for. */
export interface Fitted {
  readonly settings: Resolved;
  readonly encoding: Encoding;
  readonly layout: Layout;
  /** All networks, with an output for each. */
  readonly net: FunctionalModel;
  readonly calibration: Calibration;
}

/** A window, by the index of the first step to forecast. */
export interface Origin {
  readonly series: ReadySeries;
  readonly origin: number;
}

/** Outputs for windows: `raw` has the numbers of each step, averaged over the networks. */
export interface Outputs {
  readonly raw: Float32Array;
  readonly frames: Frame[];
  readonly targets: Float32Array;
  readonly known: Float32Array;
}

/** @param withTargets whether the values of the horizon are known */
export function computeOutputs(
  call: string,
  { settings, layout, net }: Omit<Fitted, 'calibration'>,
  windows: readonly Origin[],
  withTargets: boolean,
): Outputs {
  const { horizon, outputWidth: width } = layout;
  const size = horizon * width;
  const raw = new Float32Array(windows.length * size);
  const targets = new Float32Array(windows.length * horizon);
  const known = new Float32Array(windows.length * horizon);
  const frames: Frame[] = [];
  const batch = new WindowBatch(settings, layout, Math.min(CHUNK, windows.length));
  for (let from = 0; from < windows.length; from += CHUNK) {
    const count = Math.min(CHUNK, windows.length - from);
    for (let row = 0; row < count; row++) {
      const { series, origin } = windows[from + row]!;
      const frame = batch.write(row, series, origin);
      if (frame === null) {
        const what = `the last ${layout.inputSteps} values of ${series.label}`;
        fail(call, `${what} must have one that is not missing, got none`);
      }
      frames.push(frame);
      if (withTargets) batch.writeTargets(row, series, origin, frame);
    }
    const found: Tensor | Tensor[] = net.predict<Tensor | Tensor[]>(batch.inputs(count), { batchSize: count });
    const members = (Array.isArray(found) ? found : [found]).map(tensor => tensor.dataSync() as Float32Array);
    for (let n = 0; n < count * size; n++) {
      let sum = 0;
      for (const member of members) sum += member[n]!;
      raw[from * size + n] = sum / members.length;
    }
    targets.set(batch.targets.subarray(0, count * horizon), from * horizon);
    known.set(batch.weights.subarray(0, count * horizon), from * horizon);
  }
  return { raw, frames, targets, known };
}
