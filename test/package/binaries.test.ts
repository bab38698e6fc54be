/** The kernels inside the package are the ones that were built, and those that a host can run are found without them. */

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { binary } from '../../src/wasm/binaries.ts';
import { checkSimd } from '../../src/wasm/engine.ts';

const file = (build: string) => readFileSync(new URL(`../../build/${build}.wasm`, import.meta.url));

test.each(['strict', 'relaxed'] as const)('the text of the %s build is its file', build => {
  const bytes = binary(build);
  expect(Buffer.compare(bytes, file(build))).toBe(0);
  expect(bytes.buffer.byteLength).toBe(bytes.length);
});

test('relaxed kernels are rejected exactly on hosts without relaxed SIMD', () => {
  const ask = () => checkSimd('configure', 'relaxed');
  if (WebAssembly.validate(new Uint8Array(file('relaxed')))) expect(ask()).toBe('relaxed');
  else expect(ask).toThrow('must be');
});
