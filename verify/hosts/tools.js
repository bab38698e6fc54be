/** Commands and packages that start the hosts. */

import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { NotHere } from '../outcome.js';

const PATIENCE = 120_000;

/**
 * Runs a command and returns its output; rejects with the lines of its error output that name the error.
 * @param {string} command @param {readonly string[]} words
 * @param {{ cwd: string, env?: Record<string, string> }} options
 * @returns {Promise<string>}
 */
export function outputOf(command, words, { cwd, env }) {
  const options = { cwd, env: { ...process.env, ...env }, timeout: PATIENCE, maxBuffer: 2 ** 26 };
  return new Promise((resolve, reject) => {
    execFile(command, words, options, (error, stdout, stderr) => {
      if (!error) resolve(stdout);
      else if (error.killed) reject(new Error(`not finished after ${PATIENCE / 1000} s`));
      else reject(new Error(gistOf(stderr) || gistOf(stdout) || error.message));
    });
  });
}

/** The lines that name an error, or else the last lines; without colours. @param {string} text */
function gistOf(text) {
  const lines = stripVTControlCharacters(text)
    .trim()
    .split('\n')
    .map(line => line.trim());
  const telling = lines.filter(line => /error/i.test(line));
  return (telling.length > 0 ? telling.slice(0, 4) : lines.slice(-4)).join(' ').slice(0, 500);
}

/**
 * Imports a package from a folder of packages; a plain `import` would resolve it from this file.
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
