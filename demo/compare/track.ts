/** One of the two tracks: the training time as a bar, and numbers. Both bars have the same time axis. */

import { element } from '../element.ts';
import { costText } from '../words.ts';
import type { Standing } from './race.ts';
import { msPerStep } from './verdict.ts';

const none = '–';

export class Track {
  readonly node: HTMLElement;
  readonly #bar: HTMLProgressElement;
  readonly #numbers: Record<'steps' | 'time' | 'each' | 'cost', HTMLElement>;
  #steps = 0;

  constructor(name: string, about: string) {
    this.#bar = element('progress', { max: 1, value: 0 });
    this.#bar.setAttribute('aria-label', `${name}: training time`);
    const cell = () => element('dd', {}, none);
    this.#numbers = { steps: cell(), time: cell(), each: cell(), cost: cell() };
    const titles = { steps: 'Steps', time: 'Training time', each: 'Per step', cost: 'Cost' } as const;
    const rows = Object.entries(titles).map(([key, title]) =>
      element('div', {}, element('dt', {}, title), this.#numbers[key as keyof typeof titles]),
    );
    this.node = element(
      'div',
      { className: 'compare-track' },
      element('h3', {}, name, element('span', {}, about)),
      this.#bar,
      element('dl', {}, ...rows),
    );
  }

  /** @param milliseconds the end of the time axis */
  begin(steps: number, milliseconds: number): void {
    this.#steps = steps;
    this.#bar.max = milliseconds;
    this.#bar.value = 0;
    for (const cell of Object.values(this.#numbers)) cell.textContent = none;
  }

  /** @param milliseconds the end of the time axis */
  show(standing: Standing, milliseconds: number): void {
    const { costs, time } = standing;
    if (costs.length === 0) return;
    this.#bar.max = milliseconds;
    this.#bar.value = time;
    this.node.toggleAttribute('data-done', costs.length === this.#steps);
    this.node.dataset.steps = String(costs.length);
    const { steps, time: seconds, each, cost } = this.#numbers;
    steps.textContent = `${costs.length} of ${this.#steps}`;
    seconds.textContent = `${(time / 1000).toFixed(2)} s`;
    each.textContent = `${significant(msPerStep(standing))} ms`;
    cost.textContent = costText(costs.at(-1)!);
  }
}

/** Three digits, without an exponent if possible. */
const significant = (value: number) =>
  value >= 1000 && value < 1e6 ? String(Math.round(value)) : value.toPrecision(3);
