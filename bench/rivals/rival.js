/**
 * The interface of all rivals, including our package. Each file of this folder adapts one package or program to it.
 */

import { timed, timedAsync } from '../harness.js';

/** @typedef {import('../workloads.js').Workload} Workload */
/** @typedef {import('../workloads.js').Data} Data */
/** @typedef {import('../workloads.js').Kind} Kind */

/**
 * @typedef {object} Rival
 * @property {string} name
 * @property {string} version of the package, and settings that affect its speed
 * @property {number} [threads] those on which it runs; default 1
 * @property {string} [differs] why its results cannot be compared with ours, and what is timed instead; such a rival is
 *   not checked, and its results are marked
 * @property {'sgd' | 'adam'} checkedWith the optimizer of the comparison. SGD is the same everywhere, but PyTorch
 *   and TF.js add the epsilon of Adam at another place than Keras
 * @property {boolean} [compiles] whether the first call of a model also compiles it
 * @property {(workload: Workload, kind: Kind) => string} limitation why it cannot run a workload; empty if it can
 * @property {(setup: Setup) => Promise<Model>} build
 * @property {(workload: Workload) => Promise<Measure>} [create] times the creation of a model with initial weights
 * @property {any} [library] the library, if it has the API of TF.js, for programs that run on both
 * @property {() => Promise<unknown>} [choose] must be awaited before the library is used
 * @property {() => void} [close]
 */

/**
 * @typedef {object} Setup
 * @property {Workload} workload
 * @property {Float32Array[]} weights in the order and layout of Keras
 * @property {Data} data
 * @property {'adam' | 'sgd' | 'none'} optimizer 'none' if the model is not trained
 * @property {number} learningRate
 */

/** @typedef {(calls: number) => number | Promise<number>} Measure milliseconds for a number of calls */

/**
 * A network with weights and data in place, so that only the call is timed.
 * @typedef {object} Model
 * @property {() => Float32Array | Promise<Float32Array>} outputs predicts once; [B, T, O]
 * @property {() => number | Promise<number>} train trains one step; returns the loss before it
 * @property {(kind: Kind) => Measure} measure
 * @property {() => void | Promise<void>} dispose
 */

/**
 * `measure` of a model whose calls are synchronous.
 * @param {() => unknown} predict
 * @param {() => unknown} train
 * @returns {(kind: Kind) => Measure}
 */
export const measured = (predict, train) => kind => timed(kind === 'train' ? train : predict);

/**
 * `measure` of a model whose calls return promises.
 * @param {() => Promise<unknown>} predict
 * @param {() => Promise<unknown>} train
 * @returns {(kind: Kind) => Measure}
 */
export const measuredAsync = (predict, train) => kind => timedAsync(kind === 'train' ? train : predict);

/** The name of a rival on a number of threads. @type {(name: string, threads: number) => string} */
export const named = (name, threads) => (threads > 1 ? `${name}, ${threads} threads` : name);

/** For rivals that only predict. @returns {never} */
export function cannotTrain() {
  throw new Error('this rival cannot train');
}

/**
 * Imports a package of bench/package.json without type checking, because it may not be installed.
 * @param {string} name
 * @returns {Promise<any>}
 */
export const load = name => import(name);
