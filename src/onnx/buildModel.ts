/** Builds models from the layers that were read from a graph. */

import '../core/full.ts';
import * as layers from '../layers/factories.ts';
import type { Layer } from '../layers/layer.ts';
import { type FunctionalModel, input, model, type Symbolic } from '../model/functional.ts';
import { Sequential } from '../model/sequential.ts';
import { Tensor } from '../tensor/tensor.ts';
import { fail, ValueError } from '../util/errors.ts';
import { recurrentFactories } from '../util/recurrentNames.ts';
import type { Shape } from '../util/shapes.ts';
import {
  type AttentionOutput,
  type CallMasks,
  type Chain,
  type Factories,
  type LayerSpec,
  type MergeOrigin,
  specsOf,
} from './values.ts';

/** An input of a model: its name in the file, and the shape of a sample. */
export interface FoundInput {
  readonly name: string;
  readonly shape: Shape;
}

/** What was read: a chain has one input and one output. */
export interface Found {
  readonly inputs: readonly FoundInput[];
  readonly outputs: readonly { readonly name: string; readonly chain: Chain }[];
}

const LONGEST_NAME = 200;

/** Gives names of a file that can be names of layers, each once. */
class LayerNames {
  readonly #taken = new Set<string>();

  unique(name: string, otherwise: string): string {
    const base =
      name
        .replace(/^\/+/, '')
        .replaceAll(/[/\p{C}]/gu, '_')
        .slice(0, LONGEST_NAME) || otherwise;
    let result = base;
    for (let n = 1; this.#taken.has(result); n++) result = `${base}_${n}`;
    this.#taken.add(result);
    return result;
  }
}

/** The name of the model, if the file has one. */
const modelName = (name: string) => name && { name: name.slice(0, LONGEST_NAME).replaceAll(/\p{C}/gu, '_') };

export function buildChain(call: string, name: string, { inputs, outputs }: Found): Sequential {
  const { shape } = inputs[0]!;
  const specs = specsOf(outputs[0]!.chain);
  const names = new LayerNames();
  const first = (n: number) => (n === 0 ? { inputShape: shape } : {});
  return withCall(call, () => {
    const made =
      specs.length === 0
        ? [layers.inputLayer({ inputShape: shape })]
        : specs.map((spec, n) => layerFrom(spec, { name: names.unique(spec.name, spec.factory), ...first(n) }));
    return new Sequential({ layers: made, ...modelName(name) });
  });
}

export function buildGraph(call: string, name: string, { inputs, outputs }: Found): FunctionalModel {
  const builder = new GraphBuilder(inputs, outputs);
  return withCall(call, () => {
    const made = outputs.map(({ chain }) => builder.symbolOf(chain));
    const unread = inputs.findIndex((_, n) => !builder.readsInput(n));
    if (unread >= 0) fail(call, `graph: every input must lead to an output, which '${inputs[unread]!.name}' does not`);
    return model({ inputs: builder.inputs, outputs: made, ...modelName(name) });
  });
}

/** Names the call in errors of layers. */
function withCall<T>(call: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof ValueError && !error.message.startsWith(`${call}: `)) fail(call, `graph: ${error.message}`);
    throw error;
  }
}

function layerFrom({ factory, options, weights }: LayerSpec, more: object): Layer {
  const tensors = weights.flat().map(({ dims, values }) => new Tensor(values, [...dims]));
  const given = tensors.length > 0 ? { weights: tensors } : {};
  const factories = layers as unknown as Factories;
  if (factory === 'rnn') {
    const { cells, ...rest } = options as { cells: { factory: string; options: object }[] };
    const cell = cells.map(one => factories[`${one.factory}Cell`]!(one.options as never));
    return layers.rnn({ ...rest, cell: cell as never, ...more, ...given });
  }
  if (factory !== 'bidirectional') return factories[factory]!({ ...options, ...more, ...given } as never);
  const { layer, inner, mergeMode } = options as { layer: string; inner: object; mergeMode: string };
  const pattern = factories[layer]!(inner as never);
  return factories.bidirectional!({ layer: pattern, mergeMode, ...more, ...given } as never);
}

/** The nodes that are calls of one layer, and what they need of it together. */
interface Group {
  readonly first: LayerSpec;
  /** Whether a recurrent layer returns all outputs. */
  sequences: boolean;
  /** Whether a node reads the last output or hidden state, or the cell state. */
  last: boolean;
  cell: boolean;
  /** Whether the nodes have different activations, which become layers of their own. */
  activations: boolean;
  layer: Layer | null;
}

const isSequence = ({ options }: LayerSpec): boolean => options.returnSequences === true;

class GraphBuilder {
  readonly inputs: Symbolic[];
  readonly #names = new LayerNames();
  readonly #groups = new Map<string, Group>();
  readonly #symbols = new Map<Chain, Symbolic>();
  readonly #ids = new Map<unknown, number>();
  /** The outputs of calls, by layer and inputs. */
  readonly #calls = new Map<string, Symbolic[]>();
  readonly #inputsRead = new Set<number>();
  /** The attention layers, by their scores: the first one whose output is read, or else one whose weights are read. */
  readonly #attentions = new Map<string, MergeOrigin>();
  /** The keys of the attention layers whose weights are read. */
  readonly #returnsScores = new Set<string>();
  /** The merging layers whose inputs are being built. */
  readonly #building = new Set<MergeOrigin>();
  /** The merging layers that are shared or have several outputs. */
  readonly #merges = new Map<string, Layer>();
  /** The names of the outputs, for the layers that give them. */
  readonly #outputNames = new Map<string, string>();

  constructor(inputs: readonly FoundInput[], outputs: Found['outputs']) {
    this.inputs = inputs.map(({ name, shape }) => input({ shape, name: this.#names.unique(name, 'input') }));
    const seen = new Set<Chain>();
    for (const { chain } of outputs) this.#collect(chain, seen);
    for (const { origin, spec } of seen) {
      if (spec || origin?.kind !== 'merge' || origin.attention?.index !== 1) continue;
      const layer = this.#attentions.get(this.#keyOfScores(origin.attention));
      for (const each of [origin, ...(layer ? [layer] : [])]) this.#returnsScores.add(this.#keyOfMerge(each));
    }
    if (outputs.length > 1) {
      for (const { name, chain } of outputs) {
        const key = chain.spec ? this.#keyOf(chain.spec) : `${this.#idOf(chain)}`;
        if (!this.#outputNames.has(key)) this.#outputNames.set(key, name);
      }
    }
  }

  readsInput(n: number): boolean {
    return this.#inputsRead.has(n);
  }

  /** Finds the nodes of each layer, before the first layer is made. */
  #collect(chain: Chain, seen: Set<Chain>): void {
    if (seen.has(chain)) return;
    seen.add(chain);
    const { spec, origin, below } = chain;
    if (origin?.kind === 'input') this.#inputsRead.add(origin.index);
    for (const other of [
      ...(below ? [below] : []),
      ...(origin?.kind === 'merge' ? origin.inputs : []),
      ...(origin?.kind === 'merge' && origin.attention?.softmax ? [origin.attention.softmax] : []),
      ...(spec?.initial ?? []),
      ...((spec ?? (origin?.kind === 'merge' ? origin : null))?.masks ?? []).flatMap(mask => mask?.given ?? []),
    ]) {
      this.#collect(other, seen);
    }
    if (!spec && origin?.kind === 'merge' && origin.attention?.index === 0) {
      const scores = this.#keyOfScores(origin.attention);
      if (!this.#attentions.has(scores)) this.#attentions.set(scores, origin);
    }
    if (!spec) return;
    const key = this.#keyOf(spec);
    const group: Group = this.#groups.get(key) ?? {
      first: spec,
      sequences: false,
      last: false,
      cell: false,
      activations: false,
      layer: null,
    };
    this.#groups.set(key, group);
    group.sequences ||= isSequence(spec);
    group.last ||= !isSequence(spec);
    group.cell ||= spec.isCellState === true;
    group.activations ||= spec.options.activation !== group.first.options.activation;
  }

  #idOf(value: unknown): number {
    const id = this.#ids.get(value) ?? this.#ids.size;
    this.#ids.set(value, id);
    return id;
  }

  /** Equal for nodes that are calls of one layer: those with the same weights and options, except what they return. */
  #keyOf(spec: LayerSpec): string {
    const { factory, options, sources } = spec;
    if (!sources) return `${this.#idOf(spec)}`;
    const { activation, returnSequences, ...rest } = options;
    const own = factory === 'dense' ? rest : recurrentFactories.includes(factory) ? { activation, ...rest } : options;
    return `${factory} ${sources.map(source => this.#idOf(source)).join()} ${JSON.stringify(own)}`;
  }

  symbolOf(chain: Chain): Symbolic {
    const known = this.#symbols.get(chain);
    if (known) return known;
    const made = this.#make(chain);
    this.#symbols.set(chain, made);
    return made;
  }

  #make(chain: Chain): Symbolic {
    const { spec, origin, below } = chain;
    if (spec) return this.#call(spec, [below!, ...(spec.initial ?? [])]);
    if (!origin) return this.symbolOf(below!); // the same steps in another order
    if (origin.kind === 'input') return this.inputs[origin.index]!;
    if (origin.kind !== 'merge') throw new Error('scores and heads of attention are part of a layer');
    const { attention } = origin;
    const name = this.#outputNames.get(`${this.#idOf(chain)}`);
    if (attention?.index !== 1) return this.#merge(origin, name)[0]!;
    const found = this.#attentions.get(this.#keyOfScores(attention));
    // Weights from which the values of their own layer are computed need another layer
    const layer = found && !this.#building.has(found) ? found : undefined;
    // Nothing but the weights of an attention is a softmax of a product
    if (!layer && attention.softmax) return this.symbolOf(attention.softmax);
    return this.#merge(layer ?? origin, layer ? undefined : name)[1]!;
  }

  #keyOfScores({ scores, scale }: AttentionOutput): string {
    return `${this.#idOf(scores)} ${scale}`;
  }

  /** Equal for nodes that are calls of one layer: those with the same weights and options. */
  #keyOfMerge(origin: MergeOrigin): string {
    const { factory, options, sources = [] } = origin;
    const ids = (sources.length > 0 ? sources : [origin]).map(source => this.#idOf(source));
    return `${factory} ${ids.join()} ${JSON.stringify(options)}`;
  }

  /** Calls a layer of several inputs. */
  #merge(origin: MergeOrigin, outputName: string | undefined): Symbolic[] {
    const { factory, options, inputs, weights = [] } = origin;
    const key = this.#keyOfMerge(origin);
    let layer = this.#merges.get(key);
    if (!layer) {
      const more = {
        name: this.#names.unique(outputName ?? origin.name, factory),
        ...(this.#returnsScores.has(key) && { returnAttentionScores: true }),
      };
      layer = layerFrom({ ...origin, options, weights: [weights], kind: 'other' }, more);
      this.#merges.set(key, layer);
    }
    const made = layer;
    this.#building.add(origin);
    const symbols = inputs.map(each => this.symbolOf(each));
    this.#building.delete(origin);
    return this.#once(made, symbols, this.#masks(origin.callMasks?.()), masks =>
      made.apply<Symbolic | Symbolic[]>(symbols, masks),
    );
  }

  /** The options of a call with other masks than those of its inputs. */
  #masks(masks: CallMasks | null | undefined): { mask?: (Symbolic | null)[] } {
    return masks ? { mask: masks.map(mask => (mask?.given ? this.symbolOf(mask.given) : null)) } : {};
  }

  /** Applies a layer, once to the same inputs. */
  #once<Masks extends { mask?: (Symbolic | null)[] }>(
    layer: Layer,
    inputs: readonly Symbolic[],
    masks: Masks,
    apply: (masks: Masks) => Symbolic | Symbolic[],
  ): Symbolic[] {
    const key = [layer, ...inputs, 'masks', ...(masks.mask ?? [])].map(each => this.#idOf(each)).join();
    const outputs = this.#calls.get(key) ?? [apply(masks)].flat();
    this.#calls.set(key, outputs);
    return outputs;
  }

  /** Calls the layer of a node. */
  #call(spec: LayerSpec, chains: readonly Chain[]): Symbolic {
    const key = this.#keyOf(spec);
    const group = this.#groups.get(key)!;
    const isRecurrent = recurrentFactories.includes(spec.factory);
    const { sequences } = group;
    const linear = spec.factory === 'dense' && group.activations;
    const options = {
      ...spec.options,
      ...(isRecurrent && { returnSequences: sequences, returnState: group.cell || (sequences && group.last) }),
      ...(linear && { activation: 'linear' }),
    };
    group.layer ??= layerFrom(
      { ...spec, options },
      { name: this.#names.unique(this.#outputNames.get(key) ?? group.first.name, spec.factory) },
    );
    const outputs = this.#apply(group.layer, chains, spec.masks);
    const [first, hidden, cell] = outputs as [Symbolic, Symbolic?, Symbolic?];
    if (spec.isCellState) return cell!;
    if (isRecurrent && sequences && !isSequence(spec)) return hidden!;
    if (!linear || spec.options.activation === 'linear') return first;
    return this.#activation(spec.options.activation as 'relu', first);
  }

  /** Applies a layer, once to the same inputs. */
  #apply(layer: Layer, chains: readonly Chain[], masks: CallMasks | undefined): Symbolic[] {
    const [x, ...initialState] = chains.map(chain => this.symbolOf(chain)) as [Symbolic, ...Symbolic[]];
    return this.#once(layer, [x, ...initialState], this.#masks(masks), given =>
      layer.apply<Symbolic | Symbolic[]>(x, { ...(initialState.length > 0 && { initialState }), ...given }),
    );
  }

  #activation(activation: 'relu', x: Symbolic): Symbolic {
    return layers
      .activation({ activation, name: this.#names.unique(`${x.name}_${activation}`, activation) })
      .apply<Symbolic>(x);
  }
}
