/** Every program in the README runs unchanged on the built package, and so does the tutorial. docs.test.ts runs those of docs/. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { blocksOf, isProgram, root, run } from '../../scripts/documents.js';

const programs = blocksOf('README.md').filter(isProgram);
const tutorial = blocksOf('docs/tutorial.md').find(isProgram)!;

// With each of these seeds, the tutorial would end above 0.015 without restoring the states.
const seeds = [5, 9, 20];

describe('README', () => {
  it('has at most 1,200 words', () => {
    expect(readFileSync(`${root}README.md`, 'utf8').split(/\s+/).length).toBeLessThanOrEqual(1200);
  });

  it('the first program draws the picture above it', async () => {
    const { output, folder } = await run(programs[0]!, { strict: true });
    expect(output).toMatch(/^epoch 1: loss [\s\S]*\nepoch 20: loss /);
    const picture = readFileSync(`${root}docs/pictures/readme.svg`, 'utf8');
    expect(readFileSync(`${folder}forecast.svg`, 'utf8') === picture, 'as committed').toBe(true);
  });

  it.each(programs.slice(1).map((program, n) => ({ program, n: n + 2 })))('program $n runs', async ({ program }) => {
    await run(program, { seed: 1 });
  });
});

describe('docs/tutorial.md', () => {
  it.each(seeds)('the program ends with a cost below 0.015 and draws its picture with seed %i', async seed => {
    const { output, folder } = await run(tutorial, { seed });
    const costs = [...output.matchAll(/train cost: (\S+)/g)].map(match => Number(match[1]));
    expect(costs).toHaveLength(51);
    expect(costs.at(-1)).toBeLessThan(0.015);
    expect(readFileSync(`${folder}out/learning.svg`, 'utf8')).toMatch(/^<svg [\s\S]*>step 500<[\s\S]*<\/svg>\s*$/);
  });
});

describe('docs/plots.md', () => {
  it('shows pictures that exist and are small', () => {
    const text = readFileSync(`${root}docs/plots.md`, 'utf8');
    const pictures = [...text.matchAll(/\]\((pictures\/[^)]*\.svg)\)/g)].map(match => `${root}docs/${match[1]}`);
    expect(pictures.length).toBeGreaterThanOrEqual(8);
    const sizes = pictures.map(file => readFileSync(file).length);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(215_000);
  });
});
