/** The two live charts: what the network says, and what it costs. */

import { type LossData, lossPlot, type Plot, type PredictionData, predictionPlot } from 'lstm-wasm/plot';
import { Fitted } from './fitted.ts';
import type { History } from './history.ts';
import { drawingOf, type Look, type Picture } from './pictures.ts';

export class Charts {
  #picture: Picture;
  /** The end of the axis of steps; doubled when a run comes there. */
  #horizon = 1;
  #look: Look | null = null;
  readonly #prediction: Fitted<PredictionData, Plot<PredictionData>>;
  readonly #cost: Fitted<LossData, Plot<LossData>>;

  constructor(predictionPlace: HTMLElement, costPlace: HTMLElement, picture: Picture) {
    this.#picture = picture;
    this.#prediction = new Fitted(
      predictionPlace,
      size => {
        const { xLabel, yDomain, kind } = this.#picture;
        const input = kind === 'answers' ? undefined : 'input';
        return predictionPlot({ ...size, theme: 'auto', xLabel, yDomain, input });
      },
      'given',
      () => {
        if (this.#look) this.look(this.#look);
      },
    );
    this.#cost = new Fitted(
      costPlace,
      size => lossPlot({ ...size, theme: 'auto', xDomain: [0, this.#horizon] }),
      'given',
    );
  }

  /** Another run, of which nothing is known yet. */
  begin(picture: Picture): void {
    this.#picture = picture;
    this.#horizon = picture.enough - 1;
    this.#look = null;
    this.#prediction.begin({ target: [], prediction: [], caption: '' });
    this.#cost.begin({ losses: [], caption: '' });
  }

  look(look: Look): void {
    this.#look = look;
    this.#prediction.update(drawingOf(this.#picture, look, this.#prediction.width));
  }

  cost(history: History): void {
    const { curve } = history;
    const data = { ...curve, caption: '' };
    if ((curve.steps.at(-1) ?? 0) <= this.#horizon) {
      this.#cost.update(data);
      return;
    }
    while (curve.steps.at(-1)! > this.#horizon) this.#horizon *= 2;
    this.#cost.begin(data);
  }

  /** To be kept, under these names. */
  get pictures(): { name: string; plot: { toSVG(): string } }[] {
    const all = { Prediction: this.#prediction, Cost: this.#cost };
    return Object.entries(all).flatMap(([name, { drawn: plot }]) => (plot ? [{ name, plot }] : []));
  }
}
