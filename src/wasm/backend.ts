/** What TF.js programs say of backends. There is one here, which starts at the first call. */

import { noMore } from '../util/arguments.ts';
import { checkName } from '../util/options.ts';

/** Those of TF.js and its packages. */
const backends = ['wasm', 'cpu', 'webgl', 'webgpu', 'tensorflow'] as const;

/**
 * Chooses nothing, and resolves to whether the backend of that name runs: true for 'wasm', false for the others of TF.js,
 * as there where one cannot start. Here for programs written for TF.js.
 */
export async function setBackend(backendName: string): Promise<boolean> {
  noMore('setBackend', 1, arguments);
  return checkName('setBackend', 'backendName', backendName, backends) === 'wasm';
}

/** 'wasm', always. */
export function getBackend(): string {
  noMore('getBackend', 0, arguments);
  return 'wasm';
}

/** Does nothing. Here for programs written for TF.js, where it leaves checks out. */
export function enableProdMode(): void {
  noMore('enableProdMode', 0, arguments);
}
