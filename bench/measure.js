/** Measures a workload with all rivals, after checking that they compute the same results. */

import { checkLosses, difference, resultsOf } from './agreement.js';
import { interleave, timed } from './harness.js';
import { peaks } from './peak.js';
import { firstLine } from './rivals/index.js';
import { dataOf, flops, LEARNING_RATE, sizes, weightsOf } from './workloads.js';

/** @typedef {import('./workloads.js').Workload} Workload */
/** @typedef {import('./workloads.js').Kind} Kind */
/** @typedef {import('./rivals/rival.js').Rival} Rival */
/** @typedef {import('./rivals/rival.js').Model} Model */
/** @typedef {import('./agreement.js').Results} Results */
/** @typedef {import('./harness.js').Result} Result */

/**
 * A workload and a kind of call, with the times of all measured rivals.
 * @typedef {object} Row
 * @property {string} workload
 * @property {string} title
 * @property {Kind | 'program' | 'size' | 'start'} kind
 * @property {number} flops of one call, in matrix products only
 * @property {Result[]} results by rival; milliseconds
 * @property {Absence[]} absent
 * @property {Peak[]} [peaks] the peak speed of the machine at that time
 */

/** @typedef {{ rival: string, why: string, failed?: boolean }} Absence `failed` if an error prevented the measurement */

/**
 * The best speed of a loop, in samples as long as our calls, because minima of short samples are lower than those of long ones.
 * @typedef {{ name: string, build: 'strict' | 'relaxed', gflops: number }} Peak
 */

/**
 * @typedef {object} Limits
 * @property {Record<Row['kind'], number>} seconds for the samples of a row
 * @property {number} rounds the maximum number of samples per rival
 * @property {number} slowest in milliseconds; rivals whose calls are expected to take longer are left out
 */

/** @type {{ full: Limits, quick: Limits }} */
export const LIMITS = {
  full: {
    seconds: { train: 30, predict: 15, step: 8, create: 12, program: 12, size: 30, start: 40 },
    rounds: 300,
    slowest: 30_000,
  },
  quick: {
    seconds: { train: 2, predict: 1, step: 0.5, create: 1, program: 2, size: 3, start: 10 },
    rounds: 30,
    slowest: 6_000,
  },
};

/** Long enough for the resolution of the clock, short enough that some samples are not interrupted. */
const SAMPLE_MS = 3;

/**
 * A rival that is measured on a workload, with the kinds of calls and the durations of its first calls.
 * @typedef {{ rival: Rival, model: Model, kinds: Kind[], first: { predict: number, train: number } }} Participant
 */

/**
 * @param {Rival[]} rivals our package first; the others are compared with it
 * @param {Workload} workload
 * @param {Limits} limits
 * @returns {Promise<Row[]>}
 */
export async function measureWorkload(rivals, workload, limits) {
  if (workload.kinds[0] === 'create') return [await measureCreation(rivals, workload, limits)];

  /** @type {(Absence & { kind: Kind })[]} */
  const absences = [];
  const participants = await prepareAll(rivals, workload, limits, (kinds, absence) => {
    for (const kind of kinds) absences.push({ kind, ...absence });
  });
  /** @type {Row[]} */
  const rows = [];
  // Predictions first, because training changes the weights.
  for (const kind of [...workload.kinds].sort()) {
    const loops = peaks();
    const subjects = participants
      .filter(({ kinds }) => kinds.includes(kind))
      .map(({ rival, model, first }) => ({
        name: rival.name,
        measure: model.measure(kind),
        firstMs: first[kind === 'train' ? 'train' : 'predict'],
      }));
    const sampleMs = Math.max(SAMPLE_MS, subjects[0]?.firstMs ?? 0);
    const peakSubjects = loops.map(({ name, run }) => ({ name, measure: timed(run), minMs: sampleMs }));
    const timings = await interleave([...subjects, ...peakSubjects], {
      rounds: limits.rounds,
      minMs: SAMPLE_MS,
      budgetMs: 1e3 * limits.seconds[kind],
    });
    const hasFiniteLoss = await finiteLossFilter(participants, kind, absences);
    const absent = absences.filter(absence => absence.kind === kind).map(({ kind: _, ...absence }) => absence);
    const peakSpeeds = loops.map(({ name, build, flops }, n) => {
      const { min } = timings[subjects.length + n] ?? { min: Number.NaN };
      return { name, build, gflops: flops / min / 1e6 };
    });
    const results = timings.slice(0, subjects.length).filter(hasFiniteLoss);
    rows.push({ ...heading(workload, kind), results, absent, peaks: peakSpeeds });
  }
  for (const { model } of participants) await model.dispose();
  return workload.kinds.flatMap(kind => rows.filter(row => row.kind === kind));
}

/** @param {Workload} workload @param {Kind} kind */
const heading = (workload, kind) => ({
  workload: workload.name,
  title: workload.title,
  kind,
  flops: flops(workload, kind),
});

/**
 * Returns a filter that leaves out rivals whose loss is not finite, because they may have done less work than others.
 * @param {Participant[]} participants
 * @param {Kind} kind
 * @param {(Absence & { kind: Kind })[]} absences
 * @returns {Promise<(result: Result) => boolean>}
 */
async function finiteLossFilter(participants, kind, absences) {
  const nonFinite = new Set();
  for (const { rival, model, kinds } of participants) {
    if (kind !== 'train' || !kinds.includes(kind)) continue;
    const loss = await model.train();
    if (Number.isFinite(loss)) continue;
    nonFinite.add(rival.name);
    absences.push({ kind, rival: rival.name, why: `the loss became ${loss}`, failed: true });
  }
  return ({ name }) => !nonFinite.has(name);
}

/** @param {number} ms */
const tooSlow = ms => `a call would take about ${Math.ceil(ms / 1e3)} s`;

/**
 * Prepares the rivals that support the workload, are fast enough, and compute the same results as ours.
 * @param {Rival[]} rivals
 * @param {Workload} workload
 * @param {Limits} limits
 * @param {(kinds: Kind[], absence: Absence) => void} reportAbsence
 * @returns {Promise<Participant[]>}
 */
async function prepareAll(rivals, workload, limits, reportAbsence) {
  const [ours] = rivals;
  if (!ours) throw new Error('there are no rivals to measure');
  const expected = { sgd: await resultsOf(ours, workload, 'sgd'), adam: await resultsOf(ours, workload, 'adam') };
  checkLosses(expected.sgd.losses);

  /** @type {Participant[]} */
  const participants = [];
  /** @type {Results['outputs'] | undefined} */
  let outputs;
  let loss = Number.NaN;
  for (const rival of rivals) {
    let kinds = workload.kinds.filter(kind => {
      const why = rival.limitation(workload, kind);
      if (why) reportAbsence([kind], { rival: rival.name, why });
      return !why;
    });
    if (kinds.length === 0) continue;
    try {
      if (!rival.differs) {
        const results = await resultsOf(rival, workload, rival.checkedWith);
        const wrong = difference(results, expected[rival.checkedWith]);
        if (wrong) throw new Error(wrong);
        const estimate = await durationEstimate(rival, workload, kinds, results, limits.slowest);
        kinds = kinds.filter(kind => {
          const ms = estimate(kind);
          if (ms > limits.slowest) reportAbsence([kind], { rival: rival.name, why: tooSlow(ms) });
          return ms <= limits.slowest;
        });
        if (kinds.length === 0) continue;
      }
      const { participant, results } = await prepare(rival, workload, kinds);
      outputs ??= results.outputs;
      if (results.losses[0] !== undefined && Number.isNaN(loss)) loss = results.losses[0];
      const wrong = rival.differs ? '' : difference(results, { outputs, losses: [loss] });
      if (wrong) throw new Error(wrong);
      participants.push(participant);
    } catch (error) {
      reportAbsence(kinds, { rival: rival.name, why: firstLine(error), failed: true });
    }
  }
  return participants;
}

/**
 * Estimates the duration of a call on the whole workload from calls on a few sequences: in proportion to the size, or, if
 * that is too long, by a line through two sizes, because part of the time may not depend on the size.
 * @param {Rival} rival
 * @param {Workload} workload
 * @param {Kind[]} kinds
 * @param {Results} results
 * @param {number} slowest
 * @returns {Promise<(kind: Kind) => number>}
 */
async function durationEstimate(rival, workload, kinds, results, slowest) {
  /** @param {Results} from @param {Kind} kind */
  const ms = (from, kind) => from.ms[kind === 'train' ? 'train' : 'predict'];
  const scale = workload.batch / results.batch;
  if (kinds.every(kind => ms(results, kind) * scale <= slowest)) return kind => ms(results, kind) * scale;
  const extent = { sequences: 8, predictions: 1, steps: rival.compiles ? 2 : 1 };
  const larger = await resultsOf(rival, workload, rival.checkedWith, extent);
  const sequences = (workload.batch - larger.batch) / (larger.batch - results.batch);
  return kind => ms(larger, kind) + sequences * Math.max(0, ms(larger, kind) - ms(results, kind));
}

/**
 * Builds the whole workload and times the first call of each kind, or the second if the first one compiles.
 * @param {Rival} rival
 * @param {Workload} workload
 * @param {Kind[]} kinds
 */
async function prepare(rival, workload, kinds) {
  const trains = kinds.includes('train');
  const model = await rival.build({
    workload,
    weights: weightsOf(workload),
    data: dataOf(workload),
    optimizer: trains ? 'adam' : 'none',
    learningRate: LEARNING_RATE,
  });
  const start = performance.now();
  const outputs = [await model.outputs()];
  const between = performance.now();
  const losses = trains ? [await model.train()] : [];
  const first = { predict: between - start, train: performance.now() - between };
  if (rival.compiles) {
    first.predict = await model.measure('predict')(1);
    if (trains) first.train = await model.measure('train')(1);
  }
  return { participant: { rival, model, kinds, first }, results: { outputs, losses } };
}

/**
 * @param {Rival[]} rivals
 * @param {Workload} workload
 * @param {Limits} limits
 * @returns {Promise<Row>}
 */
async function measureCreation(rivals, workload, limits) {
  /** @type {Absence[]} */
  const absent = [];
  const subjects = [];
  // A quarter of the units first, to estimate the time: that of some initializers grows with the cube of the units.
  const smaller = { ...workload, units: workload.units.map(units => units / 4) };
  for (const { name: rival, create, limitation } of rivals) {
    const why = limitation(workload, 'create');
    if (why || !create) {
      absent.push({ rival, why });
      continue;
    }
    const estimate = 64 * (await (await create(smaller))(1));
    if (estimate > limits.slowest) {
      absent.push({ rival, why: tooSlow(estimate) });
      continue;
    }
    const measure = await create(workload);
    subjects.push({ name: rival, measure, firstMs: await measure(1) });
  }
  const budgetMs = 1e3 * limits.seconds.create;
  const results = await interleave(subjects, { rounds: limits.rounds, warmup: 5, minMs: SAMPLE_MS, budgetMs });
  return { ...heading(workload, 'create'), results, absent };
}

/**
 * Times our own training at all sizes, interleaved, because the sizes are compared with each other.
 * @param {Rival[]} rivals
 * @param {Limits} limits
 * @returns {Promise<Row[]>}
 */
export async function measureSizes(rivals, limits) {
  /** @type {(Participant & { workload: Workload })[]} */
  const participants = [];
  for (const workload of sizes) {
    for (const rival of rivals.filter(({ name }) => name === 'strict' || name === 'relaxed')) {
      const { participant } = await prepare(rival, workload, ['train']);
      participants.push({ workload, ...participant });
    }
  }
  const subjects = participants.map(({ rival, model }) => ({ name: rival.name, measure: model.measure('train') }));
  const options = { rounds: limits.rounds, minMs: SAMPLE_MS, budgetMs: 1e3 * limits.seconds.size };
  const results = await interleave(subjects, options);
  for (const { model } of participants) await model.dispose();
  return sizes.map(workload => ({
    ...heading(workload, 'train'),
    kind: /** @type {const} */ ('size'),
    results: results.filter((_, n) => participants[n]?.workload === workload),
    absent: [],
  }));
}
