/** A run: the networks in the worker, their data, and the training steps in progress. Independent of the page. */

import type { Host, RemoteSequential } from 'lstm-wasm/worker';
import { floats, join, Network } from './network.ts';
import type { Look, Picture } from './pictures.ts';
import { hasRival, type Settings } from './settings.ts';
import type { Batch, Task } from './tasks/index.ts';

/** Milliseconds of work that are queued for the worker: about a frame, because drawing may take that long. */
const ahead = 17;
/** The most steps in the queue, which cost memory, and the fewest, so that the worker never waits. */
const most = 64;
const least = 2;
/** Changes the seed of data that is shown and not trained on. */
const otherSeed = 0x5eed;

interface Listener {
  /** A step is done. `rival` is the cost of the plain RNN beside the network, if there is one. */
  cost(cost: number, rival: number | null): void;
  failed(error: unknown): void;
}

export class Run {
  readonly #settings: Settings;
  readonly #task: Task;
  readonly #listener: Listener;
  readonly #batches: Generator<Batch, never, void>;
  readonly #network: Network;
  readonly #rival: Network | null;
  /** Rows that every look shows; null if a look shows the next batch. */
  readonly #probe: Probe | null;
  #next: Batch;
  /** Whether a look needs the arrays of the next batch, which then cannot be transferred. */
  #held = false;
  #sent = 0;
  #steps = 0;
  #last: Promise<unknown> = Promise.resolve();
  #ended = false;
  #before = 0;
  /** Milliseconds that the worker takes for a step. */
  #pace = 4;

  static async begin(host: Host, settings: Settings, task: Task, picture: Picture, listener: Listener): Promise<Run> {
    const probe = picture.kind === 'waves' ? null : makeProbe(settings, task, picture);
    const viewerBatch = probe?.batch ?? settings.batch;
    const network = await Network.make(host, settings, task, viewerBatch);
    const plain: Settings = { ...settings, cell: 'simpleRNN' };
    const rival = hasRival(settings) ? await Network.make(host, plain, task, viewerBatch) : null;
    return new Run(settings, task, listener, network, rival, probe);
  }

  private constructor(
    settings: Settings,
    task: Task,
    listener: Listener,
    network: Network,
    rival: Network | null,
    probe: Probe | null,
  ) {
    this.#settings = settings;
    this.#task = task;
    this.#listener = listener;
    this.#batches = task.batches(settings);
    this.#next = this.#batches.next().value;
    this.#network = network;
    this.#rival = rival;
    this.#probe = probe;
  }

  get model(): RemoteSequential {
    return this.#network.model;
  }

  /** Steps done. */
  get steps(): number {
    return this.#steps;
  }

  /** Steps done or queued. */
  get sent(): number {
    return this.#sent;
  }

  /** Milliseconds until the queue is empty. */
  get backlog(): number {
    return (this.#sent - this.#steps) * this.#pace;
  }

  /** Queues at most `wanted` steps, as far as there is room; returns how many. */
  fill(wanted: number): number {
    const room = Math.min(most, Math.max(least, Math.ceil(ahead / this.#pace)));
    const count = Math.max(0, Math.min(wanted, room - (this.#sent - this.#steps)));
    for (let n = 0; n < count; n++) this.#send();
    return count;
  }

  #send(): void {
    const batch = this.#next;
    // The rival first, because the other call may give the arrays away.
    const rival = this.#rival?.train(batch, false) ?? null;
    const step = this.#network.train(batch, !this.#held);
    this.#next = this.#batches.next().value;
    this.#held = false;
    if (this.#sent++ === this.#steps) this.#before = performance.now();
    this.#last = Promise.all([step, rival]).then(
      ([cost, other]) => this.#done(cost, other),
      error => {
        if (!this.#ended) this.#listener.failed(error);
      },
    );
  }

  #done(cost: number, rival: number | null): void {
    if (this.#ended) return;
    const now = performance.now();
    this.#pace += 0.05 * (now - this.#before - this.#pace);
    this.#before = now;
    this.#steps++;
    this.#listener.cost(cost, rival);
  }

  /** Resolves once all queued steps are done. */
  async idle(): Promise<void> {
    await this.#last;
  }

  /**
   * What the current weights predict: for the probe, or for the batch that is trained next, from the states of training.
   *
   * @param withUnits whether to include the outputs of the units, which takes longer
   */
  async look(withUnits: boolean): Promise<Look> {
    const steps = this.#sent;
    const { inputs } = this.#task;
    const networks = [this.#network, ...(this.#rival ? [this.#rival] : [])];
    const shown = this.#probe?.shown ?? [this.#next];
    if (!this.#probe) this.#held = true;
    const start = this.#probe ? 0 : this.#sent * this.#settings.timeSteps;
    const batches = shown.map(({ xs }) => xs);
    const warm = this.#probe?.warm.map(({ xs }) => xs) ?? [];
    const [view, rival = null] = await Promise.all(
      networks.map(network =>
        this.#probe ? network.lookAt(warm, batches, withUnits) : network.lookAhead(batches[0]!, withUnits),
      ),
    );
    return {
      steps,
      start,
      input: firstFeature(join(shown.map(({ xs }) => floats(xs))), inputs),
      target: join(shown.map(({ ys }) => floats(ys))),
      prediction: view!.prediction,
      units: view!.units,
      rival,
    };
  }

  /** Ends the run; its listener is not called any more. */
  dispose(): void {
    this.#ended = true;
    this.#network.dispose();
    this.#rival?.dispose();
  }
}

const firstFeature = (values: Float32Array, inputs: number) =>
  inputs === 1 ? values : values.filter((_, n) => n % inputs === 0);

interface Probe {
  readonly batch: number;
  /** Unrelated rows that come first where states are carried from row to row of a task whose rows do not continue. */
  readonly warm: Batch[];
  readonly shown: Batch[];
}

function makeProbe(settings: Settings, task: Task, { kind, count }: Picture): Probe {
  const batch = kind === 'answers' ? count : 1;
  const rows = task.batches({ ...settings, batch, seed: (settings.seed ^ otherSeed) >>> 0 });
  const take = (n: number) => Array.from({ length: n }, () => rows.next().value);
  const warm = settings.stateful && !task.continues ? take(1) : [];
  const joins = kind === 'stretch' && task.continues;
  return { batch, warm, shown: take(joins ? Math.ceil(count / settings.timeSteps) : 1) };
}
