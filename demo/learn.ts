/** The live run: starts and pauses it, draws it, and reports its progress. */

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

/** If more milliseconds of work than this are queued when a setting changes, the worker is replaced. */
const patience = 250;
/** At full speed, predictions and costs are drawn in one of this many frames, so that drawing does not take all the time. */
const lookFrames = 3;
const costFrames = 9;
/** Milliseconds between two looks at the units of the networks. */
const unitsEvery = 250;

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
  /** Incremented by each new run and each action of the user: asynchronous code is outdated if it has changed. */
  #wish = 0;
  /** Whether steps are being sent. */
  #feeding = false;
  /** Whether it continues beyond the number of steps after which a run stops. */
  #onward = false;
  #learned = false;
  #frame = 0;
  #frames = 0;
  #looking: Promise<void> | null = null;
  /** Training steps of the newest look and of the newest numbers. */
  #seen = -1;
  #marked = 0;
  /** When the units were last looked at. */
  #unitsSeen = 0;
  #threads = 1;

  constructor(settings: Settings, speed: number) {
    this.#settings = settings;
    this.pace = new Pace(speed);
    this.#charts = new Charts(elements.wavePlot, elements.costPlot, elements.units, settings, this.#picture);
    // Training stops in a hidden tab, as frames do, and the speed does not include that time.
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

  /** Uses another number of threads, in a new worker. */
  setThreads(threads: number): void {
    this.#threads = threads;
    this.#run?.dispose();
    this.#run = null;
    void this.#host?.terminate();
    this.#host = null;
  }

  /**
   * New weights, no steps.
   *
   * @param sentence why it does not train yet; without it, it trains
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
    this.#charts.begin(settings, this.#picture);
    this.#enter('loading', 'Creating the network.');
    showNote(elements.noise, '');
    try {
      this.#host ??= await this.#connect();
      const listener = {
        cost: (cost: number, rival: number | null) => this.#hear(run, cost, rival),
        failed: (error: unknown) => this.#fail(error),
      };
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

  async #connect(): Promise<Host> {
    // Strict kernels give the same bits on every machine, and are a little slower on some.
    const host = connect({ simd: 'strict' });
    if (this.#threads > 1) await host.configure({ threads: this.#threads });
    return host;
  }

  /** Ends the current run. */
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

  // ------------------------------------------------------------------------------------------------ actions of the user

  toggle(): void {
    if (this.#feeding) void this.#settle('paused', () => `Paused after ${this.#effort()}.`);
    else this.#train();
  }

  /** A single step; while training, stops after the queued steps. */
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
    this.#enter('training', again ? 'Training continues.' : 'Training.');
    this.#frame = requestAnimationFrame(this.#pass);
    this.#feed();
  }

  #stop(): void {
    this.#feeding = false;
    cancelAnimationFrame(this.#frame);
  }

  /** Stops sending steps, waits for those in the queue, and shows the result. */
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
    this.#frames++;
    this.pace.pass(now);
    this.#feed();
    if (run.steps !== this.#marked) {
      this.#meter.mark(now, run.steps);
      this.#marked = run.steps;
      this.#showNumbers(now);
      if (this.#isDue(costFrames)) this.#charts.cost(this.#history);
      this.#judge();
    }
    if (this.#isDue(lookFrames) && !this.#looking && run.steps !== this.#seen)
      this.#see().catch(error => this.#fail(error));
  };

  /** Whether something is drawn in this frame that at full speed is drawn in one of `frames`. */
  #isDue(frames: number): boolean {
    return this.pace.speed < Infinity || this.#frames % frames === 0;
  }

  #feed(): void {
    const run = this.#run;
    if (!run || !this.#feeding || document.hidden) return;
    const left = this.#onward ? Infinity : this.#picture.enough - run.sent;
    this.pace.took(run.fill(Math.min(this.pace.due, left)));
  }

  #hear(run: Run, cost: number, rival: number | null): void {
    if (run !== this.#run) return;
    this.#history.add(cost, rival);
    if (!this.#feeding) return;
    if (!Number.isFinite(cost)) {
      const sentence = 'The cost is not a number any more: the steps were too large. Try a lower learning rate.';
      void this.#settle('paused', () => sentence);
    } else if (run.steps === this.#picture.enough && !this.#onward) {
      void this.#settle('done', () => this.#verdict());
    } else if (this.pace.speed === Infinity) this.#feed();
  }

  /** One look at a time: a call during a look waits for it and looks again. */
  async #see(): Promise<void> {
    const run = this.#run;
    while (this.#looking) await this.#looking;
    if (!run || run !== this.#run) return;
    const now = performance.now();
    const withUnits = !this.#feeding || now - this.#unitsSeen >= unitsEvery;
    if (withUnits) this.#unitsSeen = now;
    const looking = run.look(withUnits).then(
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
    say(`Learned after ${this.#effort()}.${this.#comparison()}`);
  }

  get #isGood(): boolean {
    const { recentCost } = this.#history;
    return recentCost !== null && recentCost < tasks[this.#settings.task].learned;
  }

  #verdict(): string {
    if (this.#isGood) return `Learned: ${this.#effort()}. ${this.#costs()}`;
    return `${this.#effort()}, not learned yet. ${this.#costs()} Continue, or change a setting.`;
  }

  #effort(): string {
    return `${amount(this.#run?.steps ?? 0, 'step')} in ${seconds(this.pace.elapsed)} seconds`;
  }

  #costs(): string {
    return `The cost is ${costText(this.#history.cost ?? 0)}.${this.#comparison()}`;
  }

  /** The cost of the plain RNN, if there is one. */
  #comparison(): string {
    const { rivalCost } = this.#history;
    return rivalCost === null ? '' : ` The plain RNN is at ${costText(rivalCost)}.`;
  }

  // ------------------------------------------------------------------------------------------------- what is shown

  #enter(state: State, sentence: string): void {
    this.#state = state;
    this.#charts.cost(this.#history);
    this.#showNumbers(performance.now(), true);
    showState(state, sentence);
  }

  #showNumbers(now: number, always = false): void {
    const { cost, rivalCost } = this.#history;
    const progress = { steps: this.#run?.steps ?? 0, cost, rivalCost, rate: this.#meter.rate };
    const { noise } = this.#picture;
    if (!showProgress(progress, now, always) || noise === undefined) return;
    showNote(elements.noise, noiseNote(noise, this.#history.recentCost));
  }

  /** The worker itself may have failed, so the next run gets another one. */
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
