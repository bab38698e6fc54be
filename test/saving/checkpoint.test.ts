// modelCheckpoint with a file: writes complete snapshots, as often as `every` says, and resumes from them.

import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  callbacks,
  configure,
  layers,
  type ModelCheckpointArgs,
  type Sequential,
  sequential,
  setRandomSeed,
  Tensor,
  train,
  ValueError,
} from 'lstm-wasm';
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { expectBits } from '../compare.ts';
import { Random } from '../reference/random.ts';

configure({ simd: 'strict' });
const folder = mkdtempSync(join(tmpdir(), 'lstm-wasm-checkpoint-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let number = 0;
let file: string;
beforeEach(() => {
  setRandomSeed(1);
  file = join(folder, `training${number++}`);
});

const x = new Tensor(Float32Array.from(new Random(1).normals([10, 2, 2]).data), [10, 2, 2]);
const y = new Tensor(Float32Array.from(new Random(2).normals([10, 1]).data), [10, 1]);
/** The file, and the files whose names start with its name. */
const beside = () =>
  readdirSync(folder).filter(name => name === basename(file) || name.startsWith(`${basename(file)}.`));
const weightsOf = (model: Sequential) => model.getWeights().flatMap(weight => [...weight.dataSync()]);

function make(): Sequential {
  const model = sequential({ layers: [layers.lstm({ units: 3, inputShape: [2, 2] }), layers.dense({ units: 1 })] });
  model.compile({ optimizer: train.adam(0.02), loss: 'mse' });
  return model;
}

const trained = (model: Sequential, checkpoint: ModelCheckpointArgs, options: object = {}) =>
  model.fit(x, y, {
    verbose: 0,
    batchSize: 2,
    epochs: 4,
    callbacks: callbacks.modelCheckpoint(checkpoint),
    ...options,
  });

/** The positions of the snapshots that a training saves, as [step, epoch, batch]. */
async function snapshotPositions(checkpoint: ModelCheckpointArgs, options?: object): Promise<(number | null)[][]> {
  const list: (number | null)[][] = [];
  const save = (_epoch: number, _logs: unknown, model: Sequential) => {
    const { step, epoch, batch } = make().restore(model.snapshot());
    list.push([step, epoch, batch]);
  };
  await trained(make(), { save, saveBestOnly: false, ...checkpoint }, options);
  return list;
}

describe('every', () => {
  test('modelCheckpoint saves after every n epochs or batches, and at the end of training', async () => {
    expect(await snapshotPositions({})).toEqual([1, 2, 3, 4].map(epoch => [5 * epoch, epoch, 0]));
    expect(await snapshotPositions({ every: 3 })).toEqual([
      [15, 3, 0],
      [20, 4, 0],
    ]);
    expect(await snapshotPositions({ every: { epochs: 2 } })).toEqual([
      [10, 2, 0],
      [20, 4, 0],
    ]);
    expect(await snapshotPositions({ every: { batches: 7 } })).toEqual([
      [7, 1, 2],
      [14, 2, 4],
      [20, 4, 0],
    ]);
    expect(await snapshotPositions({ every: { batches: 100 } })).toEqual([[20, 4, 0]]);
  });

  test('modelCheckpoint saves at the end if a later callback stops training', async () => {
    const list: number[] = [];
    const model = make();
    const save = () => void list.push(model.restore(model.snapshot()).step);
    const checkpoint = callbacks.modelCheckpoint({ save, saveBestOnly: false, every: 10 });
    const onEpochEnd = (epoch: number) => {
      if (epoch === 1) model.stopTraining = true;
    };
    await trained(model, {}, { callbacks: [checkpoint, { onEpochEnd }] });
    expect(list).toEqual([10]);
  });
});

describe('file', () => {
  test('a training resumed after stopTraining was set ends with the same file', async () => {
    const model = make();
    let resume: Uint8Array | null = null;
    const onBatchEnd = (batch: number) => {
      if (batch !== 1) return;
      model.stopTraining = true;
      resume ??= model.snapshot();
    };
    const ends: number[][] = [];
    for (const from of [undefined, () => resume]) {
      const every = callbacks.modelCheckpoint({ file, every: { batches: 100 } });
      await trained(model, {}, { resume: from?.(), callbacks: [every, { onBatchEnd }] });
      ends.push([...readFileSync(file)]);
      rmSync(file);
      expect(model.stopTraining).toBe(true);
    }
    expect(ends[1]).toEqual(ends[0]);
  });

  test('an interrupted training leaves only the file, and resumes from it', async () => {
    const whole = make();
    const begun = whole.snapshot();
    await trained(whole, { file: `${file}.other` });
    const model = make();
    model.restore(begun);
    const stop = {
      onBatchEnd: (batch: number) => {
        if (model.history!.epoch.length === 2 && batch === 3) throw new Error('power failure');
      },
    };
    const checkpoint = callbacks.modelCheckpoint({ file: pathToFileURL(file), every: { batches: 3 }, resume: true });
    await expect(trained(model, {}, { callbacks: [checkpoint, stop] })).rejects.toThrow('power failure');
    expect(beside()).toEqual([basename(file), `${basename(file)}.other`]);
    setRandomSeed(99);
    const other = make();
    expect(make().restore(readFileSync(file))).toEqual({ step: 12, epoch: 2, batch: 2 });
    const again = callbacks.modelCheckpoint({ file, every: { batches: 3 }, resume: true });
    const history = await trained(other, {}, { callbacks: [again, {}] });
    expectBits(weightsOf(other), weightsOf(whole));
    expect(history.epoch).toEqual([0, 1, 2, 3]);
    expect(history.history).toEqual(whole.history!.history);
    // Resuming a finished training changes nothing.
    setRandomSeed(100);
    const last = make();
    await trained(last, {}, { callbacks: [callbacks.modelCheckpoint({ file, resume: true }), {}] });
    expectBits(weightsOf(last), weightsOf(whole));
  });

  test('stopTraining set while the file is read stops training after one batch', async () => {
    const model = make();
    const fit = trained(model, { file, resume: true });
    model.stopTraining = true;
    expect((await fit).epoch).toEqual([0]);
    expect(make().restore(readFileSync(file)).step).toBe(1);
  });

  test('with saveBestOnly, the file holds the snapshot of the best epoch', async () => {
    const model = make();
    const bytes: Uint8Array[] = [];
    const read = () => void bytes.push(readFileSync(file));
    const list = [
      {
        onEpochEnd: (epoch: number, logs?: Record<string, number>) =>
          void Object.assign(logs!, { m: [3, 1, 2, 2][epoch] }),
      },
      callbacks.modelCheckpoint({ file, saveBestOnly: true, monitor: 'm' }),
      { onEpochBegin: (epoch: number) => epoch > 0 && read(), onTrainEnd: read },
    ];
    await trained(model, {}, { callbacks: list });
    expect(make().restore(bytes[0]!).epoch).toBe(1);
    expect(make().restore(bytes[1]!).epoch).toBe(2);
    expectBits(bytes[3]!, bytes[1]!);
  });

  test('the file holds the state of all callbacks, in any order of the list', async () => {
    const events: string[] = [];
    const notes = {
      onEpochBegin: (epoch: number) => void events.push(`epoch ${epoch}`),
      onBatchEnd: (batch: number) => void events.push(`batch ${batch}`),
      onEpochEnd: (epoch: number) => void events.push(`end of ${epoch}`),
    };
    const run = (model: Sequential, stopAt = 0) => {
      let batches = 0;
      const onBatchEnd = () => {
        if (++batches === stopAt) throw new Error('power failure');
      };
      const checkpoint = callbacks.modelCheckpoint({ file, every: { batches: 1 }, resume: true });
      const early = callbacks.earlyStopping({ monitor: 'loss', patience: 9, restoreBestWeights: true });
      return trained(model, {}, { epochs: 2, callbacks: [checkpoint, early, notes, { onBatchEnd }] });
    };
    const whole = make();
    const begun = whole.snapshot();
    const { history } = await run(whole);
    const expected = events.splice(0);
    for (const stopAt of [2, 5, 6, 7, 10]) {
      rmSync(file);
      const model = make();
      model.restore(begun);
      await expect(run(model, stopAt)).rejects.toThrow('power failure');
      events.pop(); // the batch that is not yet in the file
      if (stopAt === 6) events.splice(-2); // the end of epoch 0 is saved with the next batch
      const other = make();
      expect((await run(other)).history).toEqual(history);
      expectBits(weightsOf(other), weightsOf(whole), `after ${stopAt} batches`);
      expect(events.splice(0)).toEqual(expected);
    }
  });

  test('a file that is not a snapshot is rejected by name and left unchanged', async () => {
    writeFileSync(file, 'something else');
    const model = make();
    const before = model.snapshot();
    await expect(trained(model, { file, resume: true })).rejects.toThrow(
      `model.fit: the file '${file}' must be a snapshot, got 14 bytes of another format`,
    );
    expectBits(model.snapshot(), before);
    expect(readFileSync(file, 'utf8')).toBe('something else');
    await trained(model, { file }); // without resume, it is replaced
    expect(make().restore(readFileSync(file)).epoch).toBe(4);
  });

  test.each<[what: string, path: () => string, reason: string | RegExp]>([
    ['a folder', () => file, /got the folder '.*'$/],
    ['in a missing folder', () => join(file, 'missing', 'a'), 'got ENOENT: '],
    ['below a file', () => join(file, 'taken', 'a'), 'got ENOTDIR: '],
  ])('a path that is %s is rejected before training, and no file is left', async (_, path, reason) => {
    mkdirSync(file);
    writeFileSync(join(file, 'taken'), 'something else');
    const model = make();
    const before = model.snapshot(); // weights, optimizer, random numbers
    for (const resume of [false, true]) {
      const onTrainBegin = vi.fn();
      const checkpoint = callbacks.modelCheckpoint({ file: path(), resume });
      const list = [{ onTrainBegin }, checkpoint];
      const error: unknown = await trained(model, {}, { callbacks: list }).catch(thrown => thrown);
      expect(error).toBeInstanceOf(ValueError);
      expect(error).toMatchObject({
        message: expect.stringMatching(/^callbacks\.modelCheckpoint: file must be a file that can be \w+, got /),
      });
      expect(() => {
        throw error;
      }).toThrow(reason);
      expect(onTrainBegin).not.toHaveBeenCalled();
      expectBits(model.snapshot(), before);
    }
    await expect(
      model.fitDataset([{ xs: x, ys: y }], { callbacks: callbacks.modelCheckpoint({ file }) }),
    ).rejects.toThrow('callbacks.modelCheckpoint: file must be');
    expectBits(model.snapshot(), before);
    expect(readdirSync(file)).toEqual(['taken']);
    expect(beside()).toEqual([basename(file)]);
    await trained(model, { file: `${file}.other` }); // the model can be trained again
  });

  test('the file is checked before training even if resume is given', async () => {
    const whole = make();
    const snapshotPositions: Uint8Array[] = [];
    await trained(whole, {}, { callbacks: [{ onEpochEnd: () => void snapshotPositions.push(whole.snapshot()) }, {}] });
    const model = make();
    const before = model.snapshot();
    const missing = callbacks.modelCheckpoint({ file: join(file, 'a') });
    const going = trained(model, {}, { resume: snapshotPositions[0], callbacks: [{}, missing] });
    await expect(going).rejects.toThrow('file must be a file that can be written, got ENOENT');
    expectBits(model.snapshot(), before);
  });

  test('a file that can no longer be written ends training with a ValueError, and leaves no temporary file', async () => {
    const model = make();
    const take = { onEpochEnd: () => mkdirSync(file, { recursive: true }) };
    const error: unknown = await trained(model, {}, { callbacks: [take, callbacks.modelCheckpoint({ file })] }).catch(
      thrown => thrown,
    );
    expect(error).toBeInstanceOf(ValueError);
    expect((error as Error).message).toMatch(
      /^callbacks\.modelCheckpoint: file must be a file that can be written, got the folder '.*'$/,
    );
    expect(beside()).toEqual([basename(file)]);
  });

  test('replacing the file keeps its mode and links to it', async () => {
    writeFileSync(file, '');
    chmodSync(file, 0o640);
    const link = `${file}.link`;
    symlinkSync(basename(file), link);
    await trained(make(), { file: link });
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(statSync(file).mode & 0o777).toBe(0o640);
    expect(make().restore(readFileSync(file)).epoch).toBe(4);
    rmSync(file);
    await trained(make(), { file: link });
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(make().restore(readFileSync(file)).epoch).toBe(4);
    expect(beside()).toEqual([basename(file), basename(link)]);
  });

  test.each([
    ['a FIFO', () => execFileSync('mkfifo', [file]), /got the FIFO '.*'$/],
    ['a device', () => symlinkSync('/dev/null', file), /got the device '.*'$/],
  ])('a path that is %s is rejected before training', async (_, prepare, reason) => {
    prepare();
    const model = make();
    const before = model.snapshot();
    for (const resume of [false, true]) {
      await expect(trained(model, { file, resume })).rejects.toThrow(reason);
      await expect(trained(model, { file, resume })).rejects.toThrow(ValueError);
    }
    expectBits(model.snapshot(), before);
    expect(beside()).toEqual([basename(file)]);
  });

  test('the file holds one complete snapshot after several concurrent trainings write it', async () => {
    const models = [make(), make(), make(), make()];
    const histories = await Promise.all(
      models.map(model => trained(model, { file, every: { batches: 1 } }, { epochs: 6, yieldEvery: 'batch' })),
    );
    expect(histories.map(({ epoch }) => epoch.length)).toEqual([6, 6, 6, 6]);
    expect(make().restore(readFileSync(file)).step).toBe(30);
    expect(beside()).toEqual([basename(file)]);
  });

  test('modelCheckpoint removes the temporary files of killed processes, and no others', async () => {
    const { pid: ended } = spawnSync(process.execPath, ['--version']);
    const long = new Date(Date.now() - 61_000);
    const left = [`${file}.${ended}-0123abcd.tmp`, `${file}.${process.ppid}-0123abcd.tmp`];
    for (const name of left) writeFileSync(name, '');
    utimesSync(left[1]!, long, long);
    const own = `${file}.${process.pid}-0123abcd.tmp`; // of a process with the same id, in an earlier container
    writeFileSync(own, '');
    const before = new Date(Date.now() - process.uptime() * 1000 - 1000);
    utimesSync(own, before, before);
    const others = [process.pid, process.ppid].map(pid => `${file}.${pid}-89abcdef.tmp`);
    others.push(`${file}.${ended}-0123.tmp`, `${file}.tmp`, `${file}.a.tmp`);
    for (const name of others) writeFileSync(name, '');
    await trained(make(), { file });
    expect(beside()).toEqual([file, ...others].map(name => basename(name)).sort());
  });

  test('file is rejected outside of Node', () => {
    vi.stubGlobal('process', undefined);
    expect(() => callbacks.modelCheckpoint({ file })).toThrow(
      'callbacks.modelCheckpoint: file needs Node; in a browser, pass save, a function that stores model.snapshot() elsewhere',
    );
    vi.unstubAllGlobals();
  });
});

test.each<[object, string]>([
  [{ file: '' }, "file must be a path or a file: URL, got ''"],
  [{ file: 7 }, 'file must be a path or a file: URL, got 7'],
  [{ file: new URL('https://a.example/b') }, 'file must be a path or a file: URL, got a URL'],
  [{ file: 'a', save: () => {} }, 'file and save must not both be given'],
  [{ resume: true }, 'resume must be false without file, got true'],
  [{ file: 'a', resume: 1 }, 'resume must be true or false, got 1'],
  [{ file: 'a', every: 0 }, 'every must be an integer of at least 1, got 0'],
  [{ file: 'a', every: 'epoch' }, "every must be a number of epochs, { epochs } or { batches }, got 'epoch'"],
  [{ file: 'a', every: {} }, 'every must have either epochs or batches, got {}'],
  [{ file: 'a', every: { epochs: 1, batches: 1 } }, 'every must have either epochs or batches'],
  [{ file: 'a', every: { batches: 0.5 } }, 'every.batches must be an integer of at least 1, got 0.5'],
  [{ file: 'a', every: { steps: 5 } }, "unknown option 'steps'"],
  [{ every: 2 }, 'every must be absent with saveBestOnly, got 2'],
])('modelCheckpoint rejects %o', (args, message) => {
  expect(() => callbacks.modelCheckpoint(args as never)).toThrow(`callbacks.modelCheckpoint: ${message}`);
});
