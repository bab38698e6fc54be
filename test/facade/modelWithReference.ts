/** A model and its float64 reference, which train side by side with the same weights, batches and wishes. */

import { layers, type Sequential, sequential } from 'lstm-wasm';
import type { Layer } from '../../src/layers/layer.ts';
import type { WeightSpec } from '../../src/layers/weightSpec.ts';
import type { Shape } from '../../src/util/shapes.ts';
import type { Constraint } from '../../src/weights/constraints.ts';
import type { Regularizer } from '../../src/weights/regularizers.ts';
import { expectClose } from '../compare.ts';
import { block } from '../reference/block.ts';
import { type LayerSpec, ReferenceModel } from '../reference/model.ts';
import type { Stepper } from '../reference/optimizers.ts';
import { Random } from '../reference/random.ts';
import { penaltyGradient, penaltyOf } from '../reference/weights.ts';
import { tensorOf } from './models.ts';

export interface Wish {
  regularizer?: Regularizer;
  constraint?: Constraint;
  /** The same in the reference: changes w [...shape] in place. */
  bound?(w: Float64Array, shape: readonly number[]): void;
}

/** What a layer asks for its weights, by their names. */
export type Wishes = Record<string, Wish>;

/** Makes a layer ask for these, whatever options its class has for them. */
export function asking<L extends Layer>(layer: L, wishes: Wishes): L {
  const open = layer as unknown as { describeWeights(input: Shape): Omit<WeightSpec, 'seed'>[] };
  const describe = open.describeWeights.bind(layer);
  open.describeWeights = input =>
    describe(input).map(({ name, ...spec }) => {
      const { regularizer = null, constraint = null } = wishes[name] ?? {};
      return { name, ...spec, regularizer, constraint };
    });
  return layer;
}

export interface TwinOptions {
  /** For the lstm, the hidden and the last dense layer. */
  wishes?: [Wishes?, Wishes?, Wishes?];
  trainable?: [boolean, boolean, boolean];
}

/** Widths that fill no vector, so that there is padding everywhere. */
const [B, T, D] = [6, 4, 3];
const configs = [{ units: 5, inputShape: [T, D] }, { units: 3, activation: 'tanh' as const }, { units: 2 }] as const;
const specs = configs.map((config, n) => ({ class: n === 0 ? 'lstm' : 'dense', config })) as LayerSpec[];
/** The names of all weights, layer by layer. */
const names = [
  ['kernel', 'recurrentKernel', 'bias'],
  ['kernel', 'bias'],
  ['kernel', 'bias'],
];

export class Twins {
  readonly model: Sequential;
  readonly reference: ReferenceModel;
  readonly #random = new Random(11);
  readonly #wishes: Wish[];
  readonly #trainable: boolean[];

  constructor({ wishes = [], trainable = [true, true, true] }: TwinOptions = {}) {
    const [first, second, third] = configs;
    const made = [
      layers.lstm({ ...first, inputShape: [T, D], trainable: trainable[0] }),
      layers.dense({ ...second, trainable: trainable[1] }),
      layers.dense({ ...third, trainable: trainable[2] }),
    ];
    this.model = sequential({ layers: made.map((layer, n) => asking(layer, wishes[n] ?? {})) });
    this.reference = new ReferenceModel({ layers: specs });
    this.#wishes = names.flatMap((own, n) => own.map(name => wishes[n]?.[name] ?? {}));
    this.#trainable = names.flatMap((own, n) => own.map(() => trainable[n]!));
    const weights = this.reference.weightShapes.map(shape =>
      this.#random.normals(shape, shape.length > 1 ? shape[0]! ** -0.5 : 0.3),
    );
    this.reference.setWeights(weights);
    this.model.setWeights(weights.map(tensorOf));
  }

  /** The batch of the next step. */
  draw() {
    return { x: this.#random.normals([B, T, D]), y: this.#random.normals([B, 2]) };
  }

  get penalty(): number {
    const weights = this.reference.getWeights();
    return this.#wishes.reduce(
      (sum, { regularizer }, n) => sum + (regularizer ? penaltyOf(weights[n]!.data, regularizer) : 0),
      0,
    );
  }

  /** The weights of the reference that train. */
  get trained(): Float64Array[] {
    return this.reference.getWeights().flatMap(({ data }, n) => (this.#trainable[n] ? [data] : []));
  }

  /** Trains both on a new batch and compares the losses. */
  train(stepper: Stepper): void {
    const { x, y } = this.draw();
    const weights = this.reference.getWeights();
    const expected = this.reference.testOnBatch(x, y) + this.penalty;
    const gradients = this.reference.gradients(x, y).map(({ data }, n) => {
      const { regularizer } = this.#wishes[n]!;
      const more = regularizer ? penaltyGradient(weights[n]!.data, regularizer) : null;
      return data.map((g, k) => g + (more?.[k] ?? 0));
    });
    const pick = <V>(list: V[]) => list.filter((_, n) => this.#trainable[n]);
    stepper.step(
      pick(weights).map(({ data }) => data),
      pick(gradients),
    );
    for (const [n, { shape, data }] of weights.entries()) if (this.#trainable[n]) this.#wishes[n]!.bound?.(data, shape);
    this.reference.setWeights(weights);
    const tested = this.model.testOnBatch(tensorOf(x), tensorOf(y)) as number;
    const loss = this.model.trainOnBatch(tensorOf(x), tensorOf(y)) as number;
    expectClose([tested, loss], [expected, expected], { abs: 0, rel: 2e-5, what: 'loss, tested and trained' });
  }

  /** Compares all weights. */
  expectWeights(abs: number, what = ''): void {
    const got = this.model.getWeights();
    for (const [n, { shape, data }] of this.reference.getWeights().entries()) {
      expectClose(got[n]!.dataSync(), data, { abs, rel: 0, what: `${what} weights ${n} [${shape}]` });
    }
  }

  /** Puts these in place of the reference's weights that train. */
  put(values: Float64Array[]): void {
    const weights = this.reference.getWeights();
    let next = 0;
    const all = weights.map((own, n) => (this.#trainable[n] ? block(own.shape, values[next++]!) : own));
    this.reference.setWeights(all);
  }
}
