/** The plan of fully connected layers. */

import {
  asMatrix,
  type LinearCall,
  type PlannedCall,
  type Planner,
  padded,
  parameterFields,
  type Rows,
  type Signal,
  spacing,
} from '../plan/planner.ts';
import { FLOAT } from '../util/memorySizes.ts';
import { type ActivationName, numberOf, storesSlope } from './activations.ts';

/** With fewer rows in a time step, threads do not share a recurrent layer by rows. */
const LEAST_ROWS = 16;
/** Weights that are read anew for each time step without loss, in floats. */
const CLOSE_WEIGHTS = 16_384;

/** Plans y = activation(x W + b), along the last axis of the input. */
export function planDense(
  planner: Planner,
  input: Signal,
  call: Omit<PlannedCall, 'isRead'>,
  units: number,
  useBias: boolean,
  activation: ActivationName,
): Signal {
  const { needsGradients } = planner;
  const { y: x, dy: dx, mask } = asMatrix(planner, call.name, input);
  const K = x.width;
  const width = padded(units);
  // The output keeps the order of the rows, by sample or by time step
  const { bySample, stride } = spacing(x)!;
  const like = (name: string): Rows => {
    const start = planner.floats(`${call.name}/${name}`, x.steps * x.rows, width);
    const row = (bySample ? x.steps : 1) * width * FLOAT;
    const step = (bySample ? 1 : x.rows) * width * FLOAT;
    return { start, row, step, steps: x.steps, rows: x.rows, width: units };
  };
  const y = like('y');
  const dy = needsGradients ? like('dy') : null;
  const inLoss = activation === call.lossActivation;
  const logits = inLoss ? like('logits') : null;
  const slope = needsGradients && !inLoss && storesSlope(activation) ? like('slope') : null;
  const planned: LinearCall = {
    kind: 'dense',
    fields: {
      rows: x.steps * x.rows,
      stepRows: bySample || x.rows < LEAST_ROWS || K * units > CLOSE_WEIGHTS ? x.steps * x.rows : x.rows,
      inputs: K,
      units,
      activation: numberOf(activation),
      x: x.start,
      xRow: stride,
      z: (logits ?? y).start,
      y: y.start,
      slope: slope?.start ?? 0,
      scratch: activation === 'logSoftmax' ? planner.floats(`${call.name}/scratch`, width) : 0,
      ...parameterFields(planner, call.offsets.parameters),
      wt: dx ? planner.floats(`${call.name}/wt`, units, padded(K)) : 0,
      dy: dy?.start ?? 0,
      dx: dx?.start ?? 0,
      dxRow: dx ? spacing(dx)!.stride : 0,
      useBias: Number(useBias),
      fused: Number(inLoss),
    },
  };
  planner.calls.push(planned);
  if (logits) return { y, dy, mask, logits };
  return activation === 'linear' ? { y, dy, mask, linear: planned } : { y, dy, mask };
}
