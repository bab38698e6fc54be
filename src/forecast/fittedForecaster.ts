/** The trained networks of a forecaster, and their outputs for windows. */

import type { Tensor } from '../tensor/tensor.ts';
import type { Calibration } from './calibration.ts';
import { type Frame, type Layout, WindowBatch, writeTargets } from './forecastWindows.ts';
import { failEmpty, type Networks, type Origin, type Outputs, type Sampling } from './networks.ts';
import { marginalOf } from './outputs.ts';
import { marginalOfPaths, samplePaths } from './samplePaths.ts';

/** Windows that are computed at once. */
const CHUNK = 256;

/** Trained networks with what was learned from the held-out end. */
export interface Fitted extends Networks {
  readonly calibration: Calibration;
}

export function computeOutputs(
  call: string,
  networks: Networks,
  windows: readonly Origin[],
  sampling: Sampling,
): Outputs {
  const { settings, layout } = networks;
  const { output, decoding } = settings;
  const { horizon, outputWidth: width } = layout;
  if (decoding === 'autoregressive' && output.kind !== 'point') {
    const { frames, paths } = samplePaths(call, networks, windows, sampling);
    const find = (step: number) => marginalOfPaths(paths[Math.floor(step / horizon)]!, step % horizon, layout.counts);
    return { frames, paths, center: step => find(step).at(0), marginal: find };
  }
  const { raw, frames } =
    decoding === 'direct' ? predictAll(call, networks, windows) : followMeans(call, networks, windows);
  return {
    frames,
    center: step => raw[step * width]!,
    marginal: (step, spread) => marginalOf(output, raw, step * width, spread),
    paths: null,
  };
}

/** The numbers of each step, averaged over the networks, which predict all steps at once. */
function predictAll(
  call: string,
  { settings, layout, net }: Networks,
  windows: readonly Origin[],
): { raw: Float32Array; frames: Frame[] } {
  const size = layout.horizon * layout.outputWidth;
  const raw = new Float32Array(windows.length * size);
  const frames: Frame[] = [];
  const batch = new WindowBatch(settings, layout, Math.min(CHUNK, windows.length));
  for (let from = 0; from < windows.length; from += CHUNK) {
    const count = Math.min(CHUNK, windows.length - from);
    for (let row = 0; row < count; row++) {
      const { series, origin } = windows[from + row]!;
      frames.push(batch.write(row, series, origin) ?? failEmpty(call, layout, series));
    }
    const found: Tensor | Tensor[] = net.predict<Tensor | Tensor[]>(batch.inputs(count), { batchSize: count });
    const members = (Array.isArray(found) ? found : [found]).map(tensor => tensor.dataSync() as Float32Array);
    for (let n = 0; n < count * size; n++) {
      let sum = 0;
      for (const member of members) sum += member[n]!;
      raw[from * size + n] = sum / members.length;
    }
  }
  return { raw, frames };
}

/** A path for each window, whose values are the predictions of a network without a distribution. */
function followMeans(
  call: string,
  networks: Networks,
  windows: readonly Origin[],
): { raw: Float32Array; frames: Frame[] } {
  const { horizon } = networks.layout;
  const { paths, frames } = samplePaths(call, networks, windows, { paths: 1, seed: 0 });
  const raw = new Float32Array(windows.length * horizon);
  for (const [n, [path]] of paths.entries()) raw.set(path!, n * horizon);
  return { raw, frames };
}

/** The values that follow windows, as the networks predict them; `known` is 0 where one is missing. */
export function targetsOf(
  windows: readonly Origin[],
  frames: readonly Frame[],
  layout: Layout,
): { targets: Float32Array; known: Float32Array } {
  const targets = new Float32Array(windows.length * layout.horizon);
  const known = new Float32Array(targets.length);
  for (const [n, { series, origin }] of windows.entries()) {
    writeTargets(targets, known, n, series, origin, frames[n]!, layout);
  }
  return { targets, known };
}
