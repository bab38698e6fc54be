/** Kernels of options that not every program has. */

import { Place } from '../util/part.ts';
import type { KernelModule } from './decode.ts';

/** Activations other than linear, relu, sigmoid and tanh; in recurrent layers, other than the default. */
export const activationKernels: Place<KernelModule> = /* @__PURE__ */ new Place('activations');
/** The dropout of recurrent layers. */
export const dropoutKernels: Place<KernelModule> = /* @__PURE__ */ new Place('recurrentDropout');
/** Metrics, and losses other than the mean squared error. */
export const lossKernels: Place<KernelModule> = /* @__PURE__ */ new Place('lossesAndMetrics');
/** Optimizers other than Adam. */
export const optimizerKernels: Place<KernelModule> = /* @__PURE__ */ new Place('optimizers');
