/**
 * A copy of the kernels and their tests in a separate folder, in which mutants are planted, so that neither the sources nor
 * build/ of the checkout ever contain one.
 */

import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { bothBuilds } from '../../scripts/fused.js';

/** Milliseconds without output after which a run counts as hanging; the slowest test takes a few seconds. */
const SILENCE = 90_000;

/** Tests that measure time are left out: on a busy machine they could fail without a fault. */
const NAMES = '^(?!.*the time of a step)';

/**
 * @typedef {'strict' | 'relaxed' | 'debug'} Build
 *
 * @typedef {object} Run
 * @property {number} passed
 * @property {string | undefined} failure the first test that failed, with its file; undefined if all passed
 */

export class Tree {
  /**
   * @param {string} root of the checkout, with a slash at its end
   * @param {string} folder which must not exist
   */
  constructor(root, folder) {
    this.folder = folder;
    mkdirSync(join(folder, 'build'), { recursive: true });
    const isOwn = (/** @type {string} */ path) => basename(path) !== 'node_modules';
    for (const name of [
      'assembly',
      'src',
      'test',
      'asconfig.json',
      'asconfig.testing.json',
      'package.json',
      'tsconfig.json',
      'vitest.config.ts',
    ])
      cpSync(`${root}${name}`, join(folder, name), { recursive: true, filter: isOwn });
    symlinkSync(`${root}node_modules`, join(folder, 'node_modules'), 'junction');
    this.targets = ['asconfig.json', 'asconfig.testing.json'].flatMap(config => {
      /** @type {{ targets: Record<string, { outFile: string }> }} */
      const { targets } = JSON.parse(readFileSync(join(folder, config), 'utf8'));
      return Object.entries(targets).map(([target, { outFile }]) => ({ config, target, outFile }));
    });
  }

  /** The files below a folder, as paths from there, sorted. @param {string} folder */
  files(folder) {
    return readdirSync(join(this.folder, folder), { recursive: true, encoding: 'utf8' })
      .filter(name => name.endsWith('.ts'))
      .sort();
  }

  /** @param {string} path */
  read(path) {
    return readFileSync(join(this.folder, path), 'utf8');
  }

  /** @param {string} path @param {string} text */
  write(path, text) {
    writeFileSync(join(this.folder, path), text);
  }

  /**
   * Compiles a build and its variants for tests, and returns the bytes of all of them. Without optimization, which takes
   * longer than everything else and changes no bit of the results.
   * @param {Build} build
   */
  async compile(build) {
    const targets = this.targets.filter(({ target }) => target === (build === 'debug' ? 'debug' : 'relaxed'));
    /** @type {Uint8Array[]} */
    const modules = [];
    for (const { config, target, outFile } of targets) {
      const words = ['node_modules/assemblyscript/bin/asc.js', '--config', config];
      words.push('--target', target, '--optimizeLevel', '0');
      const { status, output } = await this.#node(words);
      if (status !== 0) throw new Error(`the kernels do not compile: ${output}`);
      const compiled = readFileSync(join(this.folder, outFile));
      const bytes = build === 'debug' ? compiled : bothBuilds(compiled)[build];
      writeFileSync(join(this.folder, outFile.replace(target, build)), bytes);
      modules.push(bytes);
    }
    return Buffer.concat(modules);
  }

  /** Keeps the kernels that are compiled now for `restoreKernels`. */
  keepKernels() {
    cpSync(join(this.folder, 'build'), join(this.folder, 'sound'), { recursive: true });
  }

  restoreKernels() {
    cpSync(join(this.folder, 'sound'), join(this.folder, 'build'), { recursive: true });
  }

  /**
   * Runs tests on the kernels compiled last, up to the first that fails.
   * @param {string} project of vitest.config.ts
   * @param {readonly string[]} tests files or folders
   * @returns {Promise<Run>}
   */
  async test(project, tests) {
    const report = join(this.folder, 'report.json');
    rmSync(report, { force: true });
    const { output, hangs } = await this.#node([
      ...['node_modules/vitest/vitest.mjs', 'run', '--project', project, ...tests, '--bail', '1'],
      ...['--testNamePattern', NAMES, '--pool', 'threads', '--no-file-parallelism'],
      ...['--reporter', 'verbose', '--reporter', 'json', `--outputFile.json=${report}`],
    ]);
    if (hangs) return { passed: 0, failure: 'a call hangs' };
    const { numPassedTests, testResults } = this.#parse(report, output);
    const failures = testResults.flatMap(({ name, status, message, assertionResults }) => {
      const file = relative(this.folder, name);
      const failed = assertionResults.filter(test => test.status === 'failed').map(test => `${file}: ${test.fullName}`);
      return failed.length === 0 && status === 'failed' && message ? [`${file}: ${message}`] : failed;
    });
    return { passed: numPassedTests, failure: failures[0] };
  }

  /**
   * @typedef {object} Suite
   * @property {string} name
   * @property {string} status
   * @property {string} [message]
   * @property {{ status: string, fullName: string }[]} assertionResults
   *
   * @param {string} report
   * @param {string} output shown if there is no report
   * @returns {{ numPassedTests: number, testResults: Suite[] }}
   */
  #parse(report, output) {
    try {
      return JSON.parse(readFileSync(report, 'utf8'));
    } catch {
      throw new Error(`vitest wrote no report: ${output.slice(-2000)}`);
    }
  }

  /**
   * @param {readonly string[]} words
   * @returns {Promise<{ status: number, output: string, hangs: boolean }>}
   */
  #node(words) {
    const child = spawn(process.execPath, words, { cwd: this.folder });
    let output = '';
    let hangs = false;
    const stop = () => {
      hangs = true;
      child.kill('SIGKILL');
    };
    let timer = setTimeout(stop, SILENCE);
    const hear = (/** @type {Buffer} */ bytes) => {
      output += bytes;
      clearTimeout(timer);
      timer = setTimeout(stop, SILENCE);
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    return new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', code => {
        clearTimeout(timer);
        resolve({ status: code ?? 1, output, hangs });
      });
    });
  }
}
