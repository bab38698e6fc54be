/** Replaces each id of a sample by a row of a weight matrix. */

import {
  maskFields,
  type PlannedCall,
  type Planner,
  padded,
  parameterFields,
  rowFields,
  type Signals,
  wholeLines,
} from '../plan/planner.ts';
import type { Config } from '../util/config.ts';
import { fail, show } from '../util/errors.ts';
import { checkBoolean, checkCount } from '../util/options.ts';
import { type Shape, showShape } from '../util/shapes.ts';
import { useKernels } from '../wasm/engine.ts';
import type { Kernels } from '../wasm/kernels.ts';
import { others } from '../wasm/modules/others.generated.ts';
import type { Constraint, ConstraintName } from '../weights/constraints.ts';
import { type Initializer, type InitializerName, initializers } from '../weights/initializers.ts';
import type { Regularizer, RegularizerName } from '../weights/regularizers.ts';
import { Layer } from './layer.ts';
import { checkLayerOptions, type LayerOptions } from './layerOptions.ts';
import { describeWeightSettings, readWeightSettings, type WeightSettings } from './weightSpec.ts';

/** Options of `layers.embedding`. */
export interface EmbeddingOptions extends Omit<LayerOptions, 'inputDim'> {
  /** The number of different ids, at most 2^24. Ids are integers from 0 to `inputDim` - 1; others throw a ValueError. */
  inputDim: number;
  /** The size of the vector for each id. */
  outputDim: number;
  /** Initial weights, [inputDim, outputDim]. Default: 'randomUniform', from -0.05 to 0.05. */
  embeddingsInitializer?: Initializer | InitializerName;
  /** Penalty on the weights, added to the loss. Default: none. */
  embeddingsRegularizer?: Regularizer | RegularizerName | null;
  /** Constraint applied to the weights after every update. Default: none. */
  embeddingsConstraint?: Constraint | ConstraintName | null;
  /** Whether the id 0 is padding: recurrent layers skip such time steps, and the loss ignores them. Default: false. */
  maskZero?: boolean;
  /** The number of ids of a sample, if `inputShape` does not fix it. Default: any number. */
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

/** The largest number up to which float32 represents all integers. */
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
    const embeddings = readWeightSettings(call, 'embeddings', known, () => initializers.randomUniform());
    const named = known.inputShape !== undefined || known.batchInputShape !== undefined;
    super('Embedding', named ? known : { ...known, inputShape: [length] }, 1, { takesLists: true });
    this.inputDim = rows;
    this.outputDim = width;
    this.maskZero = maskZero;
    this.inputLength = length;
    this.#embeddings = embeddings;
    useKernels(others);
  }

  protected override settings(): Config {
    const { inputDim, outputDim, maskZero, inputLength } = this;
    return { inputDim, outputDim, maskZero, inputLength, ...describeWeightSettings('embeddings', this.#embeddings) };
  }

  override get readsIds(): boolean {
    return true;
  }

  override checkInput(call: string, name: string, numbers: Float32Array, from: number, count: number): void {
    for (let i = from; i < from + count; i++) {
      const id = numbers[i]!;
      if (id >= 0 && id < this.inputDim && Number.isInteger(id)) continue;
      const rule = `integers from 0 to ${this.inputDim - 1}, the ids of ${this.name}`;
      fail(call, `${name} must hold ${rule}, got ${show(id)}`);
    }
  }

  override get createsMask(): boolean {
    return this.maskZero;
  }

  override get createsTimeSteps(): boolean {
    return true;
  }

  override get runsByTimeStep(): boolean {
    return true;
  }

  override outputShapeFor(call: string, input: Shape): Shape {
    if (input.length !== 2) fail(call, `${this.name} needs an input [batch, ids], got ${showShape(input)}`);
    const [batch, length] = input as [number | null, number | null];
    if (length !== null && this.inputLength !== null && length !== this.inputLength) {
      fail(call, `inputLength of ${this.name} must match its input ${showShape(input)}, got ${this.inputLength}`);
    }
    return [batch, length ?? this.inputLength, this.outputDim];
  }

  protected override describeWeights() {
    return [{ name: 'embeddings', shape: [this.inputDim, this.outputDim], ...this.#embeddings }];
  }

  override get parameterCount(): number {
    return wholeLines(this.inputDim * padded(this.outputDim));
  }

  override packWeights(kernels: Kernels, packed: number, matrices: readonly number[]): void {
    kernels.packEmbeddingWeights(packed, matrices[0]!, this.inputDim, this.outputDim);
  }

  override unpackWeights(kernels: Kernels, packed: number, matrices: readonly number[]): void {
    kernels.unpackEmbeddingWeights(packed, matrices[0]!, this.inputDim, this.outputDim);
  }

  override plan(planner: Planner, [{ y: ids }]: Signals, call: PlannedCall): Signals {
    const steps = ids.width;
    const y = planner.rows(`${call.name}/y`, steps, this.outputDim);
    const dy = planner.gradientRows(`${call.name}/dy`, steps, this.outputDim);
    const mask = this.maskZero ? planner.mask(`${call.name}/mask`, steps) : null;
    planner.calls.push({
      kind: 'embedding',
      fields: {
        rows: ids.rows,
        steps,
        inputs: this.inputDim,
        units: this.outputDim,
        x: ids.start,
        xRow: ids.row,
        ...rowFields('y', y),
        ...parameterFields(planner, call.offsets.parameters),
        ...rowFields('dy', dy),
        ...maskFields(mask),
      },
    });
    return [{ y, dy, mask }];
  }
}
