/** A plan bound to memory: its offsets have become addresses, and its kernel calls can be run. */

import type { Objective, OutputObjective } from '../objective/objective.ts';
import { type TargetRule, targetRuleOf, targetWidthOf } from '../objective/targetForms.ts';
import { FLOAT, LINE } from '../util/memorySizes.ts';
import { Block, fieldNames, float32, generation, int32, kernels, leaveThreadsAfter, team } from '../wasm/engine.ts';
import type { Kernels } from '../wasm/kernels.ts';
import { isShared, kernelFunctions } from './kernelCalls.ts';
import { planLoss, planMetrics } from './lossFields.ts';
import {
  type BlockName,
  type HostCall,
  type KernelCall,
  type KernelFunctions,
  type Offset,
  type Plan,
  type PlannedOutput,
  roundUp,
  type Scratch,
} from './planner.ts';
import { reserveLossMemory, type Score, sharedLoss, termCount } from './sharedLoss.ts';

/** The address of each memory block of a model. */
export type Addresses = Record<BlockName, number>;

/** An output of the model in a compiled plan. */
export interface CompiledOutput {
  readonly steps: number;
  readonly width: number;
  /** Indices into float32 memory of the first number of the target and of the predictions. */
  readonly target: number;
  readonly result: number;
  readonly resultSize: number;
  /** The axes of the target of a sample: [T, width], or [labels]. */
  readonly targetShape: readonly number[];
  /** What the loss accepts as targets; null for all numbers. */
  readonly targetRule: TargetRule | null;
  /** Index of the sample weights, [B, T]; 0 in a plan without them. */
  readonly weights: number;
  /** Index of the output in the layout of the kernels; contiguous for one sample and one time step. */
  readonly first: number;
  /** Floats from one row of a time step to the next. */
  readonly row: number;
  /** Index of the mask; 0 without a mask. */
  readonly mask: number;
  /** Floats from one time step of the mask to the next. */
  readonly maskStep: number;
  readonly lossAddress: number;
  /** Its terms, if threads share them; else 0. */
  readonly lossTerms: number;
  readonly lossWeight: number;
  readonly metrics: readonly { program: Score['program']; address: number }[];
}

/** A structure to be written. */
interface Structure {
  readonly values: readonly (number | Offset)[];
  /** The offsets for which it gets memory of its own; null for none. */
  readonly scratch: Scratch | null;
}

const structureOf = (values: Structure['values'], scratch: Scratch | null = null): Structure => ({ values, scratch });

/** The structure of a call; if threads share a call with scratch, a copy for each thread. */
function structuresOf(call: KernelCall | HostCall, threads: number): Structure[] {
  if (call.kind === 'host') return [structureOf(call.values)];
  const { kind, fields, scratch } = call;
  const values = fieldNames(kind).map(name => (fields as Record<string, number | Offset>)[name]!);
  const others = scratch ? threads - 1 : 0;
  return [structureOf(values), ...Array.from({ length: others }, () => structureOf(values, scratch))];
}

const isScratch = ({ block, offset }: Offset, scratch: Scratch | null) =>
  scratch !== null && block === 'workspace' && offset >= scratch.from && offset < scratch.to;

const sumOf = (numbers: readonly number[]) => numbers.reduce((sum, n) => sum + n, 0);

export class CompiledPlan {
  readonly plan: Plan;
  /** Whether custom layers run code of the user in `forward`. */
  readonly isCustom: boolean;
  /** Indices into float32 memory of the first number of each input. */
  readonly inputs: readonly number[];
  readonly outputs: readonly CompiledOutput[];
  readonly #structures: Block;
  /** What losses need beside the workspace. */
  readonly #lossMemory: Block | null;
  readonly #addresses: readonly number[];
  #calls!: readonly KernelFunctions[];
  /** The kernels to which the calls are bound, and their generation. */
  #kernels!: Kernels;
  #generation!: number;
  /** Whether threads may be lost in a call. */
  #isShared!: boolean;
  readonly #blocks: Addresses;

  constructor(call: string, plan: Plan, addresses: Addresses, objective: Objective | null) {
    this.plan = plan;
    this.isCustom = plan.calls.some(({ kind }) => kind === 'host');
    this.#blocks = addresses;
    this.#bind();
    const scored = plan.outputs.map((output, n) => scoresOf(plan, output, objective?.outputs[n]));
    const called = plan.calls.map(one => structuresOf(one, isShared(one, team()) ? team()!.size : 1));
    this.#lossMemory = reserveLossMemory(call, scored);
    const scoring = scored
      .flat()
      .map(({ fields }) =>
        structureOf(fieldNames('loss').map(name => (fields as Record<string, number | Offset>)[name]!)),
      );
    const all = [...called.flat(), ...scoring];
    const bytes = all.map(({ values, scratch }) => values.length * FLOAT + (scratch ? scratch.to - scratch.from : 0));
    this.#structures = new Block(call, sumOf(bytes) + LINE);
    const written = this.#write(all);
    let at = 0;
    this.#addresses = called.map(({ length }) => {
      at += length;
      return written[at - length]!;
    });
    this.inputs = plan.inputs.map(input => this.indexOf(input));
    this.outputs = plan.outputs.map((output, n) => {
      const own = scored[n]!.map(score => ({ ...score, address: written[at++]! }));
      return this.#compileOutput(output, own, objective?.outputs[n]);
    });
  }

  /** Binds the calls to the kernels, again after `leaveThreads`. */
  #bind(): void {
    this.#kernels = kernels();
    this.#generation = generation;
    this.#isShared = team() !== null;
    this.#calls = this.plan.calls.map(one => kernelFunctions(this.#kernels, one, team()));
  }

  /** Writes the structures one after the other, and reserves scratch behind them; returns their addresses. */
  #write(all: readonly Structure[]): number[] {
    let next = this.#structures.address;
    let room = next + roundUp(sumOf(all.map(({ values }) => values.length)) * FLOAT, LINE);
    return all.map(({ values, scratch }) => {
      const start = next;
      const moved = scratch ? room - scratch.from - this.#blocks.workspace : 0;
      const addressOf = (offset: Offset) => this.#addressOf(offset) + (isScratch(offset, scratch) ? moved : 0);
      int32().set(
        values.map(value => (typeof value === 'number' ? value : addressOf(value))),
        start / FLOAT,
      );
      next += values.length * FLOAT;
      if (scratch) room += scratch.to - scratch.from;
      return start;
    });
  }

  #compileOutput(
    { signal, target, result, weights, labels }: PlannedOutput,
    [loss, ...metrics]: readonly CompiledScore[],
    objective: OutputObjective | undefined,
  ): CompiledOutput {
    const { y, mask } = signal;
    const width = objective ? targetWidthOf(objective.loss, objective.settings, y.width, labels) : 0;
    return {
      steps: y.steps,
      width: y.width,
      target: this.indexOf(target),
      result: this.indexOf(result),
      resultSize: this.plan.batch * y.steps * y.width,
      targetShape: objective?.loss === 'ctc' ? [labels] : [y.steps, width],
      targetRule: objective ? targetRuleOf(objective.loss, y.width, y.steps, width, objective.settings) : null,
      weights: weights ? this.indexOf(weights) : 0,
      first: this.indexOf(y.start),
      row: y.row / FLOAT,
      mask: mask ? this.indexOf(mask.start) : 0,
      maskStep: (mask?.step ?? 0) / FLOAT,
      lossAddress: loss?.address ?? 0,
      lossTerms: loss?.fields.terms ? termCount(loss.fields) : 0,
      lossWeight: objective?.lossWeight ?? 1,
      metrics,
    };
  }

  #addressOf({ block, offset }: Offset): number {
    return this.#blocks[block] + offset;
  }

  /** The index into float32 memory of an offset. */
  indexOf(offset: Offset): number {
    return this.#addressOf(offset) / FLOAT;
  }

  /**
   * Runs the calls forward. If threads are lost, it continues on one. If a custom layer fails, the carried states are
   * restored.
   *
   * @returns whether threads were lost, which moves the memory: views of it must be fetched again
   */
  forward(): boolean {
    return this.#forward(this.plan.constantCalls, this.#calls.length);
  }

  /** Runs the calls of a stream that depend on constants only; `forward` runs the others. */
  forwardConstants(): void {
    this.#forward(0, this.plan.constantCalls);
  }

  #forward(from: number, to: number): boolean {
    if (this.#generation !== generation) this.#bind();
    if (this.isCustom) return this.#forwardCustom(from, to);
    if (this.#isShared) return this.#forwardOnThreads(from, to);
    for (let n = from; n < to; n++) this.#calls[n]!.forward(this.#addresses[n]!);
    return false;
  }

  #forwardOnThreads(from: number, to: number): boolean {
    let n = from;
    try {
      for (; n < to; n++) this.#calls[n]!.forward(this.#addresses[n]!);
      return false;
    } catch (error) {
      leaveThreadsAfter(error);
      error.finish(kernels());
      this.#forward(n + 1, to);
      return true;
    }
  }

  #forwardCustom(from: number, to: number): boolean {
    const before = generation;
    let n = from;
    try {
      for (; n < to; n++) {
        if (this.#generation !== generation) this.#bind(); // a layer may have run another model, which lost threads
        try {
          this.#calls[n]!.forward(this.#addresses[n]!);
        } catch (error) {
          leaveThreadsAfter(error);
          error.finish(kernels());
        }
      }
      return generation !== before;
    } catch (error) {
      this.#rewind(from, n);
      throw error;
    }
  }

  /**
   * Adds the gradients of the weights; starts from the gradients of the outputs, which `loss` has written.
   *
   * @returns false if threads were lost: the gradients are incomplete, what `forward` computed is overwritten in part, and
   * the carried states are those from before it, so the caller begins again
   */
  backward(): boolean {
    if (this.#generation !== generation) this.#bind();
    try {
      for (let n = this.#calls.length - 1; n >= 0; n--) this.#calls[n]!.backward(this.#addresses[n]!);
      return true;
    } catch (error) {
      try {
        leaveThreadsAfter(error);
      } finally {
        this.rewind();
      }
      return false;
    }
  }

  /** Restores the carried states to their values before `forward`. */
  rewind(): void {
    this.#rewind(0, this.#calls.length);
  }

  #rewind(from: number, to: number): void {
    // Last call first: calls of a shared layer carry the states from one to the next
    if (this.#generation !== generation) this.#bind();
    for (let n = to - 1; n >= from; n--) this.#calls[n]!.rewind(this.#addresses[n]!);
  }

  /** Stores what a step must change only once all of it has succeeded, such as moving means. */
  commit(): void {
    if (this.#generation !== generation) this.#bind();
    for (let n = 0; n < this.#calls.length; n++) this.#calls[n]!.commit(this.#addresses[n]!);
  }

  /** Computes the loss of an output and its target; in training also its gradient, for `backward`. */
  loss(output: number): number {
    const { lossAddress, lossTerms } = this.outputs[output]!;
    return lossTerms > 0 ? sharedLoss(lossAddress, lossTerms) : kernels().loss(lossAddress);
  }

  /** Metric `n` of an output. Call it before `backward`, which may overwrite the output. */
  metric(output: number, n: number): number {
    const { program, address } = this.outputs[output]!.metrics[n]!;
    return kernels()[program](address);
  }

  /** The number of unmasked pairs of sample and time step of an output, over which its loss is a mean. */
  counted(output: number): number {
    const { mask, lossAddress, steps } = this.outputs[output]!;
    return mask ? kernels().countedRows(lossAddress) : this.plan.batch * steps;
  }

  /** What is wrong with the targets of an output that are neither masked nor of weight 0; null if nothing is. */
  wrongTarget(output: number): string | null {
    const { target, targetRule: rule, weights, mask, maskStep, steps } = this.outputs[output]!;
    if (!rule) return null;
    const memory = float32();
    const isMasked = (b: number, t: number) => mask > 0 && memory[mask + t * maskStep + b] === 0;
    const each = rule.bySample ? steps : 1;
    for (let row = 0; row < (this.plan.batch * steps) / each; row++) {
      if (weights && memory[weights + row] === 0) continue;
      let unmasked = 0;
      for (let n = row * each; n < (row + 1) * each; n++) {
        if (!isMasked(Math.floor(n / steps), n % steps)) unmasked++;
      }
      const wrong = unmasked > 0 ? rule.wrong(memory, target + row * rule.width, unmasked, row) : null;
      if (wrong !== null) return wrong;
    }
    return null;
  }

  /** Copies an output to its `result`, row by row in the order [B, T, O]. */
  collect(output: number): void {
    const { y } = this.plan.outputs[output]!.signal;
    const { result, first } = this.outputs[output]!;
    const step = y.width * FLOAT;
    kernels().copyRows(
      result * FLOAT,
      step * y.steps,
      step,
      first * FLOAT,
      y.row,
      y.step,
      y.steps,
      this.plan.batch,
      y.width,
    );
  }

  free(): void {
    this.#lossMemory?.free();
    this.#structures.free();
  }
}

type CompiledScore = Score & { readonly address: number };

/** The loss of an output, then its metrics; empty without an objective. */
const scoresOf = (plan: Plan, output: PlannedOutput, objective: OutputObjective | undefined): Score[] =>
  objective
    ? [
        {
          program: 'loss',
          fields: planLoss(plan.batch, output, objective),
          levels: objective.settings?.levels ?? [],
        },
        ...planMetrics(plan.batch, output, objective),
      ]
    : [];
