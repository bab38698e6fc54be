/** A visit to the page: what a reader does there, and everything that goes wrong meanwhile. */

import type { Page } from 'puppeteer-core';
import type { RunningBrowser } from './browsers.ts';
import { picture, sizes } from './screenshots.ts';

/** Milliseconds; a slow machine takes seconds for what takes a moment. */
const patience = 90_000;

export type State = 'loading' | 'ready' | 'training' | 'paused' | 'done' | 'failed';

export class Visit {
  readonly page: Page;
  /** Errors and warnings on the console, exceptions, requests that failed or went elsewhere. */
  readonly faults: string[] = [];
  readonly requests: string[] = [];

  private constructor(page: Page, url: string) {
    this.page = page;
    page.setDefaultTimeout(patience);
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
      if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(url)) {
        this.faults.push(`left the host: ${request.url()}`);
      }
    });
  }

  static async begin(browser: Pick<RunningBrowser, 'newPage'>, url: string, at = url): Promise<Visit> {
    const visit = new Visit(await browser.newPage(), url);
    await visit.page.setViewport(sizes.wide);
    await visit.page.goto(at, { waitUntil: 'load', timeout: patience });
    return visit;
  }

  /** Once the page is in one of these states, or has at least so many steps. */
  async until(wanted: State | number): Promise<void> {
    await this.page.waitForFunction(
      wanted => {
        const { state, step } = document.querySelector('main')!.dataset;
        if (state === 'failed') throw new Error(document.querySelector('#status')!.textContent ?? '');
        return typeof wanted === 'number' ? Number(step) >= wanted : state === wanted;
      },
      {},
      wanted,
    );
  }

  /** Presses a button as programs do, where the click itself is not what is tested: that takes half a second in Firefox. */
  async press(selector: string): Promise<void> {
    await this.page.$eval(selector, button => (button as HTMLElement).click());
  }

  /** Takes a single step, which is the n-th; returns the cost. */
  async step(n: number): Promise<string> {
    await this.press('#step');
    const cost = await this.page.waitForFunction(
      n => {
        const { state, step, cost } = document.querySelector('main')!.dataset;
        if (state !== 'paused' || Number(step) < n) return false;
        if (Number(step) > n) throw new Error(`It has gone to step ${step} in place of ${n}`);
        return cost;
      },
      {},
      n,
    );
    return (await cost.jsonValue()) as string;
  }

  /** Once the cost is below `limit` in some frame. */
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

  /** A dozen frames: time for what should not happen to happen. */
  async pass(): Promise<void> {
    await this.page.evaluate(async () => {
      for (let i = 0; i < 12; i++) await new Promise(requestAnimationFrame);
    });
  }

  /** Moves the slider as a keyboard does. */
  async setSpeed(key: 'Home' | 'End'): Promise<string> {
    await this.page.focus('#speed');
    await this.page.keyboard.press(key);
    return this.page.$eval('#speed', slider => slider.getAttribute('aria-valuetext') ?? '');
  }

  async text(id: string): Promise<string> {
    return this.page.$eval(`#${id}`, element => element.textContent ?? '');
  }

  /** Once the new run that a change has begun is there. */
  async begun(): Promise<void> {
    await this.page.waitForFunction(() => document.querySelector('main')!.dataset.state !== 'loading');
  }

  /** Puts a value into a field, without the keyboard. */
  async put(selector: string, value: string): Promise<void> {
    await this.page.$eval(
      selector,
      (field, value) => {
        (field as HTMLInputElement).value = value;
        field.dispatchEvent(new Event('change', { bubbles: true }));
      },
      value,
    );
    await this.begun();
  }

  /** Puts a value into a field as a reader does. */
  async fill(selector: string, value: string): Promise<void> {
    await this.page.click(selector, { count: 3 });
    await this.page.keyboard.type(value);
    await this.page.keyboard.press('Enter');
    await this.begun();
  }

  /** Chooses one of several. */
  async choose(value: string): Promise<void> {
    await this.page.click(`[value="${value}"] + span`);
    await this.begun();
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

  /** How far apart the two lines lie, root mean square, where the wave is 2 high. */
  async distance(): Promise<number> {
    const [target, prediction] = [await this.line('target'), await this.line('prediction')];
    const heights = target.map(([, y]) => y);
    const pixels = (Math.max(...heights) - Math.min(...heights)) / 2;
    const squares = target.map(([, y], i) => ((y - prediction[i]![1]) / pixels) ** 2);
    return Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / squares.length);
  }

  /** A picture for eyes. */
  async screenshot(name: string, part?: string): Promise<void> {
    await picture(this.page, name, part);
  }
}
