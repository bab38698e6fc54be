/** Ticks and their labels, and the axes that show them. The only place where either is made. */

import type { Dom, G } from '@svgdotjs/svg.js';
import { scaleLinear, scaleLog } from 'd3-scale';
import { round } from './points.ts';
import { addText, setText } from './text.ts';
import { paint, type Theme } from './theme.ts';

/** The part of a d3 scale that is used here; written out so that nobody needs d3's types to use ours. */
export interface Scale {
  (value: number): number;
  domain(): number[];
  ticks(count: number): number[];
  tickFormat(count: number, format?: string): (value: number) => string;
  /** Widens the domain to whole ticks. */
  nice(): Scale;
}

/** A tick at `at` pixels; one without a label is a minor tick. */
export interface Tick {
  at: number;
  label: string;
}

/** The rectangle the data is drawn in. */
export interface Area {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** A scale from `domain` to pixels; a domain of no extent is widened, so that its one value lies in the middle. */
export function linearScale(domain: readonly [number, number], range: [number, number]): Scale {
  const [low, high] = domain;
  const pad = low === high ? Math.abs(low) / 2 || 0.5 : 0;
  return scaleLinear([low - pad, high + pad], range);
}

/** A log scale whose ends are the nearest 1, 2 or 5 times a power of ten around `domain`. */
export function logScale(domain: readonly [number, number], range: [number, number]): Scale {
  const low = niceBelow(domain[0]);
  const high = niceAbove(domain[1]);
  return scaleLog([low, high > low ? high : niceAbove(low * 1.5)], range);
}

/** About `count` ticks, as powers of ten where other labels would be long. */
export function linearTicks(scale: Scale, count: number): Tick[] {
  const ticks = toTicks(scale, scale.ticks(count), scale.tickFormat(count));
  const long = ticks.some(({ label }) => label.length > longest);
  return long ? toTicks(scale, scale.ticks(count), shortLabel) : ticks;
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

/**
 * Powers of ten, all of them up to seven decades; 2 and 5 as well where there are two decades or less; minor ticks
 * between them where there are four or less.
 */
export function logTicks(scale: Scale): Tick[] {
  const [low, high] = scale.domain() as [number, number];
  const decades = Math.log10(high) - Math.log10(low);
  const ticks = toTicks(scale, scale.ticks(decades > 7 ? 7 : 10), value => {
    const { digit, power } = scientific(value);
    return digit === 1 || (decades <= 2 && (digit === 2 || digit === 5)) ? powerLabel(digit, power) : '';
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
  const fits = (list: readonly Tick[]) =>
    list.every(({ at, label }, n) => n === 0 || at - list[n - 1]!.at > (width(label) + width(list[n - 1]!.label)) / 2);
  if (fits(ticks)) return ticks;
  const powers = ticks.filter(({ label }) => /^(10*|0\.0*1|10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)$/.test(label));
  for (let every = 1; every < powers.length; every++) {
    const some = powers.filter((_, n) => n % every === 0);
    if (fits(some)) return some;
  }
  return ticks.slice(0, 1);
}

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

/** More than `linearTicks` and `countTicks` ever make of `count`: a step is rounded down to 1/1.6 of itself at most. */
export const mostTicks = (count: number) => Math.ceil(1.6 * count) + 1;
/** More than `logTicks` ever makes: four decades of nine, and the end. */
export const mostLogTicks = 38;

/**
 * One axis: it keeps its tick elements and moves them; those it has no use for at the moment are hidden. All that an
 * axis can come to need are there from the beginning, so that an update makes no element.
 */
export class Axis {
  readonly #group: G;
  readonly #side: 'x' | 'y';
  readonly #area: Area;
  readonly #theme: Theme;
  readonly #marks: Mark[] = [];
  #drawn = '';

  /** @param most ticks, where their number changes */
  constructor(group: G, side: 'x' | 'y', area: Area, theme: Theme, most = 0) {
    this.#group = group.addClass(`lw-axis-${side}`);
    this.#side = side;
    this.#area = area;
    this.#theme = theme;
    for (let i = 0; i < most; i++) this.#marks.push(this.#addMark());
  }

  update(ticks: readonly Tick[]): void {
    const key = ticks.map(tick => `${tick.at}=${tick.label}`).join();
    if (key === this.#drawn) return;
    this.#drawn = key;
    for (let i = 0; i < Math.max(ticks.length, this.#marks.length); i++) {
      this.#marks[i] ??= this.#addMark();
      this.#place(this.#marks[i]!, ticks[i]);
    }
  }

  #addMark(): Mark {
    const group = this.#group.group().attr('display', 'none');
    const horizontal = this.#side === 'y';
    const end = horizontal ? { x2: this.#area.width } : { y2: 5 };
    const line: Dom = group.element('line', end);
    const position = horizontal ? { x: -10, y: 4, anchor: 'end' as const } : { x: 0, y: 20, anchor: 'middle' as const };
    const label = addText(group, '', { ...position, part: 'muted', theme: this.#theme });
    return { group, line, label };
  }

  #place({ group, line, label }: Mark, tick: Tick | undefined): void {
    group.attr('display', tick ? null : 'none');
    if (!tick) return;
    const { left, top, height } = this.#area;
    const [x, y] = this.#side === 'y' ? [left, top + tick.at] : [left + tick.at, top + height];
    group.attr('transform', `translate(${round(x)} ${round(y)})`);
    const part = this.#side === 'x' ? 'axis' : tick.label === '' ? 'minor' : 'grid';
    if (!line.hasClass(`lw-${part}`)) paint(line.attr('class', null), part, this.#theme);
    setText(label, tick.label);
  }
}

interface Mark {
  group: G;
  line: Dom;
  label: Dom;
}
