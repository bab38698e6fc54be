/** Runs before each test file. The files of a worker share its modules, and so an initialized package. */

import { afterAll } from 'vitest';
import { checkProject, fenced } from './engine.ts';

checkProject();
if (fenced) {
  const { checkAllFences, forgetFences } = await import('./fences.ts');
  afterAll(() => {
    checkAllFences('a call');
    forgetFences();
  });
}
