// Invalid calls of init before the first model; this file needs a worker that has made no model.

import { backendInfo, init } from 'lstm-wasm';
import { expect, test } from 'vitest';
import { describeRejections, wrong } from './invalidArguments.ts';

const emptyModule = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0);
/** Imports a function foo.bar that does not exist. */
const foreignModule = Uint8Array.of(
  ...[...emptyModule, 1, 4, 1, 96, 0, 0],
  ...[2, 11, 1, 3, 102, 111, 111, 3, 98, 97, 114, 0, 0],
);

describeRejections('init', [
  ['no arguments', () => init(wrong(undefined)), 'bytes must be'],
  ['null', () => init(wrong(null)), 'options must be an object, got null'],
  ['options without bytes or module', () => init({})],
  ['an unknown option', () => init(wrong({ byte: foreignModule })), "did you mean 'bytes'?"],
  ['bytes in a plain array', () => init({ bytes: wrong([0, 97, 115, 109]) })],
  ['bytes that are not a module', () => init({ bytes: Uint8Array.of(1, 2, 3) })],
  ['empty bytes', () => init({ bytes: new Uint8Array(0) })],
  ['an object as the module', () => init({ module: wrong({}) })],
  ['an empty module', () => init({ bytes: emptyModule }), 'must be kernels.wasm or kernels-relaxed.wasm'],
  ['an empty compiled module', () => init({ module: new WebAssembly.Module(emptyModule) })],
  ['a module with other imports', () => init({ bytes: foreignModule }), 'must be kernels.wasm or kernels-relaxed.wasm'],
  ['a compiled module with other imports', () => init({ module: new WebAssembly.Module(foreignModule) })],
]);

test('a failed init does not change backendInfo', () => {
  const before = backendInfo();
  expect(() => init({ bytes: emptyModule })).toThrow();
  expect(backendInfo()).toEqual(before);
});
