// Small changes of ONNX files, one at a time.

import { toOnnx } from 'lstm-wasm/onnx';
import type { LayersModel } from '../../src/index.ts';
import { type GraphProto, type ModelProto, type NodeProto, readModel, writeModel } from '../../src/onnx/proto.ts';

/** A change of a file, which can be undone. */
interface Change {
  readonly what: string;
  readonly apply: () => void;
  readonly undo: () => void;
}

const otherOps: { readonly [op: string]: readonly string[] } = {
  Or: ['And'],
  And: ['Or'],
  Max: ['Min', 'Add'],
  Min: ['Max'],
  Mul: ['Add', 'Max'],
  Add: ['Mul', 'Max'],
  Not: ['Identity'],
  ReduceMax: ['ReduceMin', 'ReduceSum'],
  Equal: ['Greater', 'LessOrEqual'],
  LessOrEqual: ['Less', 'GreaterOrEqual'],
};

function set<T, K extends keyof T>(what: string, object: T, key: K, value: T[K]): Change {
  const before = object[key];
  return {
    what,
    apply: () => {
      object[key] = value;
    },
    undo: () => {
      object[key] = before;
    },
  };
}

function* nodeChanges(node: NodeProto, names: readonly string[]): Generator<Change> {
  const { input, output, attribute } = node;
  for (const op of otherOps[node.opType] ?? []) yield set(`${node.name}: ${op}`, node, 'opType', op);
  for (const i of input.keys()) {
    for (const name of new Set([...input, ...names])) {
      if (name === input[i]) continue;
      const made = input.map((one, n) => (n === i ? name : one));
      yield set(`${node.name}: input ${i} is ${name}`, node, 'input', made);
    }
    for (let j = 0; j < i; j++) {
      const made = input.map((one, n) => (n === i ? input[j]! : n === j ? input[i]! : one));
      yield set(`${node.name}: inputs ${j} and ${i} swapped`, node, 'input', made);
    }
  }
  for (const i of output.keys()) {
    for (let j = 0; j < i; j++) {
      const made = output.map((one, n) => (n === i ? output[j]! : n === j ? output[i]! : one));
      yield set(`${node.name}: outputs ${j} and ${i} swapped`, node, 'output', made);
    }
  }
  for (const each of attribute) {
    const at = `${node.name}: ${each.name}`;
    if (each.i !== undefined)
      for (const i of [-2, -1, 0, 1, 2, 6, 7, 9]) if (i !== each.i) yield set(`${at} ${i}`, each, 'i', i);
    if (each.f !== undefined) yield set(`${at} changed`, each, 'f', each.f + 0.5);
    if (each.s !== undefined)
      for (const s of ['forward', 'reverse']) if (s !== each.s) yield set(`${at} ${s}`, each, 's', s);
    for (const k of each.ints.keys()) {
      for (const value of [0, 1, 2]) {
        const ints = each.ints.map((one, n) => (n === k ? value : one));
        if (each.ints[k] !== value) yield set(`${at} ${ints}`, each, 'ints', ints);
      }
      for (let j = 0; j < k; j++) {
        const ints = each.ints.map((one, n) => each.ints[n === k ? j : n === j ? k : n] ?? one);
        yield set(`${at} ${ints}`, each, 'ints', ints);
      }
    }
    for (const k of each.strings.keys()) {
      for (const name of ['Relu', 'Tanh', 'Sigmoid']) {
        if (name === each.strings[k]) continue;
        yield set(
          `${at} ${k} ${name}`,
          each,
          'strings',
          each.strings.map((one, n) => (n === k ? name : one)),
        );
      }
    }
    if (each.g) yield* graphChanges(each.g, names);
  }
}

function* graphChanges(graph: GraphProto, outer: readonly string[]): Generator<Change> {
  const own = [...graph.input, ...graph.node.flatMap(({ output }) => output.map(name => ({ name })))].map(
    ({ name }) => name,
  );
  for (const node of graph.node) yield* nodeChanges(node, [...own, ...outer]);
  for (const [i, one] of graph.output.entries()) {
    for (const name of own)
      if (name !== one.name && outer.length > 0) yield set(`body output ${i} is ${name}`, one, 'name', name);
  }
  for (const tensor of graph.initializer) {
    const { rawData, dataType } = tensor;
    if (!rawData || rawData.length > 32) continue;
    // Weights of such a size would only test rounding
    for (const change of [-1, 1, -0.5, ...(tensor.dims.length === 0 ? [1e9] : [])]) {
      const bytes = rawData.slice();
      if (dataType === 1) new Float32Array(bytes.buffer)[0]! += change;
      else new BigInt64Array(bytes.buffer)[0]! += BigInt(Math.round(change * 2));
      yield set(`${tensor.name} changed by ${change}`, tensor, 'rawData', bytes);
    }
  }
}

/** All small changes of the file of a model: of inputs, outputs, operators, attributes and small tensors. Each is undone. */
export function* mutantsOf(net: LayersModel): Generator<{ what: string; bytes: () => Uint8Array }> {
  const model: ModelProto = readModel('test', toOnnx(net));
  for (const { what, apply, undo } of graphChanges(model.graph!, [])) {
    apply();
    yield { what, bytes: () => writeModel(model) };
    undo();
  }
}
