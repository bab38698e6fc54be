/** Task file: fails in the way that its parameters name. */

import { setTimeout as sleep } from 'node:timers/promises';
import { threadId } from 'node:worker_threads';

let calls = 0;

/** @type {{ [how: string]: (given: import('../../../src/scale/runTask.ts').TaskArguments) => unknown }} */
const ways = {
  exit: () => process.exit(7),
  throw: () => {
    throw new RangeError('the loss has exploded');
  },
  throwLater: () => {
    setTimeout(() => {
      throw new Error('thrown outside of the task');
    });
    return sleep(1e6);
  },
  forever: () => {
    for (;;);
  },
  sleep: async ({ signal }) => {
    await sleep(1e6, null, { signal });
  },
  steps: async ({ report }) => {
    for (let step = 1; step <= 40; step++) {
      await sleep(20);
      await report(step, step);
    }
    return { value: null };
  },
  nothing: () => undefined,
  notFinite: () => ({ value: Number.NaN }),
  catchPruned: async ({ report }) => {
    await report(1, 0.5).catch(() => {});
    return { value: 1 };
  },
  backwards: async ({ report }) => {
    await report(2, 0.5);
    await report(1, 0.5);
  },
  count: () => ({ value: { threadId, calls: ++calls } }),
};

/** @param {import('../../../src/scale/runTask.ts').TaskArguments<{ how: string }>} given */
export default given => ways[given.params.how]?.(given);
