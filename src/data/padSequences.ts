/** Sequences of different lengths as one tensor. */

import { noMore } from '../arguments.ts';
import { fail, show } from '../errors.ts';
import { checkCount, checkName, checkNumber, checkOptions } from '../options.ts';
import { sameShape, showShape } from '../shapes.ts';
import { Tensor } from '../tensor/tensor.ts';
import { type DataType, dataTypeOr, room } from '../tensor/values.ts';
import { readNumbers, type Series } from './series.ts';

/** Options of `padSequences`, as of `pad_sequences` in Keras. */
export interface PadOptions {
  /** Steps of every sequence afterwards; default those of the longest. */
  maxLen?: number | null;
  /** Where steps are added to a short sequence; default 'pre'. */
  padding?: 'pre' | 'post';
  /** Where steps are taken off a long sequence; default 'pre'. */
  truncating?: 'pre' | 'post';
  /** What the added steps hold; default 0. `layers.masking({ maskValue })` leaves them out. */
  value?: number;
  /** Default float32, which `embedding` takes for ids, too. */
  dtype?: DataType | null;
}

const ends = ['pre', 'post'] as const;

/**
 * Sequences of different lengths, brought to one length.
 *
 * @param sequences each a list of numbers, or of rows of D numbers
 * @returns [sequences, maxLen], or [sequences, maxLen, D]
 */
export function padSequences(sequences: readonly Series[], options?: PadOptions): Tensor {
  const call = 'padSequences';
  noMore(call, 2, arguments);
  const known = checkOptions<PadOptions>(call, options, ['maxLen', 'padding', 'truncating', 'value', 'dtype']);
  if (!Array.isArray(sequences)) fail(call, `sequences must be an array of sequences, got ${show(sequences)}`);
  const read = Array.from(sequences, (one, n) => readNumbers(call, `sequences[${n}]`, one));
  const rows = read.find(({ shape }) => shape.length > 1 || shape[0]! > 0)?.shape.slice(1) ?? [];
  for (const [n, { shape }] of read.entries()) {
    const isEmpty = shape.length === 1 && shape[0] === 0;
    if (shape.length < 1 || shape.length > 2 || !(isEmpty || sameShape([...shape.slice(1)], [...rows]))) {
      const rule = rows.length > 0 ? `[steps, ${rows[0]}]` : '[steps]';
      fail(call, `sequences[${n}] must have the shape ${rule}, as those before, got ${showShape(shape)}`);
    }
  }
  const longest = read.reduce((most, { shape }) => Math.max(most, shape[0]!), 0);
  const T = checkCount(call, 'maxLen', known.maxLen ?? longest, 0);
  const padding = checkName(call, 'padding', known.padding ?? 'pre', ends);
  const truncating = checkName(call, 'truncating', known.truncating ?? 'pre', ends);
  const value = checkNumber(call, 'value', known.value ?? 0);
  const D = rows[0] ?? 1;
  const shape = [read.length, T, ...rows];
  const to = room(call, shape, dataTypeOr(call, known.dtype)).fill(value);
  for (const [n, { values, shape }] of read.entries()) {
    const [length, kept] = [shape[0]!, Math.min(shape[0]!, T)];
    const from = truncating === 'pre' ? length - kept : 0;
    const start = n * T + (padding === 'pre' ? T - kept : 0);
    for (let i = 0; i < kept * D; i++) to[start * D + i] = values[from * D + i]!;
  }
  return new Tensor(to, shape);
}
