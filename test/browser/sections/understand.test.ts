/** The section of the demo page that explains the cells, compared with the same networks in Node. */

import { configure, type Inspection, layers, sequential, setRandomSeed, train } from 'lstm-wasm';
import { describe, expect, it, vi } from 'vitest';
import { defaults, readAddress, type Settings } from '../../../demo/settings.ts';
import { type Batch, tasks } from '../../../demo/tasks/index.ts';
import { farSettings, learnedCost } from '../../../demo/understand/farBack.ts';
import { type Gates, medianReach, reach } from '../../../demo/understand/reach.ts';
import { accessibilityFaults } from '../accessibility.ts';
import { browserPages, browsersOfSections, builtSite, inBrowsers } from '../browserSuites.ts';
import { screenshotsEnabled, sizes } from '../screenshots.ts';
import type { TestPage } from '../testPage.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const site = builtSite();

/** Trains a network of the page in Node; returns the gates of its first sequence, and the gradients over all of a batch. */
function trainInNode(settings: Settings, cell: Settings['cell'], steps: number) {
  const { units, timeSteps, batch, learningRate, seed } = settings;
  const task = tasks[settings.task]!;
  setRandomSeed(seed);
  const dense = layers.dense({ units: task.outputs });
  const layer = layers[cell]({
    units,
    returnSequences: task.everyStep,
    batchInputShape: [batch, timeSteps, task.inputs],
  });
  const model = sequential({ layers: [layer, task.everyStep ? layers.timeDistributed({ layer: dense }) : dense] });
  model.compile({ optimizer: train.adam(learningRate), loss: 'meanSquaredError' });
  const batches = task.batches(settings);
  const probe: Batch = batches.next().value;
  for (let step = 0, next = probe; step < steps; step++, next = batches.next().value) {
    model.trainOnBatch(next.xs, next.ys);
  }
  const shown = Object.entries(model.inspect(layer, probe.xs)) as [keyof Inspection, Inspection['h']][];
  const length = timeSteps * units;
  const gatesOf = (row: number) =>
    Object.fromEntries(
      shown.map(([name, tensor]) => [name, tensor.dataSync().slice(row * length, (row + 1) * length)]),
    ) as unknown as Gates;
  const [, recurrent, bias, out] = model.getWeights().map(weight => weight.dataSync());
  const weights = { recurrent: recurrent!, bias: bias!, dense: out! };
  const reaches = () => medianReach(Array.from({ length: batch }, (_, row) => reach(gatesOf(row), weights, units)));
  return { gates: gatesOf(0), reaches };
}

/** The section on a page. */
class Section {
  readonly demo: TestPage;

  constructor(demo: TestPage) {
    this.demo = demo;
  }

  get page() {
    return this.demo.page;
  }

  /** Scrolls to the section, pauses the live run, which would slow down these networks, and continues their training. */
  async scrollTo(): Promise<void> {
    await this.page.$eval('#understand', section => section.scrollIntoView());
    await this.page.waitForSelector('.understand[data-trained]');
    if ((await this.demo.state()).state === 'training') await this.demo.press('#toggle');
    if ((await this.state()).state === 'paused') await this.train();
  }

  /** Resolves once the networks have trained for `steps`. */
  async until(steps: number): Promise<void> {
    await this.page.waitForFunction(
      steps => Number(document.querySelector<HTMLElement>('.understand')!.dataset.trained) >= steps,
      {},
      steps,
    );
  }

  async state() {
    return this.page.$eval('.understand', element => ({ ...(element as HTMLElement).dataset }));
  }

  async train(): Promise<void> {
    await this.page.click('[data-control="train"]');
  }

  /** Resolves once no calculation is running or queued. */
  async idle(): Promise<void> {
    await this.page.waitForSelector('.understand:not([data-busy])');
  }

  /** Pauses and waits for the calculation that is running; returns the number of trained steps. */
  async pause(): Promise<number> {
    await this.train();
    await this.idle();
    const { trained, state } = await this.state();
    expect(state).toBe('paused');
    return Number(trained);
  }

  /** Selects a unit and a step with the keyboard, from the current position or the nearer end. */
  async choose(unit: number, step: number): Promise<void> {
    for (const [name, target] of [
      ['unit', unit],
      ['step', step],
    ] as const) {
      const slider = (await this.page.$(`#understand-${name}`))!;
      await slider.focus();
      const [now, last] = await slider.evaluate(each => {
        const { value, max } = each as HTMLInputElement;
        return [Number(value), Number(max)] as const;
      });
      const paths = [
        { key: null, from: now },
        { key: 'Home', from: 0 },
        { key: 'End', from: last },
      ] as const;
      const length = ({ key, from }: (typeof paths)[number]) => Math.abs(target - from) + (key ? 1 : 0);
      const { key, from } = paths.reduce((best, path) => (length(path) < length(best) ? path : best));
      if (key) await this.page.keyboard.press(key);
      const arrow = target > from ? 'ArrowRight' : 'ArrowLeft';
      for (let n = Math.abs(target - from); n > 0; n--) await this.page.keyboard.press(arrow);
    }
    expect(await this.state()).toMatchObject({ unit: String(unit), step: String(step) });
  }

  /** The displayed numbers by name. */
  async numbers(): Promise<Record<string, number>> {
    return this.page.$$eval('.understand data', all =>
      Object.fromEntries(
        all.map(data => [(data as HTMLElement).dataset.number!, Number((data as HTMLDataElement).value)]),
      ),
    );
  }

  /** The values shown in a diagram. */
  async drawn(picture: string): Promise<string[]> {
    return this.page.$$eval(`[data-picture="${picture}"] .lw-mark`, all => all.map(text => text.textContent ?? ''));
  }

  /** Saves a screenshot of the section, if screenshots are enabled. */
  async screenshot(name: string): Promise<void> {
    await this.demo.screenshot(name, '#understand');
  }
}

const decimal = (value: number) => value.toFixed(2).replace('-', '−').replace('−0.00', '0.00');

inBrowsers(installed => {
  const { name } = installed;

  describe('by default', () => {
    const { openPage, sharePage } = browserPages(installed, { dark: false, reducedMotion: false }, site);

    describe('the default network, on one page', () => {
      const sharedPage = sharePage(async () => {});
      const openSection = () => new Section(sharedPage());

      it('does not train while it is out of view', async () => {
        const section = openSection();
        expect(await section.page.$('.understand svg')).toBeNull();
        await section.scrollTo();
        await section.until(5);
        await section.page.evaluate(() => scrollTo(0, 0));
        await section.demo.waitFrames(); // until the page notices
        await section.idle();
        const { trained } = await section.state();
        await new Promise(resolve => setTimeout(resolve, 700));
        expect((await section.state()).trained).toBe(trained);
      });

      it('shows the numbers of the selected unit and step', async () => {
        const section = openSection();
        await section.scrollTo();
        await section.until(12);
        const trained = await section.pause();
        const [gated, plain] = [trainInNode(defaults, 'lstm', trained), trainInNode(defaults, 'simpleRNN', trained)];
        const forgetGates: number[] = [];
        for (const [unit, step] of [
          [3, 5],
          [3, 6],
          [15, 39],
          [0, 0],
        ] as const) {
          await section.choose(unit, step);
          const numbers = await section.numbers();
          const index = step * defaults.units + unit;
          for (const gate of ['i', 'f', 'g', 'o', 'c', 'h'] as const) {
            expect(numbers[`gated.${gate}`], gate).toBeCloseTo(gated.gates[gate]![index]!, 3);
          }
          for (const gate of ['i', 'f', 'o']) {
            expect(numbers[`gated.${gate}`]).toBeGreaterThan(0);
            expect(numbers[`gated.${gate}`]).toBeLessThan(1);
          }
          const earlier = (values: ArrayLike<number>) => (step > 0 ? values[index - defaults.units]! : 0);
          expect(numbers['gated.previousC']).toBeCloseTo(earlier(gated.gates.c!), 3);
          expect(numbers['plain.h']).toBeCloseTo(plain.gates.h[index]!, 3);
          expect(numbers['plain.previousH']).toBeCloseTo(earlier(plain.gates.h), 3);
          expect(numbers['sum.kept']! + numbers['sum.added']!).toBeCloseTo(numbers['gated.c']!, 5);
          const drawn = await section.drawn('gated-cell');
          for (const gate of ['i', 'f', 'g', 'o', 'c', 'h']) {
            expect(drawn).toContain(decimal(numbers[`gated.${gate}`]!));
          }
          expect((await section.drawn('gated-chain')).includes('–')).toBe(step === 0 || step === 39);
          forgetGates.push(numbers['gated.f']!);
        }
        expect(new Set(forgetGates).size).toBe(4);
      });

      it('plays through the time steps, and selects a cell of the heat map by a click', async () => {
        const section = openSection();
        await section.scrollTo();
        const { step } = await section.state();
        await section.page.click('[data-control="play"]');
        await section.page.waitForFunction(
          step => document.querySelector<HTMLElement>('.understand')!.dataset.step === String(Number(step) + 2),
          {},
          step,
        );
        await section.page.click('[data-control="play"]');
        const fields = await section.page.$$('[data-picture="heat"] .lw-panel-c rect');
        await fields[7 * defaults.units + 4]!.scrollIntoView();
        await fields[7 * defaults.units + 4]!.click();
        expect(await section.state()).toMatchObject({ unit: '4', step: '7' });
      });

      it('fits narrow screens and has no accessibility faults', async () => {
        const section = openSection();
        await section.scrollTo();
        await section.until(1);
        await section.pause();
        for (const width of [1024, 360]) {
          await section.page.setViewport({ width, height: 800 });
          await section.demo.waitFrames();
          const viewportWidth = await section.page.evaluate(() => document.documentElement.clientWidth);
          const contentWidth = await section.page.evaluate(() => document.documentElement.scrollWidth);
          expect(contentWidth, `at ${width} pixels`).toBeLessThanOrEqual(viewportWidth);
          expect(await accessibilityFaults(section.page)).toEqual([]);
        }
      });
    });

    it('has no text below 11 pixels on a phone', async () => {
      const { page, waitFrames } = await openPage().then(demo => ({
        page: demo.page,
        waitFrames: () => demo.waitFrames(),
      }));
      await page.setViewport(sizes.narrow);
      await page.$eval('#understand', section => section.scrollIntoView());
      await page.waitForSelector('.understand[data-trained]');
      await page.$eval('[data-part="far-back"]', part => part.scrollIntoView());
      await page.waitForSelector('[data-picture="reach"] text');
      await waitFrames();
      const small = await page.evaluate(() =>
        [...document.querySelectorAll<SVGTextElement>('main svg text')].flatMap(text => {
          const { a, b } = text.getScreenCTM()!;
          const pixels = Number.parseFloat(getComputedStyle(text).fontSize) * Math.hypot(a, b);
          return text.textContent.trim() && pixels < 11 ? [`${text.textContent} ${pixels.toFixed(1)}`] : [];
        }),
      );
      expect(small).toEqual([]);
    });

    it('shows a GRU, and tasks with a single output at the end', async () => {
      const address = '#task=adding&cell=gru&units=8&timeSteps=12';
      const settings = readAddress(address);
      const section = new Section(await openPage(address));
      await section.scrollTo();
      await section.until(8);
      const trained = await section.pause();
      await section.choose(2, 6);
      const [gated, plain] = [trainInNode(settings, 'gru', trained), trainInNode(settings, 'simpleRNN', trained)];
      const numbers = await section.numbers();
      for (const gate of ['z', 'r', 'n', 'h'] as const) {
        expect(numbers[`gated.${gate}`], gate).toBeCloseTo(gated.gates[gate]![6 * 8 + 2]!, 3);
      }
      expect(numbers['sum.kept']! + numbers['sum.added']!).toBeCloseTo(numbers['gated.h']!, 5);
      expect(numbers['plain.h']).toBeCloseTo(plain.gates.h[6 * 8 + 2]!, 3);
      expect(await section.page.$eval('.understand', element => element.textContent)).toMatch(/x is \(\S+, \S+\)/);
      await section.screenshot(`${name}-understand-gru`);
    });

    it('trains until the LSTM has learned, and its gradient reaches the first time step', async () => {
      const { page, screenshot } = await openPage().then(demo => ({
        page: demo.page,
        screenshot: (name: string) => demo.screenshot(name, '[data-part="far-back"]'),
      }));
      await page.waitForFunction(() => document.querySelector('main')!.dataset.state === 'training');
      await page.$eval('#toggle', button => (button as HTMLElement).click());
      await page.$eval('[data-part="far-back"]', part => part.scrollIntoView({ block: 'end' }));
      await page.waitForSelector('[data-part="far-back"][data-state="learned"]');
      const shown = await page.$eval('[data-part="far-back"]', part => ({ ...(part as HTMLElement).dataset }));
      const verdict = await page.$eval('[data-text="verdict"]', each => each.textContent);
      const read = (text = '') => text.split(' ').map(Number);
      const shares = { plain: read(shown.plain), gated: read(shown.gated), cell: read(shown.cell) };
      console.log(`${name}: after ${shown.trained} steps, ${verdict}`);
      expect(shares.cell[0]).toBeGreaterThan(0.3);
      expect(shares.plain[0]).toBeLessThan(0.001);
      expect(shares.gated[0]! / shares.plain[0]!).toBeGreaterThan(100);
      expect(Number(shown.gatedCost)).toBeLessThan(2 * learnedCost);
      expect(Number(shown.plainCost)).toBeGreaterThan(10 * Number(shown.gatedCost));
      expect(verdict).toMatch(/^From time step 39 back to time step 0, the gradient shrinks \S+-fold in the plain RNN/);

      configure({ simd: 'strict' });
      const steps = Number(shown.trained);
      const gated = trainInNode(farSettings, 'lstm', steps).reaches();
      const plain = trainInNode(farSettings, 'simpleRNN', steps).reaches();
      for (const [line, norms] of [
        ['plain', plain.h],
        ['gated', gated.h],
        ['cell', gated.c!],
      ] as const) {
        expect(shares[line]).toHaveLength(farSettings.timeSteps);
        for (const [step, norm] of norms.entries()) {
          expect(shares[line][step]! / norm, `${line} at step ${step}`).toBeCloseTo(1, 6);
        }
      }
      await screenshot(`${name}-far-back-light`);
      await page.click('[data-control="far-seed"]');
      await page.waitForFunction(
        seed => document.querySelector<HTMLElement>('[data-part="far-back"]')!.dataset.seed !== seed,
        {},
        shown.seed,
      );
    });

    it('frames no heat map cell for a unit that is not drawn', async () => {
      const section = new Section(await openPage('#units=128&timeSteps=100&batch=1'));
      await section.scrollTo();
      const framedCells = () =>
        section.page.$$eval(
          '.understand-frame',
          all => all.filter(each => getComputedStyle(each).display !== 'none').length,
        );
      expect(await framedCells()).toBe(6);
      await section.page.focus('#understand-unit');
      await section.page.keyboard.press('End');
      expect((await section.state()).unit).toBe('127');
      expect(await framedCells()).toBe(0);
    });
  });

  describe('with the dark theme and reduced motion', () => {
    const { openPage } = browserPages(installed, { dark: true, reducedMotion: true }, site);

    it('shows untrained networks and waits for the start button', async () => {
      const section = new Section(await openPage());
      await section.scrollTo();
      expect(await section.state()).toMatchObject({ state: 'ready', trained: '0' });
      expect(await section.page.$eval('[data-control="play"]', button => (button as HTMLElement).hidden)).toBe(true);
      expect(await accessibilityFaults(section.page)).toEqual([]);
      await new Promise(resolve => setTimeout(resolve, 500));
      expect((await section.state()).trained).toBe('0');
      await section.train();
      await section.until(screenshotsEnabled ? 100 : 3);
      await section.screenshot(`${name}-understand-dark`);
    });
  });
}, browsersOfSections);
