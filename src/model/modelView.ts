/** A stack of layers at a batch size: its state checks, the shapes of its batches, and its plans. */

import type { Layer } from '../layers/layer.ts';
import type { LossName } from '../objective/losses.ts';
import type { Objective } from '../objective/objective.ts';
import { targetShapeOf } from '../objective/targets.ts';
import { PlanCache } from '../plan/planCache.ts';
import { fail } from '../util/errors.ts';
import { type Shape, sameShape } from '../util/shapes.ts';
import type { Parameters } from '../weights/parameters.ts';
import type { Stack } from './stack.ts';

/** The shapes that follow from the shape of x. */
export interface BatchShapes {
  readonly x: readonly number[];
  /** One sample of x. */
  readonly sample: readonly number[];
  readonly output: readonly number[];
  readonly loss: LossName | null;
  /** The shape that the loss expects of y; empty without a loss. */
  readonly target: number[];
}

export class ModelView {
  readonly stack: Stack;
  /** The batch size set by `withBatchSize`; null to use that of the layers. */
  readonly #batch: number | null;
  /** Null until first used, and after the layers have changed; so are the plans and the shapes of batches. */
  #input: Shape | null = null;
  #plans: PlanCache | null = null;
  /** The shapes of the last batch: most batches have the same. */
  #shapes: BatchShapes | null = null;
  #disposed = false;

  constructor(stack: Stack, batch: number | null = null) {
    this.stack = stack;
    this.#batch = batch;
    stack.models++;
  }

  /** The same stack at another batch size. */
  withBatchSize(batch: number): ModelView {
    const other = new ModelView(this.stack, batch);
    for (const view of [this, other]) {
      collectedViews.unregister(view); // this view may already be registered
      collectedViews.register(view, this.stack, view);
    }
    return other;
  }

  // -------------------------------------------------------------------------------------------------------- checks

  get isDisposed(): boolean {
    return this.#disposed;
  }

  checkNotDisposed(call: string): void {
    if (this.#disposed) fail(call, 'the model must not be used after dispose()');
  }

  /** Fails if the model is disposed or has no layers. */
  checkUsable(call: string): void {
    this.checkNotDisposed(call);
    this.firstLayer(call);
  }

  /** The first layer; fails if there is none. */
  firstLayer(call: string): Layer {
    return this.stack.layers[0] ?? fail(call, 'the model must have a layer, got none; call model.add first');
  }

  /** The optimizer, loss and metrics; fails if the model is not compiled. */
  objective(call: string): Objective {
    this.checkUsable(call);
    return this.stack.objective ?? fail(call, 'the model must be compiled first; call model.compile');
  }

  /**
   * Fails if user code, which ran while arguments were read, disposed the model, compiled it or changed its layers.
   *
   * @param input the result of `inputShape` before
   * @param objective the objective before
   */
  checkUnchanged(call: string, input: Readonly<Shape>, objective: Objective | null): void {
    this.checkNotDisposed(call);
    if (this.inputShape(call) === input && this.stack.objective === objective) return;
    fail(call, 'the model must not be compiled, and no layers added or removed, while its arguments are read');
  }

  /** Lets each layer reject numbers of x that it cannot take, such as ids that are not in an embedding. */
  checkInput(call: string, name: string, numbers: Float32Array, from: number, count: number): void {
    const { layers } = this.stack;
    for (let n = 0; n < layers.length; n++) layers[n]!.checkInput(call, name, numbers, from, count);
  }

  // -------------------------------------------------------------------------------------------------------- shapes

  /** The shape of an input batch, null for open axes; the same object until the layers change. */
  inputShape(call: string): Readonly<Shape> {
    const layer = this.firstLayer(call);
    this.#input ??= this.#atBatch(layer.inputShape);
    return this.#input;
  }

  /** The shape of an output batch, null for open axes. */
  outputShape(call: string): Shape {
    this.firstLayer(call);
    return this.#atBatch(this.stack.layers.at(-1)!.outputShape);
  }

  #atBatch(shape: Shape): Shape {
    if (this.#batch !== null) shape[0] = this.#batch;
    return shape;
  }

  /** The batch size, if it is fixed. */
  fixedBatch(call: string): number | null {
    return this.inputShape(call)[0] ?? null;
  }

  /** The output shape for x of a given shape. */
  outputFor(call: string, [samples, steps]: readonly number[]): number[] {
    const [, ...sample] = this.outputShape(call);
    return [samples!, ...sample.map(n => n ?? steps!)];
  }

  /** The shapes for a batch x; fails if the loss does not fit the output. */
  batchShapes(call: string, x: readonly number[], loss: LossName | null): BatchShapes {
    const last = this.#shapes;
    if (last && last.loss === loss && sameShape(last.x, x)) return last;
    const output = this.outputFor(call, x);
    const target = loss === null ? [] : targetShapeOf(call, loss, output);
    this.#shapes = { x: [...x], sample: x.slice(1), output, loss, target };
    return this.#shapes;
  }

  // -------------------------------------------------------------------------------------------------------- memory

  /** Weights, gradients and the state of the optimizer. */
  parameters(call: string): Parameters {
    this.checkNotDisposed(call);
    return this.stack.parametersFor(call);
  }

  plans(call: string): PlanCache {
    if (!this.#plans) {
      const batch = this.fixedBatch(call);
      this.#plans = new PlanCache([...this.stack.layers], this.parameters(call), batch);
    }
    return this.#plans;
  }

  /** Sets the carried states to zero. */
  resetStates(): void {
    this.#plans?.resetStates();
  }

  /** Runs `work`, which trains or tests several batches. If it fails, the carried states are restored. */
  restoreStatesOnError<T>(work: () => Promise<T>): Promise<T>;
  restoreStatesOnError<T>(work: () => T): T;
  restoreStatesOnError<T>(work: () => T | Promise<T>): T | Promise<T> {
    const before = this.#plans;
    const states = before?.copyStates() ?? null;
    const restore = (error: unknown): never => {
      // Changing the layers has already set all states to zero
      if (!before || before === this.#plans) this.#plans?.putStates(states);
      throw error;
    };
    try {
      const result = work();
      return result instanceof Promise ? result.catch(restore) : result;
    } catch (error) {
      return restore(error);
    }
  }

  /** Adds or removes layers. */
  changeLayers(call: string, change: (call: string) => void): void {
    this.checkNotDisposed(call);
    if (this.stack.models > 1) fail(call, 'the model must not share its layers with a model made by withBatchSize');
    change(call);
    this.#freePlans();
  }

  #freePlans(): void {
    this.#plans?.free();
    this.#plans = null;
    this.#input = null;
    this.#shapes = null;
  }

  dispose(): void {
    this.#freePlans();
    collectedViews.unregister(this);
    if (!this.#disposed) this.stack.removeDisposed();
    this.#disposed = true;
  }
}

/** Removes views that are garbage collected from the stack they share. */
const collectedViews = new FinalizationRegistry<Stack>(stack => stack.removeCollected());
