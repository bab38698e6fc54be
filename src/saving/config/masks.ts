/** Masks in the files of functional models: which of them layers compute here, and which ones calls are given. */

import { recurrentClasses } from '../../util/recurrentNames.ts';
import { failAt, isObject } from './filePath.ts';
import { type Call, type Graph, type GraphNode, isMaskOperation, type Ref, tensorsOf } from './functional.ts';

/** The masks that a call is given, one for each input: null for no mask. */
export type GivenMasks = readonly (Ref | null)[];

/** Attention layers that take the mask of each input by name. */
const BY_NAME: readonly string[] = ['query_mask', 'value_mask', 'key_mask'];

/** Layers whose output has a mask only if all inputs have one. */
const MERGES: readonly string[] = ['Add', 'Subtract', 'Multiply', 'Average', 'Maximum', 'Minimum'];

/** Layers at which a mask ends, because their output has other time steps or none. */
const ENDS: readonly string[] = [
  ...['Flatten', 'Reshape', 'RepeatVector', 'Permute', 'Dot', 'UpSampling1D', 'ZeroPadding1D', 'Cropping1D'],
  ...['MaxPooling1D', 'AveragePooling1D', 'GlobalMaxPooling1D', 'GlobalAveragePooling1D'],
];

const RECURRENT: readonly string[] = [...recurrentClasses, 'RNN'];

/**
 * A mask as text, equal for equal masks: the numbers of the masks of which one must count a time step, or EVERY. Null if
 * there is no mask.
 */
type MaskText = string | null;

const EVERY = '*';

/**
 * The calls that are given other masks than their inputs have. Keras 3 writes the masks that layers compute as operations
 * in the graph, and as arguments of the layers that use them; here, layers compute them again.
 *
 * @throws ValueError for operations that do not compute the mask that the input has here
 */
export function givenMasks({ nodes, order }: Graph): ReadonlyMap<Call, GivenMasks> {
  const byName = new Map(nodes.map(node => [node.name, node]));
  const given = new Map<Call, GivenMasks>();
  const texts = new TextOfMasks();
  for (const { node, index, call } of order) {
    const tensors = tensorsOf(call);
    if (isMaskOperation(node)) {
      texts.set(node, index, [texts.ofOperation(node, call, index)]);
      continue;
    }
    const below = tensors.map(ref => texts.of(ref));
    const masks = masksIn(call, below.length);
    const wanted = below.map((own, n): MaskText => {
      const mask = masks?.[n];
      if (mask === undefined) return own;
      return mask && (isMaskOperation(byName.get(mask.layer)!) ? texts.of(mask) : texts.number('tensor', mask));
    });
    if (masks && wanted.some((text, n) => text !== below[n])) {
      // A list of masks cannot say that an input keeps its own. Keras does not pass on a mask of the query by name
      const keepsSome =
        masks.some((mask, n) => mask === undefined && below[n] !== null) || (!call.masks && wanted[0] !== below[0]);
      if (keepsSome || masks.some(mask => mask && isMaskOperation(byName.get(mask.layer)!))) {
        failAt(node.location, 'must have the masks of its inputs, or outputs of layers as masks, got another mask');
      }
      given.set(
        call,
        masks.map(mask => mask ?? null),
      );
    }
    texts.set(node, index, texts.outputs(node, tensors, wanted));
  }
  return given;
}

/** The masks in the arguments of a call, undefined for inputs that keep theirs; null if all do. */
function masksIn({ masks, named }: Call, count: number): (Ref | null | undefined)[] | null {
  if (masks) return Array.from({ length: count }, (_, n) => masks[n] ?? null);
  if (!BY_NAME.some(name => named[name])) return null;
  return Array.from({ length: count }, (_, n) => named[BY_NAME[n]!]?.[0]);
}

class TextOfMasks {
  readonly #numbers = new Map<string, number>();
  /** For the outputs of each call. */
  readonly #texts = new Map<string, readonly MaskText[]>();

  /** The mask of a value, or the mask that a value is. */
  of({ layer, call, output }: Ref): MaskText {
    return this.#texts.get(`${call} ${layer}`)?.[output] ?? null;
  }

  set({ name }: GraphNode, index: number, outputs: readonly MaskText[]): void {
    this.#texts.set(`${index} ${name}`, outputs);
  }

  /** A mask that is made of a value in one step. */
  number(kind: string, { layer, call, output }: Ref): string {
    const key = `${kind} ${call} ${output} ${layer}`;
    const number = this.#numbers.get(key) ?? this.#numbers.size;
    this.#numbers.set(key, number);
    return String(number);
  }

  /** A mask that counts a step if one of several does. */
  #either(masks: readonly MaskText[]): MaskText {
    if (masks.some(mask => mask === null || mask === EVERY)) return EVERY;
    return [...new Set(masks.flatMap(mask => mask!.split(' ')))].sort().join(' ');
  }

  /** The masks of sequences that follow each other in time. */
  #joined(masks: readonly MaskText[]): MaskText {
    const key = `joined ${masks.map(mask => mask ?? EVERY).join(',')}`;
    return this.number(key, { layer: '', call: 0, output: 0 });
  }

  ofOperation({ className, name, described }: GraphNode, call: Call, index: number): MaskText {
    const [first] = call.inbound;
    const inputs = call.inbound.map(ref => this.of(ref));
    switch (className) {
      case 'NotEqual':
        return first ? this.number(`differs from ${call.numbers[0]}`, first) : null;
      case 'OnesLike':
        return EVERY;
      case 'LogicalOr':
        return this.#either(inputs);
      case 'All':
      case 'LogicalAnd':
        return this.number('all', { layer: name, call: index, output: 0 }); // no layer here makes such a mask
      case 'Concatenate':
        return isAlongTime(described) ? this.#joined(inputs) : this.#either(inputs);
      default:
        return inputs[0] ?? null;
    }
  }

  /** The masks of the outputs of a layer. */
  outputs(
    { className, described }: GraphNode,
    [input]: readonly Ref[],
    masks: readonly MaskText[],
  ): readonly MaskText[] {
    const config = described.config as { [option: string]: unknown };
    const [first = null] = masks;
    if (className === 'Masking' && input) return [this.number(`differs from ${config.mask_value ?? 0}`, input)];
    if (className === 'Embedding')
      return [config.mask_zero === true && input ? this.number('differs from 0', input) : null];
    if (MERGES.includes(className)) return [masks.includes(null) ? null : this.#either(masks)];
    if (className === 'Concatenate') {
      if (masks.every(mask => mask === null)) return [null];
      return [isAlongTime(described) ? this.#joined(masks) : this.#either(masks)];
    }
    if (ENDS.includes(className)) return [null];
    const isBidirectional = className === 'Bidirectional';
    const own = isBidirectional && isObject(config.layer) ? (config.layer as { config?: unknown }).config : config;
    if (isBidirectional || RECURRENT.includes(className)) {
      if (!isObject(own) || !(own as { return_sequences?: unknown }).return_sequences) return [null];
    }
    return isBidirectional && config.merge_mode === null ? [first, first] : [first];
  }
}

const isAlongTime = ({ config }: GraphNode['described']): boolean => {
  const { axis } = config as { axis?: unknown };
  return axis === 1 || axis === -2;
};
