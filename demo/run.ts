/** A run: a network in the worker, its data, and the steps on their way. Nothing here knows the page. */

import type { Tensor } from 'lstm-wasm';
import type { Host, RemoteSequential } from 'lstm-wasm/worker';
import { makeModel } from './model.ts';
import type { Look, Picture } from './pictures.ts';
import type { Settings } from './settings.ts';
import type { Batch, Task } from './tasks/index.ts';

/** Milliseconds of work that lie ready for the worker: about a frame, since the page may draw for as long as that. */
const ahead = 17;
/** Steps on their way at most, which costs memory, and at least, so that the worker never waits. */
const most = 64;
const least = 2;
/** Data that a network is not trained on comes from another seed. */
const otherSeed = 0x5eed;

interface Listener {
  /** A step has been done. */
  cost(cost: number): void;
  failed(error: unknown): void;
}

export class Run {
  readonly model: RemoteSequential;
  readonly #settings: Settings;
  readonly #listener: Listener;
  readonly #batches: Generator<Batch, never, void>;
  /** The same weights with states of their own, which shows what the network says and leaves the training alone. */
  readonly #viewer: RemoteSequential;
  /** Rows that are looked at all the time; null where the batch to come is. */
  readonly #probe: Probe | null;
  #next: Batch;
  /** Whether a look needs the arrays of the batch to come, which cannot be given away then. */
  #held = false;
  #sent = 0;
  #steps = 0;
  #last: Promise<unknown> = Promise.resolve();
  #ended = false;
  #before = 0;
  /** Milliseconds that the worker takes for a step. */
  #pace = 4;

  static async begin(host: Host, settings: Settings, task: Task, picture: Picture, listener: Listener): Promise<Run> {
    const batches = task.batches(settings);
    const next = batches.next().value;
    const model = await makeModel(host, settings, task);
    const probe = picture.kind === 'waves' ? null : makeProbe(settings, task, picture);
    const viewer = await model.withBatchSize(probe?.batch ?? settings.batch);
    return new Run(settings, listener, batches, next, model, viewer, probe);
  }

  private constructor(
    settings: Settings,
    listener: Listener,
    batches: Generator<Batch, never, void>,
    next: Batch,
    model: RemoteSequential,
    viewer: RemoteSequential,
    probe: Probe | null,
  ) {
    this.#settings = settings;
    this.#listener = listener;
    this.#batches = batches;
    this.#next = next;
    this.model = model;
    this.#viewer = viewer;
    this.#probe = probe;
  }

  /** Steps done. */
  get steps(): number {
    return this.#steps;
  }

  /** Steps done or on their way. */
  get sent(): number {
    return this.#sent;
  }

  /** Milliseconds until the worker is through with what it has. */
  get backlog(): number {
    return (this.#sent - this.#steps) * this.#pace;
  }

  /** Sends at most so many steps, as far as there is room on the way; returns how many. */
  fill(wanted: number): number {
    const room = Math.min(most, Math.max(least, Math.ceil(ahead / this.#pace)));
    const count = Math.max(0, Math.min(wanted, room - (this.#sent - this.#steps)));
    for (let n = 0; n < count; n++) this.#send();
    return count;
  }

  #send(): void {
    const { xs, ys } = this.#next;
    const step = this.model.trainOnBatch(xs, ys, { transfer: !this.#held });
    this.#next = this.#batches.next().value;
    this.#held = false;
    if (this.#sent++ === this.#steps) this.#before = performance.now();
    this.#last = step.then(
      cost => this.#done(cost as number),
      error => {
        if (!this.#ended) this.#listener.failed(error);
      },
    );
  }

  #done(cost: number): void {
    if (this.#ended) return;
    const now = performance.now();
    this.#pace += 0.05 * (now - this.#before - this.#pace);
    this.#before = now;
    this.#steps++;
    this.#listener.cost(cost);
  }

  /** Once all steps that were sent are done. */
  async idle(): Promise<void> {
    await this.#last;
  }

  /**
   * What the weights of this moment say. Where rows go on from batch to batch, it is to the batch that trains next,
   * from the states that training has come to.
   */
  async look(): Promise<Look> {
    return this.#probe ? this.#lookAt(this.#probe) : this.#lookAhead();
  }

  async #lookAhead(): Promise<Look> {
    const { xs, ys } = this.#next;
    const start = this.#sent * this.#settings.timeSteps;
    this.#held = true;
    if (this.#settings.stateful) {
      // While these are fetched, training goes on; nothing waits for the way there and back.
      const states = await this.model.getStates();
      this.#hear(this.#viewer.setStates(states));
    }
    const steps = this.#sent;
    const prediction: Tensor = await this.#viewer.predictOnBatch(xs);
    return { steps, start, input: floats(xs), target: floats(ys), prediction: floats(prediction) };
  }

  async #lookAt({ warm, shown }: Probe): Promise<Look> {
    const steps = this.#sent;
    if (this.#settings.stateful) this.#hear(this.#viewer.resetStates());
    for (const { xs } of warm) this.#hear(this.#viewer.predictOnBatch(xs));
    const answers = await Promise.all(shown.map(({ xs }) => this.#viewer.predictOnBatch<Tensor>(xs)));
    const join = (parts: Float32Array[]) => Float32Array.from(parts.flatMap(part => [...part]));
    return {
      steps,
      start: 0,
      input: join(shown.map(({ xs }) => floats(xs))),
      target: join(shown.map(({ ys }) => floats(ys))),
      prediction: join(answers.map(floats)),
    };
  }

  /** What goes wrong here goes wrong in the call after it, too, which is awaited. */
  #hear(call: Promise<unknown>): void {
    call.catch(() => {});
  }

  /** Nothing is heard of it any more. */
  dispose(): void {
    this.#ended = true;
    this.#hear(this.#viewer.dispose());
    this.#hear(this.model.dispose());
  }
}

const floats = (tensor: { dataSync(): ArrayLike<number> }) => tensor.dataSync() as Float32Array;

interface Probe {
  readonly batch: number;
  /** What comes before it is shown: rows that have nothing to do with it, where states are carried nevertheless. */
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
