/**
 * A chart as text, for terminals.
 *
 *      1.0 ┤⠉⠑⢄         ⡠⠊
 *      0.0 ┤   ⠑⢄     ⡠⠊
 *     −1.0 ┤     ⠑⠤⠤⠔⠊
 *          └┬──────┬──────┬
 *           0      10     20
 */

import { rejectExtraArguments } from '../util/arguments.ts';
import { fail } from '../util/errors.ts';
import { checkBoolean, checkCount, checkOptions } from '../util/options.ts';
import { Dots } from './brailleGrid.ts';
import { checkDomain, isList } from './checks.ts';
import { checkLines, extentOf, type LineSet, xDomainOf } from './lineData.ts';
import type { PredictionData } from './predictionPlot.ts';
import { linearScale, linearTicks, type Scale, type Tick, ticksOf } from './ticks.ts';

export interface TerminalOptions {
  /** The width in characters; default 72. */
  width?: number;
  /** The height in lines, including the axis and the legend; default 16. */
  height?: number;
  /** Whether to use ANSI colours. Default: true if the output is a terminal and NO_COLOR is not set. */
  colour?: boolean;
  /** Whether to use ASCII characters only, for terminals and fonts without braille; default false. */
  ascii?: boolean;
  /** The domain of the y axis; default: the range of the values. */
  yDomain?: [number, number];
}
const terminalOptions = ['width', 'height', 'colour', 'ascii', 'yDomain'] as const;

/** A line with its character and colour. */
interface Line {
  at: ArrayLike<number>;
  values: ArrayLike<number>;
  /** The character for ASCII output, and the ANSI colour code. */
  letter: string;
  code: number;
  dashed: boolean;
  label: string;
}

const braille = { bar: '│', tick: '┤', corner: '└', base: '─', mark: '┬' };
const plain: typeof braille = { bar: '|', tick: '+', corner: '+', base: '-', mark: '+' };
/** The characters and colours of lines, in order: red and blue first. */
const lineStyles = [
  ['o', 31],
  ['+', 34],
  ['x', 33],
  ['=', 32],
  ['@', 36],
  ['%', 90],
] as const;
const both = 35;

/** Draws a list of numbers, or the data of a `predictionPlot`, as text; every second line is dashed. */
export function terminalPlot(data: ArrayLike<number> | PredictionData, options: TerminalOptions = {}): string {
  rejectExtraArguments('terminalPlot', 2, arguments);
  const call = 'terminalPlot';
  const given = checkOptions<TerminalOptions>(call, options, terminalOptions);
  const width = checkLetters(call, 'width', given.width ?? 72, 24);
  const height = checkLetters(call, 'height', given.height ?? 16, 6);
  const colour = checkBoolean(call, 'colour', given.colour ?? hasColours());
  const ascii = checkBoolean(call, 'ascii', given.ascii ?? false);
  const yDomain = given.yDomain === undefined ? undefined : checkDomain(call, 'yDomain', given.yDomain);
  const { lines, caption, kind, domain } = readData(call, data);

  const signs = ascii ? plain : braille;
  const legend = legendOf(lines, caption, ascii, colour, width);
  const rows = height - 2 - (legend ? 1 : 0);
  const [across, down] = ascii ? ([1, 1] as const) : ([2, 4] as const);
  const y = linearScale(yDomain ?? extentOf(lines.map(({ values }) => values)) ?? [0, 1], [rows * down - 1, 0]);
  if (!yDomain) y.nice();
  const yTicks = linearTicks(y, Math.max(2, rows / 3));
  const label = (tick: Tick) => formatLabel(tick.label, ascii);
  const gutter = Math.max(...yTicks.map(tick => label(tick).length)) + 1;
  const columns = width - gutter - 1;
  const x = linearScale(domain, [0, columns * across - 1]);

  const layers = lines.map(line => draw(new Dots(columns, rows, across, down), line, x, y));
  const text = Array.from({ length: rows }, (_, row) => {
    const tick = yTicks.find(({ at }) => Math.floor(Math.round(at) / down) === row);
    const side = tick ? `${label(tick).padStart(gutter - 1)} ${signs.tick}` : ' '.repeat(gutter) + signs.bar;
    return side + writeRow(layers, lines, row, columns, ascii, colour);
  });
  const count = Math.max(2, Math.floor(columns / 12));
  text.push(...writeAxis(ticksOf(kind, x, count), gutter, columns, across, ascii));
  return [...(legend ? [legend] : []), ...text].map(line => line.trimEnd()).join('\n');
}

/** Checks a number of characters or lines. */
function checkLetters(call: string, name: string, value: unknown, least: number): number {
  const letters = checkCount(call, name, value, least);
  if (letters > 1000) fail(call, `${name} must be at most 1000, got ${letters}`);
  return letters;
}

function readData(call: string, data: unknown) {
  const isSingle = isList(data);
  const { lines, caption, kind }: LineSet = checkLines(call, isSingle ? { values: data } : data, 'time');
  const drawn = lines.map(({ name, at, values }, n): Line => {
    if (isSingle) return { at, values, letter: '*', code: 34, dashed: false, label: '' };
    const [letter, code] = lineStyles[n % lineStyles.length]!;
    return { at, values, letter, code, dashed: n % 2 > 0, label: name };
  });
  return { lines: drawn, caption, kind, domain: xDomainOf(lines, kind) };
}

/** Values that are not finite leave a gap. */
function draw(dots: Dots, { at, values, dashed }: Line, x: Scale, y: Scale): Dots {
  let last: [number, number] | null = null;
  for (let n = 0; n < values.length; n++) {
    if (!Number.isFinite(values[n])) {
      last = null;
      continue;
    }
    const here: [number, number] = [Math.round(x(at[n]!)), Math.round(y(values[n]!))];
    dots.line(...(last ?? here), ...here, dashed && dots.across > 1);
    last = here;
  }
  return dots;
}

function writeRow(
  layers: readonly Dots[],
  lines: readonly Line[],
  row: number,
  columns: number,
  ascii: boolean,
  colour: boolean,
): string {
  let text = '';
  for (let column = 0; column < columns; column++) {
    const dots = layers.map(layer => layer.at(column, row));
    const used = lines.filter((_, n) => dots[n]! > 0);
    if (used.length === 0) {
      text += ' ';
      continue;
    }
    const all = dots.reduce((sum, here) => sum | here, 0);
    const letter = ascii ? (used.length > 1 ? '#' : used[0]!.letter) : Dots.letter(all);
    text += paint(letter, used.length > 1 ? both : used[0]!.code, colour);
  }
  return text;
}

/** A tick label; in ASCII, −2×10⁻⁵ becomes -2e-5. */
function formatLabel(label: string, ascii: boolean): string {
  if (!ascii) return label;
  const plain = label.replace(/[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]/g, c => '-0123456789'['⁻⁰¹²³⁴⁵⁶⁷⁸⁹'.indexOf(c)]!);
  const powers = /[⁰¹²³⁴⁵⁶⁷⁸⁹]/.test(label);
  return (powers ? plain.replace(/×10/, 'e').replace(/^(−?)10/, '$11e') : plain).replaceAll('−', '-');
}

function writeAxis(
  ticks: readonly Tick[],
  gutter: number,
  columns: number,
  across: number,
  ascii: boolean,
): [string, string] {
  const signs = ascii ? plain : braille;
  const base = Array.from({ length: columns }, () => signs.base);
  let labels = '';
  for (const { at, label } of ticks) {
    const column = Math.min(columns - 1, Math.max(0, Math.floor(at / across)));
    const words = formatLabel(label, ascii);
    const start = Math.min(column - Math.floor((words.length - 1) / 2), columns - words.length);
    const from = Math.max(0, gutter + 1 + start);
    // The first label begins at the line's end; the next ones need a gap.
    if (labels !== '' && from <= labels.length) continue;
    base[column] = signs.mark;
    labels = labels.padEnd(from) + words;
  }
  return [' '.repeat(gutter) + signs.corner + base.join(''), labels];
}

/** As many legend entries as fit into the line. */
function legendOf(
  lines: readonly Line[],
  caption: string | undefined,
  ascii: boolean,
  colour: boolean,
  width: number,
): string {
  const entries = lines
    .filter(({ label }) => label)
    .map(({ letter, dashed, code, label }) => {
      const sign = ascii ? letter.repeat(3) : dashed ? '╍╍╍' : '━━━';
      return { length: 4 + label.length, text: `${paint(sign, code, colour)} ${label}` };
    });
  if (caption) entries.push({ length: caption.length, text: caption });
  const more = { length: 3, text: '...' };
  const shown: typeof entries = [];
  let room = width;
  for (const [n, entry] of entries.entries()) {
    const rest = room - entry.length - gap.length;
    if (rest + gap.length < 0 || (n < entries.length - 1 && rest < more.length)) {
      shown.push(more);
      break;
    }
    shown.push(entry);
    room = rest;
  }
  return shown.map(({ text }) => text).join(gap);
}

/** Gap between the entries of the legend. */
const gap = '   ';

const paint = (text: string, code: number, colour: boolean) => (colour ? `\u001b[${code}m${text}\u001b[39m` : text);

/** Whether the output is a terminal with colours; see https://no-color.org. */
function hasColours(): boolean {
  const host = globalThis.process as NodeJS.Process | undefined;
  return Boolean(host?.stdout?.isTTY && !host.env.NO_COLOR);
}
