// What the functional models for the ONNX tests are made of.

import { initializers, input, layers, model, setRandomSeed } from 'lstm-wasm';
import type { FunctionalModel } from '../../src/index.ts';

export const D = 3;

export type Symbolic = ReturnType<typeof input>;

export interface GraphCase {
  readonly make: () => FunctionalModel;
  /** The numbers of time steps of the inputs, for each run. Default: 5 and then 2 for all. */
  readonly steps?: readonly (readonly number[])[];
  /** Whether about a third of the time steps of the inputs are zeros. */
  readonly masked?: true;
  /**
   * Whether the loaded model has more weights: those of both directions twice where their final states are read, or a frozen
   * layer that reverses time steps.
   */
  readonly addsWeights?: true;
  /** The error of `loadOnnxModel` for the exported model. Absent if it loads. */
  readonly refused?: RegExp;
}

export const graphCases: { [name: string]: GraphCase } = {};

export const random = () => initializers.randomUniform({ minval: -0.9, maxval: 0.9 });
export const biased = { biasInitializer: random() };
export const sequences = { returnSequences: true } as const;
export const withState = { returnState: true } as const;
export const sequence = (name = 'x', steps: number | null = null) => input({ shape: [steps, D], name });
export const row = (name = 'row') => input({ shape: [D], name });
export const dense = (units: number, more: object = {}) => layers.dense({ units, ...biased, ...more });
export const lstm = (more: object = {}) => layers.lstm({ units: 4, ...biased, ...more });
export const gru = (more: object = {}) => layers.gru({ units: 4, ...biased, ...more });
export const masking = () => layers.masking();

export const add = (
  name: string,
  inputs: () => Symbolic[],
  outputs: (...inputs: Symbolic[]) => Symbolic | Symbolic[],
  more: Omit<GraphCase, 'make'> = {},
) => {
  graphCases[name] = {
    make: () => {
      setRandomSeed(8);
      const given = inputs();
      return model({ inputs: given, outputs: outputs(...given), name: 'mine' });
    },
    ...more,
  };
};
