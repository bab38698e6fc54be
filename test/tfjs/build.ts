/** Builds the model of a program in either library, from the same specification. */

import type { Program } from './programs.ts';
import { repairCalls } from './repair.ts';
import { type Library, resetAfterCell } from './resetAfter.ts';
import { sequenceLayers } from './sequenceLayers.ts';
import type { Graph, Json, Spec } from './specs.ts';

export type { Library };

export function build(library: Library, layers: readonly Spec[]): Library {
  return library.sequential({ layers: layers.map(spec => buildLayer(library, spec)) });
}

function buildLayer(library: Library, { kind, config, layer, cells, graph, layers }: Spec): Library {
  const options = resolve(library, config) as Record<string, unknown>;
  if (graph) return buildGraph(library, graph, options);
  if (layers) return library.sequential({ ...options, layers: layers.map(spec => buildLayer(library, spec)) });
  if (isTfjs(library) && options.resetAfter) {
    const cell = new (resetAfterCell(library))(options);
    return kind === 'gru' ? library.layers.rnn({ ...options, cell }) : cell;
  }
  const inPlanes = isTfjs(library) && sequenceLayers[kind];
  if (inPlanes) return inPlanes(library, options);
  return library.layers[kind]({
    ...options,
    ...(layer ? { layer: buildLayer(library, layer) } : {}),
    ...(cells ? { cell: cells.map(cell => buildLayer(library, cell)) } : {}),
  });
}

/** A functional model. */
export function buildGraph(library: Library, graph: Graph, options: object = {}): Library {
  const made = graph.layers.map(spec => buildLayer(library, spec));
  const inputs = graph.inputs.map(({ name, shape }) => library.input({ name, shape }));
  const values = [...inputs];
  for (const { layer, inputs: read, initialState, masked } of graph.calls) {
    const [given, states] = [read, initialState].map(numbers => numbers.map(n => values[n])) as [Library[], Library[]];
    if (isTfjs(library)) repairCalls(library, made[layer], masked);
    const more = states.length > 0 ? { initialState: states } : undefined;
    values.push(...[made[layer].apply(given.length === 1 ? given[0] : given, more)].flat());
  }
  return library.model({ ...options, inputs, outputs: graph.outputs.map(n => values[n]) });
}

/** Replaces each `{ call, args }` by the result of that function of the library. */
function resolve(library: Library, value: Json): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(item => resolve(library, item));
  const entries = value as { readonly [key: string]: Json };
  if (typeof entries.call === 'string') {
    const [group, name] = entries.call.split('.');
    return library[group!][name!](entries.args);
  }
  return Object.fromEntries(Object.entries(entries).map(([key, item]) => [key, resolve(library, item)]));
}

/** Clipping needs an options object, which only lstm-wasm accepts; `repairTfjs` clips for TF.js. */
export function buildOptimizer(library: Library, { optimizer }: Pick<Program, 'optimizer'>): Library {
  const { kind, args, clip } = optimizer;
  if (!clip || isTfjs(library)) return library.train[kind](...args);
  const names = {
    sgd: ['learningRate'],
    momentum: ['learningRate', 'momentum', 'useNesterov'],
    adam: ['learningRate', 'beta1', 'beta2', 'epsilon'],
    rmsprop: ['learningRate', 'decay', 'momentum', 'epsilon', 'centered'],
    adagrad: ['learningRate', 'initialAccumulatorValue'],
  }[kind]!;
  return library.train[kind]({ ...Object.fromEntries(args.map((value, n) => [names[n], value])), ...clip });
}

function isTfjs(library: Library): boolean {
  return 'engine' in library;
}
