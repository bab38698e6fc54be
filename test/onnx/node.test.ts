// Runs models exported by `toOnnx` in onnxruntime-node, if `npm run bench:peers` has installed it.

import { describe, test } from 'vitest';
import { loadOnnxRuntimeNode } from '../../scripts/onnxruntime.js';
import { testGraphs } from './graphRuns.ts';
import { testRuntime } from './runs.ts';

const ort = loadOnnxRuntimeNode();

if (ort) {
  describe('onnxruntime-node', () => {
    testRuntime(ort);
    testGraphs(ort);
  });
} else test.skip('onnxruntime-node runs exported models (skipped: bench/node_modules does not have it)', () => {});
