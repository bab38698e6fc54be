/** The page: what is set, what is in the address bar, and the sections that show it. */

import { compare } from './compare/index.ts';
import { setText } from './element.ts';
import { keep } from './keep/index.ts';
import { Learn } from './learn.ts';
import { csvInput, drawPad, ownFault } from './own/index.ts';
import { speedName, speeds } from './pace.ts';
import { panel } from './panel.ts';
import { pictures } from './pictures.ts';
import { addressFaults, defaultsOf, readAddress, type Settings, type TaskName, writeAddress } from './settings.ts';
import { tasks } from './tasks/index.ts';
import { networkText, stateWarning } from './texts.ts';
import { understand } from './understand/index.ts';
import { elements, showNote } from './view.ts';

const place = (id: string) => document.querySelector<HTMLElement>(`#${id} > .place`)!;
const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
const waits = 'Your system asks for reduced motion, so training waits for you to start it.';

let settings = readAddress(location.hash);
/** Whether the reader has let anything move. */
let moving = !calm;
/** Whether the reader has chosen a speed; until then, tasks that take many steps go fast. */
let chosenSpeed = false;
/** The reader's own numbers, which come back with their task. */
const own: { [name in TaskName]?: string } = { [settings.task]: settings.own };

const learn = new Learn(settings, speeds[elements.speed.valueAsNumber]!);
const controls = panel(() => settings, change);
const inside = understand(place('understand'));
const sections = [
  inside,
  compare(place('compare')),
  keep(place('keep'), {
    settings: () => settings,
    task: () => tasks[settings.task],
    model: () => learn.model(),
    pictures: () => [...learn.pictures, ...inside.pictures],
  }),
];

// ------------------------------------------------------------------------------------------------------- settings

/** Another run, from its beginning. */
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
  setText(elements.network, networkText(settings, task));
  controls.show(settings);
  if (otherTask) {
    showTask();
    makeOwn();
    showSpeed();
  }
  for (const section of sections) section.show(settings, task);
}

/** Chooses the task, and brings it into view where the tasks are a strip that is wider than the page. */
function showTask(): void {
  const chosen = elements.tasks.querySelector<HTMLInputElement>(`[value="${settings.task}"]`)!;
  chosen.checked = true;
  const [strip, label] = [elements.tasks.getBoundingClientRect(), chosen.parentElement!.getBoundingClientRect()];
  elements.tasks.scrollLeft += label.left + label.width / 2 - (strip.left + strip.width / 2);
}

const inputs: { [name in TaskName]?: typeof drawPad } = { drawn: drawPad, csv: csvInput };
/** The place where readers draw, or put a table in; null where the task has none. */
let ownInput: ReturnType<typeof drawPad> | null = null;

/** A place of its own for each task, so that nothing of the one before listens or shows in it. */
function makeOwn(): void {
  const input = inputs[settings.task];
  const box = document.createElement('div');
  elements.own.replaceChildren(box);
  elements.own.hidden = !input;
  ownInput = input?.(box, packed => takeOwn(box, packed)) ?? null;
  ownInput?.show(settings.own);
}

/** A file is read, and what is pasted waited for, while the reader may go on to another task. */
function takeOwn(box: HTMLElement, packed: string): void {
  if (box.isConnected) change({ ...settings, own: packed });
}

elements.tasks.addEventListener('change', event => {
  const task = (event.target as HTMLInputElement).value as TaskName;
  controls.say('');
  // What suits the new task; the seed is the reader's.
  change({ ...defaultsOf(task), seed: settings.seed, own: own[task] ?? '' });
});

window.addEventListener('hashchange', () => {
  const next = readAddress(location.hash);
  const otherNumbers = next.own !== settings.own;
  if (JSON.stringify(next) !== JSON.stringify(settings)) change(next, 'leave');
  if (otherNumbers) ownInput?.show(next.own);
  sayFaults();
});

/** What the link asks for and the page cannot do. */
function sayFaults(): void {
  controls.say([...addressFaults(location.hash), ownFault(settings)].filter(Boolean).join(' '));
}

// -------------------------------------------------------------------------------------------------------- the run

elements.toggle.addEventListener('click', () => {
  moving = true;
  learn.toggle();
});
elements.step.addEventListener('click', () => learn.step());
elements.reset.addEventListener('click', () => {
  void learn.begin(settings, `Back to the first weights, those of seed ${settings.seed}. Nothing learned yet.`);
});

elements.speed.addEventListener('input', () => {
  chosenSpeed = true;
  showSpeed();
});

/** Steps that nobody wants to watch one by one. */
const many = 600;

function showSpeed(): void {
  if (!chosenSpeed && pictures[settings.task].enough > many) elements.speed.value = String(speeds.length - 1);
  const speed = speeds[elements.speed.valueAsNumber]!;
  learn.pace.speed = speed;
  learn.pace.start(performance.now());
  setText(elements.speedName, speedName(speed));
  elements.speed.setAttribute('aria-valuetext', speedName(speed));
}

// ------------------------------------------------------------------------------------------------------ beginning

show(true);
sayFaults();
void learn.begin(settings, moving ? '' : waits);
