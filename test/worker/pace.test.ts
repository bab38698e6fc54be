/** How soon training in a worker thread ends after a signal. These tests measure time, so they run alone. */

import { rmSync } from 'node:fs';
import { afterEach, expect, it } from 'vitest';
import { onClock } from '../setup/clock.ts';
import { endless, lw, messageOf, mse, numbers, small, start, terminateHosts, x, y } from './hosts.ts';

const { callbacks, layers } = lw;
afterEach(terminateHosts);

it('a signal aborts fitDataset while it waits for data', onClock, async () => {
  const model = await small();
  let closed = 0;
  const batches = {
    async *[Symbol.asyncIterator]() {
      try {
        yield { xs: x.slice(0, 160), ys: y.slice(0, 16) };
        await new Promise(resolve => setTimeout(resolve, 300));
      } finally {
        closed++;
      }
    },
  };
  const began = performance.now();
  const fit = model.fitDataset(batches, { ...endless, signal: AbortSignal.timeout(50) });
  expect(await messageOf(fit)).toMatch(/^DOMException .*timeout/);
  expect(performance.now() - began).toBeLessThan(250);
  await model.fit(x, y, { epochs: 1, verbose: 0 });
  await new Promise(resolve => setTimeout(resolve, 400));
  expect(closed).toBe(1);
});

it('a signal aborts fit before it starts and during a long validation', onClock, async () => {
  const model = await start().sequential({
    layers: [layers.lstm({ units: 192, inputShape: [50, 8] }), layers.dense({ units: 1 })],
  });
  await model.compile(mse());
  const never = () => new Promise<never>(() => {});
  const opened = model.fitDataset(never, { ...endless, signal: AbortSignal.timeout(50) });
  expect(await messageOf(opened)).toMatch(/^DOMException .*timeout/);
  const [few, many] = [32, 4096].map(count => [numbers(count * 400, 0.7), numbers(count, 0.3)] as const);
  const checkpoint = callbacks.modelCheckpoint({
    file: 'build/worker.snapshot',
    every: { epochs: 1e6 },
    resume: true,
  });
  rmSync('build/worker.snapshot', { force: true });
  const control = new AbortController();
  const resumed = model.fit(...few!, { ...endless, signal: control.signal, callbacks: checkpoint });
  control.abort(new Error('no more'));
  expect(await messageOf(resumed)).toBe('Error no more');
  rmSync('build/worker.snapshot');
  const begun = performance.now();
  const signal = AbortSignal.timeout(500);
  const tested = model.fit(...few!, { ...endless, signal, validationData: many! });
  expect(await messageOf(tested)).toMatch(/^DOMException .*timeout/);
  expect(performance.now() - begun).toBeLessThan(1000);
  const { epoch } = await model.fit(...few!, { epochs: 1, verbose: 0, validationData: few! });
  expect(epoch).toEqual([0]);
});
