/** How each kind of stage of a plan runs. */

import type { Kernels } from '../wasm/kernels.ts';
import type { KernelCall } from './plan.ts';

/** Rows of a batch that go through all time steps together; more would push each other's weight gradients out of L1. */
const BLOCK = 256;

interface KernelFunctions {
  forward(kernels: Kernels, plan: number, batch: number): void;
  backward(kernels: Kernels, plan: number, batch: number): void;
  rewind?(kernels: Kernels, plan: number): void;
}

/** A recurrent layer, whose batch goes through block by block. */
function recurrent(layer: 'lstm' | 'gru' | 'simpleRnn'): KernelFunctions {
  // Named once: a name put together in each call would be a string in each call.
  const [forward, backward, rewind] = [`${layer}Forward`, `${layer}Backward`, `${layer}Rewind`] as const;
  return {
    forward(kernels, plan, batch) {
      for (let first = 0; first < batch; first += BLOCK) kernels[forward](plan, first, Math.min(BLOCK, batch - first));
    },
    backward(kernels, plan, batch) {
      for (let first = 0; first < batch; first += BLOCK) kernels[backward](plan, first, Math.min(BLOCK, batch - first));
    },
    rewind: (kernels, plan) => kernels[rewind](plan),
  };
}

/** By the kind of the stage, given the address of its structure and the batch size. */
export const kernelCalls: Record<KernelCall['kind'], KernelFunctions> = {
  lstm: recurrent('lstm'),
  gru: recurrent('gru'),
  simpleRnn: recurrent('simpleRnn'),
  merge: {
    forward: (kernels, plan) => kernels.mergeForward(plan),
    backward: (kernels, plan) => kernels.mergeBackward(plan),
  },
  join: {
    forward() {},
    backward: (kernels, plan) => kernels.joinBackward(plan),
  },
  dense: {
    forward: (kernels, plan) => kernels.denseForward(plan),
    backward: (kernels, plan) => kernels.denseBackward(plan),
  },
  dropout: {
    forward: (kernels, plan) => kernels.dropoutForward(plan),
    backward: (kernels, plan) => kernels.dropoutBackward(plan),
  },
  activation: {
    forward: (kernels, plan) => kernels.activationForward(plan),
    backward: (kernels, plan) => kernels.activationBackward(plan),
  },
  masking: {
    forward: (kernels, plan) => kernels.maskingForward(plan),
    backward: (kernels, plan) => kernels.maskingBackward(plan),
  },
  embedding: {
    forward: (kernels, plan) => kernels.embeddingForward(plan),
    backward: (kernels, plan) => kernels.embeddingBackward(plan),
  },
  reshape: {
    forward: (kernels, plan) => kernels.reshapeForward(plan),
    backward: (kernels, plan) => kernels.reshapeBackward(plan),
  },
  repeat: {
    forward: (kernels, plan) => kernels.repeatForward(plan),
    backward: (kernels, plan) => kernels.repeatBackward(plan),
  },
};
