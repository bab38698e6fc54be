/**
 * Layers of sequences that TF.js has for pictures only: they run its layer for pictures on sequences of one column, so TF.js
 * computes their outputs and gradients. So does `globalMaxPooling1d`, whose gradient would otherwise go to all time steps
 * that have the maximum.
 */

import type { Library } from './resetAfter.ts';

let planeClass: Library = null;

function overPlanes(tf: Library, options: object, plane: Library): Library {
  planeClass ??= class OverPlanes extends tf.layers.Layer {
    static className = 'OverPlanes';

    constructor(
      config: object,
      readonly plane: Library,
    ) {
      super(config);
    }

    computeOutputShape([batch, steps, width]: (number | null)[]): (number | null)[] {
      if (steps === null) return [batch!, null, width!]; // TF.js would compute with null as with 0
      const [, outputSteps] = this.plane.computeOutputShape([batch, steps, 1, width]);
      return [batch, outputSteps, width] as (number | null)[];
    }

    call(inputs: Library): Library {
      return tf.tidy(() => tf.squeeze(this.plane.call(tf.expandDims([inputs].flat()[0], 2), {}), [2]));
    }
  };
  return new planeClass(options, plane);
}

function globalMaxPooling(tf: Library, options: object): Library {
  const layer = tf.layers.globalMaxPooling1d(options);
  layer.call = (inputs: Library) =>
    tf.tidy(() => {
      const x = tf.expandDims([inputs].flat()[0], 2);
      return tf.squeeze(tf.maxPool(x, [x.shape[1], 1], 1, 'valid'), [1, 2]);
    });
  return layer;
}

/** The layers by the names of their factories. */
export const sequenceLayers: Record<string, (tf: Library, options: Library) => Library> = {
  cropping1d: (tf, options) => overPlanes(tf, options, tf.layers.cropping2D({ cropping: [options.cropping, [0, 0]] })),
  zeroPadding1d: (tf, options) =>
    overPlanes(tf, options, tf.layers.zeroPadding2d({ padding: [options.padding, [0, 0]] })),
  globalMaxPooling1d: globalMaxPooling,
  upSampling1d: (tf, options) => overPlanes(tf, options, tf.layers.upSampling2d({ size: [options.size, 1] })),
};
