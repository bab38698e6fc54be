/** Inference one sample and one time step at a time, with the weights of a model and states of its own. */

import { readSamples } from '../inputs/batches.ts';
import type { Samples } from '../inputs/samples.ts';
import type { CompiledOutput, CompiledPlan } from '../plan/compiledPlan.ts';
import { inHostContext } from '../plan/hostContext.ts';
import { PlanCache } from '../plan/planCache.ts';
import type { TensorLike } from '../tensor/read.ts';
import { Tensor } from '../tensor/tensor.ts';
import { limitMethodArguments } from '../util/arguments.ts';
import { fail, show, suggest } from '../util/errors.ts';
import { checkCount, checkOptions, isPlain } from '../util/options.ts';
import { isFloat32Array, plainArray } from '../util/typedArrays.ts';
import { isNotFinite, warnOnce } from '../util/warning.ts';
import { float32, setBatch } from '../wasm/engine.ts';
import type { Parameters } from '../weights/parameters.ts';
import { type Graph, uniqueNames } from './graph.ts';
import { FIRST_NOISE } from './modelView.ts';
import { checkStates, readStates, writeStates } from './states.ts';
import { type StepInput, type StreamGraph, streamGraph } from './streamGraph.ts';

/** Options of `model.stream`. */
export interface StreamOptions {
  /**
   * Inputs that are the same at every step, by name, each for a batch of one sample: whole sequences such as the outputs of
   * an encoder that attention reads, or initial states. What depends on constants only is computed once, not at every step.
   */
  constants?: { readonly [input: string]: TensorLike };
  /**
   * Independent sequences that run at the same time, such as sampled paths. A step then takes and returns the numbers of all
   * of them, one sequence after the other, and states are [batchSize, U]. Default: 1, which constants require.
   */
  batchSize?: number;
}

/** The numbers of one time step of an input. @inline */
type StepNumbers = Float32Array | readonly number[];

/**
 * One time step of all inputs: its numbers for a model with one input; a list, or an object by the name of the input, for a
 * model with several. @inline
 */
type StepData = StepNumbers | readonly StepNumbers[] | { readonly [input: string]: StepNumbers };

/** Inference step by step; create it with `model.stream()`. It uses the model's current weights and never changes them. */
export class Stream {
  readonly #graph: Graph;
  readonly #stream: StreamGraph;
  readonly #parameters: Parameters;
  readonly #plans: PlanCache;
  readonly #stepNames: readonly string[];
  /** The input of every step, for streams of one input and one output. */
  readonly #onlyStep: StepInput | null;
  /** The names of the constants and their positions among the inputs. */
  readonly #constants: ReadonlyMap<string, number>;
  readonly #outputCount: number;
  readonly #batch: number;
  #samples: readonly (readonly number[])[];
  /** The plan of one step, and `Parameters.version` for which it was compiled. */
  #plan: CompiledPlan | null = null;
  #version = 0;
  #isRunning = false;
  /** The number of the next step with dropout. */
  #noise = FIRST_NOISE;

  /** @internal */
  constructor(call: string, graph: Graph, parameters: Parameters, options: StreamOptions | undefined) {
    const { constants = {}, batchSize } = checkOptions<StreamOptions>(call, options, ['constants', 'batchSize']);
    if (!isPlain(constants) || constants instanceof Tensor) {
      fail(call, `constants must be an object of tensors by the name of the input, got ${show(constants)}`);
    }
    this.#batch = batchSize === undefined ? 1 : checkCount(call, 'batchSize', batchSize);
    if (this.#batch > 1 && Object.keys(constants).length > 0) {
      fail(call, `batchSize must be 1 for a stream with constants, got ${this.#batch}`);
    }
    const names = uniqueNames(graph.inputs);
    this.#graph = graph;
    this.#constants = new Map(Object.keys(constants).map(name => [name, inputOf(call, name, names)]));
    this.#stream = streamGraph(call, graph, [...this.#constants.values()], this.#batch);
    this.#stepNames = this.#stream.steps.map(({ name }) => name);
    if (this.#stepNames.length === 0) {
      fail(call, `an input must change from step to step, got ${names.join(', ')} as constants or initial states`);
    }
    this.#samples = this.#stream.samples;
    this.#outputCount = graph.outputs.length;
    const { steps } = this.#stream;
    this.#onlyStep = steps.length === 1 && this.#outputCount === 1 ? steps[0]! : null;
    this.#parameters = parameters;
    this.#plans = new PlanCache(this.#stream.calls, parameters, this.#batch, this.#stream.constantCalls);
    if (this.#constants.size > 0) this.#setConstants(call, constants);
  }

  /**
   * Computes the next time step.
   *
   * @param input the D numbers of the step; for several inputs that are neither constants nor initial states, a list, or
   * an object by the name of the input
   * @param out receives the U numbers of the output; for several outputs, a list. With it, a step of one input and one
   * output allocates nothing
   * @returns out, or a new array; a list for several outputs
   */
  step(input: StepData, out?: Float32Array): Float32Array;
  step<R extends Float32Array | Float32Array[]>(input: StepData, out?: R): R;
  step(input: StepData, out?: Float32Array | Float32Array[]): Float32Array | Float32Array[] {
    const call = 'stream.step';
    const step = this.#onlyStep;
    if (step === null || !isFloat32Array(input)) return this.#stepAny(call, input, out);
    let plan = this.#ready(call);
    const size = plan.outputs[0]!.width * this.#batch;
    const result = (out ?? new Float32Array(size)) as Float32Array;
    checkLength(call, 'input', input, step.width);
    checkOut(call, 'out', result, size);
    plan = this.#ready(call);
    const memory = float32();
    this.#write(call, memory, plan, step, 'input', input);
    this.#drawNoise();
    this.#read(call, this.#forward(call, plan) ? float32() : memory, plan.outputs[0]!, result);
    return result;
  }

  /** A step of any number of inputs and outputs. */
  #stepAny(call: string, input: StepData, out?: Float32Array | Float32Array[]): Float32Array | Float32Array[] {
    const { steps } = this.#stream;
    const several = this.#outputCount > 1;
    let plan = this.#ready(call);
    const sizes = plan.outputs.slice(0, this.#outputCount).map(({ width }) => width * this.#batch);
    const results = several ? readOut(call, out, sizes) : [(out ?? new Float32Array(sizes[0]!)) as Float32Array];
    // Reading an array may run user code, so it comes before the plan is fetched
    const isOne = steps.length === 1 && !isPlain(input);
    const parts = isOne ? [readNumbers(call, 'input', input, steps[0]!.width)] : this.#readParts(call, input);
    if (!several) checkOut(call, 'out', results[0], sizes[0]!);
    plan = this.#ready(call);
    const memory = float32();
    for (const [n, step] of steps.entries()) {
      this.#write(call, memory, plan, step, steps.length === 1 ? 'input' : step.name, parts[n]!);
    }
    this.#drawNoise();
    this.#forward(call, plan);
    for (const [n, result] of results.entries()) this.#read(call, float32(), plan.outputs[n]!, result);
    return several ? results : results[0]!;
  }

  #forward(call: string, plan: CompiledPlan): boolean {
    return plan.isCustom ? this.#guarded(call, plan, () => plan.forward()) : plan.forward();
  }

  /** Runs a plan with custom layers. While they run, the stream cannot be used. */
  #guarded<T>(call: string, plan: CompiledPlan, run: () => T): T {
    if (!plan.isCustom) return run();
    const { version } = this.#parameters;
    const check = () => {
      if (this.#parameters.version === version && !this.#parameters.isFree) return;
      fail(call, 'custom layers must not move the weights of the model');
    };
    this.#isRunning = true;
    try {
      return this.#parameters.locked(() => inHostContext({ call, check }, run));
    } finally {
      this.#isRunning = false;
    }
  }

  /** Lets dropout that is always active drop other numbers than before. */
  #drawNoise(): void {
    if (this.#stream.calls.alwaysDrops) setBatch(this.#noise++);
  }

  /** Copies exactly the numbers of an input, even when a subclass of Float32Array reports another length. */
  #write(
    call: string,
    memory: Float32Array,
    plan: CompiledPlan,
    { input, width, idReaders }: StepInput,
    name: string,
    from: Float32Array,
  ): void {
    const first = plan.inputs[input]!;
    for (let i = 0; i < width; i++) memory[first + i] = from[i]!;
    for (let r = 0; r < idReaders.length; r++) idReaders[r]!.checkInput(call, name, memory, first, width);
  }

  /** Copies an output to an array of its size. */
  #read(call: string, memory: Float32Array, { first, row, width }: CompiledOutput, result: Float32Array): void {
    let zeros = 0; // NaN after a number that is not finite
    for (let b = 0, to = 0; b < this.#batch; b++) {
      for (let i = first + b * row; i < first + b * row + width; i++) {
        const value = memory[i]!;
        result[to++] = value;
        zeros += value * 0;
      }
    }
    if (zeros !== 0) warnOnce(this.#parameters, call, 'the output holds', plainArray(result).find(isNotFinite));
  }

  /** The numbers of each input of the step, from a list or an object; reads each element once. */
  #readParts(call: string, input: unknown): Float32Array[] {
    const { steps } = this.#stream;
    const names = this.#stepNames;
    const isNamed = isPlain(input);
    if (isNamed) {
      const other = Object.keys(input).find(name => !names.includes(name));
      if (other !== undefined) {
        fail(call, `input must be an object of ${names.join(', ')}, got '${other}'${suggest(other, names)}`);
      }
    } else if (!Array.isArray(input) || input.length !== steps.length) {
      const rule = `input must be a list of ${steps.length} arrays (${names.join(', ')}) or an object of these names`;
      fail(call, `${rule}, got ${Array.isArray(input) ? `a list of ${input.length}` : show(input)}`);
    }
    return steps.map(({ name, width }, n) => {
      const value = isNamed ? (input as Record<string, unknown>)[name] : (input as unknown[])[n];
      const numbers = readNumbers(call, `input.${name}`, value, width);
      return numbers === value ? numbers.slice() : numbers; // reading the next one may change it
    });
  }

  /**
   * Starts a new sequence: sets the states to zero, or to the initial states that constants determine. What depends on
   * constants only is computed with the current weights.
   */
  reset(): void {
    const call = 'stream.reset';
    const plan = this.#ready(call);
    this.#restoreOnError(call, () => this.#restart(call, plan));
  }

  /**
   * Replaces the constants, and starts a new sequence.
   *
   * @param constants all that the stream was created with
   */
  setConstants(constants: { readonly [input: string]: TensorLike }): void {
    const call = 'stream.setConstants';
    this.#ready(call);
    if (this.#constants.size === 0) fail(call, 'the stream must have been created with constants');
    if (!isPlain(constants)) {
      fail(call, `constants must be an object of tensors by the name of the input, got ${show(constants)}`);
    }
    const known = [...this.#constants.keys()];
    for (const name of Object.keys(constants)) inputOf(call, name, known);
    this.#setConstants(call, constants);
  }

  #setConstants(call: string, constants: { readonly [input: string]: TensorLike }): void {
    const { inputs } = this.#graph;
    const samples = [...this.#samples];
    const given = Array.from(this.#constants, ([name, input]): [number, Samples] => {
      const value = constants[name];
      const what = `constants.${name}`;
      if (value === undefined) fail(call, `${what} must be given, because the stream was created with it`);
      const read = readSamples(call, what, value, [1, ...inputs[input]!.shape.slice(1)]);
      for (const one of this.#graph.calls.calls) {
        if (!one.layer.readsIds || !one.inputs.includes(input)) continue;
        one.layer.checkInput(call, what, read.data, 0, read.data.length);
      }
      samples[input] = read.shape.slice(1);
      return [input, read];
    });
    this.#checkNotChanged(call);
    this.#checkShapes(call, samples);
    this.#restoreOnError(call, () => {
      const plan = this.#plans.prepare(call, this.#batch, samples, 'predict');
      this.#plan = plan;
      this.#version = this.#parameters.version;
      this.#samples = samples;
      for (const [input, { data }] of given) float32().set(data, plan.inputs[input]!);
      this.#restart(call, plan);
    });
  }

  /** Runs `work`. If a custom layer fails in it, constants and states are those from before. */
  #restoreOnError(call: string, work: () => void): void {
    if (!this.#plan?.isCustom) {
      work();
      return;
    }
    const [samples, memory] = [this.#samples, this.#plans.copyMemory()];
    try {
      work();
    } catch (error) {
      this.#samples = samples;
      if (!this.#parameters.isFree) {
        this.#plan = this.#plans.prepare(call, this.#batch, samples, 'predict');
        this.#version = this.#parameters.version;
        this.#plans.putMemory(memory);
      }
      throw error;
    }
  }

  /** Fails if a layer cannot process the constants. */
  #checkShapes(call: string, samples: readonly (readonly number[])[]): void {
    const constants = new Set(this.#constants.values());
    const shapes = this.#graph.inputs.map(({ shape }, n) =>
      // A fixed number of time steps is one that layers may need
      constants.has(n) ? [1, ...samples[n]!] : [1, ...shape.slice(1).map(size => size ?? 1)],
    );
    this.#graph.shapesFor(call, shapes);
  }

  #restart(call: string, plan: CompiledPlan): void {
    const { recurrent, initial } = this.#stream;
    this.#plans.resetStates();
    if (this.#constants.size === 0) return;
    this.#drawNoise();
    this.#guarded(call, plan, () => plan.forwardConstants());
    const states = recurrent.map((layer, n) =>
      layer.states.map(({ width }, k) => {
        const output = initial[n]![k]!;
        if (output === null) return new Float32Array(width);
        const { first } = plan.outputs[output]!;
        return float32().slice(first, first + width);
      }),
    );
    writeStates(call, this.#plans, recurrent, this.#batch, states);
  }

  /** The states, a list for each recurrent layer in order: [h, c] for lstm, [h] otherwise, each [1, U]. */
  getStates(): Tensor[][] {
    const call = 'stream.getStates';
    this.#ready(call);
    return readStates(call, this.#plans, this.#stream.recurrent, this.#batch);
  }

  /** Replaces the states; takes the result of `getStates`, or the states with which an encoder ends. */
  setStates(states: readonly (readonly TensorLike[])[]): void {
    const call = 'stream.setStates';
    const { recurrent } = this.#stream;
    this.#ready(call);
    const checked = checkStates(call, recurrent, this.#batch, states); // may run user code
    this.#ready(call);
    writeStates(call, this.#plans, recurrent, this.#batch, checked);
  }

  /** The plan of one step; fails after the model was disposed, or its layers changed. */
  #ready(call: string): CompiledPlan {
    this.#checkNotChanged(call);
    const { version } = this.#parameters;
    if (this.#plan && version === this.#version) return this.#plan;
    // The same sizes give the same places in the workspace, so constants need not be written again
    this.#plan = this.#plans.prepare(call, this.#batch, this.#samples, 'predict');
    this.#version = version;
    return this.#plan;
  }

  #checkNotChanged(call: string): void {
    if (this.#isRunning) fail(call, 'the stream must not be used by its own custom layers');
    if (this.#parameters.isFree) fail(call, 'the model must not be disposed of or changed while it is streamed');
  }
}

limitMethodArguments(Stream, 'stream');

/** The position of an input among the names of inputs. */
function inputOf(call: string, name: string, names: readonly string[]): number {
  const input = names.indexOf(name);
  if (input >= 0) return input;
  return fail(call, `constants must be an object of ${names.join(', ')}, got '${name}'${suggest(name, names)}`);
}

/** The numbers of one input of a step. Copies those of arrays, and reads each element once. */
function readNumbers(call: string, name: string, input: unknown, count: number): Float32Array {
  const numbers = isFloat32Array(input) ? input : readArray(call, name, input, count);
  checkLength(call, name, numbers, count);
  return numbers;
}

function checkLength(call: string, name: string, numbers: Float32Array, count: number): void {
  if (numbers.length !== count) fail(call, `${name} must hold ${count} numbers, got ${numbers.length}`);
}

function readArray(call: string, name: string, input: unknown, count: number): Float32Array {
  if (!Array.isArray(input)) fail(call, `${name} must be a Float32Array or an array of numbers, got ${show(input)}`);
  const numbers = new Float32Array(Math.min(input.length, count + 1));
  for (let i = 0; i < numbers.length; i++) {
    const value: unknown = input[i];
    if (typeof value !== 'number') {
      fail(call, `${name} must be a Float32Array or an array of numbers, got ${show(input)}`);
    }
    numbers[i] = value;
  }
  return numbers;
}

/** A list of arrays for several outputs, from `out` if it is given. */
function readOut(call: string, out: unknown, sizes: readonly number[]): Float32Array[] {
  if (out === undefined) return sizes.map(size => new Float32Array(size));
  if (!Array.isArray(out) || out.length !== sizes.length) {
    fail(call, `out must be a list of ${sizes.length} Float32Arrays, got ${show(out)}`);
  }
  const results = Array.from(out as Float32Array[]);
  for (const [n, size] of sizes.entries()) checkOut(call, `out[${n}]`, results[n], size);
  return results;
}

function checkOut(call: string, name: string, out: unknown, width: number): void {
  if (isFloat32Array(out) && out.length === width) return;
  fail(call, `${name} must be a Float32Array of ${width}, got ${show(out)}`);
}
