/** Accessibility faults of a page: those that axe-core finds, and low contrast inside charts, which axe-core ignores. */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults, RunOptions } from 'axe-core';
import type { Page } from 'puppeteer-core';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Returns one sentence for each fault of the page in its current state. */
export async function accessibilityFaults(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(
    options => (globalThis as unknown as { axe: { run(options: RunOptions): Promise<AxeResults> } }).axe.run(options),
    { resultTypes: ['violations'] } satisfies RunOptions,
  );
  const found = violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')}: ${failureSummary}`),
  );
  return [...found, ...(await page.evaluate(lowContrastTexts))];
}

/** Checks the contrast of SVG text, WCAG 2 level AA. Runs in the page, so it cannot use anything outside its body. */
function lowContrastTexts(): string[] {
  const channels = (colour: string) => (colour.match(/[\d.]+/g) ?? []).map(Number);
  const luminance = (colour: string) => {
    const [r, g, b] = channels(colour).map(value => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
  };
  const background = (element: Element | null): string => {
    if (!element) return 'rgb(255, 255, 255)';
    const { backgroundColor } = getComputedStyle(element);
    return channels(backgroundColor)[3] === 0 ? background(element.parentElement) : backgroundColor;
  };

  const faults: string[] = [];
  for (const element of document.querySelectorAll('svg text, svg tspan')) {
    const hasText = [...element.childNodes].some(node => node.nodeType === 3 && node.textContent?.trim());
    if (!hasText) continue;
    // In a diagram, text that directly follows a shape is drawn on it.
    const shape = element.matches('rect + text, circle + text, ellipse + text') && element.previousElementSibling;
    const { fill, fontSize } = getComputedStyle(element);
    const backgroundColour = shape ? getComputedStyle(shape).fill : background(element);
    const [dark, light] = [luminance(fill), luminance(backgroundColour)].sort((a, b) => a - b);
    const ratio = (light! + 0.05) / (dark! + 0.05);
    const needed = Number.parseFloat(fontSize) >= 24 ? 3 : 4.5;
    if (ratio < needed) faults.push(`"${element.textContent}" has a contrast of ${ratio.toFixed(2)} in a chart`);
  }
  return faults;
}
