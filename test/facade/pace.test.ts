// How training lets others have their turn, in hosts that have one way to do so and not another.

import { afterEach, expect, test, vi } from 'vitest';
import { nextTurn } from '../../src/training/pace.ts';

afterEach(() => vi.unstubAllGlobals());

test.each([[], ['setImmediate'], ['setImmediate', 'MessageChannel']])('without %s %s', async (...missing) => {
  for (const name of missing) vi.stubGlobal(name, undefined);
  const order: string[] = [];
  const turn = nextTurn().then(() => order.push('turn'));
  for (let n = 0; n < 10; n++) await Promise.resolve();
  order.push('promises');
  await turn;
  expect(order).toEqual(['promises', 'turn']);
});
