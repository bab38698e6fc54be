/**
 * Random graphs, drawn from a seed: layers that branch and merge, are shared, hand over their states, and contain models,
 * with several inputs and outputs. Like the programs, they are plain data, and `build` makes their models.
 */

import type { Shape } from './layers.ts';
import { dividing, Generator, losses, type Program } from './programs.ts';
import type { Graph, Spec } from './specs.ts';

export interface GraphProgram {
  seed: number;
  batch: number;
  graph: Graph;
  /** The numbers in each input. */
  inputs: { kind: 'numbers' | 'masked' | 'ids'; shape: number[]; ids: number }[];
  outputs: { loss: string; weight: number; metrics: string[]; steps: number | null; width: number }[];
  optimizer: Program['optimizer'];
  trainingSteps: number;
}

interface Value extends Shape {
  n: number;
  /** Whether a call or the model reads it. */
  read: boolean;
  /** The layer, and the position among its outputs. */
  layer: number;
  index: number;
  /** A final state of a recurrent layer, which needs no reader. */
  isState?: boolean;
}

/** A graph without outputs yet. */
class Draft {
  readonly graph: Graph = { inputs: [], layers: [], calls: [], outputs: [] };
  readonly values: Value[] = [];
  /** For each layer, the shapes of inputs that it takes and of its outputs. */
  readonly types: { inputs: Shape[]; outputs: Shape[] }[] = [];
  fixesSteps = false;

  add(shape: Shape, layer = -1, index = 0): Value {
    const value = { ...copy(shape), n: this.values.length, read: false, layer, index };
    this.values.push(value);
    return value;
  }

  input(name: string, shape: number[], value: Shape): Value {
    this.graph.inputs.push({ name, shape: [...shape] });
    return this.add(value);
  }

  /** Adds a layer and its first call. */
  apply(spec: Spec, inputs: Value[], outputs: Shape[], initialState: Value[] = []): Value {
    this.graph.layers.push(spec);
    this.types.push({ inputs: inputs.map(copy), outputs: outputs.map(copy) });
    return this.call(this.types.length - 1, inputs, initialState);
  }

  call(layer: number, inputs: Value[], initialState: Value[] = []): Value {
    for (const value of [...inputs, ...initialState]) value.read = true;
    const [read, states] = [inputs, initialState].map(list => list.map(({ n }) => n)) as [number[], number[]];
    this.graph.calls.push({ layer, inputs: read, initialState: states, masked: inputs[0]!.masked });
    const [first, ...more] = this.types[layer]!.outputs.map((shape, n) => this.add(shape, layer, n)) as [
      Value,
      ...Value[],
    ];
    for (const value of more) value.isState = true;
    return first;
  }

  get unread(): Value[] {
    return this.values.filter(({ read, isState }) => !read && !isState);
  }
}

const copy = ({ steps, width, masked }: Shape): Shape => ({ steps, width, masked });
const sameShape = (a: Shape, b: Shape): boolean => a.steps === b.steps && a.width === b.width && a.masked === b.masked;
const sizesOf = ({ steps, width }: Shape): number[] => (steps === null ? [width] : [steps, width]);
const MAX_WIDTH = 10;
const MAX_STEPS = 9;

/** Layers for vectors and sequences, with and without a mask. TF.js has no gradient of thresholdedReLU. */
const anywhere = ['activation', 'leakyReLU', 'elu', 'prelu', 'gaussianNoise', 'gaussianDropout', 'dropout'].concat([
  'layerNormalization',
]);
/** Layers that shorten, stretch or turn sequences. */
const reshaping = ['maxPooling1d', 'averagePooling1d', 'cropping1d', 'zeroPadding1d', 'upSampling1d', 'permute'];
const pooling = ['globalAveragePooling1d', 'globalMaxPooling1d'];

/** Generates one graph; the same seed gives the same graph on every machine. */
export class GraphGenerator extends Generator {
  protected override readonly boundsShare = 0;
  #names = 0;
  #steps = 2;

  graphProgram(): GraphProgram {
    const batch = this.whole(1, 5);
    this.#steps = this.whole(2, 5);
    this.onlyPredicts = this.chance(0.15);
    const draft = new Draft();
    const inputs = Array.from({ length: this.whole(1, 3) }, () => this.#input());
    const sources = inputs.map(({ kind, shape }, n) => {
      const [width, steps = null] = shape.toReversed();
      return draft.input(
        `in${n}`,
        shape,
        kind === 'ids' ? { steps: width!, width: 0, masked: false } : { steps, width: width!, masked: false },
      );
    });
    for (const [n, { kind }] of inputs.entries()) this.#bottom(draft, sources[n]!, kind);
    this.#grow(draft, this.whole(2, 7), true);
    const outputs = this.#heads(draft);
    if (!draft.fixesSteps && this.chance(0.5)) openSteps(draft.graph, inputs);
    return {
      seed: this.seed,
      batch,
      graph: draft.graph,
      inputs,
      outputs,
      optimizer: plainOptimizer(this.optimizer(), draft.graph),
      trainingSteps: this.onlyPredicts ? 0 : this.whole(1, 3),
    };
  }

  #name(spec: Spec): Spec {
    return { ...spec, config: { ...spec.config, name: `${spec.kind}${++this.#names}` } };
  }

  #input(): GraphProgram['inputs'][number] {
    const [steps, width] = [this.#steps, this.whole(1, 5)];
    const kind = this.pick(['rows', 'numbers', 'numbers', 'masked', 'ids'] as const);
    if (kind === 'ids') return { kind, shape: [steps], ids: 4 };
    return kind === 'rows' ? { kind: 'numbers', shape: [width], ids: 0 } : { kind, shape: [steps, width], ids: 0 };
  }

  /** The layer that makes the mask of an input, or looks up its ids. */
  #bottom(draft: Draft, value: Value, kind: string): void {
    if (kind === 'masked') {
      const spec = this.#name({ kind: 'masking', config: { maskValue: 0 } });
      draft.apply(spec, [value], [{ ...value, masked: true }]);
    }
    if (kind !== 'ids') return;
    const known = draft.graph.layers.findIndex(spec => spec.kind === 'embedding');
    if (known >= 0 && this.chance(0.5)) draft.call(known, [value]);
    else {
      const [width, masked] = [this.whole(1, 5), this.chance(0.6)];
      const spec = this.#name({ kind: 'embedding', config: { inputDim: 4, outputDim: width, maskZero: masked } });
      draft.apply(spec, [value], [{ ...value, width, masked }]);
    }
  }

  /** Adds calls. */
  #grow(draft: Draft, count: number, nests: boolean): void {
    for (let n = 0; n < count; n++) {
      const usable = draft.values.filter(({ width }) => width > 0);
      // New values are read more often, so that graphs get deep
      const value = this.chance(0.6)
        ? (this.pick(usable.filter(({ read }) => !read)) ?? usable.at(-1)!)
        : this.pick(usable);
      const kind = this.pick(['layer', 'layer', 'merge', 'merge', 'again', 'states', ...(nests ? ['nested'] : [])]);
      const done =
        (kind === 'merge' && this.#merge(draft, usable, value)) ||
        (kind === 'again' && this.#again(draft, usable, value)) ||
        (kind === 'states' && this.#withStates(draft, usable, value)) ||
        (kind === 'nested' && this.#nest(draft, usable, value));
      if (!done) this.#layer(draft, value);
    }
  }

  #layer(draft: Draft, value: Value, returnSequences = this.chance(0.5)): Value {
    const shape = copy(value);
    const kind = this.pick(this.#kinds(value, returnSequences));
    const apply = (spec: Spec, more: Shape[] = []) => draft.apply(this.#name(spec), [value], [shape, ...more]);
    if (kind === 'repeatVector') {
      shape.steps = this.#steps; // so that it can be merged with others
      draft.fixesSteps = true;
      return apply({ kind, config: { n: this.#steps } });
    }
    const spec = this.plain(kind, shape);
    if (spec && (shape.steps ?? 0) > MAX_STEPS) return this.#layer(draft, value, false);
    draft.fixesSteps ||= shape.fixesSteps ?? false;
    if (spec) return apply(spec);
    const { spec: recurrent, states } = this.#recurrentSpec(kind, shape, returnSequences, this.chance(0.3));
    return apply(recurrent, states);
  }

  #kinds({ steps, masked }: Value, returnSequences: boolean): string[] {
    const plain = this.pick([...anywhere, ...(this.onlyPredicts ? ['thresholdedReLU'] : [])]);
    if (steps === null) return ['dense', 'dense', plain, plain, 'batchNormalization', 'repeatVector'];
    const recurrent = ['lstm', 'gru', 'simpleRNN', 'bidirectional'];
    if (!returnSequences) return masked ? recurrent : [...recurrent, this.pick(pooling)];
    const kinds = [...recurrent, 'dense', 'timeDistributed', plain, plain, 'spatialDropout1d'];
    if (masked) return kinds;
    const more = Array.from({ length: 6 }, () => this.pick(reshaping));
    return [...kinds, 'flatten', 'conv1d', 'conv1d', 'batchNormalization', ...more];
  }

  /** A recurrent layer of a kind, and the shapes of its final states if it returns them. */
  #recurrentSpec(kind: string, shape: Shape, returnSequences: boolean, returnState: boolean, units?: number) {
    const inner = kind === 'bidirectional' ? this.pick(['lstm', 'gru', 'simpleRNN']) : kind;
    const layer = this.recurrent(inner, shape, returnSequences, false);
    layer.config.returnState = returnState;
    if (units !== undefined) {
      shape.width = units;
      layer.config.units = units;
    }
    const state = { steps: null, width: shape.width, masked: false };
    const count = (inner === 'lstm' ? 2 : 1) * (kind === 'bidirectional' ? 2 : 1);
    const states: Shape[] = returnState ? Array.from({ length: count }, () => state) : [];
    if (kind !== 'bidirectional') return { spec: layer, states, count };
    if (layer.config.resetAfter) layer.config.resetAfter = false; // TF.js cannot copy a layer with a custom cell
    layer.config.goBackwards = false;
    const mergeMode = this.pick(['concat', 'sum', 'ave', 'mul']);
    if (mergeMode === 'concat') shape.width *= 2;
    return { spec: { kind, config: { mergeMode }, layer }, states, count };
  }

  /** A recurrent layer that starts in vectors of the graph. */
  #withStates(draft: Draft, usable: Value[], value: Value): boolean {
    if (value.steps === null) return false;
    const vectors = usable.filter(({ steps, width }) => steps === null && width <= MAX_WIDTH);
    if (vectors.length === 0) return false;
    const { width } = this.pick(vectors);
    const shape = copy(value);
    const kind = this.pick(['lstm', 'gru', 'simpleRNN', 'bidirectional']);
    const { spec, states, count } = this.#recurrentSpec(kind, shape, this.chance(0.5), this.chance(0.3), width);
    const own = vectors.filter(vector => vector.width === width);
    const initial = Array.from({ length: count }, () => this.pick(own));
    draft.apply(this.#name(spec), [value], [shape, ...states], initial);
    return true;
  }

  #merge(draft: Draft, usable: Value[], value: Value): boolean {
    const axes = value.steps === null ? [-1] : value.masked ? [-1] : [-1, 1];
    const kinds = ['add', 'average', 'concatenate'].concat(
      value.masked ? [] : ['multiply', 'maximum', 'minimum', 'dot'],
    );
    const kind = this.pick(kinds);
    const axis = this.pick(axes);
    const fits = (other: Value) => {
      if (other.masked !== value.masked) return false;
      const [steps, width] = [other.steps === value.steps, other.width === value.width];
      const rank = (other.steps === null) === (value.steps === null);
      if (kind === 'dot') return rank && width;
      return kind !== 'concatenate' ? steps && width : axis === 1 ? rank && width : steps;
    };
    const others = usable.filter(other => other !== value && fits(other));
    if (others.length === 0) return false;
    const count = kind === 'dot' ? 1 : this.whole(1, 2);
    const inputs = [value, ...Array.from({ length: count }, () => this.pick(others))];
    const shape = copy(value);
    let config: Spec['config'] = {};
    if (kind === 'dot') {
      config = { axes: -1, normalize: false };
      draft.fixesSteps = true;
      shape.width = value.steps === null ? 1 : inputs[1]!.steps!;
    } else if (kind === 'concatenate') {
      config = { axis };
      if (axis === 1) draft.fixesSteps = true;
      if (axis === 1) shape.steps = inputs.reduce((sum, { steps }) => sum + steps!, 0);
      else shape.width = inputs.reduce((sum, { width }) => sum + width, 0);
    }
    if (shape.width > MAX_WIDTH) return false;
    draft.apply(this.#name({ kind, config }), inputs, [shape]);
    return true;
  }

  /** Another call of a layer. */
  #again(draft: Draft, usable: Value[], value: Value): boolean {
    // TF.js cannot train through the layer that makes a mask, and updates moving statistics in the reverse order of calls
    const fits = (shape: Shape, n: number) => {
      const spec = draft.graph.layers[n]!;
      return sameShape(shape, value) && spec.kind !== 'masking' && !JSON.stringify(spec).includes('batchNormalization');
    };
    const takers = draft.types.flatMap(({ inputs }, n) => (fits(inputs[0]!, n) ? [n] : []));
    if (takers.length === 0) return false;
    const layer = this.pick(takers);
    const others = draft.types[layer]!.inputs.slice(1).map(type => usable.filter(other => sameShape(other, type)));
    if (others.some(list => list.length === 0)) return false;
    draft.call(layer, [value, ...others.map(list => this.pick(list))]);
    return true;
  }

  /** A model as a layer. */
  #nest(draft: Draft, usable: Value[], value: Value): boolean {
    if (value.masked) return false;
    if (this.chance(0.3)) {
      const shape = copy(value);
      const kind = shape.steps === null ? 'dense' : this.pick(['lstm', 'gru']);
      const first = this.#name(kind === 'dense' ? this.dense(shape) : this.recurrent(kind, shape, true, false));
      const inputShape = value.steps === null ? [value.width] : [draft.fixesSteps ? value.steps : null, value.width];
      first.config.inputShape = inputShape;
      const spec = { kind: 'sequential', config: {}, layers: [first, this.#name(this.dense(shape))] };
      draft.apply(this.#name(spec), [value], [shape]);
      return true;
    }
    const more = usable.filter(other => other !== value && !other.masked);
    const inputs = more.length > 0 && this.chance(0.5) ? [value, this.pick(more)] : [value];
    const inner = new Draft();
    for (const [n, input] of inputs.entries())
      inner.input(`nested${this.#names++}_in${n}`, sizesOf(input), copy(input));
    this.#grow(inner, this.whole(1, 4), false);
    const outputs = inner.unread.map(own => (own.masked ? this.#layer(inner, own, false) : own));
    if (outputs.some(({ n }) => n < inputs.length)) return false;
    inner.graph.outputs = outputs.map(({ n }) => n);
    // The shapes of its inputs are fixed
    draft.fixesSteps ||= inner.fixesSteps || inputs.some(({ steps }) => steps !== null);
    draft.apply(this.#name({ kind: 'model', config: {}, graph: inner.graph }), inputs, outputs);
    for (const own of draft.values.slice(-outputs.length)) own.isState = false;
    return true;
  }

  /** Makes outputs of all values that nothing reads, and some others. */
  #heads(draft: Draft): GraphProgram['outputs'] {
    const { graph } = draft;
    const outputs: GraphProgram['outputs'] = [];
    const add = (value: Value, loss: string): void => {
      const { steps, width } = value;
      const metrics = losses[loss]!.metrics.filter(() => this.chance(0.3));
      graph.outputs.push(value.n);
      outputs.push({ loss, weight: this.pick([1, 1, 0.5, 2]), metrics, steps, width });
    };
    let ends = draft.unread.map(value => (value.masked ? this.#layer(draft, value, false) : value));
    const vectors = ends.slice(2).map(value => (value.steps === null ? value : this.#layer(draft, value, false)));
    if (vectors.length > 1) {
      const width = vectors.reduce((sum, own) => sum + own.width, 0);
      const shape = { steps: null, width, masked: false };
      ends = [
        ...ends.slice(0, 2),
        draft.apply(this.#name({ kind: 'concatenate', config: { axis: -1 } }), vectors, [shape]),
      ];
    }
    for (const end of ends) {
      const loss = this.pick([
        'meanSquaredError',
        'huberLoss',
        'binaryCrossentropy',
        'categoricalCrossentropy',
        'poisson',
      ]);
      const { outputs: activation = this.pick(['linear', 'tanh']), minimum = 1 } = losses[loss]!;
      const shape = copy(end);
      const head = this.dense(shape, activation, this.whole(minimum, 4));
      add(draft.apply(this.#name(head), [end], [shape]), loss);
    }
    const inner = draft.values.filter(({ n, layer, index, masked, width }) => {
      const calls = graph.calls.filter(call => call.layer === layer);
      return calls.length === 1 && index === 0 && !masked && width > 0 && !graph.outputs.includes(n);
    });
    if (inner.length > 0 && this.chance(0.4)) add(this.pick(inner), 'meanSquaredError');
    return outputs;
  }
}

/** Without clipping, and not one that makes rounding errors large. */
function plainOptimizer({ clip: _, ...optimizer }: Program['optimizer'], graph: Graph): Program['optimizer'] {
  if (optimizer.kind === 'rmsprop') return { kind: 'sgd', args: [0.1] };
  const isNormalized = JSON.stringify(graph).includes('Normalization"');
  return isNormalized && dividing.includes(optimizer.kind) ? { kind: 'momentum', args: [0.1, 0.9, true] } : optimizer;
}

/** Makes the numbers of time steps variable. */
function openSteps(graph: Graph, inputs: GraphProgram['inputs']): void {
  for (const [n, { shape }] of graph.inputs.entries()) {
    if (shape.length === 2 || inputs[n]!.kind === 'ids') shape[0] = null;
  }
}
