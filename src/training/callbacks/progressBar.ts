/** What `fit` shows on a terminal: one line an epoch, redrawn as its batches go by. */

import { fail, show } from '../../util/errors.ts';
import { checkOptions } from '../../util/options.ts';
import { BaseCallback, type Logs } from '../callback.ts';
import type { Means } from '../history.ts';

/** Where it writes: a Node stream, or anything that has a `write`. */
export interface ProgressStream {
  write(text: string): unknown;
  /** Whether a line can be drawn over; otherwise each epoch writes one when it is done. */
  readonly isTTY?: boolean;
  /** Characters in a line. */
  readonly columns?: number;
}

/** Options of `callbacks.progressBar`. */
export interface ProgressBarArgs {
  /** Default: the standard error of Node, or the console where there is none. */
  stream?: ProgressStream;
}

/** Milliseconds from one drawing of the line to the next. */
const THROTTLE = 50;
const WIDTH = 24;
const CLEAR_LINE = '\r\x1b[2K';

export class ProgressBar extends BaseCallback {
  readonly #stream: ProgressStream;
  readonly #redraws: boolean;
  #epoch = 0;
  #begin = 0;
  #drawn = 0;
  #batches = 0;
  /** Milliseconds of a step; null before one is over. */
  #step: number | null = null;

  /** @param lines write one line an epoch even where it could be redrawn, as `verbose: 2` does */
  constructor(options?: ProgressBarArgs, lines = false) {
    super();
    const call = 'callbacks.progressBar';
    const { stream = terminal() } = checkOptions<ProgressBarArgs>(call, options, ['stream']);
    if (typeof stream?.write !== 'function') fail(call, `stream must have a write function, got ${show(stream)}`);
    this.#stream = stream;
    this.#redraws = stream.isTTY === true && !lines;
  }

  override async onEpochBegin(epoch: number): Promise<void> {
    this.#epoch = epoch;
    this.#begin = performance.now();
    this.#drawn = Number.NEGATIVE_INFINITY;
    this.#batches = 0;
    this.#step = null;
  }

  override async onBatchBegin(batch: number): Promise<void> {
    // The last batch may hold a validation; those before it tell what a step takes.
    if (batch > 0) this.#step = (performance.now() - this.#begin) / batch;
  }

  override async onBatchEnd(batch: number, logs: Logs = {}): Promise<void> {
    this.#batches = batch + 1;
    const now = performance.now();
    if (!this.#redraws || now - this.#drawn < THROTTLE) return;
    this.#drawn = now;
    const step = this.#step ?? (now - this.#begin) / this.#batches;
    const line = [`${this.#title} ${this.#bar()}`, rate(step), ...this.#left(step), this.#numbers(logs)].join(', ');
    // A line that reaches the edge would wrap, and could not be drawn over.
    this.#stream.write(CLEAR_LINE + line.slice(0, (this.#stream.columns ?? 80) - 1));
  }

  override async onEpochEnd(_epoch: number, logs: Logs = {}): Promise<void> {
    const whole = performance.now() - this.#begin;
    const step = this.#step ?? whole / Math.max(1, this.#batches);
    const line = [`${this.#title}: ${duration(whole)}`, rate(step), this.#numbers(logs)].join(', ');
    this.#stream.write(`${this.#redraws ? CLEAR_LINE : ''}${line}\n`);
  }

  get #title(): string {
    return `Epoch ${this.#epoch + 1}/${this.params.epochs}`;
  }

  #bar(): string {
    const { steps } = this.params;
    if (steps === null) return `${this.#batches} batches`;
    const done = Math.min(WIDTH, Math.floor((this.#batches / steps) * WIDTH));
    return `[${'='.repeat(done)}${'.'.repeat(WIDTH - done)}] ${this.#batches}/${steps}`;
  }

  #left(step: number): string[] {
    const { steps } = this.params;
    return steps === null ? [] : [`${duration((steps - this.#batches) * step)} left`];
  }

  /** Loss and metrics in the order of the logs' names, then what callbacks have added. */
  #numbers(logs: Logs): string {
    const { metrics } = this.params;
    const others = Object.keys(logs).filter(key => !metrics.includes(key) && key !== 'batch' && key !== 'size');
    return [...metrics, ...others]
      .filter(key => logs[key] !== undefined)
      .map(key => `${key}=${short(logs[key]!)}`)
      .join(' ');
  }
}

/** One line about a test, as `evaluate` writes it. */
export function report(milliseconds: number, batches: number, means: Means): void {
  const logs: Logs = {};
  means.into(logs);
  const numbers = Object.entries(logs).map(([key, value]) => `${key}=${short(value)}`);
  const time = `${duration(milliseconds)}, ${rate(milliseconds / batches)}`;
  terminal().write(`Evaluation: ${time}, ${numbers.join(' ')}\n`);
}

/** A bar in Node; in browsers, where training shows in the page if anywhere, nothing. */
export const defaultVerbosity = (): 0 | 1 => (standardError() ? 1 : 0);

function standardError(): ProgressStream | null {
  const inNode = typeof process === 'object' && typeof process?.versions?.node === 'string';
  return inNode && typeof process.stderr?.write === 'function' ? process.stderr : null;
}

const terminal = (): ProgressStream => standardError() ?? { write: text => console.log(text.trimEnd()) };

const short = (value: number): string => String(Number(value.toPrecision(4)));

const rate = (milliseconds: number): string => `${short(milliseconds)} ms/step`;

const duration = (milliseconds: number): string =>
  milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
