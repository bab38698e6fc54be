// Densities in plain float64, by their definitions. The logarithm of the gamma function is by Lanczos' approximation, and
// gradients are by finite differences; the kernels use neither.

type Numbers = ArrayLike<number>;

const lanczos = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];

/** The logarithm of the gamma function of a positive number. */
export function lgamma(x: number): number {
  if (x < 0.5) return lgamma(x + 1) - Math.log(x);
  const base = x + 6.5;
  const sum = lanczos.reduce((all, c, k) => (k === 0 ? c : all + c / (x - 1 + k)), 0);
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(base) - base + Math.log(sum);
}

export const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const positive = (x: number) => softplus(x) + 1e-6;

/** -log of the density of t[0] under a normal distribution of mean y[0] and deviation softplus(y[1]) + 1e-6. */
export function gaussian(y: Numbers, t: Numbers): number {
  const deviation = positive(y[1]!);
  return 0.5 * ((t[0]! - y[0]!) / deviation) ** 2 + Math.log(deviation) + 0.5 * Math.log(2 * Math.PI);
}

/** A t distribution with 2 + softplus(y[0]) degrees of freedom, location y[1] and scale softplus(y[2]) + 1e-6. */
export function studentT(y: Numbers, t: Numbers): number {
  const [freedom, scale] = [2 + softplus(y[0]!), positive(y[2]!)];
  const z = (t[0]! - y[1]!) / scale;
  const constant = lgamma(freedom / 2) - lgamma((freedom + 1) / 2) + 0.5 * Math.log(freedom * Math.PI);
  return constant + Math.log(scale) + 0.5 * (freedom + 1) * Math.log1p((z * z) / freedom);
}

/** A negative binomial distribution of mean m = softplus(y[0]) + 1e-6 and variance m + (softplus(y[1]) + 1e-6) m^2. */
export function negativeBinomial(y: Numbers, t: Numbers): number {
  const [mean, dispersion, count] = [positive(y[0]!), positive(y[1]!), t[0]!];
  const r = 1 / dispersion;
  const ways = lgamma(count + r) - lgamma(count + 1) - lgamma(r);
  return -ways + r * Math.log1p(mean / r) - count * Math.log(mean / (r + mean));
}

/** The gradient of a smooth function at a point, by differences of order 4. */
export function gradientOf(f: (at: Float64Array) => number, at: Float64Array): Float64Array {
  return at.map((value, n) => {
    const h = 1e-4 * Math.max(1, Math.abs(value));
    const side = (steps: number) => f(at.with(n, value + steps * h));
    return (8 * (side(1) - side(-1)) - (side(2) - side(-2))) / (12 * h);
  });
}

/** log(exp(a) + exp(b)). */
const logAdd = (a: number, b: number): number => {
  const most = Math.max(a, b);
  return most === Number.NEGATIVE_INFINITY ? most : most + Math.log(Math.exp(a - most) + Math.exp(b - most));
};

/**
 * -log of the probability of labels by connectionist temporal classification: over all paths, one by one, so for short
 * sequences only.
 *
 * @param rows logits of each time step
 */
export function ctcByPaths(rows: readonly Numbers[], labels: readonly number[], blank: number): number {
  const logs = rows.map(row => {
    const normalizer = Array.from(row).reduce(logAdd, Number.NEGATIVE_INFINITY);
    return Array.from(row, value => value - normalizer);
  });
  const classes = rows[0]!.length;
  let total = Number.NEGATIVE_INFINITY;
  for (let path = 0; path < classes ** rows.length; path++) {
    const classesAt = rows.map((_, t) => Math.floor(path / classes ** t) % classes);
    const collapsed = classesAt.filter((k, t) => k !== blank && k !== classesAt[t - 1]);
    if (String(collapsed) !== String(labels)) continue;
    total = logAdd(
      total,
      classesAt.reduce((sum, k, t) => sum + logs[t]![k]!, 0),
    );
  }
  return -total;
}
