/** Writes the table of hosts into docs/hosts.md, from the last results of `npm run verify`. */

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const path = (/** @type {string} */ relative) => fileURLToPath(new URL(relative, import.meta.url));
const [begin, end] = ['<!-- hosts, by npm run verify -->', '<!-- end of hosts -->'];

/** @typedef {{ name: string, outcomes: import('./run.js').Outcome[] }} Result */

/** @type {{ date: string, results: Result[] }} */
const { date, results } = JSON.parse(readFileSync(path('results/latest.json'), 'utf8'));
const hosts = results.find(({ name }) => name === 'hosts')?.outcomes ?? [];
if (hosts.length === 0) throw new Error('results/latest.json has no hosts; run npm run verify without --only');
const cell = (/** @type {string} */ text) => text.replaceAll(/\s+/g, ' ').replaceAll('|', '\\|');
const rows = hosts.map(({ what, status, note = '' }) => `| ${cell(what)} | ${status} | ${cell(note)} |`);
const table = ['| host | seed program | |', '| --- | --- | --- |', ...rows].join('\n');

const readme = readFileSync(path('../docs/hosts.md'), 'utf8');
const [from, to] = [readme.indexOf(begin), readme.indexOf(end)];
if (from < 0 || to < from) throw new Error(`docs/hosts.md must contain ${begin} and ${end}, in this order`);
const text = `${readme.slice(0, from + begin.length)}\n\n${table}\n\n${date}, by \`npm run verify\`.\n\n${readme.slice(to)}`;
writeFileSync(path('../docs/hosts.md'), text);
