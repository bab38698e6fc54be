/** Scales and ticks with their labels, for all charts. */

import { scaleLinear, scaleLog } from 'd3-scale';
import { dateLabel, day, roundTimes } from './dates.ts';
import { round } from './pathData.ts';

/** The part of a d3 scale that is used here, declared so that the package's types do not depend on d3's. */
export interface Scale {
  (value: number): number;
  domain(): number[];
  ticks(count: number): number[];
  tickFormat(count: number, format?: string): (value: number) => string;
  /** Extends the domain to the nearest ticks. */
  nice(count?: number): Scale;
}

/** A tick at `at` pixels; one without a label is a minor tick. */
export interface Tick {
  at: number;
  label: string;
}

/** The kind of values along an axis: numbers, counts, or dates in milliseconds. */
export type AxisKind = 'number' | 'count' | 'date';

/** A scale from `domain` to pixels; widens a domain of a single value, so that the value is in the middle. */
export function linearScale(domain: readonly [number, number], range: [number, number]): Scale {
  const [low, high] = domain;
  const pad = low === high ? Math.abs(low) / 2 || 0.5 : 0;
  return scaleLinear([low - pad, high + pad], range);
}

/**
 * A scale of the values with a small margin. Its ends are multiples of half a tick interval, for `count` ticks. The
 * domain of non-negative values does not go below zero, nor that of non-positive values above.
 */
export function roomyScale([low, high]: readonly [number, number], range: [number, number], count: number): Scale {
  const [from, to] = linearScale([low, high], range).domain() as [number, number];
  const room = (to - from) * 0.03;
  const padded = [low >= 0 ? Math.max(0, from - room) : from - room, high <= 0 ? Math.min(0, to + room) : to + room];
  return scaleLinear(padded, range).nice(2 * count);
}

/**
 * A log scale whose ends are the nearest 1, 2 or 5 times a power of ten, or closer ones when the data would look flat.
 */
export function logScale(domain: readonly [number, number], range: [number, number]): Scale {
  const low = niceBelow(domain[0]);
  const high = niceAbove(domain[1]);
  const ends = [low, high > low ? high : niceAbove(low * 1.5)];
  const filled = Math.log(domain[1] / domain[0]) / Math.log(ends[1]! / ends[0]!);
  const flat = filled > 0 && filled < 1 / 3;
  return scaleLog(flat ? scaleLinear(domain, range).nice(5).domain() : ends, range);
}

/** About `count` ticks for an axis. */
export function ticksOf(kind: AxisKind, scale: Scale, count: number): Tick[] {
  if (kind === 'date') return dateTicks(scale, count);
  return kind === 'count' ? countTicks(scale, count) : linearTicks(scale, count);
}

/** About `count` ticks, labelled as powers of ten when plain labels would be long. */
export function linearTicks(scale: Scale, count: number): Tick[] {
  return placeTicks(scale, scale.ticks(count), scale.tickFormat(count));
}

/** Ticks at given values, labelled as powers of ten when plain labels would be long and the powers stay distinct. */
function placeTicks(scale: Scale, values: number[], format: (value: number) => string): Tick[] {
  const ticks = toTicks(scale, values, format);
  if (ticks.every(({ label }) => label.length <= longest)) return ticks;
  const short = toTicks(scale, values, shortLabel);
  return new Set(short.map(({ label }) => label)).size === short.length ? short : ticks;
}
/** The maximum label length beside a vertical axis, in characters. */
const longest = 7;

/** The same for an axis of counts, whose ticks are integers only. */
export function countTicks(scale: Scale, count: number): Tick[] {
  const integers = scale.ticks(count).filter(Number.isInteger);
  return toTicks(scale, integers, scale.tickFormat(count, ',d'));
}

const toTicks = (scale: Scale, values: number[], format: (value: number) => string): Tick[] =>
  values.map(value => ({ at: round(scale(value)), label: format(value) }));

/** Ticks at whole days, hours and the like, in UTC. */
export function dateTicks(scale: Scale, count: number): Tick[] {
  const times = roundTimes(scale.domain() as [number, number], count);
  const step = times.length > 1 ? times[1]! - times[0]! : day;
  return times.map((time, n) => ({ at: round(scale(time)), label: dateLabel(time, step, n === 0) }));
}

/**
 * Ticks of a log axis: powers of ten, all of them up to seven decades; 2 and 5 times these up to two decades; linear
 * ticks when that gives fewer than three. Up to four decades get minor ticks.
 */
export function logTicks(scale: Scale): Tick[] {
  const [low, high] = scale.domain() as [number, number];
  const decades = Math.log10(high) - Math.log10(low);
  const values = scale.ticks(decades > 7 ? 7 : 10);
  const count = (digits: readonly number[]) => values.filter(value => digits.includes(scientific(value).digit)).length;
  if (count([1, 2, 5]) < 3) {
    const linear = linearScale([low, high], [0, 1]);
    return placeTicks(scale, linear.ticks(5), linear.tickFormat(5));
  }
  const digits = decades <= 2 || count([1]) < 3 ? [1, 2, 5] : [1];
  const ticks = toTicks(scale, values, value => {
    const { digit, power } = scientific(value);
    return digits.includes(digit) ? powerLabel(digit, power) : '';
  });
  return decades > 4 ? ticks.filter(tick => tick.label !== '') : ticks;
}

/** Plain labels for powers from -3 to 4, powers of ten beyond. */
function powerLabel(digit: number, power: number): string {
  if (power >= -3 && power <= 4) return String(Number(`${digit}e${power}`));
  const exponent = String(power).replace(/./g, c => (c === '-' ? '⁻' : '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(c)]!));
  return digit === 1 ? `10${exponent}` : `${digit}×10${exponent}`;
}

/** 250,000 as 2.5×10⁵ */
function shortLabel(value: number): string {
  if (value === 0) return '0';
  const { digit, power } = scientific(Number(Math.abs(value).toPrecision(6)));
  return (value < 0 ? '−' : '') + powerLabel(digit, power);
}

/**
 * As many ticks of a log scale as their labels leave room for: all, the powers of ten only, every second power, and so
 * on.
 *
 * @param width of a label, with the gap to the next
 */
export function thinLogTicks(ticks: readonly Tick[], width: (label: string) => number): readonly Tick[] {
  if (fits(ticks, width)) return ticks;
  const powers = ticks.filter(({ label }) => /^(10*|0\.0*1|10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)$/.test(label));
  return powers.length > 0 ? thinTicks(powers, width) : ticks.slice(0, 1);
}

/** As many ticks as their labels leave room for: all, every second, every third, and so on. */
export function thinTicks(ticks: readonly Tick[], width: (label: string) => number): readonly Tick[] {
  for (let every = 1; every < ticks.length; every++) {
    const some = every === 1 ? ticks : ticks.filter((_, n) => n % every === 0);
    if (fits(some, width)) return some;
  }
  return ticks.slice(0, 1);
}

const fits = (ticks: readonly Tick[], width: (label: string) => number) =>
  ticks.every(({ at, label }, n) => n === 0 || at - ticks[n - 1]!.at > (width(label) + width(ticks[n - 1]!.label)) / 2);

/** Splits 0.05 into 5 times 10 to the power of -2. Uses the decimal text, because a logarithm would round. */
function scientific(value: number): { digit: number; power: number } {
  const [digits = '1', power = '0'] = value.toExponential().split('e');
  return { digit: Number(digits), power: Number(power) };
}

function niceBelow(value: number): number {
  const { digit, power } = scientific(value);
  return Number(`${digit >= 5 ? 5 : digit >= 2 ? 2 : 1}e${power}`);
}

function niceAbove(value: number): number {
  const { digit, power } = scientific(value);
  const nice = digit > 5 ? `1e${power + 1}` : `${digit > 2 ? 5 : digit > 1 ? 2 : 1}e${power}`;
  return Math.min(Number(nice), Number.MAX_VALUE);
}

/** Upper bound for the number of ticks that `ticksOf` makes: it rounds a step down to 1/1.6 of its size at most. */
export const mostTicks = (count: number) => Math.ceil(1.6 * count) + 1;
/** Upper bound for the number of ticks that `logTicks` makes: nine in each of four decades, and the end. */
export const mostLogTicks = 38;
