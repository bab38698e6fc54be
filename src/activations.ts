/** The activations of dense layers, by name; each stands at the number under which assembly/dense.ts knows it. */

export const activations = ['linear', 'relu', 'sigmoid', 'tanh'] as const;

export type Activation = (typeof activations)[number];
