/**
 * The baseline: a careful hand-written implementation in plain JavaScript. One stateful LSTM layer that returns sequences, a dense
 * layer on every step, mean squared error, Adam in the Keras form. It uses Float32Array, allocates nothing per batch, and
 * every inner loop reads contiguous numbers. bench/tuned.js is the same program, fully optimized. Runs in Node and in
 * browsers.
 *
 * Letters: B batch, T time, D inputs, U units, G = 4U, O outputs. Gate blocks in the order i, f, c, o.
 */

/** @typedef {Float32Array & { [index: number]: any }} Floats `any` avoids the type checker's "possibly undefined". */

const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-7;

/** @type {(length: number) => Floats} */
const floats = length => new Float32Array(length);

/** @type {(x: number) => number} */
const sigmoid = x => 1 / (1 + Math.exp(-x));

/**
 * y[y0 + n] += a * x[x0 + n]
 * @param {Floats} y @param {number} y0 @param {number} a @param {Floats} x @param {number} x0 @param {number} count
 */
function axpy(y, y0, a, x, x0, count) {
  for (let n = 0; n < count; n++) y[y0 + n] += a * x[x0 + n];
}

/** @param {Floats} x @param {number} x0 @param {Floats} y @param {number} y0 @param {number} count */
function dot(x, x0, y, y0, count) {
  let sum = 0;
  for (let n = 0; n < count; n++) sum += x[x0 + n] * y[y0 + n];
  return sum;
}

export class BaselineLstm {
  /**
   * @param {{ batch: number, timeSteps: number, inputs: number, units: number, outputs: number,
   *   learningRate: number }} sizes
   */
  constructor({ batch: B, timeSteps: T, inputs: D, units: U, outputs: O, learningRate }) {
    this.sizes = { B, T, D, U, O };
    this.learningRate = learningRate;
    this.weights = [D * 4 * U, U * 4 * U, 4 * U, U * O, O].map(floats);
    this.gradients = this.weights.map(({ length }) => floats(length));
    this.m = this.weights.map(({ length }) => floats(length));
    this.v = this.weights.map(({ length }) => floats(length));
    this.powers = [1, 1];
    // Slot t + 1 of h and c holds the state after step t; slot 0 is the carried state.
    this.h = floats((T + 1) * B * U);
    this.c = floats((T + 1) * B * U);
    this.gates = floats(T * B * 4 * U);
    this.tanhC = floats(T * B * U);
    this.y = floats(B * T * O);
    this.dy = floats(B * T * O);
    this.dh = floats(B * U);
    this.dc = floats(B * U);
    this.dz = floats(4 * U);
  }

  /**
   * Weights in the order and layout of Keras: kernel [D, G], recurrentKernel [U, G], bias [G], dense kernel [U, O], dense bias [O].
   * @param {ArrayLike<number>[]} list
   */
  setWeights(list) {
    for (const [n, values] of list.entries()) this.weights[n]?.set(values);
  }

  getWeights() {
    return this.weights.map(values => values.slice());
  }

  resetStates() {
    this.h.fill(0);
    this.c.fill(0);
  }

  /** A copy of the carried state, h and c. */
  getStates() {
    const size = this.sizes.B * this.sizes.U;
    return { h: this.h.slice(0, size), c: this.c.slice(0, size) };
  }

  /** @param {{ h: Floats, c: Floats }} states */
  setStates({ h, c }) {
    this.h.set(h);
    this.c.set(c);
  }

  /**
   * @param {Floats} x [B, T, D]
   * @returns {Float32Array} [B, T, O], the same array every time
   */
  predict(x) {
    this.#forward(x);
    this.#carry();
    return this.y;
  }

  /**
   * @param {Floats} x [B, T, D]
   * @param {Floats} y [B, T, O]
   * @returns {number} the loss before the step
   */
  trainOnBatch(x, y) {
    this.#forward(x);
    let loss = 0;
    for (let n = 0; n < y.length; n++) {
      const difference = this.y[n] - y[n];
      loss += difference * difference;
      this.dy[n] = (2 / y.length) * difference;
    }
    this.#backward(x);
    this.#carry();
    this.#adam();
    return loss / y.length;
  }

  /** @param {Floats} x */
  #forward(x) {
    const { B, T, D, U, O } = this.sizes;
    const { h, c, gates, tanhC, y } = this;
    const [kernel, recurrent, bias, denseKernel, denseBias] = /** @type {[Floats, Floats, Floats, Floats, Floats]} */ (
      this.weights
    );
    const G = 4 * U;
    for (let t = 0; t < T; t++) {
      for (let b = 0; b < B; b++) {
        const now = (t * B + b) * U;
        const next = now + B * U;
        const z = (t * B + b) * G;
        for (let n = 0; n < G; n++) gates[z + n] = bias[n];
        for (let d = 0; d < D; d++) axpy(gates, z, x[(b * T + t) * D + d], kernel, d * G, G);
        for (let u = 0; u < U; u++) axpy(gates, z, h[now + u], recurrent, u * G, G);
        for (let u = 0; u < U; u++) {
          const i = sigmoid(gates[z + u]);
          const f = sigmoid(gates[z + U + u]);
          const g = Math.tanh(gates[z + 2 * U + u]);
          const o = sigmoid(gates[z + 3 * U + u]);
          const ct = f * c[now + u] + i * g;
          const tc = Math.tanh(ct);
          gates[z + u] = i;
          gates[z + U + u] = f;
          gates[z + 2 * U + u] = g;
          gates[z + 3 * U + u] = o;
          c[next + u] = ct;
          tanhC[now + u] = tc;
          h[next + u] = o * tc;
        }
        const out = (b * T + t) * O;
        for (let n = 0; n < O; n++) y[out + n] = denseBias[n];
        for (let u = 0; u < U; u++) axpy(y, out, h[next + u], denseKernel, u * O, O);
      }
    }
  }

  /** @param {Floats} x */
  #backward(x) {
    const { B, T, D, U, O } = this.sizes;
    const { h, c, gates, tanhC, dy, dh, dc, dz } = this;
    const [, recurrent, , denseKernel] = /** @type {[Floats, Floats, Floats, Floats]} */ (
      /** @type {unknown} */ (this.weights)
    );
    const [dKernel, dRecurrent, dBias, dDenseKernel, dDenseBias] =
      /** @type {[Floats, Floats, Floats, Floats, Floats]} */ (this.gradients);
    const G = 4 * U;
    for (const gradient of this.gradients) gradient.fill(0);
    dh.fill(0);
    dc.fill(0);
    for (let t = T - 1; t >= 0; t--) {
      for (let b = 0; b < B; b++) {
        const now = (t * B + b) * U;
        const next = now + B * U;
        const z = (t * B + b) * G;
        const out = (b * T + t) * O;
        const state = b * U;
        axpy(dDenseBias, 0, 1, dy, out, O);
        for (let u = 0; u < U; u++) {
          axpy(dDenseKernel, u * O, h[next + u], dy, out, O);
          const dht = dh[state + u] + dot(denseKernel, u * O, dy, out, O);
          const i = gates[z + u];
          const f = gates[z + U + u];
          const g = gates[z + 2 * U + u];
          const o = gates[z + 3 * U + u];
          const tc = tanhC[now + u];
          const dct = dc[state + u] + dht * o * (1 - tc * tc);
          dz[u] = dct * g * i * (1 - i);
          dz[U + u] = dct * c[now + u] * f * (1 - f);
          dz[2 * U + u] = dct * i * (1 - g * g);
          dz[3 * U + u] = dht * tc * o * (1 - o);
          dc[state + u] = dct * f;
        }
        axpy(dBias, 0, 1, dz, 0, G);
        for (let d = 0; d < D; d++) axpy(dKernel, d * G, x[(b * T + t) * D + d], dz, 0, G);
        for (let u = 0; u < U; u++) {
          axpy(dRecurrent, u * G, h[now + u], dz, 0, G);
          dh[state + u] = dot(recurrent, u * G, dz, 0, G);
        }
      }
    }
  }

  /** Copies the state after the last step, with which the next batch starts. */
  #carry() {
    const { B, T, U } = this.sizes;
    this.h.copyWithin(0, T * B * U);
    this.c.copyWithin(0, T * B * U);
  }

  #adam() {
    const [power1, power2] = /** @type {[number, number]} */ (this.powers);
    const [beta1t, beta2t] = [power1 * BETA1, power2 * BETA2];
    this.powers = [beta1t, beta2t];
    const rate = (this.learningRate * Math.sqrt(1 - beta2t)) / (1 - beta1t);
    for (let k = 0; k < this.weights.length; k++) {
      const w = /** @type {Floats} */ (this.weights[k]);
      const g = /** @type {Floats} */ (this.gradients[k]);
      const m = /** @type {Floats} */ (this.m[k]);
      const v = /** @type {Floats} */ (this.v[k]);
      for (let n = 0; n < w.length; n++) {
        m[n] += (g[n] - m[n]) * (1 - BETA1);
        v[n] += (g[n] * g[n] - v[n]) * (1 - BETA2);
        w[n] -= (rate * m[n]) / (Math.sqrt(v[n]) + EPSILON);
      }
    }
  }
}
