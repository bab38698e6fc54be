/** The programs that the demo page generates print the costs of the page when run in Node with the built package. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { configure, sequential, setRandomSeed } from 'lstm-wasm';
import type { Host } from 'lstm-wasm/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { programOf } from '../../demo/keep/program.ts';
import { makeModel } from '../../demo/model.ts';
import { pack } from '../../demo/own/pack.ts';
import { defaults, type Settings, type TaskName } from '../../demo/settings.ts';
import { tasks } from '../../demo/tasks/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'lstm-wasm-program-'));

beforeAll(() => {
  configure({ simd: 'strict' });
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(fileURLToPath(new URL('../..', import.meta.url)), join(folder, 'node_modules/lstm-wasm'), 'junction');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a program, and returns its output. */
function printed(program: string): string[] {
  writeFileSync(join(folder, 'program.mjs'), program);
  return execFileSync(process.execPath, ['program.mjs'], { cwd: folder, encoding: 'utf8' }).trim().split('\n');
}

/** The calls that the page makes, without the worker. */
const here = { setRandomSeed: async (seed: number) => setRandomSeed(seed), sequential: async () => sequential() };

async function trained(settings: Settings): Promise<string[]> {
  const task = tasks[settings.task]!;
  const model = await makeModel(here as unknown as Host, settings, task);
  const batches = task.batches(settings);
  const lines: string[] = [];
  for (let step = 0; step <= 500; step++) {
    const { xs, ys } = batches.next().value;
    const cost = await model.trainOnBatch(xs, ys);
    if (step % 10 === 0) lines.push(`step ${step}: cost ${cost}`);
  }
  await model.dispose();
  return lines;
}

const small = { units: 6, batch: 8, timeSteps: 10, seed: 4_000_000_001 } as const;
const own = pack(Array.from({ length: 50 }, (_, n) => Math.sin(n) * Math.sin(n / 7)));
const variants: Partial<Settings>[] = [
  {},
  { ...small, cell: 'gru', layers: 2, learningRate: 0.0123456789 },
  { ...small, cell: 'simpleRNN', optimizer: 'momentum', learningRate: 1e-7 },
  { ...small, layers: 3, optimizer: 'rmsprop', stateful: false },
  { ...small, optimizer: 'sgd', batch: 1, timeSteps: 2 },
  { ...small, task: 'adding', cell: 'gru', layers: 2, stateful: false },
  { ...small, task: 'drawn', own },
];
const everyTask = (Object.keys(tasks) as TaskName[]).map(task => ({ ...small, task }));
const all: Partial<Settings>[] = [...variants, ...everyTask];

describe('the program of the page', () => {
  it.each(all.map(given => [JSON.stringify({ ...given, own: given.own && '...' }), given] as const))(
    'prints the costs of the page, to the bit: %s',
    async (_, given) => {
      const settings = { ...defaults, ...given };
      const lines = printed(programOf(settings, tasks[settings.task]!));
      expect(lines).toHaveLength(51);
      expect(new Set(lines.map(line => line.split('cost ')[1])).size).toBeGreaterThan(40);
      expect(lines).toEqual(await trained(settings));
    },
  );
});
