/** Imports ONNX graphs as models. */

import * as layers from '../layers/factories.ts';
import type { Layer } from '../layers/layer.ts';
import { Sequential } from '../model/sequential.ts';
import { describeOtherFormat } from '../saving/stores/fileSignatures.ts';
import { Tensor } from '../tensor/tensor.ts';
import { rejectExtraArguments } from '../util/arguments.ts';
import { fail, ValueError } from '../util/errors.ts';
import { checkBytes } from '../util/options.ts';
import { globalSeeds } from '../util/random.ts';
import type { Shape } from '../util/shapes.ts';
import { nodesFor, outputOf, producersOf, stateInputsOf } from './dependencies.ts';
import { identity } from './formula.ts';
import { asSequence, inTimeOrder } from './insertedLayers.ts';
import { NodeReader, type Source, TimeMajorError } from './nodeReader.ts';
import { evaluate, isStandard } from './operators.ts';
import { FLOAT32, type GraphProto, INT32, INT64, type NodeProto, readModel, type ValueInfoProto } from './proto.ts';
import type { Size } from './sizes.ts';
import { readTensor, typeName } from './tensors.ts';
import { quote } from './text.ts';
import {
  type Axis,
  type Chain,
  type Factories,
  type LayerOutput,
  type LayerSpec,
  layerOutputOf,
  nameOf,
  specsOf,
  type Value,
} from './values.ts';

/** The supported operator set versions. */
const OLDEST = 7;
const NEWEST = 25;

/**
 * Loads a model from an ONNX file: a chain of LSTM, GRU and RNN nodes, dense layers, activations and embeddings, as written
 * by `toOnnx`, `torch.onnx.export`, tf2onnx and keras2onnx. The model can be compiled and trained.
 *
 * The output of the model is the first output of the graph that is not a cell state. Other outputs and initial states are
 * ignored: `model.stream()` and stateful layers have their own states. A graph with the input [time, batch, width] becomes
 * a model with the input [batch, time, width].
 *
 * @throws ValueError that names the unsupported node and operator
 */
export async function loadOnnxModel(bytes: Uint8Array | ArrayBuffer): Promise<Sequential> {
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
  const read = (timeFirst: boolean) => readGraph(call, graph, opset, timeFirst, file.length);
  let found: Found;
  try {
    found = read(false);
  } catch (error) {
    if (!(error instanceof TimeMajorError)) throw error;
    found = read(true);
  }
  return globalSeeds.rollBackOnError(() => build(call, graph.name, found));
}

interface Found {
  readonly chain: Chain;
  readonly input: Shape;
}

/** Evaluates the nodes in file order, up to the output of the model. */
function readGraph(call: string, graph: GraphProto, opset: number, timeFirst: boolean, bytes: number): Found {
  if (graph.sparseInitializer.length > 0) fail(call, 'graph.sparse_initializer must be empty, got sparse tensors');
  const producers = producersOf(call, graph);
  const which = outputOf(call, graph, producers);
  const output = graph.output[which]!.name;
  const needed = nodesFor(call, graph, producers, output);
  const values = new Map<string, Value>();
  const defined = (name: string, value: Value, part: string) => {
    if (values.has(name)) fail(call, `${part} must have a unique name, got ${quote(name)} twice`);
    values.set(name, value);
  };
  const initialized = new Set(graph.initializer.map(({ name }) => name));
  const wanted = new Set([output, ...[...needed].flatMap(n => graph.node[n]!.input)]);
  for (const [n, tensor] of graph.initializer.entries()) {
    const part = `graph.initializer[${n}]`;
    if (wanted.has(tensor.name)) defined(tensor.name, readTensor(call, part, tensor), part);
  }
  let input: Found['input'] | null = null;
  let batch: number | null = null;
  // Old files list all weights as inputs; newer files list those with a default value
  const given = [...graph.input.entries()].filter(([, { name }]) => wanted.has(name) && !initialized.has(name));
  const states = stateInputsOf(graph, producers, needed);
  const data = given.find(([, { name }]) => !states.has(name)) ?? given[0];
  for (const [n, info] of given) {
    const part = `graph.input[${n}] (${quote(info.name)})`;
    if (n !== data![0]) {
      const what = `the additional graph input ${quote(info.name)}`;
      defined(info.name, { kind: 'state', what, given: true }, part);
      continue;
    }
    const made = inputOf(call, part, info, timeFirst);
    ({ input, batch } = made);
    defined(info.name, made.value, part);
  }
  const source: Source = { call, opset, timeFirst, batch, values, budget: 2 * bytes + 2 ** 20 };
  for (const n of needed) {
    const node = graph.node[n]!;
    const results = evaluate(new NodeReader(source, node, n), node);
    for (const [index, name] of node.output.entries()) {
      const value = results[index] ?? unknownOutput(results[0]!, n, index);
      if (name !== '') defined(name, value, `graph.node[${n}].output[${index}]`);
    }
  }
  const index = needed.at(-1) ?? 0;
  const placeholder: NodeProto = {
    name: output,
    opType: 'output',
    domain: '',
    input: [output],
    output: [],
    attribute: [],
  };
  const last = new NodeReader(source, graph.node[index] ?? placeholder, index);
  const value = values.get(output);
  if (!value || !input) fail(call, `graph.output[${which}] must depend on an input of the graph, got ${quote(output)}`);
  if (value.kind === 'unknown') fail(call, value.why);
  if (value.kind !== 'layerOutput')
    fail(call, `graph.output[${which}] must be the output of a layer, got ${nameOf(value)}`);
  return { chain: chainOf(call, last, value, which), input };
}

/** The layers that compute an output, in the shape of a model's output. */
function chainOf(call: string, node: NodeReader, value: LayerOutput, which: number): Chain {
  const squeezed = node.withLayers({ ...value, axes: value.axes.filter(axis => axis !== 'direction') });
  const output = inTimeOrder(node, asSequence(node, squeezed));
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
function inputOf(call: string, part: string, { type }: ValueInfoProto, timeFirst: boolean) {
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
  const width = ids ? 0 : (size('width') ?? fail(call, `${part} must have a fixed last axis, got a variable one`));
  const steps: Size | null = sequence ? (size('time') ?? 'time') : null;
  const chain: Chain = { below: null, spec: null, depth: 0, steps, width, flipped: false, last: null };
  const value: Value = { ...layerOutputOf(chain, axes), formula: identity, ids };
  const time = typeof steps === 'number' ? steps : null;
  const input: Shape = ids ? [time] : sequence ? [time, width] : [width];
  return { value, input, batch: size('batch') };
}

// --------------------------------------------------------------------------------------------------------- the layers

function build(call: string, name: string, { chain, input }: Found): Sequential {
  const specs = specsOf(chain);
  const taken = new Set<string>();
  const unique = ({ name, factory }: LayerSpec) => {
    const base =
      name
        .replace(/^\/+/, '')
        .replaceAll(/[/\p{C}]/gu, '_')
        .slice(0, 200) || factory;
    let result = base;
    for (let n = 1; taken.has(result); n++) result = `${base}_${n}`;
    taken.add(result);
    return result;
  };
  const first = (n: number) => (n === 0 ? { inputShape: input } : {});
  try {
    const made =
      specs.length === 0
        ? [layers.inputLayer({ inputShape: input })]
        : specs.map((spec, n) => layerFrom(spec, { name: unique(spec), ...first(n) }));
    return new Sequential({ layers: made, ...(name && { name: name.slice(0, 200).replaceAll(/\p{C}/gu, '_') }) });
  } catch (error) {
    if (error instanceof ValueError) fail(call, `graph: ${error.message}`);
    throw error;
  }
}

function layerFrom({ factory, options, weights }: LayerSpec, more: object): Layer {
  const tensors = weights.flat().map(({ dims, values }) => new Tensor(values, [...dims]));
  const given = tensors.length > 0 ? { weights: tensors } : {};
  const factories = layers as unknown as Factories;
  if (factory !== 'bidirectional') return factories[factory]!({ ...options, ...more, ...given } as never);
  const { layer, inner, mergeMode } = options as { layer: string; inner: object; mergeMode: string };
  const pattern = factories[layer]!(inner as never);
  return factories.bidirectional!({ layer: pattern, mergeMode, ...more, ...given } as never);
}
