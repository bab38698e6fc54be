/**
 * Runs planned batches: turns the places of a plan into addresses, and calls the kernels layer by layer.
 *
 * Plans for the batch sizes and lengths seen so far are kept; all of them share one workspace, which grows to the
 * largest. A batch that has been planned allocates nothing.
 */

import { structures } from './engine/binaries.generated.ts';
import { Block, float32, int32, kernels } from './engine/engine.ts';
import type { Kernels } from './engine/kernels.ts';
import type { Layer } from './layers/layer.ts';
import { fusedWith } from './losses.ts';
import { planLoss, planMetrics } from './lossPlan.ts';
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
import { sameShape } from './shapes.ts';

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

/** A recurrent layer, whose batch goes through block by block. */
function recurrent(layer: 'lstm' | 'gru' | 'simpleRnn'): Program {
  // Named once: a name put together in each call would be a string in each call.
  const [forward, backward, rewind] = [`${layer}Forward`, `${layer}Backward`, `${layer}Rewind`] as const;
  return {
    forward(kernels, plan, batch) {
      for (let first = 0; first < batch; first += BLOCK) kernels[forward](plan, first, Math.min(BLOCK, batch - first));
    },
    backward(kernels, plan, batch) {
      for (let first = 0; first < batch; first += BLOCK) kernels[backward](plan, first, Math.min(BLOCK, batch - first));
    },
    rewind: (kernels, plan) => kernels[rewind](plan),
  };
}

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
  /** The same of the weights of the losses, [B, T]; 0 in a plan without them. */
  readonly weights: number;
  /** Index of the output where the last layer leaves it: in order as it is for one sample and one step. */
  readonly output: number;
  readonly resultSize: number;
  readonly #structures: Block;
  readonly #addresses: number[] = [];
  readonly #kernels = kernels();
  readonly #outputAddress: number;
  readonly #resultAddress: number;
  readonly #lossAddress: number = 0;
  /** Index of the mask of the output; 0 where there is none. */
  readonly #mask: number;
  readonly #metrics: readonly { program: 'loss' | 'metric'; address: number }[];

  constructor(call: string, plan: Plan, addresses: Addresses, objective: Objective | null) {
    this.plan = plan;
    const address = ({ block, offset }: Place) => addresses[block] + offset;
    const { y } = plan.output;
    this.#outputAddress = address(y.place);
    this.output = this.#outputAddress / FLOAT;
    this.#resultAddress = address(plan.result);
    this.input = address(plan.input) / FLOAT;
    this.target = address(plan.target) / FLOAT;
    this.#mask = plan.output.mask ? address(plan.output.mask.place) / FLOAT : 0;
    this.weights = plan.weights ? address(plan.weights) / FLOAT : 0;
    this.result = this.#resultAddress / FLOAT;
    this.resultSize = plan.batch * y.steps * y.width;

    const loss = objective ? [planLoss(plan, objective)] : [];
    const metrics = objective ? planMetrics(plan, objective) : [];
    const fields = [
      ...plan.stages.map(({ kind, fields }) =>
        structures[kind].map(name => (fields as Record<string, number | Place>)[name]!),
      ),
      ...[...loss, ...metrics.map(({ fields }) => fields)].map(fields => structures.loss.map(name => fields[name])),
    ];
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
    const scored = this.#addresses.splice(plan.stages.length);
    if (objective) this.#lossAddress = scored[0]!;
    this.#metrics = metrics.map(({ program }, n) => ({ program, address: scored[n + 1]! }));
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
    return this.#kernels.loss(this.#lossAddress);
  }

  /** The metrics of the output, from place 1 of `values` on; before `backward`, which may destroy the output. */
  measure(values: number[]): void {
    for (let n = 0; n < this.#metrics.length; n++) {
      const { program, address } = this.#metrics[n]!;
      values[n + 1] = this.#kernels[program](address);
    }
  }

  /** How many (sample, time step) the loss is the mean of: all that no mask hides. */
  counted(): number {
    return this.plan.output.mask
      ? this.#kernels.countedRows(this.#lossAddress)
      : this.plan.batch * this.plan.output.y.steps;
  }

  /** A number in the target that is no class of the output, where the loss counts it; undefined when there is none. */
  wrongClass(): number | undefined {
    const { batch, output } = this.plan;
    const { steps, width } = output.y;
    const memory = float32();
    const maskStep = (output.mask?.step ?? 0) / FLOAT;
    for (let row = 0; row < batch * steps; row++) {
      const value = memory[this.target + row]!;
      if ((value >= 0 && value < width) || !Number.isFinite(value)) continue;
      if (this.#mask && memory[this.#mask + (row % steps) * maskStep + Math.floor(row / steps)] === 0) continue;
      if (this.weights && memory[this.weights + row] === 0) continue;
      return value;
    }
    return undefined;
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
const serves = (plan: Plan, batch: number, sample: readonly number[], purpose: Purpose, weighted: boolean): boolean =>
  plan.batch === batch &&
  plan.purpose === purpose &&
  (plan.weights !== null) === weighted &&
  sameShape(plan.sample, sample);

export type { BoundPlan };

export class Executor {
  readonly #layers: readonly Layer[];
  readonly #parameters: Parameters;
  readonly #homes: Homes[] = [];
  readonly #stateBytes: number;
  readonly #carriesAll: boolean;
  readonly #plans = new Map<string, BoundPlan>();
  #current: BoundPlan | null = null;
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
  ): BoundPlan {
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
      bound = new BoundPlan(call, plan, addresses, objective);
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
