/** The product of two inputs, sample by sample. */

import { type PlannedCall, type Planner, padded, rowFields, type Signal, type Signals } from '../plan/planner.ts';
import type { Config } from '../util/config.ts';
import { fail, show } from '../util/errors.ts';
import { checkBoolean } from '../util/options.ts';
import { type Shape, showShape } from '../util/shapes.ts';
import { useKernels } from '../wasm/engine.ts';
import { others } from '../wasm/modules/others.generated.ts';
import { Layer } from './layer.ts';
import { checkLayerOptions, type LayerOptions } from './layerOptions.ts';
import { checkInputCount, checkSameRanks } from './merge.ts';

/** Options of `layers.dot`. */
export interface DotOptions extends LayerOptions {
  /**
   * The axis of both inputs, or of each, to sum over; their sizes must be equal. Negative numbers count from the last axis.
   * The batch, axis 0, is none of them.
   */
  axes: number | readonly [number, number];
  /** Whether to divide the inputs by their norms along these axes first, which gives cosine similarities. Default: false. */
  normalize?: boolean;
}

/** An input as a matrix of each sample: its rows, and the axis to sum over. */
interface Operand {
  signal: Signal;
  overTime: boolean;
  count: number;
  depth: number;
}

export class Dot extends Layer {
  readonly axes: number | readonly [number, number];
  readonly normalize: boolean;

  constructor(options: DotOptions) {
    const call = 'layers.dot';
    const known = checkLayerOptions<DotOptions>(call, options, ['axes', 'normalize']);
    const axes = readAxes(call, known.axes);
    const normalize = known.normalize === undefined ? false : checkBoolean(call, 'normalize', known.normalize);
    super('Dot', known, 1);
    this.axes = axes;
    this.normalize = normalize;
    useKernels(others);
  }

  protected override settings(): Config {
    const { axes, normalize } = this;
    return { axes, normalize };
  }

  override connect(call: string, inputs: readonly Shape[]): Shape[] {
    const outputs = super.connect(call, inputs);
    checkSameRanks(call, this, inputs);
    return outputs;
  }

  override get takesAnyWidth(): boolean {
    return true;
  }

  override get runsByTimeStep(): boolean {
    return this.connection.inputs.every(({ length }) => length === 2);
  }

  override runsBesideConstants(isConstant: readonly boolean[]): boolean {
    const ranks = this.connection.inputs.map(shape => shape.length);
    const [steps, constant] = isConstant[0] ? [1, 0] : [0, 1];
    if (ranks[steps] === 2) return true;
    // The time steps of a sequence stay time steps only if it comes first and the other input is a sequence too
    return steps === 0 && ranks[constant] === 3 && this.axesFor(ranks)[0] === 2;
  }

  /** @internal The axes as positive numbers. */
  axesFor(ranks: readonly number[]): number[] {
    const axes = typeof this.axes === 'number' ? [this.axes, this.axes] : this.axes;
    return axes.map((axis, n) => (axis < 0 ? axis + ranks[n]! : axis));
  }

  override outputShapesFor(call: string, inputs: readonly Shape[]): Shape[] {
    checkInputCount(call, this.name, inputs, true);
    const [a, b] = inputs as [Shape, Shape];
    const shapes = `${showShape(a)} and ${showShape(b)}`;
    const axes = this.axesFor([a.length, b.length]);
    if (axes.some((axis, n) => axis < 1 || axis >= inputs[n]!.length)) {
      fail(call, `axes of ${this.name} must be axes of ${shapes} other than the batch, got ${show(this.axes)}`);
    }
    const differ = (n: number | null, other: number | null) => n !== null && other !== null && n !== other;
    if (differ(a[axes[0]!]!, b[axes[1]!]!) || differ(a[0]!, b[0]!)) {
      const rule = `equal batch sizes, and equal sizes along the axes ${axes.join(' and ')}`;
      fail(call, `the inputs of ${this.name} must have ${rule}, got ${shapes}`);
    }
    const rest = [a, b].flatMap((shape, n) => shape.filter((_, axis) => axis > 0 && axis !== axes[n]));
    return [[a[0] ?? b[0]!, ...(rest.length > 0 ? rest : [1])]];
  }

  override plan(planner: Planner, inputs: Signals, { name }: PlannedCall): Signals {
    const ranks = this.connection.inputs.map(shape => shape.length);
    const axes = this.axesFor(ranks);
    const operands = inputs.map((signal, n): Operand => {
      const overTime = ranks[n] === 3 && axes[n] === 1;
      const { steps, width } = signal.y;
      return { signal, overTime, count: overTime ? width : steps, depth: overTime ? steps : width };
    });
    // A sequence times a vector is a vector: one row
    if (ranks[0] === 3 && ranks[1] === 2) operands.reverse();
    const [a, b] = operands as [Operand, Operand];
    const K = a.depth;
    const [M, N] = [a.count, b.count];
    const y = planner.rows(`${name}/y`, M, N);
    const dy = planner.gradientRows(`${name}/dy`, M, N);
    const scratch = (what: string, rows: number, width: number) =>
      planner.floats(`${name}/${what}`, rows, padded(width));
    planner.calls.push({
      kind: 'dot',
      fields: {
        rows: planner.batch,
        aCount: M,
        bCount: N,
        depth: K,
        normalize: Number(this.normalize),
        aOverTime: Number(a.overTime),
        ...rowFields('a', a.signal.y),
        bOverTime: Number(b.overTime),
        ...rowFields('b', b.signal.y),
        ...rowFields('y', y),
        ...rowFields('dy', dy),
        ...rowFields('da', a.signal.dy),
        ...rowFields('db', b.signal.dy),
        left: scratch('left', M, K),
        right: scratch('right', N, K),
        packed: planner.floats(`${name}/packed`, padded(N) * padded(K)),
        product: scratch('product', M, N),
        gradient: planner.needsGradients ? scratch('gradient', Math.max(M, N), K) : 0,
        leftNorms: this.normalize ? scratch('leftNorms', 1, M) : 0,
        rightNorms: this.normalize ? scratch('rightNorms', 1, N) : 0,
      },
    });
    return [{ y, dy, mask: null }];
  }
}

function readAxes(call: string, axes: unknown): number | [number, number] {
  const isAxis = (axis: unknown): axis is number => Number.isInteger(axis) && axis !== 0;
  if (isAxis(axes)) return axes;
  if (Array.isArray(axes) && axes.length === 2 && axes.every(isAxis)) return [axes[0]!, axes[1]!];
  return fail(call, `axes must be an integer or two integers, none of them 0, got ${show(axes)}`);
}
