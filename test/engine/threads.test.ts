// Threads that share kernel calls. Each test imports the package anew.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { decode } from '../../src/wasm/decode.ts';
import { instantiate } from '../../src/wasm/instances.ts';
import { newSharedMemory, withSharedMemory } from '../../src/wasm/sharedMemory.ts';
import { modules } from '../setup/modules.ts';
import {
  lossNames,
  type OptimizerName,
  optimized,
  optimizerNames,
  programNames,
  scored,
  trained,
} from './trainings.ts';

beforeEach(() => vi.resetModules());
afterEach(() => vi.restoreAllMocks());

// Node 20 needs the flag; later versions ignore it
setFlagsFromString('--experimental-wasm-relaxed-simd');

const cases = (['strict', 'relaxed'] as const).flatMap(simd => programNames.map(name => ({ simd, name })));

test.each(cases)('the $simd bits of $name are the same for 1 to 7 threads', expectSameBits);

async function expectSameBits({ simd, name }: (typeof cases)[number]): Promise<void> {
  const hashes = new Set<string>();
  for (const threads of [1, 2, 3, 4, 7]) {
    vi.resetModules();
    const lw = await import('lstm-wasm');
    lw.configure({ simd, threads });
    expect(lw.backendInfo().threads).toBe(threads);
    hashes.add(trained(lw, name));
  }
  expect(hashes.size).toBe(1);
}

test('inspect returns the same gates and states on three threads, which keep their rows apart', async () => {
  const inspected = async (threads: number) => {
    vi.resetModules();
    const lw = await import('lstm-wasm');
    lw.configure({ simd: 'strict', threads });
    const model = lw.sequential({ seed: 1 });
    model.add(lw.layers.lstm({ units: 18, returnSequences: true, inputShape: [7, 2] }));
    const parts = model.inspect(model.layers[0]!, lw.randomNormal([12, 7, 2], 0, 1, 'float32', 1));
    return Object.entries(parts).map(([name, tensor]) => [name, tensor.dataSync()]);
  };
  expect(await inspected(3)).toEqual(await inspected(1));
});

test('kernels that are added while threads run are shared, and change no bit', async () => {
  const programs = async (threads: number) => {
    vi.resetModules();
    const lw = await import('lstm-wasm');
    lw.configure({ simd: 'strict', threads });
    const add = (step: number) => {
      if (step === 5) lw.layers.gru({ units: 3 });
    };
    const hashes = [
      trained(lw, 'stacked lstm', add),
      trained(lw, 'masked and bidirectional'),
      trained(lw, 'a few rows of gru'),
    ];
    expect(lw.backendInfo().threads).toBe(threads);
    return hashes;
  };
  expect(await programs(3)).toEqual(await programs(1));
});

const updates = optimizerNames.flatMap(name => [
  { simd: 'strict' as const, name },
  { simd: 'relaxed' as const, name },
]);

test.each(updates)('the $simd bits of an update by $name are the same for 1 to 7 threads', async ({ simd, name }) => {
  await expectSameUpdate(simd, name, [1, 2, 3, 7]);
});

async function expectSameUpdate(simd: 'strict' | 'relaxed', name: OptimizerName, counts: number[]): Promise<void> {
  const hashes = new Set<string>();
  for (const threads of counts) {
    vi.resetModules();
    const lw = await import('lstm-wasm');
    lw.configure({ simd, threads });
    const { Team } = await import('../../src/wasm/team.ts');
    const run = vi.spyOn(Team.prototype, 'run');
    hashes.add(optimized(lw, name));
    const shared = new Set(run.mock.calls.map(([kernel]) => kernel));
    const kernels = ['clearGradients', 'checkGradients', 'updateWeightsAside'];
    expect(kernels.filter(kernel => shared.has(kernel))).toEqual(threads === 1 ? [] : kernels);
  }
  expect(hashes.size).toBe(1);
}

test.each(lossNames)('trainings by %s have the same bits for 1 to 7 threads', async loss => {
  const hashes = new Set<string>();
  for (const threads of [1, 2, 3, 4, 7]) {
    vi.resetModules();
    const lw = await import('lstm-wasm');
    lw.configure({ simd: 'strict', threads });
    const { Team } = await import('../../src/wasm/team.ts');
    const run = vi.spyOn(Team.prototype, 'run');
    hashes.add(scored(lw, loss));
    const isShared = threads > 1 && !['meanSquaredError', 'hinge', 'squaredHinge'].includes(loss);
    expect(run.mock.calls.some(([kernel]) => kernel === 'lossRows')).toBe(isShared);
  }
  expect(hashes.size).toBe(1);
});

test('a layer with more than a million rows gives the bits of one thread', async () => {
  const results = [];
  for (const threads of [1, 2]) {
    vi.resetModules();
    const { configure, layers, sequential, setRandomSeed, tensor } = await import('lstm-wasm');
    configure({ simd: 'strict', threads });
    setRandomSeed(1);
    const dense = layers.dense({ units: 1, activation: 'tanh' });
    const model = sequential({ layers: [layers.timeDistributed({ layer: dense, inputShape: [1000, 1] })] });
    const x = Float32Array.from({ length: 1_100_000 }, (_, n) => Math.sin(n));
    results.push(
      createHash('sha256')
        .update(model.predictOnBatch(tensor(x, [1100, 1000, 1])).dataSync())
        .digest('hex'),
    );
  }
  expect(results[1]).toBe(results[0]);
});

test('configure rejects a number of threads that is not a positive integer', async () => {
  const { configure } = await import('lstm-wasm');
  for (const threads of [0, 1.5, -1, 65, Number.NaN, '2']) {
    expect(() => configure({ threads } as never)).toThrow(
      `configure: threads must be an integer from 1 to 64 or 'auto', got `,
    );
  }
});

test('configure rejects another number of threads after the first model', async () => {
  const { backendInfo, configure, layers, sequential } = await import('lstm-wasm');
  sequential({ layers: [layers.dense({ units: 1, inputShape: [1] })] }).getWeights();
  expect(() => configure({ threads: 2 })).toThrow(
    'configure: threads must be chosen before the first model is made, got 2 while 1 run',
  );
  configure({ threads: 1 });
  expect(backendInfo().threads).toBe(1);
});

test.each([
  { cores: ['0', '1', '0', '1'], available: 4, threads: 2 },
  { cores: ['0', '1', '2', '3', '4', '5'], available: 6, threads: 4 },
  { cores: ['0', '1', '2', '3'], available: 1, threads: 1 },
  { cores: [], available: 6, threads: 3 },
])('auto starts $threads threads where $available logical cores share the cores $cores', async expected => {
  const { cores, available, threads } = expected;
  const { getBuiltinModule } = process;
  vi.spyOn(process, 'getBuiltinModule').mockImplementation(((name: string) => {
    const cpus = () => (cores.length > 0 ? cores : ['']);
    if (name === 'node:os') return { availableParallelism: () => available, cpus };
    if (name !== 'node:fs') return getBuiltinModule.call(process, name);
    return { readFileSync: (file: string) => cores[Number(/cpu(\d+)\/topology/.exec(file)?.[1])] ?? expect.fail() };
  }) as never);
  const { backendInfo, configure } = await import('lstm-wasm');
  configure({ threads: 'auto' });
  expect(backendInfo().threads).toBe(threads);
});

test('threads use no processor time while no call runs, and no call keeps the process alive', () => {
  const program = `
    import { configure, layers, randomNormal, sequential } from '${new URL('../../dist/index.js', import.meta.url)}';
    configure({ threads: 3 });
    const model = sequential({ layers: [layers.lstm({ units: 64, inputShape: [20, 8] }), layers.dense({ units: 1 })] });
    model.predictOnBatch(randomNormal([64, 20, 8]));
    await new Promise(resolve => setTimeout(resolve, 300));
    const before = process.cpuUsage();
    await new Promise(resolve => setTimeout(resolve, 700));
    const { user, system } = process.cpuUsage(before);
    console.log((user + system) / 1000);
  `;
  const options = { encoding: 'utf8', timeout: 30_000 } as const;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], options);
  expect(stderr).toBe('');
  expect(Number(stdout)).toBeLessThan(100);
});

test('a program with threads ends by itself', () => {
  const program = `
    import { configure, layers, randomNormal, sequential } from '${new URL('../../dist/index.js', import.meta.url)}';
    configure({ threads: 3 });
    const model = sequential({ layers: [layers.lstm({ units: 64, inputShape: [20, 8] }), layers.dense({ units: 1 })] });
    model.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
    for (let n = 0; n < 20; n++) model.trainOnBatch(randomNormal([64, 20, 8]), randomNormal([64, 1]));
    console.log('trained');
  `;
  const options = { encoding: 'utf8', timeout: 30_000 } as const;
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], options);
  expect(stderr).toBe('');
  expect(stdout).toBe('trained\n');
  expect(status).toBe(0);
});

test.each(['strict', 'relaxed'] as const)(
  'only the import of memory differs in %s kernels for shared memory',
  build => {
    const compiled = Object.values(modules).map(module => {
      const bytes = decode(module, build);
      const shared = withSharedMemory(bytes, 65_536);
      expect(shared.length - bytes.length).toBeLessThan(8);
      const result = new WebAssembly.Module(shared);
      expect(WebAssembly.Module.imports(result)).toEqual(WebAssembly.Module.imports(new WebAssembly.Module(bytes)));
      expect(WebAssembly.Module.exports(result)).toEqual(WebAssembly.Module.exports(new WebAssembly.Module(bytes)));
      return result;
    });
    expect(instantiate(compiled, newSharedMemory(2)!.memory)).not.toBeNull();
  },
);
