/** What the generator of random graphs draws: numbers, layers of one kind, and their calls. */

import type { ActivationName } from '../reference/activations.ts';
import { Random } from '../reference/random.ts';
import { type MaskedShape, masksOf, outputsOf } from './shapes.ts';
import type { CellSpec, Graph, LayerSpec, RecurrentSpec, Shape } from './spec.ts';

export interface Value extends MaskedShape {
  n: number;
  /** Whether a call or the model reads it. */
  read: boolean;
  /** A final state of a recurrent layer, or another output that needs no reader. */
  isOptional: boolean;
  /** Whether no further call reads it, such as the input of a masking layer, which has no mask. */
  isHidden?: boolean;
}

export interface CallOptions {
  /** The masks to give for the inputs. */
  masks?: (Value | null)[];
  isNeverTraining?: boolean;
}

/** A graph without outputs yet. */
export interface Draft {
  graph: Graph;
  values: Value[];
  /** What looks up ids or makes the masks of inputs. */
  bottoms: Value[];
}

const IDS = 4;
const MAX_WIDTH = 10;
const MAX_STEPS = 10;

export const smooth = [
  'tanh',
  'tanh',
  'tanh',
  'sigmoid',
  'softsign',
  'swish',
  'gelu',
  'elu',
  'softplus',
  'linear',
] as const;
const gates = ['sigmoid', 'sigmoid', 'tanh', 'softsign'] as const;

/** A graph that is being drawn. */
export class GraphDrawing {
  protected readonly seed: number;
  protected readonly random: Random;
  protected readonly layers: LayerSpec[] = [];
  protected open = false;
  protected masksAll = false;
  protected lengths: number[] = [];
  protected usualWidth = 1;

  constructor(seed: number) {
    this.seed = seed;
    this.random = new Random(seed);
  }

  protected whole(least: number, most: number): number {
    return least + (this.random.bits() % (most - least + 1));
  }

  protected chance(probability: number): boolean {
    return this.random.bits() < probability * 2 ** 32;
  }

  protected pick<T>(list: readonly T[]): T {
    return list[this.random.bits() % list.length]!;
  }

  protected width(): number {
    return this.chance(0.6) ? this.usualWidth : this.whole(1, 5);
  }

  /** Adds a layer and its first call; does nothing and returns false if the layer cannot take the inputs. */
  protected apply(
    draft: Draft,
    spec: LayerSpec,
    inputs: Value[],
    initialState: Value[] = [],
    options: CallOptions = {},
  ): boolean {
    this.layers.push(spec);
    const done = this.call(draft, this.layers.length - 1, inputs, initialState, options);
    if (!done) this.layers.pop();
    return done;
  }

  protected call(
    { graph, values }: Draft,
    layer: number,
    inputs: Value[],
    initialState: Value[] = [],
    { masks, isNeverTraining }: CallOptions = {},
  ): boolean {
    const spec = this.layers[layer]!;
    const shapes = outputsOf(this.layers, spec, inputs);
    if (!shapes || shapes.some(({ steps, width }) => width > MAX_WIDTH || (steps ?? 1) > MAX_STEPS)) return false;
    const given = masks?.map(mask => mask?.n ?? null);
    for (const value of [...inputs, ...initialState, ...(masks ?? [])]) if (value) value.read = true;
    const [read, states] = [inputs, initialState].map(list => list.map(({ n }) => n)) as [number[], number[]];
    graph.calls.push({ layer, inputs: read, initialState: states, masks: given, isNeverTraining });
    const areMasked = masksOf(
      this.layers,
      spec,
      inputs.map((value, n) => (masks ? { ...value, isMasked: masks[n] !== null && value.steps !== null } : value)),
    );
    for (const [n, { steps, width }] of shapes.entries()) {
      values.push({
        steps,
        width,
        n: values.length,
        isMasked: areMasked[n] ?? false,
        read: false,
        isOptional: n > 0 && spec.kind !== 'model' && (n > 1 || !hasSecond(spec)),
      });
    }
    return true;
  }

  protected dense(
    steps: number | null,
    activation: ActivationName | 'softmax' = this.pick(smooth),
    units = this.width(),
  ) {
    const wrapped = steps !== null && this.chance(0.2);
    return { kind: 'dense', units, activation, useBias: this.chance(0.8), wrapped } as const;
  }

  protected conv1d() {
    const [strides, dilationRate] = this.pick([
      [1, 1],
      [1, 1],
      [2, 1],
      [3, 1],
      [1, 2],
    ] as const);
    return {
      kind: 'conv1d',
      filters: this.width(),
      kernelSize: this.whole(1, 4),
      strides,
      dilationRate,
      padding: this.pick(['valid', 'same', 'causal'] as const),
      activation: this.pick(smooth),
      useBias: this.chance(0.8),
    } as const;
  }

  /** A normalization, with an epsilon that keeps slopes of few rows small. */
  protected normalization() {
    const options = { center: this.chance(0.8), scale: this.chance(0.8), epsilon: this.pick([0.25, 0.5, 1]) };
    if (this.chance(0.5)) return { kind: 'layerNormalization', ...options } as const;
    return { kind: 'batchNormalization', momentum: 1, ...options } as const;
  }

  protected pooling() {
    return {
      kind: this.pick(['averagePooling1d', 'averagePooling1d', 'maxPooling1d'] as const),
      poolSize: this.whole(1, 3),
      strides: this.whole(1, 2),
      padding: this.pick(['valid', 'same'] as const),
    } as const;
  }

  /** @param alone whether it is the only cell of its layer */
  protected cell(units: number, alone = false): CellSpec {
    const plain = this.chance(0.6);
    return {
      kind: this.pick(['lstm', 'gru', 'simpleRNN', ...(alone ? (['minGRU', 'minLSTM'] as const) : [])]),
      units,
      activation: plain ? 'tanh' : this.pick(['tanh', 'softsign', 'sigmoid', 'elu', 'gelu']),
      recurrentActivation: plain ? 'sigmoid' : this.pick(gates),
      useBias: this.chance(0.8),
      resetAfter: this.chance(0.5),
    };
  }

  protected recurrent(units = this.width()): RecurrentSpec {
    const below = this.chance(0.15) ? [this.cell(this.width())] : [];
    return {
      kind: 'recurrent',
      cells: [...below, this.cell(units, below.length === 0)],
      returnSequences: this.chance(0.75),
      returnState: this.chance(0.3),
      goBackwards: this.chance(0.25),
    };
  }

  protected bidirectional(units?: number): LayerSpec {
    const mergeMode = this.pick(['concat', 'concat', 'sum', 'ave', 'mul', null] as const);
    return { kind: 'bidirectional', layer: this.recurrent(units), mergeMode };
  }

  protected embedding(outputDim = this.width(), maskZero = this.chance(0.8)): LayerSpec {
    return { kind: 'embedding', inputDim: IDS, outputDim, maskZero };
  }

  protected multiHeadAttention(): LayerSpec {
    const config = {
      numHeads: this.whole(1, 3),
      keyDim: this.whole(1, 3),
      valueDim: this.whole(1, 3),
      useBias: this.chance(0.7),
      outputShape: this.chance(0.3) ? this.whole(1, 5) : null,
      useCausalMask: this.chance(0.3),
    };
    return { kind: 'multiHeadAttention', config };
  }

  /** The shapes of all calls outside of nested models. */
  protected callsOf({ graph, values }: Draft) {
    return graph.calls.map(({ layer, inputs, initialState }) => ({
      layer,
      inputs: inputs.map(n => values[n]!),
      states: initialState.map(n => values[n]!),
    }));
  }
}

/** Whether a layer has a second output that is no state. */
const hasSecond = (spec: LayerSpec) =>
  spec.kind === 'attention' ||
  spec.kind === 'additiveAttention' ||
  (spec.kind === 'bidirectional' && spec.mergeMode === null);

/** Whether two values have the same rank and width. */
export const fits = (shape: Shape, other: Shape) =>
  shape.width === other.width && (shape.steps === null) === (other.steps === null);

export function draftOf(inputs: readonly (Shape & { isMasked?: boolean })[]): Draft {
  const shapes = inputs.map(({ steps, width }) => ({ steps, width }));
  return {
    graph: { inputs: shapes, calls: [], outputs: [] },
    bottoms: [],
    values: shapes.map((shape, n) => {
      const { isMasked = false } = inputs[n]!;
      return { ...shape, n, isMasked, read: false, isOptional: false };
    }),
  };
}
