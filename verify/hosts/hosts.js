/** All hosts: how each is started, and its title. */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { titleOf } from '../browsers.js';
import { NotHere } from '../outcome.js';
import { bundleForCloud, bundlers, compile } from './bundles.js';
import { runInPage } from './inPage.js';
import { writePage } from './stage.js';
import { outputOf, versionOf } from './tools.js';

/**
 * @typedef {import('./stage.js').Stage} Stage
 * @typedef {import('./program.js').Found} Found
 * @typedef {'strict' | 'auto' | 'threads'} Simd threads: strict kernels on three threads
 *
 * A place in which the package can run: a thread of a host, or a bundle in one.
 * @typedef {object} Place
 * @property {string} name
 * @property {(simd: Simd) => Promise<Found>} run each call starts the host again
 * @property {boolean} [hasThreads] whether `run` supports threads
 *
 * @typedef {object} Ready
 * @property {string} title with the version
 * @property {Place[]} places
 * @property {string} [remark] a note for users
 *
 * @typedef {object} Host
 * @property {string} name used when the host is not here
 * @property {(stage: Stage) => Promise<Ready>} prepare throws NotHere with the reason
 */

/** An optional peer dependency that writes Keras files. Some bundlers warn that it is not installed, as expected. */
const OPTIONAL = 'h5wasm';

/** @type {Host[]} */
export const hosts = [
  ...[20, 22, 24, 26].map(node),
  command('Deno', 'deno', ['run', '--no-prompt', '--allow-read=.']),
  command('Bun', 'bun', ['run']),
  page('Chromium', 'main thread'),
  page('Chromium', 'Web Worker'),
  page('Firefox', 'main thread'),
  page('Firefox', 'Web Worker'),
  underPolicy('Chromium'),
  underPolicy('Firefox'),
  ...Object.keys(bundlers).map(bundle),
  typescript('nodenext'),
  typescript('bundler'),
  { name: 'workerd', prepare: cloudflare },
];

/** @param {number} major @returns {Host} */
function node(major) {
  const prepare = async (/** @type {Stage} */ stage) => {
    const { path, version } = binaryOf(stage, major);
    return { title: `Node ${version.slice(1)}`, places: fromCommand(stage, path, []) };
  };
  return { name: `Node ${major}`, prepare };
}

/** @param {Stage} stage @param {number} major */
function binaryOf(stage, major) {
  const found = stage.nodes().find(node => node.major === major);
  if (found) return found;
  const reason = process.env.NODE_BINARIES === undefined ? 'npm has none for this machine' : 'not in NODE_BINARIES';
  throw new NotHere(`no binary of Node ${major}: ${reason}`);
}

/** @param {string} name @param {string} tool @param {string[]} words @returns {Host} */
function command(name, tool, words) {
  const prepare = async (/** @type {Stage} */ stage) => {
    const title = `${name} ${versionOf(stage.tools, tool)}`;
    const path = join(stage.tools, '.bin', process.platform === 'win32' ? `${tool}.exe` : tool);
    try {
      await outputOf(path, ['--version'], { cwd: stage.folder });
    } catch (error) {
      throw new NotHere(`its binary does not start: ${/** @type {Error} */ (error).message}`);
    }
    return { title, places: fromCommand(stage, path, words) };
  };
  return { name, prepare };
}

/** @param {Stage} stage @param {string} path @param {string[]} words @returns {Place[]} */
function fromCommand(stage, path, words, entry = './entry.js', places = ['here', 'worker']) {
  return places.map(place => ({
    name: place === 'here' ? 'main thread' : 'worker',
    hasThreads: entry === './entry.js',
    async run(simd) {
      const env = { DENO_DIR: join(stage.folder, 'deno'), DENO_NO_UPDATE_CHECK: '1' };
      const out = await outputOf(path, [...words, 'hosts/command.js', entry, simd, place], {
        cwd: join(stage.folder, '..'),
        env,
      });
      return JSON.parse(out);
    },
  }));
}

/** @param {'Chromium' | 'Firefox'} name */
const commandOf = name => (name === 'Firefox' ? 'firefox' : 'chromium');

/** @param {'Chromium' | 'Firefox'} name @param {'main thread' | 'Web Worker'} thread @returns {Host} */
function page(name, thread) {
  const prepare = async (/** @type {Stage} */ stage) => {
    const browser = await stage.browser(commandOf(name));
    /** @type {import('./inPage.js').Place[]} */
    const places = thread === 'main thread' ? ['here'] : ['worker', 'inside'];
    return { title: `${await titleOf(browser)}, ${thread}`, places: inBrowser(browser, stage.sites, places) };
  };
  return { name: `${name}, ${thread}`, prepare };
}

/**
 * @param {import('puppeteer-core').Browser} browser @param {string} folder
 * @param {import('./inPage.js').Place[]} places
 * @returns {Place[]}
 */
function inBrowser(browser, folder, places) {
  const names = { here: 'the page', worker: 'lstm-wasm/worker', inside: 'a worker of its own' };
  return places.map(place => ({
    name: names[place],
    run: simd => runInPage(browser, `${folder}index.html`, simd, place),
  }));
}

/** @param {'Chromium' | 'Firefox'} name @returns {Host} */
function underPolicy(name) {
  const prepare = async (/** @type {Stage} */ stage) => {
    const browser = await stage.browser(commandOf(name));
    // A CompileError shows that the policy is in force.
    const errorMessage = await runInPage(browser, `${stage.locked}index.html`, 'strict', 'here').then(
      () => 'no error',
      (/** @type {Error} */ { message }) => message,
    );
    if (!errorMessage.includes('CompileError')) {
      throw new Error(`expected a CompileError under a policy that forbids WebAssembly, got: ${errorMessage}`);
    }
    const title = `${await titleOf(browser)}, strict Content-Security-Policy`;
    return { title, places: inBrowser(browser, stage.guarded, ['here', 'worker']) };
  };
  return { name: `${name}, Content-Security-Policy`, prepare };
}

/** A bundle, in the browser with its worker, and in Node. @param {string} name @returns {Host} */
function bundle(name) {
  const prepare = async (/** @type {Stage} */ stage) => {
    const folder = join(stage.folder, name.toLowerCase());
    mkdirSync(folder, { recursive: true });
    const bundled = await /** @type {import('./bundles.js').Bundle} */ (bundlers[name])(
      stage,
      join(stage.folder, 'entry.js'),
      folder,
    );
    const others = bundled.warnings.filter(warning => !warning.includes(OPTIONAL));
    if (others.length > 0) throw new Error(`${bundled.title} warns: ${others.join('; ')}`);
    writePage(folder, './main.js');
    const inNode = fromCommand(stage, process.execPath, [], `./${name.toLowerCase()}/main.js`, ['here']);
    const browser = await stage.browser('chromium').catch(error => {
      if (error instanceof NotHere) return null;
      throw error;
    });
    const inPage = browser ? inBrowser(browser, `${stage.sites}${name.toLowerCase()}/`, ['here', 'worker']) : [];
    return {
      title: `${bundled.title}${browser ? ', in Chromium and Node' : ', in Node; no Chromium is here'}`,
      places: [...inNode.map(place => ({ ...place, name: 'Node' })), ...inPage],
      remark: bundled.warnings.length > 0 ? `warns that ${OPTIONAL} is absent` : undefined,
    };
  };
  return { name, prepare };
}

/** @param {'nodenext' | 'bundler'} resolution @returns {Host} */
function typescript(resolution) {
  const prepare = async (/** @type {Stage} */ stage) => {
    const title = await compile(stage, resolution);
    return { title, places: fromCommand(stage, process.execPath, [], `./${resolution}/typed.js`) };
  };
  return { name: `TypeScript, ${resolution}`, prepare };
}

/** Cloudflare Workers. Kernels are given as a module; for 'auto' these are the relaxed ones. @param {Stage} stage */
async function cloudflare(stage) {
  const title = `workerd ${versionOf(stage.tools, 'workerd')} (Cloudflare Workers), by init({ module })`;
  versionOf(stage.tools, 'miniflare');
  const newer = stage.nodes().filter(({ major }) => major >= 22)[0];
  if (!newer) throw new NotHere('Miniflare needs Node 22, which is not installed');
  const script = await bundleForCloud(stage, join(stage.folder, 'cloud.js'));
  const miniflare = fileURLToPath(new URL('miniflare.js', import.meta.url));
  const dist = join(stage.folder, '../node_modules/lstm-wasm/dist');
  /** @type {Place} */
  const place = {
    name: 'a request',
    async run(simd) {
      const kernels = join(dist, simd === 'strict' ? 'kernels.wasm' : 'kernels-relaxed.wasm');
      return JSON.parse(await outputOf(newer.path, [miniflare, stage.tools, script, kernels], { cwd: stage.folder }));
    },
  };
  return { title, places: [place] };
}
