/** What the page shows of a run besides its charts. */

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
  status: element('status'),
  shows: element('shows'),
  warning: element('warning'),
  noise: element('noise'),
  network: element('network'),
};

const numbers = {
  steps: element('steps'),
  cost: element('cost'),
  rate: element('rate'),
  weights: element('weights'),
};

export interface Progress {
  steps: number;
  cost: number | null;
  /** Steps per second. */
  rate: number | null;
}

const none = '–';
/** Milliseconds. Measured values that change more often than this flicker and cannot be read. */
const readable = 100;
let shown = 0;

/** The numbers, for readers and, as attributes of `<main>`, for programs. Returns whether readers see other numbers. */
export function showProgress({ steps, cost, rate }: Progress, now: number, always = false): boolean {
  elements.main.dataset.step = String(steps);
  elements.main.dataset.cost = cost === null ? '' : String(cost);
  setText(numbers.steps, steps.toLocaleString('en'));
  if (!always && now - shown < readable) return false;
  shown = now;
  setText(numbers.cost, cost === null ? none : costText(cost));
  setText(numbers.rate, rate === null ? none : rate < 10 ? rate.toFixed(1) : Math.round(rate).toLocaleString('en'));
  return true;
}

const labels: Record<State, string> = {
  loading: 'Start',
  ready: 'Start',
  training: 'Pause',
  paused: 'Continue',
  done: 'Keep going',
  failed: 'Start',
};

/** State, button and sentence. */
export function showState(state: State, sentence: string): void {
  elements.main.dataset.state = state;
  showToggle(state);
  say(sentence);
  for (const button of [elements.toggle, elements.step]) button.disabled = state === 'failed';
}

export function showToggle(state: State): void {
  setText(elements.toggle, labels[state]);
}

/** Read out by screen readers, and so it changes with what happens only, and never with a number. */
export function say(sentence: string): void {
  setText(elements.status, sentence);
}

export function showBackend({ simd, wasmBytes, memoryBytes }: BackendInfo, version: string): void {
  setText(element('version'), version);
  setText(element('simd'), simd === 'relaxed' ? 'SIMD, fused multiply-add' : 'SIMD, exactly rounded');
  setText(element('wasm'), `${wasmBytes.toLocaleString('en')} bytes`);
  setText(element('memory'), `${(memoryBytes / 2 ** 20).toFixed(1)} MiB`);
}

export function showWeights(count: number): void {
  setText(numbers.weights, count.toLocaleString('en'));
}

/** A paragraph that is there only while it has something to say. */
export function showNote(target: HTMLElement, text: string): void {
  setText(target, text);
  target.hidden = text === '';
}
