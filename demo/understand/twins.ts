/** Two networks that differ only in their cell, in a worker: they train on the same batches. */

import type { Tensor } from 'lstm-wasm';
import type { CellKind } from 'lstm-wasm/plot';
import type { Host, RemoteSequential } from 'lstm-wasm/worker';
import { makeModel } from '../model.ts';
import type { Settings } from '../settings.ts';
import type { Batch, Task } from '../tasks/index.ts';
import type { Look, Sight } from './look.ts';
import { type Gates, medianReach, type Reach, reach, type Weights } from './reach.ts';

/** The cell beside the plain one. */
export const gatedCell = ({ cell }: Settings): 'lstm' | 'gru' => (cell === 'gru' ? 'gru' : 'lstm');

/** One layer each, and states of zero at the start of each sequence, so that a state depends on its sequence only. */
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
  /** Always the same, so that changes are those of the networks. */
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

  /** Trains both on the same batches. */
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

  /** How far back the gradients reach: medians over the rows of a batch. */
  async reaches(): Promise<{ gated: Reach; plain: Reach }> {
    const { xs } = this.#probe;
    const { units } = this.#settings;
    const [gated, plain] = await Promise.all([this.#gated.reach(xs, units), this.#plain.reach(xs, units)]);
    return { gated, plain };
  }

  /** Of the last training step; null before the first. */
  get costs(): { gated: number | null; plain: number | null } {
    return { gated: this.#gated.cost, plain: this.#plain.cost };
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

  get cost(): number | null {
    return this.#cost;
  }

  /** The first sequence of a batch. */
  async look(xs: Tensor, units: number): Promise<Sight> {
    const gates = await this.#gates(xs);
    return { kind: this.#kind, gates: rowOf(gates, 0, xs.shape[1]! * units), cost: this.#cost };
  }

  async reach(xs: Tensor, units: number): Promise<Reach> {
    const [gates, all] = await Promise.all([this.#gates(xs), this.model.getWeights()]);
    const [, recurrent, bias, dense] = all.map(weight => weight.dataSync());
    const weights: Weights = { recurrent: recurrent!, bias: bias!, dense: dense! };
    const [rows, length] = [xs.shape[0]!, xs.shape[1]! * units];
    return medianReach(Array.from({ length: rows }, (_, row) => reach(rowOf(gates, row, length), weights, units)));
  }

  /** [B, T, U] each. */
  async #gates(xs: Tensor): Promise<[string, Float32Array][]> {
    const shown = await this.model.inspect(this.#layer, xs);
    return Object.entries(shown).map(([name, tensor]) => [name, tensor.dataSync() as Float32Array]);
  }
}

const rowOf = (gates: [string, Float32Array][], row: number, length: number) =>
  Object.fromEntries(
    gates.map(([name, values]) => [name, values.subarray(row * length, (row + 1) * length)]),
  ) as unknown as Gates;
