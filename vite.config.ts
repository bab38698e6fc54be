import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { groups, librariesPlugin } from './scripts/libraries.js';

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

/**
 * Files of their own for what `index` only hands on. Bundlers can leave out what a program does not use of a module, but not
 * of an object such as `layers`; and esbuild loads at first what a file that the program uses imports, even if only code
 * that is loaded later uses it.
 */
const apart: Record<string, string> = {
  './namespace.ts': './layers.js',
  './saving/index.ts': './saving.js',
  './training/index.ts': './training.js',
};
const partsApart = {
  name: 'parts-apart',
  enforce: 'pre' as const,
  resolveId: (source: string, importer?: string) =>
    apart[source] && /\/src\/(layers\/)?index\.ts$/.test(importer ?? '') ? { id: apart[source], external: true } : null,
};

/**
 * Exports constants from the file of training that only hands on. To export what it imports would not be enough for
 * esbuild, which follows such exports to the file with the class.
 */
const constants = (code: string) =>
  code
    .replace(/^import \{([^}]*)\}/gm, (_, names: string) => `import {${names.replace(/(\w+)(?=,| $)/g, '$1$$')}}`)
    .replace(/^export \{([^}]*)\};/m, (_, names: string) =>
      names.replace(/\s*(\w+),?\s*/g, 'export const $1 = $1$$;\n'),
    );
const constantsApart = {
  name: 'constants-apart',
  renderChunk: (code: string, { fileName }: { fileName: string }) =>
    fileName === 'training.js' ? { code: constants(code), map: null } : null,
};

/** The command uses the file of `lstm-wasm/plot` for Node, which stays whole: package.json lists it for its side effects. */
const plotApart = {
  name: 'plot-apart',
  enforce: 'pre' as const,
  resolveId: (source: string, importer?: string) =>
    source === '../plot/node.ts' && importer?.includes('/src/cli/') ? { id: './plot-node.js', external: true } : null,
};

/**
 * Files of their own for what other files share, so that a bundler does not load one part for another. esbuild splits the
 * code that is loaded later from the rest file by file.
 */
const parts = [
  { name: 'checks', test: /\/src\/util\/(arguments|errors|options|shapes|typedArrays)\.ts$/ },
  { name: 'random', test: /\/src\/util\/random(Generator)?\.ts$/ },
  { name: 'math', test: /\/src\/util\/math\.ts$/ },
  {
    name: 'forecaster',
    test: /\/src\/forecast\/(\w*[fF]orecaster|backtest|calibration|encoding|forecasterOptions|forecastWindows|networks?|outputs|samplePaths|sequenceWindows)\.ts$/,
  },
];

/** And a file for each module of the kernels, which a bundler can leave out, or put beside what needs it. */
const kernels = {
  debugName: 'kernels',
  name: (module: string) => `kernels-${/(\w+)\.generated/.exec(module)?.[1]}`,
  test: /\/src\/wasm\/modules\//,
};

const library = {
  target: 'es2023',
  outDir: 'dist',
  minify: false,
  sourcemap: true,
  rolldownOptions: {
    external: [/^node:/, 'bullmq', 'h5wasm', 'ioredis'],
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
    rolldownOptions: {
      ...library.rolldownOptions,
      output: { codeSplitting: false, footer: 'export {};' },
    },
  },
});
const threads: { readonly [mode: string]: ReturnType<typeof thread> } = {
  thread: thread('thread', 'worker/thread.ts'),
  'task-thread': thread('task-thread', 'scale/taskThread.ts'),
};

/**
 * The package: one file for each subpath, what they share, and of what `index` gathers, files for the parts that bundles
 * can do without, and files for the libraries inside the package.
 */
const main = {
  plugins: [...leaveWorkers, partsApart, constantsApart, plotApart, librariesPlugin],
  build: {
    ...library,
    lib: {
      entry: {
        index: entry('index.ts'),
        bullmq: entry('scale/bullmq/index.ts'),
        chained: entry('tensor/chained.ts'),
        cli: entry('cli/main.ts'),
        core: entry('core/index.ts'),
        data: entry('data/index.ts'),
        forecast: entry('forecast/index.ts'),
        full: entry('core/full.ts'),
        keras: entry('keras/index.ts'),
        layers: entry('layers/namespace.ts'),
        models: entry('model/index.ts'),
        onnx: entry('onnx/index.ts'),
        plot: entry('plot/index.ts'),
        'plot-node': entry('plot/node.ts'),
        predict: entry('predict/index.ts'),
        saving: entry('saving/index.ts'),
        safetensors: entry('safetensors/index.ts'),
        scale: entry('scale/index.ts'),
        training: entry('training/index.ts'),
        turbo: entry('turbo.ts'),
        worker: entry('worker/index.ts'),
      },
      formats: ['es' as const],
    },
    rolldownOptions: {
      ...library.rolldownOptions,
      preserveEntrySignatures: 'allow-extension' as const,
      output: { codeSplitting: { includeDependenciesRecursively: false, groups: [kernels, ...parts, ...groups] } },
    },
  },
};

export default defineConfig(({ mode }) => threads[mode] ?? main);
