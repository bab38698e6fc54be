/** Writes the results of a run: numbers, tables and chart. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';
import { markdown } from './report.js';

/** @typedef {import('./report.js').Report} Report */

const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * Writes a complete run to bench/results and docs, a partial or quick one to out/bench.
 * @param {Report} report
 */
export async function publish(report) {
  const { date, cpu } = report.machine;
  const partial = report.partial || report.quick;
  const results = partial ? 'out/bench' : 'bench/results';
  write(`${root}${results}/${date}-${slug(String(cpu))}.json`, `${JSON.stringify(report, null, 1)}\n`);
  write(`${root}${results}/latest.md`, `${markdown(report)}\n`);
  // The chart uses the plots of the package, which are TypeScript.
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

/** Converts "Intel(R) Xeon(R) Processor" to intel-xeon-processor. @param {string} name */
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
