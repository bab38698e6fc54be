/** Scales, and ticks with their labels. The only place where either is made. */

import { scaleLinear, scaleLog } from 'd3-scale';
import { dateLabel, day, roundTimes } from './dates.ts';
import { round } from './points.ts';

/** The part of a d3 scale that is used here; written out so that nobody needs d3's types to use ours. */
export interface Scale {
  (value: number): number;
  domain(): number[];
  ticks(count: number): number[];
  tickFormat(count: number, format?: string): (value: number) => string;
  /** Widens the domain to whole ticks. */
  nice(count?: number): Scale;
}

/** A tick at `at` pixels; one without a label is a minor tick. */
export interface Tick {
  at: number;
  label: string;
}

/** What lies along an axis: numbers, numbers that count something, or dates in milliseconds. */
export type AxisKind = 'number' | 'count' | 'date';

/** A scale from `domain` to pixels; a domain of no extent is widened, so that its one value lies in the middle. */
export function linearScale(domain: readonly [number, number], range: [number, number]): Scale {
  const [low, high] = domain;
  const pad = low === high ? Math.abs(low) / 2 || 0.5 : 0;
  return scaleLinear([low - pad, high + pad], range);
}

/**
 * A scale that holds values with a little room above and below them, and ends at round numbers, twice as close as the
 * `count` ticks. What is never negative stays above zero, and what is never positive below.
 */
export function roomyScale([low, high]: readonly [number, number], range: [number, number], count: number): Scale {
  const [from, to] = linearScale([low, high], range).domain() as [number, number];
  const room = (to - from) * 0.03;
  const padded = [low >= 0 ? Math.max(0, from - room) : from - room, high <= 0 ? Math.min(0, to + room) : to + room];
  return scaleLinear(padded, range).nice(2 * count);
}

/** A log scale whose ends are the nearest 1, 2 or 5 times a power of ten; closer ones where the data would lie flat. */
export function logScale(domain: readonly [number, number], range: [number, number]): Scale {
  const low = niceBelow(domain[0]);
  const high = niceAbove(domain[1]);
  const ends = [low, high > low ? high : niceAbove(low * 1.5)];
  const filled = Math.log(domain[1] / domain[0]) / Math.log(ends[1]! / ends[0]!);
  const flat = filled > 0 && filled < 1 / 3;
  return scaleLog(flat ? scaleLinear(domain, range).nice(5).domain() : ends, range);
}

/** About `count` ticks of an axis. */
export function ticksOf(kind: AxisKind, scale: Scale, count: number): Tick[] {
  if (kind === 'date') return dateTicks(scale, count);
  return kind === 'count' ? countTicks(scale, count) : linearTicks(scale, count);
}

/** About `count` ticks, as powers of ten where other labels would be long. */
export function linearTicks(scale: Scale, count: number): Tick[] {
  return placeTicks(scale, scale.ticks(count), scale.tickFormat(count));
}

/** The ticks at some values: powers of ten where other labels would be long, and still tell the values apart. */
function placeTicks(scale: Scale, values: number[], format: (value: number) => string): Tick[] {
  const ticks = toTicks(scale, values, format);
  if (ticks.every(({ label }) => label.length <= longest)) return ticks;
  const short = toTicks(scale, values, shortLabel);
  return new Set(short.map(({ label }) => label)).size === short.length ? short : ticks;
}
/** Letters beside an upright axis. */
const longest = 7;

/** The same for an axis that counts: half a step is no tick, however much room there is for it. */
export function countTicks(scale: Scale, count: number): Tick[] {
  const whole = scale.ticks(count).filter(Number.isInteger);
  return toTicks(scale, whole, scale.tickFormat(count, ',d'));
}

const toTicks = (scale: Scale, values: number[], format: (value: number) => string): Tick[] =>
  values.map(value => ({ at: round(scale(value)), label: format(value) }));

/** Ticks at round times in UTC. */
export function dateTicks(scale: Scale, count: number): Tick[] {
  const times = roundTimes(scale.domain() as [number, number], count);
  const step = times.length > 1 ? times[1]! - times[0]! : day;
  return times.map((time, n) => ({ at: round(scale(time)), label: dateLabel(time, step, n === 0) }));
}

/**
 * Powers of ten, all of them up to seven decades; 2 and 5 as well where there are two decades or less, and whatever is
 * round where even those are fewer than three; minor ticks between powers of four decades or less.
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

/** 0.001 and 1000 as they are; beyond, where zeros have to be counted, as powers. */
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
 * As many of the ticks of a log scale as have room for their labels: all, the powers of ten, every second of those, and
 * so on.
 *
 * @param width of a label, with the gap to the next
 */
export function thinLogTicks(ticks: readonly Tick[], width: (label: string) => number): readonly Tick[] {
  if (fits(ticks, width)) return ticks;
  const powers = ticks.filter(({ label }) => /^(10*|0\.0*1|10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)$/.test(label));
  return powers.length > 0 ? thinTicks(powers, width) : ticks.slice(0, 1);
}

/** As many ticks as have room for their labels: all, every second, every third, and so on. */
export function thinTicks(ticks: readonly Tick[], width: (label: string) => number): readonly Tick[] {
  for (let every = 1; every < ticks.length; every++) {
    const some = every === 1 ? ticks : ticks.filter((_, n) => n % every === 0);
    if (fits(some, width)) return some;
  }
  return ticks.slice(0, 1);
}

const fits = (ticks: readonly Tick[], width: (label: string) => number) =>
  ticks.every(({ at, label }, n) => n === 0 || at - ticks[n - 1]!.at > (width(label) + width(ticks[n - 1]!.label)) / 2);

/** 0.05 is 5 times ten to the power of -2. Read from the decimal text, since a logarithm would round. */
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

/** More than `ticksOf` ever makes of `count`: a step is rounded down to 1/1.6 of itself at most. */
export const mostTicks = (count: number) => Math.ceil(1.6 * count) + 1;
/** More than `logTicks` ever makes: four decades of nine, and the end. */
export const mostLogTicks = 38;
