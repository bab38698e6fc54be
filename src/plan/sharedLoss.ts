/**
 * Losses that threads share: each computes the losses and gradients of some rows, which are then added up in order. And the
 * memory that losses need beside the workspace.
 */

import { Block, float32, kernels, leaveThreadsAfter, team } from '../wasm/engine.ts';
import type { Address } from '../wasm/kernels.ts';
import { lossNumbers } from '../wasm/shared.generated.ts';
import type { Fields } from './planner.ts';

/** The structure of a loss or metric. */
export interface Score {
  readonly program: 'loss' | 'weightedMean' | 'metric';
  readonly fields: Fields<'loss'>;
  /** The levels of pinball; empty for others. */
  readonly levels: readonly number[];
}

/** Numbers of the predictions; fewer take less time than handing out the rows. */
const LEAST_NUMBERS = 8192;
/** The time of a state of CTC, and of a prediction of a likelihood, in numbers of other losses. */
const COST = 16;
/** Chunks of a thread. */
const CHUNKS = 4;
const DOUBLE = Float64Array.BYTES_PER_ELEMENT;

/** These look at all targets, or add up the losses of columns in the order of all rows. */
const serial: readonly number[] = [lossNumbers.meanSquaredError, lossNumbers.hinge, lossNumbers.squaredHinge];
/** These compute in float64, number by number. */
const costly: readonly number[] = [
  lossNumbers.gaussianNLL,
  lossNumbers.studentTNLL,
  lossNumbers.negativeBinomialNLL,
  lossNumbers.ctc,
];

/** The terms of a loss: its rows, or samples for CTC. */
export const termCount = ({ kind, steps, rows }: Fields<'loss'>): number =>
  Number(kind) === lossNumbers.ctc ? Number(rows) : Number(steps) * Number(rows);

/** The states of CTC at a time step. */
const statesOf = ({ labels, steps }: Fields<'loss'>): number => 2 * Math.min(Number(labels), Number(steps)) + 1;

/** Bytes for the terms of a loss; 0 if one thread computes it. */
function termBytes(fields: Fields<'loss'>): number {
  const kind = Number(fields.kind);
  if (!team() || serial.includes(kind)) return 0;
  const width = kind === lossNumbers.ctc ? statesOf(fields) : Number(fields.cols);
  const numbers = Number(fields.steps) * Number(fields.rows) * width * (costly.includes(kind) ? COST : 1);
  return numbers < LEAST_NUMBERS ? 0 : (1 + termCount(fields)) * DOUBLE;
}

/** Bytes for what CTC computes of a sample. */
function scratchBytes({ program, fields }: Score): number {
  if (program === 'metric' || fields.kind !== lossNumbers.ctc) return 0;
  const [steps, states] = [Number(fields.steps), statesOf(fields)];
  const probabilities = states + (states + 1) / 2 + steps * states;
  return (steps + 2 * probabilities) * DOUBLE;
}

const sumOf = (numbers: readonly number[]) => numbers.reduce((sum, n) => sum + n, 0);

/**
 * Reserves the memory of losses and metrics, and writes its addresses to their fields.
 *
 * @param scores of each output: its loss, then its metrics
 * @returns null if they need none
 */
export function reserveLossMemory(call: string, scores: readonly (readonly Score[])[]): Block | null {
  const all = scores.flat();
  const terms = scores.map(([loss]) => (loss ? termBytes(loss.fields) : 0));
  // One after the other, losses and metrics use the same scratch
  const scratch = Math.max(0, ...all.map(scratchBytes));
  const threads = sumOf(terms) > 0 ? team()!.size : 1;
  const bytes = sumOf(terms) + sumOf(all.map(({ levels }) => levels.length)) * DOUBLE + scratch * threads;
  if (bytes === 0) return null;
  const block = new Block(call, bytes);
  let next = block.address;
  const take = (count: number): Address => {
    next += count;
    return next - count;
  };
  for (const [n, [loss]] of scores.entries()) if (terms[n]! > 0) loss!.fields.terms = take(terms[n]!);
  for (const { fields, levels } of all) {
    if (levels.length === 0) continue;
    const address = take(levels.length * DOUBLE);
    new Float64Array(float32().buffer, address, levels.length).set(levels);
    fields.levels = address;
  }
  for (const score of all) {
    if (scratchBytes(score) > 0) Object.assign(score.fields, { scratch: next, scratchBytes: scratch });
  }
  return block;
}

/** Computes a loss of so many terms. Losing threads moves the memory. */
export function sharedLoss(plan: Address, count: number): number {
  const threads = team();
  if (!threads) return kernels().loss(plan);
  kernels().lossStart(plan);
  try {
    threads.run('lossRows', plan, count, Math.ceil(count / (CHUNKS * threads.size)));
  } catch (error) {
    leaveThreadsAfter(error);
    error.finish(kernels());
  }
  return kernels().lossEnd(plan);
}
