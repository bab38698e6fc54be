/**
 * A rival in a separate process. It is idle while the others are measured, and measures its own time, so the time of the pipe is
 * not included. Requests go to its stdin and replies come from its stdout, one line of JSON each.
 */

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** @typedef {import('./rival.js').Rival} Rival */

/** @type {(values: Float32Array) => string} */
export const encode = values => Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64');

/** @param {string} text */
export function decode(text) {
  const raw = Buffer.from(text, 'base64');
  return new Float32Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.length));
}

/**
 * @param {string} name
 * @param {string} command
 * @param {string[]} args
 * @param {(about: any) => string} version from the reply to `about`
 * @returns {Promise<Rival>}
 */
export async function remote(name, command, args, version) {
  const worker = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: worker.stdout })[Symbol.asyncIterator]();
  /** @type {(request: Record<string, unknown>) => Promise<any>} */
  const send = async request => {
    worker.stdin.write(`${JSON.stringify(request)}\n`);
    const { value, done } = await lines.next();
    if (done) throw new Error(`the process of ${name} has exited`);
    const reply = JSON.parse(value);
    if (reply.error) throw new Error(`${name}: ${reply.error}`);
    return reply;
  };

  const about = await send({ command: 'about' });
  let modelCount = 0;
  return {
    name,
    version: version(about),
    checkedWith: 'sgd',
    limitation: () => '',

    async build({ workload, weights, data, optimizer, learningRate }) {
      const id = ++modelCount;
      const { x, y } = { x: encode(data.x), y: encode(data.y) };
      await send({ command: 'build', id, workload, weights: weights.map(encode), x, y, optimizer, learningRate });
      return {
        outputs: async () => decode((await send({ command: 'outputs', id })).outputs),
        train: async () => (await send({ command: 'train', id })).loss,
        measure: kind => async calls => (await send({ command: 'measure', id, kind, calls })).ms,
        dispose: () => send({ command: 'dispose', id }),
      };
    },

    create: async workload => async calls => (await send({ command: 'create', workload, calls })).ms,

    close: () => void worker.stdin.end(),
  };
}
