// The examples learn, on lstm-wasm and on TF.js, from one source. Each ends in an error where it does not.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What an example prints, and its exit code. */
function run(name: string, ...flags: string[]): Promise<{ code: number; output: string }> {
  return new Promise(resolve => {
    execFile(process.execPath, [`examples/${name}.js`, ...flags], { cwd: root }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code ?? 1) : 0, output: stdout + stderr }),
    );
  });
}

/** TF.js takes a minute for the three kinds of cells; one of them is enough there. */
const examples = { addition: ['--cell', 'gru', '--epochs', '20'], text: [], weather: [], sentiment: [] };

describe('learn in a small run', () => {
  for (const [name, onTfjs] of Object.entries(examples)) {
    test(`${name} on lstm-wasm`, { timeout: 120_000 }, async () => {
      const { code, output } = await run(name, '--quick');
      expect(code, output).toBe(0);
      expect(output).toContain('lstm-wasm');
    });

    test(`${name} on TensorFlow.js`, { timeout: 600_000 }, async () => {
      const { code, output } = await run(name, '--quick', '--tfjs', ...onTfjs);
      expect(code, output).toBe(0);
      expect(output).toContain('TensorFlow.js');
    });
  }
});

test('an example that learns too little says so, and fails', { timeout: 120_000 }, async () => {
  const { code, output } = await run('addition', '--quick', '--cell', 'simpleRNN', '--epochs', '1');
  expect(code).toBe(1);
  expect(output).toContain('It has not learned enough.');
});
