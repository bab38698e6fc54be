import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** What runs on kernels runs on every build of them; the rest runs once. */
const onKernels = ['test/kernels/**/*.test.ts', 'test/facade/**/*.test.ts'];
const builds = [
  { name: 'strict', build: 'strict' },
  { name: 'relaxed', build: 'relaxed' },
  { name: 'debug', build: 'debug' },
  // The tiles and panels of lstm-wasm/turbo, which give the same bits on any host, only not fast.
  { name: 'joined', build: 'debug', joined: '1' },
];

export default defineConfig({
  resolve: {
    alias: [
      { find: /^lstm-wasm$/, replacement: path('src/index.ts') },
      { find: /^lstm-wasm\/data$/, replacement: path('src/data/index.ts') },
      { find: /^lstm-wasm\/onnx$/, replacement: path('src/onnx/index.ts') },
      { find: /^lstm-wasm\/plot$/, replacement: path('src/plot/node.ts') },
    ],
  },
  test: {
    testTimeout: 30_000,
    projects: [
      ...builds.map(({ name, build, joined = '' }) => ({
        extends: true as const,
        test: {
          name,
          include: onKernels,
          env: { LSTM_WASM_BUILD: build, LSTM_WASM_JOINED: joined },
          setupFiles: ['test/setup/build.ts'],
        },
      })),
      {
        extends: true as const,
        test: { name: 'once', include: ['test/**/*.test.ts'], exclude: onKernels },
      },
    ],
  },
});
