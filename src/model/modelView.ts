/** A model at a batch size: its checks, the shapes of its batches, and its plans. */

import { partName } from '../inputs/parts.ts';
import type { Layer } from '../layers/layer.ts';
import type { Objective } from '../objective/objective.ts';
import { targetShapeOf } from '../objective/targets.ts';
import { PlanCache } from '../plan/planCache.ts';
import { fail } from '../util/errors.ts';
import { type Shape, sameShape } from '../util/shapes.ts';
import type { Parameters } from '../weights/parameters.ts';
import { FeedBuffers } from './feedBuffers.ts';
import { type Graph, uniqueNames } from './graph.ts';
import type { ModelState } from './modelState.ts';

/** An input or an output of a model. */
export interface EndPoint {
  readonly name: string;
  /** The shape of a batch; null for open axes. */
  readonly shape: Shape;
}

/** The ends of a model; the same objects until the layers change. */
export interface EndPoints {
  readonly inputs: readonly EndPoint[];
  readonly inputNames: readonly string[];
  readonly outputs: readonly EndPoint[];
  readonly outputNames: readonly string[];
  /** For each input, the layers that read ids from it. */
  readonly idReaders: readonly (readonly Layer[])[];
  /** The names of the parts of x and y in error messages. */
  readonly xNames: readonly string[];
  readonly yNames: readonly string[];
}

/** The shapes that follow from those of the inputs. */
export interface BatchShapes {
  readonly inputs: readonly (readonly number[])[];
  /** One sample of each input. */
  readonly samples: readonly (readonly number[])[];
  readonly outputs: readonly (readonly number[])[];
  readonly objective: Objective | null;
  /** The shapes that the losses expect of y, with an open axis for labels; empty without an objective. */
  readonly targets: readonly Shape[];
}

/** Above all numbers of training batches. */
export const FIRST_NOISE = 2 ** 40;

export class ModelView {
  readonly state: ModelState;
  readonly feedBuffers = new FeedBuffers();
  /** The batch size set by `withBatchSize`; null to use that of the layers. */
  readonly #batch: number | null;
  /** Null until first used, and after the layers have changed; so are the plans and the shapes of batches. */
  #ends: EndPoints | null = null;
  #plans: PlanCache | null = null;
  /** The shapes of the last batch: most batches have the same. */
  #shapes: BatchShapes | null = null;
  #disposed = false;
  /** The number of the next batch with dropout outside of training. */
  noise = FIRST_NOISE;

  constructor(state: ModelState, batch: number | null = null) {
    this.state = state;
    this.#batch = batch;
    state.models++;
  }

  /** The same model at another batch size. */
  withBatchSize(batch: number): ModelView {
    const other = new ModelView(this.state, batch);
    for (const view of [this, other]) {
      collectedViews.unregister(view); // this view may already be registered
      collectedViews.register(view, this.state, view);
    }
    return other;
  }

  // -------------------------------------------------------------------------------------------------------- checks

  get isDisposed(): boolean {
    return this.#disposed;
  }

  checkNotDisposed(call: string): void {
    if (this.#disposed) fail(call, 'the model must not be used after dispose()');
    if (this.state.scoring) fail(call, 'the model must not be used by its own custom layers, losses and metrics');
  }

  /** The graph; fails if the model is disposed or has no layers. */
  graph(call: string): Graph {
    this.checkNotDisposed(call);
    return this.state.graph ?? fail(call, 'the model must have a layer, got none; call model.add first');
  }

  /** The optimizer, losses and metrics; fails if the model is not compiled. */
  objective(call: string): Objective {
    this.graph(call);
    return this.state.objective ?? fail(call, 'the model must be compiled first; call model.compile');
  }

  /**
   * Fails if user code, which ran while arguments were read, disposed the model, compiled it or changed its layers.
   *
   * @param version `state.version` before
   */
  checkUnchanged(call: string, version: number): void {
    this.checkNotDisposed(call);
    if (this.state.version === version) return;
    fail(call, 'the model must not be compiled, and no layers added or removed, while its arguments are read');
  }

  /** Lets each layer that reads ids from input `n` reject those that it does not have. */
  checkInput(call: string, n: number, name: string, numbers: Float32Array, from: number, count: number): void {
    const readers = this.ends(call).idReaders[n]!;
    for (let k = 0; k < readers.length; k++) readers[k]!.checkInput(call, name, numbers, from, count);
  }

  // -------------------------------------------------------------------------------------------------------- shapes

  /** The inputs and outputs. */
  ends(call: string): EndPoints {
    if (this.#ends && !this.#disposed && !this.state.scoring) return this.#ends;
    const graph = this.graph(call);
    if (!this.#ends) {
      const [inputNames, outputNames] = [uniqueNames(graph.inputs), uniqueNames(graph.outputs)];
      this.#ends = {
        inputs: graph.inputs.map(({ shape }, n) => ({ name: inputNames[n]!, shape: this.#atBatch(shape) })),
        inputNames,
        outputs: graph.outputs.map(({ shape }, n) => ({ name: outputNames[n]!, shape: this.#atBatch(shape) })),
        outputNames,
        idReaders: graph.inputs.map((_, n) =>
          graph.calls.calls.flatMap(({ layer, inputs }) => (layer.readsIds && inputs.includes(n) ? [layer] : [])),
        ),
        xNames: inputNames.map(name => partName('x', name, inputNames.length)),
        yNames: outputNames.map(name => partName('y', name, outputNames.length)),
      };
    }
    return this.#ends;
  }

  #atBatch(shape: Shape): Shape {
    if (this.#batch !== null) shape[0] = this.#batch;
    return shape;
  }

  /** The batch size, if it is fixed. */
  fixedBatch(call: string): number | null {
    const { inputs } = this.ends(call);
    for (let n = 0; n < inputs.length; n++) if (inputs[n]!.shape[0] !== null) return inputs[n]!.shape[0]!;
    return null;
  }

  /**
   * The shapes for a batch; fails if a layer cannot process it, or a loss does not fit its output.
   *
   * @param inputs the shape of each input
   * @param xNames of the parts of x in error messages
   */
  batchShapes(
    call: string,
    inputs: readonly (readonly number[])[],
    objective: Objective | null,
    xNames: readonly string[],
  ): BatchShapes {
    const last = this.#shapes;
    if (last && last.objective === objective && sameShapes(last.inputs, inputs)) return last;
    const batch = inputs[0]![0]!;
    const other = inputs.findIndex(shape => shape[0] !== batch);
    if (other >= 0) {
      const got = inputs[other]![0];
      fail(call, `${xNames[other]} must hold as many samples as ${xNames[0]}, ${batch}, got ${got}`);
    }
    const copies = inputs.map(shape => [...shape]);
    const outputs = this.graph(call).shapesFor(call, copies) as number[][];
    this.#shapes = {
      inputs: copies,
      samples: copies.map(shape => shape.slice(1)),
      outputs,
      objective,
      targets: objective ? outputs.map((shape, n) => targetShapeOf(call, objective.outputs[n]!, shape)) : [],
    };
    return this.#shapes;
  }

  // -------------------------------------------------------------------------------------------------------- memory

  /** Weights, gradients and the state of the optimizer. */
  parameters(call: string): Parameters {
    this.checkNotDisposed(call);
    return this.state.parametersFor(call);
  }

  plans(call: string): PlanCache {
    if (!this.#plans) {
      const batch = this.fixedBatch(call);
      this.#plans = new PlanCache(this.graph(call).calls, this.parameters(call), batch);
    }
    return this.#plans;
  }

  /** Sets the carried states to zero. */
  resetStates(): void {
    this.#plans?.resetStates();
  }

  /** Sets what the next batch depends on, beside the state, to what it is in a new model. */
  renew(): void {
    this.resetStates();
    this.noise = FIRST_NOISE;
  }

  /**
   * Runs `work`, which tests or predicts several batches. If it fails, the carried states are restored, and in models with
   * custom layers the statistics, such as moving means.
   */
  restoreStatesOnError<T>(work: () => Promise<T>): Promise<T>;
  restoreStatesOnError<T>(work: () => T): T;
  restoreStatesOnError<T>(work: () => T | Promise<T>): T | Promise<T> {
    const before = this.#plans;
    const states = before?.copyStates() ?? null;
    const statistics = this.#copyStatistics();
    const restore = (error: unknown): never => {
      // Changing the layers has already set all states to zero
      if (!before || before === this.#plans) this.#plans?.putStates(states);
      for (const [layer, weights] of statistics) layer.store?.write('model', layer, weights);
      throw error;
    };
    try {
      const result = work();
      return result instanceof Promise ? result.catch(restore) : result;
    } catch (error) {
      return restore(error);
    }
  }

  /** The weights of layers with statistics; empty for models without custom layers, of which none fails halfway. */
  #copyStatistics(): [Layer, Float32Array[]][] {
    if (!this.state.graph?.calls.isCustom) return [];
    const layers = this.state.allLayers.filter(layer => layer.hasStatistics);
    return layers.map(layer => [layer, this.parameters('model').read('model', layer)]);
  }

  /** Adds or removes layers. */
  changeLayers(call: string, change: (call: string) => void): void {
    this.checkNotDisposed(call);
    if (this.state.models > 1) fail(call, 'the model must not share its layers with a model made by withBatchSize');
    if (this.state.containers > 0) fail(call, 'the model must not be a layer of another model');
    change(call);
    this.#freePlans();
  }

  #freePlans(): void {
    this.#plans?.free();
    this.#plans = null;
    this.#ends = null;
    this.#shapes = null;
  }

  /** Frees all memory but the weights; the model must not be used afterwards. */
  disposeTemporary(): void {
    this.#freePlans();
    this.state.parameters?.free();
    this.state.countUse(-1);
    this.state.weights.removeTemporaryModel();
  }

  dispose(): void {
    if (!this.#disposed) this.checkNotDisposed('model.dispose');
    this.#freePlans();
    collectedViews.unregister(this);
    if (!this.#disposed) this.state.removeDisposed();
    this.#disposed = true;
  }
}

function sameShapes(a: readonly (readonly number[])[], b: readonly (readonly number[])[]): boolean {
  for (let n = 0; n < a.length; n++) if (!sameShape(a[n]!, b[n]!)) return false;
  return true;
}

/** Removes views that are garbage collected from the state they share. */
const collectedViews = new FinalizationRegistry<ModelState>(state => state.removeCollected());
