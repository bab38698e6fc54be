/**
 * The values of a graph while it is read. Only shapes and weights are computed; outputs of layers are represented by the
 * chain of layers and the meaning of the axes.
 */

import type { Layer } from '../layers/layer.ts';
import { type Formula, identity } from './formula.ts';
import { divided, multiplied, type Size } from './sizes.ts';

/** The description of a layer to create. */
export interface LayerSpec {
  /** The name of the factory in `layers`. */
  readonly factory: string;
  /** The name of the node. */
  readonly name: string;
  readonly options: { readonly [name: string]: unknown };
  readonly weights: readonly (readonly { dims: readonly number[]; values: Float32Array }[])[];
  /** 'each': applies to every time step separately; 'steps': a recurrent layer that returns sequences. */
  readonly kind: 'each' | 'steps' | 'other';
  /** The weights in the file, and which part of them: nodes of the same sources are one layer that is called several times. */
  readonly sources?: readonly unknown[];
  /** Whether the output is the cell state of an lstm, in the place of its last output. */
  readonly isCellState?: boolean;
  /** The initial states of a recurrent layer. */
  readonly initial?: readonly Chain[];
  /** The mask of its call; absent for that of the layer below. */
  readonly masks?: CallMasks;
}

/** Which time steps count. */
export interface Mask {
  /** Equal for equal masks: the numbers of the masks that it is the union of. */
  readonly key: string;
  /** The output [batch, time] that is 0 at the masked steps; null if there is none. */
  readonly given: Chain | null;
  /** The sequence whose masked steps have this value in all features; null for other masks. */
  readonly differs: { readonly chain: Chain; readonly value: number } | null;
}

/** The masks of the inputs of a call: null for an input without a mask, undefined where the mask does not matter. */
export type CallMasks = readonly (Mask | null | undefined)[];

type Options = { readonly [name: string]: unknown };

/** Weights of a layer. */
export interface LayerWeights {
  readonly dims: readonly number[];
  readonly values: Float32Array;
}

/** A layer with several inputs. */
export interface MergeOrigin {
  readonly kind: 'merge';
  readonly factory: string;
  readonly name: string;
  readonly options: Options;
  readonly inputs: readonly Chain[];
  readonly weights?: readonly LayerWeights[];
  /** The weights in the file: nodes of the same sources are one layer that is called several times. */
  readonly sources?: readonly unknown[];
  /** Which output of an attention layer it is, and of which scores. */
  readonly attention?: AttentionOutput;
  /** The masks that the graph applies to the inputs; absent if they do not change the output. */
  readonly masks?: CallMasks;
  /** The masks of the call, or null if they are those of the inputs; fails if no call of a layer can have them. */
  readonly callMasks?: () => CallMasks | null;
  /** The same layer with another bias; absent if it cannot have one. */
  readonly withBias?: (bias: Floats) => Chain;
}

export interface AttentionOutput {
  /** 0 for the output, 1 for the attention weights. */
  readonly index: 0 | 1;
  /** The scores before the softmax, and the number that multiplies them. */
  readonly scores: Chain;
  readonly scale: number;
  /** The attention weights as a softmax of a product, which is used if nothing else reads the scores. */
  readonly softmax?: Chain;
  /** The same output, with zeros for the queries that a mask hides. */
  readonly withQueryMask?: (mask: Mask) => Chain;
}

/** The scores of queries and keys, which a softmax must follow: the layer that computes them. */
export interface Scores {
  readonly factory: 'attention' | 'additiveAttention' | 'multiHeadAttention';
  readonly options: Options;
  readonly query: Chain;
  readonly key: Chain;
  readonly weights: readonly LayerWeights[];
  readonly sources: readonly unknown[];
  /** The projections of query and key, with several heads. */
  readonly projections?: readonly Projection[];
  /** The masks that hide some of the scores, and the factor of these scores. */
  readonly hidden?: Pick<Visible, 'keys' | 'queries'> & { readonly factor: Formula };
}

/** A dense layer inside attention with several heads. */
export interface Projection {
  readonly input: Chain;
  readonly kernel: LayerWeights;
  readonly bias: LayerWeights | null;
  readonly sources: readonly unknown[];
}

/**
 * Where a chain starts in a graph: at an input, with a layer of several inputs, or inside an attention layer, whose scores or
 * heads are not the output of a layer.
 */
export type Origin =
  | { readonly kind: 'input'; readonly index: number }
  | MergeOrigin
  | { readonly kind: 'scores'; readonly scores: Scores }
  | { readonly kind: 'heads'; readonly scores: Scores; readonly value: Projection; readonly valueDim: number };

/** A layer and the layers below it. */
export interface Chain {
  readonly below: Chain | null;
  readonly spec: LayerSpec | null;
  /** Where it starts, if there is no layer below. */
  readonly origin: Origin | null;
  readonly depth: number;
  /** The number of time steps; null if there is no time axis. */
  readonly steps: Size | null;
  /** The number of features; open for scores of an open number of keys. */
  readonly width: Size;
  /** Whether the layers output the time steps in the reverse order of the graph. */
  readonly flipped: boolean;
  /** The same layers with the top one returning only its last output; null if it cannot. */
  readonly last: Chain | null;
  /** The mask that the layers pass on, in the order of their time steps. */
  readonly mask: Mask | null;
}

/**
 * The meaning of an axis; batch and time can be merged into one axis, in either order. The features of attention with several
 * heads have two axes, head and depth.
 */
export type Axis = 'batch' | 'time' | 'width' | 'direction' | 'one' | 'batch*time' | 'time*batch' | 'head' | 'depth';

/** The output of a chain, or one direction of a bidirectional layer whose merge mode is not known yet. */
export interface DirectionOutput {
  readonly chain: Chain;
  readonly half: 0 | 1 | null;
}

/** A value that depends on the input of the model. */
export interface LayerOutput {
  readonly kind: 'layerOutput';
  readonly axes: readonly Axis[];
  /** One, or as many as the size of the axis 'direction'. */
  readonly parts: readonly DirectionOutput[];
  /** The elementwise function that has been applied to the output. */
  readonly formula: Formula;
  /** Whether the values are ids. */
  readonly ids?: boolean;
  /** The size of the axis 'head'. */
  readonly heads?: number;
  /** Gives the same values by a merging layer, in case that no layers compute the formula; null if there is no such layer. */
  readonly otherwise?: (() => LayerOutput) | null;
}

export interface Floats {
  readonly kind: 'floats';
  readonly dims: readonly number[];
  readonly values: Float32Array;
}

/** Integers, and booleans as 0 and 1: shapes, indices and values computed from them. */
export interface Ints {
  readonly kind: 'ints';
  readonly dims: readonly number[];
  readonly values: readonly Size[];
}

/** A tensor of known numbers. */
export type Constant = Floats | Ints;

/** A tensor with one value everywhere and an open shape that does not matter: initial states, lengths. */
export interface Fill {
  readonly kind: 'fill';
  readonly value: Size;
  /** Its shape, if it is known. */
  readonly dims?: readonly Size[];
}

/** The sums of all queries and keys, [batch, queries, keys, width], and functions of them. */
export interface Pairs {
  readonly kind: 'pairs';
  readonly query: Chain;
  readonly key: Chain;
  readonly formula: Formula;
  /** The factors of the features, after the tanh. */
  readonly gain: Floats | null;
  /** Whether the features have been summed, and have an axis of size 1. */
  readonly isSummed?: boolean;
}

/** The norms of an output along an axis, and their lower bound. */
export interface Norm {
  readonly kind: 'norm';
  readonly of: LayerOutput;
  readonly axis: Axis;
  readonly least: number;
}

/** The indices of the time steps, [steps] or [steps, 1]. */
export interface Positions {
  readonly kind: 'positions';
  readonly steps: Size;
  readonly column: boolean;
}

/** Whether a query sees a key, which is not later. */
export interface Causal {
  readonly kind: 'causal';
  readonly queries: Size;
  readonly keys: Size;
}

/** Where numbers of an output equal, or differ from, a number: the beginning of a mask. */
export interface Compared {
  readonly kind: 'compared';
  readonly chain: Chain;
  readonly axes: readonly Axis[];
  readonly value: number;
  /** What has been computed: where they are equal, where they differ, the same as numbers, and the maximum of a step. */
  readonly stage: 'equal' | 'different' | 'numbers' | 'steps';
}

/** A mask as a tensor, with the axes batch, time and one. */
export interface MaskTensor {
  readonly kind: 'mask';
  readonly mask: Mask;
  readonly axes: readonly Axis[];
}

/** Which keys are visible to which queries: those that all masks show. */
export interface Visible {
  readonly kind: 'visible';
  readonly keys: readonly Mask[];
  readonly queries: readonly Mask[];
  readonly causal: Causal | null;
  readonly rank: number;
}

/** A factor of a product, which is 1 where it is masked. */
export interface Factor {
  readonly kind: 'factor';
  readonly output: LayerOutput;
  readonly mask: Mask;
}

/** The product of two factors, which has to be 0 where both are masked. */
export interface MaskedProduct {
  readonly kind: 'product';
  readonly output: LayerOutput;
  readonly mask: Mask;
}

/** An output with a number at its masked steps and, after a sum or a maximum over time, that of the other steps. */
export interface Masked {
  readonly kind: 'masked';
  readonly output: LayerOutput;
  readonly mask: Mask;
  readonly number: number;
  readonly isReduced: boolean;
}

/**
 * How many steps a mask counts: a mask as numbers, their sum, the sum if it is at least 1 and otherwise 1, and whether it is
 * above 0.
 */
export interface Counts {
  readonly kind: 'counts';
  readonly mask: Mask;
  readonly stage: 'steps' | 'total' | 'divisor' | 'some';
}

export type Value =
  | LayerOutput
  | Constant
  | Fill
  | Pairs
  | Norm
  | Positions
  | Causal
  | Compared
  | MaskTensor
  | Visible
  | Factor
  | MaskedProduct
  | Masked
  | Counts
  /**
   * A value that models of this package do not expose: a cell state, or, if `given`, another graph input, such as a
   * state.
   */
  | { readonly kind: 'state'; readonly what: string; readonly given: boolean }
  /** An unknown value; a node that needs it fails with this message. */
  | { readonly kind: 'unknown'; readonly why: string };

/** Limits that bound the work for a file. */
export const MOST_LAYERS = 1000;
export const MOST_PARTS = 64;
export const MOST_AXES = 8;

export const layerOutputOf = (chain: Chain, axes: readonly Axis[]): LayerOutput => ({
  kind: 'layerOutput',
  axes,
  parts: [{ chain, half: null }],
  formula: identity,
});

/** The size of an axis. */
export function sizeOfAxis({ axes, parts, heads }: LayerOutput, axis: number): Size {
  const { chain } = parts[0]!;
  switch (axes[axis]) {
    case 'batch':
      return 'batch';
    case 'time':
      return chain.steps!;
    case 'width':
      return chain.width;
    case 'direction':
      return parts.length;
    case 'head':
      return heads ?? 1;
    case 'depth':
      return divided(chain.width, heads ?? 1) ?? -2;
    case 'batch*time':
    case 'time*batch':
      return multiplied('batch', chain.steps!) ?? -2;
    default:
      return 1;
  }
}

/** Describes a value for an error message. */
export function nameOf(value: Value): string {
  switch (value.kind) {
    case 'layerOutput':
      return 'the output of a layer';
    case 'floats':
      return 'float32 numbers';
    case 'ints':
      return 'integers';
    case 'fill':
      return `the number ${value.value} everywhere`;
    case 'state':
      return value.what;
    case 'pairs':
      return 'the sums of queries and keys';
    case 'norm':
      return 'the norms of an output';
    case 'positions':
    case 'causal':
      return 'the positions of time steps';
    case 'compared':
    case 'mask':
    case 'visible':
      return 'a mask';
    case 'factor':
    case 'product':
      return 'a part of a product of masked outputs';
    case 'masked':
      return 'masked steps to pool';
    case 'counts':
      return 'the number of unmasked steps';
    default:
      return value.why;
  }
}

/** The single value of a constant or fill; null if it has several. */
export function onlyNumber(value: Value): Size | null {
  if (value.kind === 'fill') return value.value;
  if (value.kind !== 'floats' && value.kind !== 'ints') return null;
  const { values } = value;
  const [first] = values;
  if (first === undefined) return null;
  for (let n = 1; n < values.length; n++) if (values[n] !== first) return null;
  return first;
}

/** The same recurrent layer, returning only its last output. */
export function lastOf(spec: LayerSpec): LayerSpec {
  const { inner } = spec.options as { inner?: object };
  const options = inner
    ? { ...spec.options, inner: { ...inner, returnSequences: false } }
    : { ...spec.options, returnSequences: false };
  return { ...spec, options, kind: 'other' };
}

/** One direction of a bidirectional layer as a layer of its own. */
export function oneDirection(chain: Chain, half: 0 | 1): Chain {
  const spec = chain.spec!;
  const { layer, inner } = spec.options as { layer: string; inner: { goBackwards: boolean; returnSequences: boolean } };
  const { initial } = spec;
  const split = initial && initial.length / 2;
  return {
    ...chain,
    last: null,
    flipped: half === 1 && inner.returnSequences ? !chain.flipped : chain.flipped,
    spec: {
      ...spec,
      factory: layer,
      options: { ...inner, goBackwards: half === 1 ? !inner.goBackwards : inner.goBackwards },
      weights: [spec.weights[half]!],
      ...(spec.sources && { sources: [...spec.sources, half] }),
      ...(initial && { initial: half === 0 ? initial.slice(0, split) : initial.slice(split) }),
    },
  };
}

/** The layers of a chain, bottom up. */
export function specsOf(chain: Chain): LayerSpec[] {
  const specs: LayerSpec[] = [];
  for (let at: Chain | null = chain; at; at = at.below) if (at.spec) specs.push(at.spec);
  return specs.reverse();
}

export type Factories = { readonly [name: string]: (options: never) => Layer };
