/** Inference one sample and one time step at a time, with the weights of a model and states of its own. */

import type { Layer } from '../layers/layer.ts';
import type { RecurrentLayer } from '../layers/recurrent/recurrent.ts';
import { layersOf } from '../plan/callGraph.ts';
import type { CompiledPlan } from '../plan/compiledPlan.ts';
import { PlanCache } from '../plan/planCache.ts';
import type { TensorLike } from '../tensor/read.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { limitMethodArguments } from '../util/arguments.ts';
import { fail, show } from '../util/errors.ts';
import { isFloat32Array, plainArray } from '../util/typedArrays.ts';
import { isNotFinite, warnOnce } from '../util/warning.ts';
import { float32 } from '../wasm/engine.ts';
import type { Parameters } from '../weights/parameters.ts';
import type { Graph } from './graph.ts';
import { checkStates, readStates, recurrentOf, writeStates } from './states.ts';

/** Inference step by step; create it with `model.stream()`. It uses the model's current weights and never changes them. */
export class Stream {
  readonly #idReaders: readonly Layer[];
  readonly #parameters: Parameters;
  readonly #plans: PlanCache;
  readonly #recurrent: readonly RecurrentLayer[];
  readonly #samples: readonly (readonly number[])[];
  readonly #inputs: number;
  readonly #outputs: number;
  /** The plan of one step, and `Parameters.version` for which it was compiled. */
  #plan: CompiledPlan | null = null;
  #version = 0;

  /** @internal */
  constructor(call: string, graph: Graph, parameters: Parameters) {
    const { calls } = graph;
    if (graph.inputs.length !== 1 || graph.outputs.length !== 1) {
      fail(
        call,
        `the model must have one input and one output, got ${graph.inputs.length} and ${graph.outputs.length}`,
      );
    }
    const layers = layersOf(calls);
    this.#idReaders = layers.filter(layer => layer.readsIds);
    this.#recurrent = recurrentOf(layers);
    const backwards = this.#recurrent.find(layer => layer.looksAhead);
    if (backwards) fail(call, `no layer may run backwards in time, as '${backwards.name}' does`);
    const mixes = layers.find(layer => !layer.runsByTimeStep);
    if (mixes) fail(call, `every layer must work on one time step at a time, which '${mixes.name}' does not`);
    const shared = this.#recurrent.find(layer => calls.calls.filter(one => one.layer === layer).length > 1);
    if (shared) fail(call, `no recurrent layer may be applied twice, as '${shared.name}' is`);
    // One step of [T, D], or one number of a sequence [T], such as the id that an embedding takes.
    const { shape } = graph.inputs[0]!;
    const opensTime = layers.some(layer => layer.createsTimeSteps);
    const sample = shape.length === 3 ? [1, shape[2]!] : opensTime ? [1] : [shape[1]!];
    this.#samples = [sample];
    this.#inputs = sample.at(-1)!;
    this.#outputs = graph.outputs[0]!.shape.at(-1)!;
    this.#parameters = parameters;
    this.#plans = new PlanCache(calls, parameters, 1, true);
  }

  /**
   * Computes the next time step.
   *
   * @param input the D numbers of the step
   * @param out receives the U numbers of the output; with it, the call allocates nothing
   * @returns out, or a new array
   */
  step(input: Float32Array | readonly number[], out?: Float32Array): Float32Array {
    const call = 'stream.step';
    this.#ready(call);
    const result = out ?? new Float32Array(this.#outputs);
    const count = this.#inputs;
    const outputs = this.#outputs;
    // Reading an array may run user code, so it comes before the plan is fetched
    const numbers = isFloat32Array(input) ? input : readStep(call, input, count);
    // Reads exactly `count` numbers and writes `outputs`, even when a subclass reports other lengths
    if (numbers.length !== count) fail(call, `input must hold ${count} numbers, got ${numbers.length}`);
    if (!isFloat32Array(result) || result.length !== outputs) {
      fail(call, `out must be a Float32Array of ${outputs}, got ${show(result)}`);
    }
    const plan = this.#ready(call);
    const memory = float32();
    const first = plan.inputs[0]!;
    for (let i = 0; i < count; i++) memory[first + i] = numbers[i]!;
    for (let n = 0; n < this.#idReaders.length; n++)
      this.#idReaders[n]!.checkInput(call, 'input', memory, first, count);
    plan.forward();
    let zeros = 0; // NaN after a number that is not finite
    for (let i = 0; i < outputs; i++) {
      const value = memory[plan.outputs[0]!.first + i]!;
      result[i] = value;
      zeros += value * 0;
    }
    if (zeros !== 0) warnOnce(this.#parameters, call, 'the output holds', plainArray(result).find(isNotFinite));
    return result;
  }

  /** Sets the states to zero, to start a new sequence. */
  reset(): void {
    this.#ready('stream.reset');
    this.#plans.resetStates();
  }

  /** The states, a list for each recurrent layer in order: [h, c] for lstm, [h] otherwise, each [1, U]. */
  getStates(): Tensor[][] {
    const call = 'stream.getStates';
    this.#ready(call);
    return readStates(call, this.#plans, this.#recurrent, 1);
  }

  /** Replaces the states; takes the result of `getStates`. */
  setStates(states: readonly (readonly TensorLike[])[]): void {
    const call = 'stream.setStates';
    this.#ready(call);
    const checked = checkStates(call, this.#recurrent, 1, states); // may run user code
    this.#ready(call);
    writeStates(call, this.#plans, this.#recurrent, 1, checked);
  }

  /** The plan of one step; fails after the model was disposed, or its layers changed. */
  #ready(call: string): CompiledPlan {
    if (this.#parameters.isFree) fail(call, 'the model must not be disposed of or changed while it is streamed');
    const { version } = this.#parameters;
    if (this.#plan && version === this.#version) return this.#plan;
    this.#plan = this.#plans.prepare(call, 1, this.#samples, 'predict');
    this.#version = version;
    return this.#plan;
  }
}

limitMethodArguments(Stream, 'stream');

/** Copies the numbers of an array; reads each element once. */
function readStep(call: string, input: unknown, count: number): Float32Array {
  const rule = 'input must be a Float32Array or an array of numbers';
  if (!Array.isArray(input)) fail(call, `${rule}, got ${show(input)}`);
  const numbers = new Float32Array(Math.min(input.length, count + 1));
  for (let i = 0; i < numbers.length; i++) {
    const value: unknown = input[i];
    if (typeof value !== 'number') fail(call, `${rule}, got ${show(input)}`);
    numbers[i] = value;
  }
  return numbers;
}
