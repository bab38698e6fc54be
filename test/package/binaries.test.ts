/** The kernels embedded in the package equal the built ones, and hosts without relaxed SIMD are detected. */

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { binary } from '../../src/wasm/binaries.ts';
import { checkSimd } from '../../src/wasm/engine.ts';

const file = (build: string) => readFileSync(new URL(`../../build/${build}.wasm`, import.meta.url));

test.each(['strict', 'relaxed'] as const)('the embedded binary of the %s build equals the built file', build => {
  const bytes = binary(build);
  expect(Buffer.compare(bytes, file(build))).toBe(0);
  expect(bytes.buffer.byteLength).toBe(bytes.length);
});

test('relaxed kernels are rejected exactly on hosts without relaxed SIMD', () => {
  const check = () => checkSimd('configure', 'relaxed');
  if (WebAssembly.validate(new Uint8Array(file('relaxed')))) expect(check()).toBe('relaxed');
  else expect(check).toThrow('must be');
});
