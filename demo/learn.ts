/** The live run: starts, pauses and draws it, and says how it does. */

import { version } from 'lstm-wasm';
import { connect, type Host, type RemoteSequential } from 'lstm-wasm/worker';
import { Charts } from './charts.ts';
import { History } from './history.ts';
import { Meter, Pace } from './pace.ts';
import { pictures } from './pictures.ts';
import { Run } from './run.ts';
import type { Settings } from './settings.ts';
import { tasks } from './tasks/index.ts';
import { noiseNote } from './texts.ts';
import {
  elements,
  type State,
  say,
  showBackend,
  showNote,
  showProgress,
  showState,
  showToggle,
  showWeights,
} from './view.ts';
import { amount, costText, seconds } from './words.ts';

/** Milliseconds of work for which nobody who has changed a setting wants to wait: the worker is replaced instead. */
const patience = 250;
/** At full speed the curve of costs is drawn in every so many frames; it does not change much in between. */
const costFrames = 3;

export class Learn {
  readonly pace: Pace;
  readonly #charts: Charts;
  readonly #meter = new Meter();
  #host: Host | null = null;
  #settings: Settings;
  #run: Run | null = null;
  /** Ends once the newest run is made. */
  #making: Promise<void> = Promise.resolve();
  #history = new History();
  #state: State = 'loading';
  /** Rises with each new run and each wish of the reader: whoever has waited sees whether anybody waits for it. */
  #wish = 0;
  /** Whether steps are being sent. */
  #feeding = false;
  /** Whether it goes on beyond the number of steps after which a run rests. */
  #onward = false;
  #learned = false;
  #frame = 0;
  #frames = 0;
  #looking: Promise<void> | null = null;
  /** Steps behind the newest look and the newest numbers. */
  #seen = -1;
  #marked = 0;

  constructor(settings: Settings, speed: number) {
    this.#settings = settings;
    this.pace = new Pace(speed);
    this.#charts = new Charts(elements.wavePlot, elements.costPlot, this.#picture);
    // Frames stop in a hidden tab, and so does training. The time away is no part of the speed.
    document.addEventListener('visibilitychange', () => {
      this.#meter.start();
      this.pace.start(performance.now());
    });
  }

  get settings(): Settings {
    return this.#settings;
  }

  /** The network of the run, once it is made. */
  async model(): Promise<RemoteSequential> {
    let making: Promise<void> | null = null;
    while (!this.#run && making !== this.#making) {
      making = this.#making;
      await making;
    }
    if (!this.#run) throw new Error('there is no network');
    return this.#run.model;
  }

  get pictures(): Charts['pictures'] {
    return this.#charts.pictures;
  }

  get #picture() {
    return pictures[this.#settings.task];
  }

  /**
   * New weights, no steps.
   *
   * @param sentence why it waits; where there is none, it trains
   */
  begin(settings: Settings, sentence: string): Promise<void> {
    this.#making = this.#begin(settings, sentence);
    return this.#making;
  }

  async #begin(settings: Settings, sentence: string): Promise<void> {
    const wish = ++this.#wish;
    this.#leave();
    this.#settings = settings;
    this.#history = new History();
    this.#onward = this.#learned = false;
    this.#seen = -1;
    this.#marked = this.pace.elapsed = 0;
    this.#meter.start();
    this.#charts.begin(this.#picture);
    this.#enter('loading', 'Making the network.');
    showNote(elements.noise, '');
    try {
      // Rounded exactly, which is the same to the bit on every machine, and a little slower on some.
      this.#host ??= connect({ simd: 'strict' });
      const listener = { cost: (cost: number) => this.#hear(run, cost), failed: (error: unknown) => this.#fail(error) };
      const run: Run = await Run.begin(this.#host, settings, tasks[settings.task], this.#picture, listener);
      if (wish !== this.#wish) {
        run.dispose();
        return;
      }
      this.#run = run;
      await this.#see();
      showWeights(await run.model.countParams());
      showBackend(await this.#host.backendInfo(), version);
      if (wish !== this.#wish) return;
      if (sentence) this.#enter('ready', sentence);
      else this.#train();
    } catch (error) {
      if (wish === this.#wish) this.#fail(error);
    }
  }

  /** Gives up the run there is. */
  #leave(): void {
    this.#stop();
    const run = this.#run;
    this.#run = null;
    this.#looking = null;
    run?.dispose();
    if (!run || run.backlog < patience) return;
    void this.#host?.terminate();
    this.#host = null;
  }

  // ------------------------------------------------------------------------------------------------ what readers do

  toggle(): void {
    if (this.#feeding) void this.#settle('paused', () => `Paused after ${this.#effort()}.`);
    else this.#train();
  }

  /** A single step; while it trains, the last one. */
  step(): void {
    const run = this.#run;
    if (!run) return;
    if (!this.#feeding) run.fill(1);
    void this.#settle('paused', () => `One step. ${this.#costs()}`);
  }

  #train(): void {
    const run = this.#run;
    if (!run) return;
    this.#wish++;
    const again = run.steps > 0;
    if (run.steps >= this.#picture.enough) this.#onward = true;
    this.#feeding = true;
    this.#meter.start();
    this.pace.start(performance.now());
    this.#enter('training', again ? 'Training on.' : 'Training.');
    this.#frame = requestAnimationFrame(this.#pass);
    this.#feed();
  }

  #stop(): void {
    this.#feeding = false;
    cancelAnimationFrame(this.#frame);
  }

  /** Sends nothing more, waits for what is on its way, and shows what has come of it. */
  async #settle(state: State, sentence: () => string): Promise<void> {
    const wish = ++this.#wish;
    const run = this.#run;
    this.#stop();
    showToggle(state);
    try {
      await run?.idle();
      if (wish === this.#wish) await this.#see();
      if (wish === this.#wish && this.#state !== 'failed') this.#enter(state, sentence());
    } catch (error) {
      if (wish === this.#wish) this.#fail(error);
    }
  }

  // --------------------------------------------------------------------------------------------------- as it trains

  readonly #pass = (now: number): void => {
    const run = this.#run;
    if (!run || !this.#feeding) return;
    this.#frame = requestAnimationFrame(this.#pass);
    this.pace.pass(now);
    this.#feed();
    if (run.steps !== this.#marked) {
      this.#meter.mark(now, run.steps);
      this.#marked = run.steps;
      this.#showNumbers(now);
      if (this.pace.speed < Infinity || this.#frames++ % costFrames === 0) this.#charts.cost(this.#history);
      this.#judge();
    }
    if (!this.#looking && run.steps !== this.#seen) this.#see().catch(error => this.#fail(error));
  };

  #feed(): void {
    const run = this.#run;
    if (!run || !this.#feeding || document.hidden) return;
    const left = this.#onward ? Infinity : this.#picture.enough - run.sent;
    this.pace.took(run.fill(Math.min(this.pace.due, left)));
  }

  #hear(run: Run, cost: number): void {
    if (run !== this.#run) return;
    this.#history.add(cost);
    if (!this.#feeding) return;
    if (!Number.isFinite(cost)) {
      const sentence = 'The cost is no number any more: the steps were too large. Try a lower learning rate.';
      void this.#settle('paused', () => sentence);
    } else if (run.steps === this.#picture.enough && !this.#onward) {
      void this.#settle('done', () => this.#verdict());
    } else if (this.pace.speed === Infinity) this.#feed();
  }

  /** One look at a time; who comes while there is one waits for it and looks again. */
  async #see(): Promise<void> {
    const run = this.#run;
    while (this.#looking) await this.#looking;
    if (!run || run !== this.#run) return;
    const looking = run.look().then(
      look => {
        if (run !== this.#run) return;
        this.#seen = look.steps;
        this.#charts.look(look);
      },
      error => {
        if (run === this.#run) throw error;
      },
    );
    this.#looking = looking;
    try {
      await looking;
    } finally {
      if (this.#looking === looking) this.#looking = null;
    }
  }

  #judge(): void {
    if (this.#learned || !this.#isGood) return;
    this.#learned = true;
    say(`It has learned after ${this.#effort()}.`);
  }

  get #isGood(): boolean {
    const { recentCost } = this.#history;
    return recentCost !== null && recentCost < tasks[this.#settings.task].learned;
  }

  #verdict(): string {
    if (this.#isGood) return `Learned: ${this.#effort()}. ${this.#costs()}`;
    return `${this.#effort()}, and not quite there. Keep going, or change a setting.`;
  }

  #effort(): string {
    return `${amount(this.#run?.steps ?? 0, 'step')} in ${seconds(this.pace.elapsed)} seconds`;
  }

  #costs(): string {
    return `The cost is ${costText(this.#history.cost ?? 0)}.`;
  }

  // ------------------------------------------------------------------------------------------------- what is shown

  #enter(state: State, sentence: string): void {
    this.#state = state;
    this.#charts.cost(this.#history);
    this.#showNumbers(performance.now(), true);
    showState(state, sentence);
  }

  #showNumbers(now: number, always = false): void {
    const progress = { steps: this.#run?.steps ?? 0, cost: this.#history.cost, rate: this.#meter.rate };
    const { noise } = this.#picture;
    if (!showProgress(progress, now, always) || noise === undefined) return;
    showNote(elements.noise, noiseNote(noise, this.#history.recentCost));
  }

  /** The worker may be what has failed: the next run gets another one. */
  #fail(error: unknown): void {
    if (this.#state === 'failed') return;
    this.#stop();
    this.#enter('failed', `The network cannot run: ${error instanceof Error ? error.message : error}`);
    this.#run?.dispose();
    this.#run = null;
    void this.#host?.terminate();
    this.#host = null;
  }
}
