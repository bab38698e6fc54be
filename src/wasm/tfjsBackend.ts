/** The backend functions of TF.js. The only backend, 'wasm', starts at the first call. */

import { rejectExtraArguments } from '../util/arguments.ts';
import { checkName } from '../util/options.ts';

/** The backends of TF.js and its packages. */
const backends = ['wasm', 'cpu', 'webgl', 'webgpu', 'tensorflow'] as const;

/**
 * Resolves to true for 'wasm' and to false for the other backends of TF.js, as TF.js does if a backend cannot start.
 * Changes nothing; exists for programs written for TF.js.
 */
export async function setBackend(backendName: string): Promise<boolean> {
  rejectExtraArguments('setBackend', 1, arguments);
  return checkName('setBackend', 'backendName', backendName, backends) === 'wasm';
}

/** 'wasm', always. */
export function getBackend(): string {
  rejectExtraArguments('getBackend', 0, arguments);
  return 'wasm';
}

/** Does nothing; exists for programs written for TF.js, where it disables checks. */
export function enableProdMode(): void {
  rejectExtraArguments('enableProdMode', 0, arguments);
}
