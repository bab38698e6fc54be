/** Parts of the package that a program does not load before it needs them, under each bundler. */

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from '../hosts/tools.js';
import { passedIf } from '../outcome.js';
import { seedOfCore, seedOfLayers } from './programs.js';

/**
 * Text that only a part of the package has, and no comment elsewhere; minifiers keep it.
 *
 * @type {Record<string, string>}
 */
const marks = {
  'the layer conv1d': 'Conv1D',
  'the layer multiHeadAttention': 'MultiHeadAttention',
  'the layer batchNormalization': 'BatchNormalization',
  'custom layers': 'the class must have a static className',
  schedules: 'boundaries must be increasing',
  'decoding of CTC': 'ctcGreedyDecode',
  'distributions of predictions': 'distribution.',
  'the training loop': 'the model is already being trained',
  callbacks: 'callbacks.earlyStopping',
  saving: 'modelTopology',
  'stores of models': 'needs a browser page',
  'loading of models': 'must be a layers model, got a graph model',
  'data sets': 'data.generator',
  'gradients as functions': 'valueAndGrads',
};

/**
 * The same for parts that a program of lstm-wasm/core must `use`.
 *
 * @type {Record<string, string>}
 */
const partMarks = {
  ...marks,
  streams: 'an input must change from step to step',
  snapshots: 'dropoutSeeds[',
  summaries: 'Non-trainable params',
  'weights of samples': 'classWeight must',
  'chained methods of tensors': 'squaredDifference',
  'variants of the lstm': 'forgetGatePeepholeWeights',
  'names of initializers': 'leCunUniform',
  'names of metrics': 'for class indices, such as',
  'checks of metadata': 'must be a value that JSON can store',
  threads: 'Atomics',
};

/** What must be in a program, so that a program in which nothing is found is noticed. */
const kept = 'model.trainOnBatch';

/**
 * Bundles a program; returns the text that loads at first.
 *
 * @typedef {(context: import('../run.js').Context, entry: string, folder: string) => Promise<string>} Bundler
 *
 * @type {Record<string, Bundler>}
 */
export const bundlers = {
  async esbuild({ tools }, entry, folder) {
    const { default: esbuild } = await load(tools, 'esbuild');
    const { outputFiles, metafile } = await esbuild.build({
      entryPoints: { main: entry },
      outdir: folder,
      absWorkingDir: folder,
      bundle: true,
      splitting: true,
      minify: true,
      format: 'esm',
      target: 'es2023',
      metafile: true,
      write: false,
      external: ['node:*', 'h5wasm'],
    });
    return firstOf(
      outputFiles.map((/** @type {{ path: string, text: string }} */ { path, text }) => ({
        name: path.slice(folder.length + 1),
        text,
        imports: metafile.outputs[path.slice(folder.length + 1)].imports
          .filter((/** @type {{ kind: string }} */ { kind }) => kind === 'import-statement')
          .map((/** @type {{ path: string }} */ one) => one.path),
      })),
      'main.js',
    );
  },

  async Rolldown({ root }, entry) {
    const { rolldown } = await load(join(root, 'node_modules'), 'rolldown');
    const bundle = await rolldown({ input: { main: entry }, external: [/^node:/, 'h5wasm'], logLevel: 'silent' });
    const { output } = await bundle.generate({ format: 'es', minify: true });
    return firstOf(chunks(output), 'main.js');
  },

  async Rollup({ tools }, entry) {
    const { rollup } = await load(tools, 'rollup');
    const { nodeResolve } = await load(tools, '@rollup/plugin-node-resolve');
    const bundle = await rollup({
      input: { main: entry },
      plugins: [nodeResolve()],
      external: [/^node:/, 'h5wasm'],
      onwarn() {},
    });
    const { output } = await bundle.generate({ format: 'es' });
    return firstOf(chunks(output), 'main.js');
  },

  async webpack({ tools }, entry, folder) {
    const { default: webpack } = await load(tools, 'webpack');
    const stats = await new Promise((resolve, reject) => {
      webpack(
        {
          mode: 'production',
          target: ['web', 'es2022'],
          entry: { main: entry },
          experiments: { outputModule: true },
          output: { path: folder, filename: '[name].js', module: true },
          externals: { h5wasm: 'h5wasm' },
          performance: false,
        },
        (/** @type {Error | null} */ error, /** @type {any} */ found) => (error ? reject(error) : resolve(found)),
      );
    });
    const [{ message = '' } = {}] = stats.compilation.errors;
    if (message) throw new Error(message);
    return readFileSync(join(folder, 'main.js'), 'utf8');
  },
};

/** @typedef {{ name: string, text: string, imports: readonly string[] }} File */

/** @param {any[]} output of Rollup or Rolldown @returns {File[]} */
const chunks = output =>
  output
    .filter(({ type }) => type === 'chunk')
    .map(({ fileName, code, imports }) => ({ name: fileName, text: code, imports }));

/** The texts of a file and of what it imports. @param {File[]} files @param {string} main */
function firstOf(files, main) {
  const first = new Set([main]);
  for (const name of first) {
    for (const next of files.find(file => file.name === name)?.imports ?? []) first.add(next);
  }
  return files
    .filter(({ name }) => first.has(name))
    .map(({ text }) => text)
    .join('\n');
}

/**
 * @param {import('../run.js').Context} context
 * @returns {Promise<import('../run.js').Outcome[]>}
 */
export async function checkAbsent(context) {
  return [
    ...(await checkProgram(context, 'the seed program', seedOfLayers, marks)),
    ...(await checkProgram(context, 'the seed program with lstm-wasm/core', seedOfCore, partMarks)),
  ];
}

/**
 * @param {import('../run.js').Context} context
 * @param {string} name
 * @param {string} program
 * @param {Record<string, string>} absent
 * @returns {Promise<import('../run.js').Outcome[]>}
 */
async function checkProgram(context, name, program, absent) {
  const folder = join(context.home, 'absent');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  const entry = join(folder, 'entry.js');
  writeFileSync(entry, program);
  /** @type {Record<string, string>} */
  const texts = {};
  for (const [bundler, bundle] of Object.entries(bundlers)) texts[bundler] = await bundle(context, entry, folder);
  const all = Object.keys(bundlers).join(', ');
  const lacking = Object.entries(texts).filter(([, text]) => !text.includes(kept));
  const dist = join(context.home, 'node_modules/lstm-wasm/dist/bundler');
  const whole = readdirSync(dist)
    .filter(name => name.endsWith('.js'))
    .map(name => readFileSync(join(dist, name), 'utf8'))
    .join('\n');
  return [
    {
      what: `${name} contains what it calls`,
      status: passedIf(lacking.length === 0),
      note: lacking.length === 0 ? all : `not under ${lacking.map(([name]) => name).join(', ')}`,
    },
    ...Object.entries(absent).map(([part, mark]) => {
      const found = Object.entries(texts).filter(([, text]) => text.includes(mark));
      const isKnown = whole.includes(mark);
      const where = found.length === 0 ? `absent under ${all}` : `under ${found.map(([name]) => name).join(', ')}`;
      return {
        what: `${name} does not load ${part} at first`,
        status: passedIf(found.length === 0 && isKnown),
        note: isKnown ? where : `'${mark}' is nowhere in the package`,
      };
    }),
  ];
}
