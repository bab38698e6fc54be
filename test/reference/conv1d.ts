// y[b][t] = activation(sum over k of x[b][stride t + dilation k - before] kernel[k] + bias), where x is zero outside of its
// steps. B batch, S input steps, T output steps, K taps, D inputs, N filters.

import { type ActivationName, activate, derive, type RowActivationName } from './activations.ts';

export interface ConvSizes {
  steps: number;
  kernelSize: number;
  strides: number;
  dilationRate: number;
  padding: 'valid' | 'same' | 'causal';
}

export interface ConvInputs {
  sizes: ConvSizes & { B: number; D: number; N: number };
  /** [B,S,D] */
  x: ArrayLike<number>;
  /** [K,D,N] */
  kernel: ArrayLike<number>;
  /** [N], or null for none */
  bias: ArrayLike<number> | null;
  activation?: ActivationName | RowActivationName;
}

/** Pads the positions of the windows as Keras documents it; returns the first step of each window. */
export function windowStarts({ steps, kernelSize, strides, dilationRate, padding }: ConvSizes): number[] {
  const reach = dilationRate * (kernelSize - 1) + 1;
  const starts: number[] = [];
  if (padding === 'same') {
    const count = Math.ceil(steps / strides);
    const zeros = Math.max(0, (count - 1) * strides + reach - steps);
    for (let n = 0; n < count; n++) starts.push(n * strides - Math.floor(zeros / 2));
    return starts;
  }
  const first = padding === 'causal' ? 1 - reach : 0;
  for (let at = first; at + reach <= steps; at += strides) starts.push(at);
  return starts;
}

/** Calls `use` with the indices of x, of the kernel and of y of each product. */
function forEachProduct({ sizes }: ConvInputs, use: (x: number, kernel: number, y: number) => void): void {
  const { B, D, N, steps, kernelSize, dilationRate } = sizes;
  const starts = windowStarts(sizes);
  for (let b = 0; b < B; b++) {
    for (const [t, start] of starts.entries()) {
      for (let k = 0; k < kernelSize; k++) {
        const s = start + k * dilationRate;
        if (s < 0 || s >= steps) continue;
        for (let d = 0; d < D; d++) {
          for (let n = 0; n < N; n++)
            use((b * steps + s) * D + d, (k * D + d) * N + n, (b * starts.length + t) * N + n);
        }
      }
    }
  }
}

function convLogits(inputs: ConvInputs): Float64Array {
  const { sizes, x, kernel, bias } = inputs;
  const z = new Float64Array(sizes.B * windowStarts(sizes).length * sizes.N);
  if (bias) for (const n of z.keys()) z[n] = bias[n % sizes.N]!;
  forEachProduct(inputs, (from, k, to) => {
    z[to]! += x[from]! * kernel[k]!;
  });
  return z;
}

/** The outputs, [B,T,N]. */
export const convForward = (inputs: ConvInputs): Float64Array =>
  activate(inputs.activation ?? 'linear', convLogits(inputs), inputs.sizes.N);

/** The gradients of all inputs of `convForward`, given its outputs and their gradient. */
export function convBackward(inputs: ConvInputs, outputs: ArrayLike<number>, dOutputs: ArrayLike<number>) {
  const { sizes, x, kernel, activation = 'linear' } = inputs;
  const { N } = sizes;
  const dz = derive(activation, convLogits(inputs), outputs, dOutputs, N);
  const [dX, dKernel, dBias] = [x.length, kernel.length, N].map(length => new Float64Array(length));
  forEachProduct(inputs, (from, k, to) => {
    dX![from]! += dz[to]! * kernel[k]!;
    dKernel![k]! += dz[to]! * x[from]!;
  });
  for (const [n, value] of dz.entries()) dBias![n % N]! += value;
  return { dX: dX!, dKernel: dKernel!, dBias: dBias! };
}
