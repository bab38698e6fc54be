/** The program bundled by each bundler with its default settings, together with the worker of the package. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { load, outputOf, versionOf } from './tools.js';

/**
 * @typedef {import('./stage.js').Stage} Stage
 *
 * Bundles entry.js into a folder as main.js; returns the name of the bundler with its version, and its warnings.
 * @typedef {(stage: Stage, entry: string, folder: string) => Promise<{ title: string, warnings: string[] }>} Bundle
 */

/** @type {Record<string, Bundle>} */
export const bundlers = {
  async Vite({ modules, folder: root }, entry, folder) {
    const { build, createLogger, version } = await load(modules, 'vite');
    const environment = process.env.NODE_ENV;
    /** @type {string[]} */
    const warnings = [];
    await build({
      root,
      base: './',
      configFile: false,
      logLevel: 'warn',
      customLogger: loggerInto(warnings, createLogger('silent')),
      build: {
        outDir: folder,
        emptyOutDir: false,
        target: 'es2023',
        chunkSizeWarningLimit: 600, // kB; the program imports the whole package. package/sizes.js limits smaller programs
        rolldownOptions: { input: entry, output: { entryFileNames: 'main.js' } },
      },
    });
    // Vite sets 'production', with which a later npm would skip devDependencies.
    if (environment === undefined) delete process.env.NODE_ENV;
    else process.env.NODE_ENV = environment;
    return { title: `Vite ${version}`, warnings };
  },

  async webpack({ tools }, entry, folder) {
    const { default: webpack } = await load(tools, 'webpack');
    const stats = await new Promise((resolve, reject) => {
      webpack(
        {
          mode: 'production',
          target: ['web', 'es2022'],
          entry,
          experiments: { outputModule: true },
          output: { path: folder, filename: 'main.js', module: true },
          performance: false,
        },
        (/** @type {Error | null} */ error, /** @type {any} */ stats) => (error ? reject(error) : resolve(stats)),
      );
    });
    const { errors, warnings } = stats.compilation;
    if (errors.length > 0) throw new Error(messagesOf(errors).join('; '));
    return { title: `webpack ${webpack.version}`, warnings: messagesOf(warnings) };
  },

  esbuild: bundleByEsbuild,

  /** The worker is an entry of its own, as for esbuild. */
  async Rollup({ tools }, entry, folder) {
    const { rollup, VERSION } = await load(tools, 'rollup');
    const { nodeResolve } = await load(tools, '@rollup/plugin-node-resolve');
    /** @type {{ message: string }[]} */
    const warnings = [];
    const bundle = await rollup({
      input: { main: entry, thread: join(entry, '../../node_modules/lstm-wasm/dist/thread.js') },
      plugins: [nodeResolve()],
      onwarn: (/** @type {{ message: string }} */ warning) => warnings.push(warning),
    });
    await bundle.write({ dir: folder, format: 'es' });
    await bundle.close();
    return { title: `Rollup ${VERSION}`, warnings: messagesOf(warnings) };
  },
};

/**
 * esbuild does not bundle the worker behind `new URL`, so the worker is an entry of its own.
 * @param {Pick<Stage, 'tools'>} stage @param {string} entry @param {string} folder
 */
async function bundleByEsbuild({ tools }, entry, folder) {
  const { default: esbuild } = await load(tools, 'esbuild');
  const { warnings } = await esbuild.build({
    entryPoints: { main: entry, thread: 'lstm-wasm/thread' },
    absWorkingDir: join(entry, '..'),
    outdir: folder,
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    logLevel: 'silent',
  });
  const texts = warnings.map((/** @type {{ text: string }} */ { text }) => text);
  return { title: `esbuild ${esbuild.version}`, warnings: texts };
}

/** @param {{ message: string }[]} complaints */
const messagesOf = complaints => complaints.map(({ message }) => message);

/** Collects the warnings of Vite, except the timings of its plugins. @param {string[]} warnings @param {Record<string, any>} logger */
function loggerInto(warnings, logger) {
  const warn = (/** @type {string} */ message) => {
    if (!message.includes('PLUGIN_TIMINGS')) warnings.push(message);
  };
  return { ...logger, warn, warnOnce: warn, error: warn };
}

/**
 * Bundles the Cloudflare Worker as wrangler does: with esbuild, and with the .wasm as an external module.
 * @param {Stage} stage @param {string} entry
 * @returns {Promise<string>} its path
 */
export async function bundleForCloud({ tools }, entry) {
  const { default: esbuild } = await load(tools, 'esbuild');
  const outfile = join(entry, '../cloud/cloud.js');
  await esbuild.build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    format: 'esm',
    target: 'es2022',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['*.wasm'],
    logLevel: 'silent',
  });
  return outfile;
}

/**
 * Compiles typed.ts with TypeScript, which also checks our types.
 * @param {Stage} stage @param {'nodenext' | 'bundler'} resolution
 * @returns {Promise<string>} its title, with the version
 */
export async function compile({ modules, folder: home }, resolution) {
  const title = `TypeScript ${versionOf(modules, 'typescript')}, ${resolution} resolution`;
  const folder = join(home, resolution);
  mkdirSync(folder, { recursive: true });
  const compilerOptions = {
    module: resolution === 'nodenext' ? 'nodenext' : 'esnext',
    moduleResolution: resolution,
    target: 'es2023',
    lib: ['es2023', 'dom'],
    types: [],
    strict: true,
    allowJs: true,
    checkJs: true,
    skipLibCheck: false,
    rootDir: home,
    outDir: folder,
  };
  const config = join(home, `${resolution}.json`);
  writeFileSync(config, JSON.stringify({ compilerOptions, files: ['typed.ts'] }));
  await outputOf(process.execPath, [join(modules, 'typescript/bin/tsc'), '-p', config], { cwd: home });
  return title;
}
