/** Layers that only move numbers: reshape, flatten, repeatVector, padding, cropping, repetition of time steps, permute. */

/** A planned reshape, written by src/plan; offsets and strides in bytes. */
@unmanaged
export class ReshapePlan {
  rows: i32; // B
  xSteps: i32; // T
  xWidth: i32; // D
  x: usize; // [T, B, D], rows xRow apart, steps xStep apart
  xRow: usize;
  xStep: usize;
  ySteps: i32; // T'
  yWidth: i32; // D', T' D' = T D
  y: usize; // [T', B, padded D']; the padding is written as zeros
  yRow: usize;
  yStep: usize;
  dy: usize; // [T', B, padded D']: gradient of y
  dyRow: usize;
  dyStep: usize;
  dx: usize; // [T, B, padded D]: gradient of x, overwritten; 0 for none
  dxRow: usize;
  dxStep: usize;
}

/** Reshapes each sample from [T, D] to [T', D']. */
export function reshapeForward(plan: ReshapePlan): void {
  move(
    plan.y, plan.yRow, plan.yStep, plan.yWidth, plan.ySteps,
    plan.x, plan.xRow, plan.xStep, plan.xWidth, plan.rows,
  );
}

export function reshapeBackward(plan: ReshapePlan): void {
  if (!plan.dx) return;
  move(
    plan.dx, plan.dxRow, plan.dxStep, plan.xWidth, plan.xSteps,
    plan.dy, plan.dyRow, plan.dyStep, plan.yWidth, plan.rows,
  );
}

/** Copies each sample in the longest contiguous runs. */
function move(
  to: usize, toRow: usize, toStep: usize, toWidth: i32, toSteps: i32,
  from: usize, fromRow: usize, fromStep: usize, fromWidth: i32, rows: i32,
): void {
  const toBytes = <usize>toWidth * 4;
  const fromBytes = <usize>fromWidth * 4;
  const padding = ((toBytes + 15) & ~15) - toBytes;
  for (let b: usize = 0; b < <usize>rows; b++) {
    let p = from + b * fromRow;
    let done: usize = 0; // bytes of the step at p that are copied
    for (let t: usize = 0; t < <usize>toSteps; t++) {
      const q = to + t * toStep + b * toRow;
      for (let k: usize = 0; k < toBytes; ) {
        if (done == fromBytes) {
          done = 0;
          p += fromStep;
        }
        const run = min(toBytes - k, fromBytes - done);
        memory.copy(q + k, p + done, run);
        k += run;
        done += run;
      }
      memory.fill(q + toBytes, 0, padding);
    }
  }
}

/** A planned repeatVector, written by src/plan; offsets and strides in bytes. */
@unmanaged
export class RepeatPlan {
  rows: i32; // B
  steps: i32; // number of repetitions
  width: i32; // D
  x: usize; // [B, D], rows xRow apart
  xRow: usize;
  y: usize; // [steps, B, padded D]; the padding is written as zeros
  yRow: usize;
  yStep: usize;
  dy: usize; // [steps, B, padded D]: gradient of y, its padding zero
  dyRow: usize;
  dyStep: usize;
  dx: usize; // [B, padded D]: gradient of x, overwritten; 0 for none
  dxRow: usize;
}

export function repeatForward(plan: RepeatPlan): void {
  for (let t: usize = 0; t < <usize>plan.steps; t++) {
    move(plan.y + t * plan.yStep, plan.yRow, 0, plan.width, 1, plan.x, plan.xRow, 0, plan.width, plan.rows);
  }
}

/** dx = the sum of dy over all steps. */
export function repeatBackward(plan: RepeatPlan): void {
  if (!plan.dx) return;
  const bytes = <usize>plan.width * 4;
  for (let b: usize = 0; b < <usize>plan.rows; b++) {
    for (let k: usize = 0; k < bytes; k += 16) {
      let dy = plan.dy + b * plan.dyRow + k;
      let sum = v128.load(dy);
      for (let t = 1; t < plan.steps; t++) {
        dy += plan.dyStep;
        sum = f32x4.add(sum, v128.load(dy));
      }
      v128.store(plan.dx + b * plan.dxRow + k, sum);
    }
  }
}

/** A planned shift, crop, padding or repetition of time steps, written by src/plan; offsets and strides in bytes. */
@unmanaged
export class StretchPlan {
  rows: i32; // B
  width: i32; // D
  before: i32; // steps of zeros before the first one; the negative number of steps cut off there
  times: i32; // how often each step is repeated
  xSteps: i32; // T
  x: usize; // [T, B, D], rows xRow apart, steps xStep apart
  xRow: usize;
  xStep: usize;
  ySteps: i32; // T'
  y: usize; // [T', B, padded D]; the padding is written as zeros
  yRow: usize;
  yStep: usize;
  dy: usize; // [T', B, padded D]: gradient of y, its padding zero
  dyRow: usize;
  dyStep: usize;
  dx: usize; // [T, B, padded D]: gradient of x, overwritten; 0 for none
  dxRow: usize;
  dxStep: usize;
}

/** Output step t is input step (t - before) / times, or zeros where there is none. */
export function stretchForward(plan: StretchPlan): void {
  const bytes = <usize>plan.width * 4;
  for (let t = 0; t < plan.ySteps; t++) {
    const from = t - plan.before;
    const y = plan.y + <usize>t * plan.yStep;
    if (from >= 0 && from < plan.xSteps * plan.times) {
      const x = plan.x + <usize>(from / plan.times) * plan.xStep;
      move(y, plan.yRow, 0, plan.width, 1, x, plan.xRow, 0, plan.width, plan.rows);
    } else {
      for (let b: usize = 0; b < <usize>plan.rows; b++) memory.fill(y + b * plan.yRow, 0, (bytes + 15) & ~15);
    }
  }
}

/** dx = the sum of dy over the output steps of each input step. */
export function stretchBackward(plan: StretchPlan): void {
  if (!plan.dx) return;
  const bytes = <usize>plan.width * 4;
  for (let t = 0; t < plan.xSteps; t++) {
    const from = max(0, t * plan.times + plan.before);
    const to = min(plan.ySteps, (t + 1) * plan.times + plan.before);
    for (let b: usize = 0; b < <usize>plan.rows; b++) {
      for (let k: usize = 0; k < bytes; k += 16) {
        let sum = f32x4.splat(0);
        for (let s = from; s < to; s++) {
          sum = f32x4.add(sum, v128.load(plan.dy + <usize>s * plan.dyStep + b * plan.dyRow + k));
        }
        v128.store(plan.dx + <usize>t * plan.dxStep + b * plan.dxRow + k, sum);
      }
    }
  }
}

/** A planned transposition of each sample, written by src/plan; offsets and strides in bytes. */
@unmanaged
export class TransposePlan {
  rows: i32; // B
  steps: i32; // T
  width: i32; // D
  x: usize; // [T, B, D], rows xRow apart, steps xStep apart
  xRow: usize;
  xStep: usize;
  y: usize; // [D, B, padded T]; the padding is written as zeros
  yRow: usize;
  yStep: usize;
  dy: usize; // [D, B, padded T]: gradient of y
  dyRow: usize;
  dyStep: usize;
  dx: usize; // [T, B, padded D]: gradient of x, overwritten; 0 for none
  dxRow: usize;
  dxStep: usize;
}

/** Exchanges time steps and features. */
export function transposeForward(plan: TransposePlan): void {
  exchange(
    plan.y, plan.yRow, plan.yStep, plan.steps, plan.width, plan.x, plan.xRow, plan.xStep, plan.rows,
  );
}

export function transposeBackward(plan: TransposePlan): void {
  if (!plan.dx) return;
  exchange(
    plan.dx, plan.dxRow, plan.dxStep, plan.width, plan.steps, plan.dy, plan.dyRow, plan.dyStep, plan.rows,
  );
}

/** to[step][row][n] = from[n][row][step]. */
function exchange(
  to: usize, toRow: usize, toStep: usize, toWidth: i32, toSteps: i32,
  from: usize, fromRow: usize, fromStep: usize, rows: i32,
): void {
  const padded = (toWidth + 3) & ~3;
  for (let t: usize = 0; t < <usize>toSteps; t++) {
    for (let b: usize = 0; b < <usize>rows; b++) {
      const q = to + t * toStep + b * toRow;
      const p = from + b * fromRow + (t << 2);
      for (let n = 0; n < padded; n++) {
        store<f32>(q + (<usize>n << 2), n < toWidth ? load<f32>(p + <usize>n * fromStep) : 0);
      }
    }
  }
}
