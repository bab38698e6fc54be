/**
 * Node binaries of other versions: V8 compiles the same kernels differently from one to the next.
 *
 * Their paths are in the variable NODE_BINARIES, separated like those of PATH, or in build/nodes, which `fetchNodes` fills
 * from the npm packages with the binaries of each platform.
 */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { delimiter } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../build/nodes/', import.meta.url));
const windows = process.platform === 'win32';
const platformPackage = `node-${windows ? 'win' : process.platform}-${process.arch}`;

/**
 * @typedef {object} NodeBinary
 * @property {string} path
 * @property {number} major
 * @property {string} version
 */

/** @type {NodeBinary} */
export const running = { path: process.execPath, major: majorOf(process.version), version: process.version };

/**
 * The running Node and the others on this machine, oldest first, one of each major version.
 * @returns {NodeBinary[]}
 */
export function nodesHere() {
  const others = (process.env.NODE_BINARIES?.split(delimiter) ?? fetched()).filter(path => path !== '').map(identify);
  const oneOfEach = new Map([...others, running].map(node => [node.major, node]));
  return [...oneOfEach.values()].sort((a, b) => a.major - b.major);
}

/**
 * Installs the newest Node of these major versions if it is missing.
 * @param {readonly number[]} majors
 * @param {(line: string) => void} say
 */
export function fetchNodes(majors, say = console.log) {
  for (const major of majors) {
    if (major === running.major || existsSync(binaryOf(String(major)))) continue;
    say(`Fetching Node ${major} from npm (once) ...`);
    const home = `${folder}${major}`;
    mkdirSync(home, { recursive: true });
    writeFileSync(`${home}/package.json`, '{ "private": true }\n');
    const words = ['install', `${platformPackage}@${major}`, '--ignore-scripts', '--no-audit', '--no-fund'];
    try {
      execFileSync('npm', [...words, '--loglevel', 'error'], { cwd: home, stdio: 'inherit', shell: windows });
    } catch {
      say(`Node ${major} could not be fetched: npm install ${platformPackage}@${major} failed.`);
    }
  }
}

const fetched = () =>
  existsSync(folder)
    ? readdirSync(folder)
        .map(binaryOf)
        .filter(path => existsSync(path))
    : [];

const binaryOf = (/** @type {string} */ major) =>
  `${folder}${major}/node_modules/${platformPackage}/bin/node${windows ? '.exe' : ''}`;

/**
 * @param {string} path
 * @returns {NodeBinary}
 */
function identify(path) {
  const version = execFileSync(path, ['--version'], { encoding: 'utf8' }).trim();
  return { path, major: majorOf(version), version };
}

/** @param {string} version */
function majorOf(version) {
  return Number.parseInt(version.slice(1), 10);
}
