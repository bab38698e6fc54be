/** The networks as rows of sparklines: the input, the output of every unit, and the prediction, over the time steps drawn. */

import './style.css';
import { element } from '../element.ts';
import type { View } from '../network.ts';
import type { Look } from '../pictures.ts';
import { hasRival, type Settings } from '../settings.ts';
import { amount } from '../words.ts';
import { Spark } from './spark.ts';

/** More units than this are not drawn. */
const mostUnits = 32;

export class Units {
  readonly #place: HTMLElement;
  #settings: Settings | null = null;
  #rows: Row[] = [];

  constructor(place: HTMLElement) {
    this.#place = place;
    place.classList.add('units');
  }

  /** A new run, without data yet. */
  begin(settings: Settings): void {
    const cells = hasRival(settings) ? ([settings.cell, 'simpleRNN'] as const) : ([settings.cell] as const);
    this.#settings = settings;
    this.#rows = cells.map(cell => new Row(titles[cell], settings));
    this.#place.replaceChildren(...this.#rows.map(({ node }) => node));
  }

  /** @param stretch the time steps drawn; null for the first row of a batch */
  show(look: Look, stretch: [number, number] | null): void {
    const [from, to] = stretch ?? [0, this.#settings!.timeSteps];
    const views: (View | null)[] = [look, look.rival];
    for (const [n, row] of this.#rows.entries()) {
      const view = views[n];
      if (view?.units) row.show(look.input, view, from, to, stretch !== null);
    }
  }
}

const titles: Record<Settings['cell'], string> = { lstm: 'LSTM', gru: 'GRU', simpleRNN: 'Plain RNN' };

/** One network. */
class Row {
  readonly node: HTMLElement;
  readonly #units: number;
  readonly #input = new Spark('units-input');
  readonly #sparks: Spark[];
  readonly #output = new Spark('units-output');
  readonly #answer = element('output');

  constructor(title: string, { units, layers }: Settings) {
    this.#units = units;
    this.#sparks = Array.from({ length: Math.min(units, mostUnits) }, () => new Spark('units-unit'));
    const shown = units > mostUnits ? `, the first ${mostUnits} drawn` : '';
    const layer = layers > 1 ? ' in the last layer' : '';
    const picture = element(
      'div',
      { className: 'units-flow' },
      element('div', { className: 'units-end' }, 'input', this.#input.node),
      element('div', { className: 'units-grid' }, ...this.#sparks.map(({ node }) => node)),
      element('div', { className: 'units-end' }, 'prediction', this.#output.node, this.#answer),
    );
    this.node = element(
      'section',
      {},
      element('h2', {}, title, element('span', {}, `${amount(units, 'unit')}${layer}${shown}`)),
      picture,
    );
    picture.setAttribute('role', 'img');
    picture.setAttribute('aria-label', `${title}: the input, the output of each unit and the prediction over time`);
  }

  show(input: Float32Array, { units, prediction }: View, from: number, to: number, everyStep: boolean): void {
    this.#input.show(to - from, t => input[from + t]!, 1);
    for (const [unit, spark] of this.#sparks.entries()) {
      spark.show(to - from, t => units![(from + t) * this.#units + unit]!, 0.1);
    }
    this.#output.node.toggleAttribute('hidden', !everyStep);
    if (everyStep) this.#output.show(to - from, t => prediction[from + t]!, 1);
    this.#answer.textContent = everyStep ? '' : prediction[0]!.toFixed(2);
  }
}
