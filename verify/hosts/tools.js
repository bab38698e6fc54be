/** What the hosts are started with. */

import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

/** Why something cannot be shown on this machine. */
export class NotHere extends Error {}

const PATIENCE = 120_000;

/**
 * Runs a command; what it wrote to its output, or the last of what it complained about.
 * @param {string} command @param {readonly string[]} words
 * @param {{ cwd: string, env?: Record<string, string> }} options
 * @returns {Promise<string>}
 */
export function tell(command, words, { cwd, env }) {
  const options = { cwd, env: { ...process.env, ...env }, timeout: PATIENCE, maxBuffer: 2 ** 26 };
  return new Promise((resolve, reject) => {
    execFile(command, words, options, (error, stdout, stderr) => {
      if (!error) resolve(stdout);
      else if (error.killed) reject(new Error(`not done after ${PATIENCE / 1000} s`));
      else reject(new Error(lastOf(stderr) || lastOf(stdout) || error.message));
    });
  });
}

/** A line or some, without colours. @param {string} text */
const lastOf = text =>
  text
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what colours are
    .replace(/\x1b\[[0-9;]*m/g, '')
    .trim()
    .split('\n')
    .slice(0, 12)
    .map(line => line.trim())
    .join(' ')
    .slice(0, 600);

/**
 * A package out of a folder of packages; `import` alone would take the one next to this file.
 * @param {string} folder that ends in node_modules @param {string} name
 * @returns {Promise<any>}
 */
export async function load(folder, name) {
  versionOf(folder, name);
  return import(pathToFileURL(createRequire(`${folder}/here.js`).resolve(name)).href);
}

/** @param {string} folder @param {string} name @returns {string} */
export function versionOf(folder, name) {
  const file = `${folder}/${name}/package.json`;
  if (!existsSync(file)) throw new NotHere(`the package ${name} is not in ${folder}`);
  return JSON.parse(readFileSync(file, 'utf8')).version;
}
