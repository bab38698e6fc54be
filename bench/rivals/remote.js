/**
 * A rival in a process of its own, which waits while the others are measured and keeps its own time, so that the pipe
 * costs it nothing: a request on its stdin and an answer on its stdout, a line of JSON each.
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
 * @param {string[]} words
 * @param {(about: any) => string} version from what the process says of itself
 * @returns {Promise<Rival>}
 */
export async function remote(name, command, words, version) {
  const worker = spawn(command, words, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: worker.stdout })[Symbol.asyncIterator]();
  /** @type {(request: Record<string, unknown>) => Promise<any>} */
  const ask = async request => {
    worker.stdin.write(`${JSON.stringify(request)}\n`);
    const { value, done } = await lines.next();
    if (done) throw new Error(`the process of ${name} has ended`);
    const reply = JSON.parse(value);
    if (reply.error) throw new Error(`${name}: ${reply.error}`);
    return reply;
  };

  const about = await ask({ command: 'about' });
  let built = 0;
  return {
    name,
    version: version(about),
    checkedWith: 'sgd',
    refuses: () => '',

    async build({ workload, weights, data, optimizer, learningRate }) {
      const id = ++built;
      const { x, y } = { x: encode(data.x), y: encode(data.y) };
      await ask({ command: 'build', id, workload, weights: weights.map(encode), x, y, optimizer, learningRate });
      return {
        outputs: async () => decode((await ask({ command: 'outputs', id })).outputs),
        train: async () => (await ask({ command: 'train', id })).loss,
        measure: kind => async calls => (await ask({ command: 'measure', id, kind, calls })).ms,
        dispose: () => ask({ command: 'dispose', id }),
      };
    },

    create: async workload => async calls => (await ask({ command: 'create', workload, calls })).ms,

    close: () => void worker.stdin.end(),
  };
}
