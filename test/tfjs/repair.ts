/**
 * What TF.js 4.22 accepts and does not do, done for it from outside, so that what lstm-wasm does is compared with TF.js's own
 * gradients: docs/differences.md lists all of it.
 */

import type { Library } from './build.ts';
import type { Program } from './programs.ts';

export interface Repair {
  compile(optimizer: Library): void;
  beforeBatch(x: Library): void;
  /** Loss and metrics; the loss with the penalties of the regularizers, which only training adds in TF.js. */
  evaluate(x: Library, y: Library): number[];
  afterBatch(): void;
}

export function repairTfjs(tf: Library, model: Library, program: Program): Repair {
  for (const layer of model.layers) penalizeCells(layer);
  let mask: Library = null;
  return {
    compile(optimizer) {
      clip(tf, optimizer, program.optimizer.clip ?? {});
      if (optimizer.centered) optimizer.epsilon = -optimizer.epsilon; // it is subtracted under the root
      const loss = program.loss === 'huberLoss' ? huberLoss(tf) : program.loss;
      model.compile({ optimizer, loss, metrics: program.metrics });
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

/** The regularizers of a recurrent layer are noted in its cell, where no loss looks for them. */
function penalizeCells(layer: Library): void {
  const inner = layer.forwardLayer ? [layer.forwardLayer, layer.backwardLayer] : [layer];
  const cells = inner.flatMap(one => (one.cell?.cells ? one.cell.cells : one.cell ? [one.cell] : []));
  const home = layer.forwardLayer ? layer.layer : layer;
  home.addLoss(cells.flatMap((cell: Library) => cell.losses));
}

/** Sets the weights of a layer as they are: its own `setWeights` applies constraints. */
export function assignWeights(layer: Library, weights: readonly Library[]): void {
  for (const [n, weight] of weights.entries()) layer.weights[n].val.assign(weight);
}

/** Constraints are applied where a weight is set to another tensor, but not after an update. */
function constrain(model: Library): void {
  for (const layer of model.layers) {
    if (layer.trainable) layer.setWeights(layer.getWeights().map((weight: Library) => weight.clone()));
  }
}

/** No optimizer clips. */
function clip(tf: Library, optimizer: Library, limits: Record<string, number>): void {
  const { clipNorm, clipValue, globalClipNorm } = limits;
  const apply = optimizer.applyGradients.bind(optimizer);
  optimizer.applyGradients = (gradients: { name: string; tensor: Library }[]) =>
    tf.tidy(() => {
      const norms = gradients.map(({ tensor }) => tf.norm(tensor).dataSync()[0] as number);
      const whole = Math.hypot(...norms);
      const shrunk = gradients.map(({ name, tensor }, n) => {
        if (clipValue) return { name, tensor: tf.clipByValue(tensor, -clipValue, clipValue) };
        if (clipNorm) return { name, tensor: tf.mul(tensor, Math.min(1, clipNorm / norms[n]!)) };
        if (globalClipNorm) return { name, tensor: tf.mul(tensor, Math.min(1, globalClipNorm / whole)) };
        return { name, tensor };
      });
      apply(shrunk);
    });
}

/** The mean over the time steps that count: a loss takes no notice of the mask. */
function masked(tf: Library, loss: Library, mask: () => Library): Library {
  return (yTrue: Library, yPred: Library) => tf.div(tf.sum(tf.mul(loss(yTrue, yPred), mask())), tf.sum(mask()));
}

/** It has no name in compile; like the others it gives a loss for each sample and time step. */
function huberLoss(tf: Library): Library {
  return (yTrue: Library, yPred: Library) =>
    tf.mean(tf.losses.huberLoss(yTrue, yPred, undefined, 1, tf.Reduction.NONE), -1);
}

/** 1 where a time step counts, [B, T]: the mask of the bottom layer, which is handed on. */
function maskOf(tf: Library, model: Library, x: Library): Library {
  return tf.tidy(() => tf.cast(model.layers[0].computeMask(x), 'float32'));
}
