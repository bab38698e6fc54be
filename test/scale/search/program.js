/**
 * Runs a sweep with the built package, and prints its trials and the SHA-256 of all models. Arguments: journal, number of workers
 * or the address of Redis, folder of the cache ('' for none) or the name of the queue.
 */

import { createHash } from 'node:crypto';

/** @type {typeof import('lstm-wasm/scale')} */
const { choice, int, local, sweep } = await import(new URL('../../../dist/scale.js', import.meta.url).href);

const [journal = '', workers = '1', cache = ''] = process.argv.slice(2);
/** @returns {Promise<import('lstm-wasm/scale').Engine>} */
async function open() {
  if (!workers.startsWith('redis:')) return local({ workers: Number(workers), ...(cache && { cache }) });
  /** @type {typeof import('../../../src/scale/bullmq/index.ts')} */
  const { bullmq } = await import(new URL('../../../dist/bullmq.js', import.meta.url).href);
  return bullmq({ connection: workers, queue: cache, timeouts: { poll: 0.5 } });
}
const engine = await open();
const study = await sweep({
  engine,
  task: new URL('../tasks/train.js', import.meta.url),
  data: {
    xs: Array.from({ length: 16 }, (_, b) => Array.from({ length: 4 }, (_, t) => [Math.sin(4 * b + t)])),
    ys: Array.from({ length: 16 }, (_, b) => [Math.sin(4 * b + 4)]),
  },
  space: { units: int(2, 16), drawn: choice([true, false]) },
  trials: 24,
  pruner: { name: 'asha', minResource: 1, reductionFactor: 2, minEarlyStoppingRate: 0, maxResource: 6 },
  seed: 3,
  journal: journal || null,
  onProgress: ({ done, running }) => console.error(`${done} ${running}`),
});
const hashes = [];
for (const trial of study.trials) {
  if (trial.state === 'complete')
    hashes.push(
      createHash('sha256')
        .update(await study.model(trial))
        .digest('hex'),
    );
}
await engine.close();
console.log(JSON.stringify({ trials: study.trials, best: study.best?.number, hashes }));
