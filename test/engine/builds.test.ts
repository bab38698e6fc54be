// The strict build is made from the relaxed one, see scripts/fused.js. The debug build has no fused operations from the start.

import { readFileSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { lossNames, optimized, optimizerNames, type Package, programNames, scored, trained } from './trainings.ts';

const cases = [
  ...programNames.map(name => ({ name, hash: (lw: Package) => trained(lw, name) })),
  ...optimizerNames.map(name => ({ name, hash: (lw: Package) => optimized(lw, name) })),
  ...lossNames.map(name => ({ name, hash: (lw: Package) => scored(lw, name) })),
];

test.each(cases)(
  'the strict bits of $name are those of kernels compiled without fused operations',
  async ({ hash }) => {
    const hashes = new Set<string>();
    for (const build of ['strict', 'debug']) {
      vi.resetModules();
      const lw = await import('lstm-wasm');
      lw.init({ bytes: readFileSync(new URL(`../../build/${build}.wasm`, import.meta.url)) });
      expect(lw.backendInfo().simd).toBe('strict');
      hashes.add(hash(lw));
    }
    expect(hashes.size).toBe(1);
  },
);
