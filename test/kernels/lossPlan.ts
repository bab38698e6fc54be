/** Losses and metrics planned for their kernels, with rows in any order and a fence around the gradient. */

import type { LossName } from '../../src/objective/losses.ts';
import type { ScoreName } from '../../src/objective/metrics.ts';
import { lossNumbers, metricNumbers, structures } from '../../src/wasm/shared.generated.ts';
import { groupOf, type LossName as ReferenceName, targetWidth } from '../reference/loss.ts';
import type { Harness } from './harness.ts';

/** The order of rows: sample by sample, or time step by time step. */
export type Order = 'samples' | 'steps';

export interface LossCase {
  B: number;
  T: number;
  N: number;
  /** The order of y and dy; targets are always in the order of samples. */
  order?: Order;
  dyOrder?: Order;
  /** Numbers between rows of y and dy beyond their padding. */
  gap?: number;
  logits?: boolean;
  /** [B, T]. */
  mask?: ArrayLike<number>;
  /** [B, T]. */
  weights?: ArrayLike<number>;
  /** The levels of pinball. */
  levels?: number[];
  /** The numbers of labels in the target of a sample, for ctc, whose weights are [B]. */
  labels?: number;
  blank?: number;
  /** Whether the terms of rows have room, for the kernels that threads share. */
  terms?: boolean;
  /** Whether y, dy and the mask are stored with time reversed. */
  reversed?: boolean;
}

const padded = (n: number) => Math.ceil(n / 4) * 4;

/** A loss or a metric of y [B, T, N] against the target, ready to run; the address of dy is 0 unless `wanted`. */
export function planLoss(
  h: Harness,
  name: LossName | ScoreName,
  subject: LossCase,
  y: ArrayLike<number>,
  target: ArrayLike<number>,
  wanted: boolean,
) {
  const { B, T, N, order = 'steps', dyOrder = order, gap = 0, reversed = false } = subject;
  const width = padded(N) + gap;
  const strides = (order: Order) =>
    order === 'samples' ? { row: T * width, step: width } : { row: width, step: B * width };
  const [forY, forDy] = [strides(order), strides(dyOrder)];
  /** The index of time step t in memory. */
  const storedStep = (t: number) => (reversed ? T - 1 - t : t);
  const eachRow = (use: (b: number, t: number) => void) => {
    for (let b = 0; b < B; b++) for (let t = 0; t < T; t++) use(b, t);
  };
  const given = h.room(B * T * width);
  const into = given.floats();
  eachRow((b, t) => {
    const from = (b * T + t) * N;
    const to = b * forY.row + storedStep(t) * forY.step;
    for (let n = 0; n < N; n++) into[to + n] = y[from + n]!;
  });
  const targets = h.room(target.length + 3); // the last vector may extend past the end
  targets.floats().set(target);
  const out = h.room(B * T * width);
  const mask = subject.mask ? h.room(B * T) : null;
  if (mask) {
    eachRow((b, t) => {
      mask.floats()[storedStep(t) * B + b] = subject.mask![b * T + t]!;
    });
  }
  const { levels = [], labels = 0, blank = 0 } = subject;
  const isCtc = name === 'ctc';
  const perRow = isCtc
    ? labels
    : name === 'sparseCategoricalAccuracy'
      ? 1
      : targetWidth(name as ReferenceName, N, levels);
  const states = 2 * Math.min(labels, T) + 1;
  const scratchBytes = isCtc ? 8 * (T + 2 * (states + (states + 1) / 2 + T * states)) : 0;
  const levelAddress = h.alloc(levels.length * 8);
  new Float64Array(h.memory.buffer, levelAddress, levels.length).set(levels);
  const first = (address: number, step: number) => address + (reversed ? (T - 1) * step : 0);
  const stepOf = (step: number) => (reversed ? -step : step);
  const values: Record<(typeof structures.loss)[number], number> = {
    kind: { ...lossNumbers, ...metricNumbers }[name],
    steps: T,
    rows: B,
    cols: N,
    y: first(given.address, forY.step * 4),
    yRow: forY.row * 4,
    yStep: stepOf(forY.step * 4),
    dy: wanted ? first(out.address, forDy.step * 4) : 0,
    dyRow: forDy.row * 4,
    dyStep: stepOf(forDy.step * 4),
    target: targets.address,
    targetRow: (isCtc ? 1 : T) * perRow * 4,
    targetStep: perRow * 4,
    mask: mask ? first(mask.address, B * 4) : 0,
    maskStep: stepOf(B * 4),
    weights: subject.weights ? h.put(subject.weights) : 0,
    weightRow: (isCtc ? 1 : T) * 4,
    weightStep: 4,
    logits: Number(subject.logits ?? false),
    delta: new Int32Array(Float32Array.of(1).buffer)[0]!,
    group: groupOf(name as LossName, levels),
    levels: levels.length > 0 ? levelAddress : 0,
    labels,
    blank,
    scratch: isCtc ? h.alloc(scratchBytes) : 0,
    scratchBytes,
    terms: subject.terms ? h.alloc(8 * (1 + B * T)) : 0,
  };
  const address = h.alloc(structures.loss.length * 4);
  new Int32Array(h.memory.buffer, address).set(structures.loss.map(field => values[field]));

  /** dy [B, T, N], and the padding of its rows; fails if anything else has been written. */
  const gradient = () => {
    const dy = new Float32Array(B * T * N);
    const padding: number[] = [];
    const written: [number, number][] = [];
    const from = out.floats();
    eachRow((b, t) => {
      const at = b * forDy.row + storedStep(t) * forDy.step;
      for (let n = 0; n < padded(N); n++) {
        if (n < N) dy[(b * T + t) * N + n] = from[at + n]!;
        else padding.push(from[at + n]!);
      }
      written.push([at, padded(N)]);
    });
    out.expectUntouched(wanted ? written : [], 'dy');
    return { dy, padding };
  };
  return { address, gradient };
}

/** The loss of y against the target, and dy in the same order, untouched if only the loss is computed. */
export function runLoss(
  h: Harness,
  name: LossName,
  subject: LossCase,
  y: ArrayLike<number>,
  target: ArrayLike<number>,
  wanted = true,
) {
  const plan = planLoss(h, name, subject, y, target, wanted);
  const loss = h.kernels.loss(plan.address);
  return { loss, ...plan.gradient() };
}
