/**
 * The libraries inside the package. Programs that import a subpath need to install nothing else, and those that do not
 * import it do not get its library.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { minifySync } from 'vite';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The files of the package with libraries, and the modules in each. Bundlers can leave out a file as a whole. */
export const groups = [
  { name: 'svg', test: /node_modules\/@svgdotjs\// },
  { name: 'scales', test: /node_modules\/(d3-|internmap)/ },
  { name: 'protobuf', test: /node_modules\/pbf\// },
  { name: 'zip', test: /node_modules\/fflate\// },
  { name: 'dom', test: /node_modules\// },
];

/** The name of the file with the licences, in dist/. */
export const LICENCES = 'LIBRARIES.md';

/** Minifies these files, and writes the licences of what is in them to LIBRARIES.md. */
export const librariesPlugin = {
  name: 'libraries',
  /** @param {unknown} _options @param {Record<string, any>} bundle */
  generateBundle(_options, bundle) {
    const packages = new Set();
    for (const [file, chunk] of Object.entries(bundle)) {
      if (chunk.type !== 'chunk' || !groups.some(({ name }) => name === chunk.name)) continue;
      for (const id of chunk.moduleIds) {
        const found = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id.replaceAll('\\', '/').replace(/^\0/, ''));
        if (found) packages.add(found[0]);
      }
      chunk.code = `/* Licences: ${LICENCES} */\n${minifySync(file, chunk.code).code}\n`;
      chunk.map = null;
      delete bundle[`${file}.map`];
    }
    const parts = [...packages].map(licenceOf).sort();
    const title = '# Libraries in this package\n\nFiles of this folder contain code of these libraries, minified.\n';
    // @ts-expect-error -- `this` is the context of the plugin
    this.emitFile({ type: 'asset', fileName: LICENCES, source: [title, ...parts].join('\n') });
  },
};

/** @param {string} folder of a package */
function licenceOf(folder) {
  const { name, version, license } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'));
  const file = readdirSync(folder).find(each => /^licen[cs]e/i.test(each));
  if (!file) throw new Error(`scripts/libraries.js: ${name} must have a licence file, got none in ${folder}`);
  return `## ${name} ${version}, ${license}\n\n${readFileSync(`${folder}/${file}`, 'utf8').trim()}\n`;
}

/**
 * The libraries in a built package.
 *
 * @param {string} [folder] of the package
 * @returns {{ name: string, version: string, license: string }[]}
 */
export function bundledLibraries(folder = root) {
  const text = readFileSync(`${folder}/dist/${LICENCES}`, 'utf8');
  return [...text.matchAll(/^## (\S+) (\S+), (.+)$/gm)].map(([, name = '', version = '', license = '']) => ({
    name,
    version,
    license,
  }));
}
