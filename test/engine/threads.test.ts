// Threads that share kernel calls. Each test imports the package anew.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { binary } from '../../src/wasm/binaries.ts';
import { newSharedMemory, withSharedMemory } from '../../src/wasm/sharedMemory.ts';

type Package = typeof import('lstm-wasm');
type LayersModel = import('lstm-wasm').LayersModel;
type SymbolicTensor = import('lstm-wasm').SymbolicTensor;

beforeEach(() => vi.resetModules());
afterEach(() => vi.restoreAllMocks());

// Node 20 needs the flag; later versions ignore it
setFlagsFromString('--experimental-wasm-relaxed-simd');

/** Models whose calls are large enough to be shared, with every kernel that threads share. */
const programs = {
  'stacked lstm': ({ layers, sequential }) =>
    sequential({
      layers: [
        layers.lstm({ units: 33, returnSequences: true, stateful: true, batchInputShape: [51, 13, 5] }),
        layers.lstm({ units: 40, returnSequences: true, recurrentDropout: 0.2 }),
        layers.timeDistributed({ layer: layers.dense({ units: 20, activation: 'relu' }) }),
        layers.lstm({ units: 30, recurrentActivation: 'hardSigmoid' }),
        layers.dense({ units: 3 }),
      ],
    }),
  'masked and bidirectional': ({ layers, sequential }) =>
    sequential({
      layers: [
        layers.masking({ batchInputShape: [51, 13, 5] }),
        layers.bidirectional({ layer: layers.gru({ units: 30, returnSequences: true }) }),
        layers.gru({ units: 41, resetAfter: false, returnSequences: true, dropout: 0.2 }),
        layers.simpleRNN({ units: 70 }),
        layers.dense({ units: 200, activation: 'tanh' }),
        layers.dense({ units: 3, activation: 'softmax' }),
      ],
    }),
  'a graph with attention': ({ layers, input, model }) => {
    const x = input({ batchShape: [51, 13, 5] });
    const masked = layers.masking().apply(x);
    const encoder = layers.lstm({ units: 26, returnSequences: true, returnState: true });
    const [encoded, ...states] = encoder.apply(masked) as SymbolicTensor[];
    const decoder = layers.lstm({ units: 26, returnSequences: true });
    const decoded = decoder.apply(encoded!, { initialState: states }) as SymbolicTensor;
    const heads = layers.multiHeadAttention({ numHeads: 3, keyDim: 7, dropout: 0.1 });
    const dot = layers.attention({ useCausalMask: true, returnAttentionScores: true, dropout: 0.2 });
    const [context, scores] = dot.apply([decoded, encoded!]) as SymbolicTensor[];
    const scaled = layers.attention({ useScale: true }).apply([decoded, encoded!]) as SymbolicTensor;
    const added = layers.additiveAttention().apply([decoded, encoded!]) as SymbolicTensor;
    const all = layers
      .concatenate()
      .apply([
        heads.apply([decoded, encoded!]) as SymbolicTensor,
        layers.add().apply([context!, scaled, added]) as SymbolicTensor,
        scores!,
      ]);
    const y = layers
      .dense({ units: 3 })
      .apply(layers.gru({ units: 20 }).apply(all as SymbolicTensor) as SymbolicTensor);
    return model({ inputs: x, outputs: y as SymbolicTensor });
  },
} satisfies Record<string, (lw: Package) => LayersModel>;

/** SHA-256 of weights and predictions after ten steps. */
function trained(lw: Package, name: keyof typeof programs): string {
  lw.setRandomSeed(4);
  const model = programs[name](lw);
  model.compile({ optimizer: lw.train.adam({ learningRate: 0.01, globalClipNorm: 1 }), loss: 'meanSquaredError' });
  const x = lw.randomNormal([51, 13, 5]).dataSync();
  for (let row = 0; row < 51; row += 3) x.fill(0, row * 65 + 20, row * 65 + 40); // masked steps
  const y = lw.randomUniform([51, 3]);
  for (let n = 0; n < 10; n++) model.trainOnBatch(lw.tensor(x, [51, 13, 5]), y);
  const hash = createHash('sha256');
  for (const weight of model.getWeights()) hash.update(weight.dataSync());
  hash.update(model.predictOnBatch(lw.tensor(x, [51, 13, 5])).dataSync());
  model.dispose();
  return hash.digest('hex');
}

const cases = (['strict', 'relaxed'] as const).flatMap(simd =>
  (Object.keys(programs) as (keyof typeof programs)[]).map(name => ({ simd, name })),
);

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

test('where the host forbids workers, the calling thread computes everything', async () => {
  const lw = await import('lstm-wasm');
  lw.configure({ simd: 'strict', threads: 1 });
  const expected = trained(lw, 'stacked lstm');
  vi.resetModules();
  const other = await import('lstm-wasm');
  other.configure({ simd: 'strict', threads: 3 });
  other.backendInfo();
  vi.spyOn(process, 'getBuiltinModule').mockImplementation(() => {
    throw new Error('forbidden');
  });
  expect(trained(other, 'stacked lstm')).toBe(expected);
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

test('where memory cannot be shared, one thread runs', async () => {
  vi.stubGlobal('SharedArrayBuffer', undefined);
  const lw = await import('lstm-wasm');
  lw.configure({ threads: 4 });
  expect(lw.backendInfo().threads).toBe(1);
  vi.unstubAllGlobals();
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
    const bytes = binary(build);
    const shared = withSharedMemory(bytes, 65_536);
    expect(shared.length - bytes.length).toBeLessThan(8);
    if (!WebAssembly.validate(bytes)) return;
    const module = new WebAssembly.Module(shared);
    expect(WebAssembly.Module.imports(module)).toEqual(WebAssembly.Module.imports(new WebAssembly.Module(bytes)));
    expect(WebAssembly.Module.exports(module)).toEqual(WebAssembly.Module.exports(new WebAssembly.Module(bytes)));
    const { memory } = newSharedMemory(2)!;
    expect(() => new WebAssembly.Instance(module, { env: { memory, abort() {} } })).not.toThrow();
  },
);
