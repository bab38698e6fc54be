/**
 * An SVG animation of predictions during training, which plays wherever SVG images are shown.
 *
 * It uses SMIL, because style sheets cannot animate the points of a path. The attributes hold the last frame, so that
 * viewers without animation show the trained model. With `prefers-reduced-motion`, a style sheet shows a second, still
 * copy of the last frame, because it cannot stop SMIL.
 */

import type { Container, Dom, Element } from '@svgdotjs/svg.js';
import { rejectExtraArguments } from '../util/arguments.ts';
import { fail, show } from '../util/errors.ts';
import { checkNumber, checkOptions } from '../util/options.ts';
import { checkLength, isWhole } from './checks.ts';
import { checkLines, type Line, type LineSet } from './lineData.ts';
import { lineText } from './linePaths.ts';
import { addLine, type LineStyle } from './lineStyles.ts';
import { round } from './pathData.ts';
import { type PredictionData, PredictionDrawing, type PredictionOptions, predictionOptions } from './predictionPlot.ts';
import { paint } from './theme.ts';

export interface AnimationOptions extends Omit<PredictionOptions, 'container'> {
  /** Seconds from the first frame to the last. */
  duration?: number;
  /** Seconds the last frame stays before the replay starts again. */
  hold?: number;
}
const animationOptions = [...predictionOptions.filter(name => name !== 'container'), 'duration', 'hold'];

const css =
  '.lw-still{display:none}@media (prefers-reduced-motion:reduce){.lw-moving{display:none}.lw-still{display:inline}}';
const footer = 14;

/**
 * Draws frames, such as the predictions of every tenth training step, as an animation.
 *
 * @returns the text of a standalone SVG file
 */
export function animation(frames: readonly PredictionData[], options: AnimationOptions = {}): string {
  rejectExtraArguments('animation', 2, arguments);
  const call = 'animation';
  const given = checkOptions<AnimationOptions>(call, options, animationOptions);
  const duration = checkNumber(call, 'duration', given.duration ?? 8, { above: 0, most: 3600 });
  const hold = checkNumber(call, 'hold', given.hold ?? 1.5, { least: 0, most: 3600 });
  const checked = checkFrames(call, frames);
  const clock = new Clock(checked.length, duration, hold);
  const reel = new Reel(call, given, checked);
  reel.drawStill();
  if (checked.length > 1) reel.drawMoving(clock);
  return reel.drawing.chart.toSVG();
}

/** Brings the lines of every frame into the order of the first frame. */
function checkFrames(call: string, frames: unknown): LineSet[] {
  if (!Array.isArray(frames) || frames.length === 0) {
    fail(call, `frames must be an array of at least one frame, got ${show(frames)}`);
  }
  const sets = frames.map((frame, i) => checkLines(`${call}: frame ${i}`, frame, 'time'));
  const [first] = sets as [LineSet];
  return sets.map((set, i) => {
    const lines = first.lines.map(({ name, values }) => {
      const line = set.lines.find(line => line.name === name);
      if (!line) fail(call, `frame ${i} must have the lines of frame 0, got none named ${show(name)}`);
      checkLength(call, `${name} of frame ${i}`, line.values, 'that of frame 0', values.length);
      return line;
    });
    const other = set.lines.find(line => !lines.includes(line));
    if (other) fail(call, `frame ${i} must have the lines of frame 0 and no others, got ${show(other.name)}`);
    return { ...set, lines };
  });
}

/** Adds animations with a common duration and common key times. */
class Clock {
  readonly #total: number;
  readonly #times: number[];

  constructor(count: number, duration: number, hold: number) {
    this.#total = duration + hold;
    this.#times = Array.from({ length: count }, (_, i) => (i / Math.max(1, count - 1)) * (duration / this.#total));
  }

  /** Interpolates between the values, one for each frame or only the first and the last, and holds the last one. */
  glide(element: Dom | Element, attributeName: string, values: readonly (string | number)[]): void {
    const end = this.#times.at(-1)!;
    const times = values.length === this.#times.length ? this.#times : [0, end];
    const track = end < 1 ? this.#track([...values, values.at(-1)!], [...times, 1]) : this.#track(values, times);
    this.#add(element, 'animate', { attributeName, ...track });
  }

  /** Steps through translations without interpolation, one for each frame. */
  jump(element: Dom | Element, translations: readonly string[]): void {
    const track = this.#track(translations, this.#times);
    this.#add(element, 'animateTransform', {
      attributeName: 'transform',
      type: 'translate',
      ...track,
      calcMode: 'discrete',
    });
  }

  #track(values: readonly (string | number)[], times: readonly number[]) {
    const keyTimes = times.map(time => String(Math.round(time * 1e4) / 1e4).replace(/^0\./, '.'));
    return { values: values.join(';'), keyTimes: keyTimes.join(';') };
  }

  #add(element: Dom | Element, name: string, attributes: Record<string, string>): void {
    element.element(name, { ...attributes, dur: `${round(this.#total)}s`, repeatCount: 'indefinite' });
  }
}

const fromItsStart = (set: LineSet): LineSet => {
  const start = set.lines[0]!.at[0] ?? 0;
  return { ...set, lines: set.lines.map(line => ({ ...line, at: Array.from(line.at, time => time - start) })) };
};

/** All frames, converted to pixels. */
class Reel {
  readonly drawing: PredictionDrawing;
  readonly #captions: string[];
  readonly #styles: LineStyle[];
  /** The path texts of each line, one per frame. */
  readonly #lines: string[][];

  constructor(call: string, options: AnimationOptions, frames: readonly LineSet[]) {
    const [{ lines, kind }] = frames as readonly [LineSet];
    const moves = kind !== 'date' && frames.some(frame => frame.lines[0]!.at[0] !== lines[0]!.at[0]);
    // If the time window moves, time counts from its start, because moving labels are unreadable.
    const shown = moves ? frames.map(fromItsStart) : frames;
    const xLabel = options.xLabel ?? (moves ? 'time since the start of the sequence' : 'time');
    this.drawing = new PredictionDrawing(call, { ...options, xLabel }, { footer });
    const { chart } = this.drawing;
    let caption = '';
    this.#captions = frames.map(frame => {
      caption = frame.caption ?? caption;
      return caption;
    });
    this.#styles = this.drawing.legendOf(lines);
    chart.show(this.#styles);
    chart.reserve(this.#captions);
    const counts = shown.every(({ lines }) => lines.every(({ at }) => isWhole(at)));
    const axis = kind === 'date' ? kind : counts ? 'count' : 'number';
    const [x, y] = this.drawing.drawAxes({ lines: shown.flatMap(({ lines }) => lines), kind: axis });
    const textOf = (line: Line) => lineText(line, x, y, Infinity); // Infinity: no thinning
    this.#lines = lines.map((_, n) => shown.map(({ lines }) => textOf(lines[n]!)));
  }

  drawStill(): void {
    const group = this.drawing.chart.svg.group().addClass('lw-still');
    this.#addLines(group);
    const { area, header } = this.drawing.chart;
    header.addCaption(group, this.#captions.at(-1)!, area.left + area.width, header.captionLine);
  }

  drawMoving(clock: Clock): void {
    const { chart } = this.drawing;
    chart.addStyle(css);
    const group = chart.svg.group().addClass('lw-moving');
    this.#addLines(group).forEach((line, i) => {
      clock.glide(line, 'd', this.#lines[i]!);
    });
    this.#addCaptions(group, clock);
    this.#addProgress(group, clock);
  }

  #addLines(parent: Container) {
    const { chart } = this.drawing;
    const area = chart.addDataArea(parent);
    return this.#styles.map((line, i) => addLine(area, line, chart.theme).attr('d', this.#lines[i]!.at(-1)!));
  }

  /** All captions, one below the other, clipped to one line and scrolled. */
  #addCaptions(parent: Container, clock: Clock): void {
    const { chart } = this.drawing;
    const { area, header } = chart;
    const pitch = 24;
    const view = chart.addWindow(parent, { ...area, top: header.captionLine - 17, height: pitch });
    const strip = view.group();
    const translations = this.#captions.map((caption, i) => {
      header.addCaption(strip, caption, area.width, 17 + i * pitch);
      return `0 ${-i * pitch}`;
    });
    strip.attr('transform', `translate(${translations.at(-1)})`);
    clock.jump(strip, translations);
  }

  #addProgress(parent: Container, clock: Clock): void {
    const { area, svg, theme } = this.drawing.chart;
    const at = { x: area.left, y: Number(svg.height()) - 18, rx: 1.5 };
    paint(parent.rect(area.width, 3).attr(at), 'track', theme);
    const bar = paint(parent.rect(area.width, 3).attr(at), 'progress', theme);
    clock.glide(bar, 'width', [0, area.width]);
  }
}
