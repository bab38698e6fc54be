/** A page in a test: user actions on the demo page, and all errors and warnings while it is open. */

import type { Page } from 'puppeteer-core';
import type { RunningBrowser } from './browsers.ts';
import { saveScreenshots } from './screenshots.ts';

/** Milliseconds; generous, for slow machines. */
const timeout = 90_000;

export type State = 'loading' | 'ready' | 'training' | 'paused' | 'done' | 'failed';

export class TestPage {
  readonly page: Page;
  /** Errors and warnings on the console, exceptions, and requests that failed or went to another host. */
  readonly faults: string[] = [];
  readonly requests: string[] = [];

  private constructor(page: Page, site: string) {
    this.page = page;
    page.setDefaultTimeout(timeout);
    page.on('console', message => {
      if (['error', 'warn', 'assert'].includes(message.type()))
        this.faults.push(`${message.type()}: ${message.text()}`);
    });
    page.on('pageerror', error => this.faults.push(`exception: ${error}`));
    page.on('requestfailed', request => this.faults.push(`failed: ${request.url()}`));
    page.on('response', response => {
      if (response.status() >= 400) this.faults.push(`status ${response.status()}: ${response.url()}`);
    });
    page.on('request', request => {
      this.requests.push(request.url());
      if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(site)) {
        this.faults.push(`request to another host: ${request.url()}`);
      }
    });
  }

  static async open(browser: Pick<RunningBrowser, 'newPage'>, site: string, url = site): Promise<TestPage> {
    const page = new TestPage(await browser.newPage(), site);
    await page.page.bringToFront(); // pages in the background paint no frames, for which waitForFunction waits
    await page.page.goto(url, { waitUntil: 'load', timeout });
    return page;
  }

  /** Resolves once the page is in the given state, or has trained for at least the given number of steps. */
  async until(expected: State | number): Promise<void> {
    await this.page.waitForFunction(
      expected => {
        const { state, step } = document.querySelector('main')!.dataset;
        if (state === 'failed') throw new Error(document.querySelector('#status')!.textContent ?? '');
        return typeof expected === 'number' ? Number(step) >= expected : state === expected;
      },
      {},
      expected,
    );
  }

  /** Clicks a button from a script, which is faster than a real click (half a second in Firefox). */
  async press(selector: string): Promise<void> {
    await this.page.$eval(selector, button => (button as HTMLElement).click());
  }

  /** Trains a single step, which must be the n-th; returns the cost. */
  async step(n: number): Promise<string> {
    await this.press('#step');
    const cost = await this.page.waitForFunction(
      n => {
        const { state, step, cost } = document.querySelector('main')!.dataset;
        if (state !== 'paused' || Number(step) < n) return false;
        if (Number(step) > n) throw new Error(`expected step ${n}, got ${step}`);
        return cost;
      },
      {},
      n,
    );
    return (await cost.jsonValue()) as string;
  }

  /** Resolves once the cost is below `limit` in some frame. */
  async untilCostBelow(limit: number): Promise<void> {
    await this.page.waitForFunction(
      limit => {
        const { cost } = document.querySelector('main')!.dataset;
        return cost !== '' && Number(cost) < limit;
      },
      { polling: 'raf' },
      limit,
    );
  }

  /** Waits for 12 frames, to check that nothing else happens. */
  async waitFrames(): Promise<void> {
    await this.page.evaluate(async () => {
      for (let i = 0; i < 12; i++) await new Promise(requestAnimationFrame);
    });
  }

  /** Moves the speed slider to an end with the keyboard; returns its label. */
  async setSpeed(key: 'Home' | 'End'): Promise<string> {
    await this.page.focus('#speed');
    await this.page.keyboard.press(key);
    return this.page.$eval('#speed', slider => slider.getAttribute('aria-valuetext') ?? '');
  }

  async text(id: string): Promise<string> {
    return this.page.$eval(`#${id}`, element => element.textContent ?? '');
  }

  /** Resolves once the new run after a change is ready. */
  async waitForRun(): Promise<void> {
    await this.page.waitForFunction(() => document.querySelector('main')!.dataset.state !== 'loading');
  }

  /** Sets the value of a field from a script. */
  async setField(selector: string, value: string): Promise<void> {
    await this.page.$eval(
      selector,
      (field, value) => {
        (field as HTMLInputElement).value = value;
        field.dispatchEvent(new Event('change', { bubbles: true }));
      },
      value,
    );
    await this.waitForRun();
  }

  /** Types a value into a field. */
  async typeField(selector: string, value: string): Promise<void> {
    await this.page.click(selector, { count: 3 });
    await this.page.keyboard.type(value);
    await this.page.keyboard.press('Enter');
    await this.waitForRun();
  }

  /** Clicks the radio button with the value. */
  async choose(value: string): Promise<void> {
    await this.page.click(`[value="${value}"] + span`);
    await this.waitForRun();
  }

  async state(): Promise<{ state: State; step: number; cost: string; button: string; status: string }> {
    return this.page.evaluate(() => {
      const { state, step, cost } = document.querySelector('main')!.dataset;
      const text = (id: string) => document.getElementById(id)!.textContent ?? '';
      return { state: state as State, step: Number(step), cost: cost!, button: text('toggle'), status: text('status') };
    });
  }

  /** The points of a line of the upper chart, in pixels. */
  async line(part: 'target' | 'prediction'): Promise<[number, number][]> {
    const path = await this.page.$eval(`#wave-plot .lw-data .lw-${part}`, line => line.getAttribute('d') ?? '');
    return [...path.matchAll(/(-?[\d.]+),(-?[\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)] as [number, number]);
  }

  /** The root mean square distance of target and prediction, in units of the wave, which is 2 high. */
  async distance(): Promise<number> {
    const [target, prediction] = [await this.line('target'), await this.line('prediction')];
    const heights = target.map(([, y]) => y);
    const pixels = (Math.max(...heights) - Math.min(...heights)) / 2;
    const squares = target.map(([, y], i) => ((y - prediction[i]![1]) / pixels) ** 2);
    return Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / squares.length);
  }

  /** Saves screenshots, if they are enabled. */
  async screenshot(name: string, part?: string): Promise<void> {
    await saveScreenshots(this.page, name, part);
  }
}
