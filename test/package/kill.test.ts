/** Kills programs at random moments while they train and save; the files on disk must be complete. */

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { RandomGenerator } from '../../src/util/randomGenerator.ts';

vi.setConfig({ testTimeout: 600_000 });

const dist = new URL('../../dist/', import.meta.url).href;

/** A user program, identical at every start. */
const program = (file: string) => `
  import { createHash } from 'node:crypto';
  import * as lw from '${dist}index.js';
  lw.configure({ simd: 'strict' });
  lw.setRandomSeed(5);
  const x = lw.randomNormal([60, 6, 3]);
  const y = x.sum(1).slice([0, 0], [60, 1]);
  const model = lw.sequential();
  model.add(lw.layers.lstm({ units: 96, dropout: 0.1, recurrentDropout: 0.1, inputShape: [6, 3] }));
  model.add(lw.layers.dense({ units: 1 }));
  model.compile({ optimizer: lw.train.adam({ learningRate: 0.01, useEma: true, amsgrad: true }), loss: 'mse' });
  let batches = 0;
  const onBatchEnd = () => {
    if (batches++ === 0) console.log('has trained a batch');
  };
  const { history } = await model.fit(x, y, {
    epochs: 30,
    batchSize: 5,
    validationSplit: 0.2,
    verbose: 0,
    callbacks: [
      { onBatchEnd },
      lw.callbacks.reduceLROnPlateau({ patience: 1, factor: 0.7 }),
      ${file && `lw.callbacks.modelCheckpoint({ file: ${JSON.stringify(file)}, every: { batches: 1 }, resume: true }),`}
      lw.callbacks.earlyStopping({ patience: 12, restoreBestWeights: true }),
    ],
  });
  const hash = createHash('sha256');
  for (const weight of model.getWeights()) hash.update(weight.dataSync());
  console.log(hash.digest('hex'), JSON.stringify(history));
`;

/**
 * Resolves to the last line that the program prints, or to null if it was killed.
 *
 * @param kill milliseconds after its start, or after its first output
 */
function run(code: string, kill: { started?: number; trained?: number } = {}): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--input-type=module', '--eval', code]);
    let out = '';
    let errors = '';
    const killIn = (milliseconds?: number) => {
      if (milliseconds !== undefined) setTimeout(() => child.kill('SIGKILL'), milliseconds);
    };
    killIn(kill.started);
    child.stdout.on('data', data => {
      if (out === '') killIn(kill.trained);
      out += data;
    });
    child.stderr.on('data', data => {
      errors += data;
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (signal === 'SIGKILL') resolve(null);
      else if (code === 0) resolve(out.trimEnd().split('\n').at(-1)!);
      else reject(new Error(errors));
    });
  });
}

/** The number of batches that a snapshot was trained on; throws if the file is not complete. */
async function batchesOf(file: string): Promise<number> {
  const bytes = new Uint8Array(readFileSync(file));
  const { readBlock } = await import('../../src/saving/snapshot/format.ts');
  const { header } = readBlock({ call: 'test', part: 'file' }, bytes);
  return (header.optimizer as { batches: number }).batches;
}

/** Whether the kills are a valid test: files changed between them, and at least one came during a write. Gives up after 200. */
const isConclusive = (kills: number, moved: number, interrupted: number) =>
  kills >= 200 || (moved > 5 && interrupted > 0);

it.concurrent('a training run that is killed and restarted many times ends with the same bits', async ({
  onTestFinished,
}) => {
  const expected = await run(program(''));
  expect(expected).toMatch(/^[0-9a-f]{64} \{"val_loss":/);

  const folder = mkdtempSync(join(tmpdir(), 'lstm-wasm-kill-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'training.snapshot');
  const random = new RandomGenerator(8);
  let reads = 0;
  let watching = true;
  const watch = (async () => {
    while (watching) {
      if (existsSync(file)) {
        await batchesOf(file);
        reads++;
      }
      await new Promise(resolve => setTimeout(resolve, 3));
    }
  })();

  let last = 0;
  let interrupted = 0;
  let moved = 0;
  for (let kills = 0; kills < 12 || !isConclusive(kills, moved, interrupted); kills++) {
    const moment = kills % 4 === 3 ? { started: random.below(400) } : { trained: random.below(200) };
    expect(await run(program(file), moment)).toBe(null);
    const now = existsSync(file) ? await batchesOf(file) : 0;
    expect(now).toBeGreaterThanOrEqual(last);
    moved += Number(now > last);
    last = now;
    interrupted += Number(readdirSync(folder).length > 1);
  }
  const end = await run(program(file));
  watching = false;
  await watch;
  expect(end).toBe(expected);
  expect(await run(program(file))).toBe(expected); // a start after the training has finished
  expect(isConclusive(0, moved, interrupted)).toBe(true);
  expect(reads).toBeGreaterThan(100);
  expect(readdirSync(folder)).toEqual(['training.snapshot']);
});

/** Saves one model after the other to the same folder: all weights of a model equal the number in its metadata. */
const saver = (folder: string, from: number) => `
  import * as lw from '${dist}index.js';
  const model = lw.sequential({ layers: [lw.layers.dense({ units: 200, inputShape: [200] })] });
  const shapes = model.getWeights().map(({ shape }) => shape);
  console.log('started');
  for (let n = ${from}; ; n++) {
    model.setWeights(shapes.map(shape => lw.fill(shape, n)));
    model.setUserDefinedMetadata({ n });
    await model.save(${JSON.stringify(`file://${folder}`)});
  }
`;

it.concurrent('a folder whose save was killed holds the old or the new model', async ({ onTestFinished }) => {
  const folder = mkdtempSync(join(tmpdir(), 'lstm-wasm-kill-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const { loadLayersModel } = await import('../../src/index.ts');
  const random = new RandomGenerator(9);
  let last = 0;
  let moved = 0;
  let interrupted = 0;
  for (let kills = 0; kills < 12 || !isConclusive(kills, moved, interrupted); kills++) {
    expect(await run(saver(folder, last + 1), { trained: random.below(250) })).toBe(null);
    interrupted += Number(readdirSync(folder).length > 2);
    if (!existsSync(join(folder, 'model.json'))) continue;
    const model = await loadLayersModel(`file://${folder}`);
    const { n } = model.getUserDefinedMetadata() as { n: number };
    for (const weight of model.getWeights()) expect(weight.dataSync().every(value => value === n)).toBe(true);
    model.dispose();
    expect(n).toBeGreaterThanOrEqual(last);
    moved += Number(n > last);
    last = n;
  }
  expect(isConclusive(0, moved, interrupted)).toBe(true);
  const model = await loadLayersModel(`file://${folder}`);
  await model.save(`file://${folder}`);
  expect(readdirSync(folder).sort()).toEqual(['model.json', 'weights.bin']);
});
