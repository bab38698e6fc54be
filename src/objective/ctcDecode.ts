/** Labels from the predictions of a model that was trained with the loss `ctc`. */

import { asTensor, type TensorLike } from '../tensor/read.ts';
import { rejectExtraArguments } from '../util/arguments.ts';
import { fail, show } from '../util/errors.ts';
import { checkBoolean, checkCount, checkOptions } from '../util/options.ts';
import { showShape } from '../util/shapes.ts';

/** Options of `ctcGreedyDecode`. */
export interface CtcGreedyOptions {
  /** The class that stands for no label. Default 0. */
  blank?: number;
  /** The number of time steps of each sample that count, from the first on. Default: all. */
  lengths?: ArrayLike<number>;
}

/** Options of `ctcBeamDecode`. */
export interface CtcBeamOptions extends CtcGreedyOptions {
  /** How many beginnings of labels are kept at each time step. Default 10. */
  beams?: number;
  /** Whether the output holds logits instead of probabilities. Default false. */
  fromLogits?: boolean;
}

/** Labels, and the logarithm of their probability. */
export interface CtcBeam {
  readonly labels: number[];
  readonly logProbability: number;
}

interface Sequences {
  readonly values: ArrayLike<number>;
  readonly steps: number;
  readonly classes: number;
  readonly blank: number;
  /** The number of time steps of each sample. */
  readonly lengths: readonly number[];
}

/**
 * The labels of the most probable path of each sample: the best class at each time step, with equal neighbours joined and
 * blanks removed.
 *
 * @param output probabilities or logits, [batch, timeSteps, classes]
 */
export function ctcGreedyDecode(output: TensorLike, options?: CtcGreedyOptions): number[][] {
  const call = 'ctcGreedyDecode';
  rejectExtraArguments(call, 2, arguments);
  const known = checkOptions<CtcGreedyOptions>(call, options, ['blank', 'lengths']);
  const { values, steps, classes, blank, lengths } = readSequences(call, output, known);
  return lengths.map((length, sample) => {
    const labels: number[] = [];
    let last = blank;
    for (let t = 0; t < length; t++) {
      const from = (sample * steps + t) * classes;
      let best = 0;
      for (let k = 1; k < classes; k++) if (values[from + k]! > values[from + best]!) best = k;
      if (best !== blank && best !== last) labels.push(best);
      last = best;
    }
    return labels;
  });
}

/**
 * The most probable labels of each sample, the best first: a search that keeps the best beginnings at each time step, and
 * adds the probabilities of all paths to the same labels. As many as `beams`, or fewer if there are not so many.
 *
 * @param output probabilities, or logits with `fromLogits`, [batch, timeSteps, classes]
 */
export function ctcBeamDecode(output: TensorLike, options?: CtcBeamOptions): CtcBeam[][] {
  const call = 'ctcBeamDecode';
  rejectExtraArguments(call, 2, arguments);
  const known = checkOptions<CtcBeamOptions>(call, options, ['blank', 'lengths', 'beams', 'fromLogits']);
  const beams = checkCount(call, 'beams', known.beams ?? 10);
  const fromLogits = checkBoolean(call, 'fromLogits', known.fromLogits ?? false);
  const sequences = readSequences(call, output, known);
  const rows = logRows(call, sequences, fromLogits);
  return rows.map(steps => search(steps, sequences.blank, beams));
}

function readSequences(call: string, output: TensorLike, { blank = 0, lengths }: CtcGreedyOptions): Sequences {
  const tensor = asTensor(call, 'output', output);
  if (tensor.rank !== 3 || tensor.size === 0) {
    fail(call, `output must have the shape [batch, timeSteps, classes], got ${showShape(tensor.shape)}`);
  }
  const [batch, steps, classes] = tensor.shape as [number, number, number];
  const values = Float32Array.from(tensor.dataSync());
  if (checkCount(call, 'blank', blank, 0) >= classes) {
    fail(call, `blank must be a class of the output, from 0 to ${classes - 1}, got ${blank}`);
  }
  const wrong = values.findIndex(value => Number.isNaN(value) || value === Number.POSITIVE_INFINITY);
  if (wrong >= 0) fail(call, `output must hold numbers, got ${values[wrong]} at index ${wrong}`);
  return { values, steps, classes, blank, lengths: readLengths(call, lengths, batch, steps) };
}

function readLengths(call: string, given: ArrayLike<number> | undefined, batch: number, steps: number): number[] {
  if (given === undefined) return Array.from({ length: batch }, () => steps);
  if (given === null || typeof given !== 'object' || given.length !== batch) {
    fail(call, `lengths must have a number for each of the ${batch} samples, got ${show(given)}`);
  }
  return Array.from(given, (length, n) => {
    if (Number.isInteger(length) && length >= 0 && length <= steps) return length;
    return fail(call, `lengths[${n}] must be an integer from 0 to ${steps}, got ${show(length)}`);
  });
}

/** The logarithms of the probabilities, for each sample and each of its time steps. */
function logRows(call: string, sequences: Sequences, fromLogits: boolean): Float64Array[][] {
  const { values, steps, classes, lengths } = sequences;
  return lengths.map((length, sample) =>
    Array.from({ length }, (_, t) => {
      const row = Float64Array.from({ length: classes }, (_, k) => values[(sample * steps + t) * classes + k]!);
      if (fromLogits) {
        const most = Math.max(...row);
        if (most === Number.NEGATIVE_INFINITY)
          fail(call, `output must hold a finite logit at each time step, got none`);
        const normalizer = most + Math.log(row.reduce((sum, value) => sum + Math.exp(value - most), 0));
        return row.map(value => value - normalizer);
      }
      const sum = row.reduce((all, value) => all + value, 0);
      if (Math.abs(sum - 1) > 1e-3 || row.some(value => value < 0)) {
        const rule = 'output must hold probabilities, which add up to 1 at each time step';
        fail(call, `${rule}, got a sum of ${sum} in sample ${sample}; pass fromLogits: true for logits`);
      }
      return row.map(Math.log);
    }),
  );
}

/** Labels that a search has found, as a list that shares its beginning with others. */
interface Beginning {
  readonly label: number;
  readonly before: Beginning | null;
  /** Those with one more label, by that label. */
  readonly next: Map<number, Beginning>;
}

/** The logarithms of the probabilities of all paths to a beginning, by whether they end in a blank. */
interface Scores {
  blank: number;
  label: number;
}

const NONE = Number.NEGATIVE_INFINITY;

function logAdd(a: number, b: number): number {
  const most = Math.max(a, b);
  return most === NONE ? NONE : most + Math.log1p(Math.exp(Math.min(a, b) - most));
}

const total = ({ blank, label }: Scores): number => logAdd(blank, label);

function search(rows: readonly Float64Array[], blank: number, beams: number): CtcBeam[] {
  let kept = new Map<Beginning, Scores>([
    [
      { label: -1, before: null, next: new Map() },
      { blank: 0, label: NONE },
    ],
  ]);
  for (const row of rows) {
    const found = new Map<Beginning, Scores>();
    const scoresOf = (beginning: Beginning): Scores => {
      const scores = found.get(beginning) ?? { blank: NONE, label: NONE };
      found.set(beginning, scores);
      return scores;
    };
    for (const [beginning, scores] of kept) {
      const all = total(scores);
      const own = scoresOf(beginning);
      own.blank = logAdd(own.blank, all + row[blank]!);
      if (beginning.before) own.label = logAdd(own.label, scores.label + row[beginning.label]!);
      for (const [label, value] of row.entries()) {
        if (label === blank || value === NONE) continue;
        // The same label again is a new one only after a blank
        const before = label === beginning.label ? scores.blank : all;
        if (before === NONE) continue;
        const longer = scoresOf(extended(beginning, label));
        longer.label = logAdd(longer.label, before + value);
      }
    }
    // Stable, so that equal ones stay in the order of their labels
    const best = [...found].filter(([, scores]) => total(scores) > NONE).sort((a, b) => total(b[1]) - total(a[1]));
    kept = new Map(best.slice(0, beams));
  }
  return [...kept].map(([beginning, scores]) => ({ labels: labelsOf(beginning), logProbability: total(scores) }));
}

function extended(beginning: Beginning, label: number): Beginning {
  const known = beginning.next.get(label);
  if (known) return known;
  const longer: Beginning = { label, before: beginning, next: new Map() };
  beginning.next.set(label, longer);
  return longer;
}

function labelsOf(beginning: Beginning): number[] {
  const labels: number[] = [];
  for (let at = beginning; at.before; at = at.before) labels.push(at.label);
  return labels.reverse();
}
