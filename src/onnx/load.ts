/** ONNX graphs as models. */

import { noMore } from '../arguments.ts';
import { checkBytes } from '../bytes.ts';
import { fail, ValueError } from '../errors.ts';
import * as layers from '../layers/factories.ts';
import type { Layer } from '../layers/layer.ts';
import { drawing } from '../random.ts';
import { Sequential } from '../sequential.ts';
import type { Shape } from '../shapes.ts';
import { Tensor } from '../tensor/tensor.ts';
import { identity } from './forms.ts';
import { operators } from './operators.ts';
import { FLOAT32, type GraphProto, INT32, INT64, type NodeProto, readModel, type ValueInfoProto } from './proto.ts';
import { Reading, type Source, TimeFirst } from './reading.ts';
import { readTensor } from './tensors.ts';
import { clean, quote } from './text.ts';
import {
  type Axis,
  type Chain,
  type Factories,
  type Part,
  type Size,
  type Spec,
  specsOf,
  streamOf,
  type Value,
} from './values.ts';

/** Versions of the operators whose meaning is known. */
const OLDEST = 7;
const NEWEST = 25;

/**
 * A model of an ONNX file: one line of LSTM, GRU and RNN nodes, dense layers, activations, embeddings and what lies
 * between them, as `toOnnx` and `torch.onnx.export` write it. It is there to be compiled and trained on.
 *
 * The first output of the graph is that of the model; other outputs, such as final states, are left alone, and so are
 * initial states: `model.stream()` and stateful layers have their own. A graph that takes [time, batch, width] becomes a
 * model that takes [batch, time, width].
 *
 * @throws ValueError that names the node and the operator where the graph is anything else
 */
export async function loadOnnxModel(bytes: Uint8Array | ArrayBuffer): Promise<Sequential> {
  noMore('loadOnnxModel', 1, arguments);
  const call = 'loadOnnxModel';
  const file = checkBytes(call, 'bytes', bytes);
  const { graph, opsetImport } = readModel(call, file);
  if (!graph) fail(call, 'the file must hold a graph, got none');
  const opset = opsetImport.find(({ domain }) => isStandard(domain))?.version;
  if (opset === undefined || !(opset >= OLDEST && opset <= NEWEST)) {
    fail(call, `opset_import must name a version of the operators from ${OLDEST} to ${NEWEST}, got ${opset ?? 'none'}`);
  }
  const read = (timeFirst: boolean) => follow(call, graph, opset, timeFirst, file.length);
  let found: Found;
  try {
    found = read(false);
  } catch (error) {
    if (!(error instanceof TimeFirst)) throw error;
    found = read(true);
  }
  return drawing(() => build(call, graph.name, found));
}

const isStandard = (domain: string): boolean => domain === '' || domain === 'ai.onnx';

interface Found {
  readonly chain: Chain;
  readonly input: Shape;
}

/** Goes through the nodes, in the order in which the file has them, up to the first output. */
function follow(call: string, graph: GraphProto, opset: number, timeFirst: boolean, bytes: number): Found {
  if (graph.sparseInitializer.length > 0) fail(call, 'graph.sparse_initializer must be empty, got sparse tensors');
  const output = graph.output[0]?.name ?? fail(call, 'graph.output must have an entry, got none');
  const needed = nodesFor(call, graph, output);
  const values = new Map<string, Value>();
  const defined = (name: string, value: Value, part: string) => {
    if (values.has(name)) fail(call, `${part} must be the only one of its name, got a second ${quote(name)}`);
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
  for (const [n, info] of graph.input.entries()) {
    const { name } = info;
    if (!wanted.has(name)) continue;
    const part = `graph.input[${n}] (${quote(name)})`;
    if (initialized.has(name)) {
      // Old files list all weights among the inputs; others only what the caller may give, such as states
      const value = values.get(name)!;
      if (value.kind === 'floats' && value.values.every(v => v === 0)) values.set(name, { kind: 'state' });
    } else if (input) defined(name, { kind: 'state' }, part);
    else {
      const made = inputOf(call, part, info, timeFirst);
      ({ input, batch } = made);
      defined(name, made.value, part);
    }
  }
  const source: Source = { call, opset, timeFirst, batch, values, budget: 4 * bytes + 2 ** 20 };
  for (const n of needed) {
    const node = graph.node[n]!;
    const results = evaluate(new Reading(source, node, n), node);
    for (const [place, name] of node.output.entries()) {
      const value = results[place] ?? unknownOutput(results[0]!, n, place);
      if (name !== '') defined(name, value, `graph.node[${n}].output[${place}]`);
    }
  }
  const index = needed.at(-1) ?? 0;
  const nothing: NodeProto = { name: output, opType: 'output', domain: '', input: [output], output: [], attribute: [] };
  const last = new Reading(source, graph.node[index] ?? nothing, index);
  const value = values.get(output);
  if (!value || !input) fail(call, `graph.output[0] must depend on an input of the graph, got ${quote(output)}`);
  if (value.kind === 'unknown') fail(call, value.why);
  if (value.kind !== 'stream') fail(call, `graph.output[0] must be what the layers give, got ${value.kind}`);
  const stream = last.settle(value);
  const axes = stream.axes.filter(axis => axis !== 'one' && axis !== 'direction').join();
  const [{ chain }] = stream.parts as [Part];
  if (!['batch,width', 'batch,time,width', 'time,batch,width'].includes(axes)) {
    fail(call, `graph.output[0] must be [batch, width] or [batch, time, width], got [${stream.axes.join(', ')}]`);
  }
  if (chain.flipped) {
    fail(
      call,
      'graph.output[0] must have its time steps in the order in which the layers go through them, got them reversed',
    );
  }
  return { chain, input };
}

/** The nodes on which an output depends, in order. */
function nodesFor(call: string, graph: GraphProto, output: string): number[] {
  const makers = new Map<string, number>();
  for (const [n, { output: made }] of graph.node.entries()) {
    for (const name of made) {
      if (makers.has(name)) fail(call, `graph.node[${n}].output must be new names, got a second ${quote(name)}`);
      if (name !== '') makers.set(name, n);
    }
  }
  const needed = new Set<number>();
  const open = [output];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const n = makers.get(name);
    if (n === undefined || needed.has(n)) continue;
    needed.add(n);
    for (const input of graph.node[n]!.input) {
      // Nodes stand after those whose results they take, so that nothing goes in a circle.
      if ((makers.get(input) ?? -1) >= n) {
        fail(
          call,
          `graph.node[${n}] (${quote(graph.node[n]!.name)}) must come after what it takes, got a later one's ${quote(input)}`,
        );
      }
      open.push(input);
    }
  }
  return [...needed].sort((a, b) => a - b);
}

function unknownOutput(first: Value, n: number, place: number): Value {
  if (first.kind === 'unknown') return first;
  return { kind: 'unknown', why: `graph.node[${n}].output[${place}]: must be an output that its operator has` };
}

function evaluate(node: Reading, { domain, opType }: NodeProto): Value[] {
  if (!isStandard(domain) || !Object.hasOwn(operators, opType)) {
    const name = isStandard(domain) ? opType : `${clean(domain)}.${opType}`;
    return [
      {
        kind: 'unknown',
        why: node.why(
          `must have an operator that layers here can stand for, got the unsupported operator ${clean(name)}`,
        ),
      },
    ];
  }
  const made = operators[opType]!(node);
  return Array.isArray(made) ? made : [made];
}

/** The input of the model: features of every time step, or of every sample, or ids. */
function inputOf(call: string, part: string, { type }: ValueInfoProto, timeFirst: boolean) {
  const { elemType, shape } = type?.tensorType ?? { elemType: 0, shape: undefined };
  if (![FLOAT32, INT32, INT64].includes(elemType)) {
    fail(call, `${part} must be of type float32, or int64 for ids, got number ${elemType}`);
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
    fail(call, `${part} must have sizes of axes, got others`);
  const sequence = rank === 3 || ids;
  const order: Axis[] = timeFirst && sequence ? ['time', 'batch'] : sequence ? ['batch', 'time'] : ['batch'];
  const axes: Axis[] = ids ? order : [...order, 'width'];
  const size = (axis: Axis) => sizes[axes.indexOf(axis)] ?? null;
  const width = ids ? 0 : (size('width') ?? fail(call, `${part} must fix its last axis, got an open one`));
  const steps: Size | null = sequence ? (size('time') ?? 'time') : null;
  const chain: Chain = { below: null, spec: null, depth: 0, steps, width, flipped: false };
  const value: Value = { ...streamOf(chain, axes), form: identity, ids };
  const time = typeof steps === 'number' ? steps : null;
  const input: Shape = ids ? [time] : sequence ? [time, width] : [width];
  return { value, input, batch: size('batch') };
}

// --------------------------------------------------------------------------------------------------------- the layers

function build(call: string, name: string, { chain, input }: Found): Sequential {
  const specs = specsOf(chain);
  const taken = new Set<string>();
  const unique = ({ name: wish, factory }: Spec) => {
    const base =
      wish
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

function layerFrom({ factory, options, weights }: Spec, more: object): Layer {
  const tensors = weights.flat().map(({ dims, values }) => new Tensor(values, [...dims]));
  const given = tensors.length > 0 ? { weights: tensors } : {};
  const factories = layers as unknown as Factories;
  if (factory !== 'bidirectional') return factories[factory]!({ ...options, ...more, ...given } as never);
  const { layer, inner, mergeMode } = options as { layer: string; inner: object; mergeMode: string };
  const pattern = factories[layer]!(inner as never);
  return factories.bidirectional!({ layer: pattern, mergeMode, ...more, ...given } as never);
}
