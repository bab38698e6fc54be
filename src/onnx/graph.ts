/** Builds an ONNX graph: nodes and tensors with unique names. */

import { sizeOf } from '../util/shapes.ts';
import {
  type AttributeValue,
  attribute,
  BOOL,
  type Draft,
  FLOAT32,
  type GraphProto,
  INT64,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from './proto.ts';

/** The sizes of axes; a name for a variable size. */
export type OpenShape = readonly (number | string)[];

export type Attributes = { readonly [name: string]: AttributeValue };

const elementTypes = { float32: FLOAT32, int64: INT64, bool: BOOL } as const;
type ElementType = keyof typeof elementTypes;

export class Graph {
  readonly #nodes: Draft<NodeProto>[] = [];
  readonly #tensors: Draft<TensorProto>[] = [];
  readonly #inputs: Draft<ValueInfoProto>[] = [];
  readonly #outputs: Draft<ValueInfoProto>[] = [];
  readonly #taken: Set<string>;
  /** The existing constants, by value. */
  readonly #constants = new Map<string, string>();

  /** @param outer the graph that contains this subgraph, and whose tensors it can use */
  constructor(readonly outer: Graph | null = null) {
    this.#taken = outer ? outer.#taken : new Set();
  }

  /** A unique name: the wanted one, or one that starts with it. */
  name(base: string): string {
    let name = base;
    for (let n = 1; this.#taken.has(name); n++) name = `${base}_${n}`;
    this.#taken.add(name);
    return name;
  }

  /** Appends a node with one output. */
  add(op: string, name: string, inputs: readonly string[], attributes: Attributes = {}): string {
    return this.addMany(op, name, inputs, 1, attributes)[0]!;
  }

  /** Appends a node with several outputs. */
  addMany(op: string, name: string, inputs: readonly string[], outputs: number, attributes: Attributes = {}): string[] {
    const node = this.name(name);
    const made = Array.from({ length: outputs }, (_, n) => (n === 0 ? node : this.name(`${node}:${n}`)));
    this.#nodes.push({
      name: node,
      opType: op,
      input: [...inputs],
      output: made,
      attribute: Object.entries(attributes).map(([key, value]) => attribute(key, value)),
    });
    return made;
  }

  /** Gives a value the name of a graph output. */
  rename(value: string, name: string): void {
    const made = this.#nodes.some(({ output }) => output!.includes(value));
    const used = [...this.#inputs, ...this.#outputs].some(info => info.name === value);
    if (!made || used) {
      this.#nodes.push({ name: this.name(`${name}:same`), opType: 'Identity', input: [value], output: [name] });
      return;
    }
    const swap = (list: (string | undefined)[]) => list.map(one => (one === value ? name : one));
    for (const node of this.#nodes) {
      node.input = swap(node.input!) as string[];
      node.output = swap(node.output!) as string[];
    }
  }

  /** Adds weights. */
  floats(name: string, dims: readonly number[], values: Float32Array): string {
    const rawData = new Uint8Array(values.slice().buffer);
    return this.#tensor(this.name(name), dims, FLOAT32, rawData);
  }

  /** Adds the default value of an optional input: zeros. */
  zeros(name: string, dims: readonly number[]): void {
    this.#tensor(name, dims, FLOAT32, new Uint8Array(4 * sizeOf(dims)));
  }

  /** A constant float32 number. */
  number(value: number): string {
    return this.#constant(`number ${value}`, [], FLOAT32, new Uint8Array(Float32Array.of(value).buffer));
  }

  /** A constant list of integers, or a single integer if `scalar` is set. */
  ints(values: readonly number[], scalar = false): string {
    const rawData = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
    return this.#constant(`${scalar ? 'int' : 'ints'} ${values}`, scalar ? [] : [values.length], INT64, rawData);
  }

  #constant(base: string, dims: readonly number[], dataType: number, rawData: Uint8Array): string {
    // Subgraphs can use the tensors of the outermost graph
    if (this.outer) return this.outer.#constant(base, dims, dataType, rawData);
    const known = this.#constants.get(base);
    if (known !== undefined) return known;
    const name = this.#tensor(this.name(base.replaceAll(/[ ,]/g, '_')), dims, dataType, rawData);
    this.#constants.set(base, name);
    return name;
  }

  #tensor(name: string, dims: readonly number[], dataType: number, rawData: Uint8Array): string {
    this.#tensors.push({ name, dims: [...dims], dataType, rawData });
    return name;
  }

  /** Adds an input of the graph, whose name was reserved with `name`. */
  input(name: string, type: ElementType, shape: OpenShape | null): void {
    this.#inputs.push(infoOf(name, type, shape));
  }

  /** Adds an output of the graph. */
  output(name: string, type: ElementType, shape: OpenShape | null): void {
    this.#outputs.push(infoOf(name, type, shape));
  }

  finish(name: string): Draft<GraphProto> {
    return {
      name,
      node: this.#nodes,
      initializer: this.#tensors,
      input: this.#inputs,
      output: this.#outputs,
    };
  }
}

function infoOf(name: string, type: ElementType, shape: OpenShape | null): Draft<ValueInfoProto> {
  const dim = shape?.map(size => (typeof size === 'string' ? { dimParam: size } : { dimValue: size }));
  return { name, type: { tensorType: { elemType: elementTypes[type], ...(dim && { shape: { dim } }) } } };
}
