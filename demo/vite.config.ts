import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** The page. It is built from the sources of the package, so that a change shows at once. */
export default defineConfig({
  root: path('.'),
  base: './',
  resolve: {
    alias: [
      { find: /^lstm-wasm$/, replacement: path('../src/index.ts') },
      { find: /^lstm-wasm\/data$/, replacement: path('../src/data/index.ts') },
      { find: /^lstm-wasm\/worker$/, replacement: path('../src/worker/index.ts') },
      { find: /^lstm-wasm\/plot$/, replacement: path('../src/plot/index.ts') },
      { find: /^lstm-wasm\/worker$/, replacement: path('../src/worker/index.ts') },
    ],
  },
  server: { fs: { allow: [path('..')] } },
  // In one file, the worker would carry h5wasm, which is ten times as large and never loaded
  worker: { format: 'es' },
  build: { outDir: path('dist'), target: 'es2023', emptyOutDir: true },
});
