/** Reads tables of time series. */

import { rejectExtraArguments } from '../util/arguments.ts';
import { fail, show, suggest } from '../util/errors.ts';
import { checkName, checkOptions, checkText } from '../util/options.ts';
import { findStep, type Group, gather, type Placement, place, sortRows, type Where } from './csvGrid.ts';
import { type Column, type Decimal, findDecimal, isMissing, readNumbers, readProperties } from './csvNumbers.ts';
import { readHeader, readRows } from './csvTable.ts';
import { isTime, readTimes } from './csvTimes.ts';
import type { DateOrder } from './dates.ts';
import { checkFrequency, type Frequency, frequencyOf, type Step, timeAt } from './frequency.ts';
import { count, type Series } from './series.ts';
import { formatTime } from './times.ts';

/** Options of `readCsv`. */
export interface CsvOptions {
  /**
   * The column of the times. Default: the first column without another use that has dates, or is named like one. null: the
   * rows are at equal steps, in order.
   */
  time?: string | null;
  /** The column of the values; for the layout 'wide', those of the series, by default all columns without another use. */
  value?: string | readonly string[];
  /** The column that names the series of each row, for the layout 'long'; several columns are joined by '/'. */
  id?: string | readonly string[];
  /** Columns that are known only as long as the values. */
  past?: string | readonly string[];
  /** Columns that are known in advance. The rows after the last value of a series then are the future. */
  future?: string | readonly string[];
  /** Columns that do not change within a series. */
  static?: string | readonly string[];
  /**
   * 'long': the values of all series in one column. 'wide': a column for each series. Default: 'wide' if `value` lists
   * columns or is absent, and there is no `id`.
   */
  layout?: 'long' | 'wide';
  /** The decimal separator. Default: a comma if the numbers have one that cannot separate thousands. */
  decimal?: Decimal;
  /** The separator of columns, such as ',', ';' or '\t'. Default: found in the first lines. */
  delimiter?: string;
  /** The order in dates such as 01/02/2024: day or month first. Default: found in the whole column. */
  dateFormat?: DateOrder;
  /** The time between two values. Default: found in all times. */
  frequency?: Frequency;
}

const optionNames = [
  'time',
  'value',
  'id',
  'past',
  'future',
  'static',
  'layout',
  'decimal',
  'delimiter',
  'dateFormat',
  'frequency',
] as const;

const call = 'readCsv';

/** Names of columns that have times, in lower case. */
const timeName = /^(date|time|datetime|date_?time|timestamp|ds|period|day|week|month|quarter|year|datum|zeit)$/;

/**
 * Reads time series from the text of a table with a header. The rows are sorted by time, and gaps are filled with NaN;
 * so are the words for missing values: nothing, NA, N/A, NaN, null, none, - and ?.
 *
 * Times are read as written, on their own clock. The hour that a clock skips in spring is a missing value; of the hour that
 * it repeats in autumn, the mean counts.
 *
 * @returns the series in the order of the table, with their `start` and `frequency`. Missing values at the start are cut
 *   off; those at the end as well if there are `future` columns.
 */
export function readCsv(text: string, options?: CsvOptions): Series[] {
  rejectExtraArguments(call, 2, arguments);
  if (typeof text !== 'string') fail(call, `text must be a string, got ${show(text)}`);
  const known = checkOptions<CsvOptions>(call, options, optionNames);
  const plan = checkPlan(known);
  if (text.includes('\0')) fail(call, 'text must be that of a table, got a NUL character; decode the file first');
  const { header, delimiter } = readHeader(call, text, plan.delimiter);
  const use = findColumns(header.names, plan, () => firstRow(text, delimiter, header));
  const wanted = new Set([use.time ?? [], ...use.values, ...use.ids, ...use.past, ...use.future, ...use.fixed].flat());
  const { columns, lines } = readRows(call, text, delimiter, header, wanted);
  if (lines.length === 0) fail(call, 'text must have rows after its header, got none');
  const columnAt = (index: number): Column => ({ name: header.names[index]!, cells: columns.get(index)! });

  const numeric = [...use.values, ...use.past, ...use.future];
  const decimal = plan.decimal ?? findDecimal(call, [...numeric, ...use.fixed].map(columnAt), lines);
  const advice = plan.value ? '' : '; pass value to name the columns of values';
  const numbers = new Map(numeric.map(index => [index, readNumbers(call, columnAt(index), lines, decimal, advice)]));
  const fixed = use.fixed.map(columnAt).map(column => [column, readProperties(column, decimal)] as const);
  const groups = groupRows(use.ids.map(columnAt), lines);
  const grid = use.time === null ? evenGrid(groups) : timeGrid(columnAt(use.time), lines, groups, plan);

  return groups.flatMap((group, g) => {
    const placement = grid.placements[g]!;
    const covariates = (list: readonly number[]) =>
      list.map(index => [header.names[index]!, gather(numbers.get(index)!, group, placement)] as const);
    const [past, future] = [covariates(use.past), covariates(use.future)];
    const properties = fixed.map(([column, cells]) => [column.name, propertyOf(column, cells, group, lines)] as const);
    return use.values.map(index => {
      const id = plan.layout === 'wide' ? header.names[index] : group.id;
      const values = gather(numbers.get(index)!, group, placement);
      return toSeries(id, values, { past, future, properties }, placement, grid);
    });
  });
}

/** The checked options. */
interface Plan {
  time: string | null | undefined;
  value: readonly string[] | undefined;
  id: readonly string[];
  past: readonly string[];
  future: readonly string[];
  fixed: readonly string[];
  layout: 'long' | 'wide';
  decimal: Decimal | undefined;
  delimiter: string | undefined;
  dateFormat: DateOrder | undefined;
  step: Step | undefined;
}

function checkPlan(known: Partial<CsvOptions>): Plan {
  const list = (name: 'value' | 'id' | 'past' | 'future' | 'static') => checkList(name, known[name]);
  const [value, id, fixed] = [list('value'), list('id') ?? [], list('static') ?? []];
  const { time, layout: given, decimal, delimiter, dateFormat, frequency } = known;
  const isWide = id.length === 0 && (value === undefined || Array.isArray(known.value));
  const layout = given === undefined ? (isWide ? 'wide' : 'long') : checkName(call, 'layout', given, ['long', 'wide']);
  if (layout === 'wide' && id.length > 0) fail(call, "id must be absent in the layout 'wide', got a column");
  if (layout === 'wide' && fixed.length > 0) fail(call, "static must be absent in the layout 'wide', got a column");
  if (layout === 'long' && value && value.length !== 1) {
    fail(call, `value must be one column in the layout 'long', got ${count(value.length, 'column')}`);
  }
  if (delimiter !== undefined && (typeof delimiter !== 'string' || !/^[^"\r\n]$/.test(delimiter))) {
    fail(call, `delimiter must be one character, such as ',', ';' or '\\t', got ${show(delimiter)}`);
  }
  if (decimal !== undefined && decimal !== '.' && decimal !== ',') {
    fail(call, `decimal must be '.' or ',', got ${show(decimal)}`);
  }
  return {
    time: time === undefined || time === null ? time : checkText(call, 'time', time),
    value,
    id,
    past: list('past') ?? [],
    future: list('future') ?? [],
    fixed,
    layout,
    decimal,
    delimiter,
    dateFormat:
      dateFormat === undefined ? undefined : checkName<DateOrder>(call, 'dateFormat', dateFormat, ['DMY', 'MDY']),
    step: frequency === undefined ? undefined : checkFrequency(call, 'frequency', frequency),
  };
}

function checkList(name: string, value: unknown): readonly string[] | undefined {
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) return [checkText(call, name, value)];
  if (value.length === 0) fail(call, `${name} must name at least one column, got []`);
  const list = Array.from(value as unknown[], (one, n) => checkText(call, `${name}[${n}]`, one));
  const twice = list.find((one, n) => list.indexOf(one) !== n);
  if (twice !== undefined) fail(call, `${name} must name every column once, got ${show(twice)} twice`);
  return list;
}

/** Indices of columns, by their use. */
interface Use {
  time: number | null;
  values: number[];
  ids: number[];
  past: number[];
  future: number[];
  fixed: number[];
}

function findColumns(names: readonly string[], plan: Plan, readFirst: () => readonly string[]): Use {
  const used = new Map<number, string>();
  const find = (option: string, name: string): number => {
    const index = names.indexOf(name);
    if (index < 0) {
      const many = names.length > 20 ? `; the table has ${names.length} columns` : '';
      const hint = suggest(name, names);
      fail(
        call,
        `${option} must be a column of the table, got ${show(name)}${many && !hint.includes('did you') ? many : hint}`,
      );
    }
    if (names.indexOf(name, index + 1) >= 0) fail(call, `the table must have one column ${show(name)}, got several`);
    const other = used.get(index);
    if (other !== undefined) fail(call, `${option} must not be the column of ${other}, got ${show(name)}`);
    used.set(index, option);
    return index;
  };
  const all = (option: string, list: readonly string[]) => list.map(name => find(option, name));
  const named = typeof plan.time === 'string' ? find('time', plan.time) : null;
  const values = all('value', plan.value ?? []);
  const [ids, past, future] = [all('id', plan.id), all('past', plan.past), all('future', plan.future)];
  const fixed = all('static', plan.fixed);
  const time = plan.time === undefined ? detectTime(names, used, readFirst()) : named;
  if (time !== null) used.set(time, 'time');
  if (plan.value === undefined) {
    const rest = names.map((_, index) => index).filter(index => !used.has(index) && names[index] !== '');
    if (rest.length === 0) fail(call, 'the table must have a column of values, got none');
    if (plan.layout === 'long' && rest.length > 1) {
      const list = rest.slice(0, 20).map(index => show(names[index]));
      fail(call, `value must be one of the columns ${list.join(', ')}, got none`);
    }
    const twice = rest.find(index => names.indexOf(names[index]!) !== index);
    if (twice !== undefined) fail(call, `the table must have one column ${show(names[twice])}, got several`);
    values.push(...rest);
  }
  return { time, values, ids, past, future, fixed };
}

/** The first column without another use that has a date in its first row; otherwise the first that is named like a time. */
function detectTime(
  names: readonly string[],
  used: ReadonlyMap<number, string>,
  first: readonly string[],
): number | null {
  const isDate = (index: number) => isTime(first[index]!) && !/^\d+$/.test(first[index]!);
  const free = names.map((_, index) => index).filter(index => !used.has(index));
  return free.find(isDate) ?? free.find(index => timeName.test(names[index]!.toLowerCase())) ?? null;
}

function firstRow(text: string, delimiter: string, header: ReturnType<typeof readHeader>['header']): string[] {
  const all = new Set(header.names.keys());
  const { columns } = readRows(call, text, delimiter, header, all, 1);
  return Array.from(header.names, (_, index) => columns.get(index)![0] ?? '');
}

/** The rows of each series, in the order in which the series appear. */
function groupRows(ids: readonly Column[], lines: readonly number[]): Group[] {
  if (ids.length === 0) return [{ id: undefined, rows: Int32Array.from(lines, (_, row) => row) }];
  const groups = new Map<string, number[]>();
  for (let row = 0; row < lines.length; row++) {
    for (const { name, cells } of ids) {
      if (cells[row] === '') fail(call, `id must not be missing, got '' in line ${lines[row]}, column ${show(name)}`);
    }
    const id = ids.length === 1 ? ids[0]!.cells[row]! : ids.map(({ cells }) => cells[row]).join('/');
    const rows = groups.get(id);
    if (rows) rows.push(row);
    else groups.set(id, [row]);
  }
  return Array.from(groups, ([id, rows]) => ({ id, rows: Int32Array.from(rows) }));
}

interface Grid {
  placements: Placement[];
  /** Null without times. */
  step: Step | null;
  zone: string;
}

function evenGrid(groups: readonly Group[]): Grid {
  const placements = groups.map(({ rows: { length } }) => ({
    start: 0,
    length,
    indices: Int32Array.from({ length }, (_, n) => n),
  }));
  return { placements, step: null, zone: '' };
}

function timeGrid(column: Column, lines: readonly number[], groups: Group[], plan: Plan): Grid {
  const read = readTimes(call, column.name, column.cells, lines, plan.dateFormat);
  const where: Where = row => `${show(column.cells[row])} in line ${lines[row]}`;
  sortRows(groups, read.times);
  const { step, times } = plan.step
    ? { step: plan.step, times: read.times }
    : findStep(call, groups, read.times, where);
  return { placements: groups.map(group => place(call, group, times, step, where)), step, zone: read.zone };
}

/** The property of a series, which all of its rows must have, unless it is missing. */
function propertyOf(
  { name, cells }: Column,
  properties: readonly (number | string)[],
  { id, rows }: Group,
  lines: readonly number[],
): number | string {
  const first = rows.find(row => !isMissing(cells[row]!));
  if (first === undefined) return typeof properties[0] === 'number' ? Number.NaN : '';
  const other = rows.find(row => !isMissing(cells[row]!) && properties[row] !== properties[first]);
  if (other !== undefined) {
    const where = `${show(cells[first])} in line ${lines[first]}, and ${show(cells[other])} in line ${lines[other]}`;
    const series = id === undefined ? '' : ` of the series ${show(id)}`;
    fail(call, `the static column ${show(name)} must be the same in all rows${series}, got ${where}`);
  }
  return properties[first]!;
}

type Named<T> = readonly (readonly [name: string, value: T])[];

function toSeries(
  id: string | undefined,
  values: Float64Array,
  {
    past,
    future,
    properties,
  }: { past: Named<Float64Array>; future: Named<Float64Array>; properties: Named<number | string> },
  { start }: Placement,
  { step, zone }: Grid,
): Series {
  const isKnown = (value: number) => !Number.isNaN(value);
  const first = Math.max(0, values.findIndex(isKnown)); // a series without any value stays as it is
  const end = future.length > 0 && values.some(isKnown) ? values.findLastIndex(isKnown) + 1 : values.length;
  const cut = (list: Named<Float64Array>, to?: number) =>
    Object.fromEntries(list.map(([name, numbers]) => [name, numbers.subarray(first, to)]));
  const series: Series = { values: values.subarray(first, end) };
  if (id !== undefined) series.id = id;
  if (step) {
    const time = formatTime(timeAt(start, first, step), step);
    series.start = time.includes('T') ? time + zone : time;
    series.frequency = frequencyOf(step);
  }
  if (past.length > 0) series.past = cut(past, end);
  if (future.length > 0) series.future = cut(future);
  if (properties.length > 0) series.static = Object.fromEntries(properties);
  return series;
}
