/** The picture of a sequence model at work: what it should say, and what it says. */

import { noMore } from '../arguments.ts';
import { checkOptions } from '../options.ts';
import { countTicks, linearScale, linearTicks, type Scale } from './axes.ts';
import { checkDomain, checkPair, checkPrediction, checkText, extent, isWhole, type PredictionData } from './check.ts';
import { Frame, type FrameOptions, frameOptions, type Series } from './frame.ts';
import type { Plot } from './plot.ts';
import { pointsText, project } from './points.ts';

export interface PredictionOptions extends FrameOptions {
  /** The ends of the y axis; what lies beyond is cut off. */
  yDomain?: [number, number];
  /** The names of the two lines in the legend. */
  labels?: [string, string];
}
export const predictionOptions = [...frameOptions, 'yDomain', 'labels'] as const;

export interface LivePredictionOptions extends PredictionOptions {
  /** The name of a third line, thin and grey, for what goes in; without it there is none. */
  input?: string;
}

/** A live chart of target and prediction; every `update` moves the points of the two lines it was made with. */
export function predictionPlot(options: LivePredictionOptions = {}): Plot<PredictionData> {
  noMore('predictionPlot', 1, arguments);
  const call = 'predictionPlot';
  const known = checkOptions<LivePredictionOptions>(call, options, [...predictionOptions, 'input']);
  const { input: name, ...rest } = known;
  const grey =
    name === undefined ? null : { label: checkText(call, 'input', name), part: 'axis' as const, width: 1.25 };
  const drawing = new PredictionDrawing(call, rest, 0, grey ? [grey] : []);
  const { frame } = drawing;
  const area = frame.addDataArea();
  // Beneath the other two
  const inputLine = grey && frame.addLine(area, grey);
  const lines = drawing.series.map(series => frame.addLine(area, series));

  const plot: Plot<PredictionData> = {
    node: frame.svg.node,
    update(data) {
      const { time, target, prediction, input, caption } = checkPrediction(`${call}.update`, data, grey !== null);
      const x = drawing.drawAxes(extent(time), isWhole(time));
      inputLine?.plot(input.length > 0 ? drawing.points(time, input, x) : '');
      lines[0]!.plot(drawing.points(time, target, x));
      lines[1]!.plot(drawing.points(time, prediction, x));
      frame.setCaption(caption);
      return plot;
    },
    toSVG: () => frame.toSVG(),
    remove: () => frame.remove(),
  };
  return plot;
}

/** Frame, scales and lines of the chart, shared by the live plot and the animation. */
export class PredictionDrawing {
  readonly frame: Frame;
  readonly series: [Series, Series];
  readonly #y: Scale;

  constructor(call: string, options: PredictionOptions, footer = 0, others: readonly Series[] = []) {
    const [target, prediction] = checkPair(call, 'labels', options.labels ?? ['target', 'prediction']);
    const yDomain = checkDomain(call, 'yDomain', options.yDomain ?? [-1.2, 1.2]);
    this.series = [
      { label: target, part: 'target', width: 2.5 },
      { label: prediction, part: 'prediction', width: 2.5, dash: '5 6' },
    ];
    this.frame = new Frame(call, { xLabel: 'time', ...options }, [...this.series, ...others], { footer });
    this.#y = linearScale(yDomain, [this.frame.area.height, 0]);
    this.drawAxes([0, 1], true);
  }

  drawAxes(xDomain: [number, number], counts: boolean): Scale {
    const { area, ticksAcross, ticksUp } = this.frame;
    const x = linearScale(xDomain, [0, area.width]);
    const ticks = counts ? countTicks : linearTicks;
    this.frame.drawAxes(ticks(x, ticksAcross), linearTicks(this.#y, ticksUp));
    return x;
  }

  points(time: ArrayLike<number>, values: ArrayLike<number>, x: Scale): string {
    return pointsText(project(time, values, x, this.#y));
  }
}
