// onnxruntime-web runs what `toOnnx` makes.

import { loadOnnxRuntimeWeb } from '../../scripts/onnxruntime.js';
import { testRuntime } from './runs.ts';

testRuntime(await loadOnnxRuntimeWeb());
