// The checker and the type and shape inference of the ONNX project accept our files.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { layers, sequential, setRandomSeed } from 'lstm-wasm';
import { toOnnx } from 'lstm-wasm/onnx';
import { expect, test } from 'vitest';
import { expectClose } from '../compare.ts';
import { graphCases } from './graphModels.ts';
import { cases, layersOf } from './models.ts';

/** A Python that has a module, usually that of Debian. */
const pythonWith = (module: string) =>
  [process.env.PYTHON ?? '', '/usr/bin/python3', 'python3'].find(
    command => command && spawnSync(command, ['-c', `import ${module}`], { stdio: 'ignore' }).status === 0,
  );

const python = pythonWith('onnx');

const script = `
import glob, sys
import onnx
from onnx import checker, shape_inference
for file in sorted(glob.glob(sys.argv[1] + '/*.onnx')):
    model = onnx.load(file)
    checker.check_model(model, full_check=True)
    inferred = shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    print(len(inferred.graph.node))
`;

test.skipIf(!python)(
  `onnx.checker and shape inference pass every layer and graph${python ? '' : ' (skipped: no Python here has the module onnx)'}`,
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'lstm-wasm-onnx-'));
    let count = 0;
    try {
      for (const name of Object.keys(cases)) {
        const model = sequential({ layers: layersOf(name) });
        for (const options of [{}, { states: true, opset: 14 }, { states: 'optional' }] as const) {
          writeFileSync(join(folder, `${count++}.onnx`), toOnnx(model, options));
        }
      }
      for (const { make } of Object.values(graphCases)) {
        for (const options of [{ opset: 14 }, { states: true }] as const) {
          writeFileSync(join(folder, `${count++}.onnx`), toOnnx(make(), options));
        }
      }
      const out = execFileSync(python!, ['-c', script, folder], { encoding: 'utf8' });
      expect(out.trim().split('\n')).toHaveLength(count);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
  120_000,
);

// ONNX Runtime for JavaScript cannot omit optional inputs, so this test runs in Python.
const runtime = pythonWith('onnxruntime');
const inPieces = `
import json, sys
import numpy as np
import onnxruntime
options = onnxruntime.SessionOptions()
options.log_severity_level = 3
session = onnxruntime.InferenceSession(sys.argv[1], options)
x = np.array(json.loads(sys.argv[2]), np.float32)
names = [info.name for info in session.get_outputs()]
feeds, pieces = {}, []
for t in range(x.shape[1]):
    results = dict(zip(names, session.run(None, {'input': x[:, t : t + 1], **feeds})))
    pieces.append(results['output'])
    feeds = {name[:-4]: value for name, value in results.items() if name != 'output'}
whole = session.run(['output'], {'input': x})[0]
print(json.dumps([np.concatenate(pieces, 1).flatten().tolist(), whole.flatten().tolist()]))
`;

test.skipIf(!runtime)(
  `optional states give the same outputs whether omitted or passed${runtime ? '' : ' (skipped: no Python here has the module onnxruntime)'}`,
  () => {
    setRandomSeed(2);
    const model = sequential({
      layers: [
        layers.masking({ inputShape: [null, 1] }),
        layers.lstm({ units: 3, returnSequences: true }),
        layers.gru({ units: 2, returnSequences: true }),
      ],
    });
    const folder = mkdtempSync(join(tmpdir(), 'lstm-wasm-onnx-'));
    try {
      const file = join(folder, 'model.onnx');
      writeFileSync(file, toOnnx(model, { states: 'optional' }));
      const x = [
        [[1], [0], [-1], [2]],
        [[0], [0.5], [0], [1]],
        [[3], [2], [1], [0]],
      ];
      const out = execFileSync(runtime!, ['-c', inPieces, file, JSON.stringify(x)], { encoding: 'utf8' });
      const [pieces, whole] = JSON.parse(out) as [number[], number[]];
      const expected = model.predict(x).dataSync();
      expectClose(whole, expected, { abs: 1e-5, rel: 0 });
      expectClose(pieces, expected, { abs: 1e-5, rel: 0 });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
