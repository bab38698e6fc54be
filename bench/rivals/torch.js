/** PyTorch, in a Python process. */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { inProcess } from './remote.js';
import { named } from './rival.js';

/** The Python of the system, for which PyTorch is packaged; `python3` in the path may be another one. */
export const PYTHON = '/usr/bin/python3';

/** Whether PyTorch is installed. */
export function hasTorch() {
  return spawnSync(PYTHON, ['-c', 'import torch'], { stdio: 'ignore' }).status === 0;
}

/** @param {number} [threads] */
export function torch(threads = 1) {
  const program = fileURLToPath(new URL('../torch_worker.py', import.meta.url));
  return inProcess(PYTHON, [program, String(threads)], {
    name: named('PyTorch', threads),
    threads,
    version(about) {
      const blas = about.core
        ? `OpenBLAS for ${about.core}`
        : 'no OpenBLAS: apt-get install libopenblas0 makes it faster';
      return `PyTorch ${about.torch}, ${blas}, ${about.threads} thread${about.threads > 1 ? 's' : ''}`;
    },
  });
}
