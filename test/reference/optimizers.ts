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

/** Adam in the form of Keras: one step size for all weights, epsilon added to the root of the uncorrected moment. */
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

// -------------------------------------------------------------------------------------------------- all the others

/** The arguments of a rule besides its options: the step, counted from 1, and the learning rate. */
interface StepInfo {
  t: number;
  rate: number;
}

/** The amount subtracted from one weight, given its gradient and its state (updated in place). */
interface Rule {
  /** The initial state of a weight. */
  start: readonly number[];
  change(kept: Float64Array, g: number, at: StepInfo): number;
}

type Numbers = Record<string, number | boolean | undefined>;

const number = (options: Numbers, name: string, otherwise: number): number =>
  options[name] === undefined ? otherwise : Number(options[name]);

/** A moving average, a[n] = keep a[n] + (1 - keep) x. */
function average(kept: Float64Array, n: number, keep: number, x: number): number {
  kept[n] = keep * kept[n]! + (1 - keep) * x;
  return kept[n]!;
}

const product = (count: number, factor: (n: number) => number): number => {
  let all = 1;
  for (let n = 1; n <= count; n++) all *= factor(n);
  return all;
};

/** The formulas of Keras 3 in float64, by the names of `train.*`. Slots are in the order of the kernels. */
export const rules = {
  sgd: (): Rule => ({ start: [], change: (_, g, { rate }) => rate * g }),

  momentum(options: Numbers): Rule {
    const keep = number(options, 'momentum', 0);
    return {
      start: [0],
      change(kept, g, { rate }) {
        kept[0] = keep * kept[0]! - rate * g;
        return options.useNesterov ? rate * g - keep * kept[0]! : -kept[0]!;
      },
    };
  },

  adam(options: Numbers): Rule {
    const [b1, b2] = [number(options, 'beta1', 0.9), number(options, 'beta2', 0.999)];
    const epsilon = number(options, 'epsilon', 1e-7);
    return {
      start: options.amsgrad ? [0, 0, 0] : [0, 0],
      change(kept, g, { t, rate }) {
        const m = average(kept, 0, b1, g);
        let v = average(kept, 1, b2, g * g);
        if (options.amsgrad) v = kept[2] = Math.max(kept[2]!, v);
        return (((rate * Math.sqrt(1 - b2 ** t)) / (1 - b1 ** t)) * m) / (Math.sqrt(v) + epsilon);
      },
    };
  },

  nadam(options: Numbers): Rule {
    const [b1, b2] = [number(options, 'beta1', 0.9), number(options, 'beta2', 0.999)];
    const epsilon = number(options, 'epsilon', 1e-7);
    const momentum = (n: number) => b1 * (1 - 0.5 * 0.96 ** n);
    return {
      start: [0, 0],
      change(kept, g, { t, rate }) {
        const m = average(kept, 0, b1, g);
        const v = average(kept, 1, b2, g * g);
        const ahead = (momentum(t + 1) * m) / (1 - product(t + 1, momentum));
        const now = ((1 - momentum(t)) * g) / (1 - product(t, momentum));
        return (rate * (ahead + now)) / (Math.sqrt(v / (1 - b2 ** t)) + epsilon);
      },
    };
  },

  adamax(options: Numbers): Rule {
    const [b1, b2] = [number(options, 'beta1', 0.9), number(options, 'beta2', 0.999)];
    const [epsilon, decay] = [number(options, 'epsilon', 1e-7), number(options, 'decay', 0)];
    return {
      start: [0, 0],
      change(kept, g, { t, rate }) {
        const m = average(kept, 0, b1, g);
        kept[1] = Math.max(b2 * kept[1]!, Math.abs(g));
        return ((rate / (1 + decay * (t - 1)) / (1 - b1 ** t)) * m) / (kept[1] + epsilon);
      },
    };
  },

  rmsprop(options: Numbers): Rule {
    const [rho, keep] = [number(options, 'decay', 0.9), number(options, 'momentum', 0)];
    const epsilon = number(options, 'epsilon', 1e-7);
    const mean = keep > 0 ? 2 : 1;
    return {
      start: Array.from({ length: 1 + Number(keep > 0) + Number(options.centered ?? false) }, () => 0),
      change(kept, g, { rate }) {
        let variance = average(kept, 0, rho, g * g);
        if (options.centered) variance -= average(kept, mean, rho, g) ** 2;
        const change = (rate * g) / Math.sqrt(variance + epsilon);
        if (keep === 0) return change;
        kept[1] = keep * kept[1]! + change;
        return kept[1];
      },
    };
  },

  adagrad(options: Numbers): Rule {
    return {
      start: [number(options, 'initialAccumulatorValue', 0.1)],
      change(kept, g, { rate }) {
        kept[0]! += g * g;
        return (rate * g) / Math.sqrt(kept[0]! + number(options, 'epsilon', 1e-7));
      },
    };
  },

  adadelta(options: Numbers): Rule {
    const [rho, epsilon] = [number(options, 'rho', 0.95), number(options, 'epsilon', 1e-7)];
    return {
      start: [0, 0],
      change(kept, g, { rate }) {
        const v = average(kept, 0, rho, g * g);
        const down = (Math.sqrt(kept[1]! + epsilon) / Math.sqrt(v + epsilon)) * g;
        average(kept, 1, rho, down * down);
        return rate * down;
      },
    };
  },
};

export type RuleName = keyof typeof rules;

/** Options of every optimizer; the learning rate may depend on the step, counted from 0. */
export interface CommonOptions {
  learningRate: number | ((step: number) => number);
  weightDecay?: number;
  clipNorm?: number;
  clipValue?: number;
  globalClipNorm?: number;
  useEma?: boolean;
  emaMomentum?: number;
  emaOverwriteFrequency?: number;
}

const squares = (x: ArrayLike<number>): number => Array.from(x).reduce((sum, value) => sum + value * value, 0);

/** A rule with the surrounding steps of Keras: clipping, decay, the step, averaging. */
export class Stepper implements Optimizer {
  /** The state, [weight block][element][slot], and the averages of the weights. */
  kept: Float64Array[][] = [];
  averages: Float64Array[] = [];
  steps = 0;
  readonly #rule: Rule;
  readonly #options: CommonOptions;

  constructor(name: RuleName, options: CommonOptions & Numbers) {
    this.#rule = rules[name](options as Numbers);
    this.#options = options;
  }

  step(weights: Float64Array[], gradients: ArrayLike<number>[]): void {
    const { learningRate, weightDecay = 0, useEma, emaMomentum = 0.99, emaOverwriteFrequency } = this.#options;
    if (this.steps === 0) {
      this.kept = weights.map(w => Array.from(w, () => Float64Array.from(this.#rule.start)));
      this.averages = weights.map(w => w.slice());
    }
    const rate = typeof learningRate === 'number' ? learningRate : learningRate(this.steps);
    this.steps++;
    const clipped = this.#clip(gradients.map(g => Float64Array.from(g)));
    weights.forEach((w, block) => {
      for (let n = 0; n < w.length; n++) {
        w[n]! -= w[n]! * weightDecay * rate;
        w[n]! -= this.#rule.change(this.kept[block]![n]!, clipped[block]![n]!, { t: this.steps, rate });
      }
      if (useEma) for (let n = 0; n < w.length; n++) average(this.averages[block]!, n, this.#keep(emaMomentum), w[n]!);
    });
    if (emaOverwriteFrequency && this.steps % emaOverwriteFrequency === 0) this.finalize(weights);
  }

  /** The first average is the weight itself. */
  #keep(emaMomentum: number): number {
    return this.steps === 1 ? 0 : emaMomentum;
  }

  /** Replaces the weights by their averages. */
  finalize(weights: Float64Array[]): void {
    weights.forEach((w, block) => {
      w.set(this.averages[block]!);
    });
  }

  #clip(gradients: Float64Array[]): Float64Array[] {
    const { clipNorm, clipValue, globalClipNorm } = this.#options;
    if (clipValue) return gradients.map(g => g.map(value => Math.min(Math.max(value, -clipValue), clipValue)));
    const shrink = (g: Float64Array, norm: number, most: number) => g.map(value => value * Math.min(1, most / norm));
    if (clipNorm) return gradients.map(g => shrink(g, Math.sqrt(squares(g)), clipNorm));
    if (!globalClipNorm) return gradients;
    const norm = Math.sqrt(gradients.reduce((sum, g) => sum + squares(g), 0));
    return gradients.map(g => shrink(g, norm, globalClipNorm));
  }
}
