// How the package starts, in a module graph of its own for each test: nothing has been loaded, made or drawn before.

import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

const kernels = (build: string) => readFileSync(new URL(`../../build/${build}.wasm`, import.meta.url));
const canRelax = WebAssembly.validate(kernels('relaxed'));

beforeEach(() => vi.resetModules());
afterEach(() => vi.restoreAllMocks());

// Cloudflare Workers refuse that outside of requests.
test('draws no random numbers while it is loaded', async () => {
  const draw = vi.spyOn(crypto, 'getRandomValues');
  const lw = await import('lstm-wasm');
  await import('lstm-wasm/data');
  lw.setRandomSeed(1);
  lw.sequential({ layers: [lw.layers.gru({ units: 3, inputShape: [4, 2] })] }).getWeights();
  expect(draw).not.toHaveBeenCalled();
});

test('without a seed draws one when it is needed, and only one', async () => {
  const draw = vi.spyOn(crypto, 'getRandomValues');
  const lw = await import('lstm-wasm');
  const model = () => lw.sequential({ layers: [lw.layers.dense({ units: 3, inputShape: [4] })] });
  const [one, two] = [model().getWeights()[0], model().getWeights()[0]];
  expect(draw).toHaveBeenCalledTimes(1);
  expect(one?.dataSync()).not.toEqual(two?.dataSync());
});

// The package's own kernels have a size; of compiled ones it is not known.
test.each(['auto', 'strict'] as const)('configure to %s leaves the strict kernels that init was given', async simd => {
  const { backendInfo, configure, init } = await import('lstm-wasm');
  init({ module: new WebAssembly.Module(kernels('strict')) });
  configure({ simd });
  expect(backendInfo()).toMatchObject({ simd: 'strict', wasmBytes: 0 });
});

test.skipIf(!canRelax)('configure to other kernels than init was given starts those of the package', async () => {
  const { backendInfo, configure, init } = await import('lstm-wasm');
  init({ module: new WebAssembly.Module(kernels('strict')) });
  configure({ simd: 'relaxed' });
  expect(backendInfo()).toMatchObject({ simd: 'relaxed', wasmBytes: kernels('relaxed').length });
});
