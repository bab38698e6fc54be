/** Speed of the demo page and of pages with the package. These tests measure time, so they run alone. */

import { expect, it, vi } from 'vitest';
import { speeds } from '../../demo/pace.ts';
import { predictionPlot } from '../../src/plot/node.ts';
import { onClock } from '../setup/clock.ts';
import { browserPages, browsersOfSections, builtSite, inBrowsers } from './browserSuites.ts';
import { openGallery, plotSite } from './gallery.ts';
import { loadFixture, type PageFixture, packageSites } from './servedPages.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

/** Milliseconds for an update of the live plot, so that 200 fit into a second. */
const updateBudget = 5;

const site = builtSite();
const plotsSite = plotSite();
const packageSite = packageSites('pace', ['plain']);

inBrowsers(installed => {
  const { name } = installed;
  const { openPage } = browserPages(installed, { dark: false, reducedMotion: false }, site);

  it('trains at the set speed', onClock, async () => {
    const demo = await openPage();
    await demo.until(3);
    expect(await demo.setSpeed('Home')).toBe('1 step per second');
    const before = (await demo.state()).step;
    await new Promise(resolve => setTimeout(resolve, 2000));
    const slow = (await demo.state()).step - before;
    expect(slow).toBeGreaterThanOrEqual(1);
    expect(slow).toBeLessThanOrEqual(7); // the first few were already queued
    expect(await demo.setSpeed('End')).toBe('full speed');
    await demo.until(400);
    const most = Number((await demo.text('rate')).replace(',', ''));
    expect(most).toBeGreaterThan(speeds.at(-2)! / 4);
  });

  it('draws at least 30 frames a second while it trains at full speed', async () => {
    const demo = await openPage('#batch=32');
    await demo.until(3);
    await demo.setSpeed('End');
    await demo.until('done');
    /** The share of frames within 34 ms, over 1.5 seconds, optionally with a worker that keeps a core busy. */
    const shareInTime = (busy: boolean) =>
      demo.page.evaluate(async busy => {
        const url = URL.createObjectURL(new Blob(['for (;;);'], { type: 'text/javascript' }));
        const worker = busy ? new Worker(url) : null;
        const gaps: number[] = [];
        for (let last = performance.now(), end = last + 1500; last < end; ) {
          await new Promise(requestAnimationFrame);
          gaps.push(performance.now() - last);
          last = performance.now();
        }
        worker?.terminate();
        return gaps.filter(gap => gap < 34).length / gaps.length;
      }, busy);
    // On a busy machine an idle page drops frames too, so the measurement is repeated.
    let [idle, training, tries] = [1, 0, 0];
    for (; tries < 8 && training < 0.95 * idle; tries++) {
      idle = await shareInTime(true);
      await demo.press('#toggle');
      await demo.until('training');
      training = await shareInTime(false);
      await demo.press('#toggle');
      await demo.until('paused');
    }
    console.log(`${name}: frames in time while training ${training.toFixed(3)}, idle ${idle.toFixed(3)}`);
    expect(training).toBeGreaterThanOrEqual(0.95 * idle);
    expect((await demo.state()).step).toBeGreaterThan(1000);
  });

  it('paints within a second', onClock, async () => {
    const demo = await openPage();
    await demo.until(1);
    const first = await demo.page.evaluate(() => performance.getEntriesByType('paint').at(-1)?.startTime ?? 0);
    expect(first).toBeGreaterThan(0);
    expect(first).toBeLessThan(1000);
  });

  it('a change of the task interrupts a network whose steps take seconds', onClock, async () => {
    const demo = await openPage('#units=128&layers=3&batch=128&timeSteps=100');
    await demo.until(1);
    const clicked = performance.now();
    await demo.choose('echo');
    await demo.until(5);
    expect(performance.now() - clicked).toBeLessThan(5000);
    expect(await demo.page.evaluate(() => location.hash)).toBe('#task=echo');
  });

  it(`updates the live plot in less than ${updateBudget} ms, layout included`, onClock, async () => {
    const demo = await openPage('', plotsSite());
    await openGallery(demo);
    const { page } = demo;
    for (const points of [20, 400]) {
      const ms = await page.evaluate(points => {
        const plot = gallery.predictionPlot({ theme: 'auto', container: document.body });
        const updates = Array.from({ length: 240 }, (_, step) => {
          const time = Float64Array.from({ length: points }, (_, n) => (step * 20 + n) / 31);
          const target = time.map(Math.cos);
          return {
            time,
            target,
            prediction: target.map(y => y * (1 - Math.exp(-step / 70))),
            caption: `step ${step}`,
          };
        });
        // The minimum of several rounds, because other processes use the machine too.
        const rounds = Array.from({ length: 6 }, (_, round) => {
          const start = performance.now();
          for (const data of updates.slice(round * 40, (round + 1) * 40)) {
            plot.update(data);
            plot.node.getBBox();
          }
          return (performance.now() - start) / 40;
        });
        plot.remove();
        return Math.min(...rounds);
      }, points);
      console.log(`${name}: ${ms.toFixed(3)} ms for an update of ${points} points`);
      expect(ms).toBeLessThan(updateBudget);
    }
  });

  it.runIf(name === 'chromium')(
    'the page keeps drawing while a worker trains, and memory does not grow',
    onClock,
    async () => {
      const { page } = await openPage('', packageSite('plain'));
      await loadFixture(page, 'plain');
      const found = await page.evaluate(async () => {
        const { lw, connect, numbers } = (globalThis as unknown as { fixture: PageFixture }).fixture;
        const host = connect();
        const model = await host.sequential({
          layers: [lw.layers.lstm({ units: 128, inputShape: [50, 8] }), lw.layers.dense({ units: 1 })],
        });
        await model.compile({ optimizer: 'adam', loss: 'mse' });
        const [x, y] = [numbers(64 * 16 * 400), numbers(64 * 16)];
        let batches = 0;
        const train = (epochs: number) =>
          model.fit(x, y, { epochs, batchSize: 64, callbacks: { onBatchEnd: () => void batches++ } });
        await train(1);
        const memory = () => {
          globalThis.gc!();
          return (performance as unknown as { memory: { usedJSHeapSize: number } }).memory.usedJSHeapSize;
        };
        const before = [(await host.backendInfo()).memoryBytes, memory()] as const;
        const fit = train(4);
        const gaps: number[] = [];
        let running = true;
        void fit.then(() => {
          running = false;
        });
        for (let last = performance.now(); running; ) {
          await new Promise(requestAnimationFrame);
          const now = performance.now();
          gaps.push(now - last);
          last = now;
        }
        await fit;
        const after = [(await host.backendInfo()).memoryBytes, memory()] as const;
        await host.terminate();
        const slow = gaps.sort((a, b) => a - b)[Math.floor(gaps.length * 0.9)]!;
        return { batches, frames: gaps.length, slow, before, after };
      });
      expect(found.batches).toBe(80);
      expect(found.frames).toBeGreaterThan(30);
      // The 90th percentile, because a single frame may be delayed by other processes.
      expect(found.slow).toBeLessThan(50);
      expect(found.after[0]).toBe(found.before[0]);
      expect(found.after[1] - found.before[1]).toBeLessThan(4 * 2 ** 20);
      console.log(`${found.frames} frames, 90 % at most ${found.slow.toFixed(1)} ms apart`);
    },
  );
}, browsersOfSections);

it(`updates the live plot in less than ${updateBudget} ms in Node`, onClock, () => {
  for (const points of [20, 400]) {
    const plot = predictionPlot();
    const time = Float64Array.from({ length: points }, (_, n) => n / 31);
    const data = (step: number) => ({
      time,
      target: time.map(t => Math.cos(t + step)),
      prediction: time.map(t => Math.cos(t + step) * (1 - Math.exp(-step / 70))),
      caption: `step ${step}`,
    });
    const rounds = Array.from({ length: 6 }, (_, round) => {
      const start = performance.now();
      for (let n = 0; n < 40; n++) plot.update(data(40 * round + n));
      return (performance.now() - start) / 40;
    });
    const ms = Math.min(...rounds);
    console.log(`Node: ${ms.toFixed(3)} ms for an update of ${points} points`);
    expect(ms).toBeLessThan(updateBudget);
  }
});
