/** Pads and truncates sequences to one length. */

import { Tensor } from '../tensor/tensor.ts';
import { type DataType, dataTypeOr, zerosFor } from '../tensor/values.ts';
import { rejectExtraArguments } from '../util/arguments.ts';
import { fail, show } from '../util/errors.ts';
import { checkCount, checkName, checkNumber, checkOptions } from '../util/options.ts';
import { sameShape, showShape } from '../util/shapes.ts';
import { readNumbers, type Series } from './series.ts';

/** Options of `padSequences`; they match `pad_sequences` in Keras. */
export interface PadOptions {
  /** The number of steps of every padded sequence; default: that of the longest sequence. */
  maxLen?: number | null;
  /** Whether to pad at the start ('pre') or the end ('post') of short sequences; default 'pre'. */
  padding?: 'pre' | 'post';
  /** Whether to truncate at the start ('pre') or the end ('post') of long sequences; default 'pre'. */
  truncating?: 'pre' | 'post';
  /** The padding value; default 0. `layers.masking({ maskValue })` masks padded steps. */
  value?: number;
  /** Default 'float32', which `embedding` accepts for ids too. */
  dtype?: DataType | null;
}

const ends = ['pre', 'post'] as const;

/**
 * Pads or truncates sequences of different lengths to one length.
 *
 * @param sequences each an array of numbers, or of rows of D numbers
 * @returns [sequences, maxLen], or [sequences, maxLen, D]
 */
export function padSequences(sequences: readonly Series[], options?: PadOptions): Tensor {
  const call = 'padSequences';
  rejectExtraArguments(call, 2, arguments);
  const known = checkOptions<PadOptions>(call, options, ['maxLen', 'padding', 'truncating', 'value', 'dtype']);
  if (!Array.isArray(sequences)) fail(call, `sequences must be an array of sequences, got ${show(sequences)}`);
  const read = Array.from(sequences, (one, n) => readNumbers(call, `sequences[${n}]`, one));
  const rows = read.find(({ shape }) => shape.length > 1 || shape[0]! > 0)?.shape.slice(1) ?? [];
  for (const [n, { shape }] of read.entries()) {
    const isEmpty = shape.length === 1 && shape[0] === 0;
    if (shape.length < 1 || shape.length > 2 || !(isEmpty || sameShape([...shape.slice(1)], [...rows]))) {
      const rule = rows.length > 0 ? `[steps, ${rows[0]}]` : '[steps]';
      fail(call, `sequences[${n}] must have the shape ${rule} like the sequences before it, got ${showShape(shape)}`);
    }
  }
  const longest = read.reduce((most, { shape }) => Math.max(most, shape[0]!), 0);
  const T = checkCount(call, 'maxLen', known.maxLen ?? longest, 0);
  const padding = checkName(call, 'padding', known.padding ?? 'pre', ends);
  const truncating = checkName(call, 'truncating', known.truncating ?? 'pre', ends);
  const value = checkNumber(call, 'value', known.value ?? 0);
  const D = rows[0] ?? 1;
  const shape = [read.length, T, ...rows];
  const to = zerosFor(call, shape, dataTypeOr(call, known.dtype)).fill(value);
  for (const [n, { values, shape }] of read.entries()) {
    const [length, kept] = [shape[0]!, Math.min(shape[0]!, T)];
    const from = truncating === 'pre' ? length - kept : 0;
    const start = n * T + (padding === 'pre' ? T - kept : 0);
    for (let i = 0; i < kept * D; i++) to[start * D + i] = values[from * D + i]!;
  }
  return new Tensor(to, shape);
}
