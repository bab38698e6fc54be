/** What the page shows besides its charts. */

import type { BackendInfo } from 'lstm-wasm';

export type State = 'ready' | 'training' | 'paused' | 'done' | 'failed';

const element = <E extends HTMLElement = HTMLElement>(id: string) => document.getElementById(id) as E;

export const elements = {
  main: element('main'),
  toggle: element<HTMLButtonElement>('toggle'),
  reset: element<HTMLButtonElement>('reset'),
  speed: element<HTMLInputElement>('speed'),
  speedName: element('speed-name'),
  views: element('views'),
  wavePlot: element('wave-plot'),
  costPlot: element('cost-plot'),
  status: element('status'),
};

const numbers = {
  steps: element('steps'),
  cost: element('cost'),
  rate: element('rate'),
  time: element('time'),
};

export interface Progress {
  steps: number;
  cost: number | null;
  /** Steps per second. */
  rate: number | null;
  /** Milliseconds spent in training. */
  time: number;
}

const none = '–';
/** Milliseconds. Measured values that change more often than this flicker and cannot be read. */
const readable = 100;
let shown = 0;

/** The numbers, for readers and, as attributes of `<main>`, for programs. */
export function showProgress({ steps, cost, rate, time }: Progress, now: number, always = false): void {
  elements.main.dataset.step = String(steps);
  elements.main.dataset.cost = cost === null ? '' : String(cost);
  setText(numbers.steps, steps.toLocaleString('en'));
  if (!always && now - shown < readable) return;
  shown = now;
  setText(numbers.cost, cost === null ? none : costText(cost));
  setText(numbers.rate, rate === null ? none : rate < 10 ? rate.toFixed(1) : Math.round(rate).toLocaleString('en'));
  setText(numbers.time, `${seconds(time)} s`);
}

export const costText = (cost: number) => cost.toPrecision(cost < 0.001 ? 2 : 3);
export const seconds = (milliseconds: number) => (milliseconds / 1000).toFixed(2);

const labels: Record<State, string> = {
  ready: 'Start',
  training: 'Pause',
  paused: 'Continue',
  done: 'Keep going',
  failed: 'Start',
};

/** State, button and sentence; the sentence is read out by screen readers, and so it changes with the state only. */
export function showState(state: State, sentence: string): void {
  elements.main.dataset.state = state;
  setText(elements.toggle, labels[state]);
  setText(elements.status, sentence);
  elements.toggle.disabled = elements.reset.disabled = state === 'failed';
}

export function showBackend({ simd, wasmBytes, memoryBytes }: BackendInfo, version: string, weights: number): void {
  setText(element('version'), version);
  setText(element('simd'), simd === 'relaxed' ? 'SIMD, fused multiply-add' : 'SIMD, exactly rounded');
  setText(element('wasm'), `${wasmBytes.toLocaleString('en')} bytes`);
  setText(element('memory'), `${(memoryBytes / 2 ** 20).toFixed(1)} MiB`);
  setText(element('weights'), weights.toLocaleString('en'));
}

function setText(target: HTMLElement, text: string): void {
  if (target.textContent !== text) target.textContent = text;
}
