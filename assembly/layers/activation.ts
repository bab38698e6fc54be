/** A layer that is an activation and nothing else. */

import { activate, activateWithSlope, exponentialUnits, LOG_SOFTMAX, rectify, SOFTMAX } from '../math/activations';
import { allLanes, lastLanes } from '../math/tailMasks';
import { logSoftmaxBackward, logSoftmaxRows, softmaxBackward, softmaxRows } from '../math/softmax';

/** A planned activation, written by the facade; offsets and strides in bytes, i32 each. */
@unmanaged
export class ActivationPlan {
  activation: i32; // the id of an activation, or one of the constants below
  alpha: i32; // parameters, as float32 bits: the factor of x or exp(x) - 1 below zero,
  top: i32; // and the maximum result of a rectifier
  steps: i32; // T
  rows: i32; // B
  width: i32; // D
  x: usize; // [T, B, D], rows xRow apart, steps xStep apart
  xRow: usize;
  xStep: usize;
  y: usize; // [T, B, padded D]
  yRow: usize;
  yStep: usize;
  slope: usize; // [T, B, padded D], strides of y: what the way back multiplies by; 0 for softmax and without training
  scratch: usize; // [padded D], logSoftmax only
  dy: usize; // [T, B, padded D]: gradient of y, its padding zero
  dyRow: usize;
  dyStep: usize;
  dx: usize; // [T, B, padded D]: gradient of x, overwritten; 0 when nobody wants it
  dxRow: usize;
  dxStep: usize;
}

/** max(x, alpha x) up to top: what reLU and leakyReLU are. The numbers before it are those of src/layers/activations.ts. */
const RECTIFIER = 18;
/** elu: x above zero, alpha (exp(x) - 1) below. */
const EXPONENTIAL = 19;

export function activationForward(plan: ActivationPlan): void {
  const kind = plan.activation;
  const width = (plan.width + 3) & ~3;
  for (let t: usize = 0; t < <usize>plan.steps; t++) {
    let x = plan.x + t * plan.xStep;
    let y = plan.y + t * plan.yStep;
    let slope = plan.slope ? plan.slope + t * plan.yStep : 0;
    if (kind == SOFTMAX) {
      softmaxRows(y, plan.yRow, x, plan.xRow, plan.rows, plan.width);
    } else if (kind == LOG_SOFTMAX) {
      logSoftmaxRows(y, plan.yRow, x, plan.xRow, plan.rows, plan.width, plan.scratch);
    } else {
      for (let b = 0; b < plan.rows; b++) {
        if (kind == RECTIFIER) rectify(y, slope, x, width, reinterpret<f32>(plan.alpha), reinterpret<f32>(plan.top));
        else if (kind == EXPONENTIAL) exponentialUnits(y, slope, x, width, reinterpret<f32>(plan.alpha));
        else if (slope) activateWithSlope(kind, y, slope, x, width);
        else activate(kind, y, x, width);
        x += plan.xRow;
        y += plan.yRow;
        if (slope) slope += plan.yRow;
      }
    }
  }
}

/** After activationForward on the same plan. */
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
    if (kind == SOFTMAX) {
      softmaxBackward(dx, plan.dxRow, dy, plan.dyRow, y, plan.yRow, plan.rows, plan.width);
    } else if (kind == LOG_SOFTMAX) {
      logSoftmaxBackward(dx, plan.dxRow, dy, plan.dyRow, y, plan.yRow, plan.rows, plan.width);
    } else {
      for (let b = 0; b < plan.rows; b++) {
        for (let k: usize = 0; k < bytes; k += 16) {
          // Behind the last number the slope is that of whatever stands behind x.
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
