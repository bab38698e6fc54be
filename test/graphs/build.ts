/** Builds the model of a random graph, with random weights, and a batch of data for it. */

import { input, type Layer, type LayersModel, layers, model, type SymbolicTensor } from 'lstm-wasm';
import { type Block, block } from '../reference/block.ts';
import { targetWidth } from '../reference/loss.ts';
import { Random } from '../reference/random.ts';
import type { CellSpec, Graph, GraphInput, GraphProgram, LayerSpec, RecurrentSpec } from './spec.ts';

export interface BuiltGraph {
  model: LayersModel;
  /** By the numbers of the specification. */
  layers: Layer[];
}

type Make = (options: object) => Layer;
const factories = layers as unknown as Record<string, Make>;

export function build({ layers: specs, graph, inputs, open }: GraphProgram): BuiltGraph {
  const made: Layer[] = [];
  // A nested model comes after the layers in it
  for (const [n, spec] of specs.entries()) made.push(spec.kind === 'model' ? nested(spec.graph, n) : layerOf(spec, n));
  function shapeOf(steps: number | null, width: number): (number | null)[] {
    const time = open ? null : steps;
    return steps === null ? [width] : width === 0 ? [time] : [time, width];
  }
  function nested(own: Graph, n: number): Layer {
    return connect(
      own,
      `model${n}`,
      own.inputs.map(({ steps, width }) => shapeOf(steps, width)),
    );
  }
  function connect(own: Graph, name: string, shapes: (number | null)[][]) {
    const symbols = shapes.map((shape, n) => input({ shape, name: `${name}_in${n}` }));
    const values: SymbolicTensor[] = [...symbols];
    for (const { layer, inputs: read, initialState, masks, isNeverTraining } of own.calls) {
      const given = read.map(n => values[n]!);
      const listed = masks?.map(n => (n === null ? null : values[n]!));
      const options = {
        ...(initialState.length > 0 && { initialState: initialState.map(n => values[n]!) }),
        ...(listed && { mask: listed.length === 1 ? listed[0]! : listed }),
        ...(isNeverTraining && { training: false }),
      };
      const applied = made[layer]!.apply<SymbolicTensor | SymbolicTensor[]>(
        given.length === 1 ? given[0]! : given,
        options,
      );
      values.push(...[applied].flat());
    }
    return model({ inputs: symbols, outputs: own.outputs.map(n => values[n]!), name });
  }
  const shapes = inputs.map(({ steps, width }) => shapeOf(steps, width));
  return { model: connect(graph, 'all', shapes), layers: made };
}

function layerOf(spec: Exclude<LayerSpec, { kind: 'model' }>, n: number): Layer {
  const name = `layer${n}`;
  switch (spec.kind) {
    case 'recurrent':
      return recurrentOf(spec, name);
    case 'bidirectional':
      return layers.bidirectional({ layer: recurrentOf(spec.layer) as never, mergeMode: spec.mergeMode, name });
    case 'dense': {
      const { units, activation, useBias, wrapped } = spec;
      if (!wrapped) return layers.dense({ units, activation, useBias, name });
      return layers.timeDistributed({ layer: layers.dense({ units, activation, useBias }), name });
    }
    case 'merge':
      return factories[spec.name]!({ name });
    case 'attention':
    case 'additiveAttention':
    case 'multiHeadAttention':
      return factories[spec.kind]!({ ...spec.config, name });
    default: {
      const { kind, ...config } = spec;
      return factories[kind]!({ ...config, name });
    }
  }
}

function recurrentOf({ kind: _, cells, ...time }: RecurrentSpec, name?: string): Layer {
  const options = { ...time, ...(name !== undefined && { name }) };
  if (cells.length === 1) return factories[cells[0]!.kind]!({ ...cellOptions(cells[0]!), ...options });
  return layers.rnn({
    ...options,
    cell: cells.map(cell => factories[`${cell.kind}Cell`]!(cellOptions(cell)) as never),
  });
}

function cellOptions({ kind, units, activation, recurrentActivation, useBias, resetAfter }: CellSpec): object {
  return {
    units,
    activation,
    useBias,
    ...((kind === 'lstm' || kind === 'gru') && { recurrentActivation }),
    ...(kind === 'gru' && { resetAfter }),
    ...(kind === 'lstm' && resetAfter && { usePeepholes: true }),
  };
}

/** Random weights for each layer but the models; a few of them are vectors. */
export function weightsOf({ seed }: GraphProgram, made: readonly Layer[]): Block[][] {
  const random = new Random(seed + 1);
  return made.map(layer => {
    if (layer.nestedLayers) return [];
    return layer.weightSpecs.map(({ name, shape }) => {
      if (name === 'movingVariance')
        return block(
          shape,
          random.uniforms(shape).data.map(value => Math.fround(value * value + 0.25)),
        );
      const inputs = shape.slice(0, -1).reduce((product, size) => product * size, 1);
      return random.normals(shape, shape.length > 1 ? Math.min(1, 1.2 / Math.sqrt(inputs)) : 0.5);
    });
  });
}

/** A random batch: inputs, and targets that suit the losses. */
export function batchOf({ seed, batch, inputs, outputs, masksAll }: GraphProgram): { x: Block[]; y: Block[] } {
  const random = new Random(seed + 2);
  const x = inputs.map(given => inputOf(random, batch, given, masksAll));
  const y = outputs.map(({ loss, steps, width }) => {
    const outer = steps === null ? [batch] : [batch, steps];
    const target = block([...outer, targetWidth(loss, width)]);
    const each = (value: () => number) => target.data.map(value);
    switch (loss) {
      case 'binaryCrossentropy':
        return { ...target, data: each(() => random.bits() % 2) };
      case 'squaredHinge':
        return { ...target, data: each(() => 2 * (random.bits() % 2) - 1) };
      case 'poisson':
        return { ...target, data: each(() => random.bits() % 4) };
      case 'sparseCategoricalCrossentropy':
        return { ...target, data: each(() => random.bits() % width) };
      case 'categoricalCrossentropy':
      case 'kullbackLeiblerDivergence':
        for (let row = 0; row < target.data.length; row += width) target.data[row + (random.bits() % width)] = 1;
        return target;
      default:
        return random.normals(target.shape);
    }
  });
  return { x, y };
}

/** About a third of the time steps of ids, masks and masked sequences is masked, sometimes a whole sample. */
function inputOf(random: Random, batch: number, { kind, steps, width }: GraphInput, masksAll: boolean): Block {
  if (kind === 'numbers') return random.normals(steps === null ? [batch, width] : [batch, steps, width]);
  const row = Math.max(1, width);
  const values = width === 0 ? block([batch, steps!]) : random.normals([batch, steps!, width]);
  if (width === 0) for (const n of values.data.keys()) values.data[n] = kind === 'ids' ? 1 + (random.bits() % 3) : 1;
  for (let b = 0; b < batch; b++) {
    const all = masksAll && random.bits() % 3 === 0;
    for (let t = 0; t < steps!; t++) {
      const hides = random.bits() % 3 === 0 && (masksAll || t > 0);
      if (all || hides) values.data.fill(0, (b * steps! + t) * row, (b * steps! + t + 1) * row);
    }
  }
  return values;
}
