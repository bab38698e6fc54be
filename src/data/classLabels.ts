/** Reads the classes of samples: names, indices, one-hot rows or predicted probabilities. */

import { asTensor, type TensorLike } from '../tensor/read.ts';
import { fail, show, suggest } from '../util/errors.ts';
import { checkCount, checkOptions, isPlain } from '../util/options.ts';
import { showShape } from '../util/shapes.ts';

/**
 * The classes of N samples: class indices or names, [N]; one-hot rows or probabilities of C classes, [N, C], whose class is
 * that of the largest value; or probabilities of class 1 of two, [N, 1].
 */
export type ClassLabels = TensorLike | readonly string[];

/** Options of functions that compare classes. */
export interface ClassOptions {
  /**
   * All classes in order: their names, which also name the class indices 0, 1, ..., or the numbers that the labels have.
   * Default: the names that occur, sorted, or 0 to the highest index.
   */
  classes?: readonly string[] | readonly number[];
}

/** Samples by class index, and the label of each class. */
export interface ReadClasses {
  samples: readonly (readonly number[])[];
  labels: readonly (string | number)[];
  /** Whether the classes follow from the samples, not from an argument. */
  found: boolean;
}

/**
 * Reads lists of classes that have the same classes.
 *
 * @param options options, or the number of classes; with a number, indices outside of them are kept
 */
export function readClasses(
  call: string,
  lists: Readonly<Record<string, unknown>>,
  options: ClassOptions | number | null | undefined,
): ReadClasses {
  const given = isPlain(options) ? checkOptions<ClassOptions>(call, options, ['classes']).classes : undefined;
  const classes = given === undefined ? undefined : checkClasses(call, given);
  const count = isPlain(options) || options == null ? undefined : checkCount(call, 'numClasses', options);
  const read = Object.entries(lists).map(([name, value]) => ({ name, ...readList(call, name, value) }));
  checkLengths(call, read);
  const names = read.filter(({ ofNames }) => ofNames);
  if (names.length === 0 || classes) {
    const width = Math.max(0, ...read.map(({ width }) => width));
    const positions = classes && new Map(classes.map((label, n) => [label, n]));
    const samples = read.map(list => (positions ? indicesOf(call, list, positions) : list.values)) as number[][];
    let most = Math.max(width - 1, 0);
    for (const list of samples) for (const value of list) most = Math.max(most, value);
    const labels = classes ?? Array.from({ length: count ?? most + 1 }, (_, n) => n);
    return { samples, labels, found: !classes && count === undefined };
  }
  if (names.length < read.length || count !== undefined) {
    fail(call, `classes must list the names in the order of the class indices, got none; pass { classes: [...] }`);
  }
  const labels = [...new Set(read.flatMap(({ values }) => values as string[]))].sort();
  const positions = new Map(labels.map((label, n) => [label, n]));
  return { samples: read.map(({ values }) => values.map(name => positions.get(name as string)!)), labels, found: true };
}

interface List {
  name: string;
  values: readonly (string | number)[];
  ofNames: boolean;
  /** The number of columns of one-hot rows or probabilities; 0 for a list of labels. */
  width: number;
}

function checkLengths(call: string, [first, ...others]: readonly List[]): void {
  for (const { name, values } of others) {
    if (values.length === first!.values.length) continue;
    fail(call, `${name} must have the length of ${first!.name}, ${first!.values.length}, got ${values.length}`);
  }
}

function checkClasses(call: string, value: unknown): readonly (string | number)[] {
  const list: unknown[] = Array.isArray(value) ? Array.from(value as unknown[]) : [];
  const isLabel = (item: unknown) =>
    typeof item === typeof list[0] && (typeof item === 'string' || Number.isSafeInteger(item));
  if (list.length === 0 || !list.every(isLabel) || new Set(list).size !== list.length) {
    fail(call, `classes must be different names or integers, at least one, got ${show(value)}`);
  }
  return list as (string | number)[];
}

/** The labels of a list, or the column of the largest value of each of its rows. */
function readList(call: string, name: string, value: unknown): Omit<List, 'name'> {
  if (Array.isArray(value) && typeof value[0] === 'string') {
    const other = Array.from(value as unknown[]).findIndex(item => typeof item !== 'string');
    if (other >= 0)
      fail(call, `${name} must have names only, got ${show((value as unknown[])[other])} at index ${other}`);
    return { values: value as string[], ofNames: true, width: 0 };
  }
  const { shape, rank, ...tensor } = asNumbers(call, name, value);
  const numbers = tensor.values;
  if (rank === 2 && shape[1]! > 1) {
    return { values: largestColumns(call, name, numbers, shape[1]!), ofNames: false, width: shape[1]! };
  }
  if (rank !== 1 && !(rank === 2 && shape[1] === 1)) {
    fail(call, `${name} must have the shape [samples] or [samples, classes], got ${showShape(shape)}`);
  }
  const fraction = numbers.find(one => !Number.isInteger(one));
  if (fraction === undefined) return { values: numbers, ofNames: false, width: 0 };
  if (rank === 2 && numbers.every(one => one >= 0 && one <= 1)) {
    return { values: numbers.map(one => Number(one > 0.5)), ofNames: false, width: 2 };
  }
  return fail(call, `${name} must be class indices, got ${fraction}; take argMax(-1) of probabilities`);
}

function asNumbers(call: string, name: string, value: unknown) {
  const given = asTensor(call, name, value);
  return { values: Array.from(given.dataSync()), shape: given.shape, rank: given.rank };
}

function largestColumns(call: string, name: string, values: readonly number[], width: number): number[] {
  return Array.from({ length: values.length / width }, (_, n) => {
    let best = 0;
    for (let c = 0; c < width; c++) {
      const value = values[n * width + c]!;
      if (Number.isNaN(value)) fail(call, `${name} must not have NaN, got NaN in row ${n}`);
      if (value > values[n * width + best]!) best = c;
    }
    return best;
  });
}

/** The positions of labels among the given classes; indices count as positions of names. */
function indicesOf(call: string, list: List, positions: ReadonlyMap<string | number, number>): number[] {
  const { name, values, ofNames, width } = list;
  const labels = [...positions.keys()];
  const byName = typeof labels[0] === 'string';
  if (width > 0 && width !== labels.length) {
    fail(call, `${name} must have a column for each of ${labels.length} classes, got ${width}`);
  }
  if (width > 0) return values as number[];
  return values.map(value => {
    const isIndex = byName && !ofNames && (value as number) >= 0 && (value as number) < labels.length;
    const at = isIndex ? (value as number) : positions.get(value);
    if (at !== undefined) return at;
    if (!byName || !ofNames) {
      const rule = byName ? `class indices from 0 to ${labels.length - 1}` : 'among the classes';
      return fail(call, `${name} must be ${rule}, got ${show(value)}`);
    }
    return fail(
      call,
      `${name} must be among the classes, got ${show(value)}${suggest(value as string, labels.map(String))}`,
    );
  });
}
