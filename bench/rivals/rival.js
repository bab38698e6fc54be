/**
 * What every rival offers, ourselves included. A file of this folder adapts one package (or one kind of program) to it.
 */

import { timed, timedAsync } from '../harness.js';

/** @typedef {import('../workloads.js').Workload} Workload */
/** @typedef {import('../workloads.js').Data} Data */
/** @typedef {import('../workloads.js').Kind} Kind */

/**
 * @typedef {object} Rival
 * @property {string} name
 * @property {string} version of the package, with what else decides its speed
 * @property {string} [differs] why its numbers cannot be compared with ours, and what is timed instead; such a rival is
 *   not checked, and its rows are marked
 * @property {'sgd' | 'adam'} checkedWith the optimizer it is compared under. Gradient descent has the same form
 *   everywhere, Adam does not: its epsilon stands elsewhere in PyTorch and TF.js than in Keras
 * @property {boolean} [compiles] whether the first call of a model does more than the later ones
 * @property {(workload: Workload, kind: Kind) => string} refuses why it cannot run a workload; empty where it can
 * @property {(setup: Setup) => Promise<Model>} build
 * @property {(workload: Workload) => Promise<Measure>} [create] times the making of a model with initial weights
 * @property {any} [library] where it has the names of TF.js: itself, for programs that run on both
 * @property {() => Promise<unknown>} [choose] to be awaited before the library is used
 * @property {() => void} [close]
 */

/**
 * @typedef {object} Setup
 * @property {Workload} workload
 * @property {Float32Array[]} weights in Keras's order and layout
 * @property {Data} data
 * @property {'adam' | 'sgd' | 'none'} optimizer none where nothing will be trained
 * @property {number} learningRate
 */

/** @typedef {(calls: number) => number | Promise<number>} Measure milliseconds for so many calls */

/**
 * A network with its weights and its data in place, so that the clock sees nothing but the call.
 * @typedef {object} Model
 * @property {() => Float32Array | Promise<Float32Array>} outputs predicts once; [B, T, O]
 * @property {() => number | Promise<number>} train one step; the loss before it
 * @property {(kind: Kind) => Measure} measure
 * @property {() => void | Promise<void>} dispose
 */

/**
 * Of a model whose calls return at once.
 * @param {() => unknown} predict
 * @param {() => unknown} train
 * @returns {(kind: Kind) => Measure}
 */
export const measured = (predict, train) => kind => timed(kind === 'train' ? train : predict);

/**
 * Of a model whose calls return promises.
 * @param {() => Promise<unknown>} predict
 * @param {() => Promise<unknown>} train
 * @returns {(kind: Kind) => Measure}
 */
export const measuredAsync = (predict, train) => kind => timedAsync(kind === 'train' ? train : predict);

/** For rivals that only predict. @returns {never} */
export function cannotTrain() {
  throw new Error('this rival cannot train');
}

/**
 * Imports a package that only bench/package.json knows, and that is there only after an installation: the one place
 * where the type checker must not look.
 * @param {string} name
 * @returns {Promise<any>}
 */
export const load = name => import(name);
