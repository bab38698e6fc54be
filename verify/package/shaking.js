/** Tree shaking: what bundlers must remove, and what they must keep. */

import { passedIf } from '../outcome.js';
import { bundle } from './bundle.js';
import { seed, shaken } from './programs.js';

const LISTED = 25;
/** Sources of at most this many bytes are ignored: lists built from other lists, which bundlers keep. */
const NEGLIGIBLE = 150;

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
    const found = [...sources].filter(([name, bytes]) => bytes > NEGLIGIBLE && without.test(name));
    const dropped = keeps !== undefined && !((sources.get(keeps) ?? 0) > NEGLIGIBLE);
    const note = found.length > 0 ? `contains ${list(found, 5)}` : dropped ? `lacks ${keeps}` : `${own.length} sources`;
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
  for (const [subpath, keepsSideEffects] of /** @type {const} */ ([
    ['', false],
    ['/data', false],
    ['/forecast', false],
    ['/keras', false],
    ['/onnx', false],
    ['/core', false],
    ['/layers', false],
    ['/plot', false],
    ['/predict', false],
    ['/safetensors', false],
    ['/scale', false],
    ['/worker', false],
    ['/task-thread', true],
    ['/thread', true],
    ['/turbo', true],
  ])) {
    const { bytes } = await bundle(context, `import 'lstm-wasm${subpath}';`, { splitting: false });
    const what = `import 'lstm-wasm${subpath}' alone ${keepsSideEffects ? 'keeps its side effects' : 'is removed completely'}`;
    const status = passedIf(bytes > 100 === keepsSideEffects);
    outcomes.push({ what, status, note: `${bytes} bytes` });
  }
  const { bytes } = await bundle(context, "import 'lstm-wasm/plot';", { conditions: ['node'] });
  const status = passedIf(bytes > 100);
  outcomes.push({ what: "import 'lstm-wasm/plot' in Node keeps its side effects", status, note: `${bytes} bytes` });
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
  const mapped = rows.filter(([name]) => name.startsWith('src/')).reduce((sum, [, size]) => sum + size, 0);
  // Without source maps into src/ the checks above would find nothing.
  const status = passedIf(mapped > 0.8 * bytes);
  const note = `${Math.round((100 * mapped) / bytes)} % of the seed program; most in ${list(rows, 5)}`;
  return { what: 'source maps cover the bundle', status, note, data: { sources: rows.slice(0, LISTED) } };
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
