/**
 * A drawing that replays the learning by itself, wherever an SVG file is shown as a picture.
 *
 * It moves by SMIL, since style sheets cannot move the points of a polyline. The attributes themselves hold the last
 * frame, so that a viewer which does not animate shows what was learned. A reader who asks for less motion gets a
 * second, still copy of the last frame instead: a style sheet cannot stop SMIL, but it can choose what is displayed.
 */

import type { Container, Dom, Element } from '@svgdotjs/svg.js';
import { noMore } from '../arguments.ts';
import { fail, show } from '../errors.ts';
import { checkNumber, checkOptions } from '../options.ts';
import { checkLength, checkPrediction, extent, isWhole, type PredictionData } from './check.ts';
import { round } from './points.ts';
import { PredictionDrawing, type PredictionOptions, predictionOptions } from './prediction.ts';
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

/** Draws frames, such as every tenth step of a training run, into one self-playing standalone SVG. */
export function animation(frames: readonly PredictionData[], options: AnimationOptions = {}): string {
  noMore('animation', 2, arguments);
  const call = 'animation';
  const given = checkOptions<AnimationOptions>(call, options, animationOptions);
  const duration = checkNumber(call, 'duration', given.duration ?? 8, { above: 0, most: 3600 });
  const hold = checkNumber(call, 'hold', given.hold ?? 1.5, { least: 0, most: 3600 });
  const checked = checkFrames(call, frames);
  const clock = new Clock(checked.length, duration, hold);
  const reel = new Reel(call, given, checked);
  reel.drawStill();
  if (checked.length > 1) reel.drawMoving(clock);
  return reel.drawing.frame.toSVG();
}

type Checked = ReturnType<typeof checkPrediction>;

function checkFrames(call: string, frames: unknown): Checked[] {
  if (!Array.isArray(frames) || frames.length === 0) {
    fail(call, `frames must be an array of at least one frame, got ${show(frames)}`);
  }
  const checked = frames.map((frame, i) => checkPrediction(`${call}: frame ${i}`, frame));
  const { length } = checked[0]!.target;
  for (const [i, { target }] of checked.entries()) {
    checkLength(call, `target of frame ${i}`, target, 'that of frame 0', length);
  }
  return checked;
}

/** The `<animate>` attributes by which all parts of the picture keep the same time. */
class Clock {
  readonly #total: number;
  readonly #times: number[];

  constructor(count: number, duration: number, hold: number) {
    this.#total = duration + hold;
    this.#times = Array.from({ length: count }, (_, i) => (i / Math.max(1, count - 1)) * (duration / this.#total));
  }

  /** Glides from value to value, two being the start and the end, and stays on the last one. */
  glide(element: Dom | Element, attributeName: string, values: readonly (string | number)[]): void {
    const end = this.#times.at(-1)!;
    const times = values.length === this.#times.length ? this.#times : [0, end];
    const track = end < 1 ? this.#track([...values, values.at(-1)!], [...times, 1]) : this.#track(values, times);
    this.#add(element, 'animate', { attributeName, ...track });
  }

  /** Jumps from place to place. */
  jump(element: Dom | Element, places: readonly string[]): void {
    const track = this.#track(places, this.#times);
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

/** All frames, in the pixels of one drawing. */
class Reel {
  readonly drawing: PredictionDrawing;
  readonly #captions: string[];
  readonly #lines: [target: string[], prediction: string[]];

  constructor(call: string, options: AnimationOptions, frames: readonly Checked[]) {
    const times = frames.map(frame => frame.time);
    const moves = times.some(time => time[0] !== times[0]![0]);
    // A window that moves along the time axis is drawn from its own start: labels that race past cannot be read.
    const shown = moves ? times.map(time => Array.from(time, t => t - time[0]!)) : times;
    const xLabel = options.xLabel ?? (moves ? 'time since the start of the sequence' : 'time');
    this.drawing = new PredictionDrawing(call, { ...options, xLabel }, footer);
    const x = this.drawing.drawAxes(extent(shown.flatMap(extent)), shown.every(isWhole));
    const lineOf = (name: 'target' | 'prediction') =>
      frames.map((frame, i) => this.drawing.points(shown[i]!, frame[name], x));
    this.#lines = [lineOf('target'), lineOf('prediction')];
    let caption = '';
    this.#captions = frames.map(frame => (caption = frame.caption ?? caption));
  }

  drawStill(): void {
    const group = this.drawing.frame.svg.group().addClass('lw-still');
    this.#addLines(group);
    this.drawing.frame.addCaption(group, this.#captions.at(-1)!);
  }

  drawMoving(clock: Clock): void {
    const { frame } = this.drawing;
    frame.addStyle(css);
    const group = frame.svg.group().addClass('lw-moving');
    this.#addLines(group).forEach((line, i) => {
      clock.glide(line, 'points', this.#lines[i]!);
    });
    this.#addCaptions(group, clock);
    this.#addProgress(group, clock);
  }

  #addLines(parent: Container) {
    const { frame, series } = this.drawing;
    const area = frame.addDataArea(parent);
    return series.map((line, i) => frame.addLine(area, line).plot(this.#lines[i]!.at(-1)!));
  }

  /** All captions one below the other, like a film strip, seen through a window of one line. */
  #addCaptions(parent: Container, clock: Clock): void {
    const { frame } = this.drawing;
    const [width, pitch] = [Math.round(frame.area.width * 0.6), 24];
    const left = frame.area.left + frame.area.width - width;
    const view = frame.addWindow(parent, { left, top: frame.captionLine - 17, width, height: pitch });
    const strip = view.group();
    const places = this.#captions.map((caption, i) => {
      frame.addCaption(strip, caption, width, 17 + i * pitch);
      return `0 ${-i * pitch}`;
    });
    strip.attr('transform', `translate(${places.at(-1)})`);
    clock.jump(strip, places);
  }

  #addProgress(parent: Container, clock: Clock): void {
    const { area, svg, theme } = this.drawing.frame;
    const at = { x: area.left, y: Number(svg.height()) - 18, rx: 1.5 };
    paint(parent.rect(area.width, 3).attr(at), 'track', theme);
    const bar = paint(parent.rect(area.width, 3).attr(at), 'progress', theme);
    clock.glide(bar, 'width', [0, area.width]);
  }
}
