// Models with their float64 references. The gradient of a whole model is computed from one step of plain gradient
// descent through the public interface.
//
// The step is w' = w - rate g, so g = (w - w') / rate. With the rate 2^20 the product is exact and much larger than w.
// Rounding w' to float32 gives g a relative error of 2^-24, and the term of w an absolute error of |w| 2^-44.

import { type Sequential, train } from 'lstm-wasm';
import { expectClose } from '../compare.ts';
import { type Block, block } from '../reference/block.ts';
import { type LayerSpec, ReferenceModel } from '../reference/model.ts';
import { Random } from '../reference/random.ts';
import { modelOf, tensorOf } from './models.ts';

export const rate = 2 ** 20;

/** A compiled model and its reference with the same weights, and two batches: `before`, and `x` with targets `y`. */
export interface Case {
  model: Sequential;
  reference: ReferenceModel;
  weights: Block[];
  before: Block;
  x: Block;
  y: Block;
}

/**
 * Makes a case with random weights and inputs. Matrices are scaled so that sums are of order 1.
 *
 * @param masked adds a masking layer at the bottom, and sets the masked steps to zero
 */
export function caseOf(specs: LayerSpec[], [B, T, D]: [number, number, number], masked = false): Case {
  const random = new Random(B * 10000 + T * 100 + D);
  const { inputShape, batchInputShape } = specs[0]!.config;
  const layers = masked ? [{ class: 'masking' as const, config: { inputShape, batchInputShape } }, ...specs] : specs;
  const model = modelOf(layers);
  model.compile({ optimizer: train.sgd(rate), loss: 'meanSquaredError' });
  const reference = new ReferenceModel({ layers });
  const weights = reference.weightShapes.map(shape =>
    random.normals(shape, shape.length > 1 ? shape[0]! ** -0.5 : 0.3),
  );
  reference.setWeights(weights);
  model.setWeights(weights.map(tensorOf));
  const [before, x] = [random.normals([B, T, D]), random.normals([B, T, D])];
  if (masked) {
    for (const { data } of [before, x]) {
      const mask = maskOf(random, B, T);
      for (const n of data.keys()) data[n]! *= mask[Math.floor(n / D)]!;
    }
  }
  const y = random.normals(reference.predict(x).shape);
  reference.resetStates();
  return { model, reference, weights, before, x, y };
}

/** A random mask [B, T] with 60% unmasked time steps; with B > 1, all of the first row is masked. */
function maskOf(random: Random, B: number, T: number): Float64Array {
  return Float64Array.from({ length: B * T }, (_, n) => (n < T && B > 1 ? 0 : Number(random.uniform() < 0.2)));
}

/** Trains once and computes the gradients from the change of the weights, [weight block][element]. */
export function gradientsOf({ model, weights, x, y }: Case): { loss: number; gradients: Float64Array[] } {
  const loss = model.trainOnBatch(tensorOf(x), tensorOf(y)) as number;
  const after = model.getWeights().map(weight => weight.dataSync());
  const gradients = weights.map(({ data }, n) => data.map((w, m) => (w - after[n]![m]!) / rate));
  return { loss, gradients };
}

/**
 * Compares loss and gradients with the reference. A gradient is a sum over rows and steps whose terms partly cancel, so
 * its float32 error is bounded relative to the largest element of its block. Plain float32 loops stay within 2e-6 of
 * that element in all these cases. The relative bound is that of the fixture lstm-gradients: a gradient is a product of
 * a dozen activations and slopes, each within 3 ULP (3.6e-7) in the kernels.
 */
export function expectGradients(subject: Case): void {
  const { reference, x, y } = subject;
  const expected = reference.gradients(x, y);
  const { loss, gradients } = gradientsOf(subject);
  expectClose([loss], [reference.testOnBatch(x, y)], { abs: 0, rel: 2e-6, what: 'loss' });
  expected.forEach(({ shape, data }, n) => {
    const largest = data.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
    const what = `gradient in weights ${n} [${shape}]`;
    expectClose(gradients[n]!, data, { abs: 5e-6 * largest, rel: 1e-5, what });
  });
}

/**
 * Compares predictions, losses and gradients with the reference over several batches, and the states between them. The
 * states of a stateful model advance with every call, in the model and in the reference.
 */
export function expectMatchesReference(subject: Case, batches = 1): void {
  const { model, reference, weights, before, x } = subject;
  const expectSame = (got: ArrayLike<number>, expected: ArrayLike<number>, what: string) =>
    expectClose(got, expected, { abs: 3e-6, rel: 3e-6, what });
  for (let n = 0; n < batches; n++) {
    expectSame(
      model.predict(tensorOf(x), { batchSize: x.shape[0] }).dataSync(),
      reference.predict(x).data,
      'prediction',
    );
    if (batches > 1) {
      model.predict(tensorOf(before));
      reference.predict(before);
    }
    expectGradients(subject);
    model.setWeights(weights.map(tensorOf));
    if (batches === 1) continue;
    const states = model.getStates();
    for (const [l, list] of reference.getStates().entries()) {
      for (const [k, { data }] of list.entries())
        expectSame(states[l]![k]!.dataSync(), data, `state ${k} of layer ${l}`);
    }
  }
}

/**
 * Compares gradients with finite differences of the loss. The weights of one block move by `reach` in both directions
 * along a random vector with the signs of the gradient, so that nothing cancels in the slope. The slope is taken
 * between the points after rounding to float32. The remaining errors are the third derivative, at most 4e-4 relative, and
 * the rounding of the outputs to float32, below 1e-7 for a loss of order 1; the differences are 1e-3 to 3e-2. Layers with
 * more curvature than an LSTM need a smaller reach: half the reach leaves a quarter of the third derivative.
 */
export function expectDifferences(subject: Case, reach = 2 ** -5): void {
  const { model, weights, x, y } = subject;
  const { gradients } = gradientsOf(subject);
  const random = new Random(7);
  const lossAt = (point: Block[]) => {
    model.setWeights(point.map(tensorOf));
    return model.testOnBatch(tensorOf(x), tensorOf(y)) as number;
  };
  weights.forEach(({ shape, data }, n) => {
    const gradient = gradients[n]!;
    const lengths = gradient.map(() => Math.abs(random.normal()));
    const scale = reach / Math.hypot(...lengths);
    const moved = (sign: number) =>
      block(
        shape,
        data.map((w, m) => Math.fround(w + sign * scale * lengths[m]! * Math.sign(gradient[m]!))),
      );
    const [ahead, behind] = [moved(1), moved(-1)];
    const difference = lossAt(weights.with(n, ahead)) - lossAt(weights.with(n, behind));
    const slope = gradient.reduce((sum, g, m) => sum + g * (ahead.data[m]! - behind.data[m]!), 0);
    expectClose([difference], [slope], { abs: 5e-7, rel: 1e-3, what: `weights ${n} [${shape}]` });
  });
}
