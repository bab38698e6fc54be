/** The program bundled as people bundle: by each with its defaults, the worker of the package with it. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { load, tell, versionOf } from './tools.js';

/**
 * @typedef {import('./stage.js').Stage} Stage
 *
 * Bundles entry.js into a folder as main.js, and says what it is called with its version.
 * @typedef {(stage: Stage, entry: string, folder: string) => Promise<string>} Bundle
 */

/** @type {Record<string, Bundle>} */
export const bundlers = {
  async Vite({ modules, folder: root }, entry, folder) {
    const { build, version } = await load(modules, 'vite');
    const environment = process.env.NODE_ENV;
    await build({
      root,
      base: './',
      configFile: false,
      logLevel: 'error',
      build: {
        outDir: folder,
        emptyOutDir: false,
        target: 'es2023',
        rolldownOptions: { input: entry, output: { entryFileNames: 'main.js' } },
      },
    });
    // Vite leaves 'production' behind, by which npm, called later, would install less than it should.
    if (environment === undefined) delete process.env.NODE_ENV;
    else process.env.NODE_ENV = environment;
    return `Vite ${version}`;
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
    refuse([...stats.compilation.errors, ...stats.compilation.warnings].map(({ message }) => message));
    return `webpack ${webpack.version}`;
  },

  /** It leaves the address of the worker as it is, so the worker goes beside it as an entry of its own. */
  async esbuild({ tools }, entry, folder) {
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
    refuse(warnings.map((/** @type {any} */ warning) => warning.text));
    return `esbuild ${esbuild.version}`;
  },

  /** The same is true of Rollup. */
  async Rollup({ tools }, entry, folder) {
    const { rollup, VERSION } = await load(tools, 'rollup');
    const { nodeResolve } = await load(tools, '@rollup/plugin-node-resolve');
    /** @type {string[]} */
    const warnings = [];
    const bundle = await rollup({
      input: { main: entry, thread: join(entry, '../../node_modules/lstm-wasm/dist/thread.js') },
      plugins: [nodeResolve()],
      onwarn: (/** @type {any} */ warning) => warnings.push(warning.message),
    });
    await bundle.write({ dir: folder, format: 'es' });
    await bundle.close();
    refuse(warnings);
    return `Rollup ${VERSION}`;
  },
};

/** A bundle that comes with warnings is not what people want. @param {string[]} warnings */
function refuse(warnings) {
  if (warnings.length > 0) throw new Error(`it warns: ${warnings.join('; ')}`);
}

/**
 * The Cloudflare Worker as wrangler bundles it: with esbuild, and with the .wasm left for the host.
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
 * typed.ts, compiled by TypeScript, its own and our types checked.
 * @param {Stage} stage @param {'nodenext' | 'bundler'} resolution
 * @returns {Promise<{ title: string, main: string }>}
 */
export async function compile({ modules, folder: home }, resolution) {
  const title = `TypeScript ${versionOf(modules, 'typescript')}, ${resolution}`;
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
  await tell(process.execPath, [join(modules, 'typescript/bin/tsc'), '-p', config], { cwd: home });
  return { title, main: join(folder, 'typed.js') };
}
