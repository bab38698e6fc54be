import { readFileSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { init } from 'lstm-wasm';
import { test, vi } from 'vitest';
import { raise } from '../setup/fences.ts';
import { program } from './grammar.ts';
import { print, run } from './program.ts';

test('collect', { timeout: 600_000 }, async () => {
  const build = process.env.PROPERTIES_BUILD ?? 'strict';
  init({ bytes: readFileSync(new URL(`../../build/${build}.wasm`, import.meta.url)) });
  if (build === 'debug') raise();
  for (const name of ['log', 'warn'] as const) vi.spyOn(console, name).mockImplementation(() => {});
  vi.spyOn(process.stdout, 'write').mockImplementation(() => true);
  const found = new Map<string, { n: number; text: string }>();
  const started = performance.now();
  let slow = 0;
  let slowest = '';
  const all = fc.sample(program, {
    numRuns: Number(process.env.PROPERTIES ?? 300),
    seed: Number(process.env.SEED ?? 1),
  });
  for (const one of all) {
    const t = performance.now();
    try {
      await run(one);
    } catch (error) {
      const { message } = error as Error;
      const [code = '', ...rest] = message.split('\n');
      const key = `${code.replace(/\(.*/s, '')} | ${rest.join(' ').replace(/\d+/g, '#').replace(/\/.*/s, '').slice(0, 110)}`;
      const old = found.get(key);
      const text = `${message}\n   in ${print(one).split('\n').length} lines; ${one.recipe.model.slice(0, 90)}`;
      if (!old || old.text.length > text.length) found.set(key, { n: (old?.n ?? 0) + 1, text });
      else old.n++;
    }
    if (performance.now() - t > slow) [slow, slowest] = [performance.now() - t, print(one)];
  }
  const lines = [...found].sort((a, b) => b[1].n - a[1].n).map(([, { n, text }]) => `## ${n}\n${text.slice(0, 900)}\n`);
  lines.unshift(
    `${Math.round(performance.now() - started)} ms, ${found.size} kinds; slowest ${slow}\n${slow > 1000 ? slowest : ''}`,
  );
  writeFileSync('/tmp/v-quality/found.txt', lines.join('\n'));
});
