/** A rectifier with learnt slopes for inputs below zero. */

import {
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
import { FLOAT } from '../util/memorySizes.ts';
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

/** Options of `layers.prelu`. */
export interface PReLUOptions extends LayerOptions {
  /** Initial slopes, in the shape of a sample with sizes of 1 for the shared axes. Default: 'zeros'. */
  alphaInitializer?: Initializer | InitializerName;
  /** Penalty on the slopes, added to the loss. Default: none. */
  alphaRegularizer?: Regularizer | RegularizerName | null;
  /** Constraint applied to the slopes after every update. Default: none. */
  alphaConstraint?: Constraint | ConstraintName | null;
  /**
   * The axes along which all numbers have the same slope: `[1]` for one slope per feature of a sequence, `[1, 2]` for one
   * slope in all. Default: none.
   */
  sharedAxes?: number | readonly number[] | null;
}

const own = ['alphaInitializer', 'alphaRegularizer', 'alphaConstraint', 'sharedAxes'];

export class PReLU extends Layer {
  readonly sharedAxes: readonly number[] | null;
  readonly #alpha: WeightSettings;

  constructor(options?: PReLUOptions) {
    const call = 'layers.prelu';
    const known = checkLayerOptions<PReLUOptions>(call, options, own);
    const sharedAxes = readAxes(call, known.sharedAxes);
    const alpha = readWeightSettings(call, 'alpha', known, () => initializers.zeros());
    super('PReLU', known, 1);
    this.sharedAxes = sharedAxes;
    this.#alpha = alpha;
    useKernels(others);
  }

  protected override settings(): Config {
    const { sharedAxes } = this;
    return { ...describeWeightSettings('alpha', this.#alpha), sharedAxes: sharedAxes && [...sharedAxes] };
  }

  override get runsByTimeStep(): boolean {
    return super.runsByTimeStep && (this.connection.inputs[0]!.length === 2 || this.#shares(1));
  }

  #shares(axis: number): boolean {
    return this.sharedAxes?.includes(axis) ?? false;
  }

  override outputShapeFor(call: string, input: Shape): Shape {
    const shared = this.sharedAxes ?? [];
    if (shared.some(axis => axis >= input.length)) {
      fail(call, `sharedAxes of ${this.name} must be axes of its input ${showShape(input)}, got ${show(shared)}`);
    }
    if (input.length === 3 && input[1] === null && !this.#shares(1)) {
      const rule = `${this.name} needs an input with a fixed number of time steps`;
      fail(call, `${rule}, got ${showShape(input)}; pass sharedAxes: [1] for the same slopes at all time steps`);
    }
    return input;
  }

  protected override describeWeights(input: Shape) {
    const shape = input.slice(1).map((size, n) => (this.#shares(n + 1) ? 1 : size!));
    return [{ name: 'alpha', shape, ...this.#alpha }];
  }

  /** The slopes as a matrix: a row for each time step, or one for all. */
  get #matrix(): { rows: number; width: number } {
    const shape = this.weightSpecs[0]!.shape;
    return { rows: shape.length === 2 ? shape[0]! : 1, width: shape.at(-1)! };
  }

  override get parameterCount(): number {
    const { rows, width } = this.#matrix;
    return wholeLines(rows * padded(width));
  }

  // A table of slopes is packed as one of vectors is

  override packWeights(kernels: Kernels, packed: number, matrices: readonly number[]): void {
    const { rows, width } = this.#matrix;
    kernels.packEmbeddingWeights(packed, matrices[0]!, rows, width);
  }

  override unpackWeights(kernels: Kernels, packed: number, matrices: readonly number[]): void {
    const { rows, width } = this.#matrix;
    kernels.unpackEmbeddingWeights(packed, matrices[0]!, rows, width);
  }

  override plan(planner: Planner, [{ y: x, dy: dx, mask }]: Signals, call: PlannedCall): Signals {
    const { rows, width } = this.#matrix;
    const y = planner.rows(`${call.name}/y`, x.steps, x.width);
    const dy = planner.gradientRows(`${call.name}/dy`, x.steps, x.width);
    planner.calls.push({
      kind: 'prelu',
      fields: {
        steps: x.steps,
        rows: x.rows,
        width: x.width,
        ...rowFields('x', x),
        ...rowFields('y', y),
        ...parameterFields(planner, call.offsets.parameters),
        wStep: rows > 1 ? padded(width) * FLOAT : 0,
        shared: Number(this.#shares(this.weightSpecs[0]!.shape.length)),
        ...rowFields('dy', dy),
        ...rowFields('dx', dx),
      },
    });
    return [{ y, dy, mask }];
  }
}

/** The axes of a sample, counted from 1; null if none are given. */
function readAxes(call: string, value: unknown): readonly number[] | null {
  if (value === undefined || value === null) return null;
  const axes: unknown[] = Array.isArray(value) ? [...(value as unknown[])] : [value];
  const isAxis = (axis: unknown) => axis === 1 || axis === 2;
  if (!axes.every(isAxis) || new Set(axes).size < axes.length) {
    fail(call, `sharedAxes must be 1, 2, [1], [2] or [1, 2], got ${show(value)}`);
  }
  return axes as number[];
}
