/** All rivals, and the reasons why some are not available. */

import { brain } from './brain.js';
import { jax } from './jax.js';
import { onnxRuntime } from './onnxruntime.js';
import { ours } from './ours.js';
import { plain } from './plain.js';
import { tfjs } from './tfjs.js';
import { hasTorch, PYTHON, torch } from './torch.js';
import { missingTurbo, turbo } from './turbo.js';

/** @typedef {import('./rival.js').Rival} Rival */

const node = Number(process.versions.node.split('.')[0]);

/** @type {{ name: string, missing?: () => string, start: () => Rival | Promise<Rival> }[]} */
const candidates = [
  { name: 'strict', start: () => ours('strict') },
  { name: 'relaxed', start: () => ours('relaxed') },
  { name: 'turbo', missing: missingTurbo, start: turbo },
  { name: 'plain JavaScript', start: () => plain('plain JavaScript') },
  { name: 'tuned JavaScript', start: () => plain('tuned JavaScript') },
  { name: 'TF.js wasm', start: () => tfjs('wasm') },
  { name: 'TF.js cpu', start: () => tfjs('cpu') },
  { name: 'jax-js', missing: () => (node < 24 ? `needs Node 24, this is ${process.version}` : ''), start: jax },
  { name: 'brain.js', start: brain },
  { name: 'ONNX Runtime web', start: () => onnxRuntime('web') },
  { name: 'ONNX Runtime node', start: () => onnxRuntime('node') },
  { name: 'PyTorch', missing: () => (hasTorch() ? '' : `${PYTHON} has no torch`), start: torch },
];

/**
 * @returns {Promise<{ rivals: Rival[], absent: { rival: string, why: string }[] }>} our package first; `absent` has those
 *   that cannot be started here
 */
export async function startRivals() {
  const rivals = [];
  const absent = [];
  for (const { name, missing, start } of candidates) {
    const why = missing?.();
    if (why) {
      absent.push({ rival: name, why });
      continue;
    }
    try {
      rivals.push(await start());
    } catch (error) {
      if (name === 'strict') throw error;
      absent.push({ rival: name, why: firstLine(error) });
    }
  }
  return { rivals, absent };
}

/** @param {unknown} error */
export function firstLine(error) {
  return String(error instanceof Error ? error.message : error).split('\n')[0] ?? '';
}
