/**
 * A copy of what kernels and their tests are made of, in a folder of its own: faults are planted there, so that neither
 * the sources nor build/ of the checkout ever hold one.
 */

import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** What a run of the tests may take before it counts as hung, in milliseconds. */
const PATIENCE = 900_000;

/** Not the tests that measure time: with so much going on beside them they could fail without a fault. */
const NAMES = '^(?!.*the time of a step)';

/**
 * @typedef {'strict' | 'joined'} Project
 *
 * @typedef {object} Run
 * @property {number} passed
 * @property {string | undefined} failure the first test that failed, with its file; undefined where all passed
 */

/** The target of asconfig.testing.json that a project of vitest.config.ts runs on. */
const targets = { strict: 'strict', joined: 'debug' };

export class Tree {
  /**
   * @param {string} root of the checkout, with a slash at its end; its kernels must have been built
   * @param {string} folder which must not exist
   */
  constructor(root, folder) {
    this.root = root;
    this.folder = folder;
    mkdirSync(join(folder, 'build'), { recursive: true });
    const own = (/** @type {string} */ path) => basename(path) !== 'node_modules';
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
      cpSync(`${root}${name}`, join(folder, name), { recursive: true, filter: own });
    symlinkSync(`${root}node_modules`, join(folder, 'node_modules'), 'junction');
  }

  get sources() {
    return readdirSync(join(this.folder, 'assembly'), { recursive: true, encoding: 'utf8' }).filter(name =>
      name.endsWith('.ts'),
    );
  }

  /** @param {string} file of assembly/ */
  read(file) {
    return readFileSync(join(this.folder, 'assembly', file), 'utf8');
  }

  /**
   * @param {string} file of assembly/
   * @param {string} text
   */
  write(file, text) {
    writeFileSync(join(this.folder, 'assembly', file), text);
  }

  /**
   * Compiles the kernels for a project, and returns them. Without optimization, which takes longer than all the rest and
   * changes no bit of what they compute.
   * @param {Project} project
   */
  async compile(project) {
    const target = targets[project];
    const words = ['node_modules/assemblyscript/bin/asc.js', '--config', 'asconfig.testing.json'];
    words.push('--target', target, '--optimizeLevel', '0');
    const { status, output } = await this.node(words);
    if (status !== 0) throw new Error(`the kernels do not compile: ${output}`);
    const built = join(this.folder, 'build', target === 'debug' ? 'debug.wasm' : `testing-${target}.wasm`);
    // The tests of the facade run on the build that ships; here the one with the exports for tests takes its place
    if (target !== 'debug') cpSync(built, join(this.folder, 'build', `${target}.wasm`));
    return readFileSync(built);
  }

  /**
   * Runs tests on the kernels compiled last, up to the first that fails.
   * @param {Project} project
   * @param {readonly string[]} tests files or folders under test/
   * @returns {Promise<Run>}
   */
  async test(project, tests) {
    const report = join(this.folder, 'report.json');
    rmSync(report, { force: true });
    const { output } = await this.node([
      ...['node_modules/vitest/vitest.mjs', 'run', '--project', project, ...tests.map(test => `test/${test}`)],
      ...[
        '--bail',
        '1',
        '--testNamePattern',
        NAMES,
        '--pool',
        'threads',
        '--no-file-parallelism',
        '--reporter',
        'json',
        '--outputFile',
        report,
      ],
    ]);
    /** @type {{ numPassedTests: number, testResults: Suite[] }} */
    const { numPassedTests, testResults } = parse(report, output);
    const failures = testResults.flatMap(({ name, status, message, assertionResults }) => {
      const file = name.slice(name.lastIndexOf('/') + 1);
      const tests = assertionResults.filter(test => test.status === 'failed').map(test => `${file}: ${test.fullName}`);
      return tests.length === 0 && status === 'failed' && message ? [`${file}: ${message}`] : tests;
    });
    return { passed: numPassedTests, failure: failures[0] };
  }

  /**
   * @param {readonly string[]} words
   * @returns {Promise<{ status: number, output: string }>}
   */
  node(words) {
    const options = { cwd: this.folder, timeout: PATIENCE, killSignal: /** @type {const} */ ('SIGKILL') };
    return new Promise(resolve => {
      execFile(process.execPath, words, { ...options, maxBuffer: 1 << 26 }, (error, stdout, stderr) =>
        resolve({
          status: error ? 1 : 0,
          output: `${error?.killed ? 'stopped after minutes\n' : ''}${stderr}${stdout}`,
        }),
      );
    });
  }
}

/**
 * @typedef {object} Suite
 * @property {string} name
 * @property {string} status
 * @property {string} [message]
 * @property {{ status: string, fullName: string }[]} assertionResults
 *
 * @param {string} report
 * @param {string} output what to show where there is none
 */
function parse(report, output) {
  try {
    return JSON.parse(readFileSync(report, 'utf8'));
  } catch {
    throw new Error(`the tests came to no end: ${output.slice(-2000)}`);
  }
}
