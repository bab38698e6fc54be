/** Imports ONNX graphs as models. */

import type { LayersModel } from '../model/layersModel.ts';
import { describeOtherFormat } from '../saving/stores/fileSignatures.ts';
import { rejectExtraArguments } from '../util/arguments.ts';
import { fail, ValueError } from '../util/errors.ts';
import { checkBytes } from '../util/options.ts';
import { globalSeeds } from '../util/random.ts';
import type { Shape } from '../util/shapes.ts';
import { attentionWeights } from './attentionScores.ts';
import { buildChain, buildGraph, type Found, type FoundInput } from './buildModel.ts';
import {
  isStateOutput,
  nodesFor,
  outputOf,
  outputsOf,
  producersOf,
  rankOf,
  readsOf,
  stateInputsOf,
} from './dependencies.ts';
import { identity } from './formula.ts';
import { asSequence, inTimeOrder, withAxes } from './insertedLayers.ts';
import { NodeReader, type Source, TimeMajorError } from './nodeReader.ts';
import { evaluate, UNSUPPORTED } from './operators.ts';
import {
  FLOAT32,
  type GraphProto,
  INT32,
  INT64,
  isStandard,
  type NodeProto,
  readModel,
  type ValueInfoProto,
} from './proto.ts';
import type { Size } from './sizes.ts';
import { readTensor, typeName } from './tensors.ts';
import { quote } from './text.ts';
import { type Axis, type Chain, type LayerOutput, layerOutputOf, nameOf, type Value } from './values.ts';

/** The supported operator set versions. */
const OLDEST = 7;
const NEWEST = 25;

/**
 * Loads a model from an ONNX file, as written by `toOnnx`, `torch.onnx.export`, tf2onnx and keras2onnx: LSTM, GRU and RNN
 * nodes, dense layers, activations, embeddings, and the operators of layers that merge outputs, also of dot and attention
 * layers. A chain of layers becomes a sequential model, another graph a functional model. The model can be compiled and
 * trained. Masks are read in the form that `toOnnx` writes.
 *
 * The output of a sequential model is the first output of the graph that is not a cell state. Final states of a chain, and
 * initial states that are inputs, are ignored: `model.stream()` and stateful layers have their own states. A graph with the
 * input [time, batch, width] becomes a model with the input [batch, time, width].
 *
 * @throws ValueError that names the unsupported node and operator
 */
export async function loadOnnxModel(bytes: Uint8Array | ArrayBuffer): Promise<LayersModel> {
  rejectExtraArguments('loadOnnxModel', 1, arguments);
  const call = 'loadOnnxModel';
  const file = checkBytes(call, 'bytes', bytes);
  const foreign = describeOtherFormat(file, 'ONNX');
  if (foreign) fail(call, `the file must be an ONNX model, got ${foreign}`);
  const { graph, opsetImport } = readModel(call, file);
  if (!graph) fail(call, 'the file must contain a graph, got none');
  const opset = opsetImport.find(({ domain }) => isStandard(domain))?.version;
  if (opset === undefined || !(opset >= OLDEST && opset <= NEWEST)) {
    fail(call, `opset_import must have a version from ${OLDEST} to ${NEWEST}, got ${opset ?? 'none'}`);
  }
  const read = (branches: boolean): Found => {
    try {
      return readGraph(call, graph, opset, file.length, { branches, timeFirst: false });
    } catch (error) {
      if (!(error instanceof TimeMajorError)) throw error;
      return readGraph(call, graph, opset, file.length, { branches, timeFirst: true });
    }
  };
  return globalSeeds.rollBackOnError(() => {
    let chain: Found;
    try {
      chain = read(false);
    } catch (error) {
      // What a graph of layers cannot have either
      if (!(error instanceof ValueError) || error.message.includes(UNSUPPORTED)) throw error;
      return buildGraph(call, graph.name, read(true));
    }
    if (!hasBranches(call, graph)) return buildChain(call, graph.name, chain);
    let found: Found;
    try {
      found = read(true);
    } catch (error) {
      // An output of masked sequences that no layer computes is not ignored
      if (!(error instanceof ValueError) || graph.node.some(({ opType }) => opType === 'Scan')) throw error;
      return buildChain(call, graph.name, chain); // other outputs are not of layers
    }
    return buildGraph(call, graph.name, found);
  });
}

/** Evaluates the nodes in file order, up to the outputs of the model. */
function readGraph(
  call: string,
  graph: GraphProto,
  opset: number,
  bytes: number,
  { branches, timeFirst }: { branches: boolean; timeFirst: boolean },
): Found {
  if (graph.sparseInitializer.length > 0) fail(call, 'graph.sparse_initializer must be empty, got sparse tensors');
  const producers = producersOf(call, graph);
  const which = branches ? outputsOf(call, graph, producers) : [outputOf(call, graph, producers)];
  const outputs = which.map(n => graph.output[n]!.name);
  const needed = nodesFor(call, graph, producers, outputs);
  const values = new Map<string, Value>();
  const defined = (name: string, value: Value, part: string) => {
    if (values.has(name)) fail(call, `${part} must have a unique name, got ${quote(name)} twice`);
    values.set(name, value);
  };
  const initialized = new Set(graph.initializer.map(({ name }) => name));
  const wanted = new Set([...outputs, ...needed.flatMap(n => readsOf(graph.node[n]!))]);
  for (const [n, tensor] of graph.initializer.entries()) {
    const part = `graph.initializer[${n}]`;
    if (wanted.has(tensor.name)) defined(tensor.name, readTensor(call, part, tensor), part);
  }
  const nodes = needed.map(n => graph.node[n]!);
  const compared = new Set(nodes.filter(({ opType }) => opType === 'Equal').flatMap(({ input }) => input));
  const isMask = (name: string) =>
    nodes.every(node => node.opType === 'Equal' || !readsOf(node).includes(name)) && compared.has(name);
  const inputs: FoundInput[] = [];
  let batch: number | null = null;
  // Old files list all weights as inputs; newer files list those with a default value
  const given = [...graph.input.entries()].filter(([, { name }]) => wanted.has(name) && !initialized.has(name));
  const states = stateInputsOf(graph, producers, needed);
  const isData = (info: ValueInfoProto) => !states.has(info.name) || (branches && isRow(info));
  const data = given.find(([, info]) => isData(info)) ?? given[0];
  const timeNames = new Map<string, Size>();
  for (const [n, info] of given) {
    const part = `graph.input[${n}] (${quote(info.name)})`;
    if (n !== data![0] && !(branches && isData(info))) {
      const what = `the additional graph input ${quote(info.name)}`;
      defined(info.name, { kind: 'state', what, given: true }, part);
      continue;
    }
    const made = inputOf(call, part, info, timeFirst, timeNames, inputs.length, branches && isMask(info.name));
    inputs.push({ name: info.name, shape: made.input });
    batch ??= made.batch;
    defined(info.name, made.value, part);
  }
  const withFormulas = new Map<Chain, Map<string, Chain>>();
  const budget = 2 * bytes + 2 ** 20;
  const maskedTables = new Set(
    nodes.filter(({ opType, input }) => opType === 'Gather' && compared.has(input[1]!)).map(({ input }) => input[0]!),
  );
  const readers = new Map<string, number>();
  for (const { input } of nodes) for (const one of new Set(input)) readers.set(one, 1 + (readers.get(one) ?? 0));
  const ids = new Map<unknown, number>();
  const options = { call, opset, timeFirst, batch, branches, attentionWeights };
  const source: Source = { ...options, values, withFormulas, maskedTables, ids, budget };
  for (const n of needed) {
    const node = graph.node[n]!;
    const reader = new NodeReader(source, node, n);
    const results = evaluate(reader, node);
    for (const [index, name] of node.output.entries()) {
      const result = results[index] ?? unknownOutput(results[0]!, n, index);
      const value = (readers.get(name) ?? 0) > 1 ? reader.withActivations(result) : result;
      if (name !== '') defined(name, value, `graph.node[${n}].output[${index}]`);
    }
  }
  const chains = which.map(n => {
    const output = graph.output[n]!.name;
    const placeholder: NodeProto = {
      name: output,
      opType: 'output',
      domain: '',
      input: [output],
      output: [],
      attribute: [],
    };
    const index = branches ? (producers.get(output)?.n ?? 0) : (needed.at(-1) ?? 0);
    const last = new NodeReader(source, graph.node[index] ?? placeholder, index);
    const value = values.get(output);
    if (!value || inputs.length === 0) {
      fail(call, `graph.output[${n}] must depend on an input of the graph, got ${quote(output)}`);
    }
    if (value.kind === 'unknown') fail(call, value.why);
    if (value.kind !== 'layerOutput') {
      fail(call, `graph.output[${n}] must be the output of a layer, got ${nameOf(value)}`);
    }
    return { name: output, chain: chainOf(call, last, value, n) };
  });
  return { inputs, outputs: chains };
}

/** Whether an input has rows of numbers, which are not initial states of the graph. */
const isRow = (info: ValueInfoProto): boolean => rankOf(info) === 2;

/** Whether a graph that can be read as a chain has more inputs or outputs than a chain. */
function hasBranches(call: string, graph: GraphProto): boolean {
  const producers = producersOf(call, graph);
  const states = stateInputsOf(graph, producers, [...graph.node.keys()]);
  const results = outputsOf(call, graph, producers).filter(n => !isStateOutput(graph, producers, n));
  const initialized = new Set(graph.initializer.map(({ name }) => name));
  return (
    results.length > 1 || graph.input.some(info => states.has(info.name) && isRow(info) && !initialized.has(info.name))
  );
}

/** The layers that compute an output, in the shape of a model's output. */
function chainOf(call: string, node: NodeReader, value: LayerOutput, which: number): Chain {
  const squeezed = node.withLayers({ ...value, axes: value.axes.filter(axis => axis !== 'direction') });
  const output = inTimeOrder(node, withAxes(node, asSequence(node, squeezed), ['batch', 'time', 'width']));
  const axes = output.axes.filter(axis => axis !== 'one').join();
  if (!outputAxes.includes(axes)) {
    const shapes = 'must be [batch, width] or [batch, time, width]';
    fail(call, `graph.output[${which}] ${shapes}, got [${value.axes.join(', ')}]`);
  }
  return output.parts[0]!.chain;
}

const outputAxes = [
  'batch,width',
  'batch,time,width',
  'time,batch,width',
  // One row for every step of every sample: the same numbers in the same order
  'batch*time,width',
  'time*batch,width',
];

function unknownOutput(first: Value, n: number, index: number): Value {
  if (first.kind === 'unknown') return first;
  return { kind: 'unknown', why: `graph.node[${n}].output[${index}]: must be an output that its operator has` };
}

/** The input of the model: features of time steps or of samples, or ids. */
function inputOf(
  call: string,
  part: string,
  { type }: ValueInfoProto,
  timeFirst: boolean,
  timeNames: Map<string, Size>,
  index: number,
  isMask: boolean,
) {
  const { elemType, shape } = type?.tensorType ?? { elemType: 0, shape: undefined };
  if (![FLOAT32, INT32, INT64].includes(elemType)) {
    fail(call, `${part} must be of type float32, or int64 for ids, got ${typeName(elemType)}`);
  }
  const rank = shape?.dim.length;
  const ids = elemType !== FLOAT32;
  if (!shape || (rank !== 2 && (rank !== 3 || ids))) {
    fail(
      call,
      `${part} must be ${ids ? 'ids [batch, time]' : '[batch, time, width] or [batch, width]'}, got ${rank ?? 'no'} axes`,
    );
  }
  const sizes = shape.dim.map(({ dimValue }) => (dimValue !== undefined && dimValue > 0 ? dimValue : null));
  if (sizes.some(size => size !== null && !Number.isSafeInteger(size)))
    fail(call, `${part} must have valid axis sizes`);
  const sequence = rank === 3 || ids;
  const order: Axis[] = timeFirst && sequence ? ['time', 'batch'] : sequence ? ['batch', 'time'] : ['batch'];
  const axes: Axis[] = ids ? order : [...order, 'width'];
  const size = (axis: Axis) => sizes[axes.indexOf(axis)] ?? null;
  const openTime = () => {
    const name = shape.dim[axes.indexOf(sequence ? 'time' : 'width')]!.dimParam || `input ${index}`;
    const known = timeNames.get(name) ?? (timeNames.size === 0 ? 'time' : `time${timeNames.size + 1}`);
    timeNames.set(name, known);
    return known;
  };
  const fixed = () => fail(call, `${part} must have a fixed last axis, got a variable one`);
  const width = ids ? 0 : (size('width') ?? (isMask && !sequence ? openTime() : fixed()));
  const steps: Size | null = sequence ? (size('time') ?? openTime()) : null;
  const origin = { kind: 'input', index } as const;
  const chain: Chain = {
    below: null,
    spec: null,
    origin,
    depth: 0,
    steps,
    width,
    flipped: false,
    last: null,
    mask: null,
  };
  const value: Value = { ...layerOutputOf(chain, axes), formula: identity, ids };
  const time = typeof steps === 'number' ? steps : null;
  const features = typeof width === 'number' ? width : null;
  const input: Shape = ids ? [time] : sequence ? [time, features] : [features];
  return { value, input, batch: size('batch') };
}
