/** A layer that applies an activation. */

import { Activation, activate, activateWithSlope, exponentialUnits, keepAbove, rectify } from '../math/activations';
import { allLanes, lastLanes } from '../math/laneMasks';
import { logSoftmaxBackward, logSoftmaxRows, softmaxBackward, softmaxRows } from '../math/softmax';

/** A planned activation, written by src/plan; offsets and strides in bytes. */
@unmanaged
export class ActivationPlan {
  activation: i32; // an Activation or a ParametricActivation
  alpha: i32; // float32 bits of a parameter: the factor of x or of exp(x) - 1 below zero, or a threshold
  top: i32; // float32 bits of a parameter: the maximum of a rectifier
  steps: i32; // T
  rows: i32; // B
  width: i32; // D
  x: usize; // [T, B, D], rows xRow apart, steps xStep apart
  xRow: usize;
  xStep: usize;
  y: usize; // [T, B, padded D]
  yRow: usize;
  yStep: usize;
  slope: usize; // [T, B, padded D], strides of y: f'(x) for the backward pass; 0 for softmax and without training
  scratch: usize; // [padded D], logSoftmax only
  dy: usize; // [T, B, padded D]: gradient of y, its padding zero
  dyRow: usize;
  dyStep: usize;
  dx: usize; // [T, B, padded D]: gradient of x, overwritten; 0 for none
  dxRow: usize;
  dxStep: usize;
}

/** Activations with parameters, numbered above all of Activation. */
export const enum ParametricActivation {
  /** min(x, top) above zero, alpha x below: reLU, leakyReLU. */
  rectifier = 32,
  /** x above zero, alpha (exp(x) - 1) below: elu. */
  exponential,
  /** x above alpha, 0 elsewhere: thresholdedReLU. */
  threshold,
}

export function activationForward(plan: ActivationPlan): void {
  const kind = plan.activation;
  const width = (plan.width + 3) & ~3;
  for (let t: usize = 0; t < <usize>plan.steps; t++) {
    let x = plan.x + t * plan.xStep;
    let y = plan.y + t * plan.yStep;
    let slope = plan.slope ? plan.slope + t * plan.yStep : 0;
    if (kind == Activation.softmax) {
      softmaxRows(y, plan.yRow, x, plan.xRow, plan.rows, plan.width);
    } else if (kind == Activation.logSoftmax) {
      logSoftmaxRows(y, plan.yRow, x, plan.xRow, plan.rows, plan.width, plan.scratch);
    } else {
      for (let b = 0; b < plan.rows; b++) {
        const alpha = reinterpret<f32>(plan.alpha);
        if (kind == ParametricActivation.rectifier) rectify(y, slope, x, width, alpha, reinterpret<f32>(plan.top));
        else if (kind == ParametricActivation.exponential) exponentialUnits(y, slope, x, width, alpha);
        else if (kind == ParametricActivation.threshold) keepAbove(y, slope, x, width, alpha);
        else if (slope) activateWithSlope(kind, y, slope, x, width);
        else activate(kind, y, x, width);
        x += plan.xRow;
        y += plan.yRow;
        if (slope) slope += plan.yRow;
      }
    }
  }
}

/** Requires activationForward on the same plan. */
export function activationBackward(plan: ActivationPlan): void {
  if (!plan.dx) return;
  const kind = plan.activation;
  const bytes = <usize>plan.width * 4;
  const tail = lastLanes(plan.width);
  for (let t: usize = 0; t < <usize>plan.steps; t++) {
    let dx = plan.dx + t * plan.dxStep;
    let dy = plan.dy + t * plan.dyStep;
    const y = plan.y + t * plan.yStep;
    let slope = plan.slope + t * plan.yStep;
    if (kind == Activation.softmax) {
      softmaxBackward(dx, plan.dxRow, dy, plan.dyRow, y, plan.yRow, plan.rows, plan.width);
    } else if (kind == Activation.logSoftmax) {
      logSoftmaxBackward(dx, plan.dxRow, dy, plan.dyRow, y, plan.yRow, plan.rows, plan.width);
    } else {
      for (let b = 0; b < plan.rows; b++) {
        for (let k: usize = 0; k < bytes; k += 16) {
          // The slopes of padding are arbitrary
          const d = f32x4.mul(v128.load(dy + k), v128.load(slope + k));
          v128.store(dx + k, v128.and(d, k + 16 > bytes ? tail : allLanes()));
        }
        dx += plan.dxRow;
        dy += plan.dyRow;
        slope += plan.yRow;
      }
    }
  }
}
