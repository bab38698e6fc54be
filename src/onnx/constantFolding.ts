/**
 * Constant folding: evaluates the nodes that do not depend on the input of the model while the graph is read. The
 * budget of the file limits the cost.
 */

import { castTo, computations, constantOf, constantOfShape, rules } from './computeConstants.ts';
import type { NodeReader } from './nodeReader.ts';
import { arrangements, isArrangement } from './rearrangeConstants.ts';
import type { Size } from './sizes.ts';
import { type Constant, nameOf, onlyNumber, type Value } from './values.ts';

const folders = { ...arrangements, ...computations };

export const isFoldable = (op: string): boolean =>
  Object.hasOwn(folders, op) || op === 'Constant' || op === 'ConstantOfShape';

/** Evaluates a node none of whose inputs is the output of a layer. */
export function fold(node: NodeReader): Value | Value[] {
  const { op } = node;
  const inputs = node.values();
  const unknown = inputs.find(input => input?.kind === 'unknown');
  if (unknown) return unknown;
  if (op === 'Constant') return constantOf(node);
  if (op === 'ConstantOfShape') return constantOfShape(node);
  if (inputs.length === 0 || !inputs[0]) node.fail('must have an input number 1, got none');
  const states = inputs.filter(input => input?.kind === 'state');
  const state = states.find(({ given }) => !given) ?? states[0];
  if (state && (op === 'Cast' || isArrangement(op))) return state;
  if (inputs.every((input): input is Constant | null => input?.kind === 'floats' || input?.kind === 'ints' || !input)) {
    const made = folders[op]!(node, inputs);
    if (made) return made;
    const [start, limit, step] = inputs.map(input => input && onlyNumber(input));
    if (op === 'Range' && start === 0 && step === 1 && typeof limit === 'string') {
      return { kind: 'positions', steps: limit, column: false };
    }
  }
  const value = filled(node, inputs);
  if (value !== null) {
    const dims = filledDims(node, inputs);
    return { kind: 'fill', value, ...(dims && { dims }) };
  }
  const kinds = inputs.filter(input => input !== null).map(nameOf);
  return { kind: 'unknown', why: node.why(`must be computed from known numbers, got ${kinds.join(' and ')}`) };
}

/** The shape of a number that is repeated, null if it is not known. */
function filledDims({ op }: NodeReader, [first, shape]: readonly (Value | null)[]): readonly Size[] | null {
  if (op === 'Cast' && first?.kind === 'fill') return first.dims ?? null;
  const isNumber = (first?.kind === 'floats' || first?.kind === 'ints') && first.dims.length === 0;
  return op === 'Expand' && isNumber && shape?.kind === 'ints' ? shape.values : null;
}

/** Evaluates a node on fills, which have one value everywhere; null if the result is unknown. */
function filled(node: NodeReader, inputs: readonly (Value | null)[]): Size | null {
  const { op } = node;
  const [first] = inputs;
  const number = first ? onlyNumber(first) : null;
  if (op === 'Cast') return number === null ? null : castTo(node.int('to', 0), number);
  if (op === 'Concat' || Object.hasOwn(rules, op)) {
    const numbers = inputs.map(input => input && onlyNumber(input));
    if (!numbers.every(one => one !== null)) return null;
    if (op === 'Concat') return numbers.every(one => one === number) ? number : null;
    const made = rules[op]!(numbers, inputs.every(isWhole));
    // A fill does not record whether it holds floats or integers, so the rounding of a division is unknown.
    return op === 'Div' && !Number.isInteger(made) ? null : made;
  }
  return isArrangement(op) ? number : null;
}

const isWhole = (input: Value | null): boolean => input?.kind === 'ints';
