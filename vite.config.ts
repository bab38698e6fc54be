import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const entry = (path: string) => fileURLToPath(new URL(`src/${path}`, import.meta.url));

/** Leaves the file of the worker to those who bundle the package: they find it beside the one that names it. */
const swap = (code: string, from: string, to: string) =>
  code.includes(from) ? { code: code.replaceAll(from, to), map: null } : null;
const leaveWorker = {
  name: 'leave-worker',
  enforce: 'pre' as const,
  transform: (code: string) => swap(code, "'./thread.ts', import.meta.url", '__THREAD__'),
  renderChunk: (code: string) => swap(code, '__THREAD__', "'./thread.js', import.meta.url"),
};

/** The package: one file for each subpath. The AssemblyScript loader travels inside, the drawing libraries do not. */
export default defineConfig({
  plugins: [leaveWorker],
  build: {
    target: 'es2023',
    outDir: 'dist',
    minify: false,
    sourcemap: true,
    lib: {
      entry: {
        index: entry('index.ts'),
        data: entry('data/index.ts'),
        keras: entry('keras/index.ts'),
        onnx: entry('onnx/index.ts'),
        plot: entry('plot/index.ts'),
        'plot-node': entry('plot/node.ts'),
        safetensors: entry('safetensors/index.ts'),
        thread: entry('worker/thread.ts'),
        turbo: entry('turbo.ts'),
        worker: entry('worker/index.ts'),
      },
      formats: ['es'],
    },
    rolldownOptions: {
      external: [/^node:/, '@svgdotjs/svg.js', 'd3-scale', 'fflate', 'h5wasm', 'linkedom', 'pbf'],
    },
  },
});
