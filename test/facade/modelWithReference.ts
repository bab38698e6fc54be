/** A model and its float64 reference, trained with the same weights, batches, regularizers and constraints. */

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

export interface WeightRules {
  regularizer?: Regularizer;
  constraint?: Constraint;
  /** The constraint in the reference: changes w [...shape] in place. */
  constrain?(w: Float64Array, shape: readonly number[]): void;
}

/** Regularizers and constraints of a layer, by the names of its weights. */
export type LayerRules = Record<string, WeightRules>;

/** Sets regularizers and constraints of a layer, whether or not its class has options for them. */
export function withRules<L extends Layer>(layer: L, rules: LayerRules): L {
  const withDescribe = layer as unknown as { describeWeights(input: Shape): Omit<WeightSpec, 'seed'>[] };
  const describe = withDescribe.describeWeights.bind(layer);
  withDescribe.describeWeights = input =>
    describe(input).map(({ name, ...spec }) => {
      const { regularizer = null, constraint = null } = rules[name] ?? {};
      return { name, ...spec, regularizer, constraint };
    });
  return layer;
}

export interface Options {
  /** Of the lstm layer, and of the first and second dense layer. */
  rules?: [LayerRules?, LayerRules?, LayerRules?];
  trainable?: [boolean, boolean, boolean];
}

/** Widths that are no multiples of a SIMD vector, so that all weights are padded. */
const [B, T, D] = [6, 4, 3];
const configs = [{ units: 5, inputShape: [T, D] }, { units: 3, activation: 'tanh' as const }, { units: 2 }] as const;
const specs = configs.map((config, n) => ({ class: n === 0 ? 'lstm' : 'dense', config })) as LayerSpec[];
/** The names of all weights, layer by layer. */
const names = [
  ['kernel', 'recurrentKernel', 'bias'],
  ['kernel', 'bias'],
  ['kernel', 'bias'],
];

export class ModelWithReference {
  readonly model: Sequential;
  readonly reference: ReferenceModel;
  readonly #random = new Random(11);
  readonly #rules: WeightRules[];
  readonly #trainable: boolean[];

  constructor({ rules = [], trainable = [true, true, true] }: Options = {}) {
    const [first, second, third] = configs;
    const created = [
      layers.lstm({ ...first, inputShape: [T, D], trainable: trainable[0] }),
      layers.dense({ ...second, trainable: trainable[1] }),
      layers.dense({ ...third, trainable: trainable[2] }),
    ];
    this.model = sequential({ layers: created.map((layer, n) => withRules(layer, rules[n] ?? {})) });
    this.reference = new ReferenceModel({ layers: specs });
    this.#rules = names.flatMap((own, n) => own.map(name => rules[n]?.[name] ?? {}));
    this.#trainable = names.flatMap((own, n) => own.map(() => trainable[n]!));
    const weights = this.reference.weightShapes.map(shape =>
      this.#random.normals(shape, shape.length > 1 ? shape[0]! ** -0.5 : 0.3),
    );
    this.reference.setWeights(weights);
    this.model.setWeights(weights.map(tensorOf));
  }

  /** A new random batch. */
  nextBatch() {
    return { x: this.#random.normals([B, T, D]), y: this.#random.normals([B, 2]) };
  }

  get penalty(): number {
    const weights = this.reference.getWeights();
    return this.#rules.reduce(
      (sum, { regularizer }, n) => sum + (regularizer ? penaltyOf(weights[n]!.data, regularizer) : 0),
      0,
    );
  }

  /** The trainable weights of the reference. */
  get trainableWeights(): Float64Array[] {
    return this.reference.getWeights().flatMap(({ data }, n) => (this.#trainable[n] ? [data] : []));
  }

  /** Trains both on a new batch, and compares their losses. */
  train(stepper: Stepper): void {
    const { x, y } = this.nextBatch();
    const weights = this.reference.getWeights();
    const expected = this.reference.testOnBatch(x, y) + this.penalty;
    const gradients = this.reference.gradients(x, y).map(({ data }, n) => {
      const { regularizer } = this.#rules[n]!;
      const penalty = regularizer ? penaltyGradient(weights[n]!.data, regularizer) : null;
      return data.map((g, k) => g + (penalty?.[k] ?? 0));
    });
    const pick = <V>(list: V[]) => list.filter((_, n) => this.#trainable[n]);
    stepper.step(
      pick(weights).map(({ data }) => data),
      pick(gradients),
    );
    for (const [n, { shape, data }] of weights.entries())
      if (this.#trainable[n]) this.#rules[n]!.constrain?.(data, shape);
    this.reference.setWeights(weights);
    const tested = this.model.testOnBatch(tensorOf(x), tensorOf(y)) as number;
    const loss = this.model.trainOnBatch(tensorOf(x), tensorOf(y)) as number;
    expectClose([tested, loss], [expected, expected], {
      abs: 0,
      rel: 2e-5,
      what: 'losses of testOnBatch and trainOnBatch',
    });
  }

  /** Compares all weights. */
  expectWeights(abs: number, what = ''): void {
    const got = this.model.getWeights();
    for (const [n, { shape, data }] of this.reference.getWeights().entries()) {
      expectClose(got[n]!.dataSync(), data, { abs, rel: 0, what: `${what} weights ${n} [${shape}]` });
    }
  }

  /** Replaces the trainable weights of the reference. */
  setTrainableWeights(values: Float64Array[]): void {
    const weights = this.reference.getWeights();
    let next = 0;
    const all = weights.map((own, n) => (this.#trainable[n] ? block(own.shape, values[next++]!) : own));
    this.reference.setWeights(all);
  }
}
