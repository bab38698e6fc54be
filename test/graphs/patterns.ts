/**
 * Patterns of layers that random choices rarely draw, although their masks and gradients have code of their own. Most graphs
 * have two of them, the first in turn.
 */

import { type CallOptions, type Draft, draftOf, GraphDrawing, type Value } from './draft.ts';
import { stateWidths } from './shapes.ts';
import type { LayerSpec, RecurrentSpec } from './spec.ts';

/** One of these, which concern masks and states, is drawn in addition. */
export const frequentPatterns = [
  'initialStates',
  'mixedTime',
  'keyMask',
  'secondOutput',
  'mixedFeatures',
  'finalStates',
] as const;

export const patterns = [
  ...frequentPatterns,
  'sharedRecurrent',
  'sharedEmbedding',
  'sameShape',
  'logits',
  'dropout',
  'givenMasks',
] as const;
export type Pattern = (typeof patterns)[number];

/** Needs two masked inputs of as many time steps; for given masks, the last input must be a mask. */
export class PatternGenerator extends GraphDrawing {
  protected drawPattern(draft: Draft, pattern: Pattern): void {
    // The other patterns concern the inputs or the outputs of the model
    const draws: Partial<Record<Pattern, () => void>> = {
      initialStates: () => this.#initialStates(draft),
      mixedTime: () => this.#mixedTime(draft),
      keyMask: () => this.#keyMask(draft),
      secondOutput: () => this.#secondOutput(draft),
      mixedFeatures: () => this.#mixedFeatures(draft),
      finalStates: () => this.#finalStates(draft),
      sharedRecurrent: () => this.#sharedRecurrent(draft),
      sameShape: () => this.#sameShape(draft),
      dropout: () => this.#dropout(draft),
      givenMasks: () => this.#givenMasks(draft),
    };
    draws[pattern]?.();
  }

  protected masked(draft: Draft): Value[] {
    return draft.values.filter(({ isMasked, isHidden }) => isMasked && !isHidden);
  }

  #maskedInput({ bottoms }: Draft): Value {
    return this.pick(bottoms.filter(({ isMasked }) => isMasked));
  }

  /** Adds a layer and its first call; returns the outputs. */
  #applied(draft: Draft, spec: LayerSpec, inputs: Value[], initialState: Value[] = []): Value[] {
    const before = draft.values.length;
    this.apply(draft, spec, inputs, initialState);
    return draft.values.slice(before);
  }

  /** A sequence without a mask, of as many time steps as another one. */
  #unmasked(draft: Draft, { steps }: Value, units: number): Value {
    const inputs = draft.values.slice(0, draft.graph.inputs.length).filter(input => input.steps === steps);
    const raw = inputs.find(({ width }) => width > 0);
    return raw
      ? this.#applied(draft, this.dense(steps, 'tanh', units), [raw])[0]!
      : this.#applied(draft, this.embedding(units, false), inputs.slice(0, 1))[0]!;
  }

  /** A sequence with the mask of another input, if there is one, or else without a mask. */
  #otherwiseMasked(draft: Draft, value: Value, units: number): Value {
    const others = draft.bottoms.filter(other => other !== value && other.isMasked && other.steps === value.steps);
    if (others.length === 0) return this.#unmasked(draft, value, units);
    return this.#applied(draft, this.dense(value.steps, 'tanh', units), [this.pick(others)])[0]!;
  }

  /** Sometimes adds a layer on which a mask has an effect; otherwise the loss may be one. */
  #read(draft: Draft, value: Value): void {
    if (this.chance(0.4)) this.apply(draft, this.recurrent(), [value]);
  }

  /** An encoder and a decoder that starts in its final states and reads a masked sequence. */
  #initialStates(draft: Draft): void {
    const both = this.chance(0.3);
    const cells = this.recurrent().cells;
    const again = () => cells.map(({ kind, units }) => ({ ...this.cell(units), kind }));
    const wrapped = (layer: RecurrentSpec): LayerSpec =>
      both ? { kind: 'bidirectional', layer, mergeMode: this.pick(['concat', 'sum', null]) } : layer;
    const encoder = wrapped({ ...this.recurrent(), cells, returnState: true });
    const outputs = this.#applied(draft, encoder, [this.pick(draft.values.filter(isSequence))]);
    const states = outputs.slice(-stateWidths(encoder).length);
    if (this.chance(0.5)) for (const output of outputs.slice(0, -states.length)) output.isOptional = true;
    const decoder = wrapped({ ...this.recurrent(), cells: again() });
    const [output] = this.#applied(draft, decoder, [this.pick(this.masked(draft))], states);
    if (output?.isMasked) this.#read(draft, output);
  }

  /** Masked and other sequences one after the other. */
  #mixedTime(draft: Draft): void {
    const value = this.#maskedInput(draft);
    const other = this.#unmasked(draft, value, value.width);
    const inputs = this.chance(0.5) ? [value, other] : [other, value];
    for (const output of this.#applied(draft, { kind: 'concatenate', axis: 1 }, inputs)) this.#read(draft, output);
  }

  /** Sequences of several masks, and sometimes one without a mask, side by side. */
  #mixedFeatures(draft: Draft): void {
    const value = this.#maskedInput(draft);
    const others = [this.#otherwiseMasked(draft, value, value.width)];
    if (this.chance(0.5)) others.push(this.#unmasked(draft, value, value.width));
    for (const other of others) {
      const spec: LayerSpec = this.chance(0.5)
        ? { kind: 'concatenate', axis: -1 }
        : { kind: 'merge', name: this.pick(['add', 'average', 'multiply', 'maximum', 'minimum']) };
      const inputs = this.chance(0.5) ? [value, other] : [other, value];
      for (const output of this.#applied(draft, spec, inputs)) this.#read(draft, output);
    }
  }

  /** Attention with several heads whose value and key have different masks. */
  #keyMask(draft: Draft): void {
    const key = this.#maskedInput(draft);
    const value = this.chance(0.6)
      ? this.#unmasked(draft, key, this.width())
      : this.#otherwiseMasked(draft, key, this.width());
    const query = this.pick(this.chance(0.8) ? this.masked(draft) : draft.values.filter(isSequence));
    this.apply(draft, this.multiHeadAttention(), [query, value, key]);
  }

  /** Both outputs of a bidirectional layer, with masks. */
  #secondOutput(draft: Draft): void {
    const layer = { ...this.recurrent(), returnSequences: true };
    const outputs = this.#applied(draft, { kind: 'bidirectional', layer, mergeMode: null }, [
      this.pick(this.masked(draft)),
    ]);
    if (this.chance(0.5)) outputs[this.chance(0.7) ? 0 : 1]!.isOptional = true;
    if (outputs[1]!.isOptional) return;
    this.#read(draft, outputs[1]!);
  }

  /** A layer of whose final states some are read, and whose other outputs may have no reader. */
  #finalStates(draft: Draft): void {
    const layer = { ...this.recurrent(), returnState: true };
    const spec: LayerSpec = this.chance(0.3)
      ? layer
      : { kind: 'bidirectional', layer, mergeMode: this.pick(['concat', null, null, null]) };
    const outputs = this.#applied(draft, spec, [this.pick(draft.values.filter(isSequence))]);
    const states = outputs.splice(-stateWidths(spec).length);
    for (const output of outputs) output.isOptional = this.chance(0.6);
    const some = states.filter(() => this.chance(0.5));
    for (const state of some.length > 0 ? some : [this.pick(states)])
      this.apply(draft, this.dense(null, 'tanh', 2), [state]);
  }

  /** A recurrent layer that several sequences share, with different masks. */
  #sharedRecurrent(draft: Draft): void {
    const value = this.#maskedInput(draft);
    const spec = this.chance(0.7) ? this.recurrent() : this.bidirectional();
    const others = [this.#unmasked(draft, value, value.width), this.#otherwiseMasked(draft, value, value.width)];
    this.apply(draft, spec, [value]);
    const layer = this.layers.length - 1;
    for (const other of others) this.call(draft, layer, [other]);
  }

  /** Dropout, which some calls of it or of a model around it turn off. */
  #dropout(draft: Draft): void {
    const value = this.chance(0.7)
      ? this.#maskedInput(draft)
      : this.pick(draft.values.filter(({ width }) => width > 0));
    const spec = (): LayerSpec => ({ kind: 'dropout', rate: this.pick([0.25, 0.5]), seed: this.whole(0, 1000) });
    const [output] = this.#applied(draft, spec(), [value]);
    const inModel = (layer: LayerSpec, options: CallOptions = {}): LayerSpec => {
      const inner = draftOf([output!]);
      this.apply(inner, layer, inner.values, [], options);
      return { kind: 'model', graph: { ...inner.graph, outputs: [1] } };
    };
    const nested = inModel(spec(), { isNeverTraining: this.chance(0.3) });
    const isNeverTraining = this.chance(0.7);
    this.apply(draft, this.chance(0.5) ? inModel(nested) : nested, [output!], [], { isNeverTraining });
    this.apply(draft, spec(), [draft.values.at(-1)!], [], { isNeverTraining: this.chance(0.5) });
  }

  /** Masks that calls give instead of those of their inputs. */
  #givenMasks(draft: Draft): void {
    const value = this.#maskedInput(draft);
    const other = this.chance(0.5)
      ? this.#unmasked(draft, value, value.width)
      : this.#otherwiseMasked(draft, value, value.width);
    const mask = draft.values[draft.graph.inputs.length - 1]!;
    const single = { masks: [mask] };
    this.apply(
      draft,
      this.chance(0.5) ? this.recurrent() : this.dense(value.steps),
      [this.pick([value, other])],
      [],
      single,
    );
    const spec: LayerSpec = this.pick([
      this.multiHeadAttention(),
      { kind: 'concatenate', axis: 1 },
      { kind: 'merge', name: 'maximum' },
    ]);
    const masks = this.pick([
      [mask, null],
      [null, mask],
      [mask, mask],
    ]);
    this.apply(draft, spec, [value, other], [], { masks });
  }

  /** Layers that change no sizes, but end a mask. */
  #sameShape(draft: Draft): void {
    const value = this.#maskedInput(draft);
    const { steps, width } = value;
    if (steps === 1) this.apply(draft, { kind: 'flatten' }, [value]);
    const [output] = this.#applied(draft, { kind: 'reshape', targetShape: [steps!, width] }, [value]);
    this.#read(draft, output!);
  }
}

const isSequence = ({ steps, width, isHidden }: Value) => steps !== null && width > 0 && !isHidden;
