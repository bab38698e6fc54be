/** A plan at its place in memory: its places are addresses, and its stages call the kernels in order. */

import { isClass } from '../objective/losses.ts';
import type { Objective } from '../objective/objective.ts';
import { FLOAT } from '../util/units.ts';
import { Block, float32, int32, kernels } from '../wasm/engine.ts';
import { structures } from '../wasm/shared.generated.ts';
import { type KernelFunctions, kernelFunctions } from './kernelCalls.ts';
import { planLoss, planMetrics } from './lossFields.ts';
import type { BlockName, Offset, Plan } from './plan.ts';

/** Where each block of a model begins. */
export type Addresses = Record<BlockName, number>;

export class CompiledPlan {
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
  readonly #calls: readonly KernelFunctions[];
  readonly #blocks: Addresses;
  readonly #outputAddress: number;
  readonly #resultAddress: number;
  readonly #lossAddress: number = 0;
  /** Index of the mask of the output; 0 where there is none. */
  readonly #mask: number;
  readonly #metrics: readonly { program: 'loss' | 'metric'; address: number }[];

  constructor(call: string, plan: Plan, addresses: Addresses, objective: Objective | null) {
    this.plan = plan;
    this.#calls = plan.calls.map(({ kind }) => kernelFunctions(this.#kernels, kind));
    this.#blocks = addresses;
    const address = ({ block, offset }: Offset) => addresses[block] + offset;
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
      ...plan.calls.map(({ kind, fields }) =>
        structures[kind].map(name => (fields as Record<string, number | Offset>)[name]!),
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
    const scored = this.#addresses.splice(plan.calls.length);
    if (objective) this.#lossAddress = scored[0]!;
    this.#metrics = metrics.map(({ program }, n) => ({ program, address: scored[n + 1]! }));
  }

  /** Index of the number at a place in float32 memory. */
  indexOf({ block, offset }: Offset): number {
    return (this.#blocks[block] + offset) / FLOAT;
  }

  forward(): void {
    const { batch } = this.plan;
    for (let n = 0; n < this.#calls.length; n++) this.#calls[n]!.forward(this.#addresses[n]!, batch);
  }

  /** Back from the gradient of the output, which `loss` has left in place, to gradients of the weights. */
  backward(): void {
    const { batch } = this.plan;
    for (let n = this.#calls.length - 1; n >= 0; n--) this.#calls[n]!.backward(this.#addresses[n]!, batch);
  }

  /** Puts the carried states back to what they were before `forward`. */
  rewind(): void {
    for (let n = 0; n < this.#calls.length; n++) this.#calls[n]!.rewind(this.#addresses[n]!);
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
      if (isClass(value, width) || !Number.isFinite(value)) continue;
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
