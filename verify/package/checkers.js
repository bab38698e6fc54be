/** The findings of publint and arethetypeswrong on the packed package. */

import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { passedIf } from '../outcome.js';
import { firstLines } from './commands.js';

/** Resolutions that the package does not support. */
const IGNORED = ['node10', 'node16-cjs'];

/**
 * @param {import('../run.js').Context} context
 * @returns {Promise<import('../run.js').Outcome[]>}
 */
export const checkPublished = async context => [await publint(context), typesWrong(context)];

/**
 * Suggestions count as findings.
 *
 * @param {import('../run.js').Context} context
 * @returns {Promise<import('../run.js').Outcome>}
 */
async function publint({ home, tools, tarball }) {
  const from = createRequire(join(tools, 'publint/package.json'));
  const load = (/** @type {string} */ name) => import(pathToFileURL(join(tools, 'publint', name)).href);
  const { version } = from('./package.json');
  const { publint } = await load('src/index-node.js');
  const { formatMessage } = await load('src/utils.js');
  const packed = Uint8Array.from(readFileSync(tarball)).buffer;
  const { messages, pkg } = await publint({ pack: { tarball: packed }, level: 'suggestion', strict: true });
  if (pkg?.name !== 'lstm-wasm') throw new Error(`publint looked at ${pkg?.name} in ${home}`);
  const found = messages.map((/** @type {unknown} */ message) => formatMessage(message, pkg, { color: false }));
  return {
    what: `publint ${version}`,
    status: found.length === 0 ? 'passed' : 'failed',
    note: found.length === 0 ? 'no findings, suggestions included' : firstLines(found.join('\n')),
  };
}

/**
 * The package is ESM only: CommonJS, and the resolution of Node 10, which has no subpaths, are not supported.
 *
 * @param {import('../run.js').Context} context
 * @returns {import('../run.js').Outcome}
 */
function typesWrong({ home, tools, tarball }) {
  const { version } = JSON.parse(readFileSync(join(tools, '@arethetypeswrong/cli/package.json'), 'utf8'));
  const file = join(home, 'types-wrong.json');
  const words = [
    join(tools, '@arethetypeswrong/cli/dist/index.js'),
    tarball,
    '--profile',
    'esm-only',
    '--format',
    'json',
  ];
  // The tool exits before a pipe has received all of its output.
  const out = openSync(file, 'w');
  const { status, stderr } = spawnSync(process.execPath, words, { stdio: ['ignore', out, 'pipe'], encoding: 'utf8' });
  closeSync(out);
  const what = `arethetypeswrong ${version}, profile esm-only`;
  const output = readFileSync(file, 'utf8');
  if (!output.trimStart().startsWith('{')) return { what, status: 'failed', note: firstLines(stderr || output) };
  const { analysis } = JSON.parse(output);
  const entries = Object.keys(analysis.entrypoints ?? {});
  /** @type {{ kind: string, entrypoint?: string, resolutionKind?: string }[]} */
  const problems = analysis.problems ?? [];
  const found = problems
    .filter(({ resolutionKind }) => !IGNORED.includes(resolutionKind ?? ''))
    .map(({ kind, entrypoint, resolutionKind }) => `${kind} of ${entrypoint} (${resolutionKind})`);
  return {
    what,
    status: passedIf(status === 0 && found.length === 0 && entries.length > 5),
    note: status === 0 ? `${entries.length} entry points without findings` : firstLines(found.join('\n') || stderr),
  };
}
