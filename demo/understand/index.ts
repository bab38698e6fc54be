/** The section that takes the cells apart: what the reader chooses in it, and what is shown of the two networks. */

import { setText } from '../element.ts';
import type { Settings } from '../settings.ts';
import type { Task } from '../tasks/index.ts';
import { amount, costText } from '../words.ts';
import { type Choice, change, decimal, type Look, within } from './look.ts';
import { frame, storyOf } from './markup.ts';
import { numbersAt } from './numbers.ts';
import { nameOf, Pictures, type Subject, shareOfLast, unitsShown } from './pictures.ts';
import { Practice } from './practice.ts';
import { gatedCell } from './twins.ts';
import './style.css';

export interface Understand {
  /** Networks for other settings; the reader's choice stays where it can. */
  show(settings: Settings, task: Task): void;
  /** To be kept, under these names: those that are drawn. */
  readonly pictures: Pictures['kept'];
}

/** Milliseconds that a step is shown while the reader lets the steps walk. */
const stride = 700;
/** Pictures are drawn when they are this near, in pixels. */
const near = '600px';

/** Fills a place in the page. Nothing is computed, and hardly anything drawn, before the reader comes near. */
export function understand(place: HTMLElement): Understand {
  return new Lesson(place);
}

class Lesson implements Understand {
  readonly #place: HTMLElement;
  readonly #pictures: Pictures;
  readonly #practice: Practice;
  readonly #controls: {
    train: HTMLButtonElement;
    play: HTMLButtonElement;
    unit: HTMLInputElement;
    step: HTMLInputElement;
  };
  /** Readers who want less motion start everything themselves. */
  readonly #still = matchMedia('(prefers-reduced-motion: reduce)').matches;
  /** Whether the reader lets them train: until they are paused, in other settings too. */
  #lets = !this.#still;
  #subject: Subject | null = null;
  #choice: Choice = { unit: 0, step: 0 };
  #look: Look | null = null;
  #near = false;
  #seen = false;
  #walk = 0;

  constructor(place: HTMLElement) {
    this.#place = place;
    place.classList.add('understand');
    place.innerHTML = frame;
    const control = <E extends HTMLElement>(selector: string) => place.querySelector<E>(selector)!;
    this.#controls = {
      train: control('[data-control="train"]'),
      play: control('[data-control="play"]'),
      unit: control('#understand-unit'),
      step: control('#understand-step'),
    };
    this.#pictures = new Pictures(place, choice => this.#choose(choice));
    this.#practice = new Practice({
      looked: look => this.#looked(look),
      rested: trained => this.#enter('rested', `Paused after ${count(trained)}. Train on as long as you like.`),
      failed: error => this.#enter('failed', `The networks cannot run here: ${error.message}`),
      // For programs: what was on its way when it was paused, or left, is done
      busy: busy => this.#place.toggleAttribute('data-busy', busy),
    });
    this.#listen();
    this.#watch();
  }

  get pictures(): Pictures['kept'] {
    return this.#pictures.kept;
  }

  show(settings: Settings, task: Task): void {
    const { units, timeSteps } = settings;
    const kind = gatedCell(settings);
    const first = this.#subject === null;
    this.#subject = { kind, units, timeSteps };
    this.#look = null;
    delete this.#place.dataset.trained;
    this.#controls.unit.max = String(units - 1);
    this.#controls.step.max = String(timeSteps - 1);
    this.#tell(kind);
    // Somewhere in the middle there is more to see than at the beginning.
    this.#choose(within(first ? { unit: 0, step: Math.floor(timeSteps / 2) } : this.#choice, units, timeSteps));
    if (this.#near) this.#pictures.draw(this.#subject);
    this.#practice.want(settings, task, this.#lets);
    if (this.#lets) this.#enter('training', training);
    else if (this.#still) this.#enter('ready', 'Your system asks for reduced motion, so training waits for you.');
    else this.#enter('ready', 'New networks, not trained yet.');
  }

  /** The words that depend on the cell. */
  #tell(kind: Subject['kind']): void {
    this.#place.dataset.kind = kind;
    for (const [name, html] of Object.entries(storyOf(kind))) this.#text(name).innerHTML = html;
    this.#say('gated-line', `${nameOf[kind]}, in h`);
    this.#text('cell-line').hidden = kind === 'gru';
    const shown = unitsShown(this.#subject!);
    if (shown < this.#subject!.units) this.#text('heat').append(` Only the first ${shown} units are drawn.`);
    for (const data of this.#place.querySelectorAll('data')) data.textContent = '–';
    for (const name of ['verdict', 'progress']) this.#say(name, '');
  }

  // ------------------------------------------------------------------------------------------- what the reader does

  #listen(): void {
    const { train, play, unit, step } = this.#controls;
    const chosen = () => this.#choose({ unit: unit.valueAsNumber, step: step.valueAsNumber });
    unit.addEventListener('input', chosen);
    step.addEventListener('input', () => {
      this.#stand();
      chosen();
    });
    train.addEventListener('click', () => {
      this.#lets = !this.#practice.trains;
      this.#practice.train(this.#lets);
      if (this.#lets) this.#enter('training', training);
      else this.#enter('paused', 'Paused.');
    });
    play.hidden = this.#still;
    play.addEventListener('click', () => {
      if (this.#walk) this.#stand();
      else {
        this.#walk = window.setInterval(() => this.#stride(), stride);
        play.textContent = 'Stop';
        this.#stride();
      }
    });
  }

  #choose(choice: Choice): void {
    this.#choice = choice;
    for (const name of ['unit', 'step'] as const) {
      const value = String(choice[name]);
      this.#controls[name].value = value;
      this.#place.querySelector(`output[for="understand-${name}"]`)!.textContent = value;
      this.#place.dataset[name] = value;
    }
    this.#say('chosen', `unit ${choice.unit} at time step ${choice.step}`);
    this.#draw();
  }

  /** One time step further, and from the last to the first. */
  #stride(): void {
    if (this.#seen) this.#choose({ ...this.#choice, step: (this.#choice.step + 1) % this.#subject!.timeSteps });
  }

  #stand(): void {
    clearInterval(this.#walk);
    this.#walk = 0;
    this.#controls.play.textContent = 'Play steps';
  }

  /** Draws when the reader comes near, and works while it is in view. */
  #watch(): void {
    const nearby = new IntersectionObserver(
      entries => {
        if (!entries.some(entry => entry.isIntersecting)) return;
        nearby.disconnect();
        this.#near = true;
        if (this.#subject) this.#pictures.draw(this.#subject);
        this.#draw();
      },
      { rootMargin: near },
    );
    nearby.observe(this.#place);
    let inView = false;
    const seen = () => {
      this.#seen = inView && !document.hidden;
      this.#practice.show(this.#seen);
    };
    new IntersectionObserver(entries => {
      inView = entries.at(-1)!.isIntersecting;
      seen();
    }).observe(this.#place);
    document.addEventListener('visibilitychange', seen);
  }

  // ---------------------------------------------------------------------------------------------- what is shown

  #enter(state: 'ready' | 'training' | 'paused' | 'rested' | 'failed', sentence: string): void {
    this.#place.dataset.state = state;
    this.#say('status', sentence);
    this.#controls.train.textContent = state === 'training' ? 'Pause' : 'Train both';
    this.#controls.train.disabled = state === 'failed';
  }

  #looked(look: Look): void {
    this.#look = look;
    this.#place.dataset.trained = String(look.trained);
    const costs = [look.plain, look.gated].map(
      ({ kind, cost }) => cost !== null && `${kind === 'rnn' ? 'plain RNN' : nameOf[kind]} ${costText(cost)}`,
    );
    this.#say('progress', `${count(look.trained)}${costs[0] ? `. Cost: ${costs.join(', ')}` : ''}`);
    this.#judge(look);
    this.#draw();
  }

  /** How the gradients fare, in words; for programs, their sizes. */
  #judge({ plain, gated, timeSteps }: Look): void {
    const { dataset } = this.#place.querySelector<HTMLElement>('[data-picture="reach"]')!;
    const write = (norms: Float64Array | null) => norms?.join(' ') ?? '';
    dataset.plain = write(plain.reach.h);
    dataset.gated = write(gated.reach.h);
    dataset.cell = write(gated.reach.c);
    const to = (norms: Float64Array | null) => change(shareOfLast(norms)?.[0] ?? NaN);
    const last = `From step ${timeSteps - 1} back to step 0, the gradient ${to(plain.reach.h)} in the plain RNN. `;
    const own = gated.reach.c
      ? `In the LSTM it ${to(gated.reach.h)} in h, and ${to(gated.reach.c)} along the cell state.`
      : `In the GRU it ${to(gated.reach.h)}.`;
    this.#say('verdict', last + own);
  }

  #draw(): void {
    const look = this.#look;
    if (!look) return;
    const numbers = numbersAt(look, this.#choice);
    for (const data of this.#place.querySelectorAll<HTMLDataElement>('data')) {
      const value = numbers[data.dataset.number!]!;
      data.value = String(value);
      setText(data, decimal(value));
    }
    const { step } = this.#choice;
    const x = Array.from({ length: look.inputs }, (_, n) => decimal(look.x[step * look.inputs + n]!));
    this.#say('input', x.length > 1 ? `x is (${x.join(', ')}), of which the first is drawn` : `x is ${x[0]}`);
    if (this.#near) this.#pictures.show(look, this.#choice);
  }

  #text(name: string): HTMLElement {
    return this.#place.querySelector<HTMLElement>(`[data-text="${name}"]`)!;
  }

  #say(name: string, words: string): void {
    setText(this.#text(name), words);
  }
}

const training = 'Both learn from the same batches, as long as this part is in view.';

const count = (steps: number) => amount(steps, 'training step');
