/** Measures a workload with all rivals, after checking that they compute the same results. */

import { answersOf, checkLosses, difference } from './agreement.js';
import { interleave, timed } from './harness.js';
import { peaks } from './peak.js';
import { firstLine } from './rivals/index.js';
import { dataOf, flops, LEARNING_RATE, sizes, weightsOf } from './workloads.js';

/** @typedef {import('./workloads.js').Workload} Workload */
/** @typedef {import('./workloads.js').Kind} Kind */
/** @typedef {import('./rivals/rival.js').Rival} Rival */
/** @typedef {import('./rivals/rival.js').Model} Model */
/** @typedef {import('./agreement.js').Answers} Answers */
/** @typedef {import('./harness.js').Result} Result */

/**
 * A workload and a kind of call, with the times of all rivals that took part.
 * @typedef {object} Row
 * @property {string} workload
 * @property {string} title
 * @property {Kind | 'program' | 'size' | 'start'} kind
 * @property {number} flops of one call, in matrix products only
 * @property {Result[]} results by rival; milliseconds
 * @property {Absence[]} absent
 * @property {Peak[]} [peaks] the peak speed of the machine at that time
 */

/** @typedef {{ rival: string, why: string, failed?: boolean }} Absence `failed` if it should have taken part */

/**
 * The best speed of a loop, in samples as short as our calls, because short samples have better minima than long ones.
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

/** Long enough for the clock, short enough to fall between two interruptions now and then. */
const SAMPLE_MS = 3;

/** One that takes part in a workload, with the kinds it is timed on and how long its first calls took. */
/** @typedef {{ rival: Rival, model: Model, kinds: Kind[], first: { predict: number, train: number } }} Entrant */

/**
 * @param {Rival[]} rivals ourselves first: the others are compared with the first
 * @param {Workload} workload
 * @param {Limits} limits
 * @returns {Promise<Row[]>}
 */
export async function measureWorkload(rivals, workload, limits) {
  if (workload.kinds[0] === 'create') return [await measureCreation(rivals, workload, limits)];

  /** @type {(Absence & { kind: Kind })[]} */
  const absences = [];
  const entrants = await enterAll(rivals, workload, limits, (kinds, absence) => {
    for (const kind of kinds) absences.push({ kind, ...absence });
  });
  /** @type {Row[]} */
  const rows = [];
  // Predictions first, since training moves the weights.
  for (const kind of [...workload.kinds].sort()) {
    const loops = peaks();
    const subjects = entrants
      .filter(({ kinds }) => kinds.includes(kind))
      .map(({ rival, model, first }) => ({
        name: rival.name,
        measure: model.measure(kind),
        firstMs: first[kind === 'train' ? 'train' : 'predict'],
      }));
    const sampleMs = Math.max(SAMPLE_MS, subjects[0]?.firstMs ?? 0);
    const limit = loops.map(({ name, run }) => ({ name, measure: timed(run), minMs: sampleMs }));
    const timings = await interleave([...subjects, ...limit], {
      rounds: limits.rounds,
      minMs: SAMPLE_MS,
      budgetMs: 1e3 * limits.seconds[kind],
    });
    const sound = await soundness(entrants, kind, absences);
    const absent = absences.filter(absence => absence.kind === kind).map(({ kind: _, ...absence }) => absence);
    const peaksSeen = loops.map(({ name, build, flops }, n) => {
      const { min } = timings[subjects.length + n] ?? { min: Number.NaN };
      return { name, build, gflops: flops / min / 1e6 };
    });
    const results = timings.slice(0, subjects.length).filter(sound);
    rows.push({ ...heading(workload, kind), results, absent, peaks: peaksSeen });
  }
  for (const { model } of entrants) await model.dispose();
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
 * Losses that have become NaN would mean that some did less work than others: those are left out.
 * @param {Entrant[]} entrants
 * @param {Kind} kind
 * @param {(Absence & { kind: Kind })[]} absences
 * @returns {Promise<(result: Result) => boolean>}
 */
async function soundness(entrants, kind, absences) {
  const unsound = new Set();
  for (const { rival, model, kinds } of entrants) {
    if (kind !== 'train' || !kinds.includes(kind)) continue;
    const loss = await model.train();
    if (Number.isFinite(loss)) continue;
    unsound.add(rival.name);
    absences.push({ kind, rival: rival.name, why: `its loss has become ${loss}`, failed: true });
  }
  return ({ name }) => !unsound.has(name);
}

/** @param {number} ms */
const tooSlow = ms => `it would take about ${Math.ceil(ms / 1e3)} s a call`;

/**
 * Those who can run the workload in the time there is, and compute what we compute.
 * @param {Rival[]} rivals
 * @param {Workload} workload
 * @param {Limits} limits
 * @param {(kinds: Kind[], absence: Absence) => void} leaveOut
 * @returns {Promise<Entrant[]>}
 */
async function enterAll(rivals, workload, limits, leaveOut) {
  const [us] = rivals;
  if (!us) throw new Error('there is nobody to compare with');
  const expected = { sgd: await answersOf(us, workload, 'sgd'), adam: await answersOf(us, workload, 'adam') };
  checkLosses(expected.sgd.losses);

  /** @type {Entrant[]} */
  const entrants = [];
  /** @type {Answers['outputs'] | undefined} */
  let outputs;
  let loss = Number.NaN;
  for (const rival of rivals) {
    let kinds = workload.kinds.filter(kind => {
      const why = rival.refuses(workload, kind);
      if (why) leaveOut([kind], { rival: rival.name, why });
      return !why;
    });
    if (kinds.length === 0) continue;
    try {
      if (!rival.differs) {
        const answers = await answersOf(rival, workload, rival.checkedWith);
        const wrong = difference(answers, expected[rival.checkedWith]);
        if (wrong) throw new Error(wrong);
        const expect = await expectation(rival, workload, kinds, answers, limits.slowest);
        kinds = kinds.filter(kind => {
          const ms = expect(kind);
          if (ms > limits.slowest) leaveOut([kind], { rival: rival.name, why: tooSlow(ms) });
          return ms <= limits.slowest;
        });
        if (kinds.length === 0) continue;
      }
      const { entrant, answers } = await enter(rival, workload, kinds);
      outputs ??= answers.outputs;
      if (answers.losses[0] !== undefined && Number.isNaN(loss)) loss = answers.losses[0];
      const wrong = rival.differs ? '' : difference(answers, { outputs, losses: [loss] });
      if (wrong) throw new Error(wrong);
      entrants.push(entrant);
    } catch (error) {
      leaveOut(kinds, { rival: rival.name, why: firstLine(error), failed: true });
    }
  }
  return entrants;
}

/**
 * How long a call on the whole workload will take, going by calls on a few sequences: in proportion, and where that is
 * too long, on a line through two sizes, since a part of the time may be the same for any size.
 * @param {Rival} rival
 * @param {Workload} workload
 * @param {Kind[]} kinds
 * @param {Answers} answers
 * @param {number} slowest
 * @returns {Promise<(kind: Kind) => number>}
 */
async function expectation(rival, workload, kinds, answers, slowest) {
  /** @param {Answers} from @param {Kind} kind */
  const ms = (from, kind) => from.ms[kind === 'train' ? 'train' : 'predict'];
  const scale = workload.batch / answers.batch;
  if (kinds.every(kind => ms(answers, kind) * scale <= slowest)) return kind => ms(answers, kind) * scale;
  const extent = { sequences: 8, predictions: 1, steps: rival.compiles ? 2 : 1 };
  const more = await answersOf(rival, workload, rival.checkedWith, extent);
  const sequences = (workload.batch - more.batch) / (more.batch - answers.batch);
  return kind => ms(more, kind) + sequences * Math.max(0, ms(more, kind) - ms(answers, kind));
}

/**
 * Builds the whole workload and makes the first call of each kind; where that one compiles, the second is timed.
 * @param {Rival} rival
 * @param {Workload} workload
 * @param {Kind[]} kinds
 */
async function enter(rival, workload, kinds) {
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
  return { entrant: { rival, model, kinds, first }, answers: { outputs, losses } };
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
  // A quarter of the units, to learn whether there is time for all: some initializers grow with their cube.
  const smaller = { ...workload, units: workload.units.map(units => units / 4) };
  for (const { name: rival, create, refuses } of rivals) {
    if (!create) {
      absent.push({ rival, why: refuses(workload, 'create') });
      continue;
    }
    const guess = 64 * (await (await create(smaller))(1));
    if (guess > limits.slowest) {
      absent.push({ rival, why: tooSlow(guess) });
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
 * Our own training at all sizes in turn, since they are compared with each other.
 * @param {Rival[]} rivals
 * @param {Limits} limits
 * @returns {Promise<Row[]>}
 */
export async function measureSizes(rivals, limits) {
  /** @type {(Entrant & { workload: Workload })[]} */
  const entrants = [];
  for (const workload of sizes) {
    for (const rival of rivals.filter(({ name }) => name === 'strict' || name === 'relaxed')) {
      const { entrant } = await enter(rival, workload, ['train']);
      entrants.push({ workload, ...entrant });
    }
  }
  const subjects = entrants.map(({ rival, model }) => ({ name: rival.name, measure: model.measure('train') }));
  const options = { rounds: limits.rounds, minMs: SAMPLE_MS, budgetMs: 1e3 * limits.seconds.size };
  const results = await interleave(subjects, options);
  for (const { model } of entrants) await model.dispose();
  return sizes.map(workload => ({
    ...heading(workload, 'train'),
    kind: /** @type {const} */ ('size'),
    results: results.filter((_, n) => entrants[n]?.workload === workload),
    absent: [],
  }));
}
