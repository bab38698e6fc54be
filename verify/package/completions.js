/** The completions that an editor offers in a program with the package, by TypeScript's language service. */

import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** The position of the cursor. */
const CURSOR = '|';

/** @type {{ what: string, program: string, offers: string[], not?: string[] }[]} */
const positions = [
  {
    what: 'options of a layer',
    program: "import { layers } from 'lstm-wasm'; layers.lstm({ | })",
    offers: ['units', 'returnSequences', 'stateful', 'kernelInitializer', 'inputShape', 'recurrentDropout'],
  },
  {
    what: 'activations by name',
    program: "import { layers } from 'lstm-wasm'; layers.dense({ units: 1, activation: '|' })",
    offers: ['tanh', 'sigmoid', 'relu', 'softmax'],
  },
  {
    what: 'losses by name',
    program: "import { sequential } from 'lstm-wasm'; sequential().compile({ optimizer: 'adam', loss: '|' })",
    offers: ['meanSquaredError', 'mse', 'binaryCrossentropy', 'huberLoss'],
  },
  {
    what: 'options of an optimizer',
    program: "import { train } from 'lstm-wasm'; train.adam({ | })",
    offers: ['learningRate', 'beta1', 'clipNorm', 'globalClipNorm'],
  },
  {
    what: 'methods of a model, and no internal ones',
    program: "import { sequential } from 'lstm-wasm'; sequential().|",
    offers: ['add', 'compile', 'fit', 'predict', 'trainOnBatch', 'snapshot'],
    not: ['#runner'],
  },
  {
    what: 'options of fit in a worker',
    program:
      "import type { RemoteSequential } from 'lstm-wasm/worker'; const m = {} as RemoteSequential; m.fit([[1]], [[1]], { | })",
    offers: ['epochs', 'callbacks', 'signal', 'wait', 'transfer'],
  },
  {
    what: 'events of callbacks',
    program: "import { sequential } from 'lstm-wasm'; sequential().fit([[1]], [[1]], { callbacks: { | } })",
    offers: ['onEpochEnd', 'onBatchEnd', 'onTrainBegin'],
  },
  {
    what: 'data of a plot',
    program: "import { predictionPlot } from 'lstm-wasm/plot'; predictionPlot().update({ | })",
    offers: ['target', 'prediction', 'time', 'caption'],
  },
];

/**
 * @param {import('../run.js').Context} context
 * @returns {import('../run.js').Outcome[]}
 */
export function offered({ root, home }) {
  /** @type {import('typescript')} */
  const ts = createRequire(`${root}package.json`)('typescript');
  const options = {
    strict: true,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2023,
    lib: ['lib.es2023.d.ts', 'lib.dom.d.ts'],
    types: [],
  };
  const files = positions.map(({ program }, n) => {
    const file = join(home, `completion${n}.mts`);
    writeFileSync(file, program.replace(CURSOR, ''));
    return file;
  });
  const service = ts.createLanguageService({
    getCompilationSettings: () => options,
    getScriptFileNames: () => files,
    getScriptVersion: () => '1',
    getScriptSnapshot: file => {
      const text = ts.sys.readFile(file);
      return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text);
    },
    getCurrentDirectory: () => home,
    getDefaultLibFileName: all => ts.getDefaultLibFilePath(all),
    fileExists: ts.sys.fileExists,
    readFile: ts.sys.readFile,
    readDirectory: ts.sys.readDirectory,
    directoryExists: ts.sys.directoryExists,
    getDirectories: ts.sys.getDirectories,
  });
  try {
    return positions.map(({ what, program, offers, not = [] }, n) => {
      const found = service.getCompletionsAtPosition(files[n] ?? '', program.indexOf(CURSOR), undefined);
      const names = new Set(found?.entries.map(({ name }) => name));
      const missing = offers.filter(name => !names.has(name));
      const unexpected = not.filter(name => names.has(name));
      return {
        what: `an editor offers ${what}`,
        status: missing.length + unexpected.length === 0 ? 'passed' : 'failed',
        note:
          missing.length + unexpected.length === 0
            ? `${names.size} names`
            : `missing: ${missing.join(', ')}; unexpected: ${unexpected.join(', ')}; of ${names.size}`,
      };
    });
  } finally {
    service.dispose();
  }
}
