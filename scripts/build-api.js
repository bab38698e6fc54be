/** The API reference, built with TypeDoc: a module for each entry point of package.json. */

import { existsSync, readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { root } from './documents.js';

/**
 * The entry points with exports, and their sources.
 * @returns {{ name: string, source: string }[]}
 */
export function entryPoints() {
  const { name: packageName, exports } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
  return Object.entries(exports).flatMap(([path, target]) => {
    const types = target.node?.types ?? target.types;
    // package.json and the kernels have nothing to document.
    if (!types || target.default.endsWith('.wasm')) return [];
    const source = types.replace('./dist/', 'src/').replace(/\.d\.ts$/, '.ts');
    if (!existsSync(root + source)) throw new Error(`${path} of package.json: no ${source}`);
    return [{ name: path.replace('.', packageName), source }];
  });
}

/**
 * @param {string} out a folder, which is emptied
 * @param {string} tools where TypeDoc is installed
 * @throws if TypeDoc warns
 */
export async function buildApi(out, tools) {
  const { Application, LogLevel, ReflectionKind } = await import(pathToFileURL(`${tools}/typedoc/dist/index.js`).href);
  const entries = entryPoints();
  const base = process.env.SITE_BASE ?? '/';
  const app = await Application.bootstrap({
    name: 'lstm-wasm',
    entryPoints: entries.map(({ source }) => root + source),
    tsconfig: `${root}tsconfig.build.json`,
    readme: 'none',
    basePath: root,
    excludeInternal: true,
    excludePrivate: true,
    excludeProtected: true,
    excludeExternals: true,
    disableSources: true,
    hideGenerator: true,
    // Aliases of the exported SymbolicTensor
    intentionallyNotExported: ['Symbolic', 'SymbolicTensor', 'ModelTensor'],
    favicon: `${root}site/icon.svg`,
    navigationLinks: { Guide: `${base}docs/guide/`, Play: `${base}play/` },
    validation: { notExported: true, invalidLink: true, invalidPath: true, notDocumented: false },
  });
  /** @type {string[]} */
  const warnings = [];
  app.logger.log = (/** @type {string} */ message, /** @type {number} */ level) => {
    if (level >= LogLevel.Warn) warnings.push(message);
  };
  const project = await app.convert();
  if (!project) throw new Error(warnings.join('\n') || 'TypeDoc could not read the sources');
  for (const module of project.getChildrenByKind(ReflectionKind.Module)) {
    const entry = entries.find(({ source }) => source.replace(/(\/index)?\.ts$/, '') === module.name);
    if (!entry) throw new Error(`TypeDoc has a module ${module.name}, which is no entry point`);
    module.name = entry.name;
  }
  app.validate(project);
  if (warnings.length > 0) throw new Error(warnings.join('\n'));
  await app.generateDocs(project, out);
  if (warnings.length > 0) throw new Error(warnings.join('\n'));
}
