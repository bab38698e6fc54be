/**
 * `npm start`: makes the checkout ready, then runs the seed program.
 * The flags are read before anything is installed, so that a mistyped one fails at once.
 */

import { parseArgs } from 'node:util';
import { ready } from './ready.js';

const flags = /** @type {const} */ ({
  steps: { type: 'string', default: '501', means: 'batches to train on' },
  units: { type: 'string', default: '20', means: 'units of the LSTM' },
  batch: { type: 'string', default: '50', means: 'sequences in a batch' },
  'time-steps': { type: 'string', default: '20', means: 'steps of a sequence' },
  'learning-rate': { type: 'string', default: '0.006', means: 'step size of Adam' },
  seed: { type: 'string', default: '1', means: 'an integer; it determines the initial weights' },
  simd: { type: 'string', default: 'auto', means: 'kernels: auto, strict or relaxed' },
  out: { type: 'string', default: 'out', means: 'folder for the pictures' },
  help: { type: 'boolean', default: false, means: 'this text' },
});

const usage = `Trains an LSTM to turn a sine into a cosine, and draws what it has learned.

  npm start -- [flags]

${Object.entries(flags)
  .map(([name, flag]) => {
    const defaultText = 'default' in flag && flag.type === 'string' ? ` (${flag.default})` : '';
    return `  --${`${name}${flag.type === 'string' ? ' X' : ''}`.padEnd(18)}${flag.means}${defaultText}`;
  })
  .join('\n')}
`;

/** @returns {never} */
function exitWith(/** @type {string} */ sentence) {
  console.error(`npm start: ${sentence}`);
  process.exit(1);
}

function read() {
  try {
    return parseArgs({ options: flags, allowPositionals: false }).values;
  } catch (error) {
    const [sentence] = /** @type {Error} */ (error).message.split(/\.\s/);
    return exitWith(`${sentence}; npm start -- --help lists the flags`);
  }
}

const values = read();
if (values.help) {
  console.log(usage);
  process.exit(0);
}

/** @type {(name: 'steps' | 'units' | 'batch' | 'time-steps' | 'seed', least: number) => number} */
const whole = (name, least) => {
  const value = Number(values[name]);
  if (values[name]?.trim() === '' || !Number.isSafeInteger(value) || value < least) {
    exitWith(`--${name} must be an integer of at least ${least}, got '${values[name]}'`);
  }
  return value;
};

const learningRate = Number(values['learning-rate']);
if (!(learningRate > 0 && learningRate < Infinity)) {
  exitWith(`--learning-rate must be a number above 0, got '${values['learning-rate']}'`);
}
if (!['auto', 'strict', 'relaxed'].includes(values.simd ?? '')) {
  exitWith(`--simd must be auto, strict or relaxed, got '${values.simd}'`);
}

const options = {
  steps: whole('steps', 1),
  units: whole('units', 1),
  batchSize: whole('batch', 1),
  timeSteps: whole('time-steps', 2),
  seed: whole('seed', 0),
  learningRate,
  simd: /** @type {'auto' | 'strict' | 'relaxed'} */ (values.simd),
  out: values.out ?? 'out',
};

try {
  await ready();
  const { run } = await import('../examples/sine-cosine.js');
  await run(options);
} catch (error) {
  if (/** @type {Error} */ (error).name !== 'ValueError') throw error;
  exitWith(/** @type {Error} */ (error).message);
}
