/** The run of the two networks: when they are created, trained and looked at. */

import { connect, type Host } from 'lstm-wasm/worker';
import type { Settings } from '../settings.ts';
import type { Task } from '../tasks/index.ts';
import type { Look } from './look.ts';
import { Twins } from './twins.ts';

export interface Listener {
  looked(look: Look): void;
  /** The networks have stopped; the user may continue. */
  rested(trained: number): void;
  failed(error: Error): void;
  /** A turn starts or ends. */
  busy(busy: boolean): void;
}

/** Steps that are trained at first, and after each press of the button. */
const enough = 500;
/** Milliseconds between two looks, and the most steps in between. */
const pace = 200;
const most = 10;

interface Wanted {
  settings: Settings;
  task: Task;
}

/**
 * One thing at a time: each turn creates the networks if the settings have changed, or trains them a little, and looks.
 * No turn starts while the section is out of view.
 */
export class Practice {
  readonly #listener: Listener;
  #wanted: Wanted | null = null;
  #made: Wanted | null = null;
  #host: Host | null = null;
  #twins: Twins | null = null;
  #seen = false;
  #trains = false;
  #until = 0;
  #busy = false;
  #timer = 0;
  #atOnce = 1;
  /** Milliseconds for showing the last look. */
  #drawing = 0;

  constructor(listener: Listener) {
    this.#listener = listener;
  }

  get trains(): boolean {
    return this.#trains;
  }

  /** Requests networks for these settings, which are created when the section is in view. */
  want(settings: Settings, task: Task, trains: boolean): void {
    this.#wanted = { settings, task };
    this.#trains = trains;
    this.#until = enough;
    this.#plan(0);
  }

  /** Whether the section is in view. */
  show(seen: boolean): void {
    this.#seen = seen;
    this.#plan(0);
  }

  train(trains: boolean): void {
    this.#trains = trains;
    // The next turn may replace the current networks.
    const trained = this.#made === this.#wanted ? (this.#twins?.trained ?? 0) : 0;
    this.#until = trained + enough;
    this.#plan(0);
  }

  #plan(wait: number): void {
    clearTimeout(this.#timer);
    const wanted = this.#wanted !== null && (this.#wanted !== this.#made || this.#trains);
    if (wanted && this.#seen && !this.#busy) this.#timer = window.setTimeout(() => void this.#turn(), wait);
  }

  async #turn(): Promise<void> {
    this.#busy = true;
    this.#listener.busy(true);
    const began = performance.now();
    const wanted = this.#wanted!;
    try {
      if (this.#made !== wanted) await this.#make(wanted);
      else await this.#train();
      const look = await this.#twins!.look();
      if (this.#wanted === wanted) this.#show(look);
    } catch (error) {
      await this.#fail(error as Error, wanted);
    }
    this.#busy = false;
    this.#listener.busy(false);
    const took = performance.now() - began;
    // Slow turns come less often, to leave time for the page and its other run.
    this.#plan(Math.max(pace - took, took / 3, this.#drawing * 15));
  }

  async #make(wanted: Wanted): Promise<void> {
    this.#host ??= connect();
    await this.#twins?.dispose();
    this.#twins = null;
    this.#twins = await Twins.make(this.#host, wanted.settings, wanted.task);
    this.#made = wanted;
    this.#atOnce = 1;
  }

  async #train(): Promise<void> {
    const began = performance.now();
    const count = Math.min(this.#atOnce, this.#until - this.#twins!.trained);
    await this.#twins!.train(count);
    const each = (performance.now() - began) / count;
    this.#atOnce = Math.max(1, Math.min(most, 2 * this.#atOnce, Math.floor((pace * 0.6) / each)));
  }

  #show(look: Look): void {
    const began = performance.now();
    this.#listener.looked(look);
    this.#drawing = performance.now() - began;
    if (!this.#trains || look.trained < this.#until) return;
    this.#trains = false;
    this.#listener.rested(look.trained);
  }

  /** The worker itself may have failed, so the next networks get another one. */
  async #fail(error: Error, wanted: Wanted): Promise<void> {
    const host = this.#host;
    this.#host = null;
    this.#twins = null;
    await host?.terminate();
    // Other networks have been requested meanwhile, and the next turn creates them.
    if (this.#wanted !== wanted) return;
    this.#made = wanted;
    this.#trains = false;
    this.#listener.failed(error);
  }
}
