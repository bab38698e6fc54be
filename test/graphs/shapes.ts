/** The shapes that layers of random graphs accept and return. */

import { windowStarts } from '../reference/conv1d.ts';
import type { Graph, LayerSpec, RecurrentSpec, Shape } from './spec.ts';

/** The widths of the states of a recurrent layer. */
export function stateWidths(spec: LayerSpec): number[] {
  if (spec.kind === 'bidirectional') return [...widthsOf(spec.layer), ...widthsOf(spec.layer)];
  return spec.kind === 'recurrent' ? widthsOf(spec) : [];
}

const widthsOf = ({ cells }: RecurrentSpec) =>
  cells.flatMap(({ kind, units }) => (kind === 'lstm' ? [units, units] : [units]));

/** The shapes of the outputs; null if a layer cannot take these inputs. */
export function outputsOf(layers: readonly LayerSpec[], spec: LayerSpec, inputs: readonly Shape[]): Shape[] | null {
  const [first, second, third] = inputs as [Shape, Shape?, Shape?];
  const { steps, width } = first;
  if (spec.kind === 'embedding') return width === 0 ? [{ steps, width: spec.outputDim }] : null;
  if (inputs.some(input => input.width === 0)) return null;
  switch (spec.kind) {
    case 'merge':
      return inputs.length < 2 || (spec.name === 'subtract' && inputs.length > 2) ? null : broadcast(inputs);
    case 'concatenate':
      return inputs.length < 2 ? null : concatenated(inputs, spec.axis);
    case 'dot':
      return inputs.length === 2 ? dotShape(first, second!, spec.axes) : null;
    case 'attention':
    case 'additiveAttention': {
      const key = third ?? second;
      if (steps === null || !second?.steps || key?.steps !== second.steps || key.width !== width) return null;
      const output = { steps, width: second.width };
      return spec.config.returnAttentionScores ? [output, { steps, width: second.steps }] : [output];
    }
    case 'multiHeadAttention':
      if (steps === null || !second?.steps || (third && third.steps !== second.steps)) return null;
      return [{ steps, width: spec.config.outputShape ?? width }];
    case 'model':
      return modelShapes(layers, spec.graph, inputs);
  }
  if (inputs.length !== 1) return null;
  switch (spec.kind) {
    case 'dense':
      return spec.wrapped && steps === null ? null : [{ steps, width: spec.units }];
    case 'conv1d': {
      const count = steps === null ? 0 : windowStarts({ ...spec, steps }).length;
      return count > 0 ? [{ steps: count, width: spec.filters }] : null;
    }
    case 'maxPooling1d':
    case 'averagePooling1d': {
      const count = steps === null ? 0 : windowStarts(poolWindows(spec, steps)).length;
      return count > 0 ? [{ steps: count, width }] : null;
    }
    case 'prelu':
      return (steps === null) === (spec.sharedAxes === null) ? [first] : null;
    case 'activation':
    case 'dropout':
    case 'batchNormalization':
    case 'layerNormalization':
      return [first];
    case 'masking':
      return steps === null ? null : [first];
    case 'repeatVector':
      return steps === null ? [{ steps: spec.n, width }] : null;
    case 'flatten':
      return [{ steps: null, width: (steps ?? 1) * width }];
    case 'reshape': {
      const [newSteps, newWidth] = spec.targetShape;
      return (steps ?? 1) * width === newSteps * newWidth ? [{ steps: newSteps, width: newWidth }] : null;
    }
    default:
      return steps === null ? null : recurrentShapes(spec, steps);
  }
}

/** The sizes of a pooling layer as those of a convolution. */
export const poolWindows = (
  { poolSize, strides, padding }: LayerSpec & { kind: 'maxPooling1d' | 'averagePooling1d' },
  steps: number,
) => ({ steps, kernelSize: poolSize, strides, dilationRate: 1, padding });

function recurrentShapes(spec: RecurrentSpec | (LayerSpec & { kind: 'bidirectional' }), steps: number): Shape[] {
  const layer = spec.kind === 'bidirectional' ? spec.layer : spec;
  const units = layer.cells.at(-1)!.units;
  const both = spec.kind === 'bidirectional' && spec.mergeMode === 'concat' ? 2 : 1;
  const output = { steps: layer.returnSequences ? steps : null, width: both * units };
  const states = layer.returnState ? stateWidths(spec).map(width => ({ steps: null, width })) : [];
  return spec.kind === 'bidirectional' && spec.mergeMode === null ? [output, output, ...states] : [output, ...states];
}

/** Sizes of 1 are repeated, and so are vectors beside sequences. */
function broadcast(inputs: readonly Shape[]): Shape[] | null {
  const steps = Math.max(...inputs.map(input => input.steps ?? 1));
  const width = Math.max(...inputs.map(input => input.width));
  const fits = inputs.every(
    input => [steps, 1].includes(input.steps ?? 1) && (input.width === width || input.width === 1),
  );
  return fits ? [{ steps: inputs.every(input => input.steps === null) ? null : steps, width }] : null;
}

function concatenated(inputs: readonly Shape[], axis: 1 | -1): Shape[] | null {
  const { steps, width } = inputs[0]!;
  const sum = (sizeOf: (shape: Shape) => number) => inputs.reduce((total, input) => total + sizeOf(input), 0);
  if (axis === 1) {
    const fits = inputs.every(input => input.steps !== null && input.width === width);
    return fits ? [{ steps: sum(input => input.steps!), width }] : null;
  }
  return inputs.every(input => input.steps === steps) ? [{ steps, width: sum(input => input.width) }] : null;
}

/** The axes of `dot` as positive numbers. */
export const dotAxes = (axes: number | [number, number], ranks: readonly number[]): [number, number] => {
  const both = typeof axes === 'number' ? [axes, axes] : axes;
  return both.map((axis, n) => (axis < 0 ? axis + ranks[n]! : axis)) as [number, number];
};

/** The size of the axes that `dot` sums over. */
export function dotDepth(axes: number | [number, number], [a, b]: readonly Shape[]): number {
  const ranks = [a!, b!].map(({ steps }) => (steps === null ? 2 : 3));
  return dotAxes(axes, ranks)[0] === 1 && a!.steps !== null ? a!.steps : a!.width;
}

function dotShape(a: Shape, b: Shape, axes: number | [number, number]): Shape[] | null {
  const sizes = [a, b].map(({ steps, width }) => (steps === null ? [0, width] : [0, steps, width]));
  const both = dotAxes(
    axes,
    sizes.map(size => size.length),
  );
  if (both.some((axis, n) => axis < 1 || axis >= sizes[n]!.length)) return null;
  if (sizes[0]![both[0]] !== sizes[1]![both[1]]) return null;
  const rest = sizes.flatMap((size, n) => size.filter((_, axis) => axis > 0 && axis !== both[n]));
  return [{ steps: rest.length === 2 ? rest[0]! : null, width: rest.at(-1) ?? 1 }];
}

function modelShapes(layers: readonly LayerSpec[], graph: Graph, inputs: readonly Shape[]): Shape[] | null {
  const same = (a: Shape, b: Shape | undefined) => a.steps === b?.steps && a.width === b.width;
  if (inputs.length !== graph.inputs.length || !graph.inputs.every((shape, n) => same(shape, inputs[n]))) return null;
  const values = [...inputs];
  for (const call of graph.calls) {
    const outputs = outputsOf(
      layers,
      layers[call.layer]!,
      call.inputs.map(n => values[n]!),
    );
    if (!outputs) return null;
    values.push(...outputs);
  }
  return graph.outputs.map(n => values[n]!);
}

export interface MaskedShape extends Shape {
  isMasked: boolean;
}

/** Whether the outputs of a layer have masks. */
export function masksOf(layers: readonly LayerSpec[], spec: LayerSpec, inputs: readonly MaskedShape[]): boolean[] {
  const [{ isMasked }] = inputs as [MaskedShape];
  switch (spec.kind) {
    case 'masking':
      return [true];
    case 'embedding':
      return [spec.maskZero];
    case 'dense':
    case 'activation':
    case 'dropout':
    case 'batchNormalization':
    case 'layerNormalization':
    case 'prelu':
    case 'attention':
    case 'additiveAttention':
    case 'multiHeadAttention':
      return [isMasked];
    case 'merge':
      return [inputs.every(input => input.isMasked)];
    case 'concatenate':
      return [spec.axis === 1 ? inputs.some(input => input.isMasked) : inputs.every(input => input.isMasked)];
    case 'recurrent':
      return [isMasked && spec.returnSequences];
    case 'bidirectional':
      return new Array(spec.mergeMode === null ? 2 : 1).fill(isMasked && spec.layer.returnSequences);
    case 'model':
      return modelMasks(layers, spec.graph, inputs);
    default:
      return [];
  }
}

function modelMasks(layers: readonly LayerSpec[], graph: Graph, inputs: readonly MaskedShape[]): boolean[] {
  const values = [...inputs];
  for (const call of graph.calls) {
    const spec = layers[call.layer]!;
    const read = call.inputs.map(n => values[n]!);
    const masks = masksOf(layers, spec, read);
    values.push(...outputsOf(layers, spec, read)!.map((shape, n) => ({ ...shape, isMasked: masks[n] ?? false })));
  }
  return graph.outputs.map(n => values[n]!.isMasked);
}
