/**
 * The format of Optuna's `JournalStorage`: a line of JSON for each change. Optuna 3.1 to 4.x read and write it; the numbers of
 * operations and states are theirs.
 */

import { fail, reasonOf, show } from '../../util/errors.ts';
import { isPlain } from '../../util/options.ts';
import { type ChoiceValue, choice, type Distribution, float, int } from './space.ts';

/** The operations; those that are left out here are not in journals. */
export const operations = {
  createStudy: 0,
  deleteStudy: 1,
  setStudyAttribute: 2,
  setStudySystemAttribute: 3,
  createTrial: 4,
  setParameter: 5,
  setState: 6,
  setIntermediateValue: 7,
  setAttribute: 8,
  setSystemAttribute: 9,
} as const;

/** The states by their number; 'waiting' is that of a trial which was enqueued. */
export const states = ['running', 'complete', 'pruned', 'failed', 'waiting'] as const;
export type StoredState = (typeof states)[number];

export interface JournalRecord {
  readonly op_code: number;
  readonly [field: string]: unknown;
}

/** Marks a number that JSON does not have, which Python writes as NaN, Infinity or -Infinity. */
const MARK = '\0';
const unusual: Readonly<Record<string, number>> = {
  [`${MARK}NaN`]: Number.NaN,
  [`${MARK}Infinity`]: Number.POSITIVE_INFINITY,
  [`${MARK}-Infinity`]: Number.NEGATIVE_INFINITY,
};

export function formatRecord(record: JournalRecord): string {
  const mark = (_: string, value: unknown) =>
    typeof value === 'number' && !Number.isFinite(value) ? MARK + value : value;
  return `${JSON.stringify(record, mark).replace(/"\\u0000(NaN|-?Infinity)"/g, '$1')}\n`;
}

function parseRecord(line: string): JournalRecord {
  const text = /NaN|Infinity/.test(line)
    ? line.replace(/"(?:[^"\\]|\\.)*"|NaN|-?Infinity/g, token => (token.startsWith('"') ? token : `"\\u0000${token}"`))
    : line;
  const restore = (_: string, value: unknown) => (typeof value === 'string' ? (unusual[value] ?? value) : value);
  const record: unknown = JSON.parse(text, restore);
  if (!isPlain(record) || !Number.isInteger((record as JournalRecord).op_code)) throw new Error('no operation');
  return record as JournalRecord;
}

/** Whether text is a whole line but for its end. */
export function isWholeLine(line: string): boolean {
  try {
    parseRecord(line);
    return true;
  } catch {
    return false;
  }
}

/** Parses whole lines. @param first the number of the first line, for error messages */
export function parseRecords(call: string, text: string, first: number): JournalRecord[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines.map((line, n) => {
    try {
      return parseRecord(line);
    } catch (error) {
      return fail(
        call,
        `line ${first + n} of the journal must be a record of Optuna, got ${show(line)} (${reasonOf(error)})`,
      );
    }
  });
}

/** The time as Optuna writes it: local, without a zone. */
export function timestamp(date = new Date()): string {
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  return `${local.toISOString().slice(0, -1)}000`;
}

export function formatDistribution(distribution: Distribution): string {
  const { kind, ...attributes } = distribution;
  const name = { float: 'FloatDistribution', int: 'IntDistribution', choice: 'CategoricalDistribution' }[kind];
  return JSON.stringify({ name, attributes });
}

/** Null for a distribution of an unknown kind. */
export function parseDistribution(text: string): Distribution | null {
  try {
    const { name, attributes } = JSON.parse(text) as { name: string; attributes: Record<string, unknown> };
    const { low, high, log, step, choices } = attributes as { [name: string]: number | undefined } & {
      log?: boolean;
      choices?: ChoiceValue[];
    };
    if (name === 'FloatDistribution') return float(low!, high!, { log, step: step ?? undefined });
    if (name === 'IntDistribution') return int(low!, high!, { log, step });
    return name === 'CategoricalDistribution' ? choice(choices!) : null;
  } catch {
    return null;
  }
}
