/** y = of(z), and the slope dy/dz written in terms of y, so that the backward pass needs no z. */
interface Activation {
  of(z: number): number;
  slope(y: number): number;
}

export type ActivationName = 'linear' | 'relu' | 'sigmoid' | 'tanh';

export function sigmoid(z: number): number {
  return z >= 0 ? 1 / (1 + Math.exp(-z)) : Math.exp(z) / (1 + Math.exp(z));
}

export const activations: Readonly<Record<ActivationName, Activation>> = {
  linear: { of: z => z, slope: () => 1 },
  relu: { of: z => Math.max(z, 0), slope: y => (y > 0 ? 1 : 0) },
  sigmoid: { of: sigmoid, slope: y => y * (1 - y) },
  tanh: { of: Math.tanh, slope: y => 1 - y * y },
};
