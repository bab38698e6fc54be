/** Loads the package several times in one process, so that each build of the kernels has a separate instance. */

import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const path = (/** @type {string} */ relative) => fileURLToPath(new URL(relative, import.meta.url));

/**
 * The files of dist import each other, so a separate instance needs a copy of all files.
 * @param {'strict' | 'relaxed'} simd
 * @param {{ turbo?: boolean, threads?: number }} options turbo: whether to import lstm-wasm/turbo first
 * @returns {Promise<any>} the exports of lstm-wasm
 */
export async function instanceOf(simd, { turbo = false, threads = 1 } = {}) {
  const folder = path(`../build/bench/${simd}-${process.pid}/`);
  mkdirSync(folder, { recursive: true });
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  cpSync(path('../dist/'), folder, { recursive: true, filter: file => !/\.(map|d\.ts|wasm)$/.test(file) });
  if (turbo) await import(`${folder}turbo.js`);
  const lw = await import(`${folder}index.js`);
  lw.configure({ simd, threads });
  const { simd: runs, threads: started } = lw.backendInfo();
  if (runs !== simd) throw new Error(`expected the ${simd} build, got ${runs}`);
  if (started !== threads) throw new Error(`expected ${threads} threads, got ${started}`);
  return lw;
}
