/** The package under `lstm-wasm/turbo`, for bench/rivals/turbo.js: a request on stdin, an answer on stdout. */

import { createInterface } from 'node:readline';
import v8 from 'node:v8';
import { ours } from './rivals/ours.js';
import { decode, encode } from './rivals/remote.js';

/** @typedef {import('./rivals/rival.js').Model} Model */

// As for the others: final code at once.
v8.setFlagsFromString('--no-wasm-inlining');
v8.setFlagsFromString('--no-liftoff');
v8.setFlagsFromString('--no-wasm-lazy-compilation');
const rival = await ours('relaxed', { turbo: true });
const { library: lw } = rival;

/** @type {Map<number, Model>} */
const models = new Map();

/** @type {Record<string, (request: any) => Promise<object> | object>} */
const answers = {
  about: () => ({ version: lw.version, turbo: lw.backendInfo().turbo.join(', '), node: process.version }),
  async build({ id, weights, x, y, ...setup }) {
    models.set(id, await rival.build({ ...setup, weights: weights.map(decode), data: { x: decode(x), y: decode(y) } }));
    return {};
  },
  outputs: async ({ id }) => ({ outputs: encode((await models.get(id)?.outputs()) ?? new Float32Array()) }),
  train: async ({ id }) => ({ loss: await models.get(id)?.train() }),
  measure: async ({ id, kind, calls }) => ({ ms: await models.get(id)?.measure(kind)(calls) }),
  async dispose({ id }) {
    await models.get(id)?.dispose();
    models.delete(id);
    return {};
  },
  create: async ({ workload, calls }) => ({ ms: await (await rival.create?.(workload))?.(calls) }),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...request } = JSON.parse(line);
  /** @type {object} */
  let answer;
  try {
    answer = (await answers[command]?.(request)) ?? { error: `there is no command ${command}` };
  } catch (error) {
    answer = { error: String(error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
