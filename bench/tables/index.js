/**
 * Published tables, and what this package reaches in the same tasks: one program a row, with its settings in it.
 *
 *   npm run tables -- --data folder              all rows; writes bench/tables/results.md
 *   npm run tables -- --only reber,adding        some rows; the others stay in results.md as they were measured
 *   npm run tables -- --short                    small sizes, in seconds; writes nothing
 *   npm run tables -- --only jsb --validation --set units=128    tries settings on the validation set; writes nothing
 *
 * The folder can also be given as TABLES_DATA. docs/tables.md says where the data sets are published.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { machineHeader } from '../harness.js';
import { adding } from './adding.js';
import { etth1 } from './etth1.js';
import { jsb } from './jsb.js';
import { m4hourly, m4weekly } from './m4.js';
import { reber } from './reber.js';
import { keep, tableOf } from './report.js';

/** @type {import('./data.js').Row[]} */
const rows = [reber, adding, jsb, etth1, m4hourly, m4weekly];

const options = readOptions();
/** @type {import('./data.js').Library} */
const lw = await import(new URL('../../dist/index.js', import.meta.url).href);
/** @type {import('./data.js').Forecasting} */
const forecasting = await import(new URL('../../dist/forecast.js', import.meta.url).href);
lw.configure({ simd: 'strict', threads: 1 }); // the same bits on every machine
const { date, node, cpu } = machineHeader();
const machine = { date, cpu: String(cpu), node: String(node), version: lw.version };

const missing = options.rows.filter(({ file }) => file && !existsSync(join(options.folder ?? '', file)));
for (const { name, file } of missing) {
  console.error(`tables: left out ${name}: --data must be a folder with ${file}, got ${options.folder}`);
}
for (const row of options.rows.filter(each => !missing.includes(each))) {
  const save = (/** @type {import('./data.js').Result[]} */ results) => {
    if (!options.short && !options.validation) keep(row.name, machine, results);
  };
  const results = await row.run(lw, { ...options, forecasting, log: line => console.log(line), save });
  console.log(`\n${tableOf(results)}\n`);
  save(results);
}
if (missing.length === options.rows.length) process.exitCode = 1;

/** Reads the command line; exits with a message if it is invalid. */
function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        data: { type: 'string' },
        only: { type: 'string' },
        short: { type: 'boolean', default: false },
        validation: { type: 'boolean', default: false },
        set: { type: 'string', multiple: true, default: [] },
      },
      allowPositionals: false,
    });
    const names = values.only?.split(',') ?? rows.map(({ name }) => name);
    const chosen = names.map(name => {
      const row = rows.find(each => each.name === name);
      if (!row) throw new Error(`--only must list some of ${rows.map(each => each.name).join(', ')}, got ${name}`);
      return row;
    });
    const settings = Object.fromEntries(
      values.set.map(text => {
        const [, name, value] = text.match(/^(\w+)=(-?[\d.]+(?:e-?\d+)?)$/) ?? [];
        if (name === undefined) throw new Error(`--set must be name=number, got ${text}`);
        return [name, Number(value)];
      }),
    );
    const folder = values.data ?? process.env.TABLES_DATA;
    return { rows: chosen, folder, short: values.short, validation: values.validation, settings };
  } catch (error) {
    console.error(`tables: ${/** @type {Error} */ (error).message}`);
    return process.exit(1);
  }
}
