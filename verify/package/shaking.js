/** Tree shaking: what bundlers must remove, and what they must keep. */

import { passedIf } from '../outcome.js';
import { bundle } from './bundle.js';
import { seed, shaken } from './programs.js';

const LISTED = 25;
/** Bytes of a source that do not count: lists built from other lists, which bundlers keep. */
const CRUMBS = 150;

/**
 * @param {import('../run.js').Context} context
 * @returns {Promise<import('../run.js').Outcome[]>}
 */
export async function checkShaking(context) {
  /** @type {import('../run.js').Outcome[]} */
  const outcomes = [];
  for (const { what, program, without, keeps } of shaken) {
    const { sources } = await bundle(context, program);
    const own = [...sources].filter(([name, bytes]) => bytes > 0 && name.startsWith('src/'));
    const found = [...sources].filter(([name, bytes]) => bytes > CRUMBS && without.test(name));
    const dropped = keeps !== undefined && !((sources.get(keeps) ?? 0) > CRUMBS);
    const note =
      found.length > 0 ? `it carries ${list(found, 5)}` : dropped ? `it lacks ${keeps}` : `${own.length} sources`;
    // An empty bundle would pass the check below.
    outcomes.push({ what, status: found.length === 0 && !dropped && own.length > 0 ? 'passed' : 'failed', note });
  }
  outcomes.push(...(await bareImports(context)), await largest(context));
  return outcomes;
}

/**
 * Files with side effects must be kept; of all other imports nothing may remain.
 *
 * @param {import('../run.js').Context} context
 */
async function bareImports(context) {
  const outcomes = [];
  for (const [subpath, stays] of /** @type {const} */ ([
    ['', false],
    ['/data', false],
    ['/keras', false],
    ['/onnx', false],
    ['/plot', false],
    ['/safetensors', false],
    ['/worker', false],
    ['/thread', true],
    ['/turbo', true],
  ])) {
    const { bytes } = await bundle(context, `import 'lstm-wasm${subpath}';`, { splitting: false });
    const what = `import 'lstm-wasm${subpath}' alone ${stays ? 'keeps what it does' : 'leaves nothing'}`;
    const status = passedIf(bytes > 100 === stays);
    outcomes.push({ what, status, note: `${bytes} bytes` });
  }
  const { bytes } = await bundle(context, "import 'lstm-wasm/plot';", { conditions: ['node'], external: ['linkedom'] });
  const status = passedIf(bytes > 100);
  outcomes.push({ what: "import 'lstm-wasm/plot' in Node keeps what it does", status, note: `${bytes} bytes` });
  return outcomes;
}

/**
 * The sources of the seed program by size, to see where bytes could be saved.
 *
 * @param {import('../run.js').Context} context
 * @returns {Promise<import('../run.js').Outcome>}
 */
async function largest(context) {
  const { sources, bytes } = await bundle(context, seed);
  const rows = [...sources].sort(([, a], [, b]) => b - a);
  context.say(`  the seed program, ${bytes} bytes minified, by source:`);
  for (const [name, size] of rows.slice(0, LISTED)) context.say(`    ${String(size).padStart(7)}  ${name}`);
  const known = rows.filter(([name]) => name.startsWith('src/')).reduce((sum, [, size]) => sum + size, 0);
  // Without source maps into src/ the checks above would find nothing.
  const status = passedIf(known > 0.8 * bytes);
  const note = `${Math.round((100 * known) / bytes)} % of the seed program; most in ${list(rows, 5)}`;
  return { what: 'source maps say where bytes come from', status, note, data: { sources: rows.slice(0, LISTED) } };
}

/**
 * @param {[string, number][]} rows
 * @param {number} most
 */
const list = (rows, most) =>
  [...rows]
    .sort(([, a], [, b]) => b - a)
    .slice(0, most)
    .map(([name, size]) => `${name} (${size})`)
    .join(', ');
