/**
 * What the values of a graph can be while it is read. Nothing is computed but shapes and weights: what flows through the
 * layers is known by the layers that it went through, and by what its axes mean.
 */

import type { Layer } from '../layers/layer.ts';
import { type Form, identity } from './forms.ts';

/** The size of an axis, or what it is called where it is open. */
export type Size = number | 'batch' | 'time';

/** A layer to be made. */
export interface Spec {
  /** Of `layers`. */
  readonly factory: string;
  /** Of the node. */
  readonly name: string;
  readonly options: { readonly [name: string]: unknown };
  readonly weights: readonly (readonly { dims: readonly number[]; values: Float32Array }[])[];
  /** 'each' works on every time step alone; 'steps' has an output for every step, and could have the last alone. */
  readonly kind: 'each' | 'steps' | 'other';
}

/** A layer on those below. */
export interface Chain {
  readonly below: Chain | null;
  readonly spec: Spec | null;
  readonly depth: number;
  /** Time steps; null where there are none. */
  readonly steps: Size | null;
  readonly width: number;
  /** Whether the layers give the time steps in reverse of the order in which the graph has them. */
  readonly flipped: boolean;
}

export type Axis = 'batch' | 'time' | 'width' | 'direction' | 'one';

/** What the layers of a chain give; of a bidirectional layer that has no merge mode yet, one direction of it. */
export interface Part {
  readonly chain: Chain;
  readonly half: 0 | 1 | null;
}

/** Something that depends on the input of the model. */
export interface Stream {
  readonly kind: 'stream';
  readonly axes: readonly Axis[];
  /** One, or as many as the axis 'direction' is long. */
  readonly parts: readonly Part[];
  /** What has been made of the numbers since, one by one. */
  readonly form: Form;
  /** Whether they are ids. */
  readonly ids?: boolean;
}

export interface Floats {
  readonly kind: 'floats';
  readonly dims: readonly number[];
  readonly values: Float32Array;
}

/** A list of whole numbers, or one: shapes and what is made of them. */
export interface Ints {
  readonly kind: 'ints';
  readonly scalar: boolean;
  readonly items: readonly Size[];
}

export type Value =
  | Stream
  | Floats
  | Ints
  /** Zeros in any shape. */
  | { readonly kind: 'zeros' }
  /** A state that comes in or goes out. */
  | { readonly kind: 'state' }
  /** What cannot be told; whoever needs it says why. */
  | { readonly kind: 'unknown'; readonly why: string };

/** More than any model has; what grows with every node stays small below it. */
export const MOST_LAYERS = 1000;
export const MOST_ITEMS = 64;
export const MOST_AXES = 8;

export const streamOf = (chain: Chain, axes: readonly Axis[]): Stream => ({
  kind: 'stream',
  axes,
  parts: [{ chain, half: null }],
  form: identity,
});

/** The size of an axis of a stream. */
export function sizeOfAxis({ axes, parts }: Stream, axis: number): Size {
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
    default:
      return 1;
  }
}

/** The layers of a chain, bottom up. */
export function specsOf(chain: Chain): Spec[] {
  const specs: Spec[] = [];
  for (let at: Chain | null = chain; at; at = at.below) if (at.spec) specs.push(at.spec);
  return specs.reverse();
}

export type Factories = { readonly [name: string]: (options: never) => Layer };
