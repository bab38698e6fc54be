/** The page's run as a program: the same data, the same network, the same numbers. */

import { seriesOf } from '../own/series.ts';
import type { Settings } from '../settings.ts';
import type { Task } from '../tasks/task.ts';

/** The last step it trains, and how many there are from one printed cost to the next. */
const last = 500;
const often = 10;

/** A whole file: TypeScript that runs in Node and, bundled, in pages. */
export function programOf(settings: Settings, task: Task): string {
  const { batch, timeSteps, seed, cell, units, layers, stateful, optimizer, learningRate } = settings;
  const own = settings.task === 'drawn' || settings.task === 'csv';
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
    `// ${task.title}. To run it: npm install lstm-wasm, and then node program.ts (from Node 24 on) or npx tsx program.ts`,
    '',
    "import * as lw from 'lstm-wasm';",
    task.source.replace(/^export (?=(async )?(function|const|let|class|interface|type)\b)/gm, '').trim(),
    '',
    ...(own ? [listOf('series', seriesOf(settings)), ''] : []),
    '// Rounds exactly, and so it gives the same numbers on every machine',
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

/** Numbers as a constant, each as short as it can be without becoming another. */
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
