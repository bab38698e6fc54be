/** Windows of time steps, as convolutions and pooling layers read them: options and arithmetic. */

import { fail, show } from '../util/errors.ts';
import { checkName } from '../util/options.ts';
import { type Shape, showShape } from '../util/shapes.ts';

/**
 * How windows end: 'valid' for those within the sequence only, 'same' for as many output steps as strides, with padding at
 * both ends, 'causal' with padding before the sequence only.
 */
export type Padding = 'valid' | 'same' | 'causal';

/** Checks a number of time steps, given as a number or, as in TF.js and Keras, as a list of one. */
export function checkSteps(call: string, name: string, value: unknown): number {
  const steps: unknown = Array.isArray(value) && value.length === 1 ? value[0] : value;
  if (typeof steps !== 'number' || !Number.isSafeInteger(steps) || steps < 1) {
    fail(call, `${name} must be an integer of at least 1, got ${show(value)}`);
  }
  return steps;
}

/** The option `padding`; 'valid' if it is not given. */
export const readPadding = <P extends Padding>(call: string, padding: unknown, allowed: readonly P[]): P =>
  checkName(call, 'padding', padding ?? 'valid', allowed);

/** Fails for another data format. */
export function checkChannelsLast(call: string, format: unknown): void {
  if (format !== undefined && format !== null && format !== 'channelsLast' && format !== 'channels_last') {
    fail(call, `dataFormat must be 'channelsLast', got ${show(format)}`);
  }
}

/** Fails if an input is no sequence of vectors. */
export function checkSequence(call: string, layer: string, input: Shape): void {
  if (input.length === 3) return;
  const rule = `${layer} needs an input [batch, timeSteps, features], got ${showShape(input)}`;
  fail(call, `${rule}; a recurrent layer below outputs that with returnSequences: true`);
}

/**
 * The number of windows over a sequence, and the steps of padding before it, as in TensorFlow.
 *
 * @param extent the time steps from the first to the last of a window
 * @throws ValueError if no window fits
 */
export function windowsOver(
  call: string,
  layer: string,
  steps: number,
  { extent, stride, padding }: { extent: number; stride: number; padding: Padding },
): { steps: number; before: number } {
  if (padding === 'valid') {
    if (steps < extent) {
      fail(call, `${layer} needs at least ${extent} time steps for padding 'valid', got ${steps}; use padding 'same'`);
    }
    return { steps: Math.floor((steps - extent) / stride) + 1, before: 0 };
  }
  const count = Math.ceil(steps / stride);
  if (padding === 'causal') return { steps: count, before: extent - 1 };
  const missing = Math.max(0, (count - 1) * stride + extent - steps);
  return { steps: count, before: Math.floor(missing / 2) };
}
