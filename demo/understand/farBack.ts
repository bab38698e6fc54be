/**
 * How far back the gradient reaches: an LSTM and a plain RNN train on a task of their own until the LSTM has learned it,
 * and a chart shows the size of the gradient at every time step.
 */

import { connect, type Host } from 'lstm-wasm/worker';
import { setText } from '../element.ts';
import { Fitted } from '../fitted.ts';
import { defaultsOf, type Settings } from '../settings.ts';
import { tasks } from '../tasks/index.ts';
import { amount, costText } from '../words.ts';
import { change } from './look.ts';
import type { Reach } from './reach.ts';
import { type ReachData, ReachPlot } from './reachPlot.ts';
import { Twins } from './twins.ts';

/** The adding problem, with a seed from which the LSTM learns early. */
export const farSettings: Settings = {
  ...defaultsOf('adding'),
  units: 16,
  timeSteps: 40,
  batch: 32,
  learningRate: 0.02,
  seed: 4,
};
/** The LSTM has learned when the mean cost of this many batches is below the limit. */
const counted = 20;
export const learnedCost = 0.005;
/** The networks stop after this many steps, learned or not. */
const mostSteps = 2000;
/** Training steps between two looks, and the shortest time between them in milliseconds. */
const stride = 10;
const pace = 150;

type State = 'ready' | 'training' | 'paused' | 'learned' | 'failed' | 'ended';

/** Adds the run to a place with the markup of `farMarkup`. */
export class FarBack {
  readonly #place: HTMLElement;
  readonly #plot: Fitted<ReachData>;
  readonly #train: HTMLButtonElement;
  #settings = farSettings;
  #host: Host | null = null;
  #twins: Twins | null = null;
  #costs: number[] = [];
  #state: State = 'ready';
  #seen = false;
  #busy = false;
  /** Whether the user has not paused it. */
  #wanted: boolean;

  constructor(place: HTMLElement) {
    this.#place = place;
    this.#train = place.querySelector<HTMLButtonElement>('[data-control="far-train"]')!;
    this.#plot = new Fitted(
      place.querySelector<HTMLElement>('[data-picture="reach"]')!,
      ({ width }) => new ReachPlot({ width, height: width < 520 ? 260 : 340 }),
      'free',
    );
    this.#wanted = !matchMedia('(prefers-reduced-motion: reduce)').matches;
    this.#train.addEventListener('click', () => this.#toggle());
    place.querySelector('[data-control="far-seed"]')!.addEventListener('click', () => this.#anotherSeed());
    this.#enter('ready', this.#wanted ? '' : 'Your system prefers reduced motion. Press Train to start.');
    new IntersectionObserver(entries => {
      this.#seen = entries.at(-1)!.isIntersecting;
      void this.#run();
    }).observe(place);
    document.addEventListener('visibilitychange', () => void this.#run());
  }

  get #trains(): boolean {
    return this.#wanted && this.#seen && !document.hidden && ['ready', 'training'].includes(this.#state);
  }

  #toggle(): void {
    this.#wanted = this.#state !== 'training';
    if (!this.#wanted) this.#enter('paused', 'Paused.');
    else if (['learned', 'ended', 'failed'].includes(this.#state)) this.#restart(farSettings.seed);
    else this.#enter('ready', '');
    void this.#run();
  }

  #anotherSeed(): void {
    this.#wanted = true;
    const [seed] = crypto.getRandomValues(new Uint16Array(1));
    this.#restart(seed!);
    void this.#run();
  }

  #restart(seed: number): void {
    this.#settings = { ...farSettings, seed };
    void this.#twins?.dispose().catch(() => {});
    this.#twins = null;
    this.#enter('ready', '');
  }

  /** One thing at a time: creates the networks if necessary, shows them, and trains while they are in view. */
  async #run(): Promise<void> {
    if (this.#busy || !this.#seen) return;
    this.#busy = true;
    try {
      if (!this.#twins) await this.#begin();
      while (this.#trains) {
        if (!this.#twins) await this.#begin();
        this.#enter('training', 'Both networks train while this chart is in view.');
        await this.#turn(this.#twins!);
      }
    } catch (error) {
      this.#enter('failed', `The networks cannot run here: ${(error as Error).message}`);
      await this.#host?.terminate();
      this.#host = this.#twins = null;
    }
    this.#busy = false;
  }

  async #begin(): Promise<void> {
    const settings = this.#settings;
    // Strict kernels give the same bits on every machine, so the seed learns early everywhere.
    this.#host ??= connect({ simd: 'strict' });
    const twins = await Twins.make(this.#host, settings, tasks[settings.task]);
    this.#costs = [];
    const reaches = await twins.reaches();
    if (settings !== this.#settings) return void twins.dispose().catch(() => {});
    this.#twins = twins;
    if (!this.#plot.drawn) this.#plot.begin();
    this.#show(twins, reaches);
  }

  async #turn(twins: Twins): Promise<void> {
    const began = performance.now();
    for (let n = 0; n < stride && !this.#learned; n++) {
      await twins.train(1);
      this.#costs.push(twins.costs.gated!);
    }
    const reaches = await twins.reaches();
    if (twins !== this.#twins) return;
    this.#show(twins, reaches);
    if (this.#learned) this.#enter('learned', `The LSTM has learned the task after ${amount(twins.trained, 'step')}.`);
    else if (twins.trained >= mostSteps) this.#enter('ended', `Not learned in ${amount(mostSteps, 'step')}.`);
    await new Promise(resolve => setTimeout(resolve, began + pace - performance.now()));
  }

  get #learned(): boolean {
    const last = this.#costs.slice(-counted);
    return last.length === counted && last.reduce((sum, cost) => sum + cost, 0) / counted < learnedCost;
  }

  #show(twins: Twins, { plain, gated }: { plain: Reach; gated: Reach }): void {
    const { dataset } = this.#place;
    dataset.trained = String(twins.trained);
    dataset.seed = String(this.#settings.seed);
    const { costs } = twins;
    const write = (shares: Float64Array | null) => shares?.join(' ') ?? '';
    Object.assign(dataset, { plain: write(plain.h), gated: write(gated.h), cell: write(gated.c) });
    Object.assign(dataset, { plainCost: costs.plain ?? '', gatedCost: costs.gated ?? '' });
    this.#plot.update({ shares: { plain: plain.h, gated: gated.h, cell: gated.c } });
    const cost =
      costs.gated === null
        ? 'Not trained yet'
        : `Cost: LSTM ${costText(costs.gated)}, plain RNN ${costText(costs.plain!)}`;
    this.#say('far-progress', `${amount(twins.trained, 'training step')}, seed ${this.#settings.seed}. ${cost}.`);
    const last = farSettings.timeSteps - 1;
    this.#say(
      'verdict',
      `From time step ${last} back to time step 0, the gradient ${change(plain.h[0]!)} in the plain RNN. In the LSTM it ` +
        `${change(gated.h[0]!)} in h and ${change(gated.c![0]!)} along the cell state c.`,
    );
  }

  #enter(state: State, sentence: string): void {
    this.#state = state;
    this.#place.dataset.state = state;
    this.#say('far-status', sentence);
    const again = ['learned', 'ended', 'failed'].includes(state);
    setText(this.#train, state === 'training' ? 'Pause' : again ? 'Train again' : 'Train');
  }

  #say(name: string, words: string): void {
    setText(this.#place.querySelector<HTMLElement>(`[data-text="${name}"]`)!, words);
  }
}

export const farMarkup = `
  <div class="understand-words">
    <h3>How far back the gradient reaches</h3>
    <p>
      To learn from an early time step, a network needs a gradient there. Both networks learn the adding problem with
      ${farSettings.timeSteps} time steps: ${farSettings.units} units each, the same batches of ${farSettings.batch} rows,
      until the mean cost of the LSTM over ${counted} batches is below ${learnedCost}. A network that always predicts the
      mean has a cost of 0.167.
    </p>
    <p>
      The chart shows the norm of the gradient of the prediction with respect to the state at each time step, relative to
      the last time step: the median of the ${farSettings.batch} rows of one batch.
    </p>
    <div class="understand-buttons">
      <button type="button" class="primary" data-control="far-train">Train</button>
      <button type="button" data-control="far-seed">Another seed</button>
    </div>
    <p data-text="far-status" role="status"></p>
    <p data-text="far-progress"></p>
    <p class="understand-verdict" data-text="verdict"></p>
    <p>
      Before training, the gradient of both networks vanishes: the forget gates of a new LSTM keep 73 % of the cell state
      in each step. The LSTM learns to open them, and the gradient then passes along c. Other seeds learn earlier or later.
    </p>
  </div>
  <figure class="understand-reach">
    <ul class="understand-legend" aria-label="Lines of the chart">
      <li><span class="understand-key understand-key-plain"></span>plain RNN, h</li>
      <li><span class="understand-key understand-key-gated"></span>LSTM, h</li>
      <li><span class="understand-key understand-key-cell"></span>LSTM, c</li>
    </ul>
    <div class="understand-picture" data-picture="reach"></div>
  </figure>
`;
