// How training yields to the event loop, in hosts with and without setImmediate and MessageChannel.

import { afterEach, expect, test, vi } from 'vitest';
import { nextTurn } from '../../src/training/pace.ts';

afterEach(() => vi.unstubAllGlobals());

test.each([
  ['on every host', []],
  ['without setImmediate', ['setImmediate']],
  ['without setImmediate and MessageChannel', ['setImmediate', 'MessageChannel']],
])('nextTurn resolves after all pending promises %s', async (_, missing) => {
  for (const name of missing) vi.stubGlobal(name, undefined);
  const order: string[] = [];
  const turn = nextTurn().then(() => order.push('turn'));
  for (let n = 0; n < 10; n++) await Promise.resolve();
  order.push('promises');
  await turn;
  expect(order).toEqual(['promises', 'turn']);
});
