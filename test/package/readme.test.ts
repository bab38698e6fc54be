/** Every program in the README runs as it stands, on the built package. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = `${root}build/readme/`; // inside the package, so that it can import itself by name
mkdirSync(folder, { recursive: true });

const programs = [...readFileSync(`${root}README.md`, 'utf8').matchAll(/```js\n([\s\S]*?)```/g)].map(
  match => match[1]!,
);

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
