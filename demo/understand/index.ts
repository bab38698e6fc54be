/** The section about the cells: its controls, and what it shows of two networks. */

import { setText } from '../element.ts';
import type { Settings } from '../settings.ts';
import type { Task } from '../tasks/index.ts';
import { amount, costText } from '../words.ts';
import { FarBack } from './farBack.ts';
import { type Choice, decimal, type Look, within } from './look.ts';
import { frame, storyOf } from './markup.ts';
import { numbersAt } from './numbers.ts';
import { nameOf, Pictures, type Subject, unitsShown } from './pictures.ts';
import { Practice } from './practice.ts';
import { gatedCell } from './twins.ts';
import './style.css';

export interface Understand {
  /** Creates networks for other settings; the choice of unit and step stays if possible. */
  show(settings: Settings, task: Task): void;
  /** Pictures that can be downloaded, by name. */
  readonly pictures: Pictures['kept'];
}

/** Milliseconds that a step is shown while the steps play. */
const stride = 700;
/** Pictures are drawn when they are this near, in pixels. */
const near = '600px';

/** Fills a place in the page. It computes and draws only when it is near the view. */
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
  /** With reduced motion, nothing starts by itself. */
  readonly #still = matchMedia('(prefers-reduced-motion: reduce)').matches;
  /** Whether they train: until they are paused, also after a change of settings. */
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
      rested: trained => this.#enter('rested', `Stopped after ${count(trained)}.`),
      failed: error => this.#enter('failed', `The networks cannot run here: ${error.message}`),
      // For programs: whether a calculation is running
      busy: busy => this.#place.toggleAttribute('data-busy', busy),
    });
    this.#listen();
    this.#watch();
    new FarBack(place.querySelector<HTMLElement>('[data-part="far-back"]')!);
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
    else if (this.#still) this.#enter('ready', 'Your system prefers reduced motion. Press the button to train.');
    else this.#enter('ready', 'New networks, not trained yet.');
  }

  /** The texts that depend on the cell. */
  #tell(kind: Subject['kind']): void {
    this.#place.dataset.kind = kind;
    for (const [name, html] of Object.entries(storyOf(kind))) this.#text(name).innerHTML = html;
    const shown = unitsShown(this.#subject!);
    if (shown < this.#subject!.units) this.#text('heat').append(` Only the first ${shown} units are drawn.`);
    for (const data of this.#place.querySelectorAll('data')) data.textContent = '–';
    this.#say('progress', '');
  }

  // ------------------------------------------------------------------------------------------- controls

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
        play.textContent = 'Stop time steps';
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
    this.#controls.play.textContent = 'Play time steps';
  }

  /** Draws when it is near the view, and trains while it is in view. */
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

  // ---------------------------------------------------------------------------------------------- display

  #enter(state: 'ready' | 'training' | 'paused' | 'rested' | 'failed', sentence: string): void {
    this.#place.dataset.state = state;
    this.#say('status', sentence);
    this.#controls.train.textContent = state === 'training' ? 'Pause both networks' : 'Train both networks';
    this.#controls.train.disabled = state === 'failed';
  }

  #looked(look: Look): void {
    this.#look = look;
    this.#place.dataset.trained = String(look.trained);
    const costs = [look.plain, look.gated].map(
      ({ kind, cost }) => cost !== null && `${kind === 'rnn' ? 'plain RNN' : nameOf[kind]} ${costText(cost)}`,
    );
    this.#say('progress', `${count(look.trained)}${costs[0] ? `. Cost: ${costs.join(', ')}` : ''}`);
    this.#draw();
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
    this.#say('input', x.length > 1 ? `x is (${x.join(', ')}), with the first drawn` : `x is ${x[0]}`);
    if (this.#near) this.#pictures.show(look, this.#choice);
  }

  #text(name: string): HTMLElement {
    return this.#place.querySelector<HTMLElement>(`[data-text="${name}"]`)!;
  }

  #say(name: string, words: string): void {
    setText(this.#text(name), words);
  }
}

const training = 'Both networks train on the same batches while this section is in view.';

const count = (steps: number) => amount(steps, 'training step');
