/** The package with `lstm-wasm/turbo`, for bench/rivals/turbo.js. Reads requests from stdin and writes replies to stdout, one line of JSON each. */

import { createInterface } from 'node:readline';
import v8 from 'node:v8';
import { ours } from './rivals/ours.js';
import { decode, encode } from './rivals/remote.js';

/** @typedef {import('./rivals/rival.js').Model} Model */

// Optimize all code at once, as for the other rivals.
v8.setFlagsFromString('--no-wasm-inlining');
v8.setFlagsFromString('--no-liftoff');
v8.setFlagsFromString('--no-wasm-lazy-compilation');
const rival = await ours('relaxed', { turbo: true });
const { library: lw } = rival;

/** @type {Map<number, Model>} */
const models = new Map();

/** @type {Record<string, (request: any) => Promise<object> | object>} */
const handlers = {
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
  let reply;
  try {
    reply = (await handlers[command]?.(request)) ?? { error: `unknown command ${command}` };
  } catch (error) {
    reply = { error: String(error) };
  }
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}
