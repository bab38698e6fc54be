/** Reads a node of a graph: its inputs and attributes, with error messages that name it. */

import { fail } from '../util/errors.ts';
import { showShape } from '../util/shapes.ts';
import {
  apply,
  type Formula,
  identity,
  isHalf,
  layersOf,
  MOST_CHARACTERS,
  type Pointwise,
  SOFTMAX,
} from './formula.ts';
import type { AttributeProto, NodeProto } from './proto.ts';
import { quote, sanitize } from './text.ts';
import {
  type Axis,
  type Chain,
  type DirectionOutput,
  type Floats,
  type Ints,
  type LayerOutput,
  type LayerSpec,
  MOST_LAYERS,
  nameOf,
  oneDirection,
  type Value,
} from './values.ts';

/** Thrown if the graph has the time axis before the batch axis; it is then read again. */
export class TimeMajorError extends Error {}

/** The state that all nodes of a graph share. */
export interface Source {
  readonly call: string;
  readonly opset: number;
  /** Whether the input is [time, batch, width]. */
  readonly timeFirst: boolean;
  /** The fixed batch size of the input, if any. */
  readonly batch: number | null;
  /** The values, by name. */
  readonly values: Map<string, Value>;
  /** Whether layers may have several inputs, outputs and readers; otherwise the graph must be a chain of layers. */
  readonly branches: boolean;
  /** The chains with the layers of formulas on top, by the text of the formula. */
  readonly withFormulas: Map<Chain, Map<string, Chain>>;
  /** The attention layer whose weights are a formula of a chain; null if there is none. */
  readonly attentionWeights: (node: NodeReader, chain: Chain, formula: Formula) => Chain | null;
  /** The tables of embeddings whose id 0 is masked. */
  readonly maskedTables: ReadonlySet<string>;
  /** Numbers for values that are compared by identity. */
  readonly ids: Map<unknown, number>;
  /**
   * The remaining budget of computed numbers: reordering weights takes a few times as many numbers as the file holds.
   */
  budget: number;
}

export class NodeReader {
  /** The name of a layer made from the node. */
  readonly name: string;
  readonly attributes: ReadonlyMap<string, AttributeProto>;
  readonly #node: NodeProto;
  readonly #at: string;

  constructor(
    readonly source: Source,
    node: NodeProto,
    readonly position: number,
  ) {
    this.#node = node;
    this.name = node.name;
    this.#at = `graph.node[${position}] (${quote(node.name)}, ${sanitize(node.opType)})`;
    this.attributes = new Map(node.attribute.map(attribute => [attribute.name, attribute]));
  }

  /** The same number for equal values. */
  idOf(value: unknown): number {
    const { ids } = this.source;
    const id = ids.get(value) ?? ids.size;
    ids.set(value, id);
    return id;
  }

  get op(): string {
    return this.#node.opType;
  }

  /** An error message about the node. */
  why(message: string): string {
    return `${this.#at}: ${message}`;
  }

  fail(message: string): never {
    return fail(this.source.call, message.startsWith('graph.') ? message : this.why(message));
  }

  // -------------------------------------------------------------------------------------------------------- inputs

  get count(): number {
    return this.#node.input.length;
  }

  inputName(index: number): string {
    return this.#node.input[index] ?? '';
  }

  has(index: number): boolean {
    return Boolean(this.#node.input[index]);
  }

  value(index: number): Value {
    const name = this.#node.input[index];
    if (!name) this.fail(`must have an input number ${index + 1}, got none`);
    const value = this.source.values.get(name!);
    return value ?? this.fail(`its input ${quote(name!)} must be computed by an earlier node, got an unknown name`);
  }

  /** All inputs; null for an omitted one. */
  values(): (Value | null)[] {
    return this.#node.input.map((name, index) => (name ? this.value(index) : null));
  }

  /** The number of its outputs. */
  get outputs(): number {
    return this.#node.output.length;
  }

  layerOutput(index: number): LayerOutput {
    const value = this.value(index);
    if (value.kind === 'unknown') this.fail(value.why);
    if (value.kind !== 'layerOutput') {
      this.fail(`input number ${index + 1} must depend on the input of the model, got ${nameOf(value)}`);
    }
    return value;
  }

  floats(index: number): Floats {
    const value = this.value(index);
    if (value.kind === 'unknown') this.fail(value.why);
    if (value.kind !== 'floats')
      this.fail(`input number ${index + 1} must be float32 weights of the file, got ${nameOf(value)}`);
    return value;
  }

  /** Integers, which may be variable sizes. */
  sizes(index: number): Ints {
    const value = this.value(index);
    if (value.kind === 'unknown') this.fail(value.why);
    if (value.kind !== 'ints')
      this.fail(`input number ${index + 1} must be integers of the file, got ${nameOf(value)}`);
    return value;
  }

  /** Known integers. */
  ints(index: number): number[] {
    return this.sizes(index).values.map(item =>
      typeof item === 'number' ? item : this.fail(`input number ${index + 1} must be known, got the size ${item}`),
    );
  }

  // ---------------------------------------------------------------------------------------------------- attributes

  int(name: string, otherwise: number): number {
    return this.attributes.get(name)?.i ?? otherwise;
  }

  float(name: string, otherwise: number): number {
    return this.attributes.get(name)?.f ?? otherwise;
  }

  string(name: string, otherwise: string): string {
    return this.attributes.get(name)?.s ?? otherwise;
  }

  strings(name: string): readonly string[] {
    return this.attributes.get(name)?.strings ?? [];
  }

  numbers(name: string): readonly number[] {
    return this.attributes.get(name)?.floats ?? [];
  }

  /** A list of integers: an attribute in old operator versions and an input in new ones. */
  list(name: string, index: number): number[] | null {
    if (this.attributes.has(name)) return this.attributes.get(name)!.ints;
    return this.has(index) ? this.ints(index) : null;
  }

  /** The index of an axis; negative indices count from the end. */
  axis(axis: number, rank: number): number {
    return this.index(axis, rank, 'its axis');
  }

  /** Checks an index; negative ones count from the end. */
  index(n: number, count: number, what = 'its index'): number {
    if (!Number.isInteger(n) || n < -count || n >= count) {
      this.fail(`${what} must be an integer from ${-count} to ${count - 1}, got ${n}`);
    }
    return n < 0 ? n + count : n;
  }

  // -------------------------------------------------------------------------------------------------------- layers

  /** Checks the shape of weights. */
  expectShape(name: string, { dims }: Floats, shape: readonly number[]): void {
    if (dims.join() !== shape.join())
      this.fail(`${name} must have the shape ${showShape(shape)}, got ${showShape(dims)}`);
  }

  /** Charges the budget for numbers that are copied. */
  spend(numbers: number): void {
    this.source.budget -= numbers;
    if (this.source.budget < 0) {
      this.fail('the nodes must not need far more numbers than the file contains');
    }
  }

  /** The number of features, which must not be open. */
  widthOf({ width }: Chain): number {
    if (typeof width === 'number') return width;
    return this.fail('its input must have a fixed number of features, got scores of an open number of time steps');
  }

  rejectAxes({ axes }: LayerOutput, wanted: readonly Axis[]): never {
    const sequences = [...axes].sort().join() === 'batch,time,width';
    if (sequences && !this.source.timeFirst) throw new TimeMajorError();
    return this.fail(`its input must be [${wanted.join(', ')}], got [${axes.join(', ')}]`);
  }

  /** An input, whose elementwise functions have been converted to layers. */
  layerInput(index: number): LayerOutput {
    return this.withLayers(this.layerOutput(index));
  }

  withLayers(output: LayerOutput): LayerOutput {
    const { parts, formula } = output;
    if (output.ids) this.fail('must not compute with ids; only an embedding accepts ids');
    if (parts.length !== 1 || (parts[0]!.half !== null && !this.source.branches)) {
      this.fail('must not use the directions of a bidirectional layer before they are merged');
    }
    const [part] = parts as [DirectionOutput];
    const chain = part.half === null ? part.chain : oneDirection(part.chain, part.half);
    if (part.half !== null) output = { ...output, parts: [{ chain, half: null }] };
    if (chain.spec === null && chain.origin?.kind === 'heads') {
      this.fail('the heads of attention must be joined and projected by a kernel');
    }
    if (chain.spec === null && chain.origin?.kind === 'scores' && formula.outer?.text !== SOFTMAX) {
      if (output.otherwise) return this.withLayers(output.otherwise());
      this.fail('the scores of attention must go to a Softmax over the keys');
    }
    if (formula === identity || formula.text === identity.text) return { ...output, formula: identity };
    const known = this.source.withFormulas.get(chain) ?? new Map<string, Chain>();
    this.source.withFormulas.set(chain, known);
    const top = known.get(formula.text) ?? this.#withFormula(chain, output);
    known.set(formula.text, top);
    return { ...output, parts: [{ chain: top, half: null }], formula: identity };
  }

  /** The same value; a formula of activations becomes layers, so that nodes that read it can be an activation of them. */
  withActivations(value: Value): Value {
    if (value.kind !== 'layerOutput' || value.parts.length !== 1 || value.parts[0]!.half !== null) return value;
    const { formula } = value;
    if (formula.outer?.text === SOFTMAX || formula.text === identity.text || !layersOf(formula)) return value;
    return this.withLayers(value);
  }

  /** Adds the layers of a formula. */
  #withFormula(chain: Chain, { formula, otherwise }: LayerOutput): Chain {
    const { spec } = chain;
    const weights = this.source.attentionWeights(this, chain, formula);
    if (weights) return weights;
    if (isHalf(formula) && spec?.factory === 'bidirectional' && spec.options.mergeMode === 'sum') {
      return this.replaceLayer(chain, { ...spec, options: { ...spec.options, mergeMode: 'ave' } });
    }
    const found = layersOf(formula);
    if (!found && otherwise) return this.withLayers(otherwise()).parts[0]!.chain;
    if (!found)
      this.fail(`its input must be the output of a layer or an activation, got ${formula.text.slice(0, 100)}`);
    return found.reduce((below, layer) => this.activate(below, layer), chain);
  }

  /** Adds an activation, to the dense layer below if possible. */
  activate(chain: Chain, { factory, options }: Pointwise): Chain {
    const { spec } = chain;
    if (factory === 'activation' && spec?.factory === 'dense' && spec.options.activation === 'linear') {
      return this.replaceLayer(chain, { ...spec, options: { ...spec.options, ...options } });
    }
    return this.addLayer(chain, { factory, name: '', options, weights: [], kind: 'each' });
  }

  /** Applies a function to each number or row. */
  pointwise(index: number, op: string, ...numbers: number[]): LayerOutput {
    const output = this.layerOutput(index);
    if (output.ids) this.fail('must not compute with ids; only an embedding accepts ids');
    return this.mapFormula(output, formula => apply(op, formula, ...numbers));
  }

  /** Applies a function to the formula of an output. */
  mapFormula(given: LayerOutput, map: (formula: Formula) => Formula): LayerOutput {
    const { spec, origin } = given.parts[0]!.chain;
    const isInner = spec === null && (origin?.kind === 'scores' || origin?.kind === 'merge');
    // Attention weights are the output of a layer
    const output = isInner && given.formula.outer?.text === SOFTMAX ? this.withLayers(given) : given;
    const { otherwise } = output;
    const after = () => {
      const merged = otherwise!();
      return { ...merged, formula: map(merged.formula) };
    };
    return { ...this.withFormula(output, map(output.formula)), otherwise: otherwise ? after : null };
  }

  /** The output with another formula. */
  withFormula(output: LayerOutput, formula: Formula): LayerOutput {
    if (formula.text.length > MOST_CHARACTERS) this.fail('must be part of an activation, got a longer formula');
    return { ...output, formula, otherwise: null };
  }

  /** Adds a layer on top. */
  addLayer(below: Chain, spec: LayerSpec, more: Partial<Chain> = {}): Chain {
    const depth = 1 + Math.max(below.depth, ...(spec.initial ?? []).map(state => state.depth));
    if (depth > MOST_LAYERS) this.fail(`the graph must have at most ${MOST_LAYERS} layers, got more`);
    return { ...below, last: null, ...more, below, spec, depth };
  }

  /** Replaces the top layer. */
  replaceLayer(chain: Chain, spec: LayerSpec, more: Partial<Chain> = {}): Chain {
    return { ...chain, last: null, ...more, spec };
  }
}
