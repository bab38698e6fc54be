/** Two networks that differ in their cell alone, in a worker of their own: trained in lockstep, looked into now and then. */

import type { Tensor } from 'lstm-wasm';
import type { CellKind } from 'lstm-wasm/plot';
import type { Host, RemoteSequential } from 'lstm-wasm/worker';
import { makeModel } from '../model.ts';
import type { Settings } from '../settings.ts';
import type { Batch, Task } from '../tasks/index.ts';
import type { Look, Sight } from './look.ts';
import { type Gates, reach } from './reach.ts';

/** The cell that stands beside the plain one. */
export const gatedCell = ({ cell }: Settings): 'lstm' | 'gru' => (cell === 'gru' ? 'gru' : 'lstm');

/**
 * One layer each, and every sequence from an empty memory: what is seen at a step comes from the steps before it, and
 * from nothing else.
 */
const alike = (settings: Settings, cell: Settings['cell']): Settings => ({
  ...settings,
  cell,
  layers: 1,
  stateful: false,
});

export class Twins {
  readonly #task: Task;
  readonly #settings: Settings;
  readonly #gated: Twin;
  readonly #plain: Twin;
  readonly #batches: Generator<Batch, never, void>;
  /** Looked at all the time, so that what changes is the network. */
  readonly #probe: Batch;
  #next: Batch;
  #trained = 0;

  private constructor(settings: Settings, task: Task, gated: Twin, plain: Twin) {
    this.#settings = settings;
    this.#task = task;
    this.#gated = gated;
    this.#plain = plain;
    this.#batches = task.batches(settings);
    this.#probe = this.#next = this.#batches.next().value;
  }

  static async make(host: Host, settings: Settings, task: Task): Promise<Twins> {
    const cell = gatedCell(settings);
    const gated = await Twin.make(host, cell, alike(settings, cell), task);
    const plain = await Twin.make(host, 'rnn', alike(settings, 'simpleRNN'), task);
    return new Twins(settings, task, gated, plain);
  }

  get trained(): number {
    return this.#trained;
  }

  /** Steps of both, on the same batches. */
  async train(count: number): Promise<void> {
    const calls: Promise<void>[] = [];
    for (let n = 0; n < count; n++) {
      calls.push(this.#gated.train(this.#next), this.#plain.train(this.#next));
      this.#next = this.#batches.next().value;
    }
    await Promise.all(calls);
    this.#trained += count;
  }

  async look(): Promise<Look> {
    const { timeSteps, units } = this.#settings;
    const { inputs } = this.#task;
    const x = this.#probe.xs;
    const [gated, plain] = await Promise.all([this.#gated.look(x, units), this.#plain.look(x, units)]);
    const sequence = x.dataSync().slice(0, timeSteps * inputs);
    return { trained: this.#trained, units, timeSteps, x: sequence, inputs, gated, plain };
  }

  async dispose(): Promise<void> {
    await Promise.all([this.#gated.model.dispose(), this.#plain.model.dispose()]);
  }
}

class Twin {
  readonly model: RemoteSequential;
  readonly #kind: CellKind;
  readonly #layer: string;
  #cost: number | null = null;

  private constructor(model: RemoteSequential, kind: CellKind, layer: string) {
    this.model = model;
    this.#kind = kind;
    this.#layer = layer;
  }

  static async make(host: Host, kind: CellKind, settings: Settings, task: Task): Promise<Twin> {
    const model = await makeModel(host, settings, task);
    const { layers } = (await model.getConfig()) as unknown as { layers: { config: { name: string } }[] };
    return new Twin(model, kind, layers[0]!.config.name);
  }

  async train({ xs, ys }: Batch): Promise<void> {
    this.#cost = (await this.model.trainOnBatch(xs, ys)) as number;
  }

  /** The first sequence of a batch. */
  async look(xs: Tensor, units: number): Promise<Sight> {
    const [shown, weights] = await Promise.all([this.model.inspect(this.#layer, xs), this.model.getWeights()]);
    const length = xs.shape[1]! * units;
    const gates = Object.fromEntries(
      Object.entries(shown).map(([name, tensor]) => [name, tensor.dataSync().subarray(0, length)]),
    ) as unknown as Gates;
    const [, recurrent, bias, dense] = weights.map(weight => weight.dataSync());
    const found = reach(gates, { recurrent: recurrent!, bias: bias!, dense: dense! }, units);
    return { kind: this.#kind, gates, reach: found, cost: this.#cost };
  }
}
