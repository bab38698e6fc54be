/** Times whole processes from the start to the first training step: bench/cold.js, and the same in Python. */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { interleave } from './harness.js';
import { PYTHON } from './rivals/torch.js';

/** @typedef {import('./harness.js').Result} Result */

const script = fileURLToPath(new URL('cold.js', import.meta.url));

const torch = `
import torch
torch.set_num_threads(1)
lstm, dense = torch.nn.LSTM(1, 20, batch_first=True), torch.nn.Linear(20, 1)
adam = torch.optim.Adam([*lstm.parameters(), *dense.parameters()], lr=0.006)
wave = 0.3 * torch.arange(1000.0).reshape(50, 20, 1)
torch.nn.functional.mse_loss(dense(lstm(wave.sin())[0]), wave.cos()).backward()
adam.step()
`;

/**
 * @param {string[]} names of the measured rivals
 * @param {number} rounds
 * @param {number} budgetMs
 * @returns {Promise<{ empty: Result, results: Result[] }>} the times of each rival minus those of an empty process
 */
export async function coldStarts(names, rounds, budgetMs) {
  /** @type {[string, string, string[]][]} */
  const programs = [
    ['empty', process.execPath, [script, 'empty']],
    ...names.map(name => /** @type {[string, string, string[]]} */ ([name, process.execPath, [script, name]])),
  ];
  if (names.includes('PyTorch')) {
    programs.splice(
      programs.findIndex(([name]) => name === 'PyTorch'),
      1,
    );
    programs.push(['empty Python', PYTHON, ['-c', '']], ['PyTorch', PYTHON, ['-c', torch]]);
  }
  const subjects = programs.map(([name, file, args]) => ({ name, measure: () => run(name, file, args) }));
  const results = await interleave(subjects, { rounds, warmup: 1, budgetMs });
  const [empty, ...others] = results;
  const python = results.find(({ name }) => name === 'empty Python');
  if (!empty) throw new Error('no process was measured');
  const aboveEmpty = others
    .filter(({ name }) => name !== 'empty Python')
    .map(result => {
      const { min } = (result.name === 'PyTorch' ? python : empty) ?? empty;
      const { median, p10, p90 } = result;
      return { ...result, min: result.min - min, median: median - min, p10: p10 - min, p90: p90 - min };
    });
  return { empty, results: aboveEmpty };
}

/** @param {string} name @param {string} file @param {string[]} args */
function run(name, file, args) {
  const start = performance.now();
  const { status, stderr } = spawnSync(file, args, {
    encoding: 'utf8',
    env: { ...process.env, OMP_NUM_THREADS: '1' },
  });
  if (status !== 0) throw new Error(`the cold start of ${name} failed: ${stderr}`);
  return performance.now() - start;
}
