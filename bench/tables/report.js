/** The results as Markdown, and their files. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** @typedef {import('./data.js').Result} Result */
/** @typedef {{ date: string, cpu: string, node: string, version: string }} Machine */
/** @typedef {{ machine: Machine, results: Result[] }} Measured */

const path = (/** @type {string} */ name) => fileURLToPath(new URL(name, import.meta.url));
/** The order of the rows in the table. */
const ORDER = ['reber', 'adding', 'jsb', 'etth1', 'm4hourly', 'm4weekly'];

/** Four digits. @param {number} value */
const digits = value => (Number.isInteger(value) ? String(value) : Number(value.toPrecision(4)).toString());

/** @param {readonly Result[]} results */
export function tableOf(results) {
  const cells = results.map(({ task, measure, published, source, bar, ours, ...rest }) => [
    task,
    measure,
    `${published} (${source})`,
    digits(bar),
    ours <= bar ? `**${digits(ours)}**` : digits(ours),
    rest.model,
    String(rest.parameters),
    rest.seed,
    digits(rest.seconds),
    rest.note,
  ]);
  const head = ['task', 'measure', 'published', 'at most', 'ours', 'model', 'parameters', 'seed', 'seconds', ''];
  const rule = ['---', '---', '---', '---:', '---:', '---', '---:', '---:', '---:', '---'];
  return [head, rule, ...cells].map(line => `| ${line.join(' | ')} |`).join('\n');
}

/** @param {Record<string, Measured>} all by the name of the row */
export function markdown(all) {
  const measured = ORDER.flatMap(name => all[name] ?? []);
  const machines = new Set(
    measured.map(
      ({ machine: { date, cpu, node, version } }) => `${date} on ${cpu}, Node ${node}, lstm-wasm ${version}`,
    ),
  );
  return `# Published tables

Written by \`npm run tables\`; [docs/tables.md](../../docs/tables.md) says what the tasks are and where the data sets are
published. Lower is better; bold figures meet the bar. Seconds are processor time of one thread, for training and scoring,
while other programs ran on the machine.

${tableOf(measured.flatMap(({ results }) => results))}

Measured ${[...machines].join('; ')}.
`;
}

/** Replaces the results of a row in the files. @param {string} row @param {Machine} machine @param {Result[]} results */
export function keep(row, machine, results) {
  const file = path('results.json');
  /** @type {Record<string, Measured>} */
  const all = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
  all[row] = { machine, results };
  writeFileSync(file, `${JSON.stringify(all, null, 2)}\n`);
  writeFileSync(path('results.md'), markdown(all));
}
