/** The progress bar of the command `lstm-wasm`. */

import { expect, it } from 'vitest';
import { progressBar } from '../../src/cli/progress.ts';

/** What is written to a stream. */
function streamOf(isTTY: boolean) {
  const written: string[] = [];
  const stream = { isTTY, write: (text: string) => written.push(text) > 0 } as unknown as NodeJS.WriteStream;
  return { written, bar: progressBar(stream) };
}

it('draws the share on one line of a terminal, and removes it at the end', () => {
  const { written, bar } = streamOf(true);
  bar.show(0, 'backtest, epoch 1 of at most 50');
  bar.show(0.5, 'training, epoch 1 of at most 50');
  bar.show(1.01, 'training, epoch 50 of at most 50');
  bar.clear();
  expect(written).toEqual([
    `\r\x1b[K[${'.'.repeat(24)}] backtest, epoch 1 of at most 50`,
    `\r\x1b[K[${'#'.repeat(12)}${'.'.repeat(12)}] training, epoch 1 of at most 50`,
    `\r\x1b[K[${'#'.repeat(24)}] training, epoch 50 of at most 50`,
    '\r\x1b[K',
  ]);
});

it('writes nothing to a file', () => {
  const { written, bar } = streamOf(false);
  bar.show(0.5, 'training');
  bar.clear();
  expect(written).toEqual([]);
});
