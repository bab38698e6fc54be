/** The kernels embedded in the package equal the built ones, and hosts without relaxed SIMD are detected. */

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { groupNames, groupOf, late } from '../../scripts/kernelGroups.js';
import { split } from '../../scripts/split.js';
import { decode } from '../../src/wasm/decode.ts';
import { checkSimd } from '../../src/wasm/engine.ts';
import { modules } from '../setup/modules.ts';

const file = (build: string) => readFileSync(new URL(`../../build/${build}.wasm`, import.meta.url));

test.each(['strict', 'relaxed'] as const)(
  'the embedded modules of the %s build are the parts of the built file',
  build => {
    const parts = split(file(build), groupOf, late);
    expect(new Set(parts.keys())).toEqual(new Set(Object.keys(modules)));
    for (const [name, part] of parts) {
      const bytes = decode(modules[name]!, build);
      expect(Buffer.compare(bytes, part)).toBe(0);
      expect(bytes.buffer.byteLength).toBe(bytes.length);
    }
  },
);

test('each group has a module', () => {
  expect(Object.keys(modules).toSorted()).toEqual(groupNames.toSorted());
});

const exportsOf = (bytes: Uint8Array<ArrayBuffer>) =>
  WebAssembly.Module.exports(new WebAssembly.Module(bytes)).map(({ name }) => name);

test('each kernel of the built file is in one embedded module', () => {
  const embedded = Object.values(modules).flatMap(module => exportsOf(decode(module, 'strict')));
  const kernels = embedded.filter(name => !/^(f\d+|g\d+|t)$/.test(name)); // what groups import from the core
  expect(kernels.toSorted()).toEqual(exportsOf(new Uint8Array(file('strict'))).toSorted());
});

test('relaxed kernels are rejected exactly on hosts without relaxed SIMD', () => {
  const check = () => checkSimd('configure', 'relaxed');
  if (WebAssembly.validate(new Uint8Array(file('relaxed')))) expect(check()).toBe('relaxed');
  else expect(check).toThrow('must be');
});
