/** All rivals, and the reasons why some are not available. */

import os from 'node:os';
import { brain } from './brain.js';
import { jax } from './jax.js';
import { onnxRuntime, onnxRuntimeOnThreads } from './onnxruntime.js';
import { ours } from './ours.js';
import { plain } from './plain.js';
import { inNode } from './remote.js';
import { named } from './rival.js';
import { tfjs } from './tfjs.js';
import { tfjsInPage } from './tfjsPage.js';
import { hasTorch, PYTHON, torch } from './torch.js';
import { missingTurbo, turbo } from './turbo.js';

/** @typedef {import('./rival.js').Rival} Rival */

const node = Number(process.versions.node.split('.')[0]);

/** @typedef {{ name: string, missing?: () => string, start: () => Rival | Promise<Rival> }} Candidate */

const missingTorch = () => (hasTorch() ? '' : `${PYTHON} has no torch`);

/** @type {Candidate[]} */
const candidates = [
  { name: 'strict', start: () => ours('strict') },
  { name: 'relaxed', start: () => ours('relaxed') },
  { name: 'turbo', missing: missingTurbo, start: () => turbo() },
  { name: 'plain JavaScript', start: () => plain('plain JavaScript') },
  { name: 'tuned JavaScript', start: () => plain('tuned JavaScript') },
  { name: 'TF.js wasm', start: () => tfjs('wasm') },
  { name: 'TF.js cpu', start: () => tfjs('cpu') },
  { name: 'jax-js', missing: () => (node < 24 ? `needs Node 24, this is ${process.version}` : ''), start: jax },
  { name: 'brain.js', start: brain },
  { name: 'ONNX Runtime web', start: () => onnxRuntime('web') },
  { name: 'ONNX Runtime node', start: () => onnxRuntime('node') },
  { name: 'PyTorch', missing: missingTorch, start: () => torch() },
  ...onThreads(Math.min(4, os.availableParallelism())),
];

/** Those that have threads, each in a process of its own. @param {number} threads @returns {Candidate[]} */
function onThreads(threads) {
  const missing = () => (threads > 1 ? '' : 'this machine has one core');
  /** @param {'strict' | 'relaxed'} simd */
  const own = simd => {
    const name = named(simd, threads);
    return {
      name,
      missing,
      start: () => inNode({ file: 'ours', name: 'ours', args: [simd, { threads }] }, { name, threads }),
    };
  };
  return [
    own('strict'),
    own('relaxed'),
    { name: named('turbo', threads), missing: () => missing() || missingTurbo(), start: () => turbo(threads) },
    { name: named('TF.js wasm', threads), missing, start: () => tfjsInPage(threads) },
    { name: named('ONNX Runtime web', threads), missing, start: () => onnxRuntimeOnThreads('web', threads) },
    { name: named('ONNX Runtime node', threads), missing, start: () => onnxRuntimeOnThreads('node', threads) },
    { name: named('PyTorch', threads), missing: () => missing() || missingTorch(), start: () => torch(threads) },
  ];
}

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
