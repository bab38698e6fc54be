/**
 * Nodes that do not depend on the input of the model: what they make is computed while the graph is read. A pure function of
 * their inputs; what it may cost is bounded by the budget of the file.
 */

import { arrangements, isArrangement } from './arrange.ts';
import { castTo, computations, constantOf, constantOfShape, rules } from './compute.ts';
import type { Reading } from './reading.ts';
import type { Size } from './sizes.ts';
import { type Constant, nameOf, onlyNumber, type Value } from './values.ts';

const folders = { ...arrangements, ...computations };

export const isFoldable = (op: string): boolean =>
  Object.hasOwn(folders, op) || op === 'Constant' || op === 'ConstantOfShape';

/** What a node makes, none of whose inputs comes of the layers. */
export function fold(node: Reading): Value | Value[] {
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
  }
  const value = filled(node, inputs);
  if (value !== null) return { kind: 'fill', value };
  const kinds = inputs.filter(input => input !== null).map(nameOf);
  return { kind: 'unknown', why: node.why(`must be computed from known numbers, got ${kinds.join(' and ')}`) };
}

/** The one number that a node makes of constants that have one number everywhere; null where that cannot be told. */
function filled(node: Reading, inputs: readonly (Value | null)[]): Size | null {
  const { op } = node;
  const [first] = inputs;
  const number = first ? onlyNumber(first) : null;
  if (op === 'Cast') return number === null ? null : castTo(node.int('to', 0), number);
  if (op === 'Concat' || Object.hasOwn(rules, op)) {
    const numbers = inputs.map(input => input && onlyNumber(input));
    if (!numbers.every(one => one !== null)) return null;
    if (op === 'Concat') return numbers.every(one => one === number) ? number : null;
    const made = rules[op]!(numbers, inputs.every(isWhole));
    // Whether it holds floats or whole numbers is not known of a fill, so that a rest might be cut off or not.
    return op === 'Div' && !Number.isInteger(made) ? null : made;
  }
  return isArrangement(op) ? number : null;
}

const isWhole = (input: Value | null): boolean => input?.kind === 'ints';
