/** The axes of the values of a model. Time axes are open unless a layer needs a fixed number of time steps. */

import { AttentionLayer } from '../layers/attentionLayer.ts';
import { Concatenate } from '../layers/concatenate.ts';
import { Dot } from '../layers/dot.ts';
import { ExplicitMask } from '../layers/explicitMask.ts';
import { Flatten } from '../layers/flatten.ts';
import type { Layer } from '../layers/layer.ts';
import { Merge } from '../layers/merge.ts';
import { Pooling1D } from '../layers/pooling.ts';
import { PReLU } from '../layers/prelu.ts';
import { RepeatVector } from '../layers/repeatVector.ts';
import { Reshape } from '../layers/reshape.ts';
import { Permute, TimeStepsLayer } from '../layers/timeSteps.ts';
import type { Graph } from '../model/graph.ts';
import type { Shape } from '../util/shapes.ts';

/** A time axis; several values may share one. */
export class TimeAxis {
  /** The axis that this one is the same as; null if it stands for itself. */
  #same: TimeAxis | null = null;
  #declared: number | null;
  #isFixed = false;
  /** In an open file, its name. */
  #name: string | null = null;

  /**
   * @param declared the number of time steps in the shapes of the model
   * @param parts the axes whose sum it is, or which it is computed from
   * @param combine computes its size
   */
  constructor(
    declared: number | null,
    readonly parts: readonly Axis[] = [],
    private readonly combine = (sizes: readonly number[]) => sizes.reduce((a, b) => a + b),
  ) {
    this.#declared = declared;
  }

  get root(): TimeAxis {
    return this.#same?.root ?? this;
  }

  get declared(): number | null {
    return this.root.#declared;
  }

  /** Makes the size the number of time steps in the shapes of the model. */
  fix(): void {
    const { root } = this;
    root.#isFixed ||= root.#declared !== null;
    for (const part of root.parts) if (typeof part !== 'number') part.fix();
  }

  /** Makes this axis the same as another one. */
  join({ root: other }: TimeAxis): void {
    const { root } = this;
    if (root === other) return;
    // A computed axis keeps its parts, unless it is computed from the other
    const keepsOther = root.#needs(other) || (other.parts.length > 0 && !other.#needs(root));
    const [kept, gone] = keepsOther ? [other, root] : [root, other];
    gone.#same = kept;
    kept.#declared ??= gone.#declared;
    if (gone.#isFixed) kept.fix();
  }

  /** Whether the size of another axis is needed to compute that of this one. */
  #needs(other: TimeAxis): boolean {
    return this.parts.some(part => typeof part !== 'number' && (part.root === other || part.root.#needs(other)));
  }

  /** The number of time steps, or the name of the open axis. */
  get size(): number | string {
    const { root } = this;
    if (root.#isFixed) return root.#declared!;
    const sizes = root.parts.map(sizeOfAxis);
    if (sizes.length > 0 && sizes.every(size => typeof size === 'number')) return root.combine(sizes);
    return root.#name ?? 'time';
  }

  /** Names the axis, unless it has a name. */
  name(name: string): void {
    this.root.#name ??= name;
  }
}

/** A number of features or of time steps, or an axis that may be open. */
export type Axis = number | TimeAxis;

/** The axes of a value, without the batch. */
export type Axes = readonly Axis[];

export const sizeOfAxis = (axis: Axis): number | string => (typeof axis === 'number' ? axis : axis.size);

/** The axes of all values of a graph; `inputNames` are for the names of open axes. */
export function axesOf(call: string, graph: Graph, inputNames: readonly string[]): Axes[] {
  const shapes: Shape[] = graph.inputs.map(({ shape }) => shape);
  const { calls } = graph.calls;
  // A list of ids, and a mask, have a time axis only
  const isList = (n: number) =>
    calls.some(({ layer, inputs }) => layer.createsTimeSteps && inputs.at(-1) === n && n < shapes.length);
  const axes: Axes[] = shapes.map(([, ...sample], n) =>
    sample.length === 2
      ? [new TimeAxis(sample[0]!), sample[1]!]
      : [isList(n) || sample[0] === null ? new TimeAxis(sample[0]!) : sample[0]!],
  );
  const sums: [TimeAxis, string][] = [];
  for (const { layer, name, inputs, firstOutput } of calls) {
    const given = inputs.map(value => axes[value]!);
    if (!layer.createsTimeSteps) for (const own of given) fixFeatures(own);
    const own = layer.outputShapesFor(
      call,
      inputs.map(value => shapes[value]!),
    );
    const steps = timeAxisOf(call, layer, given);
    if (steps instanceof TimeAxis && steps.parts.length > 0) sums.push([steps, name]);
    for (const [n, shape] of own.entries()) {
      shapes[firstOutput + n] = shape;
      axes[firstOutput + n] = outputAxes(layer, n, shape, steps, given);
    }
  }
  const open = new Set(axes.slice(0, inputNames.length).flatMap(([first]) => rootsOf(first!)));
  for (const [n, name] of inputNames.entries()) {
    for (const axis of rootsOf(axes[n]![0]!)) axis.name(open.size === 1 ? 'time' : `${name}_time`);
  }
  for (const [axis, name] of sums) axis.name(`${name}_time`);
  return axes;
}

const rootsOf = (axis: Axis): TimeAxis[] =>
  typeof axis !== 'number' && typeof axis.size !== 'number' ? [axis.root] : [];

const declaredOf = (axis: Axis): number | null => (typeof axis === 'number' ? axis : axis.declared);

function fixAll(axes: Axes): void {
  for (const axis of axes) if (typeof axis !== 'number') axis.fix();
}

/** Fixes time steps that are read as features. */
const fixFeatures = (axes: Axes): void => fixAll(axes.slice(-1));

/** Records that two axes have the same size. */
function joined(a: Axis, b: Axis): Axis {
  const [first, second] = [a, b].map(axis => (typeof axis === 'number' ? new TimeAxis(axis) : axis));
  first!.join(second!);
  if (typeof a === 'number' || typeof b === 'number') first!.fix();
  return a;
}

/** The time axis of the output of a layer; null if it has none that depends on the inputs. */
function timeAxisOf(call: string, layer: Layer, inputs: readonly Axes[]): Axis | null {
  const times = inputs.flatMap(axes => (axes.length === 2 ? [axes[0]!] : []));
  if (layer instanceof Merge) return times.length > 0 ? times.reduce(mergedAxis) : null;
  if (layer instanceof Concatenate && times.length > 0) {
    if (layer.axis !== 1 && layer.axis !== -2) return times.reduce(joined);
    const declared = times.map(declaredOf);
    const open = declared.includes(null);
    return new TimeAxis(open ? null : declared.reduce<number>((sum, size) => sum + size!, 0), times);
  }
  if (layer instanceof Flatten || layer instanceof Reshape || (layer instanceof Permute && layer.dims[0] === 2)) {
    fixAll(times);
    return null;
  }
  if (layer instanceof PReLU && !layer.sharedAxes?.includes(1)) fixAll(times);
  if (layer instanceof Pooling1D || layer instanceof TimeStepsLayer) return changedAxis(call, layer, times[0]!);
  if (layer instanceof RepeatVector) return null;
  if (layer instanceof ExplicitMask && inputs[1]) return joined(inputs[0]![0]!, inputs[1][0]!);
  if (layer instanceof AttentionLayer && times.length === 3) joined(times[1]!, times[2]!);
  return times[0] ?? (layer.readsIds ? inputs[0]![0]! : null);
}

/** More time steps than windows, padding or cropping take. */
const MANY = 1e9;

/** The time axis of a layer that pools, pads, crops or repeats time steps. */
function changedAxis(call: string, layer: Pooling1D | TimeStepsLayer, axis: Axis): Axis {
  const after = (steps: number) => layer.outputShapeFor(call, [null, steps, 1])[1]!;
  if (typeof axis === 'number') return after(axis);
  const isSparse = layer instanceof Pooling1D && layer.poolSize[0] > 1 && layer.poolSize[0] < layer.strides[0];
  if (isSparse && layer.padding === 'same') axis.fix(); // ONNX has no such padding for open sizes
  if (after(MANY) === MANY) return axis;
  return new TimeAxis(axis.declared === null ? null : after(axis.declared), [axis], ([steps]) => after(steps!));
}

/** The time axis of two merged sequences, of which one may have a single time step. */
function mergedAxis(a: Axis, b: Axis): Axis {
  const [first, second] = [declaredOf(a), declaredOf(b)];
  if (first === second) return joined(a, b);
  for (const [axis, declared] of [
    [a, first],
    [b, second],
  ] as const) {
    if (declared !== null && typeof axis !== 'number') axis.fix();
  }
  return first === 1 || (first === null && second !== 1) ? b : a;
}

function outputAxes(layer: Layer, n: number, [, ...sample]: Shape, steps: Axis | null, inputs: readonly Axes[]): Axes {
  if (layer instanceof Dot) return dotAxes(layer, inputs);
  // The scores of attention
  if (n === 1 && layer instanceof AttentionLayer) {
    const keys = inputs[1]![0]!;
    fixFeatures([keys]);
    return [steps!, keys];
  }
  const features = sample.at(-1) ?? openFeatures(inputs);
  return sample.length === 1 ? [features] : [steps ?? sample[0]!, features];
}

/** The open number of features that a layer keeps, which are scores of time steps. */
const openFeatures = (inputs: readonly Axes[]): Axis =>
  inputs
    .map(axes => axes.at(-1)!)
    .filter(axis => typeof axis !== 'number')
    .reduce<Axis | null>((first, axis) => (first ? joined(first, axis) : axis), null)!;

function dotAxes(layer: Dot, inputs: readonly Axes[]): Axes {
  const contracted = layer.axesFor(inputs.map(axes => axes.length + 1)).map(axis => axis - 1);
  joined(inputs[0]![contracted[0]!]!, inputs[1]![contracted[1]!]!);
  const rest = inputs.flatMap((axes, n) => axes.filter((_, axis) => axis !== contracted[n]));
  if (rest.length === 0) return [1];
  fixFeatures(rest);
  return rest;
}
