/** A plan bound to memory: its offsets have become addresses, and its kernel calls can be run. */

import { isClass } from '../objective/losses.ts';
import type { Objective } from '../objective/objective.ts';
import { FLOAT } from '../util/memorySizes.ts';
import { Block, float32, int32, kernels } from '../wasm/engine.ts';
import { structures } from '../wasm/shared.generated.ts';
import { type KernelFunctions, kernelFunctions } from './kernelCalls.ts';
import { planLoss, planMetrics } from './lossFields.ts';
import type { BlockName, Offset, Plan } from './planner.ts';

/** The address of each memory block of a model. */
export type Addresses = Record<BlockName, number>;

export class CompiledPlan {
  readonly plan: Plan;
  /** Indices into float32 memory of the first number of the input, the target and the predictions. */
  readonly input: number;
  readonly target: number;
  readonly result: number;
  /** Index of the sample weights, [B, T]; 0 in a plan without them. */
  readonly weights: number;
  /** Index of the output of the last layer, in the layout of the kernels; contiguous for one sample and one time step. */
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
  /** Index of the mask of the output; 0 without a mask. */
  readonly #mask: number;
  readonly #metrics: readonly { program: 'loss' | 'metric'; address: number }[];

  constructor(call: string, plan: Plan, addresses: Addresses, objective: Objective | null) {
    this.plan = plan;
    this.#calls = plan.calls.map(({ kind }) => kernelFunctions(this.#kernels, kind));
    this.#blocks = addresses;
    const address = ({ block, offset }: Offset) => addresses[block] + offset;
    const { y } = plan.output;
    this.#outputAddress = address(y.start);
    this.output = this.#outputAddress / FLOAT;
    this.#resultAddress = address(plan.result);
    this.input = address(plan.input) / FLOAT;
    this.target = address(plan.target) / FLOAT;
    this.#mask = plan.output.mask ? address(plan.output.mask.start) / FLOAT : 0;
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

  /** The index into float32 memory of an offset. */
  indexOf({ block, offset }: Offset): number {
    return (this.#blocks[block] + offset) / FLOAT;
  }

  forward(): void {
    const { batch } = this.plan;
    for (let n = 0; n < this.#calls.length; n++) this.#calls[n]!.forward(this.#addresses[n]!, batch);
  }

  /** Adds the gradients of the weights; starts from the gradient of the output, which `loss` has written. */
  backward(): void {
    const { batch } = this.plan;
    for (let n = this.#calls.length - 1; n >= 0; n--) this.#calls[n]!.backward(this.#addresses[n]!, batch);
  }

  /** Restores the carried states to their values before `forward`. */
  rewind(): void {
    for (let n = 0; n < this.#calls.length; n++) this.#calls[n]!.rewind(this.#addresses[n]!);
  }

  /** Computes the loss of the output and the target; in training also its gradient, for `backward`. */
  loss(): number {
    return this.#kernels.loss(this.#lossAddress);
  }

  /** Writes the metrics to `values`, from index 1. Call it before `backward`, which may overwrite the output. */
  measure(values: number[]): void {
    for (let n = 0; n < this.#metrics.length; n++) {
      const { program, address } = this.#metrics[n]!;
      values[n + 1] = this.#kernels[program](address);
    }
  }

  /** The number of unmasked pairs of sample and time step, over which the loss is a mean. */
  counted(): number {
    return this.plan.output.mask
      ? this.#kernels.countedRows(this.#lossAddress)
      : this.plan.batch * this.plan.output.y.steps;
  }

  /** The first target that is not a class index of the output, and is neither masked nor of weight 0; or undefined. */
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

  /** Copies the output to `result`, row by row in the order [B, T, O]. */
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
