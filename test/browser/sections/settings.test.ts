/** The settings and tasks of the live run, and user preferences, on the built demo page. */

import { configure, sequential, setRandomSeed } from 'lstm-wasm';
import type { Host } from 'lstm-wasm/worker';
import { describe, expect, it, vi } from 'vitest';
import { makeModel } from '../../../demo/model.ts';
import { pictures } from '../../../demo/pictures.ts';
import { defaultsOf, readAddress, type TaskName, writeAddress } from '../../../demo/settings.ts';
import { tasks } from '../../../demo/tasks/index.ts';
import { accessibilityFaults } from '../accessibility.ts';
import { browserPages, browsersOfSections, builtSite, inBrowsers } from '../browserSuites.ts';
import { screenshotsEnabled, sizes } from '../screenshots.ts';
import type { TestPage } from '../testPage.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const site = builtSite();
const isolatedSite = builtSite({
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
});

/** Trains the run of a link in Node, without page or worker, and returns its last cost. */
async function costInNode(link: string): Promise<string> {
  configure({ simd: 'strict' });
  const settings = readAddress(link);
  const here = { setRandomSeed: async (seed: number) => setRandomSeed(seed), sequential: async () => sequential() };
  const model = await makeModel(here as unknown as Host, settings, tasks[settings.task]);
  const batches = tasks[settings.task].batches(settings);
  let cost: unknown = null;
  for (let step = 0; step < pictures[settings.task].enough; step++) {
    const { xs, ys } = batches.next().value;
    cost = await model.trainOnBatch(xs, ys);
  }
  return String(cost);
}

inBrowsers(installed => {
  const { name } = installed;

  describe('by default', () => {
    const { openPage, sharePage } = browserPages(installed, { dark: false, reducedMotion: false }, site);

    it('the page fits every viewport width', async () => {
      const demo = await openPage();
      await demo.until(1);
      for (const width of [360, 640, 999, 1280, 1900]) {
        await demo.page.setViewport({ width, height: 800 });
        await demo.page.waitForFunction(() =>
          [...document.querySelectorAll('.plot > svg')].every(
            svg => svg.getBoundingClientRect().width === svg.parentElement!.clientWidth,
          ),
        );
        const [contentWidth, viewportWidth] = await demo.page.evaluate(() => [
          document.documentElement.scrollWidth,
          document.documentElement.clientWidth,
        ]);
        expect(contentWidth, `at ${width} pixels`).toBeLessThanOrEqual(viewportWidth!);
      }
    });

    it('the page has no accessibility faults', async () => {
      const demo = await openPage('#task=forecast&stateful=no');
      await demo.until(1);
      expect(await accessibilityFaults(demo.page)).toEqual([]);
    });

    const quick: TaskName[] = ['cosine', 'waves', 'damped', 'square', 'echo', 'adding', 'forecast'];

    describe('tasks chosen one after the other', () => {
      const sharedPage = sharePage(async demo => {
        await demo.until(1);
        await demo.setSpeed('End');
      });

      it.each(quick)('trains on the task %s until it reports success', async task => {
        const demo = sharedPage();
        await demo.page.click(`[value="${task}"] + span`);
        await demo.page.waitForFunction(
          task => location.hash === `#task=${task}` && Number(document.querySelector('main')!.dataset.step) > 0,
          {},
          task,
        );
        await demo.page.waitForFunction(() => /^Learned/.test(document.querySelector('#status')!.textContent ?? ''), {
          polling: 50,
        });
        if (task === 'forecast') {
          // The note is updated with the next costs.
          const expectNote = async () => expect(await demo.text('noise')).toMatch(/below a cost of 0.04\. .* ±0.2/);
          await vi.waitFor(expectNote, 10_000);
        }
        await demo.screenshot(`${name}-light-task-${task}`);
      });
    });

    it('every control changes the run and the URL', async () => {
      const demo = await openPage('#task=cosine');
      const { page } = demo;
      const settings = async () => readAddress(await page.evaluate(() => location.hash));
      const weights = async () => Number((await demo.text('weights')).replace(',', ''));
      /** The number of weights of one recurrent layer with `gates` gates, and of the dense layer above it. */
      const count = (gates: number, units: number, bias = units) => gates * (units * (units + 1) + bias) + units + 1;
      await demo.until(1);
      expect(await weights()).toBe(count(4, 20));

      await demo.choose('simpleRNN');
      expect(await weights()).toBe(count(1, 20));
      await demo.setField('#set-units', '8');
      expect(await weights()).toBe(count(1, 8));
      await demo.setField('#set-layers', '2');
      expect(await weights()).toBe(count(1, 8) + 8 * 17);
      await demo.setField('#set-time-steps', '10');
      await demo.setField('#set-batch', '30');
      await demo.setField('#set-rate', '0.02');
      await page.select('#set-optimizer', 'rmsprop');
      await demo.waitForRun();
      expect(await demo.text('warning')).toBe('');
      await page.click('[name="stateful"]');
      await demo.waitForRun();
      expect(await demo.text('warning')).toMatch(/every row, every 10 steps/);
      await demo.setField('#set-seed', '77');
      const expected = {
        ...defaultsOf('cosine'),
        cell: 'simpleRNN',
        units: 8,
        layers: 2,
        timeSteps: 10,
        batch: 30,
        learningRate: 0.02,
        optimizer: 'rmsprop',
        stateful: false,
        seed: 77,
      };
      expect(await settings()).toEqual(expected);
      expect(await demo.text('network')).toMatch(/2 layers of 8 SimpleRNN units each.*30 rows of 10.*RMSProp/);
      await page.click('#another-seed');
      await demo.waitForRun();
      expect((await settings()).seed).not.toBe(77);

      await page.click('#copy-link');
      await page.waitForFunction(() => /link/.test(document.getElementById('settings-said')!.textContent ?? ''));

      await demo.typeField('#set-batch', '1000');
      const message = 'Batch size must be a whole number from 1 to 128; 1000 was changed to 128.';
      expect(await demo.text('set-batch-fault')).toBe(message);
      expect(await page.$eval('#set-batch', input => (input as HTMLInputElement).value)).toBe('128');
      await demo.typeField('#set-rate', '5');
      expect(await demo.text('set-rate-fault')).toBe(
        'The learning rate must be above 0 and at most 1. The value stays 0.02.',
      );
      expect(await demo.text('set-batch-fault')).toBe('');
    });

    it('a link reproduces its run to the bit', async () => {
      const link = writeAddress({ ...defaultsOf('echo'), units: 9, cell: 'gru', seed: 5 });
      const costAt = async (demo: TestPage, steps: number) => {
        await demo.until(1);
        await demo.press('#reset');
        await demo.until('ready');
        await demo.setSpeed('End');
        let cost = '';
        for (let step = 1; step <= steps; step++) cost = await demo.step(step);
        return cost;
      };
      const first = await openPage(link);
      const cost = await costAt(first, 3);
      // Trains the run to its end, on this page and on another one.
      const trainToEnd = async (demo: TestPage) => {
        await demo.press('#toggle');
        await demo.until('done');
        return (await demo.state()).cost;
      };
      const last = await trainToEnd(first);
      const second = await openPage();
      await second.until(1);
      await second.setSpeed('End');
      await second.page.evaluate(hash => {
        location.hash = hash;
      }, link);
      await second.page.waitForFunction(() => document.querySelector<HTMLInputElement>('#set-units')!.value === '9');
      await second.until('done');
      expect((await second.state()).cost).toBe(last);
      expect(await costInNode(link)).toBe(last);
      expect(await costAt(second, 3)).toBe(cost);
      expect(Number(cost)).toBeGreaterThan(0);
    });

    it('reports an invalid setting in a link and runs with the default', async () => {
      const demo = await openPage('#task=square&units=many');
      await demo.until(1);
      expect(await demo.text('settings-said')).toMatch('The link has an invalid units: “many”. The page uses 20.');
      expect(await demo.page.$eval('#set-units', input => (input as HTMLInputElement).value)).toBe('20');

      // Also on a narrow screen, where the settings are collapsed
      const open = () => demo.page.$eval('#settings', place => (place as HTMLDetailsElement).open);
      await demo.page.setViewport(sizes.narrow);
      await vi.waitFor(async () => expect(await open()).toBe(false), 10_000);
      await demo.page.evaluate(() => {
        location.hash = '#units=none';
      });
      await vi.waitFor(async () => expect(await open()).toBe(true), 10_000);
    });

    it('has threads only on an isolated page, where they do not change the bits of a run', async () => {
      const shown = (demo: TestPage) => demo.page.$eval('#threads', box => !box.closest('label')!.hidden);
      const plain = await openPage();
      await plain.until(1);
      expect(await shown(plain)).toBe(false);

      const demo = await openPage('#units=64&batch=64', isolatedSite());
      await demo.until(1);
      expect(await shown(demo)).toBe(true);
      const costs = async () => {
        await demo.press('#reset');
        await demo.until('ready');
        const all: string[] = [];
        for (let step = 1; step <= 3; step++) all.push(await demo.step(step));
        return all;
      };
      const alone = await costs();
      expect(await demo.text('thread-count')).toBe('1');
      await demo.press('#threads');
      await demo.until('training');
      expect(await demo.text('thread-count')).toBe(
        await demo.page.evaluate(() => String(navigator.hardwareConcurrency)),
      );
      expect(await costs()).toEqual(alone);
      await demo.press('#threads');
      await demo.until('training');
      expect(await costs()).toEqual(alone);
    });

    it('a reset after a failed worker continues with a new worker', async () => {
      const demo = await openPage('three-steps/');
      await demo.page.evaluateOnNewDocument(() => {
        const Real = Worker;
        let made = 0;
        globalThis.Worker = class extends Real {
          constructor(...args: ConstructorParameters<typeof Worker>) {
            super(...args);
            // As if the system ended the worker, long after its creation
            if (made++ === 0) {
              setTimeout(() => this.dispatchEvent(new ErrorEvent('error', { message: 'it was ended' })), 1000);
            }
          }
        };
      });
      await demo.page.goto(site().url);
      await demo.page.waitForFunction(() => document.querySelector('main')!.dataset.state === 'failed');
      expect((await demo.state()).status).toMatch(/^The network cannot run: .*it was ended/);
      await demo.page.click('#reset');
      await demo.until('ready');
      await demo.page.click('#toggle');
      await demo.until(3);
    });

    it('stops when the learning rate is too large', async () => {
      const demo = await openPage('#optimizer=sgd&learningRate=1&cell=simpleRNN&layers=3&units=128&batch=4');
      await demo.until(1);
      await demo.setSpeed('End');
      await demo.page.waitForFunction(() =>
        ['paused', 'done'].includes(document.querySelector('main')!.dataset.state!),
      );
      const { status } = await demo.state();
      expect(status).toMatch(/not a number any more|not learned yet/);
      // The package warns as well.
      for (const fault of demo.faults.splice(0)) expect(fault).toMatch(/^warn: model\.trainOnBatch: the loss is NaN;/);
    });
  });

  describe('with the dark theme and reduced motion', () => {
    const { openPage } = browserPages(installed, { dark: true, reducedMotion: true }, site);

    it('waits for the start button', async () => {
      const demo = await openPage();
      await demo.until('ready');
      await demo.waitFrames();
      expect(await demo.state()).toMatchObject({ state: 'ready', step: 0, button: 'Start' });
      expect((await demo.state()).status).toMatch('reduced motion');
      await demo.setField('#set-units', '12');
      expect(await demo.state()).toMatchObject({ state: 'ready', step: 0 });

      await demo.page.click('#toggle');
      await demo.until(screenshotsEnabled ? 40 : 3);
      await demo.screenshot(`${name}-dark-learns`);
    });

    it('has a dark background and no accessibility faults', async () => {
      const demo = await openPage();
      await demo.until('ready');
      const background = await demo.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      expect(background).toBe('rgb(15, 20, 26)');
      expect(await accessibilityFaults(demo.page)).toEqual([]);
    });
  });
}, browsersOfSections);
