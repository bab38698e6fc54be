/**
 * Random programs of calls, with valid and invalid arguments: each call succeeds, or throws a `ValueError` that names it
 * and leaves the model unchanged. A call that returns NaN warns.
 *
 * SEED=7 in the environment runs other programs.
 */

import fc from 'fast-check';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { program } from './grammar.ts';
import { type Program, print, run, warnings } from './program.ts';

const numRuns = 500;
const seed = Number(process.env.SEED ?? 1);

beforeAll(() => {
  vi.spyOn(console, 'log').mockImplementation(() => {});
  vi.spyOn(console, 'warn').mockImplementation(warning => void warnings.push(String(warning)));
  vi.spyOn(process.stdout, 'write').mockImplementation(() => true);
});
afterAll(() => {
  vi.restoreAllMocks();
});

test(`every call of ${numRuns} random programs succeeds or throws a ValueError that changes nothing`, {
  timeout: numRuns * 1000,
}, async () => {
  const property = fc.asyncProperty(program, run);
  // While a hanging program is shrunk, every smaller candidate may hang as well, so the time is limited.
  const found = await fc.check<[Program]>(property, { numRuns, seed, interruptAfterTimeLimit: numRuns * 1000 });
  if (!found.failed) return expect(found.numRuns).toBe(numRuns);
  const [counterexample] = found.counterexample!;
  const { message } = found.errorInstance as Error;
  throw new Error(`SEED=${seed}, program ${found.numRuns}:\n\n${print(counterexample)}\n\n${message}`);
});
