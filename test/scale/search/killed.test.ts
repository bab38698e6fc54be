/** Sweeps of networks on threads of the built package, killed by SIGKILL. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { run } from './runProgram.ts';

const folder = mkdtempSync(join(tmpdir(), 'lstm-wasm-'));
afterAll(() => rmSync(folder, { recursive: true }));

const reference = await run(['', '1']);
interface Printed {
  trials: { state: string }[];
  best: number;
  hashes: string[];
}
const printed = JSON.parse(reference!) as Printed;

describe('a sweep on threads', { timeout: 120_000 }, () => {
  it('has complete and pruned trials, whose models differ', () => {
    expect(printed.trials.length).toBe(24);
    expect(new Set(printed.trials.map(({ state }) => state))).toEqual(new Set(['complete', 'pruned']));
    expect(printed.hashes.length).toBeGreaterThan(3);
    expect(new Set(printed.hashes).size).toBe(printed.hashes.length);
  });

  it('gives the same trials, values and models with two workers', async () => {
    expect(await run(['', '2'])).toBe(reference);
  });

  it.each([
    ['without', [1, 4, 9, 30], ''],
    ['with', [2, 17, 25], 'cache'],
  ] as const)('becomes the same study when it is killed several times, %s a cache', async (_, kills, cache) => {
    const args = [join(folder, `${cache}.jsonl`), '2', cache && join(folder, cache)];
    for (const lines of kills) expect(await run(args, lines)).toBeNull();
    expect(await run(args)).toBe(reference);
    const journal = readFileSync(args[0]!, 'utf8').trimEnd().split('\n');
    expect(journal.filter(line => JSON.parse(line).op_code === 4).length).toBe(24);
  });
});
