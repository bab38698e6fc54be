/** `npm start` in a built checkout. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** A folder that is deleted after the test. */
function folder() {
  const out = mkdtempSync(join(tmpdir(), 'lstm-wasm-start-'));
  onTestFinished(() => rmSync(out, { recursive: true, force: true }));
  return out;
}

const start = (...flags: string[]) =>
  spawnSync(process.execPath, [`${root}scripts/start.js`, ...flags], { encoding: 'utf8', cwd: root });

it('npm start trains, prints the cost every ten steps, and draws three pictures', () => {
  const out = folder();
  const { status, stdout, stderr } = start('--steps', '45', '--units', '9', '--seed', '7', '--out', out);
  expect(stderr).toBe('');
  expect(status).toBe(0);
  expect(stdout.match(/^train cost: [\d.e-]+$/gm)).toHaveLength(5);
  expect(stdout).toMatch(/^lstm-wasm \d+\.\d+\.\d+, (strict|relaxed) SIMD kernels/m);
  expect(stdout).toContain('Total params: 406'); // 4 * 9 * (1 + 9 + 1) + 10
  expect(stdout).toMatch(/45 steps of training and 45 predictions in [\d.]+ s/);
  expect(stdout).toMatch(/in plain JavaScript: [\d.]+ ms/);
  const pictures = ['learning.svg', 'loss.svg', 'sine-cosine.svg'];
  expect(readdirSync(out).sort()).toEqual(pictures);
  for (const picture of pictures) {
    expect(stdout).toContain(join(out, picture));
    expect(readFileSync(join(out, picture), 'utf8')).toMatch(/^<svg [\s\S]*<\/svg>\s*$/);
  }
  expect(readFileSync(join(out, 'learning.svg'), 'utf8')).toContain('repeatCount="indefinite"');
});

it('the same seed prints the same costs', () => {
  const out = folder();
  const costs = () =>
    start('--steps', '31', '--seed', '3', '--simd', 'strict', '--out', out).stdout.match(/^train cost: .*$/gm);
  expect(costs()).toHaveLength(4);
  expect(costs()).toEqual(costs());
});

it.each([
  [['--stepz', '3'], /^npm start: .*'--stepz'/],
  [['--steps', 'many'], /^npm start: --steps must be an integer of at least 1, got 'many'$/],
  [['--steps', '0'], /^npm start: --steps must be an integer of at least 1, got '0'$/],
  [['--units', '2.5'], /^npm start: --units must be an integer of at least 1, got '2.5'$/],
  [['--seed', '-1'], /^npm start: .*seed/],
  [['--learning-rate', '0'], /^npm start: --learning-rate must be a number above 0, got '0'$/],
  [['--simd', 'fast'], /^npm start: --simd must be auto, strict or relaxed, got 'fast'$/],
  [['extra'], /^npm start: .*'extra'/],
])('npm start %j fails with one sentence and exit code 1', (flags, sentence) => {
  const { status, stdout, stderr } = start(...flags);
  expect(status).toBe(1);
  expect(stdout).toBe('');
  expect(stderr.trim().split('\n')).toHaveLength(1);
  expect(stderr.trim()).toMatch(sentence);
});

it('npm start --help lists the flags', () => {
  const { status, stdout } = start('--help');
  expect(status).toBe(0);
  for (const flag of ['--steps', '--units', '--seed', '--out']) expect(stdout).toContain(flag);
});
