/**
 * The program of bench/baseline.js, fully optimized in plain JavaScript: register tiles, packed weights and a custom
 * exponential. Runs in Node and in browsers, and allocates nothing per batch.
 *
 * Alternatives, as the time of a whole training step (batch 50, 20 steps, 20 units; Node 20, x64) relative to this file: plain
 * row-major loops 3.7 on Float32Array (bench/baseline.js), 3.0 on Float64Array; this file on Float32Array 1.24, with
 * Math.exp 1.23, with Math.exp and Math.tanh 1.29, without the `| 0` 1.14. The products alone, relative to tiles of 2x4:
 * row-major, four rows at a time, 2.0; tiles of 1x4 1.5, 2x4 unrolled by two 1.16, 3x4 1.07, 4x4 1.10 (more sums than
 * registers).
 *
 * Letters: B batch (padded to even), T time, D inputs, U units, G = 4U, O outputs, K = U + D + 1 (padded to even).
 * A row of `rows` is [h | x | 1], so kernel, recurrent kernel and bias are one matrix; its weights are stored as
 * [unit][k][gate], gates in the order i, f, c, o. Padding is zero, or belongs to a sample that is never read.
 *
 * Indices are written `(i + n) | 0`, so that the engine knows that the sum is a 32-bit integer and omits a check.
 */

/**
 * The element type `any` stands for `number`, because the type checker would treat every read as possibly undefined.
 * @typedef {{
 *   [index: number]: any,
 *   readonly length: number,
 *   fill(value: number, start?: number, end?: number): unknown,
 *   copyWithin(target: number, start: number, end?: number): unknown,
 * }} Floats
 */

/**
 * @typedef {object} Sizes
 * @property {number} batch
 * @property {number} timeSteps
 * @property {number} inputs
 * @property {number} units
 * @property {number} outputs
 * @property {number} learningRate
 */

const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-7;

/** exp clamps its argument to +-LIMIT; e^-44 is negligible compared with 1. */
const LIMIT = 44;
/** `POWERS[HALF + n]` is 2^(n/16), from slightly below e^-LIMIT to slightly above e^LIMIT. */
const HALF = 1024;
const POWERS = floats(2 * HALF);
for (let n = -HALF; n < HALF; n++) POWERS[HALF + n] = 2 ** (n / 16);

/**
 * Float64, because JavaScript computes in float64: a Float32Array needs a conversion for every read and write.
 * @param {number} length
 * @returns {Floats}
 */
function floats(length) {
  return new Float64Array(length);
}

/**
 * @param {string} name
 * @param {Floats} values
 * @param {number} length
 */
function expectLength(name, values, length) {
  if (values.length !== length) throw new RangeError(`${name}: expected ${length} numbers, got ${values.length}`);
}

/**
 * e^x with a relative error below 1e-8, with x clamped to +-LIMIT; unlike Math.exp it is inlined by the engine.
 * @param {number} x
 * @returns {number}
 */
function exp(x) {
  const y = x > LIMIT ? LIMIT : x < -LIMIT ? -LIMIT : x;
  const n = (y * (16 * Math.LOG2E) + (HALF + 0.5)) | 0;
  const r = y - (n - HALF) * (Math.LN2 / 16);
  return POWERS[n] * (1 + r * (1 + r * (1 / 2 + r * (1 / 6))));
}

/** @param {number} x */
function sigmoid(x) {
  return 1 / (1 + exp(-x));
}

/** @param {number} x */
function tanh(x) {
  return 2 / (1 + exp(-2 * x)) - 1;
}

export class TunedLstm {
  /** @param {Sizes} sizes */
  constructor({ batch, timeSteps: T, inputs: D, units: U, outputs: O, learningRate }) {
    this.batch = batch;
    this.T = T;
    this.D = D;
    this.U = U;
    this.O = O;
    this.B = batch + (batch & 1);
    this.K = (U + D + 2) & ~1;
    this.G = 4 * U;
    /** Units padded to whole groups of four, for the gradient of h. */
    this.U4 = (U + 3) & ~3;
    this.learningRate = learningRate;
    this.steps = 0;
    const { B, K, G, U4 } = this;

    /** The index of the weights of the dense layer: [output][U kernel weights, then the bias]. */
    this.dense = K * G;
    const count = this.dense + O * (U + 1);
    this.weights = floats(count);
    this.gradients = floats(count);
    this.m = floats(count);
    this.v = floats(count);

    /** Slot t of T + 1 holds the inputs of step t: h and c of the previous step, and x. */
    this.rows = floats((T + 1) * B * K);
    this.c = floats((T + 1) * B * U);
    for (let row = 0; row < (T + 1) * B; row++) this.rows[row * K + U + D] = 1;

    /** Gates (later their gradients) and tanh(c), both for steps 0 to T - 1. */
    this.gates = floats(T * B * G);
    this.tanhC = floats(T * B * U);
    this.dOutputs = floats(T * B * O);
    this.dh = floats(B * U4);
    this.dc = floats(B * U);
    /** The recurrent weights as [group of four k][gate weight][k], for the backward pass. */
    this.transposed = floats(U4 * G);
    this.outputs = new Float32Array(batch * T * O);
  }

  /**
   * @param {ArrayLike<number>[]} list flat, in the Keras order and layout: kernel [D,4U], recurrentKernel [U,4U],
   *   bias [4U], dense kernel [U,O], dense bias [O]
   */
  setWeights(list) {
    const { weights } = this;
    const got = list.map(array => array.length);
    if (`${got}` !== `${this.#lengths}`) {
      throw new RangeError(`setWeights: expected arrays of ${this.#lengths} numbers, got ${got}`);
    }
    this.#eachWeight((n, from, at) => {
      weights[at] = list[n]?.[from];
    });
  }

  /** The weights in the format of setWeights. */
  getWeights() {
    const { weights } = this;
    const list = this.#lengths.map(length => new Float32Array(length));
    this.#eachWeight((n, from, at) => {
      const array = list[n];
      if (array) array[from] = weights[at];
    });
    return list;
  }

  resetStates() {
    const { B, T, U, K, rows, c } = this;
    for (let b = 0; b < B; b++) rows.fill(0, (T * B + b) * K, (T * B + b) * K + U);
    c.fill(0, T * B * U);
  }

  /**
   * One Adam step on one batch.
   * @param {Floats} x [B,T,D]
   * @param {Floats} y [B,T,O]
   * @returns {number} the loss before the step
   */
  trainOnBatch(x, y) {
    expectLength('x', x, this.batch * this.T * this.D);
    expectLength('y', y, this.outputs.length);
    this.#forward(x, true);
    const loss = this.#loss(this.outputs, y);
    this.gradients.fill(0);
    this.dh.fill(0);
    this.dc.fill(0);
    this.#transposeRecurrent();
    for (let t = this.T - 1; t >= 0; t--) {
      this.#denseBackward(t);
      this.#cellsBackward(t);
      this.#weightGradients(t);
      if (t > 0) this.#stateGradients(t);
    }
    this.#adam();
    return loss;
  }

  /**
   * @param {Floats} x [B,T,D]
   * @returns {Float32Array} [B,T,O]; the next call overwrites it
   */
  predict(x) {
    expectLength('x', x, this.batch * this.T * this.D);
    this.#forward(x, false);
    return this.outputs;
  }

  /**
   * @param {Floats} x
   * @param {boolean} keep whether the gates of every step are needed afterwards; if not, all steps share one slot
   */
  #forward(x, keep) {
    const { batch, B, T, D, U, K, rows, c } = this;
    for (let b = 0; b < B; b++) rows.copyWithin(b * K, (T * B + b) * K, (T * B + b) * K + U);
    c.copyWithin(0, T * B * U);
    for (let b = 0; b < batch; b++) {
      for (let t = 0; t < T; t++) {
        for (let d = 0; d < D; d++) rows[(t * B + b) * K + U + d] = x[(b * T + t) * D + d];
      }
    }
    for (let t = 0; t < T; t++) {
      this.#products(t, keep ? t : 0);
      this.#cells(t, keep ? t : 0);
    }
    this.#denseForward();
  }

  /**
   * gates = rows * weights for step t, in tiles of two rows by the four gates of a unit.
   * @param {number} t
   * @param {number} slot
   */
  #products(t, slot) {
    const { B, D, U, K, G, rows, gates, weights } = this;
    const length = (U + D) * 4;
    for (let b = 0; b < B; b += 2) {
      for (let u = 0; u < U; u++) {
        let w = (u * K * 4) | 0;
        let r0 = ((t * B + b) * K) | 0;
        let r1 = (r0 + K) | 0;
        const bias = (w + length) | 0;
        let i0 = weights[bias];
        let f0 = weights[(bias + 1) | 0];
        let g0 = weights[(bias + 2) | 0];
        let o0 = weights[(bias + 3) | 0];
        let i1 = i0;
        let f1 = f0;
        let g1 = g0;
        let o1 = o0;
        while (w < bias) {
          const a0 = rows[r0];
          const a1 = rows[r1];
          const wi = weights[w];
          const wf = weights[(w + 1) | 0];
          const wg = weights[(w + 2) | 0];
          const wo = weights[(w + 3) | 0];
          i0 += a0 * wi;
          f0 += a0 * wf;
          g0 += a0 * wg;
          o0 += a0 * wo;
          i1 += a1 * wi;
          f1 += a1 * wf;
          g1 += a1 * wg;
          o1 += a1 * wo;
          r0 = (r0 + 1) | 0;
          r1 = (r1 + 1) | 0;
          w = (w + 4) | 0;
        }
        const z0 = ((slot * B + b) * G + 4 * u) | 0;
        const z1 = (z0 + G) | 0;
        gates[z0] = i0;
        gates[(z0 + 1) | 0] = f0;
        gates[(z0 + 2) | 0] = g0;
        gates[(z0 + 3) | 0] = o0;
        gates[z1] = i1;
        gates[(z1 + 1) | 0] = f1;
        gates[(z1 + 2) | 0] = g1;
        gates[(z1 + 3) | 0] = o1;
      }
    }
  }

  /**
   * Activations of step t, the next c and the next h.
   * @param {number} t
   * @param {number} slot
   */
  #cells(t, slot) {
    const { B, U, K, G, rows, c, gates, tanhC } = this;
    const next = (B * U) | 0;
    for (let b = 0; b < B; b++) {
      let z = ((slot * B + b) * G) | 0;
      let s = ((slot * B + b) * U) | 0;
      let n = ((t * B + b) * U) | 0;
      let h = (((t + 1) * B + b) * K) | 0;
      const end = (z + G) | 0;
      while (z < end) {
        const i = sigmoid(gates[z]);
        const f = sigmoid(gates[(z + 1) | 0]);
        const g = tanh(gates[(z + 2) | 0]);
        const o = sigmoid(gates[(z + 3) | 0]);
        const cell = f * c[n] + i * g;
        const squashed = tanh(cell);
        gates[z] = i;
        gates[(z + 1) | 0] = f;
        gates[(z + 2) | 0] = g;
        gates[(z + 3) | 0] = o;
        c[(n + next) | 0] = cell;
        tanhC[s] = squashed;
        rows[h] = o * squashed;
        z = (z + 4) | 0;
        s = (s + 1) | 0;
        n = (n + 1) | 0;
        h = (h + 1) | 0;
      }
    }
  }

  #denseForward() {
    const { batch, B, T, U, O, K, dense, rows, weights, outputs } = this;
    for (let b = 0; b < batch; b++) {
      for (let t = 0; t < T; t++) {
        for (let o = 0; o < O; o++) {
          let h = (((t + 1) * B + b) * K) | 0;
          let w = (dense + o * (U + 1)) | 0;
          const bias = (w + U) | 0;
          let sum = weights[bias];
          while (w < bias) {
            sum += rows[h] * weights[w];
            h = (h + 1) | 0;
            w = (w + 1) | 0;
          }
          outputs[(b * T + t) * O + o] = sum;
        }
      }
    }
  }

  /**
   * Mean squared error, and its gradient by the outputs.
   * @param {Floats} outputs
   * @param {Floats} y
   */
  #loss(outputs, y) {
    const { batch, B, T, O, dOutputs } = this;
    const count = outputs.length;
    let sum = 0;
    for (let b = 0; b < batch; b++) {
      for (let t = 0; t < T; t++) {
        for (let o = 0; o < O; o++) {
          const error = outputs[(b * T + t) * O + o] - y[(b * T + t) * O + o];
          sum += error * error;
          dOutputs[(t * B + b) * O + o] = (2 / count) * error;
        }
      }
    }
    return sum / count;
  }

  #transposeRecurrent() {
    const { U, K, G, weights, transposed } = this;
    for (let u = 0; u < U; u++) {
      for (let k = 0; k < U; k++) {
        for (let gate = 0; gate < 4; gate++) {
          const n = 4 * u + gate;
          transposed[((k >> 2) * G + n) * 4 + (k & 3)] = weights[(u * K + k) * 4 + gate];
        }
      }
    }
  }

  /**
   * Adds step t to the gradients of the dense layer, and to dh.
   * @param {number} t
   */
  #denseBackward(t) {
    const { B, U, O, K, U4, dense, rows, weights, gradients, dOutputs, dh } = this;
    for (let b = 0; b < B; b++) {
      for (let o = 0; o < O; o++) {
        const d = dOutputs[(t * B + b) * O + o];
        let h = (((t + 1) * B + b) * K) | 0;
        let s = (b * U4) | 0;
        let w = (dense + o * (U + 1)) | 0;
        const bias = (w + U) | 0;
        gradients[bias] += d;
        while (w < bias) {
          dh[s] += d * weights[w];
          gradients[w] += d * rows[h];
          h = (h + 1) | 0;
          s = (s + 1) | 0;
          w = (w + 1) | 0;
        }
      }
    }
  }

  /**
   * Overwrites the gates of step t with the gradients of their preactivations, and dc with that of the previous step.
   * @param {number} t
   */
  #cellsBackward(t) {
    const { B, U, G, U4, c, gates, tanhC, dh, dc } = this;
    for (let b = 0; b < B; b++) {
      let z = ((t * B + b) * G) | 0;
      let n = ((t * B + b) * U) | 0;
      let s = (b * U4) | 0;
      let q = (b * U) | 0;
      const end = (z + G) | 0;
      while (z < end) {
        const i = gates[z];
        const f = gates[(z + 1) | 0];
        const g = gates[(z + 2) | 0];
        const o = gates[(z + 3) | 0];
        const squashed = tanhC[n];
        const dH = dh[s];
        const dC = dc[q] + dH * o * (1 - squashed * squashed);
        gates[z] = dC * g * i * (1 - i);
        gates[(z + 1) | 0] = dC * c[n] * f * (1 - f);
        gates[(z + 2) | 0] = dC * i * (1 - g * g);
        gates[(z + 3) | 0] = dH * squashed * o * (1 - o);
        dc[q] = dC * f;
        z = (z + 4) | 0;
        n = (n + 1) | 0;
        s = (s + 1) | 0;
        q = (q + 1) | 0;
      }
    }
  }

  /**
   * gradients += rows^T * dGates for step t, in tiles of two k by the four gates of a unit, summed over the batch.
   * @param {number} t
   */
  #weightGradients(t) {
    const { B, U, K, G, rows, gates, gradients } = this;
    for (let u = 0; u < U; u++) {
      for (let k = 0; k < K; k += 2) {
        const w = ((u * K + k) * 4) | 0;
        let i0 = gradients[w];
        let f0 = gradients[(w + 1) | 0];
        let g0 = gradients[(w + 2) | 0];
        let o0 = gradients[(w + 3) | 0];
        let i1 = gradients[(w + 4) | 0];
        let f1 = gradients[(w + 5) | 0];
        let g1 = gradients[(w + 6) | 0];
        let o1 = gradients[(w + 7) | 0];
        let r = (t * B * K + k) | 0;
        let z = (t * B * G + 4 * u) | 0;
        const end = (z + B * G) | 0;
        while (z < end) {
          const a0 = rows[r];
          const a1 = rows[(r + 1) | 0];
          const di = gates[z];
          const df = gates[(z + 1) | 0];
          const dg = gates[(z + 2) | 0];
          const dO = gates[(z + 3) | 0];
          i0 += a0 * di;
          f0 += a0 * df;
          g0 += a0 * dg;
          o0 += a0 * dO;
          i1 += a1 * di;
          f1 += a1 * df;
          g1 += a1 * dg;
          o1 += a1 * dO;
          r = (r + K) | 0;
          z = (z + G) | 0;
        }
        gradients[w] = i0;
        gradients[(w + 1) | 0] = f0;
        gradients[(w + 2) | 0] = g0;
        gradients[(w + 3) | 0] = o0;
        gradients[(w + 4) | 0] = i1;
        gradients[(w + 5) | 0] = f1;
        gradients[(w + 6) | 0] = g1;
        gradients[(w + 7) | 0] = o1;
      }
    }
  }

  /**
   * dh = dGates * recurrent^T, the gradient of the h before step t, in tiles of two rows by four k.
   * @param {number} t
   */
  #stateGradients(t) {
    const { B, G, U4, gates, transposed, dh } = this;
    for (let b = 0; b < B; b += 2) {
      for (let k = 0; k < U4; k += 4) {
        let w = (k * G) | 0;
        let z0 = ((t * B + b) * G) | 0;
        let z1 = (z0 + G) | 0;
        const end = (w + 4 * G) | 0;
        let p0 = 0;
        let p1 = 0;
        let p2 = 0;
        let p3 = 0;
        let q0 = 0;
        let q1 = 0;
        let q2 = 0;
        let q3 = 0;
        while (w < end) {
          const d0 = gates[z0];
          const d1 = gates[z1];
          const w0 = transposed[w];
          const w1 = transposed[(w + 1) | 0];
          const w2 = transposed[(w + 2) | 0];
          const w3 = transposed[(w + 3) | 0];
          p0 += d0 * w0;
          p1 += d0 * w1;
          p2 += d0 * w2;
          p3 += d0 * w3;
          q0 += d1 * w0;
          q1 += d1 * w1;
          q2 += d1 * w2;
          q3 += d1 * w3;
          z0 = (z0 + 1) | 0;
          z1 = (z1 + 1) | 0;
          w = (w + 4) | 0;
        }
        const s0 = (b * U4 + k) | 0;
        const s1 = (s0 + U4) | 0;
        dh[s0] = p0;
        dh[(s0 + 1) | 0] = p1;
        dh[(s0 + 2) | 0] = p2;
        dh[(s0 + 3) | 0] = p3;
        dh[s1] = q0;
        dh[(s1 + 1) | 0] = q1;
        dh[(s1 + 2) | 0] = q2;
        dh[(s1 + 3) | 0] = q3;
      }
    }
  }

  /** Adam in the Keras form: one step size for all weights, and epsilon added to the uncorrected root. */
  #adam() {
    const { weights, gradients, m, v } = this;
    this.steps++;
    const rate = (this.learningRate * Math.sqrt(1 - BETA2 ** this.steps)) / (1 - BETA1 ** this.steps);
    for (let n = 0; n < weights.length; n++) {
      const g = gradients[n];
      const mean = m[n] + (1 - BETA1) * (g - m[n]);
      const square = v[n] + (1 - BETA2) * (g * g - v[n]);
      m[n] = mean;
      v[n] = square;
      weights[n] -= (rate * mean) / (Math.sqrt(square) + EPSILON);
    }
  }

  /** The number of elements of each weight, in the Keras order. */
  get #lengths() {
    const { D, U, O, G } = this;
    return [D * G, U * G, G, U * O, O];
  }

  /** @param {(array: number, from: number, at: number) => void} visit element `from` of the Keras array is element `at` of `weights` */
  #eachWeight(visit) {
    const { D, U, O, K, G, dense } = this;
    for (let u = 0; u < U; u++) {
      for (let gate = 0; gate < 4; gate++) {
        const column = gate * U + u;
        for (let d = 0; d < D; d++) visit(0, d * G + column, (u * K + U + d) * 4 + gate);
        for (let k = 0; k < U; k++) visit(1, k * G + column, (u * K + k) * 4 + gate);
        visit(2, column, (u * K + U + D) * 4 + gate);
      }
      for (let o = 0; o < O; o++) visit(3, u * O + o, dense + o * (U + 1) + u);
    }
    for (let o = 0; o < O; o++) visit(4, o, dense + o * (U + 1) + U);
  }
}
