/** Bundles a program for a page: minified by esbuild, with the installed package. */

import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { bytesBySource } from './sourceBytes.js';

/**
 * @typedef {object} Bundle
 * @property {number} bytes of what loads at first, minified
 * @property {number} gzip the same, compressed at level 9, one file after the other
 * @property {number} later gzip bytes of the targets of `import()`
 * @property {string} text of what loads at first
 * @property {Map<string, number>} sources bytes of it by the file they come from: `src/plan/planner.ts`, `node_modules/d3-scale`
 *
 * @typedef {object} Output
 * @property {string} path
 * @property {string} text
 * @property {Uint8Array} contents
 *
 * @typedef {(options: Record<string, unknown>) => Promise<{
 *   outputFiles: Output[],
 *   metafile: { outputs: Record<string, { entryPoint?: string, imports: { path: string, kind: string }[] }> },
 * }>} Build
 */

/**
 * @param {import('../run.js').Context} context
 * @param {string} program
 * @param {{ conditions?: string[], external?: string[], splitting?: boolean }} [options]
 * @returns {Promise<Bundle>}
 */
export async function bundle({ home, tools }, program, { conditions, external = [], splitting = true } = {}) {
  const file = createRequire(join(tools, 'esbuild/package.json')).resolve('esbuild');
  const { build } = /** @type {{ build: Build }} */ ((await import(pathToFileURL(file).href)).default);
  const outdir = join(home, 'bundle');
  const { outputFiles, metafile } = await build({
    stdin: { contents: program, resolveDir: home, sourcefile: 'program.js' },
    absWorkingDir: home,
    outdir,
    entryNames: 'entry',
    bundle: true,
    splitting,
    format: 'esm',
    platform: 'browser',
    target: 'es2023',
    minify: true,
    legalComments: 'none',
    // Only our package has source maps; each of the others counts as one source.
    sourcemap: 'external',
    sourcesContent: false,
    metafile: true,
    write: false,
    logLevel: 'silent',
    ...(conditions && { conditions }),
    external: ['node:*', 'h5wasm', ...external],
  });

  const paths = Object.keys(metafile.outputs);
  const entry = paths.find(path => metafile.outputs[path]?.entryPoint === 'program.js');
  if (!entry) throw new Error(`esbuild names no entry among ${paths.join(', ')}`);
  const first = new Set([entry]);
  for (const path of first) {
    for (const { path: next, kind } of metafile.outputs[path]?.imports ?? []) {
      if (kind === 'import-statement' && next in metafile.outputs) first.add(next);
    }
  }
  const fileOf = (/** @type {string} */ path) => {
    const found = outputFiles.find(output => output.path === join(home, path));
    if (!found) throw new Error(`esbuild wrote no ${path}`);
    return found;
  };
  const gzip = (/** @type {string} */ path) => gzipSync(fileOf(path).contents, { level: 9 }).length;
  const sum = (/** @type {number[]} */ numbers) => numbers.reduce((all, number) => all + number, 0);

  /** @type {Map<string, number>} */
  const sources = new Map();
  for (const path of first) {
    const map = JSON.parse(fileOf(`${path}.map`).text);
    for (const [source, bytes] of bytesBySource(fileOf(path).text, map)) {
      const name = shortName(source);
      sources.set(name, (sources.get(name) ?? 0) + bytes);
    }
  }
  const later = paths.filter(path => path.endsWith('.js') && !first.has(path));
  return {
    bytes: sum([...first].map(path => fileOf(path).contents.length)),
    gzip: sum([...first].map(gzip)),
    later: sum(later.map(gzip)),
    text: [...first].map(path => fileOf(path).text).join('\n'),
    sources,
  };
}

/** @param {string} source such as ../node_modules/lstm-wasm/src/plan/planner.ts */
function shortName(source) {
  const own = /lstm-wasm\/((?:src|dist)\/.*)$/.exec(source);
  if (own?.[1]) return own[1];
  const packages = [...source.matchAll(/node_modules\/((?:@[^/]+\/)?[^/]+)/g)];
  return packages.length > 0 ? `node_modules/${packages.at(-1)?.[1]}` : source;
}
