/**
 * Folds a batch normalization with moving statistics into the weights of the layer below, for predictions:
 * gamma (x W + b - mean) / sqrt(variance + epsilon) + beta = x (W s) + (b - mean) s + beta, with s = gamma / sqrt(variance + epsilon).
 */

import { padded, panelWidth } from '../products/matmul';
import { lanesAt } from '../math/laneMasks';

/** A planned fold, written by src/plan. */
@unmanaged
export class FoldPlan {
  inputs: i32; // K
  units: i32; // N
  w: usize; // bias [padded N], then the packed kernel [K, N]
  folded: usize; // scratch: like w
  scales: usize; // scratch [padded N]
  gamma: usize; // [padded N]; 0 for ones
  beta: usize; // [padded N]; 0 for zeros
  mean: usize; // [padded N]
  variance: usize; // [padded N]
  epsilon: i32; // float32 bits
}

export function foldForward(plan: FoldPlan): void {
  assert(plan.inputs > 0 && plan.units > 0);
  const width = padded(plan.units);
  const epsilon = <f64>reinterpret<f32>(plan.epsilon);
  for (let n = 0; n < width; n += 4) {
    const at = <usize>n * 4;
    const lanes = lanesAt(n, plan.units); // the padding is arbitrary, and must become zero
    const variance = v128.load(plan.variance + at);
    const low = inverseRoot(f64x2.promote_low_f32x4(variance), epsilon);
    const high = inverseRoot(f64x2.promote_low_f32x4(v128.shuffle<f32>(variance, variance, 2, 3, 2, 3)), epsilon);
    let scale = v128.shuffle<f32>(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 1, 4, 5);
    // NaN for a variance that has overflowed, so that the prediction shows it
    scale = f32x4.add(scale, f32x4.sub(variance, variance));
    if (plan.gamma) scale = f32x4.mul(scale, v128.load(plan.gamma + at));
    scale = v128.and(scale, lanes);
    const bias = f32x4.sub(v128.load(plan.w + at), v128.load(plan.mean + at));
    const shift = plan.beta ? v128.load(plan.beta + at) : f32x4.splat(0);
    v128.store(plan.scales + at, scale);
    v128.store(plan.folded + at, v128.and(f32x4.add(f32x4.mul(bias, scale), shift), lanes));
  }
  let w = plan.w + <usize>width * 4;
  let to = plan.folded + <usize>width * 4;
  let scales = plan.scales;
  for (let left = plan.units; left > 0;) {
    const panel = <usize>panelWidth(left) * 4;
    for (let k = 0; k < plan.inputs; k++) {
      for (let at: usize = 0; at < panel; at += 16) {
        v128.store(to + at, f32x4.mul(v128.load(w + at), v128.load(scales + at)));
      }
      w += panel;
      to += panel;
    }
    scales += panel;
    left -= <i32>(panel >> 2);
  }
}

@inline
function inverseRoot(variance: v128, epsilon: f64): v128 {
  return f64x2.div(f64x2.splat(1), f64x2.sqrt(f64x2.add(variance, f64x2.splat(epsilon))));
}
