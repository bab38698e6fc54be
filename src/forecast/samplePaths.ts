/** Paths of networks that predict one step at a time: each path feeds its own samples back. */

import type { FunctionalModel } from '../model/functional.ts';
import type { Stream } from '../model/stream.ts';
import { Tensor } from '../tensor/tensor.ts';
import { seedAt } from '../util/random.ts';
import { RandomGenerator } from '../util/randomGenerator.ts';
import type { Frame } from './forecastWindows.ts';
import { failEmpty, type Networks, type Origin, type Sampling } from './networks.ts';
import { drawOf, type Marginal, scoreOf } from './outputs.ts';
import { type StepArrays, StepWriter, stepArrays } from './sequenceWindows.ts';

/** The paths from which distributions are computed, unless more are asked for. */
export const PATHS = 100;
/** Paths that run at the same time, unless a window has more. */
const MOST_ROWS = 1024;
/** The largest sample, in units of the scaled window: a network would not get back from larger ones. */
const LARGEST_SAMPLE = 1e6;

/** For each window its paths, in the units that a network for all steps predicts, and the scale of the window. */
export interface Paths {
  readonly paths: Float64Array[][];
  readonly frames: Frame[];
}

/** For outputs without a distribution, the paths are the predictions themselves. */
export function samplePaths(
  call: string,
  networks: Networks,
  windows: readonly Origin[],
  { paths: count, seed }: Sampling,
): Paths {
  const found: Paths = { paths: [], frames: [] };
  const size = Math.max(1, Math.floor(MOST_ROWS / count));
  for (let from = 0; from < windows.length; from += size) {
    const chunk = windows.slice(from, from + size);
    const generators = chunk.flatMap((_, n) => {
      const own = seedAt(seed, from + n);
      return Array.from({ length: count }, (_, path) => new RandomGenerator(seedAt(own, path)));
    });
    const { paths, frames } = sampleChunk(call, networks, chunk, generators);
    found.paths.push(...paths);
    found.frames.push(...frames);
  }
  return found;
}

function sampleChunk(
  call: string,
  { settings, layout, net }: Networks,
  windows: readonly Origin[],
  generators: readonly RandomGenerator[],
): Paths {
  const { inputSteps, horizon, outputWidth: width, counts } = layout;
  const writer = new StepWriter(settings, layout);
  const ready = windows.map(({ series, origin }) => {
    return writer.scaled(series, origin) ?? failEmpty(call, layout, series);
  });
  const perWindow = generators.length / windows.length;
  const warm = streamOf(net, windows.length, 'window');
  const run = streamOf(net, generators.length, 'paths');
  warm.stream.reset();
  const before = stepArrays(windows.length, layout);
  for (let n = 1; n < inputSteps; n++) {
    for (const [row, { series, origin }] of windows.entries()) {
      const { scaled, frame } = ready[row]!;
      writer.write(before, row, series, origin, scaled, frame, n);
    }
    warm.step(before);
  }
  run.start(warm, perWindow);

  const values = generators.map((_, row) => ready[Math.floor(row / perWindow)]!.scaled.slice());
  const draw = drawOf(settings.output);
  const steps = stepArrays(generators.length, layout);
  for (let h = 0; h < horizon; h++) {
    for (const [row, scaled] of values.entries()) {
      const window = Math.floor(row / perWindow);
      const { series, origin } = windows[window]!;
      writer.write(steps, row, series, origin, scaled, ready[window]!.frame, inputSteps + h);
    }
    const raw = run.step(steps);
    for (const [row, scaled] of values.entries()) {
      const { scale } = ready[Math.floor(row / perWindow)]!.frame;
      const value = draw(raw, row * width, generators[row]!) / (counts ? scale : 1);
      scaled[inputSteps + h] = Math.min(LARGEST_SAMPLE, Math.max(-LARGEST_SAMPLE, value));
    }
  }
  const paths = windows.map((_, window) => {
    const { frame } = ready[window]!;
    return values.slice(window * perWindow, (window + 1) * perWindow).map(scaled => {
      const path = scaled.slice(inputSteps);
      if (counts) return path.map(value => Math.round(value * frame.scale));
      return summed(path, settings.difference, frame);
    });
  });
  return { paths, frames: ready.map(({ frame }) => frame) };
}

/** Adds up differences: those from earlier steps of the path. Values before the path are in `Frame.levels`. */
function summed(path: Float64Array, lag: number, { shift, scale }: Frame): Float64Array {
  if (lag > 0) for (let h = lag; h < path.length; h++) path[h] = path[h]! + path[h - lag]! + shift / scale;
  return path;
}

/** The networks, one step at a time for a number of rows. */
interface Rows {
  readonly stream: Stream;
  readonly rows: number;
  /** @returns the numbers of each row, averaged over the networks */
  step(arrays: StepArrays): Float32Array;
  /** Starts where another stream is, each of whose rows becomes several. */
  start(from: Rows, copies: number): void;
}

/** The latest streams of networks. */
const streams = /* @__PURE__ */ new WeakMap<FunctionalModel, Map<string, Rows>>();

/** A stream of a network, made if the last one of this use had another number of rows. */
function streamOf(net: FunctionalModel, rows: number, use: 'window' | 'paths'): Rows {
  const own = streams.get(net) ?? new Map<string, Rows>();
  streams.set(net, own);
  const found = own.get(use);
  if (found?.rows === rows) return found;
  const made = makeStream(net, rows);
  own.set(use, made);
  return made;
}

function makeStream(net: FunctionalModel, rows: number): Rows {
  const stream = net.stream({ batchSize: rows });
  const members = net.outputs.length;
  const result = new Float32Array(rows * net.outputs[0]!.shape.at(-1)!);
  const outs = net.outputs.map(() => new Float32Array(result.length));
  return {
    stream,
    rows,
    step({ features, base, factor, categories }) {
      const inputs = [features, base, ...(factor.length > 0 ? [factor] : []), ...categories];
      if (members === 1) return stream.step(inputs, result);
      stream.step(inputs, outs);
      for (let n = 0; n < result.length; n++) {
        let sum = 0;
        for (const out of outs) sum += out[n]!;
        result[n] = sum / members;
      }
      return result;
    },
    start(from, copies) {
      const repeated = (state: Tensor) => {
        const units = state.shape[1]!;
        const [data, all] = [state.dataSync(), new Float32Array(rows * units)];
        for (let row = 0; row < rows; row++) {
          const at = Math.floor(row / copies) * units;
          all.set(data.subarray(at, at + units), row * units);
        }
        return new Tensor(all, [rows, units]);
      };
      stream.setStates(from.stream.getStates().map(states => states.map(repeated)));
    },
  };
}

/** The distribution of a step of paths: of counts as it is, of other numbers with lines between them. */
export function marginalOfPaths(paths: readonly Float64Array[], h: number, counts: boolean): Marginal {
  const values = Float64Array.from(paths, path => path[h]!).sort();
  const { length } = values;
  const mean = values.reduce((sum, value) => sum + value, 0) / length;
  return { mean, isSymmetric: false, ...(counts ? ofRanks(values) : ofLines(values, mean)) };
}

type Index = Pick<Marginal, 'at' | 'scoreOf'>;

/** The number of sorted values below a value, or with `orEqual` up to it. */
function rankOf(sorted: Float64Array, value: number, orEqual: boolean): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < value || (orEqual && sorted[middle] === value)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function ofRanks(sorted: Float64Array): Index {
  const { length } = sorted;
  const scores = halfScores(length);
  return {
    at(z) {
      // The least k for which the level k / n is at least that of z
      let [low, high] = [0, length];
      while (high - low > 1) {
        const middle = (low + high) >> 1;
        if (scores[2 * middle]! >= z) high = middle;
        else low = middle;
      }
      return sorted[high - 1]!;
    },
    scoreOf(value) {
      const twice = rankOf(sorted, value, false) + rankOf(sorted, value, true);
      return scores[Math.min(2 * length - 1, Math.max(1, twice))]!;
    },
  };
}

/** Value k of n has the level (k + 1/2) / n. Beyond the outermost values, the lines have the slope of a normal distribution. */
function ofLines(sorted: Float64Array, mean: number): Index {
  const { length } = sorted;
  const last = length - 1;
  const all = halfScores(length);
  const scores = sorted.map((_, k) => all[2 * k + 1]!);
  const deviation = Math.sqrt(sorted.reduce((sum, value) => sum + (value - mean) ** 2, 0) / length) || 1e-9;
  return {
    at(z) {
      if (z <= scores[0]!) return sorted[0]! + deviation * (z - scores[0]!);
      if (z >= scores[last]!) return sorted[last]! + deviation * (z - scores[last]!);
      const n = rankOf(scores, z, true) - 1;
      const share = (z - scores[n]!) / (scores[n + 1]! - scores[n]!);
      return sorted[n]! + share * (sorted[n + 1]! - sorted[n]!);
    },
    scoreOf(value) {
      if (value <= sorted[0]!) return scores[0]! + (value - sorted[0]!) / deviation;
      if (value >= sorted[last]!) return scores[last]! + (value - sorted[last]!) / deviation;
      const n = rankOf(sorted, value, true) - 1;
      const width = sorted[n + 1]! - sorted[n]!;
      return scores[n]! + ((value - sorted[n]!) / width) * (scores[n + 1]! - scores[n]!);
    },
  };
}

/** The score of value k of n sorted ones. */
export const middleScore = (k: number, n: number): number => halfScores(n)[2 * k + 1]!;

let known = /* @__PURE__ */ new Float64Array();

/** The scores of the levels k / 2n, from k = 0 to 2n. */
function halfScores(n: number): Float64Array {
  if (known.length !== 2 * n + 1) known = Float64Array.from({ length: 2 * n + 1 }, (_, k) => scoreOf(k / (2 * n)));
  return known;
}
