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
    external: [/^node:/, '@svgdotjs/svg.js', 'd3-scale', 'fflate', 'h5wasm', 'linkedom', 'pbf'],
  },
};

/** What runs in a worker, in one file: bundlers put it into one anyway, and with it whatever it might import. */
const thread = {
  plugins: [withoutKeras],
  build: {
    ...library,
    emptyOutDir: false,
    sourcemap: false,
    lib: { entry: { thread: entry('worker/thread.ts') }, formats: ['es' as const] },
    // It imports and exports nothing, and would pass for a file of CommonJS by what the loader calls `exports`.
    rolldownOptions: { ...library.rolldownOptions, output: { codeSplitting: false, footer: 'export {};' } },
  },
};

const kernelsFile = (module: string) => `kernels-${/(\w+)\.generated/.exec(module)?.[1]}`;

/**
 * The package: one file for each subpath, what they share, and of what `index` gathers, files for the parts that bundles
 * can do without. Libraries stay outside.
 */
const main = {
  plugins: [leaveWorker, layersApart, plotApart],
  build: {
    ...library,
    rolldownOptions: {
      ...library.rolldownOptions,
      // A file for each module of the kernels, which a bundler can leave out, or put beside what needs it
      output: {
        codeSplitting: { groups: [{ debugName: 'kernels', name: kernelsFile, test: /wasm[\\/]modules[\\/]/ }] },
      },
    },
    lib: {
      entry: {
        index: entry('index.ts'),
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
        turbo: entry('turbo.ts'),
        worker: entry('worker/index.ts'),
      },
      formats: ['es' as const],
    },
  },
};

export default defineConfig(({ mode }) => (mode === 'thread' ? thread : main));
