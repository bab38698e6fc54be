/**
 * Builds the site: the guide and the other documents with VitePress, the API reference with TypeDoc, and the demo page. Fails
 * on warnings and dead links.
 *
 *   node scripts/build-site.js               into site/dist
 *   SITE_BASE=/lstm-wasm/ node scripts/...   for a host that serves it below a path
 *
 * The tools are those of verify/: `npm install --prefix verify --no-package-lock` fetches them.
 */

import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildApi } from './build-api.js';
import { documents, root } from './documents.js';
import { checkLinks } from './links.js';

/** The pages have the same paths here as in the repository, so that their links hold. */
const stage = `${root}build/site/`;

/**
 * @param {string} out a folder, which is emptied
 * @param {string} [tools] where VitePress and TypeDoc are installed
 */
export async function buildSite(out, tools = `${root}verify/node_modules`) {
  checkTools(tools);
  rmSync(stage, { recursive: true, force: true });
  cpSync(`${root}site/index.md`, `${stage}index.md`);
  for (const name of ['icon.svg', 'preview.png']) cpSync(`${root}site/${name}`, `${stage}public/${name}`);
  cpSync(`${root}docs/pictures/home.svg`, `${stage}public/docs/pictures/home.svg`);
  cpSync(`${root}site/config.js`, `${stage}.vitepress/config.js`);
  cpSync(`${root}site/theme.js`, `${stage}.vitepress/theme/index.js`);
  cpSync(`${root}site/style.css`, `${stage}.vitepress/theme/style.css`);
  symlinkSync(tools, `${stage}node_modules`, 'junction');
  const pages = [...documents(), 'CHANGELOG.md'];
  // The list grows during the loop: pages add the pages they link to.
  for (const page of pages) {
    copy(page);
    for (const path of linksOf(page)) {
      if (!path.endsWith('.md')) copy(path, 'public/');
      else if (!pages.includes(path)) pages.push(path);
    }
  }
  const vitepress = `${tools}/vitepress/bin/vitepress.js`;
  execFileSync(process.execPath, [vitepress, 'build', stage, '--outDir', out], { stdio: ['ignore', 'pipe', 'pipe'] });
  await buildPlay(join(out, 'play'));
  await buildApi(join(out, 'api'), tools);
  const { dead } = checkLinks(out);
  if (dead.length > 0) throw new Error(`${dead.length} dead links: ${dead.slice(0, 20).join('; ')}`);
}

/** @param {string} path @param {string} [below] */
function copy(path, below = '') {
  mkdirSync(dirname(`${stage}${below}${path}`), { recursive: true });
  cpSync(root + path, `${stage}${below}${path}`);
  if (!path.endsWith('.md') || below) return;
  for (const picture of targetsOf(path, /!\[[^\]]*\]\(([^)\s]+)\)/g)) copy(picture, below);
}

/** The files of this repository that a page links to. @param {string} page */
const linksOf = page => targetsOf(page, /(?<!!)\[[^\]]*\]\(([^)\s]+)\)/g);

/** @param {string} page @param {RegExp} pattern */
function targetsOf(page, pattern) {
  const text = readFileSync(root + page, 'utf8').replace(/^```[\s\S]*?^```$/gm, '');
  const targets = [...text.matchAll(pattern)].map(([, target = '']) => target.split('#')[0] ?? '');
  const paths = targets.filter(path => path !== '' && !/^[a-z]+:/.test(path)).map(path => join(dirname(page), path));
  return [...new Set(paths.map(path => path.replaceAll('\\', '/')))];
}

/** Builds the demo page. @param {string} outDir */
async function buildPlay(outDir) {
  const { build } = await import('vite');
  const { NODE_ENV } = process.env;
  process.env.NODE_ENV = 'production';
  try {
    const configFile = `${root}demo/vite.config.ts`;
    await build({ root: `${root}demo`, configFile, logLevel: 'warn', build: { outDir, emptyOutDir: true } });
  } finally {
    if (NODE_ENV === undefined) delete process.env.NODE_ENV;
    else process.env.NODE_ENV = NODE_ENV;
  }
}

/** @param {string} tools */
export function checkTools(tools) {
  if (['vitepress', 'typedoc'].every(name => existsSync(`${tools}/${name}/package.json`))) return;
  throw new Error(`no VitePress and TypeDoc in ${tools}; fetch them by: npm install --prefix verify --no-package-lock`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await buildSite(`${root}site/dist`);
    console.log(`${root}site/dist`);
  } catch (error) {
    const { stderr, message } = /** @type {Error & { stderr?: Buffer }} */ (error);
    console.error(stderr ? String(stderr) : message);
    process.exitCode = 1;
  }
}
