/** PyTorch, in a Python process of its own that waits while the others are measured, and keeps its own time. */

import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** @typedef {import('./rival.js').Rival} Rival */

/** That of the system, whose packages bring PyTorch; `python3` in the path may be another. */
export const PYTHON = '/usr/bin/python3';

/** @type {(values: Float32Array) => string} */
const encode = values => Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64');

/** @param {string} text */
function decode(text) {
  const raw = Buffer.from(text, 'base64');
  return new Float32Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.length));
}

/** Whether there is anything to measure. */
export function hasTorch() {
  return spawnSync(PYTHON, ['-c', 'import torch'], { stdio: 'ignore' }).status === 0;
}

/** @returns {Promise<Rival>} */
export async function torch() {
  const worker = spawn(PYTHON, [fileURLToPath(new URL('../torch_worker.py', import.meta.url))], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: worker.stdout })[Symbol.asyncIterator]();
  /** @type {(request: Record<string, unknown>) => Promise<any>} */
  const ask = async request => {
    worker.stdin.write(`${JSON.stringify(request)}\n`);
    const { value, done } = await lines.next();
    if (done) throw new Error('the process of PyTorch has ended');
    const reply = JSON.parse(value);
    if (reply.error) throw new Error(`PyTorch: ${reply.error}`);
    return reply;
  };

  const about = await ask({ command: 'about' });
  const blas = about.core ? `OpenBLAS for ${about.core}` : 'no OpenBLAS: apt-get install libopenblas0 makes it faster';
  let built = 0;
  return {
    name: 'PyTorch',
    version: `PyTorch ${about.torch}, ${blas}, ${about.threads} thread`,
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
