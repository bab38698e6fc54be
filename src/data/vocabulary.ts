/** Encodes text as the ids of its characters. */

import { Tensor } from '../tensor/tensor.ts';
import { limitMethodArguments, rejectExtraArguments } from '../util/arguments.ts';
import { fail, show } from '../util/errors.ts';
import { checkBoolean, checkCount, checkName, checkOptions } from '../util/options.ts';
import { floatsFor, showShape, type TypedArray } from '../util/shapes.ts';
import { Batches, type BatchOptions, batchOptions } from './batches.ts';
import { type SampleOptions, sample } from './sample.ts';
import { readNumbers } from './series.ts';

/** Ids of characters. @inline */
type Ids = readonly number[] | TypedArray | Tensor;

/** Options of `vocabulary`. */
export interface VocabularyOptions {
  /** A character that replaces all unknown characters and is added to the vocabulary. Default: unknown characters throw. */
  unknown?: string;
}

/** Options of `vocabulary(...).windows`. */
export interface TextWindowOptions extends BatchOptions {
  /** Input characters per sample, T. */
  steps: number;
  /** Characters from one window to the next; default 1. */
  stride?: number;
  /** The form of xs: one-hot rows [B, T, size], or ids [B, T] for an embedding; default 'oneHot'. */
  inputs?: 'oneHot' | 'ids';
  /**
   * The form of ys: one-hot rows [B, size] for categoricalCrossentropy, or ids [B, 1] for
   * sparseCategoricalCrossentropy; default 'oneHot'.
   */
  targets?: 'oneHot' | 'ids';
  /**
   * A target for each character of the window, [B, T, size] or [B, T, 1], for models whose recurrent layers return
   * sequences; default false.
   */
  returnSequences?: boolean;
}

/** The characters of a text; make one with `vocabulary`. */
export class Vocabulary {
  /** The characters in the order of their ids. */
  readonly characters: readonly string[];
  readonly #ids: ReadonlyMap<string, number>;
  readonly #unknown: number | undefined;

  /** @internal */
  constructor(characters: readonly string[], unknown: string | undefined) {
    this.characters = Object.freeze([...characters]);
    this.#ids = new Map(characters.map((character, id) => [character, id]));
    this.#unknown = unknown === undefined ? undefined : this.#ids.get(unknown);
  }

  /** The number of characters. */
  get size(): number {
    return this.characters.length;
  }

  /** The ids of the characters of a text. */
  encode(text: string): Int32Array {
    return this.#encode('vocabulary.encode', text);
  }

  #encode(call: string, text: unknown): Int32Array {
    if (typeof text !== 'string') fail(call, `text must be a string, got ${show(text)}`);
    return Int32Array.from(Array.from(text), character => {
      const id = this.#ids.get(character) ?? this.#unknown;
      if (id === undefined) {
        fail(call, `text must have only known characters, got ${show(character)}; set the option unknown`);
      }
      return id;
    });
  }

  /** The text of ids. */
  decode(ids: Ids): string {
    const call = 'vocabulary.decode';
    return Array.from(this.#check(call, ids), id => this.characters[id]!).join('');
  }

  /** One-hot rows of the characters of a text, or of ids, [length, size]. */
  oneHot(textOrIds: string | Ids): Tensor {
    const call = 'vocabulary.oneHot';
    const ids = typeof textOrIds === 'string' ? this.#encode(call, textOrIds) : this.#check(call, textOrIds);
    const rows = floatsFor(call, 'the rows', [ids.length, this.size]);
    for (let i = 0; i < ids.length; i++) rows[i * this.size + ids[i]!] = 1;
    return new Tensor(rows, [ids.length, this.size]);
  }

  #check(call: string, ids: unknown): ArrayLike<number> {
    const { values } = readNumbers(call, 'ids', ids);
    for (let i = 0; i < values.length; i++) {
      if (this.characters[values[i]!] === undefined) {
        fail(call, `ids must be integers from 0 to ${this.size - 1}, got ${values[i]}`);
      }
    }
    return values.length > 0 ? values : []; // a detached array is empty and cannot be iterated
  }

  /** Draws a character according to the probabilities of all characters; see `sample`, which draws its id. */
  sample(probabilities: readonly number[] | TypedArray | Tensor, options?: SampleOptions): string {
    const { values, shape } = readNumbers('vocabulary.sample', 'probabilities', probabilities);
    if (values.length !== this.size) {
      fail('vocabulary.sample', `probabilities must have ${this.size} numbers, got ${showShape(shape)}`);
    }
    return this.characters[sample(probabilities, options)]!;
  }

  /** Windows of a text as a data set: `steps` characters as input, and the next character as target. */
  windows(text: string, options: TextWindowOptions): Batches {
    const call = 'vocabulary.windows';
    const known = checkOptions<TextWindowOptions>(call, options, [
      'steps',
      'stride',
      'inputs',
      'targets',
      'returnSequences',
      ...batchOptions,
    ]);
    const T = checkCount(call, 'steps', known.steps);
    const stride = checkCount(call, 'stride', known.stride ?? 1);
    const inputs = checkName(call, 'inputs', known.inputs ?? 'oneHot', ['oneHot', 'ids']);
    const targets = checkName(call, 'targets', known.targets ?? 'oneHot', ['oneHot', 'ids']);
    const sequences = checkBoolean(call, 'returnSequences', known.returnSequences ?? false);
    const ids = this.#encode(call, text);
    const count = Math.floor((ids.length - T - 1) / stride) + 1;
    if (ids.length < T + 1) fail(call, `text must have at least ${T + 1} characters, got ${ids.length}`);
    const size = this.size;
    /** Writes `length` ids from index `start` to `to`, from row `row`. */
    const put = (to: Float32Array, row: number, form: 'oneHot' | 'ids', start: number, length: number) => {
      for (let i = 0; i < length; i++) {
        if (form === 'ids') to[row + i] = ids[start + i]!;
        else to[(row + i) * size + ids[start + i]!] = 1;
      }
    };
    const targetSteps = sequences ? T : 1;
    return new Batches(call, count, known, samples => {
      const B = samples.length;
      const xShape = inputs === 'ids' ? [B, T] : [B, T, size];
      const yShape = [B, ...(sequences ? [T] : []), targets === 'ids' ? 1 : size];
      const [xs, ys] = [floatsFor(call, 'xs', xShape), floatsFor(call, 'ys', yShape)];
      for (let b = 0; b < B; b++) {
        const start = samples[b]! * stride;
        put(xs, b * T, inputs, start, T);
        put(ys, b * targetSteps, targets, start + T + 1 - targetSteps, targetSteps);
      }
      return { xs: new Tensor(xs, xShape), ys: new Tensor(ys, yShape) };
    });
  }
}

limitMethodArguments(Vocabulary, 'vocabulary');

/** The characters of a text, sorted by their code points, so that the order of the text does not matter. */
export function vocabulary(text: string, options?: VocabularyOptions): Vocabulary {
  rejectExtraArguments('vocabulary', 2, arguments);
  const call = 'vocabulary';
  if (typeof text !== 'string') fail(call, `text must be a string, got ${show(text)}`);
  const { unknown } = checkOptions<VocabularyOptions>(call, options, ['unknown']);
  if (unknown !== undefined && (typeof unknown !== 'string' || [...unknown].length !== 1)) {
    fail(call, `unknown must be a single character, got ${show(unknown)}`);
  }
  const characters = [...new Set(text + (unknown ?? ''))].sort((a, b) => a.codePointAt(0)! - b.codePointAt(0)!);
  if (characters.length === 0) fail(call, "text must have at least one character, got ''");
  return new Vocabulary(characters, unknown);
}
