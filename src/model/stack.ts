/** The layers of a model with their weights: what models that differ only in their batch size share. */

import { Layer } from '../layers/layer.ts';
import type { Objective } from '../objective/objective.ts';
import type { TensorLike } from '../tensor/read.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { fail, show, suggest } from '../util/errors.ts';
import type { SeedStream } from '../util/random.ts';
import { type Shape, showShape } from '../util/shapes.ts';
import { Parameters } from '../weights/parameters.ts';

export class Stack {
  readonly layers: Layer[] = [];
  parameters: Parameters | null = null;
  objective: Objective | null = null;
  /** How many models run on it: made, and neither disposed of nor collected. */
  models = 0;
  /** Whether one of them has been disposed of. */
  #disposed = false;

  /** @param seeds for initial weights, dropout and shuffles */
  constructor(readonly seeds: SeedStream) {}

  /** Puts a layer on top. */
  push(call: string, layer: Layer): void {
    if (!(layer instanceof Layer)) fail(call, `layer must be one of layers.*, got ${show(layer)}`);
    if (this.layers.some(({ name }) => name === layer.name)) {
      fail(call, `the name of a layer must be unique in its model, got a second '${layer.name}'`);
    }
    const below = this.layers.at(-1);
    const input = below ? below.outputShape : layer.batchInputShape;
    if (!input) fail(call, `the first layer must have inputShape or batchInputShape, got neither in '${layer.name}'`);
    if (below && layer.batchInputShape && !agree(layer.batchInputShape, input)) {
      const got = showShape(layer.batchInputShape);
      fail(call, `the input shape of '${layer.name}' must be that of the layer below, ${showShape(input)}, got ${got}`);
    }
    if (below) layer.checkBelow(call, below);
    const home = {
      read: (asked: string, from: Layer) => this.parametersFor(asked).read(asked, from),
      write: (asked: string, to: Layer, values: readonly Float32Array[]) =>
        this.parametersFor(asked).write(asked, to, values),
    };
    this.#rebuild(call, () => {
      this.seeds.rollBackOnError(() => layer.build(call, input, home, this.seeds));
      this.layers.push(layer);
    });
  }

  /** Takes the top layer off. */
  pop(call: string): void {
    const top = this.layers.at(-1) ?? fail(call, 'the model must have a layer, got none');
    this.#rebuild(call, () => this.layers.pop());
    top.leave();
  }

  /** A layer by its name, or by its index where the name is absent. */
  find(call: string, name?: string | null, index?: number): Layer {
    if (typeof name === 'string') {
      const names = this.layers.map(layer => layer.name);
      return this.layers[names.indexOf(name)] ?? fail(call, `unknown layer '${name}'${suggest(name, names)}`);
    }
    if (name !== undefined && name !== null) fail(call, `name must be a string, got ${show(name)}`);
    const count = this.layers.length;
    if (!Number.isInteger(index) || !this.layers[index!]) {
      fail(call, `index must be a whole number below ${count}, the number of layers, got ${show(index)}`);
    }
    return this.layers[index!]!;
  }

  readWeights(call: string, trainableOnly = false): Tensor[] {
    return this.layers.flatMap(layer => layer.readWeights(call, trainableOnly));
  }

  /** All of them are checked, and have room, before any is written. */
  writeWeights(call: string, weights: readonly TensorLike[]): void {
    const count = this.layers.reduce((sum, layer) => sum + layer.weightSpecs.length, 0);
    if (!Array.isArray(weights) || weights.length !== count) {
      fail(call, `weights must be an array of ${count} tensors, got ${show(weights)}`);
    }
    const layers = [...this.layers];
    let next = 0;
    const checked = layers.map(layer => {
      const own = weights.slice(next, next + layer.weightSpecs.length);
      next += own.length;
      return layer.checkWeights(call, own);
    });
    if (layers.length !== this.layers.length || layers.some((layer, n) => layer !== this.layers[n])) {
      fail(call, 'no layers may be added or removed while the weights are read');
    }
    const home = this.parametersFor(call);
    home.makeRoom(call);
    for (const [n, layer] of layers.entries()) home.write(call, layer, checked[n]!);
  }

  /** The parameters, made on first use. */
  parametersFor(call: string): Parameters {
    if (this.#disposed && this.models === 0) fail(call, 'the model must not be used after dispose()');
    this.parameters ??= new Parameters([...this.layers]);
    return this.parameters;
  }

  /**
   * One of the models is gone, and with the last of them go the weights. Where all were collected, and none disposed of,
   * they stay, for layers and streams that somebody may still hold.
   *
   * @param disposed of; else nobody holds it any more
   */
  leave(disposed: boolean): void {
    this.#disposed ||= disposed;
    if (--this.models > 0 || !this.#disposed) return;
    if (disposed) this.parameters?.free();
    this.parameters = null; // a stream of a model that was collected goes on
  }

  /** Changes the stack. What has been learned so far moves along; the optimizer starts afresh. */
  #rebuild(call: string, change: () => void): void {
    const { parameters } = this;
    const learned = parameters && this.layers.map(layer => [layer, parameters.read(call, layer)] as const);
    change();
    if (!learned) return;
    for (const [layer, values] of learned) layer.initialValues = values;
    parameters.free();
    this.parameters = null;
    this.objective?.optimizer.moveTo(0);
  }
}

const agree = (a: Shape, b: Shape): boolean =>
  a.length === b.length && a.every((n, axis) => n === null || b[axis] === null || n === b[axis]);
