/** The section that takes the cells apart, against the same networks in Node. */

import { type Inspection, layers, sequential, setRandomSeed, train } from 'lstm-wasm';
import { describe, expect, it, vi } from 'vitest';
import { defaults, readAddress, type Settings } from '../../../demo/settings.ts';
import { type Batch, tasks } from '../../../demo/tasks/index.ts';
import { type Gates, reach } from '../../../demo/understand/reach.ts';
import { accessibilityFaults } from '../accessibility.ts';
import { browsersOfSections, builtSite, inBrowsers, readers } from '../readers.ts';
import { wanted } from '../screenshots.ts';
import type { Visit } from '../visit.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const site = builtSite();

/** What one of the networks of the page is after some steps, made by hand; its first sequence alone. */
function inNode(settings: Settings, cell: Settings['cell'], steps: number) {
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
  const gates = Object.fromEntries(
    shown.map(([name, tensor]) => [name, tensor.dataSync().slice(0, timeSteps * units)]),
  ) as unknown as Gates;
  const [, recurrent, bias, out] = model.getWeights().map(weight => weight.dataSync());
  return { gates, reach: reach(gates, { recurrent: recurrent!, bias: bias!, dense: out! }, units) };
}

/** A visit to the section. */
class Reader {
  readonly visit: Visit;

  constructor(visit: Visit) {
    this.visit = visit;
  }

  get page() {
    return this.visit.page;
  }

  /** Comes here, and pauses the run above, which would only take time from these networks. */
  async arrive(): Promise<void> {
    await this.page.$eval('#understand', section => section.scrollIntoView());
    await this.page.waitForSelector('.understand[data-trained]');
    if ((await this.visit.state()).state === 'training') await this.visit.press('#toggle');
  }

  /** Once the networks have trained so much. */
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

  /** Once what is on its way is done, and nothing follows. */
  async idle(): Promise<void> {
    await this.page.waitForSelector('.understand:not([data-busy])');
  }

  /** Pauses, and waits for what is on its way; returns the steps trained. */
  async pause(): Promise<number> {
    await this.train();
    await this.idle();
    const { trained, state } = await this.state();
    expect(state).toBe('paused');
    return Number(trained);
  }

  /** By the keyboard, from where it stands or from the nearer end. */
  async choose(unit: number, step: number): Promise<void> {
    for (const [name, wanted] of [
      ['unit', unit],
      ['step', step],
    ] as const) {
      const slider = (await this.page.$(`#understand-${name}`))!;
      await slider.focus();
      const [now, last] = await slider.evaluate(each => {
        const { value, max } = each as HTMLInputElement;
        return [Number(value), Number(max)] as const;
      });
      const ways = [
        { key: null, from: now },
        { key: 'Home', from: 0 },
        { key: 'End', from: last },
      ] as const;
      const length = ({ key, from }: (typeof ways)[number]) => Math.abs(wanted - from) + (key ? 1 : 0);
      const { key, from } = ways.reduce((best, way) => (length(way) < length(best) ? way : best));
      if (key) await this.page.keyboard.press(key);
      const arrow = wanted > from ? 'ArrowRight' : 'ArrowLeft';
      for (let n = Math.abs(wanted - from); n > 0; n--) await this.page.keyboard.press(arrow);
    }
    expect(await this.state()).toMatchObject({ unit: String(unit), step: String(step) });
  }

  /** The live numbers by their names. */
  async numbers(): Promise<Record<string, number>> {
    return this.page.$$eval('.understand data', all =>
      Object.fromEntries(
        all.map(data => [(data as HTMLElement).dataset.number!, Number((data as HTMLDataElement).value)]),
      ),
    );
  }

  /** The values that stand in a diagram. */
  async drawn(picture: string): Promise<string[]> {
    return this.page.$$eval(`[data-picture="${picture}"] .lw-mark`, all => all.map(text => text.textContent ?? ''));
  }

  async reach(): Promise<Record<'plain' | 'gated' | 'cell', number[]>> {
    return this.page.$eval('[data-picture="reach"]', element => {
      const { plain, gated, cell } = (element as HTMLElement).dataset;
      const read = (text = '') => text.split(' ').filter(Boolean).map(Number);
      return { plain: read(plain), gated: read(gated), cell: read(cell) };
    });
  }

  /** The whole section, for eyes. */
  async screenshot(name: string): Promise<void> {
    await this.visit.screenshot(name, '#understand');
  }
}

const decimal = (value: number) => value.toFixed(2).replace('-', '−').replace('−0.00', '0.00');

inBrowsers(installed => {
  const { name } = installed;

  describe('for anybody', () => {
    const { visit } = readers(installed, { dark: false, reducedMotion: false }, site);

    it('shows the numbers of the unit and the step that are chosen', async () => {
      const reader = new Reader(await visit());
      await reader.arrive();
      await reader.until(12);
      const trained = await reader.pause();
      const [gated, plain] = [inNode(defaults, 'lstm', trained), inNode(defaults, 'simpleRNN', trained)];
      const seen: number[] = [];
      for (const [unit, step] of [
        [3, 5],
        [3, 6],
        [19, 19],
        [0, 0],
      ] as const) {
        await reader.choose(unit, step);
        const numbers = await reader.numbers();
        const at = step * defaults.units + unit;
        for (const gate of ['i', 'f', 'g', 'o', 'c', 'h'] as const) {
          expect(numbers[`gated.${gate}`], gate).toBeCloseTo(gated.gates[gate]![at]!, 3);
        }
        for (const gate of ['i', 'f', 'o']) {
          expect(numbers[`gated.${gate}`]).toBeGreaterThan(0);
          expect(numbers[`gated.${gate}`]).toBeLessThan(1);
        }
        const earlier = (values: ArrayLike<number>) => (step > 0 ? values[at - defaults.units]! : 0);
        expect(numbers['gated.previousC']).toBeCloseTo(earlier(gated.gates.c!), 3);
        expect(numbers['plain.h']).toBeCloseTo(plain.gates.h[at]!, 3);
        expect(numbers['plain.previousH']).toBeCloseTo(earlier(plain.gates.h), 3);
        expect(numbers['sum.kept']! + numbers['sum.added']!).toBeCloseTo(numbers['gated.c']!, 5);
        const drawn = await reader.drawn('gated-cell');
        for (const gate of ['i', 'f', 'g', 'o', 'c', 'h']) {
          expect(drawn).toContain(decimal(numbers[`gated.${gate}`]!));
        }
        expect((await reader.drawn('gated-chain')).includes('–')).toBe(step === 0 || step === 19);
        seen.push(numbers['gated.f']!);
      }
      expect(new Set(seen).size).toBe(4);
    });

    it('measures how far the gradient reaches', async () => {
      const reader = new Reader(await visit());
      await reader.arrive();
      await reader.until(20);
      const trained = await reader.pause();
      const shown = await reader.reach();
      const [gated, plain] = [inNode(defaults, 'lstm', trained), inNode(defaults, 'simpleRNN', trained)];
      for (const [line, norms] of [
        ['plain', plain.reach.h],
        ['gated', gated.reach.h],
        ['cell', gated.reach.c!],
      ] as const) {
        expect(shown[line]).toHaveLength(defaults.timeSteps);
        for (const [step, norm] of norms.entries()) {
          expect(shown[line][step]! / norm, `${line} at step ${step}`).toBeCloseTo(1, 2);
        }
      }
      await reader.screenshot(`${name}-understand-light`);
    });

    it('walks through the steps, and takes a click on a field', async () => {
      const reader = new Reader(await visit());
      await reader.arrive();
      const { step } = await reader.state();
      await reader.page.click('[data-control="play"]');
      await reader.page.waitForFunction(
        step => document.querySelector<HTMLElement>('.understand')!.dataset.step === String(Number(step) + 2),
        {},
        step,
      );
      await reader.page.click('[data-control="play"]');
      const fields = await reader.page.$$('[data-picture="heat"] .lw-panel-c rect');
      await fields[7 * defaults.units + 4]!.scrollIntoView();
      await fields[7 * defaults.units + 4]!.click();
      expect(await reader.state()).toMatchObject({ unit: '4', step: '7' });
    });

    it('computes nothing out of view', async () => {
      const reader = new Reader(await visit());
      expect(await reader.page.$('.understand svg')).toBeNull();
      await reader.arrive();
      await reader.until(5);
      await reader.page.evaluate(() => scrollTo(0, 0));
      await reader.visit.pass(); // until the page has noticed
      await reader.idle();
      const { trained } = await reader.state();
      await new Promise(resolve => setTimeout(resolve, 700));
      expect((await reader.state()).trained).toBe(trained);
    });

    it('has a GRU in the place of the LSTM, and tasks that are answered at the end', async () => {
      const address = '#task=adding&cell=gru&units=8&timeSteps=12';
      const settings = readAddress(address);
      const reader = new Reader(await visit(address));
      await reader.arrive();
      await reader.until(8);
      const trained = await reader.pause();
      await reader.choose(2, 6);
      const [gated, plain] = [inNode(settings, 'gru', trained), inNode(settings, 'simpleRNN', trained)];
      const numbers = await reader.numbers();
      for (const gate of ['z', 'r', 'n', 'h'] as const) {
        expect(numbers[`gated.${gate}`], gate).toBeCloseTo(gated.gates[gate]![6 * 8 + 2]!, 3);
      }
      expect(numbers['sum.kept']! + numbers['sum.added']!).toBeCloseTo(numbers['gated.h']!, 5);
      const shown = await reader.reach();
      expect(shown.cell).toEqual([]);
      for (let step = 0; step < 12; step++) {
        expect(shown.gated[step]! / gated.reach.h[step]!).toBeCloseTo(1, 2);
        expect(shown.plain[step]! / plain.reach.h[step]!).toBeCloseTo(1, 2);
      }
      expect(await reader.page.$eval('.understand', element => element.textContent)).toMatch(/x is \(\S+, \S+\)/);
      await reader.screenshot(`${name}-understand-gru`);
    });

    it('fits a phone, and is accessible as far as a program can tell', async () => {
      const reader = new Reader(await visit());
      await reader.arrive();
      await reader.until(1);
      await reader.pause();
      for (const width of [1024, 360]) {
        await reader.page.setViewport({ width, height: 800 });
        await reader.visit.pass();
        const room = await reader.page.evaluate(() => document.documentElement.clientWidth);
        const content = await reader.page.evaluate(() => document.documentElement.scrollWidth);
        expect(content, `at ${width} pixels`).toBeLessThanOrEqual(room);
        expect(await accessibilityFaults(reader.page)).toEqual([]);
      }
    });

    it('frames no field for a unit that is not drawn', async () => {
      const reader = new Reader(await visit('#units=128&timeSteps=100&batch=1'));
      await reader.arrive();
      const framed = () =>
        reader.page.$$eval(
          '.understand-frame',
          all => all.filter(each => getComputedStyle(each).display !== 'none').length,
        );
      expect(await framed()).toBe(6);
      await reader.page.focus('#understand-unit');
      await reader.page.keyboard.press('End');
      expect((await reader.state()).unit).toBe('127');
      expect(await framed()).toBe(0);
    });
  });

  describe('for readers of dark pages who want less motion', () => {
    const { visit } = readers(installed, { dark: true, reducedMotion: true }, site);

    it('shows fresh networks, and waits to be started', async () => {
      const reader = new Reader(await visit());
      await reader.arrive();
      expect(await reader.state()).toMatchObject({ state: 'ready', trained: '0' });
      expect(await reader.page.$eval('[data-control="play"]', button => (button as HTMLElement).hidden)).toBe(true);
      expect(await accessibilityFaults(reader.page)).toEqual([]);
      await new Promise(resolve => setTimeout(resolve, 500));
      expect((await reader.state()).trained).toBe('0');
      await reader.train();
      await reader.until(wanted ? 100 : 3);
      await reader.screenshot(`${name}-understand-dark`);
    });
  });
}, browsersOfSections);
