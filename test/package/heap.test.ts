/** The JavaScript heap and the linear memory do not grow while a program trains. */

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const dist = new URL('../../dist/', import.meta.url).href;

const program = `
  import * as lw from '${dist}index.js';
  import { sineCosine } from '${dist}data.js';
  const model = lw.sequential();
  model.add(lw.layers.lstm({ units: 20, returnSequences: true, stateful: true, batchInputShape: [50, 20, 1] }));
  model.add(lw.layers.timeDistributed({ layer: lw.layers.dense({ units: 1 }) }));
  model.compile({ optimizer: lw.train.adam(0.006), loss: 'meanSquaredError' });
  const batches = sineCosine();
  const { xs, ys } = batches.next().value;
  const measured = [];
  for (let step = 1; step <= 10000; step++) {
    model.trainOnBatch(xs, ys);
    model.predict(xs);
    if (step === 4000 || step === 10000) {
      for (let k = 0; k < 4; k++) {
        gc();
        await new Promise(resolve => setTimeout(resolve, 5));
      }
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      measured.push({ heapUsed, arrayBuffers, memory: lw.backendInfo().memoryBytes });
    }
  }
  console.log(JSON.stringify(measured));
`;

it('memory does not grow between 4,000 and 10,000 training steps', { timeout: 60_000 }, () => {
  const args = ['--expose-gc', '--input-type=module', '--eval', program];
  const cwd = fileURLToPath(new URL('../../', import.meta.url));
  const [early, late] = JSON.parse(execFileSync(process.execPath, args, { cwd, encoding: 'utf8' }));
  expect(late.memory).toBe(early.memory);
  expect(late.arrayBuffers).toBeLessThanOrEqual(early.arrayBuffers);
  // The code of V8 varies by about 200 KB; leaking one object per step would add more.
  expect(late.heapUsed - early.heapUsed).toBeLessThan(6000 * 50);
});
