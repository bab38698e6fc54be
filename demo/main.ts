/** The page: the settings, the address bar, and the sections that show them. */

import { compare } from './compare/index.ts';
import { setText } from './element.ts';
import { forecastSection } from './forecast/index.ts';
import { keep } from './keep/index.ts';
import { Learn } from './learn.ts';
import { drawPad, ownFault } from './own/index.ts';
import { speedName, speeds } from './pace.ts';
import { panel } from './panel.ts';
import { pictures } from './pictures.ts';
import {
  addressFaults,
  defaultsOf,
  hasRival,
  readAddress,
  type Settings,
  type TaskName,
  writeAddress,
} from './settings.ts';
import { tasks } from './tasks/index.ts';
import { networkText, stateWarning } from './texts.ts';
import { understand } from './understand/index.ts';
import { elements, showNote } from './view.ts';

const place = (id: string) => document.querySelector<HTMLElement>(`#${id} > .place`)!;
const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
const waits = 'Your system prefers reduced motion. Press Start to train.';

/** The settings in the address bar; a link to a section, such as #forecast, has none. */
const settingsHash = () => (document.getElementById(location.hash.slice(1)) ? '' : location.hash);

let settings = readAddress(settingsHash());
/** Whether training starts by itself. */
let moving = !calm;
/** The user's own curve, which is kept while another task is selected. */
const own: { [name in TaskName]?: string } = { [settings.task]: settings.own };

const learn = new Learn(settings, speeds[elements.speed.valueAsNumber]!);
const controls = panel(() => settings, change);
const inside = understand(place('understand'));
const forecast = forecastSection(place('forecast'));
const sections = [
  inside,
  compare(place('compare')),
  keep(place('keep'), {
    settings: () => settings,
    task: () => tasks[settings.task],
    model: () => learn.model(),
    pictures: () => [...learn.pictures, ...inside.pictures, ...forecast.pictures],
  }),
];

// ------------------------------------------------------------------------------------------------------- settings

/** Starts another run. */
function change(next: Settings, address: 'write' | 'leave' = 'write'): void {
  const before = settings;
  settings = next;
  own[next.task] = next.own;
  if (address === 'write') {
    history.replaceState(null, '', `${location.pathname}${location.search}${writeAddress(next)}`);
  }
  show(before.task !== next.task);
  void learn.begin(next, moving ? '' : waits);
}

function show(otherTask: boolean): void {
  const task = tasks[settings.task];
  setText(elements.about, task.about);
  setText(elements.shows, pictures[settings.task].shows);
  showNote(elements.warning, stateWarning(settings, task));
  elements.rival.hidden = !hasRival(settings);
  setText(elements.network, networkText(settings, task));
  controls.show(settings);
  if (otherTask) {
    showTask();
    makeOwn();
  }
  for (const section of sections) section.show(settings, task);
}

/** Selects the task, and scrolls to it where the row of tasks is wider than the page. */
function showTask(): void {
  const chosen = elements.tasks.querySelector<HTMLInputElement>(`[value="${settings.task}"]`)!;
  chosen.checked = true;
  const [strip, label] = [elements.tasks.getBoundingClientRect(), chosen.parentElement!.getBoundingClientRect()];
  elements.tasks.scrollLeft += label.left + label.width / 2 - (strip.left + strip.width / 2);
}

/** The pad of the task `drawn`; null for other tasks. */
let ownInput: ReturnType<typeof drawPad> | null = null;

function makeOwn(): void {
  const input = settings.task === 'drawn' ? drawPad : null;
  const box = document.createElement('div');
  elements.own.replaceChildren(box);
  elements.own.hidden = !input;
  ownInput = input?.(box, packed => takeOwn(box, packed)) ?? null;
  ownInput?.show(settings.own);
}

function takeOwn(box: HTMLElement, packed: string): void {
  if (box.isConnected) change({ ...settings, own: packed });
}

elements.tasks.addEventListener('change', event => {
  const task = (event.target as HTMLInputElement).value as TaskName;
  controls.clear();
  // The defaults of the new task, except the seed
  change({ ...defaultsOf(task), seed: settings.seed, own: own[task] ?? '' });
});

// The address bar keeps the settings.
for (const link of document.querySelectorAll<HTMLAnchorElement>('a[href^="#"]')) {
  link.addEventListener('click', event => {
    event.preventDefault();
    document.querySelector(link.getAttribute('href')!)!.scrollIntoView();
  });
}

window.addEventListener('hashchange', () => {
  const next = readAddress(settingsHash());
  const otherNumbers = next.own !== settings.own;
  if (JSON.stringify(next) !== JSON.stringify(settings)) change(next, 'leave');
  if (otherNumbers) ownInput?.show(next.own);
  sayFaults();
});

/** Reports invalid settings of a link. */
function sayFaults(): void {
  controls.say([...addressFaults(settingsHash()), ownFault(settings)].filter(Boolean).join(' '));
}

// -------------------------------------------------------------------------------------------------------- the run

elements.toggle.addEventListener('click', () => {
  moving = true;
  learn.toggle();
});
elements.step.addEventListener('click', () => learn.step());
elements.reset.addEventListener('click', () => {
  void learn.begin(settings, `Reset to the initial weights of seed ${settings.seed}.`);
});

elements.speed.addEventListener('input', showSpeed);

function showSpeed(): void {
  const speed = speeds[elements.speed.valueAsNumber]!;
  learn.pace.speed = speed;
  learn.pace.start(performance.now());
  setText(elements.speedName, speedName(speed));
  elements.speed.setAttribute('aria-valuetext', speedName(speed));
}

// --------------------------------------------------------------------------------------------------------- threads

// Only pages that are isolated from other origins have shared memory. Threads do not change the bits of a run.
elements.threads.closest<HTMLElement>('label')!.hidden = !crossOriginIsolated;
elements.threads.addEventListener('change', () => {
  learn.setThreads(elements.threads.checked ? navigator.hardwareConcurrency : 1);
  void learn.begin(settings, moving ? '' : waits);
});

// ----------------------------------------------------------------------------------------------------------- start

show(true);
sayFaults();
void learn.begin(settings, moving ? '' : waits);
