/** What rounding does to a program of TF.js, enlarged: inputs and activations a little off, at random. */

import type { Random } from '../reference/random.ts';
import type { Library } from './build.ts';

const SHAKE = 2 ** -21;
/** Of the float32 numbers above 1. */
const SPACING = 2 ** -23;

/** Every number changed by up to SHAKE of itself: eight roundings. */
export function shake(values: Float32Array, random: Random): Float32Array {
  return values.map(value => value * (1 + SHAKE * random.uniform()));
}

/**
 * Rounds what activations give another way, and their slopes. A slope is made of terms of the size of 1 (1 - y^2 for a
 * tanh), so a rounding of 1 is what it may be off by: in saturation that is a large part of it, as a rounding of a
 * probability near 1 is of what is missing to 1.
 */
export function roundActivations(tf: Library, model: Library, random: Random): void {
  const turns = (shape: number[], around: number) => {
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
        getClassName: () => 'rounded', // a dense layer has kernels of its own for the names it knows
        apply(x: Library) {
          const y = tf.mul(activation.apply(x), turns(x.shape, 1));
          // Zero, but for its gradient.
          const nothing = tf.sub(x, tf.tensor(x.dataSync(), x.shape));
          return tf.add(y, tf.mul(nothing, turns(x.shape, 0)));
        },
      };
    }
  }
}

/** A layer and the layers and cells in it. */
function partsOf(layer: Library): Library[] {
  const inner = [layer.forwardLayer, layer.backwardLayer, layer.cell, ...(layer.cells ?? [])];
  if (!layer.forwardLayer) inner.push(layer.layer);
  return [layer, ...inner.filter(Boolean).flatMap(partsOf)];
}
