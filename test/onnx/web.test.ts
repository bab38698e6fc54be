// Runs models exported by `toOnnx` in onnxruntime-web.

import { loadOnnxRuntimeWeb } from '../../scripts/onnxruntime.js';
import { testRuntime } from './runs.ts';

testRuntime(await loadOnnxRuntimeWeb());
