// Progress output of training, on a terminal and elsewhere.

import { callbacks, type ModelFitArgs } from 'lstm-wasm';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { data, FixedLogs, small } from './training.ts';

const { xs, ys, part } = data(6);

/** An output stream that records what is written. */
function fakeStream(isTTY: boolean, columns?: number) {
  const written: string[] = [];
  return { stream: { isTTY, columns, write: (text: string) => written.push(text) }, written };
}

afterEach(() => {
  vi.restoreAllMocks();
});

/** Batches take longer than the 50 ms between two updates of the bar. */
const slowBatches = {
  onBatchBegin: () => {
    const until = performance.now() + 52;
    while (performance.now() < until);
  },
};

describe('callbacks.progressBar', () => {
  test('the progress bar rewrites one line per epoch on a terminal', async () => {
    const { stream, written } = fakeStream(true, 200);
    const validationData = [xs, ys] as const;
    await small().fit(xs, ys, {
      batchSize: 2,
      epochs: 2,
      validationData,
      callbacks: [slowBatches, callbacks.progressBar({ stream })],
    });
    expect(written).toHaveLength(8);
    const number = String.raw`[\d.e+-]+`;
    const drawn = (n: number, bar: string) =>
      new RegExp(
        String.raw`^\r\x1b\[2KEpoch 1/2 \[${bar}\] ${n}/3, ${number} ms/step, ${number} m?s left, loss=${number}$`,
      );
    expect(written[0]).toMatch(drawn(1, `={8}\\.{16}`));
    expect(written[1]).toMatch(drawn(2, `={16}\\.{8}`));
    expect(written[2]).toMatch(drawn(3, `={24}`));
    const line = new RegExp(
      String.raw`^\r\x1b\[2KEpoch 1/2: ${number} m?s, ${number} ms/step, loss=${number} val_loss=${number}\n$`,
    );
    expect(written[3]).toMatch(line);
    expect(written.filter(text => text.endsWith('\n'))).toHaveLength(2);
  });

  test('the progress bar is drawn at most every 50 ms', async () => {
    const { stream, written } = fakeStream(true, 200);
    await small().fit(xs, ys, { batchSize: 1, callbacks: callbacks.progressBar({ stream }) });
    expect(written).toHaveLength(2); // after the first batch, and at the end
  });

  test('the progress bar stays narrower than the terminal, so that lines do not wrap', async () => {
    const { stream, written } = fakeStream(true, 40);
    await small().fit(xs, ys, { batchSize: 2, callbacks: [slowBatches, callbacks.progressBar({ stream })] });
    for (const text of written.slice(0, -1)) expect(text.replace('\r\x1b[2K', '')).toHaveLength(39);
  });

  test('the progress bar writes one line at the end of each epoch if the output is not a terminal', async () => {
    const { stream, written } = fakeStream(false);
    const list = [slowBatches, new FixedLogs({ acc: [0.123456] }), callbacks.progressBar({ stream })];
    await small().fit(xs, ys, { batchSize: 2, callbacks: list });
    expect(written).toHaveLength(1);
    expect(written[0]).toMatch(/^Epoch 1\/1: \d+ ms, [\d.]+ ms\/step, loss=[\d.]+ acc=0\.1235\n$/);
  });

  test('the progress bar counts batches of a data set of unknown length', async () => {
    const { stream, written } = fakeStream(true, 200);
    function* batches() {
      yield part(0, 2);
      yield part(2, 4);
    }
    await small().fitDataset(batches(), { callbacks: [slowBatches, callbacks.progressBar({ stream })] });
    expect(written[1]).toMatch(/^\r.*Epoch 1\/1 2 batches, [\d.]+ ms\/step, loss=[\d.]+$/);
  });
});

describe('verbose', () => {
  /** What fit writes to standard error; fails if it writes anywhere else. */
  async function output(options: ModelFitArgs, isTTY = false): Promise<string> {
    const before = Object.getOwnPropertyDescriptor(process.stderr, 'isTTY');
    Object.defineProperty(process.stderr, 'isTTY', { value: isTTY, configurable: true });
    const error = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const otherOutputs = [vi.spyOn(process.stdout, 'write'), vi.spyOn(console, 'log'), vi.spyOn(console, 'warn')];
    for (const other of otherOutputs) other.mockReturnValue(undefined as never);
    await small().fit(xs, ys, { epochs: 2, ...options });
    const written = error.mock.calls.map(([text]) => String(text)).join('');
    for (const other of otherOutputs) expect(other).not.toHaveBeenCalled();
    vi.restoreAllMocks();
    if (before) Object.defineProperty(process.stderr, 'isTTY', before);
    else delete (process.stderr as { isTTY?: boolean }).isTTY;
    return written;
  }

  test('verbose: 0 and false print nothing', async () => {
    expect(await output({ verbose: 0 })).toBe('');
    expect(await output({ verbose: false })).toBe('');
  });

  test('verbose: 1, true and undefined show a progress bar in Node', async () => {
    for (const verbose of [1, true, undefined] as const) {
      expect((await output({ verbose })).split('\n')).toHaveLength(3);
      expect(await output({ verbose }, true)).toContain('\r');
    }
  });

  test('verbose: 2 prints one line per epoch, also on a terminal', async () => {
    expect(await output({ verbose: 2 }, true)).not.toContain('\r');
  });

  test('a progress bar among the callbacks replaces the default one', async () => {
    const { stream, written } = fakeStream(false);
    expect(await output({ callbacks: callbacks.progressBar({ stream }) })).toBe('');
    expect(written).toHaveLength(2);
  });

  test('fit in a browser logs to the console, and only with verbose: 1', async () => {
    vi.stubGlobal('process', undefined);
    const log = vi.spyOn(console, 'log').mockReturnValue();
    await small().fit(xs, ys);
    const calls = log.mock.calls.length;
    await small().fit(xs, ys, { verbose: 1 });
    const shown = log.mock.calls.flat();
    vi.unstubAllGlobals();
    expect(calls).toBe(0);
    expect(shown).toEqual([expect.stringMatching(/^Epoch 1\/1: .*loss=[\d.]+$/)]);
  });

  test('evaluate with verbose: 1 prints one line', async () => {
    const error = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const model = small();
    model.evaluate(xs, ys);
    expect(error).not.toHaveBeenCalled();
    model.evaluate(xs, ys, { verbose: 1 });
    await model.evaluateDataset([part(0, 2)], { verbose: true });
    expect(error.mock.calls.map(([text]) => text)).toEqual(
      [1, 2].map(() => expect.stringMatching(/^Evaluation: \d+ ms, [\d.]+ ms\/step, loss=[\d.]+\n$/)),
    );
  });
});
