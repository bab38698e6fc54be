/** Every program in the README and in docs/plots.md runs as it stands, on the built package. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = `${root}build/readme/`; // inside the package, so that it can import itself by name
mkdirSync(folder, { recursive: true });

const programsOf = (file: string) =>
  [...readFileSync(root + file, 'utf8').matchAll(/```js\n([\s\S]*?)```/g)].map(match => match[1]!);
const programs = programsOf('README.md');
const plots = programsOf('docs/plots.md');

// Some starts of the first program get stuck, as the README says. This one does not.
const seed = `${folder}seed.mjs`;
writeFileSync(seed, "import { setRandomSeed } from 'lstm-wasm';\nsetRandomSeed(21);\n");

describe('README', () => {
  it('holds programs', () => {
    expect(programs.length).toBeGreaterThanOrEqual(3);
  });

  it.each(programs.map((program, n) => ({ program, n })))('program $n runs', ({ program, n }) => {
    const file = `${folder}program${n}.mjs`;
    writeFileSync(file, program);
    const out = execFileSync(process.execPath, ['--import', seed, file], { cwd: folder, encoding: 'utf8' });
    if (n === 0) {
      const costs = [...out.matchAll(/train cost: (\S+)/g)].map(match => Number(match[1]));
      expect(costs).toHaveLength(51);
      expect(Math.min(...costs.slice(-10))).toBeLessThan(0.1 * costs[0]!);
    }
  });
});

describe('docs/plots.md', () => {
  it('holds programs', () => {
    expect(plots.length).toBeGreaterThanOrEqual(3);
  });

  it.each(plots.map((program, n) => ({ program, n })))('program $n runs', ({ program, n }) => {
    const file = `${folder}plots${n}.mjs`;
    writeFileSync(file, program);
    const out = execFileSync(process.execPath, [file], { cwd: folder, encoding: 'utf8' });
    for (const [path] of out.matchAll(/^\/.*\.svg$/gm)) expect(readFileSync(path, 'utf8')).toMatch(/^<svg /);
  });

  it('shows pictures that are there, and small', () => {
    const text = readFileSync(`${root}docs/plots.md`, 'utf8');
    const pictures = [...text.matchAll(/\]\((pictures\/[^)]*\.svg)\)/g)].map(match => `${root}docs/${match[1]}`);
    expect(pictures.length).toBeGreaterThanOrEqual(8);
    const sizes = pictures.map(file => readFileSync(file).length);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(150_000);
  });
});
