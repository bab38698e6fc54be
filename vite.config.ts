import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { factoriesApart, layerFile } from './scripts/factories.js';
import { groupNames } from './scripts/kernelGroups.js';
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

/** Threads receive their kernels from the page. */
const withoutKernels = {
  name: 'without-kernels',
  enforce: 'pre' as const,
  load(id: string) {
    const group = /\/src\/wasm\/modules\/(\w+)\.generated\.ts$/.exec(id)?.[1];
    if (!group || !groupNames.includes(group)) return null;
    const [structures] = /\{\n[^{]*?\n {2}\}/.exec(readFileSync(id, 'utf8').split('structures: ')[1] ?? '') ?? ['{}'];
    return `import { receivedModule } from '../sentKernels.ts';\nexport const ${group} = receivedModule('${group}', ${structures});`;
  },
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
  { name: 'config', test: /\/src\/util\/(config|customClasses)\.ts$/ },
  { name: 'deserialize', test: /\/src\/util\/deserialize\.ts$/ },
  { name: 'metadata', test: /\/src\/saving\/tfjs\/metadata\.ts$/ },
  { name: 'fitting', test: /\/src\/training\/(evaluateDataset|fit|fitDataset|loop|resume)\.ts$/ },
  { name: 'fitArguments', test: /\/src\/training\/(dataset|fitArguments|fitDatasetArguments)\.ts$/ },
  {
    name: 'batches',
    test: /\/src\/(inputs\/(batches|parts|samples)|objective\/(losses|lossSettings|metricNames|targetForms|targets)|training\/(batchOptions|means))\.ts$/,
  },
  { name: 'pairs', test: /\/src\/(inputs\/sampleWeights|training\/(evaluate|pairs))\.ts$/ },
  {
    name: 'forecaster',
    test: /\/src\/forecast\/(\w*[fF]orecaster|backtest|calibration|encoding|forecasterOptions|forecastWindows|networks?|outputs|samplePaths|sequenceWindows)\.ts$/,
  },
];

/** A file for each layer, so that a program without it does not load it. */
const layers = { debugName: 'layers', name: layerFile, test: /\/src\/layers\// };

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
  plugins: [withoutKeras, withoutKernels],
  build: {
    ...library,
    emptyOutDir: false,
    sourcemap: false,
    lib: { entry: { [name]: entry(path) }, formats: ['es' as const] },
    // It imports and exports nothing, and would pass for a file of CommonJS by what the loader calls `exports`.
    rolldownOptions: {
      ...library.rolldownOptions,
      // Without a bundler, a page loads the file as it is.
      output: { codeSplitting: false, footer: 'export {};', comments: { jsdoc: false } },
    },
  },
});
const threads: { readonly [mode: string]: ReturnType<typeof thread> } = {
  thread: thread('thread', 'worker/thread.ts'),
  'task-thread': thread('task-thread', 'scale/taskThread.ts'),
};

/** The subpaths for every host, and the files of parts of `index`. */
const entries = {
  index: entry('index.ts'),
  bullmq: entry('scale/bullmq/index.ts'),
  core: entry('core/index.ts'),
  data: entry('data/index.ts'),
  forecast: entry('forecast/index.ts'),
  keras: entry('keras/index.ts'),
  layers: entry('layers/namespace.ts'),
  onnx: entry('onnx/index.ts'),
  plot: entry('plot/index.ts'),
  predict: entry('predict/index.ts'),
  safetensors: entry('safetensors/index.ts'),
  scale: entry('scale/index.ts'),
  turbo: entry('turbo.ts'),
  worker: entry('worker/index.ts'),
};

interface Modules {
  getModuleInfo(id: string): { readonly importedIds: readonly string[] } | null;
}

/** Modules that have effects when they are imported, which a program of `lstm-wasm/core` must not have. */
const effects = /\/src\/(core\/full|tensor\/chained)\.ts$/;

/**
 * Two files for all modules that `index` imports, because each file that Node or a page reads takes about a millisecond:
 * `full` has those that import effects, and `main` the others.
 */
const fileOf = new Map<string, 'main' | 'full'>();
const few = {
  debugName: 'main',
  name: (module: string, modules: Modules) => {
    if (fileOf.size === 0) {
      const next = (id: string) => modules.getModuleInfo(id)?.importedIds ?? [];
      const all = new Set([entries.index]);
      for (const id of all) for (const one of next(id)) all.add(one);
      const acting = new Set([...all].filter(id => effects.test(id)));
      for (let size = 0; size < acting.size; ) {
        size = acting.size;
        for (const id of all) if (next(id).some(one => acting.has(one))) acting.add(id);
      }
      for (const id of all) fileOf.set(id, acting.has(id) ? 'full' : 'main');
    }
    return fileOf.get(module) ?? null;
  },
};

/** The package as Node and pages without a bundler load it, in few files. */
const main = {
  plugins: [...leaveWorkers, plotApart, librariesPlugin],
  build: {
    ...library,
    sourcemap: false,
    lib: {
      entry: { ...entries, cli: entry('cli/main.ts'), 'plot-node': entry('plot/node.ts') },
      formats: ['es' as const],
    },
    rolldownOptions: {
      ...library.rolldownOptions,
      preserveEntrySignatures: 'allow-extension' as const,
      output: { codeSplitting: { includeDependenciesRecursively: false, groups: [few, ...groups] } },
    },
  },
};

/**
 * The package for bundlers: one file for each subpath, what they share, and of what `index` gathers, files for the parts
 * that bundles can do without, and files for the libraries inside the package.
 */
const bundler = {
  plugins: [...leaveWorkers, factoriesApart, partsApart, constantsApart, librariesPlugin],
  build: {
    ...library,
    outDir: 'dist/bundler',
    lib: {
      entry: {
        ...entries,
        chained: entry('tensor/chained.ts'),
        full: entry('core/full.ts'),
        models: entry('model/index.ts'),
        saving: entry('saving/index.ts'),
        training: entry('training/index.ts'),
      },
      formats: ['es' as const],
    },
    rolldownOptions: {
      ...library.rolldownOptions,
      preserveEntrySignatures: 'allow-extension' as const,
      output: {
        codeSplitting: { includeDependenciesRecursively: false, groups: [kernels, layers, ...parts, ...groups] },
      },
    },
  },
};

const builds = { ...threads, bundler };

export default defineConfig(({ mode }) => builds[mode as keyof typeof builds] ?? main);
