/** Task file: takes a while, and appends a line to a log whenever it starts. */

import { appendFileSync } from 'node:fs';

/** @param {import('../../../src/scale/runTask.ts').TaskArguments<{ milliseconds: number, log?: string, n: number }>} given */
export default async ({ params: { milliseconds, log, n }, report, signal }) => {
  if (log) appendFileSync(log, `${n} ${process.pid}\n`);
  const end = performance.now() + milliseconds;
  for (let step = 1; performance.now() < end; step++) {
    await report(step, n);
    await new Promise(resolve => setTimeout(resolve, 20));
    signal.throwIfAborted();
  }
  return { value: n * n };
};
