/** The API reference, built with TypeDoc: a module for each entry point of package.json. */

import { existsSync, readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { groupOf, groupOrder } from './api-groups.js';
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
 * The programs of docs/api-examples.md.
 * @returns {{ module: string, path: string[], code: string }[]} `path` from the module, such as ['layers', 'lstm']
 */
function examples() {
  const text = readFileSync(`${root}docs/api-examples.md`, 'utf8');
  return text.split(/^## /m).flatMap((part, n) => {
    if (n === 0) return [];
    const [module = '', ...sections] = part.split(/^### /m);
    return sections.map(section => {
      const [, name = '', code = ''] = /^(\S+)\n+```js(?: without types)?\n([\s\S]*?\n```)/.exec(section) ?? [];
      if (!code) throw new Error(`docs/api-examples.md: ${section.slice(0, 40)} must have a program`);
      return { module: module.trim(), path: name.split('.'), code: `\`\`\`js\n${code}` };
    });
  });
}

/**
 * @param {string} out a folder, which is emptied
 * @param {string} tools where TypeDoc is installed
 * @throws if TypeDoc warns
 */
export async function buildApi(out, tools) {
  const typedoc = await import(pathToFileURL(`${tools}/typedoc/dist/index.js`).href);
  const { Application, Comment, CommentTag, Converter, LogLevel, ReflectionKind } = typedoc;
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
    groupOrder,
    navigation: { includeGroups: true },
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
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, (/** @type {{ project: any }} */ { project }) => {
    for (const module of project.getChildrenByKind(ReflectionKind.Module)) {
      group(project, module);
      for (const { path, code } of examples().filter(({ module: name }) => name === entryOf(module).name)) {
        const reflection = path.reduce((found, name) => found?.getChildByName([name]), module);
        if (!reflection) throw new Error(`docs/api-examples.md: there is no ${path.join('.')}`);
        addTag(reflection, '@example', code);
      }
    }
  });
  const project = await app.convert();
  if (!project) throw new Error(warnings.join('\n') || 'TypeDoc could not read the sources');
  for (const module of project.getChildrenByKind(ReflectionKind.Module)) {
    module.name = entryOf(module).name;
  }
  app.validate(project);
  if (warnings.length > 0) throw new Error(warnings.join('\n'));
  await app.generateDocs(project, out);
  if (warnings.length > 0) throw new Error(warnings.join('\n'));

  /** @param {{ name: string }} module */
  function entryOf({ name }) {
    const entry = entries.find(({ source }) => source.replace(/(\/index)?\.ts$/, '') === name);
    if (!entry) throw new Error(`TypeDoc has a module ${name}, which is no entry point`);
    return entry;
  }

  /**
   * Sorts the exports of a module, or of a namespace, into groups.
   * @param {any} project @param {any} parent @param {string} [namespace]
   */
  function group(project, parent, namespace) {
    for (const child of parent.children ?? []) {
      const file = project.getSymbolIdFromReflection(child)?.fileName ?? '';
      const name = groupOf(child.name, file.replace(`${root}src/`, ''), namespace);
      if (name) addTag(child, '@group', name);
      if (child.kind === ReflectionKind.Namespace) group(project, child, child.name);
    }
  }

  /**
   * Adds a tag to the comment of an export: to that of its first signature, if it is a function.
   * @param {any} reflection @param {string} tag @param {string} text
   */
  function addTag(reflection, tag, text) {
    const target = reflection.signatures?.[0] ?? reflection;
    target.comment ??= new Comment();
    target.comment.blockTags.push(new CommentTag(tag, [{ kind: 'text', text }]));
  }
}
