/** The weights of custom layers. */

import { readTensor, type TensorLike } from '../../tensor/read.ts';
import { Tensor } from '../../tensor/tensor.ts';
import { rejectExtraArguments } from '../../util/arguments.ts';
import { fail } from '../../util/errors.ts';
import type { Layer } from '../layer.ts';

/** A weight of a custom layer; `addWeight` returns it. */
export class LayerVariable {
  readonly dtype = 'float32';
  readonly #layer: Layer;
  readonly #indexOf: (variable: LayerVariable) => number;
  /** The numbers of the batch while `call` runs. */
  #current: Tensor | null = null;
  /** What `call` wrote, until the step has succeeded. */
  #written: Tensor | null = null;

  /**
   * @internal
   * @param indexOf its position among the weights of the layer
   */
  constructor(
    layer: Layer,
    indexOf: (variable: LayerVariable) => number,
    readonly name: string,
    readonly shape: readonly number[],
    /** Whether the optimizer updates it. */
    readonly trainable: boolean,
  ) {
    this.#layer = layer;
    this.#indexOf = indexOf;
  }

  /** The numbers. Gradients flow to them if `call` reads them. */
  read(): Tensor {
    return this.#written ?? this.#current ?? this.#layer.readWeights(`${this.name}.read`)[this.#indexOf(this)]!;
  }

  /**
   * Replaces the numbers. In `call`, only weights with `trainable: false` can be written, such as moving means; the numbers
   * are stored when the step has succeeded.
   */
  write(values: TensorLike): this {
    const call = `${this.name}.write`;
    rejectExtraArguments(call, 1, arguments);
    const weights: TensorLike[] = this.#current ? [] : this.#layer.readWeights(call);
    if (this.#current && this.trainable) fail(call, 'a weight that is trained must not be written in call');
    const numbers = new Tensor(readTensor(call, 'values', values, this.shape), this.shape);
    if (this.#current) this.#written = numbers;
    else this.#layer.setWeights(weights.with(this.#indexOf(this), numbers));
    return this;
  }

  /** @internal Runs `call` with the numbers of a batch; returns what it wrote, or null. */
  static during<T>(
    variables: readonly LayerVariable[],
    values: readonly Tensor[],
    run: () => T,
  ): { result: T; written: (Tensor | null)[] } {
    const before = variables.map(one => [one.#current, one.#written] as const);
    try {
      for (const [n, one] of variables.entries()) {
        one.#current = values[n]!;
        one.#written = null;
      }
      const result = run();
      return { result, written: variables.map(one => one.#written) };
    } finally {
      for (const [n, one] of variables.entries()) [one.#current, one.#written] = before[n]!;
    }
  }
}
