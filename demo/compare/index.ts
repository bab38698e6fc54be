/** The section in which plain JavaScript and WebAssembly train the same network. */

import './style.css';
import { element } from '../element.ts';
import type { Settings } from '../settings.ts';
import type { Task } from '../tasks/task.ts';
import { type Course, courseOf } from './course.ts';
import { type RunnerName, race, runners, type Standings } from './race.ts';
import { Track } from './track.ts';
import { differenceOf, ratioOf, verdict } from './verdict.ts';

type State = 'ready' | 'warming' | 'racing' | 'done' | 'stopped' | 'failed';

const labels: Record<State, string> = {
  ready: 'Start the race',
  warming: 'Stop',
  racing: 'Stop',
  done: 'Race again',
  stopped: 'Race again',
  failed: 'Try again',
};

const about =
  'Plain JavaScript is here what a careful programmer writes. Both begin with the same weights and see the same ' +
  'batches, each in a worker of its own. They take turns of 50 milliseconds, and so neither can slow the other. The ' +
  'clocks run only inside of training steps, and before they start both have run until they were warm. Pause the run ' +
  'above for the cleanest numbers.';

export function compare(place: HTMLElement): { show(settings: Settings, task: Task): void } {
  const button = element('button', { type: 'button', className: 'primary' }, labels.ready);
  const title = element('p', { className: 'compare-title' });
  const instead = element('p', { className: 'compare-instead', hidden: true });
  const said = element('p', { className: 'compare-said' });
  said.setAttribute('role', 'status');
  const tracks: Record<RunnerName, Track> = {
    plain: new Track('Plain JavaScript', 'typed arrays, nothing allocated'),
    wasm: new Track('WebAssembly', 'lstm-wasm, SIMD'),
  };
  place.classList.add('compare');
  place.replaceChildren(
    element('p', { className: 'compare-about' }, about),
    element('div', { className: 'compare-controls' }, button, element('div', {}, title, instead)),
    element('div', { className: 'compare-tracks' }, ...runners.map(name => tracks[name].node)),
    said,
  );

  let course: Course | null = null;
  let running: AbortController | null = null;

  function enter(state: State, sentence: string): void {
    place.dataset.state = state;
    button.textContent = labels[state];
    button.classList.toggle('primary', state !== 'warming' && state !== 'racing');
    said.textContent = sentence;
  }

  function show(standings: Standings): void {
    for (const name of runners) tracks[name].show(standings[name]);
  }

  async function run(chosen: Course): Promise<void> {
    const control = new AbortController();
    running = control;
    for (const name of runners) tracks[name].begin(1);
    delete place.dataset.ratio;
    delete place.dataset.difference;
    enter('warming', 'Both are warming up.');
    const started = (steps: number) => {
      for (const name of runners) tracks[name].begin(steps);
      enter('racing', `Racing: ${steps} steps each.`);
    };
    try {
      const standings = await race(chosen, started, show, control.signal);
      place.dataset.ratio = String(ratioOf(standings));
      place.dataset.difference = String(differenceOf(standings));
      enter('done', verdict(standings));
    } catch (error) {
      if (control.signal.aborted) enter('stopped', 'Stopped before the end.');
      else enter('failed', `The race cannot be run here: ${(error as Error).message}`);
    } finally {
      running = null;
    }
  }

  button.addEventListener('click', () => {
    if (running) running.abort();
    else if (course) void run(course);
  });
  enter('ready', 'It takes some seconds.');

  return {
    show(settings, task) {
      course = courseOf(settings, task);
      title.textContent = course.title;
      instead.textContent = course.instead;
      instead.hidden = course.instead === '';
      // What runs, or has run, was for other settings
      running?.abort();
      if (place.dataset.state === 'done') enter('stopped', 'The settings have changed since.');
    },
  };
}
