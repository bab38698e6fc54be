/** A random graph in plain float64: its outputs, its losses, and their gradients by central differences. */

import { type Block, block } from '../reference/block.ts';
import { type LossName, meanLoss } from '../reference/loss.ts';
import { compute, dropOut, normalizeBatch } from './layers.ts';
import type { Call, Graph, GraphProgram, LayerSpec, Signal } from './spec.ts';

/** A call of a layer that is not a model. */
interface FlatCall extends Call {
  firstOutput: number;
  /** Whether the call only gives its first input another mask, the second input, or none. */
  isMasking?: boolean;
}

/** A number of a weight, and how the total loss changes with it. */
export interface Slope {
  /** The index of the number. */
  n: number;
  value: number;
  /** The difference of the slopes to the right and to the left, which is large at a kink. */
  bend: number;
}

const STEP = 1e-6;

/** The size of weights whose slopes are all computed. */
const SMALL = 12;

/** Cross-entropies, with the activations from whose inputs they are computed. */
const logitActivations: Partial<Record<LossName, string>> = {
  binaryCrossentropy: 'sigmoid',
  categoricalCrossentropy: 'softmax',
  sparseCategoricalCrossentropy: 'softmax',
};

export class GraphEvaluator {
  /** All values, nested ones too, in the numbers of `#outputs` and of the calls. */
  readonly #base: Signal[];
  readonly #calls: FlatCall[] = [];
  readonly #outputs: number[];
  readonly #isRead: boolean[];
  readonly #losses: number[];

  constructor(
    private readonly program: GraphProgram,
    private readonly weights: readonly (readonly Block[])[],
    inputs: readonly Block[],
    private readonly targets: readonly Block[],
    /** The number of training batches before this one; null if this is none. */
    private readonly trained: number | null,
  ) {
    const values = inputs.map((input): Signal => ({ values: input, mask: null }));
    this.#outputs = this.#run(
      program.graph,
      values.map((_, n) => n),
      values,
    );
    this.#base = values;
    this.#isRead = this.#findReaders();
    this.#losses = this.#outputs.map((_, n) => this.#lossOf(n, values));
  }

  get outputs(): Signal[] {
    return this.#outputs.map(n => this.#base[n]!);
  }

  /** The layers of all calls, with the values they read and return. */
  get calls(): { spec: LayerSpec; inputs: Signal[]; outputs: Signal[] }[] {
    return this.#calls.flatMap(({ layer, inputs, initialState, firstOutput, isMasking }, n) => {
      if (isMasking) return [];
      const read = [...inputs, ...initialState].map(value => this.#base[value]!);
      const outputs = this.#base.slice(firstOutput, this.#calls[n + 1]?.firstOutput);
      return [{ spec: this.program.layers[layer]!, inputs: read, outputs }];
    });
  }

  /** The weighted sum of the losses and, if there are several, each loss. */
  get results(): number[] {
    return this.#losses.length === 1 ? [this.#total(this.#losses)] : [this.#total(this.#losses), ...this.#losses];
  }

  /**
   * The slopes of the total loss by numbers of the weights of a layer, weight by weight: by all numbers of small weights, and
   * every third of others, first, second or third by the seed, because each takes two evaluations.
   */
  slopes(layer: number): Slope[][] {
    const calls: FlatCall[] = [];
    const dirty = new Set<number>();
    for (const [n, call] of this.#calls.entries()) {
      if (
        (call.layer !== layer || call.isMasking) &&
        ![...call.inputs, ...call.initialState].some(value => dirty.has(value))
      )
        continue;
      calls.push(call);
      const end = this.#calls[n + 1]?.firstOutput ?? this.#base.length;
      for (let value = call.firstOutput; value < end; value++) dirty.add(value);
    }
    const values = [...this.#base];
    const totalNow = () => {
      for (const call of calls) this.#compute(call, values);
      return this.#total(
        this.#outputs.map((value, n) => (dirty.has(value) ? this.#lossOf(n, values) : this.#losses[n]!)),
      );
    };
    const middle = this.#total(this.#losses);
    return this.weights[layer]!.map(({ data }) => {
      const isChosen = (n: number) => data.length <= SMALL || (n + this.program.seed) % 3 === 0;
      return [...data.keys()].filter(isChosen).map((n): Slope => {
        const weight = data[n]!;
        data[n] = weight + STEP;
        const ahead = totalNow();
        data[n] = weight - STEP;
        const behind = totalNow();
        data[n] = weight;
        return { n, value: (ahead - behind) / (2 * STEP), bend: (ahead - 2 * middle + behind) / STEP };
      });
    });
  }

  /** Computes a graph on values that are there already, and returns the numbers of its outputs. */
  #run(graph: Graph, inputs: readonly number[], values: Signal[], isNeverTraining = false): number[] {
    const numbers = [...inputs];
    for (const { layer, ...call } of graph.calls) {
      const [read, initialState] = [call.inputs, call.initialState].map(list => list.map(n => numbers[n]!)) as [
        number[],
        number[],
      ];
      const own = { layer, isNeverTraining: isNeverTraining || call.isNeverTraining };
      for (const [n, mask] of (call.masks ?? []).entries()) {
        // Without time steps, an input has no mask
        if (values[read[n]!]!.values.shape.length < 3) continue;
        const masked = { ...own, inputs: mask === null ? [read[n]!] : [read[n]!, numbers[mask]!], initialState: [] };
        read[n] = values.length;
        this.#add({ ...masked, firstOutput: values.length, isMasking: true }, values);
      }
      const spec = this.program.layers[layer]!;
      if (spec.kind === 'model') {
        numbers.push(...this.#run(spec.graph, read, values, own.isNeverTraining));
        continue;
      }
      const flat = { ...own, inputs: read, initialState, firstOutput: values.length };
      this.#add(flat, values);
      for (let n = flat.firstOutput; n < values.length; n++) numbers.push(n);
    }
    return graph.outputs.map(n => numbers[n]!);
  }

  #add(call: FlatCall, values: Signal[]): void {
    this.#calls.push(call);
    this.#compute(call, values);
  }

  #compute(call: FlatCall, values: Signal[]): void {
    const read = [...call.inputs, ...call.initialState].map(n => values[n]!);
    for (const [n, output] of this.#outputsOf(call, read).entries()) values[call.firstOutput + n] = output;
  }

  #outputsOf({ layer, isMasking, isNeverTraining }: FlatCall, read: readonly Signal[]): Signal[] {
    const [{ values, mask }, given] = read as [Signal, Signal?];
    if (isMasking) return [{ values, mask: given?.values.data ?? null }];
    const spec = this.program.layers[layer]!;
    const trained = isNeverTraining ? null : this.trained;
    if (spec.kind === 'batchNormalization' && trained !== null) {
      return [normalizeBatch(spec, this.weights[layer]!, read[0]!)];
    }
    if (spec.kind !== 'dropout') return compute(spec, this.weights[layer]!, read);
    return [trained === null ? { values, mask } : dropOut(spec, read[0]!, trained)];
  }

  #lossOf(n: number, signals: readonly Signal[]): number {
    const { values, mask } = signals[this.#outputs[n]!]!;
    const logits = this.#logitsOf(n, signals);
    const options = { N: values.shape.at(-1)!, ...(mask && { mask }), ...(logits && { logits: true }) };
    return meanLoss(this.program.outputs[n]!.loss, logits ?? values.data, this.targets[n]!.data, options);
  }

  /** From what a loss is computed instead of probabilities that only it reads. */
  #logitsOf(n: number, signals: readonly Signal[]): Float64Array | null {
    const { logits = null, activation } = signals[this.#outputs[n]!]!;
    return this.#isRead[n] || activation !== logitActivations[this.program.outputs[n]!.loss] ? null : logits;
  }

  /** For each output, whether a call or another output reads it. */
  #findReaders(): boolean[] {
    const calls = this.#calls.flatMap(({ inputs, initialState }) => [...inputs, ...initialState]);
    const reads = [...this.#outputs, ...calls];
    return this.#outputs.map(value => reads.filter(read => read === value).length > 1);
  }

  #total(losses: readonly number[]): number {
    return losses.reduce((sum, loss, n) => sum + loss * this.program.outputs[n]!.weight, 0);
  }
}

/** Copies of weights, which `slopes` changes for a moment. */
export const copiesOf = (weights: readonly Block[]): Block[] => weights.map(({ shape, data }) => block(shape, data));
