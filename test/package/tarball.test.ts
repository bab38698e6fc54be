/** The packed package, installed in another folder: imported, trained and type-checked. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'lstm-wasm-package-'));
let files: string[] = [];

const npm = (cwd: string, ...words: string[]) =>
  execFileSync('npm', [...words, '--loglevel', 'error'], {
    cwd,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });

const run = (name: string, source: string) => {
  writeFileSync(join(folder, name), source);
  return execFileSync(process.execPath, [name], { cwd: folder, encoding: 'utf8' });
};

beforeAll(() => {
  const [packed] = JSON.parse(npm(root, 'pack', '--json', '--ignore-scripts', '--pack-destination', folder));
  files = packed.files.map(({ path }: { path: string }) => path);
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'user', private: true, type: 'module' }));
  npm(folder, 'install', '--no-audit', '--no-fund', join(folder, packed.filename));
}, 120_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the tarball', () => {
  it('contains the package, its types and the kernels, and nothing else', () => {
    for (const file of [
      'dist/index.js',
      'dist/index.d.ts',
      'dist/bullmq.js',
      'dist/bundler/index.js',
      'dist/cli.js',
      'dist/core.js',
      'dist/core/index.d.ts',
      'dist/data.js',
      'dist/forecast.js',
      'dist/keras.js',
      'dist/layers.js',
      'dist/LIBRARIES.md',
      'dist/onnx.js',
      'dist/plot.js',
      'dist/plot-node.js',
      'dist/predict.js',
      'dist/safetensors.js',
      'dist/scale.js',
      'dist/task-thread.js',
      'dist/thread.js',
      'dist/turbo.js',
      'dist/worker.js',
    ]) {
      expect(files).toContain(file);
    }
    expect(files).toEqual(expect.arrayContaining(['dist/kernels.wasm', 'dist/kernels-relaxed.wasm']));
    expect(files).toEqual(expect.arrayContaining(['README.md', 'LICENSE', 'package.json']));
    const unexpected = files.filter(file => !/^(dist\/|README\.md|LICENSE|package\.json)/.test(file));
    expect(unexpected).toEqual([]);
  });

  it('Node reads at most four files of the package up to the first training step', () => {
    const hooks = `export async function load(url, context, next) {
      if (url.includes('/lstm-wasm/dist/')) console.log(url.split('/').at(-1));
      return next(url, context);
    }`;
    const read = run(
      'files.mjs',
      `import { register } from 'node:module';
       register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(hooks)}));
       const { layers, sequential } = await import('lstm-wasm');
       const model = sequential({ layers: [layers.lstm({ units: 2, inputShape: [3, 1] })] });
       model.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
       model.trainOnBatch(new Float32Array(3), new Float32Array(2));`,
    );
    const names = read.trim().split('\n');
    expect(names[0]).toBe('index.js');
    expect(names.length).toBeLessThanOrEqual(4);
  });

  it('npm install installs this package and no other', () => {
    const { packages } = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8'));
    expect(Object.keys(packages).filter(path => path !== '')).toEqual(['node_modules/lstm-wasm']);
  });

  it('the installed package trains the seed program', () => {
    const out = run(
      'train.mjs',
      `import * as lw from 'lstm-wasm';
       import { sineCosine } from 'lstm-wasm/data';
       lw.setRandomSeed(1);
       const model = lw.sequential();
       model.add(lw.layers.lstm({ units: 20, returnSequences: true, stateful: true, batchInputShape: [50, 20, 1] }));
       model.add(lw.layers.timeDistributed({ layer: lw.layers.dense({ units: 1 }) }));
       model.compile({ optimizer: lw.train.adam(0.006), loss: 'meanSquaredError' });
       const batches = sineCosine();
       const losses = [];
       for (let step = 0; step < 200; step++) {
         const { xs, ys } = batches.next().value;
         losses.push(model.trainOnBatch(xs, ys));
       }
       console.log(JSON.stringify(losses));`,
    );
    const losses: number[] = JSON.parse(out);
    expect(Math.min(...losses)).toBeLessThan(0.02);
  });

  it('the core needs no DOM, and lstm-wasm/plot draws in Node', () => {
    const out = run(
      'plot.mjs',
      `import { registerHooks } from 'node:module';
       import * as lw from 'lstm-wasm';
       const before = process.memoryUsage().heapUsed > 0 && globalThis.document === undefined;
       const { predictionPlot } = await import('lstm-wasm/plot');
       const svg = predictionPlot({}).update({ target: [0, 1], prediction: [0, 0.5] }).toSVG();
       console.log(JSON.stringify({ before, svg: svg.slice(0, 5) }));`.replace(/^import \{ registerHooks.*\n/, ''),
    );
    expect(JSON.parse(out)).toEqual({ before: true, svg: '<svg ' });
  });

  it('writes ONNX and safetensors, and names the package that Keras files need', () => {
    const out = run(
      'travel.mjs',
      `import * as lw from 'lstm-wasm';
       import { loadKerasModel, toKeras } from 'lstm-wasm/keras';
       import { loadOnnxModel, toOnnx } from 'lstm-wasm/onnx';
       import { loadSafetensors, toSafetensors } from 'lstm-wasm/safetensors';
       const model = lw.sequential({ layers: [lw.layers.gru({ units: 3, inputShape: [4, 2] })] });
       await model.save('file://saved');
       const copies = [await lw.loadLayersModel('file://saved'), await loadOnnxModel(toOnnx(model))];
       loadSafetensors(copies[0], toSafetensors(model));
       copies[0].restore(model.snapshot());
       const reasons = await Promise.all([toKeras(model), loadKerasModel(new Uint8Array(9))].map(p => p.catch(e => e)));
       const sameClass = [...copies.map(copy => copy.constructor === model.constructor), reasons.map(e => e instanceof lw.ValueError)];
       console.log(JSON.stringify({ sameClass, message: reasons[0].message }));`,
    );
    const { sameClass, message } = JSON.parse(out);
    expect(sameClass.flat()).toEqual([true, true, true, true]);
    expect(message).toContain('npm install h5wasm');
  });

  it('lstm-wasm/predict predicts with the bits of the full package', () => {
    const out = run(
      'predict.mjs',
      `import { sequential } from 'lstm-wasm';
       import * as layers from 'lstm-wasm/layers';
       import { dense, loadModel, lstm } from 'lstm-wasm/predict';
       const model = sequential({ layers: [layers.lstm({ units: 6, inputShape: [4, 2] }), layers.dense({ units: 1 })] });
       await model.save('file://for-predict');
       const small = await loadModel('file://for-predict', { layers: [lstm, dense] });
       const x = [[[1, 2], [3, 4], [5, 6], [7, 8]]];
       console.log(JSON.stringify([[...small.predict(x).data], [...model.predict(x).dataSync()]]));`,
    );
    const [small, full] = JSON.parse(out);
    expect(small).toEqual(full);
  });

  it('lstm-wasm/core trains to the bits of the full package, and lacks the parts that it does not use', () => {
    const train = (entry: string) =>
      run(
        'core.mjs',
        `import { sequential, train } from '${entry}';
         import * as layers from 'lstm-wasm/layers';
         const model = sequential({ seed: 1 });
         model.add(layers.lstm({ units: 6, inputShape: [4, 2] }));
         model.add(layers.dense({ units: 1 }));
         model.compile({ optimizer: train.adam(0.01), loss: 'meanSquaredError' });
         const x = [[[1, 2], [3, 4], [5, 6], [7, 8]]];
         await model.fit(x, [[1]], { epochs: 3, verbose: 0, validationData: [x, [[1]]] });
         await model.save({ save: async () => ({}) });
         const message = part => { try { part(); return 'none'; } catch (error) { return error.message; } };
         console.log(JSON.stringify({
           weights: model.getWeights().map(weight => [...weight.dataSync()]),
           messages: [
             () => model.stream(), () => model.snapshot(), () => model.summary(), () => model.evaluate(x, [[1]]),
             () => model.compile({ optimizer: 'sgd', loss: 'mse' }), () => model.compile({ optimizer: 'adam', loss: 'mae' }),
             () => model.trainOnBatch(x, [[1]], { sampleWeight: [1] }), () => layers.dense({ units: 1, activation: 'elu' }),
             () => layers.lstm({ units: 1, usePeepholes: true }), () => layers.lstm({ units: 1, dropout: 0.1 }),
             () => layers.dense({ units: 1, kernelInitializer: 'heNormal' }), () => model.setUserDefinedMetadata({}),
           ].map(message),
         }));`,
      );
    const core = JSON.parse(train('lstm-wasm/core').trim().split('\n').at(-1)!);
    const full = JSON.parse(train('lstm-wasm').trim().split('\n').at(-1)!);
    expect(core.weights).toEqual(full.weights);
    expect(full.messages).toEqual(core.messages.map(() => 'none'));
    expect(core.messages.map((message: string) => /needs use\((\w+)\)/.exec(message)?.[1] ?? message)).toEqual([
      ...['streams', 'snapshots', 'inspection', 'evaluation', 'optimizers', 'lossesAndMetrics', 'sampleWeights'],
      ...['activations', 'lstmVariants', 'recurrentDropout', 'namedOptions', 'metadata'],
    ]);
  });

  it('use adds parts to a program of lstm-wasm/core, and throws if a value is not a part', () => {
    const out = run(
      'use.mjs',
      `import * as core from 'lstm-wasm/core';
       import * as layers from 'lstm-wasm/layers';
       const { sequential, use, train, ...all } = core;
       const parts = Object.values(all).filter(value => value?.constructor.name === 'Part');
       try { use(core.streams, 'streams'); } catch (error) { console.log(error.message); }
       use(...parts, ...parts);
       const model = sequential({ seed: 1 });
       model.add(layers.lstm({ units: 3, inputShape: [2, 1], usePeepholes: true, activation: 'elu', recurrentDropout: 0.1 }));
       model.add(layers.dense({ units: 2, activation: 'softmax', kernelInitializer: 'heNormal', kernelRegularizer: 'l2' }));
       model.compile({ optimizer: 'rmsprop', loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
       const [x, y] = [[[[1], [2]]], [[0, 1]]];
       const results = model.trainOnBatch(x, y, { sampleWeight: [0.5] });
       model.restore(model.snapshot());
       console.log(results.every(Number.isFinite), model.stream().step([1]).length, model.evaluate(x, y).length);
       console.log(model.predict(x).argMax(-1).shape.join(), parts.length);`,
    );
    expect(out.trim().split('\n')).toEqual([
      "use: parts must be parts of 'lstm-wasm/core', got 'streams'",
      'true 2 2',
      '1 15',
    ]);
  });

  it('a model trains in a worker, which does not keep the process alive', () => {
    const out = run(
      'worker.mjs',
      `import { layers } from 'lstm-wasm';
       import { connect } from 'lstm-wasm/worker';
       const model = await connect({ seed: 1 }).sequential({ layers: [layers.gru({ units: 3, inputShape: [2, 1] })] });
       await model.compile({ optimizer: 'adam', loss: 'mse' });
       console.log(typeof (await model.trainOnBatch([[[1], [2]]], [[0, 1, 0]])));`,
    );
    expect(out.trim()).toBe('number');
  });

  it('a model in a worker works in a program passed to node --eval', () => {
    const source = `import { layers } from 'lstm-wasm';
       import { connect } from 'lstm-wasm/worker';
       const model = await connect({ seed: 1 }).sequential({ layers: [layers.gru({ units: 3, inputShape: [2, 1] })] });
       console.log(await model.countParams(), (await model.predict([[[1], [2]]])).shape.join());`;
    const args = ['--input-type=module', '--eval', source];
    expect(execFileSync(process.execPath, args, { cwd: folder, encoding: 'utf8' }).trim()).toBe('54 1,3');
  });

  it('init accepts a module compiled from the exported wasm file', () => {
    const out = run(
      'init.mjs',
      `import { readFileSync } from 'node:fs';
       import { createRequire } from 'node:module';
       import * as lw from 'lstm-wasm';
       const file = createRequire(import.meta.url).resolve('lstm-wasm/kernels.wasm');
       lw.init({ module: new WebAssembly.Module(readFileSync(file)) });
       const model = lw.sequential({ layers: [lw.layers.lstm({ units: 3, inputShape: [4, 2] })] });
       console.log(lw.backendInfo().simd, model.predict([[[1, 2], [3, 4], [5, 6], [7, 8]]]).shape.join());`,
    );
    expect(out.trim()).toBe('strict 1,3');
  });

  it.each([
    ['nodenext', { module: 'nodenext', moduleResolution: 'nodenext' }],
    ['bundler', { module: 'esnext', moduleResolution: 'bundler' }],
  ])('the types compile with %s resolution, also without skipLibCheck', (_name, options) => {
    writeFileSync(
      join(folder, 'types.ts'),
      `import { type Tensor, layers, sequential, train } from 'lstm-wasm';
       import { sineCosine } from 'lstm-wasm/data';
       import { loadKerasModel } from 'lstm-wasm/keras';
       import { type ToOnnxOptions, toOnnx } from 'lstm-wasm/onnx';
       import { lossPlot, predictionPlot, showPlot, writeSVG } from 'lstm-wasm/plot';
       import { dense, loadModel, lstm, type Numbers } from 'lstm-wasm/predict';
       import { toSafetensors } from 'lstm-wasm/safetensors';
       import 'lstm-wasm/turbo';
       import { type RemoteSequential, connect } from 'lstm-wasm/worker';
       const model = sequential();
       model.add(layers.lstm({ units: 4, kernelInitializer: 'glorotUniform', inputShape: [null, 1] }));
       model.add(layers.dense({ units: 1, activation: 'tanh' }));
       model.compile({ optimizer: train.adam(0.01), loss: 'mse' });
       const { xs } = sineCosine().next().value;
       const loss = model.trainOnBatch(xs, new Float32Array(50)) as number;
       const out: Tensor = model.predict(xs);
       const plot = predictionPlot({ title: String(loss) }).update({ target: out.dataSync(), prediction: [1] });
       const paths: string[] = [showPlot(plot), showPlot(plot, 'a.svg'), writeSVG('a.svg', plot)];
       model.fit(xs, xs).then(history => lossPlot().update(history).update(history.history));
       const files: Uint8Array[] = [toOnnx(model, { opset: 15 } satisfies ToOnnxOptions), toSafetensors(model)];
       const again: Promise<Tensor[]> = loadKerasModel(files[0]!).then(keras => keras.getWeights());
       const small: Promise<Numbers> = loadModel('model.json', { layers: [lstm, dense] }).then(one => one.predict([[[1]]]));
       const remote: Promise<RemoteSequential> = connect({ seed: 1 }).sequential({ layers: [] });
       const fit = (there: RemoteSequential) => there.fit(xs, xs, { epochs: 2, signal: AbortSignal.timeout(9), wait: true });
       const rows: Promise<number[][]> = remote.then(there => there.getWeights()).then(all => all.map(one => one.shape));
       // @ts-expect-error an unknown option
       remote.then(there => there.predict(xs, { wait: true }));
       // @ts-expect-error an unknown option
       layers.lstm({ unit: 4 });
       // @ts-expect-error an unknown loss
       model.compile({ optimizer: 'adam', loss: 'meanSquaredErrors' });`,
    );
    expect(compile('types.ts', { ...options, lib: ['es2023', 'dom'] })).toBe('');
  });

  it('the types compile in Node programs without the DOM library', () => {
    // All entry points except lstm-wasm/plot, whose plots are elements of a page.
    const entries = [
      '',
      '/data',
      '/forecast',
      '/keras',
      '/kernels.wasm',
      '/layers',
      '/onnx',
      '/predict',
      '/safetensors',
      '/turbo',
      '/worker',
    ];
    writeFileSync(
      join(folder, 'node.ts'),
      entries.map((entry, n) => `export * as e${n} from 'lstm-wasm${entry}';\n`).join(''),
    );
    const options = {
      module: 'nodenext',
      lib: ['es2023'],
      types: ['node'],
      typeRoots: [join(root, 'node_modules/@types')],
    };
    expect(compile('node.ts', options)).toBe('');
  });

  it('the types use no syntax that TypeScript 5.0 does not support', () => {
    const declarations = files.filter(file => file.endsWith('.d.ts'));
    expect(declarations.length).toBeGreaterThan(50);
    for (const file of declarations) {
      const text = readFileSync(join(folder, 'node_modules/lstm-wasm', file), 'utf8');
      expect(text, file).not.toMatch(/\w+Array<ArrayBuffer/); // typed arrays have no type parameter before 5.7
    }
  });
});

/** The errors that tsc reports for a file in the user's folder, libraries included; empty on success. */
function compile(file: string, options: object): string {
  const compilerOptions = {
    types: [],
    ...options,
    strict: true,
    noEmit: true,
    target: 'es2023',
    skipLibCheck: false,
    skipDefaultLibCheck: true,
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: [file] }));
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  try {
    return execFileSync(process.execPath, [tsc, '-p', folder], { cwd: folder, encoding: 'utf8' });
  } catch (error) {
    return (error as { stdout: string }).stdout;
  }
}
