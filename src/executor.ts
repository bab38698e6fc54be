/**
 * Runs planned batches: turns the places of a plan into addresses, and calls the kernels layer by layer.
 *
 * Plans for the batch sizes and lengths seen so far are kept; all of them share one workspace, which grows to the
 * largest. A batch that has been planned allocates nothing.
 */

import { structures } from './engine/binaries.generated.ts';
import { Block, int32, kernels } from './engine/engine.ts';
import type { Kernels } from './engine/kernels.ts';
import type { Layer } from './layers/layer.ts';
import type { Objective } from './objective.ts';
import type { Parameters } from './parameters.ts';
import {
  type BlockName,
  type Homes,
  type Place,
  type Plan,
  Planner,
  type Purpose,
  planBatch,
  type Stage,
} from './plan.ts';

const FLOAT = 4;
/** Plans kept at a time; a program that uses more sizes than that plans some of them anew. */
const MOST_PLANS = 32;

/** Rows of a batch that go through all time steps together; more would push each other's weight gradients out of L1. */
const BLOCK = 256;

type Addresses = Record<BlockName, number>;

interface Program {
  forward(kernels: Kernels, plan: number, batch: number): void;
  backward(kernels: Kernels, plan: number, batch: number): void;
  rewind?(kernels: Kernels, plan: number): void;
}

const recurrent = (layer: 'lstm' | 'gru' | 'simpleRnn'): Program => ({
  forward(kernels, plan, batch) {
    for (let first = 0; first < batch; first += BLOCK)
      kernels[`${layer}Forward`](plan, first, Math.min(BLOCK, batch - first));
  },
  backward(kernels, plan, batch) {
    for (let first = 0; first < batch; first += BLOCK)
      kernels[`${layer}Backward`](plan, first, Math.min(BLOCK, batch - first));
  },
  rewind: (kernels, plan) => kernels[`${layer}Rewind`](plan),
});

/** @internal How each kind of stage runs, given the address of its structure and the batch size. */
export const programs: Record<Stage['kind'], Program> = {
  lstm: recurrent('lstm'),
  gru: recurrent('gru'),
  simpleRnn: recurrent('simpleRnn'),
  merge: {
    forward: (kernels, plan) => kernels.mergeForward(plan),
    backward: (kernels, plan) => kernels.mergeBackward(plan),
  },
  join: {
    forward() {},
    backward: (kernels, plan) => kernels.joinBackward(plan),
  },
  dense: {
    forward: (kernels, plan) => kernels.denseForward(plan),
    backward: (kernels, plan) => kernels.denseBackward(plan),
  },
  dropout: {
    forward: (kernels, plan) => kernels.dropoutForward(plan),
    backward: (kernels, plan) => kernels.dropoutBackward(plan),
  },
  activation: {
    forward: (kernels, plan) => kernels.activationForward(plan),
    backward: (kernels, plan) => kernels.activationBackward(plan),
  },
  masking: {
    forward: (kernels, plan) => kernels.maskingForward(plan),
    backward: (kernels, plan) => kernels.maskingBackward(plan),
  },
  embedding: {
    forward: (kernels, plan) => kernels.embeddingForward(plan),
    backward: (kernels, plan) => kernels.embeddingBackward(plan),
  },
  reshape: {
    forward: (kernels, plan) => kernels.reshapeForward(plan),
    backward: (kernels, plan) => kernels.reshapeBackward(plan),
  },
  repeat: {
    forward: (kernels, plan) => kernels.repeatForward(plan),
    backward: (kernels, plan) => kernels.repeatBackward(plan),
  },
};

/** A plan at its place in memory. */
class BoundPlan {
  readonly plan: Plan;
  /** Index of the first number of x, y and the collected predictions in float32 memory. */
  readonly input: number;
  readonly target: number;
  readonly result: number;
  /** Index of the output where the last layer leaves it: in order as it is for one sample and one step. */
  readonly output: number;
  readonly resultSize: number;
  readonly #structures: Block;
  readonly #addresses: number[] = [];
  readonly #kernels = kernels();
  readonly #outputAddress: number;
  readonly #gradientAddress: number;
  readonly #resultAddress: number;
  readonly #targetAddress: number;

  constructor(call: string, plan: Plan, addresses: Addresses) {
    this.plan = plan;
    const address = ({ block, offset }: Place) => addresses[block] + offset;
    const { y, dy } = plan.output;
    this.#outputAddress = address(y.place);
    this.output = this.#outputAddress / FLOAT;
    this.#gradientAddress = plan.purpose === 'train' && dy ? address(dy.place) : 0;
    this.#targetAddress = address(plan.target);
    this.#resultAddress = address(plan.result);
    this.input = address(plan.input) / FLOAT;
    this.target = this.#targetAddress / FLOAT;
    this.result = this.#resultAddress / FLOAT;
    this.resultSize = plan.batch * y.steps * y.width;

    const fields = plan.stages.map(({ kind, fields }) =>
      structures[kind].map(name => (fields as Record<string, number | Place>)[name]!),
    );
    this.#structures = new Block(call, Math.max(1, fields.flat().length) * FLOAT);
    let next = this.#structures.address;
    for (const values of fields) {
      this.#addresses.push(next);
      int32().set(
        values.map(value => (typeof value === 'number' ? value : address(value))),
        next / FLOAT,
      );
      next += values.length * FLOAT;
    }
  }

  forward(): void {
    const { stages, batch } = this.plan;
    for (let n = 0; n < stages.length; n++) {
      programs[stages[n]!.kind].forward(this.#kernels, this.#addresses[n]!, batch);
    }
  }

  /** Back from the gradient of the output, which `loss` has left in place, to gradients of the weights. */
  backward(): void {
    const { stages, batch } = this.plan;
    for (let n = stages.length - 1; n >= 0; n--) {
      programs[stages[n]!.kind].backward(this.#kernels, this.#addresses[n]!, batch);
    }
  }

  /** Puts the carried states back to what they were before `forward`. */
  rewind(): void {
    const { stages } = this.plan;
    for (let n = 0; n < stages.length; n++) programs[stages[n]!.kind].rewind?.(this.#kernels, this.#addresses[n]!);
  }

  /** The loss of the output against the target; in training it leaves its gradient where `backward` starts. */
  loss(): number {
    const { y, dy } = this.plan.output;
    const targetStep = y.width * FLOAT;
    return this.#kernels.meanSquaredError(
      this.#gradientAddress,
      dy?.row ?? 0,
      dy?.step ?? 0,
      this.#outputAddress,
      y.row,
      y.step,
      this.#targetAddress,
      targetStep * y.steps,
      targetStep,
      y.steps,
      this.plan.batch,
      y.width,
    );
  }

  /** Puts the output in the caller's order, at `result`. */
  collect(): void {
    const { y: output } = this.plan.output;
    const { batch } = this.plan;
    const step = output.width * FLOAT;
    this.#kernels.copyRows(
      this.#resultAddress,
      step * output.steps,
      step,
      this.#outputAddress,
      output.row,
      output.step,
      output.steps,
      batch,
      output.width,
    );
  }

  free(): void {
    this.#structures.free();
  }
}

/** Whether a plan is the one for a batch; compares without allocating, because most batches are like the one before. */
const serves = (plan: Plan, batch: number, sample: readonly number[], purpose: Purpose): boolean =>
  plan.batch === batch &&
  plan.purpose === purpose &&
  plan.sample.length === sample.length &&
  plan.sample.every((n, axis) => n === sample[axis]);

export type { BoundPlan };

export class Executor {
  readonly #layers: readonly Layer[];
  readonly #parameters: Parameters;
  readonly #homes: Homes[] = [];
  readonly #stateBytes: number;
  readonly #carriesAll: boolean;
  readonly #plans = new Map<string, BoundPlan>();
  #current: BoundPlan | null = null;
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
   * @throws ValueError when memory does not suffice; nothing has changed then
   */
  prepare(
    call: string,
    batch: number,
    sample: readonly number[],
    purpose: Purpose,
    objective: Objective | null = null,
  ): BoundPlan {
    if (this.#moves !== this.#parameters.moves) {
      this.dropPlans();
      this.#moves = this.#parameters.moves;
    }
    if (this.#current && serves(this.#current.plan, batch, sample, purpose)) return this.#current;
    const key = `${purpose} ${batch} ${sample.join(' ')}`;
    let bound = this.#plans.get(key);
    if (!bound) {
      const planner = new Planner(batch, purpose, this.#carriesAll);
      const plan = planBatch(planner, this.#layers, this.#homes, sample);
      const addresses = {
        weights: this.#parameters.weights(call),
        gradients: purpose === 'train' ? this.#parameters.gradients(call, objective!.optimizer) : 0,
        states: this.#stateBytes > 0 ? this.states(call) : 0,
        workspace: this.#reserve(call, plan.bytes),
      };
      if (this.#plans.size >= MOST_PLANS) this.dropPlans();
      bound = new BoundPlan(call, plan, addresses);
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
