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
      { find: /^lstm-wasm\/(\w+)$/, replacement: path('../src/$1/index.ts') },
    ],
  },
  server: { fs: { allow: [path('..')] } },
  build: { outDir: path('dist'), target: 'es2023', emptyOutDir: true },
});
