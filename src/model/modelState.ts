/**
 * What models with the same layers share: the weights, and what they are compiled with.
 *
 * `model.withBatchSize` creates models that share one state: training one trains the others. The state counts these models
 * and frees the weights with the last of them.
 */

import type { Layer } from '../layers/layer.ts';
import type { Objective } from '../objective/objective.ts';
import type { TensorLike } from '../tensor/read.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { fail, show, suggest } from '../util/errors.ts';
import type { SeedStream } from '../util/random.ts';
import { Parameters } from '../weights/parameters.ts';
import type { SharedWeights } from '../weights/sharedWeights.ts';
import { type Graph, uniqueNames, withNested } from './graph.ts';

export abstract class ModelState {
  /** Weights, gradients and the state of the optimizer. Null until first used, and after the layers have changed. */
  parameters: Parameters | null = null;
  /** Null before `compile`. */
  objective: Objective | null = null;
  /** How many models share the state: those created and neither disposed nor garbage collected. */
  models = 0;
  /** Nested models that a file described, which are disposed with the model. */
  readonly ownedModels: { dispose(): void }[] = [];
  /** How many models contain this one as a layer and have not been disposed of. */
  containers = 0;
  /** Increased whenever the layers or the objective change. */
  version = 0;
  /** Whether custom layers, losses or metrics of a model are running. */
  scoring = false;
  #allLayers: readonly Layer[] | null = null;
  /** Whether one of the models was disposed. */
  #disposed = false;

  /** @param seeds for initial weights, dropout and shuffles */
  constructor(readonly seeds: SeedStream) {}

  /** The layers of the model, in the order of `model.layers`. A nested model counts as a layer. */
  abstract get layers(): readonly Layer[];

  /** Null if the model has no layers yet. */
  abstract get graph(): Graph | null;

  /** The layers with weights and states of their own, those of nested models included, in the order of the weights. */
  get allLayers(): readonly Layer[] {
    this.#allLayers ??= withNested(this.layers);
    return this.#allLayers;
  }

  /** Counts the model as a user of its layers. */
  countUse(change: 1 | -1): void {
    for (const layer of this.layers) layer.countContainers(change);
    for (const layer of this.allLayers) layer.users += change;
  }

  /** To be called when `layers` has changed. */
  protected layersChanged(): void {
    this.version++;
    this.#allLayers = null;
  }

  /** The names of the outputs. */
  get outputNames(): string[] {
    return this.graph ? uniqueNames(this.graph.outputs) : ['output'];
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
      fail(call, `index must be an integer below ${count}, the number of layers, got ${show(index)}`);
    }
    return this.layers[index!]!;
  }

  readWeights(call: string, trainableOnly = false): Tensor[] {
    return this.allLayers.flatMap(layer => layer.readWeights(call, trainableOnly));
  }

  /** Replaces all weights. Checks all of them and allocates memory before it writes any. */
  writeWeights(call: string, weights: readonly TensorLike[]): void {
    const layers = this.allLayers;
    const count = layers.reduce((sum, layer) => sum + layer.weightSpecs.length, 0);
    if (!Array.isArray(weights) || weights.length !== count) {
      fail(call, `weights must be an array of ${count} tensors, got ${show(weights)}`);
    }
    const { version } = this;
    let next = 0;
    const checked = layers.map(layer => {
      const own = weights.slice(next, next + layer.weightSpecs.length);
      next += own.length;
      return layer.checkWeights(call, own);
    });
    if (version !== this.version) fail(call, 'no layers may be added or removed while the weights are read');
    if (count === 0) return;
    const parameters = this.parametersFor(call);
    parameters.makeRoom(call);
    for (const [n, layer] of layers.entries()) parameters.write(call, layer, checked[n]!);
  }

  /** Makes the model what a new one with this seed is; plans and memory stay. */
  renew(call: string, seed: number): void {
    this.seeds.state = seed.toString(16);
    for (const layer of this.allLayers) layer.drawSeeds(this.seeds);
    this.parametersFor(call).renew(call, this.objective?.optimizer ?? null);
  }

  /** Sets the objective. The optimizer starts anew. */
  compile(objective: Objective): void {
    this.parameters?.forgetTraining();
    objective.optimizer.setStep(0);
    this.objective = objective;
    this.version++;
  }

  /** The weights of the layers. */
  get weights(): SharedWeights {
    const { allLayers } = this;
    const weighted = allLayers.find(({ weightSpecs }) => weightSpecs.length > 0) ?? allLayers[0]!;
    return weighted.store as SharedWeights;
  }

  /** The parameters, created on first use. */
  parametersFor(call: string): Parameters {
    if (this.#disposed && this.models === 0) fail(call, 'the model must not be used after dispose()');
    this.parameters ??= new Parameters(this.allLayers, this.weights);
    return this.parameters;
  }

  /**
   * Removes a model that was garbage collected. If none of the models was disposed, the weights stay, because layers may
   * still be in use. Streams hold the parameters themselves.
   */
  removeCollected(): void {
    if (--this.models === 0 && this.#disposed) this.#release();
  }

  /** Removes a model that was disposed. Removing the last model frees the weights that no other model uses. */
  removeDisposed(): void {
    this.#disposed = true;
    if (--this.models === 0) this.#release();
  }

  #release(): void {
    this.parameters?.free();
    this.parameters = null;
    const { graph } = this;
    const weights = graph && this.weights;
    this.countUse(-1);
    weights?.removeModel(this.allLayers);
    for (const model of this.ownedModels) model.dispose();
  }
}
