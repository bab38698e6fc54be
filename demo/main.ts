/** The page: trains the network in short slices between frames, and shows how it does. */

import { backendInfo, version } from 'lstm-wasm';
import { lossPlot, predictionPlot } from 'lstm-wasm/plot';
import { History } from './history.ts';
import { Meter, Pace, speedName, speeds } from './pace.ts';
import { ResponsivePlot } from './responsivePlot.ts';
import { sections } from './sections.ts';
import { Trainer } from './trainer.ts';
import { elements, type Progress, type State, seconds, showBackend, showProgress, showState } from './view.ts';
import { firstRow, waves } from './wave.ts';

/** The program shown here takes this many steps; after them the reader decides. */
const enough = 501;
/** Below it the lines lie close to each other. Some runs take a few more steps to get there. */
const learned = 0.02;

const pace = new Pace(speeds[elements.speed.valueAsNumber]!);
const meter = new Meter();
let trainer: Trainer;
let history: History;
let state: State = 'ready';
let trainingTime = 0;
let scheduled = 0;
/** The end of the axis of steps; doubled when the run comes there. */
let horizon = enough - 1;

const wavePlot = new ResponsivePlot(
  elements.wavePlot,
  size =>
    predictionPlot({
      ...size,
      theme: 'auto',
      xLabel: viewed() === 'row' ? 'time, radians' : 'time since a crest, radians',
    }),
  () => drawWave(),
);
const costPlot = new ResponsivePlot(elements.costPlot, size =>
  lossPlot({ ...size, theme: 'auto', xDomain: [0, horizon] }),
);

// ------------------------------------------------------------------------------------------------------- the run

/** New weights, no steps. */
function renew(): void {
  trainer?.dispose();
  trainer = new Trainer();
  history = new History();
  meter.start();
  trainingTime = 0;
  horizon = enough - 1;
  costPlot.rebuild();
  draw();
}

function enter(next: State, sentence: string): void {
  state = next;
  showProgress(progress(), performance.now(), true);
  showState(next, sentence);
  if (next === 'training') {
    meter.start();
    pace.start(performance.now());
    scheduled ||= requestAnimationFrame(frame);
  } else {
    cancelAnimationFrame(scheduled);
    scheduled = 0;
  }
}

function frame(now: number): void {
  scheduled = requestAnimationFrame(frame);
  const before = trainer.steps;
  const started = performance.now();
  pace.frame(now, trainOne);
  if (trainer.steps === before) return;
  trainingTime += performance.now() - started;
  meter.mark(now, trainer.steps);
  draw();
  showProgress(progress(), now);
  if (trainer.steps === enough) enter('done', verdict());
}

/** Says whether there may be another step in this frame: the run stops at `enough`, wherever in a frame that is. */
function trainOne(): boolean {
  const step = trainer.steps;
  history.add(step, trainer.step());
  return trainer.steps !== enough;
}

function verdict(): string {
  if (history.recentCost < learned) return `Learned the cosine in ${effort()}.`;
  return `${effort()}, and not quite there. Keep going, or reset to try other weights.`;
}

const stepsText = () => (trainer.steps === 1 ? '1 step' : `${trainer.steps.toLocaleString('en')} steps`);
const effort = () => `${stepsText()}, ${seconds(trainingTime)} seconds of training time`;

const progress = (): Progress => ({
  steps: trainer.steps,
  cost: history.cost,
  rate: meter.rate,
  time: trainingTime,
});

// ---------------------------------------------------------------------------------------------------- the charts

const viewed = () => elements.views.querySelector<HTMLInputElement>('input:checked')?.value;

function draw(): void {
  drawWave();
  if (trainer.steps > horizon + 1) {
    horizon *= 2;
    costPlot.rebuild();
  }
  costPlot.update({ ...history.curve, caption: '' });
}

function drawWave(): void {
  if (state === 'failed') return;
  const batch = { start: trainer.start, ...trainer.look() };
  const caption = trainer.steps === 0 ? 'not trained yet' : `after ${stepsText()}`;
  const data = viewed() === 'row' ? firstRow(batch) : waves(batch, wavePlot.width < 520 ? 1.25 : 2);
  wavePlot.update({ ...data, caption });
}

// -------------------------------------------------------------------------------------------------- the controls

elements.toggle.addEventListener('click', () => {
  if (state === 'training') enter('paused', `Paused after ${effort()}.`);
  else enter('training', trainer.steps < enough ? 'Training.' : 'Training on.');
});

elements.reset.addEventListener('click', () => {
  renew();
  enter('ready', 'New random weights, nothing learned yet.');
});

elements.speed.addEventListener('input', showSpeed);
function showSpeed(): void {
  pace.speed = speeds[elements.speed.valueAsNumber]!;
  elements.speedName.textContent = speedName(pace.speed);
  elements.speed.setAttribute('aria-valuetext', speedName(pace.speed));
}

elements.views.addEventListener('change', () => {
  drawWave();
  wavePlot.rebuild();
});

// Frames stop in a hidden tab, and so does training. The time away is no part of the speed.
document.addEventListener('visibilitychange', () => meter.start());

// ----------------------------------------------------------------------------------------------------- beginning

try {
  showSpeed();
  renew();
  showBackend(backendInfo(), version, trainer!.weights);
  if (matchMedia('(prefers-reduced-motion: reduce)').matches) {
    enter('ready', 'Your system asks for reduced motion, so training waits for you to start it.');
  } else {
    enter('training', 'Training.');
  }
} catch (error) {
  state = 'failed';
  showState(state, `The network cannot run in this browser: ${(error as Error).message}`);
  throw error;
}

void sections();
