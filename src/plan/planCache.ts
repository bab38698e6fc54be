/**
 * Plans for the batch sizes and lengths seen so far, bound to memory.
 *
 * All of them share one workspace, which grows to the largest. A batch that has been planned allocates nothing.
 */

import type { Layer } from '../layers/layer.ts';
import { fusedWith } from '../objective/losses.ts';
import type { Objective } from '../objective/objective.ts';
import { sameShape } from '../util/shapes.ts';
import { FLOAT } from '../util/units.ts';
import { Block, float32, kernels } from '../wasm/engine.ts';
import type { Parameters } from '../weights/parameters.ts';
import { CompiledPlan } from './compiledPlan.ts';
import { type LayerOffsets, type Plan, Planner, type Purpose, planBatch } from './plan.ts';

/** Plans kept at a time; a program that uses more sizes than that plans some of them anew. */
const MOST_PLANS = 32;

/** Whether a plan is the one for a batch; compares without allocating, because most batches are like the one before. */
const serves = (plan: Plan, batch: number, sample: readonly number[], purpose: Purpose, weighted: boolean): boolean =>
  plan.batch === batch &&
  plan.purpose === purpose &&
  (plan.weights !== null) === weighted &&
  sameShape(plan.sample, sample);

export class PlanCache {
  readonly #layers: readonly Layer[];
  readonly #parameters: Parameters;
  readonly #homes: LayerOffsets[] = [];
  readonly #stateBytes: number;
  readonly #carriesAll: boolean;
  readonly #plans = new Map<string, CompiledPlan>();
  #current: CompiledPlan | null = null;
  /** What plans that know the loss were made for. */
  #objective: Objective | null = null;
  #moves: number;
  #workspace: Block | null = null;
  #states: Block | null = null;

  /**
   * @param batch the batch size where it is fixed, as stateful layers require
   * @param carriesAll carry the state of every recurrent layer, stateful or not
   */
  constructor(layers: readonly Layer[], parameters: Parameters, batch: number | null, carriesAll = false) {
    this.#layers = layers;
    this.#parameters = parameters;
    this.#carriesAll = carriesAll;
    this.#moves = parameters.moves;
    let states = 0;
    for (const [n, layer] of layers.entries()) {
      this.#homes.push({ parameters: parameters.offsets[n]!, states });
      if (carriesAll || layer.stateful) states += layer.stateCount(batch ?? 0) * FLOAT;
    }
    this.#stateBytes = states;
  }

  /**
   * The plan for a batch, in memory and ready to run.
   *
   * @param sample the shape of one sample: [T, D] or [D]
   * @param objective needed for all but predictions
   * @param weighted whether samples or time steps weigh differently; the caller then fills `weights`
   * @throws ValueError when memory does not suffice; nothing has changed then
   */
  prepare(
    call: string,
    batch: number,
    sample: readonly number[],
    purpose: Purpose,
    objective: Objective | null = null,
    weighted = false,
  ): CompiledPlan {
    const compiled = objective !== null && objective !== this.#objective;
    if (compiled || this.#moves !== this.#parameters.moves) {
      this.dropPlans();
      this.#moves = this.#parameters.moves;
      if (compiled) this.#objective = objective;
    }
    if (this.#current && serves(this.#current.plan, batch, sample, purpose, weighted)) return this.#current;
    const key = `${purpose} ${batch} ${sample.join(' ')} ${weighted}`;
    let bound = this.#plans.get(key);
    if (!bound) {
      const fused = objective && purpose !== 'predict' ? fusedWith(objective.loss) : null;
      const planner = new Planner(batch, purpose, this.#carriesAll, fused, weighted);
      const plan = planBatch(planner, this.#layers, this.#homes, sample);
      const addresses = {
        weights: this.#parameters.weights(call),
        gradients: purpose === 'train' ? this.#parameters.gradients(call, objective!.optimizer) : 0,
        states: this.#stateBytes > 0 ? this.states(call) : 0,
        workspace: this.#reserve(call, plan.bytes),
      };
      if (this.#plans.size >= MOST_PLANS) this.dropPlans();
      bound = new CompiledPlan(call, plan, addresses, objective);
      this.#plans.set(key, bound);
    }
    this.#current = bound;
    return bound;
  }

  /** Address of the carried states, all zero at first. */
  states(call: string): number {
    this.#states ??= new Block(call, this.#stateBytes);
    return this.#states.address;
  }

  /** Address of the carried state of layer n. */
  stateOf(call: string, n: number): number {
    return this.states(call) + this.#homes[n]!.states;
  }

  resetStates(): void {
    if (this.#states) kernels().zero(this.#states.address, this.#states.bytes);
  }

  /** A copy of the carried states, for `putStates`; null when they have never been used and are therefore zero. */
  copyStates(): Float32Array | null {
    if (!this.#states) return null;
    const from = this.#states.address / FLOAT;
    return float32().slice(from, from + this.#stateBytes / FLOAT);
  }

  putStates(states: Float32Array | null): void {
    if (states && this.#states) float32().set(states, this.#states.address / FLOAT);
    else this.resetStates();
  }

  /** A workspace of at least so many bytes. Growth moves it, and with it everything planned so far. */
  #reserve(call: string, bytes: number): number {
    if (!this.#workspace || this.#workspace.bytes < bytes) {
      const larger = new Block(call, bytes);
      this.dropPlans();
      this.#workspace?.free();
      this.#workspace = larger;
    }
    return this.#workspace.address;
  }

  /** Forgets all plans, because something they point to has moved. */
  dropPlans(): void {
    for (const bound of this.#plans.values()) bound.free();
    this.#plans.clear();
    this.#current = null;
  }

  /** Gives all memory back, but for the parameters. */
  free(): void {
    this.dropPlans();
    this.#workspace?.free();
    this.#states?.free();
    this.#workspace = null;
    this.#states = null;
  }
}
