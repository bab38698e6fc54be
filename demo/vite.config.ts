import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** Keras files are written in the page: a worker is one file, and would carry the HDF5 library, which is ten times as large. */
const withoutKeras = {
  name: 'without-keras',
  enforce: 'pre' as const,
  resolveId: (source: string) => (source.endsWith('/keras/write.ts') ? '\0without-keras' : null),
  load: (id: string) => (id === '\0without-keras' ? 'export {}' : null),
};

/** The page. It is built from the sources of the package, so that changes are visible immediately. */
export default defineConfig({
  root: path('.'),
  base: './',
  resolve: {
    alias: [
      { find: /^lstm-wasm$/, replacement: path('../src/index.ts') },
      { find: /^lstm-wasm\/(\w+)$/, replacement: path('../src/$1/index.ts') },
    ],
  },
  worker: { plugins: () => [withoutKeras] },
  server: { fs: { allow: [path('..')] } },
  build: {
    outDir: path('dist'),
    target: 'es2023',
    emptyOutDir: true,
    // The HDF5 library, which is loaded with the first download of a Keras file
    chunkSizeWarningLimit: 5000,
  },
});
