/** Layers that normalize the last axis: by the statistics of the batch, or of each row. */

import {
  floatBits,
  type LinearCall,
  type Offset,
  offsetBy,
  type PlannedCall,
  type Planner,
  padded,
  parameterFields,
  type Rows,
  rowFields,
  type Signal,
  type Signals,
  wholeLines,
} from '../plan/planner.ts';
import type { Config } from '../util/config.ts';
import { fail, show } from '../util/errors.ts';
import { FLOAT } from '../util/memorySizes.ts';
import { checkBoolean, checkNumber } from '../util/options.ts';
import { type Shape, showShape } from '../util/shapes.ts';
import { useKernels } from '../wasm/engine.ts';
import type { Kernels } from '../wasm/kernels.ts';
import { normalization } from '../wasm/modules/normalization.generated.ts';
import { rowGroupNumbers } from '../wasm/shared.generated.ts';
import type { Constraint, ConstraintName } from '../weights/constraints.ts';
import { type Initializer, type InitializerName, initializers } from '../weights/initializers.ts';
import type { Regularizer, RegularizerName } from '../weights/regularizers.ts';
import { Layer } from './layer.ts';
import { checkLayerOptions, type LayerOptions } from './layerOptions.ts';
import { describeWeightSettings, readWeightSettings, type WeightSettings, type WeightSpec } from './weightSpec.ts';

/** Options of `layers.layerNormalization`. */
export interface LayerNormalizationOptions extends LayerOptions {
  /** The axis to normalize. It must be the last one: -1, or 1 or 2 by its index. Default: -1. */
  axis?: number;
  /** Added to the variance. Default: 0.001. */
  epsilon?: number;
  /** Whether to add a trained beta. Default: true. */
  center?: boolean;
  /** Whether to multiply by a trained gamma. Default: true. */
  scale?: boolean;
  /** Initial beta, [features]. Default: 'zeros'. */
  betaInitializer?: Initializer | InitializerName;
  /** Initial gamma, [features]. Default: 'ones'. */
  gammaInitializer?: Initializer | InitializerName;
  /** Penalty on beta, added to the loss. Default: none. */
  betaRegularizer?: Regularizer | RegularizerName | null;
  /** Penalty on gamma, added to the loss. Default: none. */
  gammaRegularizer?: Regularizer | RegularizerName | null;
  /** Constraint applied to beta after every update. Default: none. */
  betaConstraint?: Constraint | ConstraintName | null;
  /** Constraint applied to gamma after every update. Default: none. */
  gammaConstraint?: Constraint | ConstraintName | null;
}

/** Options of `layers.batchNormalization`. */
export interface BatchNormalizationOptions extends LayerNormalizationOptions {
  /**
   * The share of the moving mean and variance that a training step keeps; the rest comes from the batch. Default: 0.99.
   */
  momentum?: number;
  /** Initial moving mean, [features]. Default: 'zeros'. */
  movingMeanInitializer?: Initializer | InitializerName;
  /** Initial moving variance, [features]. Default: 'ones'. */
  movingVarianceInitializer?: Initializer | InitializerName;
}

const own = [
  'axis',
  'epsilon',
  'center',
  'scale',
  'betaInitializer',
  'gammaInitializer',
  'betaRegularizer',
  'gammaRegularizer',
  'betaConstraint',
  'gammaConstraint',
] as const satisfies readonly (keyof LayerNormalizationOptions)[];

/** The names of the statistics of batch normalization, as prefixes of their options. */
const statistics = ['movingMean', 'movingVariance'] as const;

type FieldsOf<K extends string> = Record<K, number | Offset>;

/** What both layers have in common: gamma and beta. */
abstract class Normalization extends Layer {
  readonly axis: number;
  readonly epsilon: number;
  readonly center: boolean;
  readonly scale: boolean;
  readonly #gamma: WeightSettings;
  readonly #beta: WeightSettings;

  constructor(className: string, call: string, known: Partial<LayerNormalizationOptions>) {
    const { axis = -1, center = true, scale = true } = known;
    if (![-1, 1, 2].includes(axis)) fail(call, `axis must be -1, 1 or 2, got ${show(axis)}`);
    const epsilon = checkNumber(call, 'epsilon', known.epsilon ?? 0.001, { least: 0 });
    checkBoolean(call, 'center', center);
    checkBoolean(call, 'scale', scale);
    const gamma = readWeightSettings(call, 'gamma', known, () => initializers.ones());
    const beta = readWeightSettings(call, 'beta', known, () => initializers.zeros());
    super(className, known, 1);
    this.axis = axis;
    this.epsilon = epsilon;
    this.center = center;
    this.scale = scale;
    this.#gamma = gamma;
    this.#beta = beta;
    useKernels(normalization);
  }

  protected override settings(): Config {
    const { axis, epsilon, center, scale } = this;
    return {
      axis,
      epsilon,
      center,
      scale,
      ...describeWeightSettings('beta', this.#beta),
      ...describeWeightSettings('gamma', this.#gamma),
    };
  }

  override outputShapeFor(call: string, input: Shape): Shape {
    if (this.axis !== -1 && this.axis !== input.length - 1) {
      const rule = `the last one of ${showShape(input)}, -1 or ${input.length - 1}`;
      fail(call, `axis of ${this.name} must be ${rule}, got ${this.axis}`);
    }
    return input;
  }

  /** The options of the weights that the optimizer updates, by their names. */
  get #trained(): [string, WeightSettings][] {
    return [
      ...(this.scale ? [['gamma', this.#gamma] as [string, WeightSettings]] : []),
      ...(this.center ? [['beta', this.#beta] as [string, WeightSettings]] : []),
    ];
  }

  protected override describeWeights(input: Shape): Omit<WeightSpec, 'seed'>[] {
    return this.#trained.map(([name, settings]) => ({ name, shape: [input.at(-1)!], ...settings }));
  }

  protected get width(): number {
    return this.connection.inputs[0]!.at(-1)!;
  }

  override get trainedCount(): number {
    return wholeLines(this.#trained.length * padded(this.width));
  }

  override get parameterCount(): number {
    return this.trainedCount;
  }

  /** Where weight n is among the packed weights, in bytes. The statistics begin on a cache line. */
  protected offsetOf(n: number): number {
    const statistic = n - this.#trained.length;
    const floats = statistic < 0 ? n * padded(this.width) : this.trainedCount + statistic * padded(this.width);
    return floats * FLOAT;
  }

  override packWeights({ copyRows }: Kernels, packed: number, matrices: readonly number[]): void {
    for (let n = 0; n < matrices.length; n++) {
      copyRows(packed + this.offsetOf(n), 0, 0, matrices[n]!, 0, 0, 1, 1, this.width);
    }
  }

  override unpackWeights({ copyRows }: Kernels, packed: number, matrices: readonly number[]): void {
    for (let n = 0; n < matrices.length; n++) {
      copyRows(matrices[n]!, 0, 0, packed + this.offsetOf(n), 0, 0, 1, 1, this.width);
    }
  }

  /** The fields that the kernels of both layers have. */
  protected commonFields(planner: Planner, { y: x, dy: dx }: Signal, turn: Turn, y: Rows, dy: Rows | null, at: number) {
    const { steps, rows, width } = turn(x);
    return {
      steps,
      rows,
      width,
      ...rowFields('x', turn(x)),
      ...rowFields('y', turn(y)),
      ...rowFields('dy', dy && turn(dy)),
      ...rowFields('dx', dx && turn(dx)),
      epsilon: floatBits(this.epsilon),
      ...this.trainedFields(planner, at),
    } satisfies Partial<FieldsOf<string>>;
  }

  /** Where gamma, beta and their gradients are. */
  protected trainedFields(planner: Planner, at: number) {
    const { w, dw } = parameterFields(planner, at);
    const place = (block: number | Offset, has: boolean, n: number) =>
      has && typeof block !== 'number' ? offsetBy(block, this.offsetOf(n)) : 0;
    const { scale, center } = this;
    return {
      gamma: place(w, scale, 0),
      beta: place(w, center, Number(scale)),
      dGamma: place(dw, scale, 0),
      dBeta: place(dw, center, Number(scale)),
    };
  }
}

type Turn = (rows: Rows) => Rows;

const isBySample = ({ row, step }: Rows): boolean => Math.abs(row) > Math.abs(step);

/** Exchanges samples and time steps if the rows of a sample follow each other in memory. */
const turnOf = (x: Rows): Turn =>
  isBySample(x)
    ? rows => ({ ...rows, row: rows.step, step: rows.row, rows: rows.steps, steps: rows.rows })
    : rows => rows;

/** As `turnOf`; and all rows become those of one step if they are equally spaced in each of these. */
function lineOf(x: Rows, others: readonly (Rows | null)[]): Turn {
  const turn = turnOf(x);
  const isLine = ({ row, step, rows, steps }: Rows) => steps === 1 || step === rows * row;
  if (![x, ...others].every(rows => rows === null || isLine(turn(rows)))) return turn;
  return rows => {
    const turned = turn(rows);
    return { ...turned, steps: 1, rows: turned.steps * turned.rows };
  };
}

export class LayerNormalization extends Normalization {
  constructor(options: LayerNormalizationOptions = {}) {
    const call = 'layers.layerNormalization';
    super('LayerNormalization', call, checkLayerOptions<LayerNormalizationOptions>(call, options, own));
  }

  override plan(planner: Planner, [input]: Signals, { name, offsets }: PlannedCall): Signals {
    const { y: x, mask } = input;
    const y = planner.rows(`${name}/y`, x.steps, x.width);
    const dy = planner.gradientRows(`${name}/dy`, x.steps, x.width);
    planner.calls.push({
      kind: 'layerNormalization',
      fields: {
        ...this.commonFields(planner, input, lineOf(x, [y, dy, input.dy]), y, dy, offsets.parameters),
        mean: planner.floats(`${name}/mean`, x.steps, x.rows),
        inverse: planner.floats(`${name}/inverse`, x.steps, x.rows),
        sums: dy
          ? planner.floats(`${name}/sums`, Math.ceil((x.steps * x.rows) / rowGroupNumbers.rows), 2, padded(x.width))
          : 0,
      },
    });
    return [{ y, dy, mask }];
  }
}

export class BatchNormalization extends Normalization {
  readonly momentum: number;
  readonly #moving: readonly Initializer[];

  constructor(options: BatchNormalizationOptions = {}) {
    const call = 'layers.batchNormalization';
    const all = [...own, 'momentum', ...statistics.map(name => `${name}Initializer`)];
    const known = checkLayerOptions<BatchNormalizationOptions>(call, options, all);
    const momentum = checkNumber(call, 'momentum', known.momentum ?? 0.99, { least: 0, most: 1 });
    const moving = statistics.map((name, n) => {
      const { initializer } = readWeightSettings(call, name, known, () =>
        n === 0 ? initializers.zeros() : initializers.ones(),
      );
      return initializer;
    });
    super('BatchNormalization', call, known);
    this.momentum = momentum;
    this.#moving = moving;
  }

  protected override settings(): Config {
    const moving = statistics.map((name, n) => {
      const key = `${name}Initializer`;
      return [key, describeWeightSettings(name, { initializer: this.#moving[n]! })[key]!] as const;
    });
    return { ...super.settings(), momentum: this.momentum, ...Object.fromEntries(moving) };
  }

  protected override describeWeights(input: Shape): Omit<WeightSpec, 'seed'>[] {
    const shape = [input.at(-1)!];
    const moving = statistics.map((name, n) => ({ name, shape, initializer: this.#moving[n]!, trainable: false }));
    return [...super.describeWeights(input), ...moving];
  }

  override get parameterCount(): number {
    return this.trainedCount + wholeLines(statistics.length * padded(this.width));
  }

  override plan(planner: Planner, [input]: Signals, { name, offsets }: PlannedCall): Signals {
    const { y: x, mask } = input;
    // As in Keras, a frozen layer uses the moving statistics in training too
    const ofBatch = planner.dropsOut && this.trainable;
    const first = Number(this.scale) + Number(this.center);
    const moving = statistics.map((_, n): Offset => {
      return { block: 'weights', offset: offsets.parameters + this.offsetOf(first + n) };
    });
    if (input.linear && !ofBatch && !planner.needsGradients) {
      this.#fold(planner, input.linear, name, offsets.parameters, moving);
      return [input];
    }
    const y = planner.rows(`${name}/y`, x.steps, x.width);
    const dy = planner.gradientRows(`${name}/dy`, x.steps, x.width);
    const width = padded(x.width);
    const [mean, variance] = ofBatch ? ['mean', 'variance'].map(of => planner.floats(`${name}/${of}`, width)) : moving;
    const [maskRow, maskStep] = mask ? [FLOAT, mask.step] : [0, 0];
    planner.calls.push({
      kind: 'batchNormalization',
      fields: {
        ...this.commonFields(
          planner,
          input,
          mask ? turnOf(x) : lineOf(x, [y, dy, input.dy]),
          y,
          dy,
          offsets.parameters,
        ),
        mask: mask?.start ?? 0,
        maskRow: isBySample(x) ? maskStep : maskRow,
        maskStep: isBySample(x) ? maskRow : maskStep,
        ofBatch: Number(ofBatch),
        keep: floatBits(this.momentum),
        take: floatBits(1 - this.momentum),
        movingMean: moving[0]!,
        movingVariance: moving[1]!,
        mean: mean!,
        variance: variance!,
        inverse: planner.floats(`${name}/inverse`, 3, width),
        sums: ofBatch || planner.needsGradients ? planner.floats(`${name}/sums`, 6, width) : 0,
      },
    });
    return [{ y, dy, mask }];
  }

  /** Replaces the weights of the call below by those that include this normalization. */
  #fold(planner: Planner, linear: LinearCall, name: string, at: number, [mean, variance]: readonly Offset[]): void {
    const { kind, fields } = linear;
    const inputs = Number(fields.inputs) * (kind === 'conv1d' ? Number(linear.fields.taps) : 1);
    const width = padded(this.width);
    const folded = planner.floats(`${name}/folded`, 1 + inputs, width);
    const { gamma, beta } = this.trainedFields(planner, at);
    planner.calls.splice(planner.calls.indexOf(linear), 0, {
      kind: 'fold',
      fields: {
        inputs,
        units: this.width,
        w: fields.w,
        folded,
        scales: planner.floats(`${name}/scales`, width),
        gamma,
        beta,
        mean: mean!,
        variance: variance!,
        epsilon: floatBits(this.epsilon),
      },
    });
    fields.w = folded;
  }
}
