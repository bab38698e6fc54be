import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

const kernels = ['test/kernels/**/*.test.ts'];
const facade = ['test/facade/**/*.test.ts'];
/** What measures memory, or needs a worker that has made no model. */
const fresh = ['test/facade/{garbage,init,many,memory}.test.ts'];
const properties = ['test/properties/properties.test.ts']; // random programs of valid and invalid calls
/** Whole programs: what they compute depends on the build of the kernels. */
const programs = [
  'test/facade/golden/*.test.ts',
  'test/facade/{attentionModels,customLayers,determinism,explicitMasks,fences,fixtures,fused,gradients,layers}.test.ts',
  'test/facade/{foldedNormalization,minRnn,overflow}.test.ts',
];
/** What multiplies matrices. */
const products = [
  'test/kernels/{conv1d,dense,gru,lstmVariants,lstmWays,matmul,minRnn,naive,parts,simpleRnn,weights}.test.ts',
];
/** What measures time: one file after the other, when nothing else runs. */
const timed = ['test/{browser,worker}/pace.test.ts'];
/** All files of a worker share its browsers, whose start takes as long as some of the tests. */
const browser = ['test/browser/**/*.test.ts'];
/** Files that leave no trace in the modules they import, so that a worker can share these. */
const sharing = ['test/{data,forecast,onnx,plot,saving,tfjs}/**/*.test.ts'];
const others = [...browser, ...kernels, ...facade, ...properties, ...sharing, ...timed];

const project = (test: object) => ({ extends: true as const, test });
/** Tests on one build of the kernels. The files of a worker share its modules, whose import takes as long as some tests. */
const onBuild = (name: string, include: string[], env: Record<string, string>, more: object = { exclude: fresh }) =>
  project({ name, include, env, isolate: false, setupFiles: ['test/setup/build.ts'], ...more });

export default defineConfig({
  resolve: {
    alias: [
      { find: /^lstm-wasm$/, replacement: path('src/index.ts') },
      { find: /^lstm-wasm\/plot$/, replacement: path('src/plot/node.ts') },
      { find: /^lstm-wasm\/layers$/, replacement: path('src/layers/namespace.ts') },
      { find: /^lstm-wasm\/(\w+)$/, replacement: path('src/$1/index.ts') },
    ],
  },
  test: {
    testTimeout: 30_000,
    maxWorkers: availableParallelism(), // the default leaves a core idle
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      // V8 does not see what runs from dist/ in threads and processes: test/worker, test/browser and test/turbo test it.
      exclude: ['src/wasm/*.generated.ts', 'src/turbo.ts', 'src/worker/**'],
      reporter: ['json-summary', 'html', 'text-summary'],
      reportOnFailure: true,
    },
    projects: [
      onBuild('strict', [...kernels, ...facade, ...properties], { LSTM_WASM_BUILD: 'strict' }),
      onBuild('relaxed', [...kernels, ...programs], { LSTM_WASM_BUILD: 'relaxed' }),
      onBuild('debug', [...kernels, ...programs, ...properties], { LSTM_WASM_BUILD: 'debug' }),
      // The tiles of lstm-wasm/turbo: the same bits on any host, fast only where V8 joins vectors.
      onBuild('wide', products, { LSTM_WASM_BUILD: 'debug', LSTM_WASM_WIDE: '1' }),
      onBuild('fresh', fresh, { LSTM_WASM_BUILD: 'strict' }, { isolate: true }),
      project({ name: 'once', include: ['test/**/*.test.ts'], exclude: others }),
      project({ name: 'sharing', include: sharing, isolate: false }),
      project({ name: 'browser', include: browser, exclude: timed, isolate: false, sequence: { groupOrder: 1 } }),
      project({ name: 'timed', include: timed, fileParallelism: false, sequence: { groupOrder: 2 } }),
    ],
  },
});
