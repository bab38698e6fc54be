// Loading and starting the package. Each test imports it anew.

import { readFileSync } from 'node:fs';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { decode } from '../../src/wasm/decode.ts';
import { core } from '../../src/wasm/modules/core.generated.ts';

const kernels = (build: string) => readFileSync(new URL(`../../build/${build}.wasm`, import.meta.url));
const canRelax = WebAssembly.validate(kernels('relaxed'));

beforeEach(() => vi.resetModules());
afterEach(() => vi.restoreAllMocks());

// Cloudflare Workers allow random numbers only during requests.
test('importing the package calls no random number generator', async () => {
  const sources = [vi.spyOn(crypto, 'getRandomValues'), vi.spyOn(Math, 'random')];
  const lw = await import('lstm-wasm');
  await import('lstm-wasm/data');
  lw.setRandomSeed(1);
  lw.sequential({ layers: [lw.layers.gru({ units: 3, inputShape: [4, 2] })] }).getWeights();
  for (const source of sources) expect(source).not.toHaveBeenCalled();
});

test('without a seed, each model draws one random seed when it is first used', async () => {
  const random = vi.spyOn(Math, 'random');
  const lw = await import('lstm-wasm');
  const model = () => lw.sequential({ layers: [lw.layers.dense({ units: 3, inputShape: [4] })] });
  const [one, two] = [model().getWeights()[0], model().getWeights()[0]];
  expect(random).toHaveBeenCalledTimes(2 * 2); // 32 bits each
  expect(one?.dataSync()).not.toEqual(two?.dataSync());
});

// wasmBytes is the size of the package's own kernels, and 0 for a compiled module.
test.each(['auto', 'strict'] as const)('configure to %s keeps strict kernels passed to init', async simd => {
  const { backendInfo, configure, init } = await import('lstm-wasm');
  init({ module: new WebAssembly.Module(kernels('strict')) });
  configure({ simd });
  expect(backendInfo()).toMatchObject({ simd: 'strict', wasmBytes: 0 });
});

test.skipIf(!canRelax)('configure to other kernels than those passed to init starts those of the package', async () => {
  const { backendInfo, configure, init } = await import('lstm-wasm');
  init({ module: new WebAssembly.Module(kernels('strict')) });
  configure({ simd: 'relaxed' });
  expect(backendInfo()).toMatchObject({ simd: 'relaxed', wasmBytes: decode(core, 'relaxed').length });
});

test('ready starts the kernels that configure selects while others are compiling', async () => {
  const { backendInfo, configure, ready } = await import('lstm-wasm');
  // As on a host with relaxed SIMD
  vi.spyOn(WebAssembly, 'validate').mockReturnValue(true);
  const compile = vi.spyOn(WebAssembly, 'compile').mockResolvedValue(new WebAssembly.Module(kernels('strict')));
  const started = ready();
  configure({ simd: 'strict' });
  await started;
  expect(compile).toHaveBeenCalledTimes(2);
  expect(backendInfo().wasmBytes).toBe(decode(core, 'strict').length);
});

test('init accepts kernels after a compilation that the host forbids', async () => {
  const { init, layers, sequential } = await import('lstm-wasm');
  const module = new WebAssembly.Module(kernels('strict'));
  const predict = () => sequential({ layers: [layers.dense({ units: 1, inputShape: [1] })] }).predict([[1]]);
  const ForbiddenModule = class {
    constructor() {
      throw new WebAssembly.CompileError('forbidden');
    }
  };
  const forbidden = vi.spyOn(WebAssembly, 'Module').mockImplementation(ForbiddenModule as never);
  expect(predict).toThrow('forbidden');
  forbidden.mockRestore();
  init({ module });
  expect(predict().shape).toEqual([1, 1]);
});

test('a failed memory allocation throws a ValueError with advice, and the call can be repeated', async () => {
  const { layers, sequential, ValueError } = await import('lstm-wasm');
  const model = sequential({ layers: [layers.dense({ units: 1, inputShape: [1] })] });
  const outOfMemory = vi.spyOn(WebAssembly, 'Memory').mockImplementation(
    class {
      constructor() {
        throw new RangeError('could not allocate memory');
      }
    } as never,
  );
  expect(() => model.predict([[1]])).toThrow(ValueError);
  expect(() => model.predict([[1]])).toThrow(
    /^model\.predict: the host must be able to allocate memory for WebAssembly \(could not allocate memory\); each page /,
  );
  outOfMemory.mockRestore();
  expect(model.predict([[1]]).shape).toEqual([1, 1]);
});

// node:vm creates objects of another realm, like an iframe.
test.each([
  ['bytes', 'new Uint8Array(bytes)'],
  ['bytes', 'new Uint8Array(bytes).buffer'],
  ['module', 'new WebAssembly.Module(new Uint8Array(bytes))'],
])('init accepts %s of another realm: %s', async (name, code) => {
  const { backendInfo, init } = await import('lstm-wasm');
  init({ [name]: runInNewContext(code, { bytes: [...kernels('strict')] }) });
  expect(backendInfo().simd).toBe('strict');
});

test('a model that does not fit into memory throws an error with advice', async () => {
  const { layers, sequential } = await import('lstm-wasm');
  const model = sequential({ layers: [layers.dense({ units: 2 ** 28, inputShape: [1] })] });
  expect(() => model.predict([[1]])).toThrow(
    / MiB in addition to \d+ MiB in use; dispose\(\) of unused models, or use smaller /,
  );
});

test('models work on hosts without resizable ArrayBuffers', async () => {
  const { layers, sequential } = await import('lstm-wasm');
  vi.stubGlobal(
    'ArrayBuffer',
    class extends ArrayBuffer {
      constructor(bytes: number, options?: object) {
        if (options) throw new RangeError('Array buffer allocation failed');
        super(bytes);
      }
    },
  );
  const model = sequential({ layers: [layers.dense({ units: 512, inputShape: [512] })] });
  expect(model.countParams()).toBe(512 * 513);
  expect(model.getWeights()).toHaveLength(2);
  vi.unstubAllGlobals();
});
