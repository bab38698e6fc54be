/** The section that compares plain JavaScript with WebAssembly. */

import './style.css';
import { element } from '../element.ts';
import type { Settings } from '../settings.ts';
import type { Task } from '../tasks/task.ts';
import { seconds } from '../words.ts';
import { type Course, courseOf, mostRate } from './course.ts';
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
  '“Plain JavaScript” means a careful hand-written implementation. Both have the same weights and batches, each in its ' +
  'own worker. They take turns of 50 ms after a warm-up, and only training steps are timed. The learning rate is at ' +
  `most ${mostRate}, so that rounding errors do not grow. Pause the runs above for more accurate numbers.`;

export function compare(place: HTMLElement): { show(settings: Settings, task: Task): void } {
  const button = element('button', { type: 'button', className: 'primary' }, labels.ready);
  const title = element('p', { className: 'compare-title' });
  const instead = element('p', { className: 'compare-instead', hidden: true });
  const said = element('p', { className: 'compare-said' });
  said.setAttribute('role', 'status');
  const tracks: Record<RunnerName, Track> = {
    plain: new Track('Plain JavaScript', 'typed arrays, no allocation'),
    wasm: new Track('WebAssembly', 'lstm-wasm, SIMD'),
  };
  const end = element('span', {}, '–');
  const axis = element('p', { className: 'compare-axis' }, element('span', {}, '0 s'), 'training time', end);
  place.classList.add('compare');
  place.replaceChildren(
    element('p', { className: 'compare-about' }, about),
    element('div', { className: 'compare-controls' }, button, element('div', {}, title, instead)),
    element('div', { className: 'compare-tracks' }, ...runners.map(name => tracks[name].node), axis),
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

  /** The end of the time axis in milliseconds. */
  let longest = 1;

  function setAxis(milliseconds: number): void {
    longest = milliseconds;
    end.textContent = `${seconds(longest)} s`;
  }

  function show(standings: Standings): void {
    setAxis(Math.max(longest, ...runners.map(name => standings[name].time)));
    for (const name of runners) tracks[name].show(standings[name], longest);
  }

  async function run(chosen: Course): Promise<void> {
    const control = new AbortController();
    running = control;
    for (const name of runners) tracks[name].begin(1, 1);
    delete place.dataset.ratio;
    delete place.dataset.difference;
    enter('warming', 'Warming up.');
    const started = (steps: number, milliseconds: number) => {
      setAxis(milliseconds);
      for (const name of runners) tracks[name].begin(steps, milliseconds);
      enter('racing', `Racing: ${steps} steps each.`);
    };
    try {
      const standings = await race(chosen, started, show, control.signal);
      longest = 1; // the axis ends with the slower one
      show(standings);
      place.dataset.ratio = String(ratioOf(standings));
      place.dataset.difference = String(differenceOf(standings));
      enter('done', verdict(standings));
    } catch (error) {
      if (control.signal.aborted) enter('stopped', 'Stopped before the end.');
      else enter('failed', `The race failed: ${(error as Error).message}`);
    } finally {
      running = null;
    }
  }

  button.addEventListener('click', () => {
    if (running) running.abort();
    else if (course) void run(course);
  });
  enter('ready', 'This takes a few seconds.');

  return {
    show(settings, task) {
      course = courseOf(settings, task);
      title.textContent = course.title;
      instead.textContent = course.instead;
      instead.hidden = course.instead === '';
      // A race or a result of other settings
      running?.abort();
      if (place.dataset.state === 'done') enter('stopped', 'The settings have changed since.');
    },
  };
}
