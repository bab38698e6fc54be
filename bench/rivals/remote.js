/**
 * A rival in a separate process or page. It is idle while the others are measured, and measures its own time, so the time of
 * the requests is not included.
 */

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { decode, encode } from '../requests.js';

/** @typedef {import('./rival.js').Rival} Rival */
/** @typedef {(request: Record<string, unknown>) => Promise<any>} Send */

/** Threads of a rival may look for work for a while after a call, which would slow the next rival. */
const REST_MILLISECONDS = 10;

/**
 * @typedef {object} Options
 * @property {string} name
 * @property {number} [threads] default 1
 * @property {Rival['limitation']} [limitation]
 * @property {(about: any) => string} version from the reply to `about`
 * @property {() => void} close
 */

/**
 * @param {Send} send
 * @param {Options} options
 * @returns {Promise<Rival>}
 */
export async function remote(send, { name, threads = 1, limitation = () => '', version, close }) {
  const checked = /** @type {Send} */ (
    async request => {
      const reply = await send(request);
      if (reply.error) throw new Error(`${name}: ${reply.error}`);
      return reply;
    }
  );
  const measured = /** @type {(request: Record<string, unknown>) => Promise<number>} */ (
    async request => {
      const { ms } = await checked(request);
      if (threads > 1) await new Promise(resolve => setTimeout(resolve, REST_MILLISECONDS));
      return ms;
    }
  );
  const about = await checked({ command: 'about' });
  let modelCount = 0;
  return {
    name,
    threads,
    version: version(about),
    checkedWith: 'sgd',
    limitation,

    async build({ workload, weights, data, optimizer, learningRate }) {
      const id = ++modelCount;
      const { x, y } = { x: encode(data.x), y: encode(data.y) };
      await checked({ command: 'build', id, workload, weights: weights.map(encode), x, y, optimizer, learningRate });
      return {
        outputs: async () => decode((await checked({ command: 'outputs', id })).outputs),
        train: async () => (await checked({ command: 'train', id })).loss,
        measure: kind => calls => measured({ command: 'measure', id, kind, calls }),
        dispose: () => checked({ command: 'dispose', id }),
      };
    },

    create: async workload => calls => measured({ command: 'create', workload, calls }),

    close,
  };
}

/**
 * A rival in a process: requests go to its stdin and replies come from its stdout, one line of JSON each.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {Omit<Options, 'close'>} options
 */
export function inProcess(command, args, options) {
  const worker = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: worker.stdout })[Symbol.asyncIterator]();
  /** @type {Send} */
  const send = async request => {
    worker.stdin.write(`${JSON.stringify(request)}\n`);
    const { value, done } = await lines.next();
    if (done) throw new Error(`the process of ${options.name} has exited`);
    return JSON.parse(value);
  };
  return remote(send, { ...options, close: () => void worker.stdin.end() });
}

/**
 * A rival of this folder in a process of its own, by the name of its file and its function.
 *
 * @param {{ file: string, name: string, args: unknown[] }} rival
 * @param {Omit<Options, 'close' | 'version'>} options
 * @param {string} [node] the binary of Node
 */
export function inNode(rival, options, node = process.execPath) {
  const program = fileURLToPath(new URL('../worker.js', import.meta.url));
  return inProcess(node, [program, JSON.stringify(rival)], { ...options, version: ({ version }) => version });
}
