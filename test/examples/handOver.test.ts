// Runs the programs of examples/hand-over.md in a browser, in Node, in Python and in ONNX Runtime, and compares their
// output with that in the text.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { expect, test } from 'vitest';
import demo from '../../demo/vite.config.ts';
import { installOnnxRuntime } from '../../scripts/onnxruntime.js';
import { browsers, launch } from '../browser/browsers.ts';
import { serve } from '../browser/site.ts';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const text = readFileSync(path('../../examples/hand-over.md'), 'utf8');
const PYTHON = '/usr/bin/python3';
/** A folder inside the package, so that the programs can import the package by name. */
const folder = path('../../build/hand-over');

/** A program of the text. */
const program = (name: string) => new RegExp(`title=${name.replace('.', '\\.')}\\n([\\s\\S]*?)\`\`\``).exec(text)![1]!;
/** The output of a command in the text. */
const printed = (command: string) => text.split(`\n${command}\n\`\`\``)[1]!.split('```text\n')[1]!.split('```')[0]!;
/** The numbers in an output, compared to two decimals because their last digits differ between machines. */
const numbers = (output: string) => [...output.matchAll(/-?\d+\.?\d*/g)].map(([digits]) => Number(digits));
const words = (output: string) => output.replace(/-?\d+\.?\d*/g, '#');

const chromium = browsers.find(({ name }) => name === 'chromium');
const hasTorch = spawnSync(PYTHON, ['-c', 'import torch, numpy'], { stdio: 'ignore' }).status === 0;

function expectAsPrinted(command: string, output: string): void {
  expect(words(output)).toBe(words(printed(command)));
  for (const [n, value] of numbers(output).entries()) expect(value).toBeCloseTo(numbers(printed(command))[n]!, 2);
}

test.skipIf(!chromium?.executable || !hasTorch)(
  'the programs of hand-over.md print the output shown in the text',
  { timeout: 300_000 },
  async () => {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    for (const name of ['pack.js', 'train_on.py', 'export.js']) writeFileSync(join(folder, name), program(name));

    // Builds the page and presses its button.
    const source = join(folder, 'source');
    mkdirSync(source);
    writeFileSync(join(source, 'index.html'), program('page.html'));
    const outDir = join(folder, 'page');
    await build({
      root: source,
      configFile: false,
      logLevel: 'warn',
      resolve: demo.resolve,
      build: { outDir, emptyOutDir: true, chunkSizeWarningLimit: Number.POSITIVE_INFINITY },
    });
    const site = await serve(outDir);
    const browser = await launch(chromium!, { dark: false, reducedMotion: false });
    try {
      const page = await browser.newPage();
      const client = await page.createCDPSession();
      await client.send('Browser.setDownloadBehavior', {
        behavior: 'allow',
        downloadPath: folder,
        eventsEnabled: true,
      });
      const done = new Promise<void>(resolve => {
        let pending = 2;
        client.on('Browser.downloadProgress', ({ state }) => {
          if (state === 'completed' && --pending === 0) resolve();
        });
      });
      await page.goto(site.url);
      await page.waitForFunction('document.title === "Trained"', { timeout: 120_000 });
      await page.click('button');
      await done;
    } finally {
      await browser.close();
      await site.close();
    }

    const run = (command: string, ...args: string[]) => execFileSync(command, args, { cwd: folder, encoding: 'utf8' });
    expectAsPrinted('node pack.js', run(process.execPath, 'pack.js'));
    const trained = run(PYTHON, 'train_on.py');
    expectAsPrinted('python3 train_on.py', trained);
    expect(numbers(trained)[3]).toBeLessThan(numbers(trained)[1]!);
    const exported = run(process.execPath, 'export.js');
    expectAsPrinted('node export.js', exported);

    // ONNX Runtime is installed in another folder, for the tests only.
    await installOnnxRuntime();
    const servePath = path('../onnx/.hand-over.mjs');
    writeFileSync(servePath, program('serve.js'));
    try {
      const served = run(process.execPath, servePath);
      expectAsPrinted('node serve.js', served);
      expect(numbers(served)[0]).toBeCloseTo(numbers(exported)[0]!, 4);
    } finally {
      rmSync(servePath);
    }
  },
);
