/** Exports models to ONNX. */

import { version } from '../../package.json' with { type: 'json' };
import { AttentionLayer } from '../layers/attentionLayer.ts';
import type { Layer } from '../layers/layer.ts';
import { Merge } from '../layers/merge.ts';
import { Noise } from '../layers/noise.ts';
import { GlobalPooling1D } from '../layers/pooling.ts';
import { Recurrent, RecurrentLayer } from '../layers/recurrent/recurrent.ts';
import { LayersModel } from '../model/layersModel.ts';
import type { CallGraph } from '../plan/callGraph.ts';
import { rejectExtraArguments } from '../util/arguments.ts';
import { fail, show } from '../util/errors.ts';
import { checkOptions, checkText } from '../util/options.ts';
import { Graph } from './graph.ts';
import { axesOf, sizeOfAxis } from './openAxes.ts';
import { FLOAT32, writeModel } from './proto.ts';
import type { WriteContext, WrittenValue } from './writeContext.ts';
import { writeLayer } from './writeLayer.ts';

export interface ToOnnxOptions {
  /** The operator set version, 14 to 17; default 17, which ONNX Runtime supports since 1.12. */
  opset?: number;
  /**
   * Whether initial and final states are inputs and outputs; default false. With 'optional', the inputs may be omitted,
   * and the states are then zero. ONNX Runtime supports this in Python, C++, C# and Java, but not in JavaScript:
   * onnxruntime-node silently ignores such inputs, and onnxruntime-web rejects them. Use true there.
   */
  states?: boolean | 'optional';
  /** The name of the graph; default that of the model. */
  name?: string;
}

/** The version of the file format; ONNX Runtime supports it since 1.12. */
const IR_VERSION = 8;
const OLDEST = 14;
const NEWEST = 17;

/**
 * Converts a model to an ONNX file for inference.
 *
 * A single input is called 'input', a single output 'output'; several have the names of `model.inputNames` and
 * `model.outputNames`. Inputs have the shape [batch, time, width] or [batch, width]; below an embedding, they are int64
 * ids [batch, time]. Outputs have the shapes of the model's outputs. Batch and time are variable; time is fixed if a layer
 * needs that, such as flatten. With states, every recurrent layer without initial states has the inputs '<layer>_h' and,
 * for lstm, '<layer>_c', and the outputs '<layer>_h_out' and '<layer>_c_out', of the shape [directions, batch, units], so
 * that a sequence can be processed in parts. Stacked cells are numbered: '<layer>_0_h'.
 *
 * @throws ValueError if a cell has an activation that ONNX does not support, or a layer applies dropout in predictions
 */
export function toOnnx(model: LayersModel, options?: ToOnnxOptions): Uint8Array {
  rejectExtraArguments('toOnnx', 2, arguments);
  const call = 'toOnnx';
  if (!(model instanceof LayersModel))
    fail(call, `model must be made with sequential() or model(), got ${show(model)}`);
  const known = checkOptions<ToOnnxOptions>(call, options, ['opset', 'states', 'name']);
  const { opset = NEWEST, name = model.name } = known;
  if (!Number.isInteger(opset) || opset < OLDEST || opset > NEWEST) {
    fail(call, `opset must be an integer from ${OLDEST} to ${NEWEST}, got ${show(opset)}`);
  }
  const { states = false } = known;
  if (typeof states !== 'boolean' && states !== 'optional') {
    fail(call, `states must be true, false or 'optional', got ${show(states)}`);
  }
  checkText(call, 'name', name);
  const graph = writeGraph(call, model, states, opset);
  return writeModel({
    irVersion: IR_VERSION,
    producerName: 'lstm-wasm',
    producerVersion: version,
    graph: graph.finish(name),
    opsetImport: [{ domain: '', version: opset }],
  });
}

function writeGraph(call: string, model: LayersModel, states: boolean | 'optional', opset: number): Graph {
  const source = model.view.graph(call);
  const { calls, outputs, valueCount, readers } = source.calls;
  const graph = new Graph();
  const ends = model.view.ends(call);
  const inputNames = namesOf(graph, ends.inputNames, 'input');
  const outputNames = namesOf(graph, ends.outputNames, 'output');
  const axes = axesOf(call, source, inputNames);
  const shapeOf = (value: number) => ['batch', ...axes[value]!.map(sizeOfAxis)];
  const isIds = inputNames.map((_, n) => ends.idReaders[n]!.length > 0);
  for (const [n, name] of inputNames.entries()) graph.input(name, isIds[n] ? 'int64' : 'float32', shapeOf(n));
  // Added before those of states, because readers use the first output
  for (const [n, name] of outputNames.entries()) graph.output(name, 'float32', shapeOf(outputs[n]!));

  const context = contextOf(call, graph, opset, states, inputNames[0]!);
  const values: WrittenValue[] = inputNames.map(value => ({ value, mask: null }));
  const passMasks = maskReaders(calls, valueCount);
  const numbers = asNumbers(graph, values, isIds);
  for (const { layer, name, inputs, firstOutput, outputCount, training } of calls) {
    if (training && dropsOut(layer)) {
      fail(call, `layer '${layer.name}' must not apply dropout in predictions, got a call with training: true`);
    }
    if (training && layer.hasStatistics && layer.trainable) {
      fail(call, `layer '${layer.name}' must use its moving statistics in predictions, got a call with training: true`);
    }
    const own = Array.from({ length: outputCount }, (_, n) => firstOutput + n);
    const written = writeLayer(context, layer, {
      name,
      inputs: inputs.map(value => (layer.readsIds ? values[value]! : numbers(value))),
      ranks: inputs.map(value => axes[value]!.length + 1),
      inputShape: axes[inputs[0]!]!.map(sizeOfAxis),
      shape: axes[firstOutput]!.map(sizeOfAxis),
      passesMask: own.some(value => passMasks[value]),
      isRead: own.map(value => readers[value]! > 0),
    });
    for (const [n, value] of own.entries()) values[value] = written[n]!;
  }
  const renamed = new Map<string, string>();
  for (const [n, name] of outputNames.entries()) {
    const { value } = numbers(outputs[n]!);
    graph.rename(renamed.get(value) ?? value, name);
    renamed.set(value, name);
  }
  return graph;
}

/** Reserves the names of inputs or outputs. */
const namesOf = (graph: Graph, names: readonly string[], single: string): string[] =>
  (names.length === 1 ? [single] : names).map(name => graph.name(name));

function contextOf(
  call: string,
  graph: Graph,
  opset: number,
  states: boolean | 'optional',
  input: string,
): WriteContext {
  let batch: string | null = null;
  const weights = new Map<Layer, Map<string, string[]>>();
  return {
    call,
    graph,
    opset,
    states,
    batch: () => {
      batch ??= graph.add('Gather', 'batch', [graph.add('Shape', 'shape', [input]), graph.ints([0])]);
      return batch;
    },
    weights: (layer, which, make) => {
      const own = weights.get(layer) ?? new Map<string, string[]>();
      weights.set(layer, own);
      const names = own.get(which) ?? make();
      own.set(which, names);
      return names;
    },
  };
}

/** The values as floats, for layers that read ids as numbers. */
function asNumbers(graph: Graph, values: readonly WrittenValue[], isIds: readonly boolean[]) {
  const casts: WrittenValue[] = [];
  return (value: number): WrittenValue => {
    if (!isIds[value]) return values[value]!;
    const name = values[value]!.value;
    casts[value] ??= { value: graph.add('Cast', `${name}/numbers`, [name], { to: { i: FLOAT32 } }), mask: null };
    return casts[value];
  };
}

/** For each value, whether a mask of it may reach a layer that uses masks. */
function maskReaders(calls: CallGraph['calls'], valueCount: number): boolean[] {
  const reaches = new Array<boolean>(valueCount).fill(false);
  for (const { layer, inputs, firstOutput, outputCount } of [...calls].reverse()) {
    const passes = reaches.slice(firstOutput, firstOutput + outputCount).includes(true);
    if (passes || usesMask(layer)) for (const value of inputs) reaches[value] = true;
  }
  return reaches;
}

const usesMask = (layer: Layer): boolean =>
  layer instanceof RecurrentLayer ||
  layer instanceof AttentionLayer ||
  layer instanceof GlobalPooling1D ||
  (layer instanceof Merge && layer.ignoresMasked);

/** Whether a layer has dropout or noise. */
function dropsOut(layer: Layer): boolean {
  if (layer instanceof Noise) return layer.isActive;
  if (layer instanceof AttentionLayer) return layer.dropout > 0;
  if (layer instanceof Recurrent) return layer.cells.some(cell => cell.dropout > 0 || cell.recurrentDropout > 0);
  return layer.children.some(dropsOut);
}
