/**
 * A GRU cell with `resetAfter`, which TF.js does not have: the reset gate acts after the recurrent product, as in cuDNN and
 * Keras 3. It is a TF.js cell, so TF.js computes its gradients.
 */

/** Either package: the names are the same, the types are not. */
// biome-ignore lint/suspicious/noExplicitAny: TF.js describes itself in three packages, and both are used as one here
export type Library = any;

let cellClass: Library = null;

/** Returns the class of the cell, registered with TF.js on the first call. */
export function resetAfterCell(tf: Library): Library {
  if (cellClass) return cellClass;
  const GruCell = tf.layers.gruCell({ units: 1 }).constructor;

  cellClass = class ResetAfterCell extends GruCell {
    static className = 'ResetAfterCell';

    constructor(config: object) {
      super({ ...config, resetAfter: false });
    }

    /** The bias has a row for the input and one for the state: [2, 3U]. */
    build(inputShape: Library): void {
      const { useBias, units } = this as Library;
      (this as Library).useBias = false;
      super.build(inputShape);
      (this as Library).useBias = useBias;
      if (!useBias) return;
      const { biasInitializer, biasRegularizer, biasConstraint } = this as Library;
      const shape = [2, 3 * units];
      this.bias = this.addWeight('bias', shape, null, biasInitializer, biasRegularizer, true, biasConstraint);
    }

    call([x, h]: Library[]): Library {
      return tf.tidy(() => {
        const add = (product: Library, row: number) =>
          this.bias ? tf.add(product, tf.gather(this.bias.read(), row)) : product;
        const inputs = tf.split(add(tf.matMul(x, this.kernel.read()), 0), 3, 1);
        const states = tf.split(add(tf.matMul(h, this.recurrentKernel.read()), 1), 3, 1);
        const [z, r] = [0, 1].map(n => this.recurrentActivation.apply(tf.add(inputs[n], states[n])));
        const candidate = this.activation.apply(tf.add(inputs[2], tf.mul(r, states[2])));
        const next = tf.add(tf.mul(z, h), tf.mul(tf.sub(1, z), candidate));
        return [next, next];
      });
    }
  };
  tf.serialization.registerClass(cellClass);
  return cellClass;
}
