/** The plan of a custom layer: where its call reads and writes, and the call itself, forward and backward. */

import { hostContext } from '../../plan/hostContext.ts';
import {
  type KernelFunctions,
  type Mask,
  type Offset,
  type PlannedCall,
  type Planner,
  parameterFields,
  type Rows,
  type Signal,
  type Signals,
} from '../../plan/planner.ts';
import { readRows, writeRows } from '../../plan/rowNumbers.ts';
import { gradientsThrough } from '../../tensor/gradients.ts';
import { type Recorded, recording } from '../../tensor/tape.ts';
import { Tensor } from '../../tensor/tensor.ts';
import { fail, show } from '../../util/errors.ts';
import { FLOAT } from '../../util/memorySizes.ts';
import { type Shape, showShape, sizeOf } from '../../util/shapes.ts';
import { currentBatch, float32, int32, setBatch } from '../../wasm/engine.ts';
import { LayerVariable } from './layerVariable.ts';

/** The arguments of `call` beside the inputs. */
export interface CallArguments {
  /** Whether dropout and the like are active: true in training. */
  readonly training: boolean;
  /**
   * Which time steps count, [batch, timeSteps], a bool tensor; for several inputs, a list with null for those without.
   * Absent if no input has a mask.
   */
  readonly mask?: Tensor | (Tensor | null)[];
}

/** What a plan needs of a custom layer. */
export interface PlannedLayer {
  readonly name: string;
  /** Describes it in error messages. */
  readonly title: string;
  /** The number of axes of each input. */
  readonly ranks: readonly number[];
  readonly supportsMasking: boolean;
  /** Whether its class computes masks. */
  readonly ownsMask: boolean;
  readonly variables: readonly LayerVariable[];
  /** Where each weight is among the packed weights, in bytes. */
  readonly offsets: readonly number[];
  isTrainable(): boolean;
  outputShapes(inputs: readonly Shape[]): Shape[];
  call(inputs: Tensor[], kwargs: CallArguments): unknown;
  computeMask(inputs: Tensor[], masks: (Tensor | null)[]): unknown;
  /** Calls a method of the user, and names it in errors. */
  guard<T>(call: string, method: string, run: () => T): T;
}

/** An input or output of a call. */
interface End extends Signal {
  readonly shape: readonly number[];
}

/** What backward needs of a forward pass. */
interface Trace {
  readonly calls: readonly Recorded[];
  readonly inputs: readonly Tensor[];
  readonly weights: readonly Tensor[];
  readonly outputs: readonly Tensor[];
}

export function planCustom(
  layer: PlannedLayer,
  planner: Planner,
  inputs: Signals,
  { name, offsets }: PlannedCall,
): Signals {
  const { batch } = planner;
  const shapes = inputs.map(({ y }, n) => (layer.ranks[n] === 3 ? [batch, y.steps, y.width] : [batch, y.width]));
  const masked = inputs.find(({ mask }) => mask);
  const outputs = layer.outputShapes(shapes).map((shape, n): End => {
    const [steps, width] = shape.length === 3 ? [shape[1]!, shape[2]!] : [1, shape[1]!];
    const y = planner.rows(`${name}/y${n}`, steps, width);
    const dy = planner.gradientRows(`${name}/dy${n}`, steps, width);
    let mask: Mask | null = null;
    if (shape.length === 3 && layer.ownsMask) mask = planner.mask(`${name}/mask${n}`, steps);
    else if (shape.length === 3 && masked && layer.supportsMasking) {
      if (masked.y.steps !== steps) {
        fail(layer.name, 'the layer must override computeMask, because its output has other time steps than its mask');
      }
      mask = masked.mask;
    }
    return { y, dy, mask, shape: shape as number[] };
  });
  const ends = inputs.map((signal, n): End => ({ ...signal, shape: shapes[n]! }));
  const call = new CustomCall(layer, planner, ends, outputs, offsets.parameters);
  planner.calls.push({ kind: 'host', values: call.values, functions: call });
  return outputs.map(({ y, dy, mask }): Signal => ({ y, dy, mask })) as unknown as Signals;
}

/** One call of a custom layer in a plan. */
class CustomCall implements KernelFunctions {
  /** What `#at` finds the addresses of. */
  readonly values: (number | Offset)[] = [];
  readonly #places = new Map<Offset, number>();
  readonly #layer: PlannedLayer;
  readonly #inputs: readonly End[];
  readonly #outputs: readonly End[];
  readonly #training: boolean;
  readonly #needsGradients: boolean;
  readonly #w: Offset;
  readonly #dw: Offset | null;
  /** Null after backward, so that its tensors can be freed. */
  #trace: Trace | null = null;
  #written: readonly (Tensor | null)[] = [];

  constructor(
    layer: PlannedLayer,
    planner: Planner,
    inputs: readonly End[],
    outputs: readonly End[],
    parameters: number,
  ) {
    this.#layer = layer;
    this.#inputs = inputs;
    this.#outputs = outputs;
    this.#training = planner.dropsOut;
    this.#needsGradients = planner.needsGradients;
    const { w, dw } = parameterFields(planner, parameters) as { w: Offset; dw: Offset | 0 };
    this.#w = w;
    this.#dw = dw === 0 ? null : dw;
    for (const { y, dy, mask } of [...inputs, ...outputs]) {
      for (const offset of [y.start, dy?.start, mask?.start]) if (offset) this.#add(offset);
    }
    this.#add(w);
    if (this.#dw) this.#add(this.#dw);
  }

  #add(offset: Offset): void {
    if (this.#places.has(offset)) return;
    this.#places.set(offset, this.values.length);
    this.values.push(offset);
  }

  /** The index of an offset in float32 memory. */
  #at(plan: number, offset: Offset): number {
    return int32()[plan / FLOAT + this.#places.get(offset)!]! / FLOAT;
  }

  // ------------------------------------------------------------------------------------------------------- forward

  forward(plan: number): void {
    this.#trace = null;
    this.#written = [];
    const layer = this.#layer;
    const context = hostContext();
    const call = context?.call ?? layer.name;
    const inputs = this.#inputs.map(({ y, shape }) => new Tensor(this.#read(plan, y), shape));
    const masks = this.#inputs.map(input => this.#readMask(plan, input));
    const weights = this.#readWeights(plan);
    const trained = layer.isTrainable() ? weights.filter((_, n) => layer.variables[n]!.trainable) : [];
    const isSingle = inputs.length === 1;
    const kwargs: CallArguments = {
      training: this.#training,
      ...(masks.some(mask => mask) && { mask: isSingle ? masks[0]! : masks }),
    };
    const followed = this.#needsGradients ? [...inputs.filter((_, n) => this.#inputs[n]!.dy), ...trained] : [];
    const batch = currentBatch();
    const run = () => {
      const outputs = this.#checkOutputs(
        call,
        layer.guard(call, 'call', () => layer.call([...inputs], kwargs)),
      );
      if (!layer.ownsMask) return { outputs, masks: [] };
      const given = layer.guard(call, 'computeMask', () => layer.computeMask([...inputs], [...masks]));
      return { outputs, masks: this.#checkMasks(call, given) };
    };
    const { result, written } = LayerVariable.during(layer.variables, weights, () => recording(followed, run));
    const { calls, result: found } = result;
    context?.check();
    if (currentBatch() !== batch) setBatch(batch); // another model may have run meanwhile
    const memory = float32();
    for (const [n, { y }] of this.#outputs.entries()) {
      writeRows(memory, this.#at(plan, y.start), y, found.outputs[n]!.dataSync());
    }
    for (const [n, mask] of found.masks.entries()) this.#writeMask(plan, this.#outputs[n]!, mask);
    this.#written = written;
    if (followed.length > 0) this.#trace = { calls, inputs, weights, outputs: found.outputs };
  }

  #read(plan: number, rows: Rows): Float32Array {
    return readRows(float32(), this.#at(plan, rows.start), rows);
  }

  #readWeights(plan: number): Tensor[] {
    const [memory, start] = [float32(), this.#at(plan, this.#w)];
    return this.#layer.variables.map(({ shape }, n) => {
      const from = start + this.#layer.offsets[n]! / FLOAT;
      return new Tensor(memory.slice(from, from + sizeOf(shape)), shape);
    });
  }

  #readMask(plan: number, { mask, y, shape }: End): Tensor | null {
    if (!mask || shape.length !== 3) return null;
    const [memory, start] = [float32(), this.#at(plan, mask.start)];
    const counts = Uint8Array.from({ length: y.rows * y.steps }, (_, n) => {
      const [b, t] = [Math.floor(n / y.steps), n % y.steps];
      return Number(memory[start + b + (t * mask.step) / FLOAT] !== 0);
    });
    return new Tensor(counts, [y.rows, y.steps]);
  }

  /** @param counts null if all steps count */
  #writeMask(plan: number, { mask, y }: End, counts: Tensor | null): void {
    if (!mask) return;
    const [memory, start, numbers] = [float32(), this.#at(plan, mask.start), counts?.dataSync()];
    for (let t = 0; t < y.steps; t++) {
      const to = start + (t * mask.step) / FLOAT;
      memory.fill(0, to, to + mask.step / FLOAT);
      for (let b = 0; b < y.rows; b++) memory[to + b] = Number(numbers?.[b * y.steps + t] !== 0);
    }
  }

  #checkOutputs(call: string, given: unknown): Tensor[] {
    const what = `call of ${this.#layer.title}`;
    return this.#list(call, what, 'tensor', given).map((value, n) => {
      const { shape } = this.#outputs[n]!;
      if (!(value instanceof Tensor)) fail(call, `${what} must return a tensor, got ${show(value)}`);
      checkTensor(call, what, value, shape, ', as computeOutputShape does');
      return value;
    });
  }

  #checkMasks(call: string, given: unknown): (Tensor | null)[] {
    const what = `computeMask of ${this.#layer.title}`;
    return this.#list(call, what, 'mask', given).map((value, n) => {
      const { shape } = this.#outputs[n]!;
      if (value === null || value === undefined || shape.length === 2) return null;
      if (!(value instanceof Tensor)) fail(call, `${what} must return a tensor or null, got ${show(value)}`);
      checkTensor(call, what, value, shape.slice(0, 2), '');
      return value;
    });
  }

  /** One value for each output. */
  #list(call: string, what: string, kind: string, given: unknown): unknown[] {
    const count = this.#outputs.length;
    const list = Array.isArray(given) ? given : [given];
    if (list.length === count || (kind === 'mask' && (given ?? null) === null)) {
      return Array.from({ length: count }, (_, n) => list[n]);
    }
    return fail(call, `${what} must return ${count === 1 ? `a ${kind}` : `${count} ${kind}s`}, got ${list.length}`);
  }

  // ------------------------------------------------------------------------------------------------------ backward

  backward(plan: number): void {
    const trace = this.#trace;
    this.#trace = null;
    if (!trace) return;
    const { calls, inputs, weights, outputs } = trace;
    const layer = this.#layer;
    const call = hostContext()?.call ?? layer.name;
    const seeds = this.#outputs.map(({ dy, shape }) => new Tensor(this.#read(plan, dy!), shape));
    const gradients = layer.guard(call, 'the gradient', () =>
      gradientsThrough(calls, [...inputs, ...weights], outputs, seeds).map(one => one?.dataSync() ?? null),
    );
    const memory = float32();
    for (const [n, { dy }] of this.#inputs.entries()) {
      if (dy) writeRows(memory, this.#at(plan, dy.start), dy, gradients[n]!);
    }
    const start = this.#at(plan, this.#dw!);
    for (const [n, { trainable }] of layer.variables.entries()) {
      const gradient = gradients[inputs.length + n];
      if (!gradient || !trainable) continue;
      const to = start + layer.offsets[n]! / FLOAT;
      for (let i = 0; i < gradient.length; i++) memory[to + i]! += gradient[i]!;
    }
  }

  rewind(): void {
    this.#trace = null;
    this.#written = [];
  }

  commit(plan: number): void {
    for (const [n, values] of this.#written.entries()) {
      if (values) float32().set(values.dataSync(), this.#at(plan, this.#w) + this.#layer.offsets[n]! / FLOAT);
    }
    this.#written = [];
  }
}

function checkTensor(call: string, what: string, value: Tensor, shape: Readonly<Shape>, as: string): void {
  if (showShape(value.shape) !== showShape(shape)) {
    fail(call, `${what} must return a tensor of the shape ${showShape(shape)}${as}, got ${showShape(value.shape)}`);
  }
  if (value.dataSync().length !== sizeOf(value.shape)) fail(call, `${what} must return a tensor with numbers`);
}
