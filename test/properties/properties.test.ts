/**
 * Programs of calls in any order, with arguments that are right or strange: each call works, or throws a `ValueError` that
 * names it and leaves the model as it was. What gives NaN has warned of it.
 *
 * PROPERTIES=5000 runs so many programs, SEED=7 others, PROPERTIES_BUILD=debug on the debug build with its fences.
 */

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { init } from 'lstm-wasm';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { raise } from '../setup/fences.ts';
import { program } from './grammar.ts';
import { type Program, print, run, said } from './program.ts';

const numRuns = Number(process.env.PROPERTIES ?? 300);
const build = process.env.PROPERTIES_BUILD ?? 'strict';
const seed = Number(process.env.SEED ?? 1);

beforeAll(() => {
  init({ bytes: readFileSync(new URL(`../../build/${build}.wasm`, import.meta.url)) });
  if (build === 'debug') raise();
  vi.spyOn(console, 'log').mockImplementation(() => {});
  vi.spyOn(console, 'warn').mockImplementation(warning => void said.push(String(warning)));
  vi.spyOn(process.stdout, 'write').mockImplementation(() => true);
});
afterAll(() => {
  vi.restoreAllMocks();
});

test(`${numRuns} programs`, { timeout: 20_000 + numRuns * 1000 }, async () => {
  const property = fc.asyncProperty(program, run);
  // Of a program that hangs, every smaller one that is tried may hang for as long.
  const found = await fc.check<[Program]>(property, { numRuns, seed, interruptAfterTimeLimit: numRuns * 1000 });
  if (!found.failed) return expect(found.numRuns).toBe(numRuns);
  const [wrong] = found.counterexample!;
  const { message } = found.errorInstance as Error;
  throw new Error(`SEED=${seed}, program ${found.numRuns}:\n\n${print(wrong)}\n\n${message}`);
});
