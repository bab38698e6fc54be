/** What a recurrent layer computes on its way: gates and states at every time step, read from where kernels keep them. */

import { readBatch } from '../inputs/batches.ts';
import { Layer } from '../layers/layer.ts';
import { Recurrent } from '../layers/recurrent/recurrent.ts';
import type { CompiledPlan } from '../plan/compiledPlan.ts';
import type { TensorLike } from '../tensor/read.ts';
import { Tensor } from '../tensor/tensor.ts';
import { fail, show } from '../util/errors.ts';
import { floatsFor } from '../util/shapes.ts';
import { isNotFinite, warnOnce } from '../util/warning.ts';
import { float32 } from '../wasm/engine.ts';
import { gruGateNumbers, lstmGateNumbers } from '../wasm/shared.generated.ts';
import type { ModelView } from './modelView.ts';

/**
 * Tensors [B, T, U] by their letters: i, f, g, o, c, h of an lstm, z, r, n, h of a gru, h of a simpleRNN. Steps are in
 * the order in which the layer takes them. Gates mean nothing where a mask skips a step.
 */
export interface Inspection {
  [letter: string]: Tensor;
  h: Tensor;
}

/** The gates of each cell, in the order of the kernels; one that is not shown has no letter. */
const gates: Record<string, readonly string[]> = {
  LSTMCell: Object.keys(lstmGateNumbers),
  GRUCell: Object.keys(gruGateNumbers).map(gate => (gate === 'a' ? '' : gate)),
  SimpleRNNCell: [],
};

/** The layer whose gates are asked for: itself, or by its name. */
export function inspected(call: string, view: ModelView, layer: unknown): Recurrent {
  const { layers } = view.stack;
  const found = typeof layer === 'string' ? view.stack.find(call, layer) : layer;
  if (!(found instanceof Layer) || !layers.includes(found)) {
    fail(call, `layer must be a layer of the model or its name, got ${show(layer)}`);
  }
  const single = found instanceof Recurrent && found.cells?.length === 1;
  if (!single || !gates[found.cells[0]!.className]) {
    fail(call, `layer must be an lstm, a gru or a simpleRNN, got '${found.name}', which is none`);
  }
  return found;
}

/**
 * Runs a batch as `predict` does and puts the carried states back.
 *
 * @param shape that of x, checked
 */
export function inspectLayer(
  call: string,
  view: ModelView,
  layer: Recurrent,
  x: TensorLike,
  shape: readonly number[],
): Inspection {
  const input = view.inputShape(call);
  const { objective } = view.stack;
  const source = readBatch(call, 'x', x, shape);
  view.expectSame(call, input, objective);
  view.checkInput(call, 'x', source, 0, source.length);
  const plan = view.plans(call).prepare(call, shape[0]!, shape.slice(1), 'predict');
  float32().set(source, plan.input);
  plan.forward();
  plan.rewind();

  const { className, units } = layer.cells[0]!;
  const reader = new Reader(call, plan, layer.name, units);
  const letters = gates[className]!;
  const read = letters.map((letter, n) => (letter ? [[letter, reader.grouped('gates', 0, letters.length, n)]] : []));
  const cells = className === 'LSTMCell' ? [['c', reader.grouped('c', 1, 1, 0)]] : [];
  const h = reader.rows(className === 'GRUCell' ? 'h' : 'hx');
  const wrong = h.dataSync().find(isNotFinite);
  if (wrong !== undefined) warnOnce(view.parameters(call), call, 'h holds', wrong);
  return { ...Object.fromEntries([...read.flat(), ...cells]), h };
}

/** The buffers of one layer, taken out of the order of the kernels. */
class Reader {
  readonly #call: string;
  readonly #bound: CompiledPlan;
  readonly #layer: string;
  readonly #units: number;

  constructor(call: string, bound: CompiledPlan, layer: string, units: number) {
    this.#call = call;
    this.#bound = bound;
    this.#layer = layer;
    this.#units = units;
  }

  /** From [T, G, B, parts, 4], where groups may stand farther apart than they are long. */
  grouped(name: string, firstSlot: number, parts: number, part: number): Tensor {
    const { from, shape } = this.#find(name);
    const groups = shape[1]!;
    const apart = shape.slice(2).reduce((product, n) => product * n, 1);
    return this.#collect(shape[0]! - firstSlot, (b, t, u) => {
      const group = ((t + firstSlot) * groups + (u >> 2)) * apart;
      return from + group + (b * parts + part) * 4 + (u & 3);
    });
  }

  /** h, which has a slot for the state before the first step: [T+1, B, row]. */
  rows(name: string): Tensor {
    const { from, shape } = this.#find(name);
    const [slots, batch, row] = shape as [number, number, number];
    return this.#collect(slots - 1, (b, t, u) => from + ((t + 1) * batch + b) * row + u);
  }

  #find(name: string): { from: number; shape: readonly number[] } {
    const { place, shape } = this.#bound.plan.buffers.find(buffer => buffer.name === `${this.#layer}/${name}`)!;
    return { from: this.#bound.indexOf(place), shape };
  }

  #collect(steps: number, at: (b: number, t: number, u: number) => number): Tensor {
    const shape = [this.#bound.plan.batch, steps, this.#units];
    const [batch, , units] = shape as [number, number, number];
    const out = floatsFor(this.#call, 'the numbers of the layer', shape);
    const memory = float32();
    let next = 0;
    for (let b = 0; b < batch; b++) {
      for (let t = 0; t < steps; t++) {
        for (let u = 0; u < units; u++) out[next++] = memory[at(b, t, u)]!;
      }
    }
    return new Tensor(out, shape);
  }
}
