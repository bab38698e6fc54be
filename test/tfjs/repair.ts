/**
 * Adds what TF.js 4.22 accepts but ignores (clipping, constraints, masks, regularizers of cells), so that lstm-wasm can be
 * compared with the gradients of TF.js. docs/differences.md lists these differences.
 */

import type { Program } from './programs.ts';
import type { Library } from './resetAfter.ts';

export interface Repair {
  compile(optimizer: Library): void;
  beforeBatch(x: Library): void;
  /** Loss and metrics. The loss includes regularization penalties, which TF.js adds only in training. */
  evaluate(x: Library, y: Library): number[];
  afterBatch(): void;
}

export function repairTfjs(tf: Library, model: Library, program: Program): Repair {
  for (const layer of model.layers) penalizeCells(layer);
  let mask: Library = null;
  return {
    compile(optimizer) {
      clip(tf, optimizer, program.optimizer.clip ?? {});
      if (optimizer.centered) optimizer.epsilon = -optimizer.epsilon; // TF.js subtracts it under the root
      model.compile({ optimizer, loss: lossOf(tf, program.loss), metrics: program.metrics });
      if (program.output.masked) model.model.lossFunctions = [masked(tf, model.model.lossFunctions[0], () => mask)];
    },
    beforeBatch(x) {
      mask?.dispose();
      mask = program.output.masked ? tf.keep(maskOf(tf, model, x)) : null;
    },
    evaluate: (x, y) =>
      tf.tidy(() => {
        const scalars = [model.evaluate(x, y, { batchSize: program.batch })].flat();
        const [loss, ...metrics] = scalars.map((scalar: Library) => scalar.dataSync()[0]);
        const penalties = model.model.calculateLosses().map((penalty: Library) => penalty.dataSync()[0]);
        return [penalties.reduce((sum: number, penalty: number) => sum + penalty, loss), ...metrics];
      }),
    afterBatch: () => constrain(model),
  };
}

/** Adds the regularizers of cells to the losses of their layers, because TF.js ignores them. */
function penalizeCells(layer: Library): void {
  const inner = layer.forwardLayer ? [layer.forwardLayer, layer.backwardLayer] : [layer];
  const cells = inner.flatMap(({ cell }) => cell?.cells ?? (cell ? [cell] : []));
  const owner = layer.forwardLayer ? layer.layer : layer;
  owner.addLoss(cells.flatMap((cell: Library) => cell.losses));
}

/** Sets the weights of a layer without its constraints, which `setWeights` would apply. */
export function assignWeights(layer: Library, weights: readonly Library[]): void {
  for (const [n, weight] of weights.entries()) layer.weights[n].val.assign(weight);
}

/** Applies constraints after an update. TF.js applies them only when a weight is set. */
function constrain(model: Library): void {
  for (const layer of model.layers) {
    if (layer.trainable) layer.setWeights(layer.getWeights().map((weight: Library) => weight.clone()));
  }
}

/** Clips gradients, which no TF.js optimizer does. */
function clip(tf: Library, optimizer: Library, limits: Record<string, number>): void {
  const { clipNorm, clipValue, globalClipNorm } = limits;
  const apply = optimizer.applyGradients.bind(optimizer);
  optimizer.applyGradients = (gradients: { name: string; tensor: Library }[]) =>
    tf.tidy(() => {
      const norms = gradients.map(({ tensor }) => tf.norm(tensor).dataSync()[0] as number);
      const globalNorm = Math.hypot(...norms);
      const clipped = gradients.map(({ name, tensor }, n) => {
        if (clipValue) return { name, tensor: tf.clipByValue(tensor, -clipValue, clipValue) };
        if (clipNorm) return { name, tensor: tf.mul(tensor, Math.min(1, clipNorm / norms[n]!)) };
        if (globalClipNorm) return { name, tensor: tf.mul(tensor, Math.min(1, globalClipNorm / globalNorm)) };
        return { name, tensor };
      });
      apply(clipped);
    });
}

/** The mean over unmasked time steps, because TF.js losses ignore the mask. */
function masked(tf: Library, loss: Library, mask: () => Library): Library {
  return (yTrue: Library, yPred: Library) => tf.div(tf.sum(tf.mul(loss(yTrue, yPred), mask())), tf.sum(mask()));
}

/** A loss as TF.js takes it in `compile`. */
export const lossOf = (tf: Library, loss: string): Library => (loss === 'huberLoss' ? huberLoss(tf) : loss);

/** The Huber loss per sample and time step. TF.js has no name for it in compile. */
function huberLoss(tf: Library): Library {
  return (yTrue: Library, yPred: Library) =>
    tf.mean(tf.losses.huberLoss(yTrue, yPred, undefined, 1, tf.Reduction.NONE), -1);
}

/** The mask of the first layer, [B, T]: 1 for time steps that are not masked. */
function maskOf(tf: Library, model: Library, x: Library): Library {
  return tf.tidy(() => tf.cast(model.layers[0].computeMask(x), 'float32'));
}

/** Adds the epsilon of Adam where Keras adds it, which shows in gradients that are hardly larger. */
export function moveEpsilon(optimizer: Library, { kind, args }: Program['optimizer'], step: number): void {
  if (kind !== 'adam') return;
  const [, , beta2, epsilon] = args as number[];
  optimizer.epsilon = epsilon! / Math.sqrt(1 - beta2! ** (step + 1));
}

let isPredicting = false;

/**
 * Runs a graph whose layers predict. The models themselves are told that they train, because TF.js otherwise disposes of
 * values that are still in use.
 */
export function predicting<T>(run: () => T): T {
  isPredicting = true;
  try {
    return run();
  } finally {
    isPredicting = false;
  }
}

/**
 * Lets a layer of a graph have its own arguments: TF.js passes mask and initial states of one layer to all layers after it.
 * Masks of merged inputs follow Keras 3; TF.js gives them a wrong shape.
 *
 * @param masked whether the first input of all calls of the layer has a mask
 */
export function repairCalls(tf: Library, layer: Library, masked: boolean): void {
  if (Object.hasOwn(layer, 'apply')) return;
  const { apply } = layer;
  let last: { inputs: Library[]; predicting: boolean; outputs: Library } | null = null;
  layer.apply = (inputs: Library, options?: Library) => {
    const isSymbolic = [inputs].flat()[0] instanceof tf.SymbolicTensor;
    const training = isPredicting && !layer.layers ? false : options?.training;
    const own = isSymbolic ? options : { training, ...(masked && { mask: options?.mask }) };
    if (isSymbolic || !layer.layers) return apply.call(layer, inputs, own);
    // TF.js runs a model again for each of its outputs, and so updates its moving statistics more than once
    const list: Library[] = [inputs].flat();
    if (last?.predicting !== isPredicting || list.some((input, n) => input !== last?.inputs[n])) {
      last = { inputs: list, predicting: isPredicting, outputs: apply.call(layer, inputs, own) };
    }
    return last.outputs;
  };
  if (!('mergeFunction' in layer)) return;
  layer.computeMask = (_: unknown, masks: Library[] | null) => {
    if (!masks || masks.includes(null) || masks.includes(undefined)) return null;
    return tf.tidy(() => masks.reduce((a, b) => tf.logicalOr(a, b)));
  };
}
