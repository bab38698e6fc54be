/** The package again and again in one process: each build of the kernels runs in an instance of its own. */

import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const path = (/** @type {string} */ relative) => fileURLToPath(new URL(relative, import.meta.url));

/**
 * Files of dist import each other, so that an instance apart from the others needs files of its own.
 * @param {'strict' | 'relaxed'} simd
 * @param {{ turbo?: boolean }} options turbo: whether to import lstm-wasm/turbo first
 * @returns {Promise<any>} what lstm-wasm exports
 */
export async function instanceOf(simd, { turbo = false } = {}) {
  const folder = path(`../build/bench/${simd}-${process.pid}/`);
  mkdirSync(folder, { recursive: true });
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  cpSync(path('../dist/'), folder, { recursive: true, filter: file => !/\.(map|d\.ts|wasm)$/.test(file) });
  if (turbo) await import(`${folder}turbo.js`);
  const lw = await import(`${folder}index.js`);
  lw.configure({ simd });
  const { simd: runs } = lw.backendInfo();
  if (runs !== simd) throw new Error(`The ${simd} build was asked for, and ${runs} runs`);
  return lw;
}
