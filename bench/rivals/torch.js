/** PyTorch, in a Python process. */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { remote } from './remote.js';

/** The Python of the system, for which PyTorch is packaged; `python3` in the path may be another one. */
export const PYTHON = '/usr/bin/python3';

/** Whether PyTorch is installed. */
export function hasTorch() {
  return spawnSync(PYTHON, ['-c', 'import torch'], { stdio: 'ignore' }).status === 0;
}

export function torch() {
  const program = fileURLToPath(new URL('../torch_worker.py', import.meta.url));
  return remote('PyTorch', PYTHON, [program], about => {
    const blas = about.core
      ? `OpenBLAS for ${about.core}`
      : 'no OpenBLAS: apt-get install libopenblas0 makes it faster';
    return `PyTorch ${about.torch}, ${blas}, ${about.threads} thread`;
  });
}
