/** Writes what a run has found: numbers, tables and chart. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';
import { markdown } from './report.js';

/** @typedef {import('./report.js').Report} Report */

const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * The whole of it goes where it is read, anything less where it does no harm.
 * @param {Report} report
 */
export async function publish(report) {
  const { date, cpu } = report.machine;
  const partial = report.partial || report.quick;
  const results = partial ? 'out/bench' : 'bench/results';
  write(`${root}${results}/${date}-${slug(String(cpu))}.json`, `${JSON.stringify(report, null, 1)}\n`);
  write(`${root}${results}/latest.md`, `${markdown(report)}\n`);
  // The chart is drawn with the parts of the package's own plots, which are TypeScript.
  const { module } = await runnerImport(fileURLToPath(new URL('chart.ts', import.meta.url)), { configFile: false });
  const { drawBenchmark } = /** @type {typeof import('./chart.ts')} */ (module);
  write(partial ? `${root}out/bench/benchmark.svg` : `${root}docs/benchmark.svg`, drawBenchmark(report));
}

/** @param {string} file @param {string} content */
function write(file, content) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  console.log(`written to ${relative(process.cwd(), file)}`);
}

/** "Intel(R) Xeon(R) Processor" as intel-xeon-processor. @param {string} name */
function slug(name) {
  const plain = name.replace(/\((r|tm)\)/gi, '').replace(/@.*/, '');
  return (
    plain
      .trim()
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-|-$/g, '') || 'unknown'
  );
}
