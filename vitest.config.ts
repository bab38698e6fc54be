import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** What runs on kernels runs on every build of them; the rest runs once. */
const onKernels = ['test/kernels/**/*.test.ts', 'test/facade/**/*.test.ts'];
const builds = ['strict', 'relaxed', 'debug'];

export default defineConfig({
  resolve: {
    alias: [
      { find: /^lstm-wasm$/, replacement: path('src/index.ts') },
      { find: /^lstm-wasm\/data$/, replacement: path('src/data/index.ts') },
      { find: /^lstm-wasm\/plot$/, replacement: path('src/plot/node.ts') },
    ],
  },
  test: {
    testTimeout: 30_000,
    projects: [
      ...builds.map(build => ({
        extends: true as const,
        test: {
          name: build,
          include: onKernels,
          env: { LSTM_WASM_BUILD: build },
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
