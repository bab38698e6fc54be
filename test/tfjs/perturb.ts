/** Simulates larger rounding errors in a TF.js program: random relative changes of inputs and activations. */

import type { Random } from '../reference/random.ts';
import type { Library } from './build.ts';

const MAX_CHANGE = 2 ** -21;
/** The spacing of float32 numbers above 1. */
const SPACING = 2 ** -23;

/** Changes every number at random by up to MAX_CHANGE of its value: eight roundings. */
export function perturb(values: Float32Array, random: Random): Float32Array {
  return values.map(value => value * (1 + MAX_CHANGE * random.uniform()));
}

/**
 * Changes the results of activations by one rounding, and their derivatives by a rounding of 1. A derivative is computed
 * from terms near 1 (1 - y^2 for tanh), so its error is a rounding of 1, which in saturation is a large relative error.
 */
export function roundActivations(tf: Library, model: Library, random: Random): void {
  const roundings = (shape: number[], around: number) => {
    const size = shape.reduce((a, b) => a * b, 1);
    return tf.tensor(
      Float32Array.from({ length: size }, () => around + Math.sign(random.uniform()) * SPACING),
      shape,
    );
  };
  for (const part of model.layers.flatMap(partsOf)) {
    for (const name of ['activation', 'recurrentActivation']) {
      const activation = part[name];
      if (!activation || activation.getClassName() === 'linear') continue;
      part[name] = {
        getClassName: () => 'rounded', // for activation names that it knows, a dense layer uses fused kernels
        apply(x: Library) {
          const y = tf.mul(activation.apply(x), roundings(x.shape, 1));
          // Zero, with the gradient of x.
          const zero = tf.sub(x, tf.tensor(x.dataSync(), x.shape));
          return tf.add(y, tf.mul(zero, roundings(x.shape, 0)));
        },
      };
    }
  }
}

/** A layer and the layers and cells in it. */
function partsOf(layer: Library): Library[] {
  const inner = [layer.forwardLayer, layer.backwardLayer, layer.cell, ...(layer.cells ?? []), ...(layer.layers ?? [])];
  if (!layer.forwardLayer) inner.push(layer.layer);
  return [layer, ...inner.filter(Boolean).flatMap(partsOf)];
}
