/** lstm-wasm/turbo in separate processes, since V8 flags cannot be unset, on the running Node and other installed ones. */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type NodeBinary, nodesHere } from '../../scripts/nodes.js';

const dist = new URL('../../dist/', import.meta.url);
const importTurbo = `await import('${new URL('turbo.js', dist).href}');`;

/** Prints the kernels in use, trains the seed program for 100 steps, and prints a hash of its weights. */
const train = `
  const { createHash } = await import('node:crypto');
  const lw = await import('${new URL('index.js', dist).href}');
  const { sineCosine } = await import('${new URL('data.js', dist).href}');
  lw.configure({ simd: process.argv[1] });
  lw.setRandomSeed(1);
  const model = lw.sequential();
  model.add(lw.layers.lstm({ units: 20, returnSequences: true, stateful: true, batchInputShape: [50, 20, 1] }));
  model.add(lw.layers.timeDistributed({ layer: lw.layers.dense({ units: 1 }) }));
  model.compile({ optimizer: lw.train.adam(0.006), loss: 'meanSquaredError' });
  const batches = sineCosine();
  for (let step = 0; step < 100; step++) {
    const { xs, ys } = batches.next().value;
    model.trainOnBatch(xs, ys);
    // V8 replaces code by optimized code between tasks
    if (step % 10 === 9) await new Promise(resolve => setTimeout(resolve, 10));
  }
  const hash = createHash('sha256');
  for (const weight of model.getWeights()) hash.update(weight.dataSync());
  const { simd, turbo } = lw.backendInfo();
  console.log(JSON.stringify({ simd, turbo, weights: hash.digest('hex') }));
`;

function run(node: NodeBinary, program: string, simd = 'auto') {
  const args = ['--input-type=module', '--eval', program, simd];
  const env = { ...process.env, NODE_OPTIONS: '' };
  return JSON.parse(execFileSync(node.path, args, { encoding: 'utf8', env }));
}

describe.each(nodesHere().map(node => [node.version, node] as const))('Node %s', (_version, node) => {
  const { major } = node;

  it('backendInfo reports the flags that turbo set', () => {
    const { simd, turbo } = run(node, importTurbo + train);
    if (major === 20) expect({ simd, turbo }).toEqual({ simd: 'relaxed', turbo: ['relaxed-simd'] });
    else
      expect({ simd, turbo }).toEqual({
        simd: 'relaxed',
        turbo: major >= 24 && process.arch === 'x64' ? ['revectorize'] : [],
      });
  });

  it('the strict build computes the same bits with turbo', () => {
    const { weights } = run(node, train, 'strict');
    expect(run(node, importTurbo + train, 'strict')).toMatchObject({ simd: 'strict', weights });
  });

  it('turbo has no effect after the kernels have started', () => {
    const late = `(await import('${new URL('index.js', dist).href}')).backendInfo(); ${importTurbo} ${train}`;
    const { simd, turbo } = run(node, late);
    expect({ simd, turbo }).toEqual({ simd: major === 20 ? 'strict' : 'relaxed', turbo: [] });
  });

  it.each([
    ['is not Node', 'globalThis.process = undefined;'],
    ['imitates Node', "Object.defineProperty(process, 'versions', { value: { ...process.versions, bun: '1.3.0' } });"],
  ])('turbo sets no flags in a host that %s', (_what, disguise) => {
    const program = `const { log } = console; ${disguise} ${importTurbo}
      log(JSON.stringify(globalThis[Symbol.for('lstm-wasm.turbo')].flags));`;
    expect(run(node, program)).toEqual([]);
  });
});

it('turbo.js imports only relative modules, which browsers and bundlers can resolve', () => {
  const imports = [
    ...readFileSync(new URL('turbo.js', dist), 'utf8').matchAll(/\bfrom\s+"([^"]+)"|\bimport\("([^"]+)"\)/g),
  ];
  for (const [, from, dynamic] of imports) expect(from ?? dynamic).toMatch(/^\.\//);
});
