/** Embedding: every number of a sample is an id, and becomes the row of a table of weights that it names. */

import { type LayerOffsets, type Planner, padded, type Signal, strided, wholeLines } from '../plan/plan.ts';
import type { Config } from '../util/config.ts';
import { fail, show } from '../util/errors.ts';
import { checkBoolean, checkCount } from '../util/options.ts';
import { type Shape, showShape } from '../util/shapes.ts';
import type { Kernels } from '../wasm/kernels.ts';
import { type Constraint, type ConstraintName, resolveConstraint } from '../weights/constraints.ts';
import { type Initializer, type InitializerName, initializers, resolveInitializer } from '../weights/initializers.ts';
import { type Regularizer, type RegularizerName, resolveRegularizer } from '../weights/regularizers.ts';
import { InputLayer } from './inputLayer.ts';
import { checkLayerOptions, Layer, type LayerOptions, settingsOf, type WeightSettings } from './layer.ts';

/** Options of `layers.embedding`. */
export interface EmbeddingOptions extends Omit<LayerOptions, 'inputDim'> {
  /** Rows of the table: ids go from 0 to inputDim - 1. */
  inputDim: number;
  /** Width of the output. */
  outputDim: number;
  /** Of the table [inputDim, outputDim]; default randomUniform, from -0.05 to 0.05. */
  embeddingsInitializer?: Initializer | InitializerName;
  /** A penalty on the table that joins the loss; none by default. */
  embeddingsRegularizer?: Regularizer | RegularizerName | null;
  /** What the table must be after every update; anything by default. */
  embeddingsConstraint?: Constraint | ConstraintName | null;
  /** The id 0 stands for padding: time steps that have it are masked; default false. */
  maskZero?: boolean;
  /** How many ids a sample has, where inputShape does not say; any number if absent. */
  inputLength?: number;
}

const own = [
  'outputDim',
  'embeddingsInitializer',
  'embeddingsRegularizer',
  'embeddingsConstraint',
  'maskZero',
  'inputLength',
] as const satisfies readonly (keyof EmbeddingOptions)[];

/** float32 tells whole numbers apart only up to here. */
const MOST_IDS = 2 ** 24;

export class Embedding extends Layer {
  readonly inputDim: number;
  readonly outputDim: number;
  readonly maskZero: boolean;
  readonly inputLength: number | null;
  readonly #embeddings: WeightSettings;

  constructor(options: EmbeddingOptions) {
    const call = 'layers.embedding';
    const { inputDim, ...known } = checkLayerOptions<EmbeddingOptions & LayerOptions>(call, options, own);
    const rows = checkCount(call, 'inputDim', inputDim);
    if (rows > MOST_IDS) fail(call, `inputDim must be at most ${MOST_IDS}, got ${rows}`);
    const width = checkCount(call, 'outputDim', known.outputDim);
    const maskZero = known.maskZero === undefined ? false : checkBoolean(call, 'maskZero', known.maskZero);
    const length = known.inputLength === undefined ? null : checkCount(call, 'inputLength', known.inputLength);
    const embeddings = {
      initializer: resolveInitializer(
        call,
        'embeddingsInitializer',
        known.embeddingsInitializer ?? initializers.randomUniform(),
      ),
      regularizer: resolveRegularizer(call, 'embeddingsRegularizer', known.embeddingsRegularizer),
      constraint: resolveConstraint(call, 'embeddingsConstraint', known.embeddingsConstraint),
    };
    const named = known.inputShape !== undefined || known.batchInputShape !== undefined;
    super('Embedding', named ? known : { ...known, inputShape: [length] }, 1, true);
    this.inputDim = rows;
    this.outputDim = width;
    this.maskZero = maskZero;
    this.inputLength = length;
    this.#embeddings = embeddings;
  }

  protected override settings(): Config {
    const { inputDim, outputDim, maskZero, inputLength } = this;
    return { inputDim, outputDim, maskZero, inputLength, ...settingsOf('embeddings', this.#embeddings) };
  }

  override checkBelow(call: string, below: Layer): void {
    if (!(below instanceof InputLayer)) {
      fail(call, `${this.name} must be the first layer, because it takes ids, got it on top of '${below.name}'`);
    }
  }

  override checkInput(call: string, name: string, numbers: Float32Array, from: number, count: number): void {
    for (let i = from; i < from + count; i++) {
      const id = numbers[i]!;
      if (id >= 0 && id < this.inputDim && Number.isInteger(id)) continue;
      const rule = `whole numbers from 0 to ${this.inputDim - 1}, the ids of ${this.name}`;
      fail(call, `${name} must hold ${rule}, got ${show(id)}`);
    }
  }

  override get masks(): boolean {
    return this.maskZero;
  }

  override outputShapeFor(call: string, input: Shape): Shape {
    if (input.length !== 2) fail(call, `${this.name} needs an input [batch, ids], got ${showShape(input)}`);
    const [batch, length] = input as [number | null, number | null];
    if (length !== null && this.inputLength !== null && length !== this.inputLength) {
      fail(call, `inputLength of ${this.name} must be that of its input ${showShape(input)}, got ${this.inputLength}`);
    }
    return [batch, length ?? this.inputLength, this.outputDim];
  }

  protected override describeWeights() {
    return [{ name: 'embeddings', shape: [this.inputDim, this.outputDim], ...this.#embeddings }];
  }

  override get parameterCount(): number {
    return wholeLines(this.inputDim * padded(this.outputDim));
  }

  override moveWeights(kernels: Kernels, packed: number, plain: readonly number[], inward: boolean): void {
    const move = inward ? kernels.packEmbeddingWeights : kernels.unpackEmbeddingWeights;
    move(packed, plain[0]!, this.inputDim, this.outputDim);
  }

  override plan(planner: Planner, { y: ids }: Signal, home: LayerOffsets): Signal {
    const { training } = planner;
    const steps = ids.width;
    const y = planner.rows(`${this.name}/y`, steps, this.outputDim);
    const dy = training ? planner.rows(`${this.name}/dy`, steps, this.outputDim) : null;
    const mask = this.maskZero ? planner.mask(`${this.name}/mask`, steps) : null;
    planner.calls.push({
      kind: 'embedding',
      fields: {
        rows: ids.rows,
        steps,
        inputs: this.inputDim,
        units: this.outputDim,
        x: ids.place,
        xRow: ids.row,
        ...strided('y', y),
        w: { block: 'weights', offset: home.parameters },
        dw: training ? { block: 'gradients', offset: home.parameters } : 0,
        ...strided('dy', dy),
        mask: mask?.place ?? 0,
        maskStep: mask?.step ?? 0,
      },
    });
    return { y, dy, mask };
  }
}
