/** The live charts: predictions, costs, and the units of the networks. */

import { type LossData, lossPlot, type Plot, type PredictionData, predictionPlot } from 'lstm-wasm/plot';
import { Fitted } from './fitted.ts';
import type { History } from './history.ts';
import { drawingOf, type Look, type Picture, rivalName, stretchOf } from './pictures.ts';
import type { Settings } from './settings.ts';
import { Units } from './units/index.ts';
import { cellNames } from './words.ts';

export class Charts {
  #picture: Picture;
  #settings: Settings;
  readonly #units: Units;
  /** The end of the axis of steps; doubled when a run reaches it. */
  #horizon = 1;
  #look: Look | null = null;
  readonly #prediction: Fitted<PredictionData, Plot<PredictionData>>;
  readonly #cost: Fitted<LossData, Plot<LossData>>;

  constructor(
    predictionPlace: HTMLElement,
    costPlace: HTMLElement,
    unitsPlace: HTMLElement,
    settings: Settings,
    picture: Picture,
  ) {
    this.#picture = picture;
    this.#settings = settings;
    this.#units = new Units(unitsPlace);
    this.#prediction = new Fitted(
      predictionPlace,
      size => {
        const { xLabel, yDomain, kind } = this.#picture;
        const input = kind === 'answers' ? undefined : 'input';
        const labels: [string, string] = ['target', this.#name];
        return predictionPlot({ ...size, theme: 'auto', xLabel, yDomain, input, labels });
      },
      'given',
      () => {
        if (this.#look) this.look(this.#look);
      },
    );
    this.#cost = new Fitted(
      costPlace,
      size =>
        lossPlot({
          ...size,
          theme: 'auto',
          xLabel: 'training step',
          xDomain: [0, this.#horizon],
          label: `${this.#name}, mean squared error`,
        }),
      'given',
    );
  }

  get #name(): string {
    return cellNames[this.#settings.cell];
  }

  /** A new run, without data yet. */
  begin(settings: Settings, picture: Picture): void {
    this.#settings = settings;
    this.#picture = picture;
    this.#units.begin(settings);
    this.#horizon = picture.enough - 1;
    this.#look = null;
    this.#prediction.begin({ target: [], prediction: [], caption: '' });
    this.#cost.begin({ losses: [], caption: '' });
  }

  look(look: Look): void {
    this.#look = look;
    const { width } = this.#prediction;
    this.#prediction.update(drawingOf(this.#picture, look, width));
    if (look.units)
      this.#units.show(look, this.#picture.kind === 'answers' ? null : stretchOf(this.#picture, look, width));
  }

  cost(history: History): void {
    const { rival, ...curve } = history.curve;
    const data = { ...curve, ...(rival.length > 0 && { [rivalName]: rival }), caption: '' };
    if ((curve.steps.at(-1) ?? 0) <= this.#horizon) {
      this.#cost.update(data);
      return;
    }
    while (curve.steps.at(-1)! > this.#horizon) this.#horizon *= 2;
    this.#cost.begin(data);
  }

  /** Charts that can be downloaded, by name. */
  get pictures(): { name: string; plot: { toSVG(): string } }[] {
    const all = { Prediction: this.#prediction, Cost: this.#cost };
    return Object.entries(all).flatMap(([name, { drawn: plot }]) => (plot ? [{ name, plot }] : []));
  }
}
