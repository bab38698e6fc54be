/**
 * Runs the same tasks again and again in worker processes that are killed at random, while Redis is killed and restarted
 * and tasks are delivered twice. Each run must give the results of an undisturbed one, and leave each task in the queue once.
 *
 *   node chaos.js 100 7    100 runs, seed 7
 */

import { createHash } from 'node:crypto';
import { local, makeTask, packData } from 'lstm-wasm/scale';
import { bullmq } from 'lstm-wasm/scale/bullmq';
import { endWorker, Server, startWorker } from './redis.js';

const [runs = 3, seed = 1] = process.argv.slice(2).map(Number);
const TASKS = 10;
const WORKERS = 3;
/** Milliseconds after which a run counts as hanging. */
const LONGEST = 120_000;

const random = generator(seed);
const below = (/** @type {number} */ n) => Math.floor(random() * n);
const pause = (/** @type {number} */ milliseconds) => new Promise(resolve => setTimeout(resolve, milliseconds));

const data = packData({
  xs: Array.from({ length: 24 }, (_, b) => Array.from({ length: 8 }, (_, t) => [Math.sin(b + t / 2)])),
  ys: Array.from({ length: 24 }, (_, b) => [Math.sin(b + 4)]),
});
const hash = createHash('sha256').update(data).digest('hex');
const file = new URL('tasks/train.js', import.meta.url);
const tasks = await Promise.all(
  Array.from({ length: TASKS }, (_, n) =>
    makeTask({
      kind: 'file',
      file,
      input: { params: { units: 3 + n, milliseconds: 200 } },
      seed: n,
      blobs: { data: hash },
    }),
  ),
);

const counts = { kills: 0, restarts: 0, duplicates: 0, repeated: 0 };
const here = local({ workers: 1 });
await here.store.put(hash, data);
const expected = JSON.stringify(await Promise.all(tasks.map(task => here.run(task))));
await here.close();

const server = await new Server().start();
const spawnWorker = () => startWorker(server.url, '--lock', '0.5');
const workers = await Promise.all(Array.from({ length: WORKERS }, spawnWorker));
const started = performance.now();
const failures = [];
let done = 0;
for (; done < runs && failures.length === 0; done++) {
  const failure = await chaos();
  if (failure) failures.push(`run ${done}: ${failure}`);
  const passed = Math.round((performance.now() - started) / 1000);
  if (done % 10 === 9) console.log(`${done + 1} runs, ${passed} s, ${JSON.stringify(counts)}`);
}
await Promise.all(workers.map(worker => endWorker(worker)));
await server.remove();
const seconds = (performance.now() - started) / 1000;
console.log(JSON.stringify({ done, failures, seconds, ...counts }));

/** One run; returns what was wrong. */
async function chaos() {
  await server.client.flushall();
  const timeouts = { connect: 10, reconnect: 60, poll: 0.5 };
  const engine = bullmq({ connection: server.url, timeouts });
  await engine.store.put(hash, data);
  let isOver = false;
  const results = Promise.all(tasks.map(task => runTask(engine, task)));
  const disturbing = disturb(() => isOver);
  const late = pause(LONGEST).then(() => Promise.reject(new Error(`no results after ${LONGEST / 1000} s`)));
  try {
    const found = JSON.stringify(await Promise.race([results, late]));
    isOver = true;
    await disturbing;
    if (found !== expected) return 'other results than undisturbed';
    const lost = await Promise.all(
      ['wait', 'active', 'delayed'].map(state => server.client.exists(`bull:lstm:${state}`)),
    );
    const completed = await server.client.zcard('bull:lstm:completed');
    // A task that was delivered twice may still run
    if (completed !== TASKS) return `${completed} tasks are complete instead of ${TASKS} (${lost})`;
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    isOver = true;
    await disturbing;
    await engine.close();
  }
}

/**
 * Runs a task; again if three workers were killed while they had it.
 *
 * @param {import('lstm-wasm/scale').Engine} engine @param {import('lstm-wasm/scale').Task} task
 */
async function runTask(engine, task) {
  for (;;) {
    try {
      return await engine.run(task);
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('its worker has died 3 times'))) throw error;
      counts.repeated++;
    }
  }
}

/** Kills a worker, restarts Redis in every second run, and lets a task be delivered twice. @param {() => boolean} isOver */
async function disturb(isOver) {
  /** @type {Promise<void> | undefined} */
  let respawned;
  const disturbances = [
    async () => {
      const at = below(WORKERS);
      await endWorker(/** @type {import('node:child_process').ChildProcess} */ (workers[at]));
      counts.kills++;
      respawned = spawnWorker().then(worker => {
        workers[at] = worker;
      });
    },
    async () => {
      // A job without a lock is given to another worker, while the first one still runs it
      const [id] = await server.client.lrange('bull:lstm:active', 0, 0);
      if (id !== undefined) counts.duplicates += await server.client.del(`bull:lstm:${id}:lock`);
    },
    async () => {
      if (below(2) === 0) return;
      await server.restart();
      counts.restarts++;
    },
  ];
  while (disturbances.length > 0) {
    await pause(50 + below(150));
    if (isOver()) break;
    await disturbances.splice(below(disturbances.length), 1)[0]?.();
  }
  await respawned;
}

/** Random numbers from 0 to 1 (mulberry32). @param {number} state */
function generator(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
