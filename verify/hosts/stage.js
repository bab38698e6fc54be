/** The folder with the installed package and the program of a user, and the servers and browsers that hosts share. */

import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fetchNodes, nodesHere } from '../../scripts/nodes.js';
import { launch } from '../browsers.js';
import { serve } from '../serve.js';

/** A policy without other origins, inline scripts and eval; `script` decides about WebAssembly. */
const policy = (/** @type {string} */ script) => ({
  'content-security-policy': `default-src 'none'; script-src ${script}; worker-src 'self'; img-src data:`,
});

/**
 * @typedef {object} Stage
 * @property {string} folder with entry.js and the others, beside the node_modules of the user
 * @property {string} tools the folder `verify/node_modules`
 * @property {string} modules the folder `node_modules` of the checkout
 * @property {string} sites where the folder is served without a policy
 * @property {string} guarded where it is served under a policy that lets WebAssembly compile
 * @property {string} locked where it is served under a policy that forbids that
 * @property {() => import('../../scripts/nodes.js').NodeBinary[]} nodes
 * @property {(name: 'chromium' | 'firefox') => Promise<import('puppeteer-core').Browser>} browser
 * @property {() => Promise<void>} close
 */

const MAJORS = [20, 22, 24, 26];

/** @param {import('../run.js').Context} context @returns {Promise<Stage>} */
export async function openStage({ home, root, tools, say }) {
  const folder = join(home, 'hosts');
  mkdirSync(folder, { recursive: true });
  for (const file of ['program.js', 'entry.js', 'typed.ts', 'command.js', 'inside.js', 'cloud.js']) {
    copyFileSync(fileURLToPath(new URL(file, import.meta.url)), join(folder, file));
  }
  writeFileSync(join(folder, 'page.js'), withAddresses(home, readFileSync(join(folder, 'entry.js'), 'utf8')));
  writePage(folder, './page.js');

  const open = serve(home);
  const guarded = serve(home, policy("'self' 'wasm-unsafe-eval'"));
  const locked = serve(home, policy("'self'"));
  const servers = await Promise.all([open, guarded, locked]);
  const [sites = '', guardedSites = '', lockedSites = ''] = servers.map(({ url }) => `${url}hosts/`);

  /** @type {Map<string, Promise<import('puppeteer-core').Browser>>} */
  const browsers = new Map();
  /** @type {import('../../scripts/nodes.js').NodeBinary[] | null} */
  let nodes = null;
  return {
    folder,
    tools,
    modules: join(root, 'node_modules'),
    sites,
    guarded: guardedSites,
    locked: lockedSites,
    nodes() {
      if (!nodes && process.env.NODE_BINARIES === undefined) fetchNodes(MAJORS, say);
      nodes ??= nodesHere();
      return nodes;
    },
    async browser(name) {
      const running = browsers.get(name);
      // A browser that crashed is launched again for the next host.
      if (running && (await running).connected) return running;
      const anew = launch(name);
      browsers.set(name, anew);
      return anew;
    },
    async close() {
      const all = [...browsers.values(), ...servers];
      await Promise.allSettled(all.map(async each => (await each).close()));
    },
  };
}

/** @param {string} folder @param {string} script */
export function writePage(folder, script) {
  const html = `<!doctype html><link rel="icon" href="data:,"><script type="module" src="${script}"></script>\n`;
  writeFileSync(join(folder, 'index.html'), html);
}

/** The program with URLs instead of package names, for pages without a bundler. @param {string} home @param {string} source */
function withAddresses(home, source) {
  const { exports } = JSON.parse(readFileSync(join(home, 'node_modules/lstm-wasm/package.json'), 'utf8'));
  return source.replaceAll(/'lstm-wasm(\/\w+)?'/g, (_, path = '') => {
    return `'../node_modules/lstm-wasm/${exports[`.${path}`].default.slice(2)}'`;
  });
}
