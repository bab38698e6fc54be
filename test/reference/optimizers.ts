/** Changes the weights in place by one step; `weights` and `gradients` are parallel lists of flat arrays. */
export interface Optimizer {
  step(weights: Float64Array[], gradients: ArrayLike<number>[]): void;
}

export interface AdamConfig {
  learningRate?: number;
  beta1?: number;
  beta2?: number;
  epsilon?: number;
}

export type OptimizerSpec = { name: 'adam'; config: AdamConfig } | { name: 'sgd'; config: { learningRate: number } };

export function optimizerOf(spec: OptimizerSpec): Optimizer {
  return spec.name === 'adam' ? new Adam(spec.config) : new Sgd(spec.config.learningRate);
}

export class Sgd implements Optimizer {
  constructor(private readonly learningRate: number) {}

  step(weights: Float64Array[], gradients: ArrayLike<number>[]): void {
    weights.forEach((w, block) => {
      for (let n = 0; n < w.length; n++) w[n]! -= this.learningRate * gradients[block]![n]!;
    });
  }
}

/** Adam in the Keras form: one step size for all weights, epsilon beside the root of the uncorrected moment. */
export class Adam implements Optimizer {
  /** The moments, parallel to the weights. */
  m: Float64Array[] = [];
  v: Float64Array[] = [];
  #steps = 0;
  readonly #config: Required<AdamConfig>;

  constructor(config: AdamConfig = {}) {
    this.#config = { learningRate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-7, ...config };
  }

  step(weights: Float64Array[], gradients: ArrayLike<number>[]): void {
    const { learningRate, beta1, beta2, epsilon } = this.#config;
    if (this.#steps === 0) {
      this.m = weights.map(w => new Float64Array(w.length));
      this.v = weights.map(w => new Float64Array(w.length));
    }
    this.#steps++;
    const rate = (learningRate * Math.sqrt(1 - beta2 ** this.#steps)) / (1 - beta1 ** this.#steps);
    weights.forEach((w, block) => {
      const [m, v] = [this.m[block]!, this.v[block]!];
      for (let n = 0; n < w.length; n++) {
        const g = gradients[block]![n]!;
        m[n]! += (g - m[n]!) * (1 - beta1);
        v[n]! += (g * g - v[n]!) * (1 - beta2);
        w[n]! -= (rate * m[n]!) / (Math.sqrt(v[n]!) + epsilon);
      }
    });
  }
}
