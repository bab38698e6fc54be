/**
 * Limits on the size of programs in a page, each a little above its last measurement. A commit that exceeds one raises it,
 * and says what the bytes are for.
 */

import { passedIf } from '../outcome.js';
import { bundle } from './bundle.js';
import { predictions, seed, seedInWorker, seedOfCore, seedOfLayers } from './programs.js';

/** The goals for what the seed program loads before its first step, and for predictions, kernels included. */
const GOAL = 55 * 1024;
const GOAL_OF_PREDICTIONS = 30 * 1024;

/** Must not load the networks and the kernels. */
const tables =
  "import { conformal, mase, readCsv } from 'lstm-wasm/forecast';\nglobalThis.all = [conformal, mase, readCsv];";

/**
 * @typedef {object} Size
 * @property {string} what
 * @property {string} program
 * @property {number} limit gzip bytes of what loads at first
 * @property {number} [goal] gzip bytes
 * @property {string[]} [conditions]
 *
 * @type {Size[]}
 */
export const sizes = [
  { what: 'the seed program with lstm-wasm/core and its layers', program: seedOfCore, limit: 65_600, goal: GOAL },
  { what: 'the seed program with the layers of lstm-wasm/layers', program: seedOfLayers, limit: 111_400, goal: GOAL },
  { what: 'the seed program with the namespace layers, which esbuild keeps whole', program: seed, limit: 157_900 },
  { what: 'predictions of an LSTM and a dense layer', program: predictions, limit: 27_000, goal: GOAL_OF_PREDICTIONS },
  { what: "everything of '.'", program: everything('lstm-wasm'), limit: 201_900 },
  { what: 'plot', program: everything('lstm-wasm/plot'), limit: 71_400 },
  { what: 'the seed program in a worker, the page; esbuild keeps all layers', program: seedInWorker, limit: 177_100 },
  { what: 'worker, the side of the page', program: everything('lstm-wasm/worker'), limit: 134_000 },
  { what: 'thread, what runs in the worker', program: "import 'lstm-wasm/thread'", limit: 130_900 },
  { what: 'data', program: everything('lstm-wasm/data'), limit: 19_900 },
  { what: 'forecast, with the networks of the forecaster', program: everything('lstm-wasm/forecast'), limit: 211_500 },
  { what: 'forecast, tables and metrics only', program: tables, limit: 15_400 },
  { what: 'keras', program: everything('lstm-wasm/keras'), limit: 182_200 },
  { what: 'onnx', program: everything('lstm-wasm/onnx'), limit: 204_700 },
  { what: 'safetensors', program: everything('lstm-wasm/safetensors'), limit: 96_000 },
  { what: 'scale, with the networks of the forecaster', program: everything('lstm-wasm/scale'), limit: 212_800 },
  { what: 'task-thread, what runs in threads of scale', program: "import 'lstm-wasm/task-thread'", limit: 146_600 },
  { what: 'turbo', program: "import 'lstm-wasm/turbo'", limit: 400 },
];

/** @param {string} subpath */
function everything(subpath) {
  return `import * as all from '${subpath}';\nglobalThis.all = all;`;
}

/**
 * @param {import('../run.js').Context} context
 * @returns {Promise<import('../run.js').Outcome[]>}
 */
export async function checkSizes(context) {
  const outcomes = [];
  for (const { what, program, limit, goal } of sizes) {
    const { bytes, gzip, later } = await bundle(context, program);
    const notes = [`${count(gzip)} bytes gzip (limit ${count(limit)}), ${count(bytes)} minified`];
    if (later > 0) notes.push(`${count(later)} gzip loaded later`);
    if (goal)
      notes.push(`the goal of ${count(goal)} is ${gzip <= goal ? 'met' : `not met: ${count(gzip - goal)} above`}`);
    // So far below the limit, either the bundle is incomplete or the limit is outdated.
    const far = gzip < 0.8 * limit;
    if (far) notes.push('so far below the limit that it must be lowered');
    const status = passedIf(gzip <= limit && !far);
    outcomes.push({ what: `size of ${what}`, status, note: notes.join('; '), data: { bytes, gzip, later, limit } });
  }
  return outcomes;
}

const count = (/** @type {number} */ bytes) => bytes.toLocaleString('en-US');
