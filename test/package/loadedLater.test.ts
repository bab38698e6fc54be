/** What a model loads when it is first called for, in processes of their own that have loaded nothing yet. */

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const dist = fileURLToPath(new URL('../../dist/bundler/', import.meta.url));

/** Runs a program with a compiled model, and returns what it prints as JSON. */
function run(program: string): unknown {
  const text = `
    import { layers, sequential } from '${dist}index.js';
    const model = sequential({ seed: 1 });
    model.add(layers.dense({ units: 1, inputShape: [1] }));
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const [x, y] = [[[1], [2]], [[2], [4]]];
    const weight = () => model.getWeights()[0].dataSync()[0];
    ${program}`;
  return JSON.parse(execFileSync(process.execPath, ['--input-type=module', '-e', text], { encoding: 'utf8' }));
}

describe('code that is loaded later', () => {
  test('the first save writes the weights and the optimizer as they were at the call', () => {
    const [before, saved, steps] = run(`
      const before = weight();
      let artifacts;
      const saving = model.save({ save: async given => { artifacts = given; return {}; } }, { includeOptimizer: true });
      model.trainOnBatch(x, y);
      await saving;
      const { data } = model;
      const { userDefinedMetadata, weightData } = artifacts;
      const bytes = Array.isArray(weightData) ? weightData[0] : weightData;
      console.log(JSON.stringify([before, new Float32Array(bytes.slice(0, 4))[0], userDefinedMetadata.lstmWasm.batches]));
    `) as number[];
    expect(saved).toBe(before);
    expect(steps).toBe(0);
  });

  test('the first save checks its arguments in the order of later ones', () => {
    const messages = run(`
      const message = async call => { try { await call(); return null; } catch (error) { return error.message; } };
      const calls = [() => model.save(5, { no: 1 }), () => model.save({ save() {} }, { no: 1 })];
      const first = [];
      for (const call of calls) first.push(await message(call));
      const later = [];
      for (const call of calls) later.push(await message(call));
      model.dispose();
      console.log(JSON.stringify([first, later]));
    `) as string[][];
    expect(messages[0]![0]).toMatch(/^model\.save: /);
    expect(messages[0]).toEqual(messages[1]);
  });

  test('stopTraining stops the first fit if it is set right after the call', () => {
    const epochs = run(`
      const training = model.fit(x, y, { epochs: 20, verbose: 0 });
      model.stopTraining = true;
      console.log(JSON.stringify((await training).epoch.length));
    `);
    expect(epochs).toBeLessThan(20);
  });

  test('rejects a second fit in the tick of the first', () => {
    const results = run(`
      const both = await Promise.allSettled([model.fit(x, y, { verbose: 0 }), model.fit(x, y, { verbose: 0 })]);
      console.log(JSON.stringify(both.map(({ status, reason }) => reason?.message ?? status)));
    `) as string[];
    expect(results[0]).toBe('fulfilled');
    expect(results[1]).toContain('already being trained');
  });
});
