import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const entry = (path: string) => fileURLToPath(new URL(`src/${path}`, import.meta.url));

/** Leaves the files of workers to those who bundle the package: they find them beside the one that names them. */
const swap = (code: string, from: string, to: string) =>
  code.includes(from) ? { code: code.replaceAll(from, to), map: null } : null;
const leaveWorker = (source: string, file: string, placeholder: string) => ({
  name: 'leave-worker',
  enforce: 'pre' as const,
  transform: (code: string) => swap(code, `'./${source}', import.meta.url`, placeholder),
  renderChunk: (code: string) => swap(code, placeholder, `'./${file}', import.meta.url`),
});
const leaveWorkers = [
  leaveWorker('thread.ts', 'thread.js', '__THREAD__'),
  leaveWorker('taskThread.ts', 'task-thread.js', '__TASK_THREAD__'),
];

/** Keras files are written at home: what is inside the worker would carry h5wasm, which is ten times as large. */
const withoutKeras = {
  name: 'without-keras',
  enforce: 'pre' as const,
  resolveId: (source: string) => (source.endsWith('/keras/write.ts') ? '\0without-keras' : null),
  load: (id: string) => (id === '\0without-keras' ? 'export {}' : null),
};

/** A file of its own for the namespace `layers`: a bundler can leave out what nobody uses of a module, not of an object. */
const layersApart = {
  name: 'layers-apart',
  enforce: 'pre' as const,
  resolveId: (source: string, importer?: string) =>
    source === './namespace.ts' && importer?.endsWith('/layers/index.ts')
      ? { id: './layers.js', external: true }
      : null,
};

/** The command uses the file of `lstm-wasm/plot` for Node, which stays whole: package.json lists it for its side effects. */
const plotApart = {
  name: 'plot-apart',
  enforce: 'pre' as const,
  resolveId: (source: string, importer?: string) =>
    source === '../plot/node.ts' && importer?.includes('/src/cli/') ? { id: './plot-node.js', external: true } : null,
};

const library = {
  target: 'es2023',
  outDir: 'dist',
  minify: false,
  sourcemap: true,
  rolldownOptions: {
    external: [/^node:/, '@svgdotjs/svg.js', 'bullmq', 'd3-scale', 'fflate', 'h5wasm', 'ioredis', 'linkedom', 'pbf'],
  },
};

/** What runs in a worker, in one file: bundlers put it into one anyway, and with it whatever it might import. */
const thread = (name: string, path: string) => ({
  plugins: [withoutKeras],
  build: {
    ...library,
    emptyOutDir: false,
    sourcemap: false,
    lib: { entry: { [name]: entry(path) }, formats: ['es' as const] },
    // It imports and exports nothing, and would pass for a file of CommonJS by what the loader calls `exports`.
    rolldownOptions: { ...library.rolldownOptions, output: { codeSplitting: false, footer: 'export {};' } },
  },
});
const threads: { readonly [mode: string]: ReturnType<typeof thread> } = {
  thread: thread('thread', 'worker/thread.ts'),
  'task-thread': thread('task-thread', 'scale/taskThread.ts'),
};

/**
 * The package: one file for each subpath, what they share, and of what `index` gathers, files for the parts that bundles
 * can do without. Libraries stay outside.
 */
const main = {
  plugins: [...leaveWorkers, layersApart, plotApart],
  build: {
    ...library,
    lib: {
      entry: {
        index: entry('index.ts'),
        bullmq: entry('scale/bullmq/index.ts'),
        cli: entry('cli/main.ts'),
        data: entry('data/index.ts'),
        forecast: entry('forecast/index.ts'),
        keras: entry('keras/index.ts'),
        layers: entry('layers/namespace.ts'),
        onnx: entry('onnx/index.ts'),
        plot: entry('plot/index.ts'),
        'plot-node': entry('plot/node.ts'),
        saving: entry('saving/index.ts'),
        safetensors: entry('safetensors/index.ts'),
        scale: entry('scale/index.ts'),
        turbo: entry('turbo.ts'),
        worker: entry('worker/index.ts'),
      },
      formats: ['es' as const],
    },
  },
};

export default defineConfig(({ mode }) => threads[mode] ?? main);
