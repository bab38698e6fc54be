/** Trained networks, and what they predict for windows. */

import type { FunctionalModel } from '../model/functional.ts';
import { fail } from '../util/errors.ts';
import type { Encoding } from './encoding.ts';
import type { Resolved } from './forecasterOptions.ts';
import type { Frame, Layout, ReadySeries } from './forecastWindows.ts';
import type { Marginal } from './outputs.ts';

/** Trained networks with what they were trained for. */
export interface Networks {
  readonly settings: Resolved;
  readonly encoding: Encoding;
  readonly layout: Layout;
  /** All networks, with an output for each. */
  readonly net: FunctionalModel;
}

/** A window, by the index of the first step to forecast. */
export interface Origin {
  readonly series: ReadySeries;
  readonly origin: number;
}

/** What the networks predict for windows; step h of window n has the number n * horizon + h. */
export interface Outputs {
  readonly frames: readonly Frame[];
  /** A number in the middle of the distribution of a step. */
  center(step: number): number;
  /** @param spread the scale of the errors at this step, for outputs without a distribution */
  marginal(step: number, spread: number): Marginal;
  /** For each window, the paths from which the distributions are; null if these do not come from paths. */
  readonly paths: readonly (readonly Float64Array[])[] | null;
}

/** How many paths are sampled for each window, by the decoding 'autoregressive' with a distribution. */
export interface Sampling {
  readonly paths: number;
  readonly seed: number;
}

/** Fails because the window of a series has no values. */
export function failEmpty(call: string, { inputSteps }: Layout, { label }: ReadySeries): never {
  return fail(call, `the last ${inputSteps} values of ${label} must have one that is not missing, got none`);
}
