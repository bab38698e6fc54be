/** The elements of the page around a run, except its charts. */

import type { BackendInfo } from 'lstm-wasm';
import { setText } from './element.ts';
import { costText } from './words.ts';

export type State = 'loading' | 'ready' | 'training' | 'paused' | 'done' | 'failed';

const element = <E extends HTMLElement = HTMLElement>(id: string) => document.getElementById(id) as E;

export const elements = {
  main: element('main'),
  tasks: element('tasks'),
  about: element('about'),
  toggle: element<HTMLButtonElement>('toggle'),
  step: element<HTMLButtonElement>('step'),
  reset: element<HTMLButtonElement>('reset'),
  speed: element<HTMLInputElement>('speed'),
  speedName: element('speed-name'),
  own: element('own'),
  wavePlot: element('wave-plot'),
  costPlot: element('cost-plot'),
  units: element('units'),
  rival: element('rival'),
  threads: element<HTMLInputElement>('threads'),
  status: element('status'),
  shows: element('shows'),
  warning: element('warning'),
  noise: element('noise'),
  network: element('network'),
};

const numbers = {
  steps: element('steps'),
  cost: element('cost'),
  rival: element('rival-cost'),
  rate: element('rate'),
  weights: element('weights'),
};

export interface Progress {
  steps: number;
  cost: number | null;
  /** The cost of the plain RNN beside the network; null if there is none. */
  rivalCost: number | null;
  /** Steps per second. */
  rate: number | null;
}

const none = '–';
/** Milliseconds between two updates of the counters: numbers that change more often cannot be read. */
const readable = 250;
let shown = 0;

/** The counters, and attributes of `<main>` for programs, which are always current. Returns whether the counters changed. */
export function showProgress({ steps, cost, rivalCost, rate }: Progress, now: number, always = false): boolean {
  elements.main.dataset.step = String(steps);
  elements.main.dataset.cost = cost === null ? '' : String(cost);
  if (!always && now - shown < readable) return false;
  shown = now;
  setText(numbers.steps, steps.toLocaleString('en'));
  setText(numbers.cost, cost === null ? none : costText(cost));
  setText(numbers.rival, rivalCost === null ? none : costText(rivalCost));
  setText(numbers.rate, rate === null ? none : rate < 10 ? rate.toFixed(1) : Math.round(rate).toLocaleString('en'));
  return true;
}

const labels: Record<State, string> = {
  loading: 'Start',
  ready: 'Start',
  training: 'Pause',
  paused: 'Continue',
  done: 'Continue',
  failed: 'Start',
};

/** Shows a state with its button label and its sentence. */
export function showState(state: State, sentence: string): void {
  elements.main.dataset.state = state;
  showToggle(state);
  say(sentence);
  for (const button of [elements.toggle, elements.step]) button.disabled = state === 'failed';
}

export function showToggle(state: State): void {
  setText(elements.toggle, labels[state]);
}

/** Screen readers read it out, so it changes with events only, never with a counter. */
export function say(sentence: string): void {
  setText(elements.status, sentence);
}

export function showBackend({ simd, wasmBytes, memoryBytes, threads }: BackendInfo, version: string): void {
  setText(element('version'), version);
  setText(element('simd'), simd === 'relaxed' ? 'SIMD, relaxed' : 'SIMD, strict');
  setText(element('wasm'), `${wasmBytes.toLocaleString('en')} bytes`);
  setText(element('memory'), `${(memoryBytes / 2 ** 20).toFixed(1)} MiB`);
  setText(element('thread-count'), String(threads));
}

export function showWeights(count: number): void {
  setText(numbers.weights, count.toLocaleString('en'));
}

/** A paragraph that is hidden while it is empty. */
export function showNote(target: HTMLElement, text: string): void {
  setText(target, text);
  target.hidden = text === '';
}
