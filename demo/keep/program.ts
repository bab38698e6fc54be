/** The run of the page as a program, with the same data, network and costs. */

import { seriesOf } from '../own/series.ts';
import type { Settings } from '../settings.ts';
import type { Task } from '../tasks/task.ts';
import { javascriptOf } from './javascript.ts';

/** The last training step, and the number of steps between two printed costs. */
const last = 500;
const often = 10;

/** A whole file: a JavaScript module for Node. */
export function programOf(settings: Settings, task: Task): string {
  const { batch, timeSteps, seed, cell, units, layers, stateful, optimizer, learningRate } = settings;
  const own = settings.task === 'drawn';
  const layer = (n: number) => {
    const sequences = task.everyStep || n < layers;
    const options = [
      `units: ${units}`,
      ...(sequences ? ['returnSequences: true'] : []),
      ...(stateful ? ['stateful: true'] : []),
      ...(n === 1 ? [`batchInputShape: [${batch}, ${timeSteps}, ${task.inputs}]`] : []),
    ];
    return `model.add(lw.layers.${cell}({ ${options.join(', ')} }));`;
  };
  const dense = `lw.layers.dense({ units: ${task.outputs} })`;
  const rates = optimizer === 'momentum' ? `${learningRate}, 0.9` : `${learningRate}`;
  return [
    `// ${task.title}. To run it: npm install lstm-wasm, then node program.mjs`,
    '',
    "import * as lw from 'lstm-wasm';",
    javascriptOf(task.source)
      .replace(/^export (?=function\b)/gm, '')
      .trim(),
    '',
    ...(own ? [listOf('series', seriesOf(settings)), ''] : []),
    '// The strict kernels give the same bits on every machine',
    "lw.configure({ simd: 'strict' });",
    `lw.setRandomSeed(${seed});`,
    '',
    'const model = lw.sequential();',
    ...Array.from({ length: layers }, (_, n) => layer(n + 1)),
    `model.add(${task.everyStep ? `lw.layers.timeDistributed({ layer: ${dense} })` : dense});`,
    `model.compile({ optimizer: lw.train.${optimizer}(${rates}), loss: 'meanSquaredError' });`,
    '',
    `const data = { batch: ${batch}, timeSteps: ${timeSteps}, seed: ${seed}${own ? ', series' : ''} };`,
    'let step = 0;',
    'for (const { xs, ys } of batches(data)) {',
    '  const cost = model.trainOnBatch(xs, ys);',
    `  if (step % ${often} === 0) console.log(\`step \${step}: cost \${cost}\`);`,
    `  if (step++ === ${last}) break;`,
    '}',
    '',
  ].join('\n');
}

/** A constant with numbers, each in the shortest text that reads as the same float32. */
function listOf(name: string, numbers: Float32Array): string {
  const lines = [`const ${name} = Float32Array.of(`];
  let line = ' ';
  for (const value of numbers) {
    const text = ` ${shortest(value)},`;
    if (line.length + text.length > 110) {
      lines.push(line);
      line = ' ';
    }
    line += text;
  }
  return [...lines, line, ');'].join('\n');
}

function shortest(value: number): string {
  for (let digits = 1; digits < 9; digits++) {
    const candidate = Number(value.toPrecision(digits));
    if (Math.fround(candidate) === value) return String(candidate);
  }
  return String(value);
}
