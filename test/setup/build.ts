/** Runs before each test file. The files of a worker share its modules, and so an initialized package. */

import { afterAll } from 'vitest';
// Tests that import layers without the index have all parts too
import '../../src/core/full.ts';
import { checkProject, fenced } from './engine.ts';

checkProject();
if (fenced) {
  const { checkAllFences, forgetFences } = await import('./fences.ts');
  afterAll(() => {
    checkAllFences('a call');
    forgetFences();
  });
}
