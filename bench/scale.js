/**
 * Times `fitEach` on `local` with one worker and with two, and measures the memory.
 *
 *   node scripts/ready.js && node bench/scale.js                  1,000 series, a few minutes
 *   node bench/scale.js --series 200 --piece 20                   fewer
 *   node bench/scale.js --units 64                                larger networks
 *
 * The series are fitted in pieces, each by both engines in turn, so that other load on the machine is the same for both. The
 * ratio of the shortest pieces is that of an idle machine; the ratio of the sums contains the other load. Each piece has other
 * series, so nothing comes from the cache. On a machine that is never idle, only the CPU times say something (Linux): one
 * worker takes the time of its thread, two workers on two cores at best half of the time of all threads. The last line is
 * the memory of the process over all pieces, with results kept in a folder.
 */

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

/** @type {typeof import('lstm-wasm/scale')} */
const { fitEach, local } = await import(new URL('../dist/scale.js', import.meta.url).href);

const { values: given } = parseArgs({
  options: {
    series: { type: 'string', default: '1000' },
    piece: { type: 'string', default: '20' },
    units: { type: 'string', default: '16' },
    epochs: { type: 'string', default: '10' },
    length: { type: 'string', default: '96' },
  },
});
const [total, piece] = [Number(given.series), Number(given.piece)];
const options = { horizon: 6, inputSteps: 24, units: Number(given.units), epochs: Number(given.epochs), patience: 100 };

/** A short series with a season, a trend and noise. @param {number} n */
function series(n) {
  let state = n + 1;
  const noise = () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647 - 0.5;
  };
  const value = (/** @type {number} */ t) => 10 + Math.sin((2 * Math.PI * (t + n)) / 12) + 0.01 * t + 0.3 * noise();
  return { id: `series ${n}`, values: Float64Array.from({ length: Number(given.length) }, (_, t) => value(t)) };
}

/** @param {number} from */
function* pieceOf(from) {
  for (let n = from; n < (from < 0 ? 0 : Math.min(total, from + piece)); n++) yield series(n);
}

const folder = mkdtempSync(join(tmpdir(), 'lstm-wasm-bench-'));
const engines = [1, 2].map(workers => ({
  workers,
  engine: local({ workers, cache: join(folder, `${workers}`) }),
  wall: /** @type {number[]} */ ([]),
  cpu: /** @type {number[]} */ ([]),
  main: /** @type {number[]} */ ([]),
}));
/** @type {{ done: number, mebibytes: number }[]} */
const memory = [];

/** Milliseconds of CPU time of this thread, in ticks of 10 ms, on Linux; NaN elsewhere. */
function mainThread() {
  const file = `/proc/self/task/${process.pid}/stat`;
  if (!existsSync(file)) return Number.NaN;
  const fields = readFileSync(file, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return 10 * (Number(fields[11]) + Number(fields[12]));
}

/** @param {typeof engines[number]} measured @param {number} from @param {boolean} counts */
async function run({ engine, wall, cpu, main }, from, counts) {
  const [begin, before, mainBefore] = [performance.now(), process.cpuUsage(), mainThread()];
  const fits = await fitEach(pieceOf(from), options, { engine });
  const used = process.cpuUsage(before);
  const failed = fits.find(({ error }) => error);
  if (failed) throw failed.error;
  if (!counts) return fits;
  wall.push((performance.now() - begin) / fits.length);
  main.push((mainThread() - mainBefore) / fits.length);
  cpu.push((used.user + used.system) / 1000 / fits.length);
  return fits;
}

try {
  for (const measured of engines) await run(measured, -2 * piece, false); // starts the workers, and compiles
  for (let from = 0; from < total; from += piece) {
    const order = (from / piece) % 2 === 0 ? engines : engines.toReversed();
    const results = [];
    for (const measured of order) results.push(await run(measured, from, true));
    const [one, other] = results.map(fits => fits.map(({ model }) => model).join());
    if (one !== other) throw new Error(`the engines have fitted different weights, from series ${from}`);
    if (from % (10 * piece) === 0) memory.push({ done: from + piece, mebibytes: process.memoryUsage().rss / 2 ** 20 });
  }
} finally {
  await Promise.all(engines.map(({ engine }) => engine.close()));
  rmSync(folder, { recursive: true, force: true });
}

const least = (/** @type {number[]} */ list) => Math.min(...list);
const sum = (/** @type {number[]} */ list) => list.reduce((a, b) => a + b, 0);
const mean = (/** @type {number[]} */ list) => sum(list) / list.length;
const show = (/** @type {number} */ number) => number.toFixed(2);
console.log(
  `${total} series of ${given.length} values, ${given.units} units, ${given.epochs} epochs; pieces of ${piece}`,
);
console.log(`${availableParallelism()} cores; the same weights from both engines`);
for (const { workers, wall, cpu, main } of engines) {
  console.log(
    `${workers} worker(s): ${show(least(wall))} ms a series in the shortest piece, ${show(mean(wall))} on average; ` +
      `${show(mean(cpu))} ms of CPU time, ${show(mean(main))} of it in the main thread`,
  );
}
const [one, two] = /** @type {[typeof engines[number], typeof engines[number]]} */ (engines);
console.log(`speed of 2 workers against 1: ${show(least(one.wall) / least(two.wall))} by the shortest pieces`);
console.log(`                              ${show(sum(one.wall) / sum(two.wall))} by the sums`);
const alone = mean(one.cpu) - mean(one.main);
console.log(`                              ${show((2 * alone) / mean(two.cpu))} by CPU time, at most`);
console.log(`memory: ${memory.map(({ done, mebibytes }) => `${mebibytes.toFixed(0)} MiB after ${done}`).join(', ')}`);
