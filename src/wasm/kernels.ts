/** The binary interface, as TypeScript sees it. `address` is a byte offset, `rows`, `n` and the like count elements. */

export type Address = number;

/** The builds: `strict` rounds every operation, `relaxed` fuses multiply and add. */
export type Simd = 'strict' | 'relaxed';

export interface Kernels {
  /** 1 in the build that fuses multiply and add. */
  isRelaxed(): number;
  /** 1 where the host joins vectors: tiles and packed matrices of 16 columns. Before anything is packed. */
  setJoined(on: number): void;
  allocate(bytes: number): Address;
  release(block: Address): void;
  zero(block: Address, bytes: number): void;

  copyRows(
    dst: Address,
    dstRow: number,
    dstStep: number,
    src: Address,
    srcRow: number,
    srcStep: number,
    steps: number,
    rows: number,
    width: number,
  ): void;

  lstmForward(plan: Address, first: number, rows: number): void;
  lstmBackward(plan: Address, first: number, rows: number): void;
  lstmRewind(plan: Address): void;
  lstmWeights(
    w: Address,
    kernel: Address,
    recurrentKernel: Address,
    bias: Address,
    inputs: number,
    units: number,
    inward: number,
  ): void;
  lstmState(
    stateH: Address,
    stateC: Address,
    h: Address,
    c: Address,
    batch: number,
    units: number,
    inward: number,
  ): void;

  gruForward(plan: Address, first: number, rows: number): void;
  gruBackward(plan: Address, first: number, rows: number): void;
  gruRewind(plan: Address): void;
  gruWeights(
    w: Address,
    kernel: Address,
    recurrentKernel: Address,
    bias: Address,
    inputs: number,
    units: number,
    resetAfter: number,
    inward: number,
  ): void;

  simpleRnnForward(plan: Address, first: number, rows: number): void;
  simpleRnnBackward(plan: Address, first: number, rows: number): void;
  simpleRnnRewind(plan: Address): void;
  simpleRnnWeights(
    w: Address,
    kernel: Address,
    recurrentKernel: Address,
    bias: Address,
    inputs: number,
    units: number,
    inward: number,
  ): void;
  /** The state of a gru or simpleRnn layer. */
  hState(stateH: Address, h: Address, batch: number, units: number, inward: number): void;

  mergeForward(plan: Address): void;
  mergeBackward(plan: Address): void;
  joinBackward(plan: Address): void;

  denseForward(plan: Address): void;
  denseBackward(plan: Address): void;
  denseWeights(w: Address, kernel: Address, bias: Address, inputs: number, units: number, inward: number): void;

  /** The loss of a planned batch; leaves its gradient where the plan says. */
  loss(plan: Address): number;
  /** A metric of a planned batch, for those that are no losses. */
  metric(plan: Address): number;
  /** How many rows of a planned batch the mask leaves. */
  countedRows(plan: Address): number;
  /** Names the training batch that comes next: what dropout drops depends on it. */
  setBatch(n: number): void;
  dropoutForward(plan: Address): void;
  dropoutBackward(plan: Address): void;
  activationForward(plan: Address): void;
  activationBackward(plan: Address): void;
  maskingForward(plan: Address): void;
  maskingBackward(plan: Address): void;
  embeddingForward(plan: Address): void;
  embeddingBackward(plan: Address): void;
  embeddingWeights(w: Address, embeddings: Address, inputs: number, units: number, inward: number): void;
  reshapeForward(plan: Address): void;
  reshapeBackward(plan: Address): void;
  repeatForward(plan: Address): void;
  repeatBackward(plan: Address): void;

  adam(
    w: Address,
    m: Address,
    v: Address,
    g: Address,
    n: number,
    rate: number,
    beta1: number,
    beta2: number,
    epsilon: number,
    beta1t: number,
    beta2t: number,
  ): void;
  amsgrad(
    w: Address,
    m: Address,
    v: Address,
    most: Address,
    g: Address,
    n: number,
    rate: number,
    beta1: number,
    beta2: number,
    epsilon: number,
    beta1t: number,
    beta2t: number,
  ): void;
  nadam(
    w: Address,
    m: Address,
    v: Address,
    g: Address,
    n: number,
    ofM: number,
    ofG: number,
    ofV: number,
    beta1: number,
    beta2: number,
    epsilon: number,
  ): void;
  adamax(
    w: Address,
    m: Address,
    u: Address,
    g: Address,
    n: number,
    rate: number,
    beta1: number,
    beta2: number,
    epsilon: number,
    beta1t: number,
  ): void;
  sgd(w: Address, g: Address, n: number, rate: number): void;
  momentum(w: Address, v: Address, g: Address, n: number, rate: number, keep: number, nesterov: number): void;
  rmsprop(
    w: Address,
    v: Address,
    p: Address,
    mean: Address,
    g: Address,
    n: number,
    rate: number,
    decay: number,
    keep: number,
    epsilon: number,
  ): void;
  adagrad(w: Address, v: Address, g: Address, n: number, rate: number, epsilon: number): void;
  adadelta(w: Address, v: Address, u: Address, g: Address, n: number, rate: number, rho: number, epsilon: number): void;
  decay(w: Address, n: number, share: number): void;
  average(a: Address, w: Address, n: number, keep: number): void;

  /** 1 when all numbers are within [-most, most]. */
  areWithin(x: Address, n: number, most: number): number;
  sumOfSquares(x: Address, n: number): number;
  scale(x: Address, n: number, factor: number): void;
  clamp(x: Address, n: number, most: number): void;

  penalty(w: Address, n: number, l1: number, l2: number): number;
  penaltyGradient(w: Address, n: number, l1: number, l2: number): void;
  nonNegative(w: Address, n: number): void;
  boundNorms(w: Address, outer: number, length: number, inner: number, least: number, most: number, rate: number): void;

  randomUniform(x: Address, n: number, seed: number, low: number, high: number): void;
  randomNormal(x: Address, n: number, seed: number, mean: number, deviation: number): void;
  truncatedNormal(x: Address, n: number, seed: number, mean: number, deviation: number): void;
  orthonormalize(x: Address, count: number, n: number): number;
  mixedRows(x: Address, count: number, n: number, orders: Address, rounds: number, room: Address): void;
}
