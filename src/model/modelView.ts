/** A stack of layers at a batch size: what must hold before it runs, the shapes of its batches, and its plans. */

import type { Layer } from '../layers/layer.ts';
import type { Objective } from '../objective/objective.ts';
import { PlanCache } from '../plan/planCache.ts';
import { fail } from '../util/errors.ts';
import type { Shape } from '../util/shapes.ts';
import type { Parameters } from '../weights/parameters.ts';
import type { Stack } from './stack.ts';

export class ModelView {
  readonly stack: Stack;
  /** The batch size of `withBatchSize`; null for that of the layers. */
  readonly #batch: number | null;
  /** Null until it is asked for, and again when the layers have changed. */
  #input: Shape | null = null;
  #plans: PlanCache | null = null;
  #disposed = false;

  constructor(stack: Stack, batch: number | null = null) {
    this.stack = stack;
    this.#batch = batch;
    stack.models++;
  }

  /** The same stack at another batch size. */
  at(batch: number): ModelView {
    const other = new ModelView(this.stack, batch);
    for (const view of [this, other]) {
      abandoned.unregister(view); // this one may have been there
      abandoned.register(view, this.stack, view);
    }
    return other;
  }

  // ------------------------------------------------------------------------------------------------ what must hold

  get isDisposed(): boolean {
    return this.#disposed;
  }

  alive(call: string): void {
    if (this.#disposed) fail(call, 'the model must not be used after dispose()');
  }

  unshared(call: string): void {
    if (this.stack.models > 1) fail(call, 'the model must not share its layers; withBatchSize has made them common');
  }

  bottom(call: string): Layer {
    return this.stack.layers[0] ?? fail(call, 'the model must have a layer, got none; call model.add first');
  }

  /** What `compile` chose. */
  objective(call: string): Objective {
    this.alive(call);
    this.bottom(call);
    return this.stack.objective ?? fail(call, 'the model must be compiled first; call model.compile');
  }

  /**
   * Refuses to go on where code of the caller's, run while its arguments were read, has made another model of this one.
   *
   * @param input what `inputShape` gave before
   * @param objective likewise
   */
  expectSame(call: string, input: Readonly<Shape>, objective: Objective | null): void {
    this.alive(call);
    if (this.inputShape(call) === input && this.stack.objective === objective) return;
    fail(call, 'the model must not be compiled, and no layers added or removed, while its arguments are read');
  }

  /** Lets the layers refuse numbers of x that they cannot take: ids that no row of an embedding has. */
  checkInput(call: string, name: string, numbers: Float32Array, from: number, count: number): void {
    const { layers } = this.stack;
    for (let n = 0; n < layers.length; n++) layers[n]!.checkInput(call, name, numbers, from, count);
  }

  // -------------------------------------------------------------------------------------------------------- shapes

  /** The shape of a batch that goes in, null where it is open: the same object as long as the layers are. */
  inputShape(call: string): Readonly<Shape> {
    const bottom = this.bottom(call);
    this.#input ??= this.#atBatch(bottom.inputShape);
    return this.#input;
  }

  /** The shape of a batch that comes out. */
  outputShape(call: string): Shape {
    this.bottom(call);
    return this.#atBatch(this.stack.layers.at(-1)!.outputShape);
  }

  #atBatch(shape: Shape): Shape {
    if (this.#batch !== null) shape[0] = this.#batch;
    return shape;
  }

  /** The batch size where it is fixed. */
  fixedBatch(call: string): number | null {
    return this.inputShape(call)[0] ?? null;
  }

  /** The shape of what comes out where x has the given shape. */
  outputFor([samples, steps]: readonly number[]): number[] {
    const [, ...sample] = this.stack.layers.at(-1)!.outputShape;
    return [samples!, ...sample.map(n => n ?? steps!)];
  }

  // -------------------------------------------------------------------------------------------------------- memory

  /** Weights, gradients and what the optimizer keeps. */
  parameters(call: string): Parameters {
    this.alive(call);
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

  /** Runs several batches. When one of them fails, restores the carried states to those before the first. */
  attempt<T>(work: () => Promise<T>): Promise<T>;
  attempt<T>(work: () => T): T;
  attempt<T>(work: () => T | Promise<T>): T | Promise<T> {
    const before = this.#plans;
    const states = before?.copyStates() ?? null;
    const undo = (error: unknown): never => {
      // Adding or removing layers has already reset all states to zero
      if (!before || before === this.#plans) this.#plans?.putStates(states);
      throw error;
    };
    try {
      const result = work();
      return result instanceof Promise ? result.catch(undo) : result;
    } catch (error) {
      return undo(error);
    }
  }

  /** Gives back what was planned for other layers than there are now. */
  forgetPlans(): void {
    this.#plans?.free();
    this.#plans = null;
    this.#input = null;
  }

  dispose(): void {
    this.forgetPlans();
    abandoned.unregister(this);
    if (!this.#disposed) this.stack.leave(true);
    this.#disposed = true;
  }
}

/** Of those that share a stack, the ones that nobody holds any more. */
const abandoned = new FinalizationRegistry<Stack>(stack => stack.leave(false));
