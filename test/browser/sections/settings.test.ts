/** The settings of the run, its tasks, and who comes to see it: in real browsers, on the page as it is built. */

import { configure, sequential, setRandomSeed } from 'lstm-wasm';
import type { Host } from 'lstm-wasm/worker';
import { describe, expect, it, vi } from 'vitest';
import { makeModel } from '../../../demo/model.ts';
import { pictures } from '../../../demo/pictures.ts';
import { defaultsOf, readAddress, type TaskName, writeAddress } from '../../../demo/settings.ts';
import { tasks } from '../../../demo/tasks/index.ts';
import { accessibilityFaults } from '../accessibility.ts';
import { browsersOfSections, builtSite, inBrowsers, readers } from '../readers.ts';
import { sizes, wanted } from '../screenshots.ts';
import type { Visit } from '../visit.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const site = builtSite();

/** The last cost of the run of a link, without a page, a worker, or anybody who looks. */
async function costIn(link: string): Promise<string> {
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

  describe('for anybody', () => {
    const { visit, stay } = readers(installed, { dark: false, reducedMotion: false }, site);

    it('fits every width', async () => {
      const reader = await visit();
      await reader.until(1);
      for (const width of [360, 640, 999, 1280, 1900]) {
        await reader.page.setViewport({ width, height: 800 });
        await reader.page.waitForFunction(() =>
          [...document.querySelectorAll('.plot > svg')].every(
            svg => svg.getBoundingClientRect().width === svg.parentElement!.clientWidth,
          ),
        );
        const [content, room] = await reader.page.evaluate(() => [
          document.documentElement.scrollWidth,
          document.documentElement.clientWidth,
        ]);
        expect(content, `at ${width} pixels`).toBeLessThanOrEqual(room!);
      }
    });

    it('is accessible as far as a program can tell', async () => {
      const reader = await visit('#task=forecast&stateful=no');
      await reader.until(1);
      expect(await accessibilityFaults(reader.page)).toEqual([]);
    });

    const quick: TaskName[] = ['waves', 'damped', 'square', 'echo', 'adding', 'forecast'];

    describe('with a single visit', () => {
      const here = stay(reader => reader.until(1));

      it.each(quick)('learns %s', async task => {
        const reader = here();
        await reader.page.click(`[value="${task}"] + span`);
        await reader.page.waitForFunction(
          task => location.hash === `#task=${task}` && Number(document.querySelector('main')!.dataset.step) > 0,
          {},
          task,
        );
        await reader.page.waitForFunction(
          () => /^(It has learned|Learned)/.test(document.querySelector('#status')!.textContent ?? ''),
          { polling: 50 },
        );
        if (task === 'forecast') {
          // The note hears of the costs with the next numbers
          const noted = async () => expect(await reader.text('noise')).toMatch(/below a cost of 0.04 .* ±0.2/);
          await vi.waitFor(noted, 10_000);
        }
        await reader.screenshot(`${name}-light-task-${task}`);
      });
    });

    it('does what every control says, and writes it into the address', async () => {
      const reader = await visit();
      const { page } = reader;
      const settings = async () => readAddress(await page.evaluate(() => location.hash));
      const weights = async () => Number((await reader.text('weights')).replace(',', ''));
      /** Weights of one recurrent layer with so many gates, and of the dense one above. */
      const count = (gates: number, units: number, bias = units) => gates * (units * (units + 1) + bias) + units + 1;
      await reader.until(1);
      expect(await weights()).toBe(count(4, 20));

      await reader.choose('simpleRNN');
      expect(await weights()).toBe(count(1, 20));
      await reader.fill('#set-units', '8');
      expect(await weights()).toBe(count(1, 8));
      await reader.fill('#set-layers', '2');
      expect(await weights()).toBe(count(1, 8) + 8 * 17);
      await reader.put('#set-time-steps', '10');
      await reader.put('#set-batch', '30');
      await reader.put('#set-rate', '0.02');
      await page.select('#set-optimizer', 'rmsprop');
      await reader.begun();
      expect(await reader.text('warning')).toBe('');
      await page.click('[name="stateful"]');
      await reader.begun();
      expect(await reader.text('warning')).toMatch(/every 10 points/);
      await reader.put('#set-seed', '77');
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
      expect(await reader.text('network')).toMatch(/2 layers of 8 SimpleRNN units each.*30 rows of 10.*RMSProp/);
      await page.click('#another-seed');
      await reader.begun();
      expect((await settings()).seed).not.toBe(77);

      await page.click('#copy-link');
      await page.waitForFunction(() => /link/.test(document.getElementById('settings-said')!.textContent ?? ''));

      await reader.fill('#set-units', '1000');
      expect(await reader.text('settings-said')).toBe('Units: a whole number from 1 to 128. 1000 became 128.');
      expect(await page.$eval('#set-units', input => (input as HTMLInputElement).value)).toBe('128');
    });

    it('repeats a run from its link, to the bit', async () => {
      const link = writeAddress({ ...defaultsOf('echo'), units: 9, cell: 'gru', seed: 5 });
      const costAt = async (reader: Visit, steps: number) => {
        await reader.until(1);
        await reader.press('#reset');
        await reader.until('ready');
        await reader.setSpeed('End');
        let cost = '';
        for (let step = 1; step <= steps; step++) cost = await reader.step(step);
        return cost;
      };
      const one = await visit(link);
      const cost = await costAt(one, 3);
      // The run itself, to its end, in another visit and in this one
      const end = async (reader: Visit) => {
        await reader.press('#toggle');
        await reader.until('done');
        return (await reader.state()).cost;
      };
      const last = await end(one);
      const two = await visit();
      await two.until(1);
      await two.page.evaluate(hash => {
        location.hash = hash;
      }, link);
      await two.page.waitForFunction(() => document.querySelector<HTMLInputElement>('#set-units')!.value === '9');
      await two.until('done');
      expect((await two.state()).cost).toBe(last);
      expect(await costIn(link)).toBe(last);
      expect(await costAt(two, 3)).toBe(cost);
      expect(Number(cost)).toBeGreaterThan(0);
    });

    it('says what is wrong with a link, and runs all the same', async () => {
      const reader = await visit('#task=square&units=many');
      await reader.until(1);
      expect(await reader.text('settings-said')).toMatch('units “many”');
      expect(await reader.page.$eval('#set-units', input => (input as HTMLInputElement).value)).toBe('20');

      // On a phone, where the settings are folded, too
      const open = () => reader.page.$eval('#settings', place => (place as HTMLDetailsElement).open);
      await reader.page.setViewport(sizes.narrow);
      await vi.waitFor(async () => expect(await open()).toBe(false), 10_000);
      await reader.page.evaluate(() => {
        location.hash = '#units=none';
      });
      await vi.waitFor(async () => expect(await open()).toBe(true), 10_000);
    });

    it('goes on with another worker where one has failed', async () => {
      const reader = await visit('three-steps/');
      await reader.page.evaluateOnNewDocument(() => {
        const Real = Worker;
        let made = 0;
        globalThis.Worker = class extends Real {
          constructor(...args: ConstructorParameters<typeof Worker>) {
            super(...args);
            // As when the system ends it, long after it was made
            if (made++ === 0) {
              setTimeout(() => this.dispatchEvent(new ErrorEvent('error', { message: 'it was ended' })), 1000);
            }
          }
        };
      });
      await reader.page.goto(site().url);
      await reader.page.waitForFunction(() => document.querySelector('main')!.dataset.state === 'failed');
      expect((await reader.state()).status).toMatch(/^The network cannot run: .*it was ended/);
      await reader.page.click('#reset');
      await reader.until('ready');
      await reader.page.click('#toggle');
      await reader.until(3);
    });

    it('stops where the steps were too large', async () => {
      const reader = await visit('#optimizer=sgd&learningRate=1&cell=simpleRNN&layers=3&units=128&batch=4');
      await reader.until(1);
      await reader.setSpeed('End');
      await reader.page.waitForFunction(() =>
        ['paused', 'done'].includes(document.querySelector('main')!.dataset.state!),
      );
      const { status } = await reader.state();
      expect(status).toMatch(/no number any more|not quite there/);
      // The package says it, too
      for (const fault of reader.faults.splice(0))
        expect(fault).toMatch(/^warn: model\.trainOnBatch: the loss is NaN;/);
    });
  });

  describe('for readers of dark pages who want less motion', () => {
    const { visit } = readers(installed, { dark: true, reducedMotion: true }, site);

    it('waits to be started', async () => {
      const reader = await visit();
      await reader.until('ready');
      await reader.pass();
      expect(await reader.state()).toMatchObject({ state: 'ready', step: 0, button: 'Start' });
      expect((await reader.state()).status).toMatch('reduced motion');
      await reader.fill('#set-units', '12');
      expect(await reader.state()).toMatchObject({ state: 'ready', step: 0 });

      await reader.page.click('#toggle');
      await reader.until(wanted ? 40 : 3);
      await reader.screenshot(`${name}-dark-learns`);
    });

    it('is dark, and accessible all the same', async () => {
      const reader = await visit();
      await reader.until('ready');
      const paper = await reader.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      expect(paper).toBe('rgb(15, 20, 26)');
      expect(await accessibilityFaults(reader.page)).toEqual([]);
    });
  });
}, browsersOfSections);
