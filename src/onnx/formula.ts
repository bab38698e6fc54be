/**
 * Elementwise functions that graphs express with several nodes, and the activations that they match. Sums and products are
 * flattened and sorted, so that their order in the graph does not matter.
 */

import type { ActivationName } from '../layers/activations.ts';
import { HARD_SIGMOID, HARD_SIGMOID_KERAS3, LEAKY_RELU, SELU } from './activations.ts';

export interface Formula {
  /** The formula of x as text. */
  readonly text: string;
  /** The formula as a product: `scale` times `factors`. */
  readonly scale: number;
  readonly factors: readonly string[];
  /** The formula as a sum: `offset` plus `terms`. */
  readonly offset: number;
  readonly terms: readonly string[];
  /** The formula as a function of another one: `outer(inner(x))`. */
  readonly outer?: Formula;
  readonly inner?: Formula;
  /** Its parameters, which the text contains rounded. */
  readonly numbers?: readonly number[];
  /** The tensors of the file that its factors come from. */
  readonly sources?: readonly unknown[];
  /** The formula without its factor `scale`, if it has been multiplied by a number. */
  readonly unscaled?: Formula;
}

/** The text of a softmax of x. */
export const SOFTMAX = 'Softmax(x)';

/** The maximum length of the text; longer formulas are not activations. */
export const MOST_CHARACTERS = 300;

const digits = (value: number): string => String(Number(value.toPrecision(6)));

const atom = (text: string): Formula => ({ text, scale: 1, factors: [text], offset: 0, terms: [text] });

/** The formula x. */
export const identity: Formula = atom('x');

export const constant = (value: number, source?: unknown): Formula => ({
  text: digits(value),
  scale: value,
  factors: [],
  offset: value,
  terms: [],
  ...(source !== undefined && { sources: [source] }),
});

/** Applies a function, given by its name in ONNX. */
export function apply(op: string, inner: Formula, ...numbers: number[]): Formula {
  const named = `${op}${numbers.map(n => `:${digits(n)}`).join('')}`;
  return { ...atom(`${named}(${inner.text})`), outer: { ...atom(`${named}(x)`), numbers }, inner, numbers };
}

export function times(a: Formula, b: Formula): Formula {
  const scale = a.scale * b.scale;
  const factors = [...a.factors, ...b.factors].sort();
  const sources = [...(a.sources ?? []), ...(b.sources ?? [])];
  if (factors.length === 0) return { ...constant(scale), sources };
  const text = scale === 1 && factors.length === 1 ? factors[0]! : `mul(${[digits(scale), ...factors].join()})`;
  const [factor] = a.factors.length === 0 ? [b] : b.factors.length === 0 ? [a] : [];
  const unscaled = factor && (factor.unscaled ?? factor);
  return { text, scale, factors, offset: 0, terms: [text], sources, ...(unscaled && { unscaled }) };
}

/** Whether a formula is x times a number. */
export const isScaled = ({ factors }: Formula): boolean => factors.length === 1 && factors[0] === identity.text;

export function plus(a: Formula, b: Formula): Formula {
  const offset = a.offset + b.offset;
  const terms = [...a.terms, ...b.terms].sort();
  if (terms.length === 0) return constant(offset);
  const text = offset === 0 && terms.length === 1 ? terms[0]! : `add(${[digits(offset), ...terms].join()})`;
  return { text, scale: 1, factors: [text], offset, terms };
}

const x = identity;
const half = times(x, constant(0.5));
const cube = times(x, times(x, x));
const geluArgument = times(plus(x, times(cube, constant(0.044715))), constant(Math.sqrt(2 / Math.PI)));

const activationFormulas: [ActivationName, Formula][] = [
  ['relu', apply('Relu', x)],
  ['relu', apply('Clip', x, 0, Number.POSITIVE_INFINITY)],
  ['sigmoid', apply('Sigmoid', x)],
  ['tanh', apply('Tanh', x)],
  ['hardSigmoid', apply('HardSigmoid', x, HARD_SIGMOID.alpha, HARD_SIGMOID.beta)],
  ['hard_sigmoid_keras3', apply('HardSigmoid', x, HARD_SIGMOID_KERAS3.alpha, HARD_SIGMOID_KERAS3.beta)],
  ['elu', apply('Elu', x, 1)],
  ['leakyRelu', apply('LeakyRelu', x, LEAKY_RELU.alpha)],
  ['selu', apply('Selu', x, SELU.alpha, SELU.gamma)],
  ['softplus', apply('Softplus', x)],
  ['softsign', apply('Softsign', x)],
  ['swish', times(x, apply('Sigmoid', x))],
  ['gelu', times(half, plus(apply('Erf', times(x, constant(Math.SQRT1_2))), constant(1)))],
  ['gelu', apply('Gelu', x)],
  ['gelu_new', times(half, plus(apply('Tanh', geluArgument), constant(1)))],
  ['gelu_new', apply('GeluTanh', x)],
  ['relu6', apply('Clip', x, 0, 6)],
  ['mish', times(x, apply('Tanh', apply('Softplus', x)))],
  ['mish', apply('Mish', x)],
  ['softmax', apply('Softmax', x)],
  ['logSoftmax', apply('LogSoftmax', x)],
];

const activationByText = new Map(activationFormulas.map(([name, { text }]) => [text, name]));

/** A layer without weights. */
export interface Pointwise {
  readonly factory: 'activation' | 'elu' | 'leakyReLU' | 'reLU' | 'thresholdedReLU';
  readonly options: { readonly [name: string]: string | number };
}

/** Whether a formula is x / 2, which turns the sum of two directions into their mean. */
export const isHalf = ({ text }: Formula): boolean => text === half.text;

/** The sequence of layers that computes a formula; null if there is none. */
export function layersOf(formula: Formula): Pointwise[] | null {
  if (formula.text === identity.text) return [];
  const one = layerOf(formula);
  if (one) return [one];
  const bounded = boundedOf(formula);
  if (bounded) {
    const below = layersOf(bounded.inner);
    return below && [...below, bounded.layer];
  }
  const last = formula.outer && layerOf(formula.outer);
  const first = last && layersOf(formula.inner!);
  return first ? [...first, last!] : null;
}

/** Matches Relu or LeakyRelu with an upper bound, and its input. */
function boundedOf({ outer, inner }: Formula): { layer: Pointwise; inner: Formula } | null {
  const sloped = inner?.outer;
  const maxValue = outer?.numbers?.[1];
  if (!sloped || maxValue === undefined || !(maxValue >= 0)) return null;
  if (!/^Clip:-Infinity:[^(]+\(x\)$/.test(outer!.text) || !/^(Leaky)?Relu(:[^(]+)?\(x\)$/.test(sloped.text))
    return null;
  const negativeSlope = sloped.numbers?.[0] ?? 0;
  return { layer: { factory: 'reLU', options: { maxValue, negativeSlope } }, inner: inner!.inner! };
}

function layerOf({ text, numbers = [] }: Formula): Pointwise | null {
  const activation = activationByText.get(text);
  if (activation) return { factory: 'activation', options: { activation } };
  if (/^Elu:[^(]+\(x\)$/.test(text)) return { factory: 'elu', options: { alpha: numbers[0]! } };
  if (/^LeakyRelu:[^(]+\(x\)$/.test(text)) return { factory: 'leakyReLU', options: { alpha: numbers[0]! } };
  if (/^ThresholdedRelu:[^(]+\(x\)$/.test(text)) return { factory: 'thresholdedReLU', options: { theta: numbers[0]! } };
  if (/^Clip:0:[^(]+\(x\)$/.test(text) && numbers[1]! >= 0) {
    return { factory: 'reLU', options: { maxValue: numbers[1]! } };
  }
  return null;
}
