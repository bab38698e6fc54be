/** How fast the page is, and pages with the package: the tests that look at a clock, which run alone. */

import { expect, it, vi } from 'vitest';
import { speeds } from '../../demo/pace.ts';
import { predictionPlot } from '../../src/plot/node.ts';
import { onClock } from '../setup/clock.ts';
import { openGallery, plotSite } from './gallery.ts';
import { browsersOfSections, builtSite, inBrowsers, readers } from './readers.ts';
import { openShop, type Shop, shopSites } from './servedPages.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

/** Milliseconds for an update of the live plot, if 200 of them are to fit into a second. */
const budget = 5;

const site = builtSite();
const plots = plotSite();
const shop = shopSites('pace', ['plain', 'bundled']);

inBrowsers(installed => {
  const { name } = installed;
  const { visit } = readers(installed, { dark: false, reducedMotion: false }, site);

  it('goes as fast as it is told to', onClock, async () => {
    const reader = await visit();
    await reader.until(3);
    expect(await reader.setSpeed('Home')).toBe('1 step per second');
    const before = (await reader.state()).step;
    await new Promise(passed => setTimeout(passed, 3000));
    const slow = (await reader.state()).step - before;
    expect(slow).toBeGreaterThanOrEqual(2);
    expect(slow).toBeLessThanOrEqual(8); // the first few were on their way
    expect(await reader.setSpeed('End')).toBe('full speed');
    await reader.until(400);
    const most = Number((await reader.text('rate')).replace(',', ''));
    expect(most).toBeGreaterThan(speeds.at(-2)! / 4);
  });

  it('draws 30 frames a second and more while it trains at full speed', async () => {
    const reader = await visit('#batch=32');
    await reader.until(3);
    await reader.setSpeed('End');
    await reader.until('done');
    /** The share of frames that come in time, over two and a half seconds; at will beside a worker that does nothing but turn. */
    const inTime = (busy: boolean) =>
      reader.page.evaluate(async busy => {
        const url = URL.createObjectURL(new Blob(['for (;;);'], { type: 'text/javascript' }));
        const worker = busy ? new Worker(url) : null;
        const gaps: number[] = [];
        for (let last = performance.now(), end = last + 2500; last < end; ) {
          await new Promise(requestAnimationFrame);
          gaps.push(performance.now() - last);
          last = performance.now();
        }
        worker?.terminate();
        return gaps.filter(gap => gap < 34).length / gaps.length;
      }, busy);
    // Others may be at work on this machine: then a page that rests drops frames as well, and it is tried again.
    let [possible, found, tries] = [1, 0, 0];
    for (; tries < 8 && found < 0.95 * possible; tries++) {
      possible = await inTime(true);
      await reader.press('#toggle');
      await reader.until('training');
      found = await inTime(false);
      await reader.press('#toggle');
      await reader.until('paused');
    }
    console.log(`${name}: frames in time ${found.toFixed(3)}, of a page that rests ${possible.toFixed(3)}`);
    expect(found).toBeGreaterThanOrEqual(0.95 * possible);
    expect((await reader.state()).step).toBeGreaterThan(1000);
  });

  it('paints within a second', onClock, async () => {
    const reader = await visit();
    await reader.until(1);
    const first = await reader.page.evaluate(() => performance.getEntriesByType('paint').at(-1)?.startTime ?? 0);
    expect(first).toBeGreaterThan(0);
    expect(first).toBeLessThan(1000);
  });

  it('leaves a network that takes seconds for a step at once', onClock, async () => {
    const reader = await visit('#units=128&layers=3&batch=128&timeSteps=100');
    await reader.until(1);
    const clicked = performance.now();
    await reader.choose('echo');
    await reader.until(5);
    expect(performance.now() - clicked).toBeLessThan(5000);
    expect(await reader.page.evaluate(() => location.hash)).toBe('#task=echo');
  });

  it(`updates the live plot in less than ${budget} ms, layout included`, onClock, async () => {
    const reader = await visit('', plots());
    await openGallery(reader);
    const { page } = reader;
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
        // The best of several rounds: others use the machine too.
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
      expect(ms).toBeLessThan(budget);
    }
  });

  it.runIf(name === 'chromium').each(['plain', 'bundled'] as const)(
    '%s: a worker lets the page draw while it trains, and keeps to its memory',
    onClock,
    async kind => {
      const { page } = await visit('', shop(kind));
      await openShop(page, kind);
      const found = await page.evaluate(async () => {
        const { lw, connect, numbers } = (globalThis as unknown as { shop: Shop }).shop;
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
        let going = true;
        void fit.then(() => {
          going = false;
        });
        for (let last = performance.now(); going; ) {
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
      // Not the longest: one frame may wait for whatever else the machine does.
      expect(found.slow).toBeLessThan(50);
      expect(found.after[0]).toBe(found.before[0]);
      expect(found.after[1] - found.before[1]).toBeLessThan(4 * 2 ** 20);
      console.log(`${found.frames} frames, nine in ten at most ${found.slow.toFixed(1)} ms apart`);
    },
  );
}, browsersOfSections);

it(`updates the live plot in less than ${budget} ms in Node`, onClock, () => {
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
    expect(ms).toBeLessThan(budget);
  }
});
