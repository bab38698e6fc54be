/** A loaded model that predicts. */

import { limitMethodArguments } from '../util/arguments.ts';
import { fail, show } from '../util/errors.ts';
import { FLOAT } from '../util/memorySizes.ts';
import { checkCount, checkOptions } from '../util/options.ts';
import { copyNested, floatsFor, isTypedArray, type NestedNumbers, shapeOfNested, showShape } from '../util/shapes.ts';
import type { FileModel, PredictLayer } from './fileLayer.ts';
import type { KernelMemory } from './memory.ts';
import { placeStates, type WrittenPlan, writePlan } from './plan.ts';

/** Numbers and their shape: what `predict` returns, and takes beside nested arrays. */
export interface Numbers {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

/** Options of `predict`. */
export interface PredictOptions {
  /** Default 32, or the batch size of the model if that is fixed. */
  batchSize?: number;
}

const DEFAULT_BATCH = 32;

interface Parts {
  readonly memory: KernelMemory;
  readonly layers: readonly PredictLayer[];
  readonly weights: { readonly address: number; readonly offsets: readonly number[] };
}

/** A model of `loadModel`. Its memory is collected with it. */
export class PredictModel {
  readonly #parts: Parts;
  readonly #batch: number | null;
  /** The time steps of the input, if they are fixed; null for any; 0 if the input has none. */
  readonly #steps: number | null;
  readonly #states: { address: number; offsets: number[]; all: boolean; bytes: number } | null;
  #plan: WrittenPlan | null = null;
  #planned = '';
  #workspace = { address: 0, bytes: 0 };

  /** @internal */
  constructor(call: string, memory: KernelMemory, { layers, inputShape }: FileModel) {
    const size = (n: unknown) => (typeof n === 'number' && n > 0 ? n : null);
    this.#batch = size(inputShape?.[0]);
    const hasSteps = inputShape ? inputShape.length === 3 : layers.some(({ isRecurrent }) => isRecurrent);
    this.#steps = hasSteps ? size(inputShape?.[1]) : 0;
    const count = layers.reduce((sum, { parameterCount }) => sum + parameterCount, 0);
    const address = memory.allocate(call, count * FLOAT);
    let offset = 0;
    const offsets = layers.map(layer => {
      const start = offset;
      offset += layer.parameterCount * FLOAT;
      return start;
    });
    const largest = Math.max(...layers.map(({ matrices }) => matrices.reduce((sum, m) => sum + m.values.length, 0)));
    const scratch = memory.allocate(call, largest * FLOAT);
    for (const [n, layer] of layers.entries()) {
      let at = scratch;
      const matrices = layer.matrices.map(({ values }) => {
        const start = at;
        memory.floats.set(values, start / FLOAT);
        at += values.length * FLOAT;
        return start;
      });
      layer.pack(memory.kernels, address + offsets[n]!, matrices);
    }
    this.#parts = { memory, layers, weights: { address, offsets } };
    this.#workspace = { address: scratch, bytes: largest * FLOAT };
    this.#states = null;
    if (layers.some(({ stateful }) => stateful)) {
      if (this.#batch === null) fail(call, 'a stateful model must have a fixed batch size, got none');
      const placed = placeStates(layers, this.#batch!);
      this.#states = { ...placed, address: memory.allocate(call, placed.bytes), all: false };
    }
  }

  /** The shape of a batch of the input; null for open axes. */
  get inputShape(): (number | null)[] {
    const { inputs } = this.#parts.layers[0]!;
    return this.#steps === 0 ? [this.#batch, inputs] : [this.#batch, this.#steps, inputs];
  }

  /**
   * Predictions for any number of samples, batch by batch: the bits of `model.predict` in `lstm-wasm`.
   *
   * @param x [N, T, D] or [N, D], in nested arrays, or as { data, shape }
   */
  predict(x: NestedNumbers | Numbers, options?: PredictOptions): Numbers {
    const call = 'model.predict';
    const { batchSize } = checkOptions<PredictOptions>(call, options, ['batchSize']);
    const given = batchSize === undefined ? (this.#batch ?? DEFAULT_BATCH) : checkCount(call, 'batchSize', batchSize);
    if (this.#batch !== null && given !== this.#batch) {
      fail(call, `batchSize must be ${this.#batch}, the batch size of the model, got ${given}`);
    }
    const { data, shape } = readNumbers(call, x);
    this.#checkShape(call, shape);
    const [samples, steps] = [shape[0]!, shape.length === 3 ? shape[1]! : 1];
    const each = steps * shape.at(-1)!;
    const last = this.#parts.layers.every(({ keepsSteps }) => keepsSteps) && shape.length === 3;
    const units = this.#parts.layers.at(-1)!.units;
    const outShape = last ? [samples, steps, units] : [samples, units];
    const out = floatsFor(call, 'the predictions', outShape);
    const outEach = (last ? steps : 1) * units;
    for (let from = 0; from < samples; from += given) {
      const count = Math.min(given, samples - from);
      const plan = this.#planFor(call, count, steps);
      const { memory } = this.#parts;
      memory.floats.set(data.subarray(from * each, (from + count) * each), plan.input);
      const result = plan.run();
      out.set(memory.floats.subarray(result, result + count * outEach), from * outEach);
    }
    return { data: out, shape: outShape };
  }

  #checkShape(call: string, shape: readonly number[]): void {
    const expected = this.inputShape;
    const fits =
      shape.length === expected.length &&
      shape.every((size, axis) => size > 0 && (axis === 0 || expected[axis] === null || size === expected[axis]));
    if (!fits) fail(call, `x must have the shape ${showShape([null, ...expected.slice(1)])}, got ${showShape(shape)}`);
    if (this.#batch !== null && shape[0]! % this.#batch !== 0) {
      fail(call, `x must hold a multiple of ${this.#batch} samples, the model's batch size, got ${shape[0]}`);
    }
  }

  #planFor(call: string, batch: number, steps: number): WrittenPlan {
    const key = `${batch} ${steps}`;
    if (this.#plan && this.#planned === key) return this.#plan;
    const { memory, layers, weights } = this.#parts;
    this.#plan = writePlan(memory, layers, weights, { batch, steps }, this.#states, bytes => {
      if (bytes > this.#workspace.bytes) {
        const most = Math.max(bytes, 2 * this.#workspace.bytes);
        this.#workspace = { address: memory.allocate(call, most), bytes: most };
      }
      return this.#workspace.address;
    });
    this.#planned = key;
    return this.#plan;
  }

  /** Sets the carried states of stateful layers to zero. */
  resetStates(): void {
    if (!this.#states) return;
    const { address, bytes } = this.#states;
    this.#parts.memory.floats.fill(0, address / FLOAT, (address + bytes) / FLOAT);
  }

  /** Predictions of one sample, one time step at a time. The stream carries states of its own. */
  stream(): PredictStream {
    const call = 'model.stream';
    const { layers } = this.#parts;
    if (layers.some(({ looksAhead }) => looksAhead)) {
      fail(call, 'a layer must not read time steps that are still to come, got go_backwards');
    }
    return new PredictStream(call, this.#parts);
  }
}

/** A stream; create one with `model.stream()`. */
export class PredictStream {
  readonly #memory: KernelMemory;
  readonly #plan: WrittenPlan;
  readonly #width: number;
  readonly #states: { readonly address: number; readonly bytes: number };

  /** @internal */
  constructor(call: string, { memory, layers, weights }: Parts) {
    const placed = placeStates(layers, 1);
    this.#memory = memory;
    this.#width = layers[0]!.inputs;
    this.#states = { address: memory.allocate(call, placed.bytes), bytes: placed.bytes };
    const states = { ...placed, address: this.#states.address, all: true };
    this.#plan = writePlan(memory, layers, weights, { batch: 1, steps: 1 }, states, bytes =>
      memory.allocate(call, bytes),
    );
  }

  /**
   * Computes the next time step.
   *
   * @param input the D numbers of the step
   * @param out receives the U numbers of the output
   * @returns out, or a new array
   */
  step(input: ArrayLike<number>, out?: Float32Array): Float32Array {
    const call = 'stream.step';
    const { outputWidth } = this.#plan;
    if (!(Array.isArray(input) || isTypedArray(input)) || input.length !== this.#width) {
      fail(call, `input must be ${this.#width} numbers, got ${show(input)}`);
    }
    const numbers = Float32Array.from(input, value =>
      typeof value === 'number' ? value : fail(call, `input must be numbers, got ${show(value)}`),
    );
    if (out !== undefined && !(out instanceof Float32Array && out.length === outputWidth)) {
      fail(call, `out must be a Float32Array of ${outputWidth} numbers, got ${show(out)}`);
    }
    this.#memory.floats.set(numbers, this.#plan.input);
    const at = this.#plan.run();
    const result = out ?? new Float32Array(outputWidth);
    result.set(this.#memory.floats.subarray(at, at + outputWidth));
    return result;
  }

  /** Sets the states to zero. */
  reset(): void {
    const { address, bytes } = this.#states;
    this.#memory.floats.fill(0, address / FLOAT, (address + bytes) / FLOAT);
  }
}

limitMethodArguments(PredictModel, 'model');
limitMethodArguments(PredictStream, 'stream');

function readNumbers(call: string, x: unknown): Numbers {
  if (Array.isArray(x)) {
    const shape = shapeOfNested(call, 'x', x as NestedNumbers);
    const data = floatsFor(call, 'x', shape);
    copyNested(call, 'x', x as NestedNumbers, shape, data, 0);
    return { data, shape };
  }
  const { data, shape } = (x ?? {}) as Partial<Numbers>;
  if (!(data instanceof Float32Array) || !Array.isArray(shape)) {
    fail(call, `x must be nested arrays or { data: Float32Array, shape }, got ${show(x)}`);
  }
  const size = (shape as readonly number[]).reduce((all, n) => all * n, 1);
  if (size !== data!.length) fail(call, `x.data must have the ${size} numbers of x.shape, got ${data!.length}`);
  return { data: data!, shape: [...(shape as readonly number[])] };
}
