// The strict build is made from the relaxed one, see scripts/fused.js, and the package has both in parts, see scripts/split.js.
// The debug build is whole, and has no fused operations from the start.

import { readFileSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { lossNames, optimized, optimizerNames, type Package, programNames, scored, trained } from './trainings.ts';

const cases = [
  ...programNames.map(name => ({ name, hash: (lw: Package) => trained(lw, name) })),
  ...optimizerNames.map(name => ({ name, hash: (lw: Package) => optimized(lw, name) })),
  ...lossNames.map(name => ({ name, hash: (lw: Package) => scored(lw, name) })),
];

/** The package with kernels of the build folder, or with its own. */
async function packageWith(build: 'strict' | 'debug' | null): Promise<Package> {
  vi.resetModules();
  const lw = await import('lstm-wasm');
  if (build) lw.init({ bytes: readFileSync(new URL(`../../build/${build}.wasm`, import.meta.url)) });
  else lw.configure({ simd: 'strict' });
  expect(lw.backendInfo().simd).toBe('strict');
  return lw;
}

test.each(cases)(
  'the strict bits of $name are those of kernels compiled whole, without fused operations',
  async ({ hash }) => {
    const own = hash(await packageWith(null));
    expect(hash(await packageWith('strict'))).toBe(own);
    expect(hash(await packageWith('debug'))).toBe(own);
  },
);

test('kernels that are added to running ones compute the same bits', async () => {
  const lw = await packageWith(null);
  const model = lw.sequential({ layers: [lw.layers.lstm({ units: 5, inputShape: [7, 3] })] });
  const x = lw.randomNormal([2, 7, 3]);
  const before = model.predict(x).dataSync();
  const hashes = programNames.map(name => trained(lw, name));
  expect(model.predict(x).dataSync()).toEqual(before);
  const whole = await packageWith('strict');
  expect(hashes).toEqual(programNames.map(name => trained(whole, name)));
});
