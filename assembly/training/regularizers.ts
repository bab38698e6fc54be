/** Penalties on a weight: l1 sum|w| + l2 sum w^2, and their gradient. The weight has n numbers without padding. */

/** The penalty of w [n], summed in float64. */
export function penalty(w: usize, n: i32, l1: f64, l2: f64): f64 {
  let sum: f64 = 0;
  let squares: f64 = 0;
  for (let i: usize = 0; i < <usize>n << 2; i += 4) {
    const wi = <f64>load<f32>(w + i);
    sum += abs(wi);
    squares += wi * wi;
  }
  return l1 * sum + l2 * squares;
}

/** Replaces w [n] by the gradient of its penalty: l1 sign(w) + 2 l2 w, where sign(0) is 0. */
export function penaltyGradient(w: usize, n: i32, l1: f64, l2: f64): void {
  const first = <f32>l1;
  const second = <f32>(2 * l2);
  for (let i: usize = 0; i < <usize>n << 2; i += 4) {
    const wi = load<f32>(w + i);
    const sign: f32 = wi > 0 ? first : wi < 0 ? -first : 0;
    store<f32>(w + i, sign + second * wi);
  }
}
