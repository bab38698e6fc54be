/**
 * Draws random graphs from a seed: masks that meet in merging layers and attention, recurrent layers that hand over their
 * states, shared layers, nested models, several inputs and outputs. All functions are smooth except maximum and minimum.
 */

import type { ActivationName } from '../reference/activations.ts';
import type { LossName } from '../reference/loss.ts';
import { type Draft, draftOf, fits, smooth, type Value } from './draft.ts';
import { frequentPatterns, type Pattern, PatternGenerator, patterns } from './patterns.ts';
import { dotDepth, outputsOf, stateWidths } from './shapes.ts';
import type { GraphInput, GraphOutput, GraphProgram, LayerSpec } from './spec.ts';

const MAX_OUTPUTS = 3;

/** The losses, with the activations of the layer below that they need. */
const heads: [LossName, ActivationName | 'softmax' | null][] = [
  ['meanSquaredError', null],
  ['meanAbsoluteError', null],
  ['huberLoss', null],
  ['logcosh', null],
  ['cosineProximity', null],
  ['squaredHinge', null],
  ['binaryCrossentropy', 'sigmoid'],
  ['categoricalCrossentropy', 'softmax'],
  ['sparseCategoricalCrossentropy', 'softmax'],
  ['kullbackLeiblerDivergence', 'softmax'],
  ['poisson', 'softplus'],
];

/** Generates one graph; the same seed gives the same graph on every machine. */
export class GraphGenerator extends PatternGenerator {
  program(): GraphProgram {
    const batch = this.whole(2, 3);
    this.open = this.chance(0.4);
    this.masksAll = this.chance(0.4);
    const usual = this.whole(3, 5);
    this.lengths = [usual, usual, usual, usual, this.whole(1, 5)];
    this.usualWidth = this.whole(2, 4);
    // Some graphs have random layers only
    const pattern = patterns[this.seed % (patterns.length + 1)];
    const chosen = pattern ? [pattern, this.pick(frequentPatterns)] : [];
    if (chosen.includes('sameShape')) [this.open, this.masksAll] = [false, true];
    const inputs = this.#inputs(chosen);
    const draft = draftOf(inputs);
    for (const [n, { kind }] of inputs.entries()) this.#bottom(draft, draft.values[n]!, kind, chosen.length > 0);
    for (const each of chosen) this.drawPattern(draft, each);
    this.#grow(draft, this.whole(pattern ? 1 : 2, pattern ? 5 : 8), true);
    const outputs = this.#heads(draft, chosen.includes('logits'));
    const { graph } = draft;
    const [seed, layers] = [this.seed, this.layers];
    return { seed, batch, layers, graph, inputs, outputs, open: this.open, masksAll: this.masksAll };
  }

  /** Patterns need two masked sequences of as many time steps. */
  #inputs(chosen: readonly Pattern[]): GraphInput[] {
    if (chosen.length === 0) return Array.from({ length: this.pick([1, 2, 2, 3, 3]) }, () => this.#input());
    const steps = chosen.includes('sameShape') && this.chance(0.5) ? 1 : this.lengths[0]!;
    const ids = chosen.includes('sharedEmbedding');
    const masked = (): GraphInput =>
      ids ? { kind: 'ids', steps, width: 0 } : { kind: 'masked', steps, width: this.width() };
    const more = this.chance(0.3) ? [this.#input()] : [];
    const masks = chosen.includes('givenMasks') ? [{ kind: 'mask', steps, width: 0 } as const] : [];
    return [masked(), masked(), ...more, ...masks];
  }

  #input(): GraphInput {
    const kind = this.pick(['rows', 'numbers', 'masked', 'masked', 'masked', 'masked', 'ids', 'ids']);
    const [steps, width] = [this.pick(this.lengths), this.width()];
    if (kind === 'ids') return { kind, steps, width: 0 };
    return kind === 'masked'
      ? { kind, steps, width }
      : { kind: 'numbers', steps: kind === 'rows' ? null : steps, width };
  }

  /** The layer that makes the mask of an input, or looks up its ids. */
  #bottom(draft: Draft, value: Value, kind: GraphInput['kind'], needsMask: boolean): void {
    if (kind === 'numbers' || kind === 'mask') return;
    if (kind === 'masked') {
      this.apply(draft, { kind: 'masking' }, [value]);
      value.isHidden = this.chance(0.8);
    } else {
      const known = this.layers.findIndex(spec => spec.kind === 'embedding');
      if (known >= 0 && (needsMask || this.chance(0.6))) this.call(draft, known, [value]);
      else this.apply(draft, this.embedding(this.width(), needsMask || this.chance(0.8)), [value]);
    }
    draft.bottoms.push(draft.values.at(-1)!);
  }

  #grow(draft: Draft, count: number, nests: boolean): void {
    const kinds = [
      ...['layer', 'layer', 'again', 'states', 'states', 'dot'],
      ...['merge', 'merge', 'merge', 'merge', 'attention', 'attention', 'attention', 'attention', 'attention'],
    ];
    if (nests) kinds.push('nested');
    for (let n = 0; n < count; n++) {
      const usable = draft.values.filter(({ width, isHidden }) => width > 0 && !isHidden);
      const unread = usable.filter(({ read }) => !read);
      // New values are read more often, so that graphs get deep
      const value = this.pick(unread.length > 0 && this.chance(0.6) ? unread : usable);
      const kind = this.pick(kinds);
      const done =
        (kind === 'merge' && this.#merge(draft, usable, value)) ||
        (kind === 'attention' && this.#attention(draft, usable, value)) ||
        (kind === 'dot' && this.#dot(draft, usable, value)) ||
        (kind === 'again' && this.#again(draft, usable, value)) ||
        (kind === 'states' && this.#withStates(draft, usable, value)) ||
        (kind === 'nested' && this.#nest(draft, usable, value));
      if (!done) this.#layer(draft, value);
    }
  }

  /** Adds a layer of one input. */
  #layer(draft: Draft, value: Value): void {
    const { steps, width } = value;
    const kinds: LayerSpec['kind'][] =
      steps === null
        ? ['dense', 'dense', 'activation', 'repeatVector', 'batchNormalization', 'batchNormalization', 'prelu']
        : [
            ...(['recurrent', 'recurrent', 'recurrent', 'bidirectional', 'bidirectional'] as const),
            ...(['dense', 'activation', 'masking', 'conv1d', 'conv1d'] as const),
            ...(['batchNormalization', 'batchNormalization', 'batchNormalization'] as const),
            ...(['averagePooling1d', 'averagePooling1d', 'prelu'] as const),
          ];
    if (!this.open) kinds.push(this.pick(['flatten', 'reshape']));
    const kind = this.pick(kinds);
    const size = (steps ?? 1) * width;
    const divisors = [1, 2, 3, 4, 5].filter(n => size % n === 0);
    const split = this.pick(divisors);
    const specs: Partial<Record<LayerSpec['kind'], LayerSpec>> = {
      activation: { kind: 'activation', activation: this.pick([...smooth, 'softmax']) },
      masking: { kind: 'masking' },
      flatten: { kind: 'flatten' },
      reshape: { kind: 'reshape', targetShape: [split, size / split] },
      repeatVector: { kind: 'repeatVector', n: this.pick([1, ...this.lengths]) },
      recurrent: this.recurrent(),
      conv1d: this.conv1d(),
      // Or a layer normalization, or the maximum
      batchNormalization: this.normalization(),
      averagePooling1d: this.pooling(),
      prelu: { kind: 'prelu', sharedAxes: steps === null ? null : [1] },
      bidirectional: this.bidirectional(),
    };
    if (!this.apply(draft, specs[kind] ?? this.dense(steps), [value])) this.apply(draft, this.dense(steps), [value]);
  }

  /** A recurrent layer that starts in vectors of the graph, more often on a masked sequence. */
  #withStates(draft: Draft, usable: Value[], value: Value): boolean {
    const masked = usable.filter(({ isMasked }) => isMasked);
    const sequence = masked.length > 0 && this.chance(0.6) ? this.pick(masked) : value;
    const vectors = usable.filter(({ steps }) => steps === null);
    if (sequence.steps === null || vectors.length === 0) return false;
    const { width } = this.pick(vectors);
    const spec = this.chance(0.7) ? this.recurrent(width) : this.bidirectional(width);
    const initial = stateWidths(spec).map(own => {
      const fitting = vectors.filter(vector => vector.width === own);
      if (fitting.length > 0) return this.pick(fitting);
      this.apply(draft, this.dense(null, 'tanh', own), [this.pick(vectors)]);
      return draft.values.at(-1)!;
    });
    return this.apply(draft, spec, [sequence], initial);
  }

  /** Applies a layer to a value and one or two others with which it can take it, in any order. */
  #applyToSome(draft: Draft, usable: Value[], value: Value, count: number, spec: LayerSpec): boolean {
    const inputs = [value];
    for (let n = 0; n < count; n++) {
      const others = usable.filter(other => outputsOf(this.layers, spec, [...inputs, other]));
      const unequal = others.filter(other => !inputs.includes(other));
      if (others.length === 0) break;
      const pool = unequal.length > 0 && this.chance(0.9) ? unequal : others;
      const masked = pool.filter(({ isMasked }) => isMasked);
      inputs.push(this.pick(masked.length > 0 && this.chance(0.5) ? masked : pool));
    }
    if (inputs.length < 2) return false;
    const first = this.whole(0, inputs.length - 1);
    const ordered = [...inputs.slice(first), ...inputs.slice(0, first)];
    if (spec.kind !== 'dot' || !spec.normalize) return this.apply(draft, spec, ordered);
    // The norm of one number leaves its sign, whose slope of 0 is the difference of large equal numbers
    if (dotDepth(spec.axes, ordered) === 1) return this.apply(draft, { ...spec, normalize: false }, ordered);
    return this.apply(draft, spec, this.#awayFromZero(draft, ordered));
  }

  /**
   * Positive values instead of any. The norm of zeros, which masked steps may be, has slopes of 1e7; where these cancel,
   * float32 has no digits left for other gradients.
   */
  #awayFromZero(draft: Draft, values: readonly Value[]): Value[] {
    const positive = new Map<Value, Value>();
    for (const value of new Set(values)) {
      this.apply(draft, { kind: 'activation', activation: 'sigmoid' }, [value]);
      positive.set(value, draft.values.at(-1)!);
    }
    return values.map(value => positive.get(value)!);
  }

  #merge(draft: Draft, usable: Value[], value: Value): boolean {
    const elements = ['add', 'subtract', 'average', 'multiply', 'maximum', 'minimum'] as const;
    const name = this.pick([...elements, 'features', 'features', 'time', 'time'] as const);
    const count = name === 'subtract' ? 1 : this.whole(1, 2);
    const isMerge = name !== 'features' && name !== 'time';
    const spec: LayerSpec = isMerge ? { kind: 'merge', name } : { kind: 'concatenate', axis: name === 'time' ? 1 : -1 };
    return this.#applyToSome(draft, usable, value, count, spec);
  }

  #dot(draft: Draft, usable: Value[], value: Value): boolean {
    const axes = this.pick<number | [number, number]>([1, -1, [1, 2], [2, 1], [2, 2]]);
    const fixed = this.open ? usable.filter(({ steps }) => steps === null) : usable;
    if (!fixed.includes(value)) return false;
    return this.#applyToSome(draft, fixed, value, 1, { kind: 'dot', axes, normalize: this.chance(0.4) });
  }

  /** Attention of a value to another, or to itself. */
  #attention(draft: Draft, usable: Value[], query: Value): boolean {
    const sequences = usable.filter(({ steps }) => steps !== null);
    if (query.steps === null) return false;
    const masked = sequences.filter(({ isMasked }) => isMasked);
    const value = this.pick(masked.length > 0 && this.chance(0.6) ? masked : sequences);
    const keys = sequences.filter(({ steps }) => steps === value.steps);
    const key = this.chance(0.5) ? [this.pick(keys)] : [];
    const useCausalMask = this.chance(0.3);
    // Without any visible key, attention would depend on scores that float32 rounds to multiples of 64
    const kind = this.masksAll
      ? 'multiHeadAttention'
      : this.pick(['attention', 'attention', 'additiveAttention', 'multiHeadAttention'] as const);
    if (kind === 'multiHeadAttention') {
      return this.apply(draft, this.multiHeadAttention(), [query, value, ...key]);
    }
    const returnAttentionScores = !this.open && this.chance(0.3);
    const mode = kind === 'attention' ? { scoreMode: this.pick(['dot', 'dot', 'concat'] as const) } : {};
    const config = { useCausalMask, useScale: this.chance(0.6), returnAttentionScores, ...mode };
    if (this.apply(draft, { kind, config }, [query, value, ...key])) return true;
    return this.#applyToSome(draft, sequences, query, this.whole(1, 2), { kind, config });
  }

  /** Another call of a layer, on inputs of the same ranks and widths. */
  #again(draft: Draft, usable: Value[], value: Value): boolean {
    const known = this.callsOf(draft);
    const takers = known.filter(
      ({ inputs, layer }) =>
        fits(inputs[0]!, value) &&
        this.layers[layer]!.kind !== 'masking' &&
        !normalizes(this.layers[layer]!) &&
        !this.#dropsOut(this.layers[layer]!),
    );
    if (takers.length === 0) return false;
    const { layer, inputs, states } = this.pick(takers);
    const lists = [...inputs.slice(1), ...states].map(shape => usable.filter(other => fits(shape, other)));
    if (lists.some(list => list.length === 0)) return false;
    const others = lists.map(list => this.pick(list));
    const count = inputs.length - 1;
    return this.call(draft, layer, [value, ...others.slice(0, count)], others.slice(count));
  }

  #dropsOut(spec: LayerSpec): boolean {
    if (spec.kind === 'model') return spec.graph.calls.some(({ layer }) => this.#dropsOut(this.layers[layer]!));
    return spec.kind === 'dropout';
  }

  /** A model as a layer, which may share layers with the model around it. */
  #nest(draft: Draft, usable: Value[], value: Value): boolean {
    const others = usable.filter(other => other !== value);
    const inputs = others.length > 0 && this.chance(0.5) ? [value, this.pick(others)] : [value];
    const count = this.layers.length;
    const inner = draftOf(inputs);
    const shared = this.callsOf(draft).filter(
      call =>
        call.inputs.length === 1 &&
        call.states.length === 0 &&
        fits(call.inputs[0]!, value) &&
        !this.#dropsOut(this.layers[call.layer]!),
    );
    if (shared.length > 0 && this.chance(0.5)) this.call(inner, this.pick(shared).layer, [inner.values[0]!]);
    this.#grow(inner, this.whole(1, 3), false);
    const outputs = inner.values.filter(({ read, isOptional }) => !read && !isOptional);
    if (outputs.every(({ n }) => n >= inputs.length)) {
      const more = inner.values.slice(inputs.length).filter(output => !outputs.includes(output));
      if (more.length > 0 && this.chance(0.5)) outputs.push(this.pick(more));
      inner.graph.outputs = outputs.map(({ n }) => n);
      if (this.apply(draft, { kind: 'model', graph: inner.graph }, inputs)) {
        // One of several outputs may have no reader
        if (outputs.length > 1 && this.chance(0.5)) this.pick(draft.values.slice(-outputs.length)).isOptional = true;
        return true;
      }
    }
    this.layers.length = count;
    return false;
  }

  /** Makes outputs of all values that nothing reads, and of some others. */
  #heads(draft: Draft, sharesLogits: boolean): GraphOutput[] {
    const outputs: GraphOutput[] = [];
    const add = (value: Value, loss: LossName): void => {
      value.read = true;
      draft.graph.outputs.push(value.n);
      outputs.push({ loss, weight: this.pick([1, 1, 0.5, 2]), steps: value.steps, width: value.width });
    };
    const plain = () => this.pick(['meanSquaredError', 'huberLoss', 'logcosh'] as const);
    let ends = draft.values.filter(({ read, isOptional }) => !read && !isOptional);
    if (ends.length > MAX_OUTPUTS)
      ends = [...ends.slice(0, MAX_OUTPUTS - 1), this.#join(draft, ends.slice(MAX_OUTPUTS - 1))];
    for (const [n, end] of ends.entries()) {
      const shares = sharesLogits && n === 0;
      if (!shares && end.n >= draft.graph.inputs.length && this.chance(0.3)) {
        add(end, plain());
        continue;
      }
      const [loss, activation] = this.pick(shares ? heads.filter(([name]) => name.endsWith('Crossentropy')) : heads);
      this.apply(draft, this.dense(end.steps, activation ?? this.pick(['linear', 'tanh']), this.whole(2, 4)), [end]);
      const head = draft.values.at(-1)!;
      add(head, loss);
      if (shares) add(head, plain());
    }
    const inner = draft.values.filter(({ n, width }) => width > 0 && n >= draft.graph.inputs.length);
    if (outputs.length < MAX_OUTPUTS && this.chance(0.4)) add(this.pick(inner), plain());
    return outputs;
  }

  /** Turns values to vectors of few numbers, and adds them up. */
  #join(draft: Draft, values: Value[]): Value {
    const vectors = values.map(value => {
      const last = { ...this.recurrent(2), returnSequences: false, returnState: false };
      this.apply(draft, value.steps === null ? this.dense(null, 'tanh', 2) : last, [value]);
      return draft.values.at(-1)!;
    });
    if (vectors.length > 1) this.apply(draft, { kind: 'merge', name: 'add' }, vectors);
    return draft.values.at(-1)!;
  }
}

const normalizes = (spec: LayerSpec) => spec.kind === 'dot' && spec.normalize;
