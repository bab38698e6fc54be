// The examples reach their accuracy with lstm-wasm, and the same source runs with TF.js.

import { describe, expect, test } from 'vitest';
import { names, run } from '../../scripts/examples.js';

describe('the examples reach their accuracy in a short run', () => {
  test.each(names)('%s on lstm-wasm', { timeout: 120_000 }, async name => {
    const { code, output } = await run(name, '--quick');
    expect(code, output).toBe(0);
    expect(output).toContain('lstm-wasm');
  });
});

test('an example runs to its end on TensorFlow.js', { timeout: 600_000 }, async () => {
  const { code, output } = await run('weather', '--quick', '--tfjs', '--epochs', '1');
  expect(output).toContain('TensorFlow.js');
  // One epoch may be too short to reach the accuracy, which an example checks last.
  expect(output, output).toMatch(
    code === 0 ? / \(required: .*\)\n$/ : / \(required: .*\)\nThe result does not meet the requirement\.\n$/,
  );
});

test.each([
  ['activity', 'convolutions'],
  ['quantiles', 'a custom loss'],
])('%s trains %s on the WebAssembly backend of TensorFlow.js', { timeout: 600_000 }, async name => {
  const { output } = await run(name, '--quick', '--tfjs', 'wasm', '--epochs', '1');
  expect(output).toMatch(/^TensorFlow\.js .*\n[\s\S]* \(required: .*\)\n/);
});

test('the example of CTC says that TensorFlow.js has no such loss', { timeout: 600_000 }, async () => {
  const { code, output } = await run('strokes', '--quick', '--tfjs');
  expect(code).toBe(1);
  expect(output).toContain('TensorFlow.js has no loss for labels without times (CTC)');
});

test('an example fails with a message if it does not reach its accuracy', { timeout: 120_000 }, async () => {
  const { code, output } = await run('addition', '--quick', '--cell', 'simpleRNN', '--epochs', '1');
  expect(code).toBe(1);
  expect(output).toContain('The result does not meet the requirement.');
});
