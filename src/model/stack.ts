/**
 * The layers of a model in order, the weights of all of them, and what the model is compiled with.
 *
 * `model.withBatchSize` creates models that share one stack: training one trains the others. The stack counts these
 * models and frees the weights with the last of them.
 */

import { Layer } from '../layers/layer.ts';
import type { Objective } from '../objective/objective.ts';
import type { TensorLike } from '../tensor/read.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { fail, show, suggest } from '../util/errors.ts';
import type { SeedStream } from '../util/random.ts';
import { type Shape, showShape } from '../util/shapes.ts';
import { Parameters } from '../weights/parameters.ts';

export class Stack {
  /** The first layer takes the input of the model, and each of the others the output of the layer before it. */
  readonly layers: Layer[] = [];
  /** Weights, gradients and the state of the optimizer. Null until first used, and after the layers have changed. */
  parameters: Parameters | null = null;
  /** Null before `compile`. */
  objective: Objective | null = null;
  /** How many models share the stack: those created and neither disposed nor garbage collected. */
  models = 0;
  /** Whether one of the models was disposed. */
  #disposed = false;

  /** @param seeds for initial weights, dropout and shuffles */
  constructor(readonly seeds: SeedStream) {}

  /** Adds a layer at the end. */
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
    const store = {
      read: (caller: string, from: Layer) => this.parametersFor(caller).read(caller, from),
      write: (caller: string, to: Layer, values: readonly Float32Array[]) =>
        this.parametersFor(caller).write(caller, to, values),
    };
    this.#rebuild(call, () => {
      if (layer.hasStore) fail(call, `layer must not belong to a model yet, got '${layer.name}'`);
      layer.connect(call, [input]);
      layer.join(store, this.seeds);
      this.layers.push(layer);
    });
  }

  /** Removes the last layer. */
  pop(call: string): void {
    const last = this.layers.at(-1) ?? fail(call, 'the model must have a layer, got none');
    this.#rebuild(call, () => this.layers.pop());
    last.unbuild();
  }

  /** The layer of a name, or of an index if there is no name. */
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

  /** Replaces all weights. Checks all of them and allocates memory before it writes any. */
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
    const parameters = this.parametersFor(call);
    parameters.makeRoom(call);
    for (const [n, layer] of layers.entries()) parameters.write(call, layer, checked[n]!);
  }

  /** Sets the objective. The optimizer starts anew. */
  compile(objective: Objective): void {
    this.parameters?.forgetTraining();
    objective.optimizer.setStep(0);
    this.objective = objective;
  }

  /** The parameters, created on first use. */
  parametersFor(call: string): Parameters {
    if (this.#disposed && this.models === 0) fail(call, 'the model must not be used after dispose()');
    this.parameters ??= new Parameters([...this.layers]);
    return this.parameters;
  }

  /**
   * Removes a model that was garbage collected. If none of the models was disposed, the weights stay, because layers may
   * still be in use. Streams hold the parameters themselves.
   */
  removeCollected(): void {
    if (--this.models === 0 && this.#disposed) this.parameters = null;
  }

  /** Removes a model that was disposed. Removing the last model frees the weights. */
  removeDisposed(): void {
    this.#disposed = true;
    if (--this.models > 0) return;
    this.parameters?.free();
    this.parameters = null;
  }

  /** Changes the layers. The weights are kept; the optimizer starts anew. */
  #rebuild(call: string, change: () => void): void {
    const { parameters } = this;
    const values = parameters && this.layers.map(layer => [layer, parameters.read(call, layer)] as const);
    change();
    if (!values) return;
    for (const [layer, own] of values) layer.initialValues = own;
    parameters.free();
    this.parameters = null;
    this.objective?.optimizer.setStep(0);
  }
}

/** Whether two shapes can be of the same batch. */
const agree = (a: Shape, b: Shape): boolean =>
  a.length === b.length && a.every((n, axis) => n === null || b[axis] === null || n === b[axis]);
