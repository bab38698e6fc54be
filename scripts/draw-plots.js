/**
 * Draws the pictures of docs/plots.md from a training run on the strict build, so that they are the same on every machine,
 * and the newest benchmark.
 *
 *   node scripts/draw-plots.js    writes docs/pictures/*.svg
 */

import { copyFileSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as lw from 'lstm-wasm';
import { sineCosine } from 'lstm-wasm/data';
import {
  benchmarkChart,
  cellDiagram,
  chainDiagram,
  gateHeatmap,
  lossPlot,
  predictionPlot,
  showPlot,
} from 'lstm-wasm/plot';
import { blocksOf, isProgram, run } from './documents.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const STEPS = 500;
const [B, T, U] = [50, 20, 20];
/** Takes every 20th step of `sineCosine`, so that a sequence has two waves. */
const STRIDE = 20;
/** The number of units in the heat map; more would make a large file. */
const SHOWN_UNITS = 4;
/** The unit and the time step of the live diagrams. */
const [UNIT, STEP] = [2, 12];

const theme = /** @type {const} */ ('auto');
/** @param {string} name @param {{ toSVG(): string }} plot */
const saveSVG = (name, plot) => showPlot(plot, `${root}docs/pictures/${name}.svg`);

drawRun();
drawLines();
drawHistory();
for (const kind of /** @type {const} */ (['lstm', 'gru', 'rnn'])) saveSVG(`cell-${kind}`, cellDiagram({ kind, theme }));
drawBenchmark();
await drawForecasts();
await drawReadme();
await drawSweep();

function drawRun() {
  lw.configure({ simd: 'strict' });
  lw.setRandomSeed(21);
  const model = lw.sequential();
  model.add(lw.layers.lstm({ units: U, returnSequences: true, inputShape: [T, 1] }));
  model.add(lw.layers.timeDistributed({ layer: lw.layers.dense({ units: 1 }) }));
  model.compile({ optimizer: lw.train.adam(0.01), loss: 'meanSquaredError' });

  const batches = sineCosine({ batchSize: B, timeSteps: T * STRIDE });
  const next = () => {
    const batch = batches.next().value;
    /** @param {lw.Tensor} tensor */
    const thin = tensor =>
      lw.tensor(
        tensor.dataSync().filter((_, n) => n % STRIDE === 0),
        [B, T, 1],
      );
    return { xs: thin(batch.xs), ys: thin(batch.ys), time: thin(batch.time) };
  };
  /** @type {number[]} */
  const losses = [];
  while (losses.length < STEPS) {
    const { xs, ys } = next();
    losses.push(/** @type {number} */ (model.trainOnBatch(xs, ys)));
  }
  const { xs, ys, time } = next();
  const gatesAndStates = model.inspect(/** @type {lw.Layer} */ (model.layers[0]), xs);
  const prediction = model.predict(xs, { batchSize: B });

  /** The first sequence of a batch. @param {lw.Tensor} tensor @param {number} width */
  const first = (tensor, width = 1) => tensor.dataSync().subarray(0, T * width);
  saveSVG('loss', lossPlot({ title: 'The cost of every step', theme }).update({ losses }));
  saveSVG(
    'prediction',
    predictionPlot({ title: 'Sine in, cosine out', xLabel: 'time (rad)', yDomain: [-1.2, 1.2], theme }).update({
      time: first(time).map((t, _, all) => t - (all[0] ?? 0)),
      target: first(ys),
      prediction: first(prediction),
      caption: `after ${STEPS} steps`,
    }),
  );

  const { i, f, g, o, c, h } = /** @type {Record<'i' | 'f' | 'g' | 'o' | 'c' | 'h', lw.Tensor>} */ (gatesAndStates);
  /** The first units only. @param {lw.Tensor} tensor */
  const firstUnits = tensor => first(tensor, U).filter((_, n) => n % U < SHOWN_UNITS);
  const heat = gateHeatmap({ title: 'Gates and states', units: SHOWN_UNITS, steps: T, height: 320, theme });
  saveSVG(
    'gates',
    heat.update({
      i: firstUnits(i),
      f: firstUnits(f),
      g: firstUnits(g),
      o: firstUnits(o),
      c: firstUnits(c),
      h: firstUnits(h),
    }),
  );

  /** @param {lw.Tensor} tensor @param {number} step */
  const valueAt = (tensor, step) => /** @type {number} */ (tensor.dataSync()[step * U + UNIT]);
  const gates = { i: valueAt(i, STEP), f: valueAt(f, STEP), g: valueAt(g, STEP), o: valueAt(o, STEP) };
  const x = first(xs);
  const caption = `unit ${UNIT}, step ${STEP}`;
  const live = cellDiagram({ title: 'An LSTM cell at work', theme });
  const past = { previousH: valueAt(h, STEP - 1), previousC: valueAt(c, STEP - 1) };
  saveSVG(
    'cell-live',
    live.update({ x: x[STEP], ...past, ...gates, c: valueAt(c, STEP), h: valueAt(h, STEP), caption }),
  );

  const steps = [STEP - 1, STEP, STEP + 1];
  const chain = chainDiagram({ title: 'Three steps of a chain', theme });
  const rows = {
    x: steps.map(step => x[step] ?? 0),
    c: steps.map(step => valueAt(c, step)),
    h: steps.map(n => valueAt(h, n)),
  };
  saveSVG('chain', chain.update({ ...rows, ...gates, caption }));
}

/** The example of docs/plots.md. */
function drawLines() {
  /** @param {number} n */
  const day = n => new Date(Date.UTC(2026, 0, 1 + n));
  const history = Array.from({ length: 40 }, (_, n) => 280 + 8 * Math.sin(n / 6) + Math.cos(n * n));
  history[17] = Number.NaN;
  const time = Array.from({ length: 10 }, (_, n) => day(40 + n));
  const plot = predictionPlot({ title: 'Temperature in kelvin', xLabel: '', theme });
  plot.update({
    history: { time: history.map((_, n) => day(n)), values: history },
    lstm: { time, values: time.map((_, n) => 280 + 8 * Math.sin((40 + n) / 6)) },
    naive: { time, values: time.map(() => history[39] ?? Number.NaN) },
  });
  saveSVG('lines', plot);
}

/** Synthetic losses of a training run that starts to overfit, to save the time of a real one. */
function drawHistory() {
  const epochs = Array.from({ length: 60 }, (_, n) => n);
  const loss = epochs.map(n => 0.04 + 0.5 * Math.exp(-n / 12) + 0.004 * Math.sin(n * n));
  const val_loss = epochs.map(n => 0.09 + 0.5 * Math.exp(-n / 10) + 0.0012 * n + 0.006 * Math.cos(n * n));
  saveSVG('history', lossPlot({ title: 'Training and validation', theme }).update({ loss, val_loss }));
}

/** Runs the example of docs/plots.md that draws forecasts. */
async function drawForecasts() {
  const example = blocksOf('docs/plots.md').find(block => isProgram(block) && block.code.includes('residualPlot'));
  if (!example) throw new Error('docs/plots.md must have an example of residualPlot');
  await copyPictures(example, ['forecast', 'backtest', 'residuals']);
}

async function drawSweep() {
  const example = blocksOf('docs/plots.md').find(block => isProgram(block) && block.code.includes('sweepPlot'));
  if (!example) throw new Error('docs/plots.md must have an example of sweepPlot');
  await copyPictures(example, ['sweep']);
}

/** Runs an example and keeps its pictures. @param {import('./documents.js').Block} example @param {string[]} names */
async function copyPictures(example, names) {
  const { folder } = await run(example);
  for (const name of names) copyFileSync(`${folder}out/${name}.svg`, `${root}docs/pictures/${name}.svg`);
}

/** Runs the first program of the README, and again for a narrow picture, whose text is readable on the home page of the site. */
async function drawReadme() {
  const program = blocksOf('README.md').find(isProgram);
  if (!program) throw new Error('README.md must have a program');
  const narrow = { ...program, code: program.code.replace('historySteps: 168', 'historySteps: 120, width: 440') };
  for (const [name, block] of Object.entries({ readme: program, home: narrow })) {
    const { folder } = await run(block, { strict: true });
    copyFileSync(`${folder}forecast.svg`, `${root}docs/pictures/${name}.svg`);
  }
}

function drawBenchmark() {
  const results = `${root}bench/results/`;
  const newest = readdirSync(results)
    .filter(name => /^\d.*(?<!\.local)\.json$/.test(name))
    .sort()
    .at(-1);
  /** @type {{ machine: { cpu: string, date: string }, rows: import('../bench/measure.js').Row[] }} */
  const report = JSON.parse(readFileSync(results + newest, 'utf8'));
  const libraries = ['relaxed', 'plain JavaScript', 'TF.js wasm', 'PyTorch'];
  const rows = ['seed', '128'].map(name => {
    const row = report.rows.find(row => row.workload === name && row.kind === 'train');
    if (!row) throw new Error(`no workload ${name} in ${newest}`);
    return { title: row.title, results: row.results.filter(({ name }) => libraries.includes(name)) };
  });
  /** @param {string} name */
  const label = name => (name === 'relaxed' ? 'lstm-wasm' : name);
  const chart = benchmarkChart({
    title: 'A training step',
    subtitle: `${report.machine.cpu}, one thread, ${report.machine.date}`,
    own: ['lstm-wasm'],
    theme,
    groups: rows.map(({ title, results }) => ({ title, bars: results.map(({ name }) => label(name)) })),
  });
  saveSVG('benchmark', chart.update({ values: rows.map(({ results }) => results.map(({ min }) => min)) }));
}
