/** The progress bar of `fit` on a terminal: one line per epoch, redrawn during the epoch. */

import { fail, show } from '../../util/errors.ts';
import { checkOptions } from '../../util/options.ts';
import { BaseCallback, type Logs } from '../callback.ts';
import { duration, rate, short } from '../printEvaluation.ts';
import { type ProgressStream, terminal } from '../verbosity.ts';

/** Options of `callbacks.progressBar`. */
export interface ProgressBarArgs {
  /** Default: the standard error of Node, or the console in browsers. */
  stream?: ProgressStream;
}

/** The least milliseconds between two drawings of the line. */
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
  /** Milliseconds per batch; null before the end of the first. */
  #step: number | null = null;

  /** @param lines write one line per epoch even if it could be redrawn, as `verbose: 2` does */
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
    // Measured here, because the last batch may include a validation
    if (batch > 0) this.#step = (performance.now() - this.#begin) / batch;
  }

  override async onBatchEnd(batch: number, logs: Logs = {}): Promise<void> {
    this.#batches = batch + 1;
    const now = performance.now();
    if (!this.#redraws || now - this.#drawn < THROTTLE) return;
    this.#drawn = now;
    const step = this.#step ?? (now - this.#begin) / this.#batches;
    const line = [`${this.#title} ${this.#bar()}`, rate(step), ...this.#timeLeft(step), this.#numbers(logs)].join(', ');
    // A line that reaches the edge would wrap, and could not be overwritten
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

  #timeLeft(step: number): string[] {
    const { steps } = this.params;
    return steps === null ? [] : [`${duration((steps - this.#batches) * step)} left`];
  }

  /** The loss and the metrics in their order, then the values that callbacks have added. */
  #numbers(logs: Logs): string {
    const { metrics } = this.params;
    const others = Object.keys(logs).filter(key => !metrics.includes(key) && key !== 'batch' && key !== 'size');
    return [...metrics, ...others]
      .filter(key => logs[key] !== undefined)
      .map(key => `${key}=${short(logs[key]!)}`)
      .join(' ');
  }
}
