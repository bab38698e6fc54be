/**
 * How far back the gradient reaches: the norm of the gradient of the last output with respect to the state of each step.
 *
 * Back-propagation through time in plain loops, from the values of `inspect` and the weights, both in the layout of Keras.
 * `dh` is the gradient with respect to the output of a step, `dc` to its cell state. A sequence starts with states of zero.
 */

type Numbers = ArrayLike<number>;

/** Gates and states of one sequence, each [T, U] row by row, by the letters of `inspect`. */
export type Gates = { readonly [name in 'i' | 'f' | 'g' | 'o' | 'c' | 'z' | 'r' | 'n']?: Numbers } & {
  readonly h: Numbers;
};

/** The weights of a recurrent layer and of the dense layer above it. */
export interface Weights {
  /** [U, G] for G gates side by side, each of U. */
  readonly recurrent: Numbers;
  /** Of the recurrent layer; only the second one of a GRU is needed, which follows the first. */
  readonly bias: Numbers;
  /** [U, outputs] */
  readonly dense: Numbers;
}

/** A number for each time step. */
export interface Reach {
  /** With respect to the output of each step. */
  readonly h: Float64Array;
  /** With respect to the cell state of each step, for an LSTM. */
  readonly c: Float64Array | null;
}

/** The gates determine the kind of the cell. The gradients of several outputs count as one long vector. */
export function reach(gates: Gates, weights: Weights, units: number): Reach {
  const steps = gates.h.length / units;
  const outputs = weights.dense.length / units;
  const back = gates.c ? lstm(gates, weights, units) : gates.z ? gru(gates, weights, units) : simple(gates, weights);
  const h = new Float64Array(steps);
  const c = gates.c ? new Float64Array(steps) : null;
  for (let output = 0; output < outputs; output++) {
    const state: State = {
      dh: Float64Array.from({ length: units }, (_, u) => weights.dense[u * outputs + output]!),
      carry: new Float64Array(units),
      dc: new Float64Array(units),
    };
    for (let step = steps - 1; step >= 0; step--) {
      h[step]! += square(state.dh);
      state.dh = back(step, state);
      if (c) c[step]! += square(state.dc);
    }
  }
  return { h: h.map(Math.sqrt), c: c?.map(Math.sqrt) ?? null };
}

/** For each time step, the median of the norms relative to the last time step. */
export function medianReach(rows: readonly Reach[]): Reach {
  const median = (of: (row: Reach) => Float64Array) => {
    const shares = rows.map(row => of(row).map(norm => norm / of(row).at(-1)!));
    return shares[0]!.map((_, step) => middle(shares.map(share => share[step]!)));
  };
  return { h: median(({ h }) => h), c: rows[0]!.c && median(({ c }) => c!) };
}

function middle(values: number[]): number {
  const sorted = values.sort((a, b) => a - b);
  const half = sorted.length / 2;
  return (sorted[Math.ceil(half) - 1]! + sorted[Math.floor(half)]!) / 2;
}

interface State {
  /** For the output of the next step to go back through. */
  dh: Float64Array;
  /** The gradient that its cell state gets from the next step. */
  carry: Float64Array;
  /** For the cell state of the previous step. */
  dc: Float64Array;
}

/** Goes back through a step: updates `state` and returns dh of the step before. */
type Back = (step: number, state: State) => Float64Array;

/** h = tanh(... + h' R) */
function simple({ h }: Gates, { recurrent }: Weights): Back {
  return (step, { dh }) => {
    const at = step * dh.length;
    return through(
      recurrent,
      dh.map((d, u) => d * (1 - h[at + u]! ** 2)),
    );
  };
}

/** c = f c' + i g,  h = o tanh(c) */
function lstm({ i, f, g, o, c }: Gates, { recurrent }: Weights, units: number): Back {
  return (step, state) => {
    const dz = new Float64Array(4 * units);
    for (let u = 0; u < units; u++) {
      const at = step * units + u;
      const [input, forget, candidate, output] = [i![at]!, f![at]!, g![at]!, o![at]!];
      const before = step > 0 ? c![at - units]! : 0;
      const squashed = Math.tanh(c![at]!);
      const dc = state.carry[u]! + state.dh[u]! * output * (1 - squashed ** 2);
      dz[u] = dc * candidate * input * (1 - input);
      dz[units + u] = dc * before * forget * (1 - forget);
      dz[2 * units + u] = dc * input * (1 - candidate ** 2);
      dz[3 * units + u] = state.dh[u]! * squashed * output * (1 - output);
      state.dc[u] = dc;
      state.carry[u] = dc * forget;
    }
    return through(recurrent, dz);
  };
}

/** h = z h' + (1 - z) n,  n = tanh(... + r a),  a = h' R_n + its bias */
function gru({ z, r, n, h }: Gates, { recurrent, bias }: Weights, units: number): Back {
  return (step, { dh }) => {
    const dz = new Float64Array(3 * units);
    const kept = new Float64Array(units);
    for (let u = 0; u < units; u++) {
      const at = step * units + u;
      const [update, reset, candidate] = [z![at]!, r![at]!, n![at]!];
      const before = step > 0 ? h[at - units]! : 0;
      let a = bias[5 * units + u]!;
      for (let k = 0; step > 0 && k < units; k++) {
        a += h[(step - 1) * units + k]! * recurrent[k * 3 * units + 2 * units + u]!;
      }
      const inside = dh[u]! * (1 - update) * (1 - candidate ** 2);
      dz[u] = dh[u]! * (before - candidate) * update * (1 - update);
      dz[units + u] = inside * a * reset * (1 - reset);
      dz[2 * units + u] = inside * reset;
      kept[u] = dh[u]! * update;
    }
    return through(recurrent, dz).map((d, u) => d + kept[u]!);
  };
}

/** From the gates back through the recurrent kernel [U, G]. */
function through(kernel: Numbers, dz: Float64Array): Float64Array {
  const width = dz.length;
  return Float64Array.from({ length: kernel.length / width }, (_, u) => {
    let sum = 0;
    for (let g = 0; g < width; g++) sum += kernel[u * width + g]! * dz[g]!;
    return sum;
  });
}

const square = (values: Float64Array) => values.reduce((sum, value) => sum + value * value, 0);
