/** Concatenates inputs along their features or their time steps. */

import {
  type Mask,
  offsetBy,
  type PlannedCall,
  type Planner,
  padded,
  rowFields,
  type Signals,
} from '../plan/planner.ts';
import type { Config } from '../util/config.ts';
import { fail, show } from '../util/errors.ts';
import { FLOAT } from '../util/memorySizes.ts';
import { type Shape, showShape } from '../util/shapes.ts';
import { useKernels } from '../wasm/engine.ts';
import { others } from '../wasm/modules/others.generated.ts';
import { Layer } from './layer.ts';
import { checkLayerOptions, type LayerOptions } from './layerOptions.ts';
import { checkInputCount, checkSameRanks } from './merge.ts';

/** Options of `layers.concatenate`. */
export interface ConcatenateOptions extends LayerOptions {
  /** The axis to concatenate: -1 for the features, 1 for the time steps of sequences. Default: -1. */
  axis?: number;
}

export class Concatenate extends Layer {
  readonly axis: number;

  constructor(options: ConcatenateOptions = {}) {
    const call = 'layers.concatenate';
    const known = checkLayerOptions<ConcatenateOptions>(call, options, ['axis']);
    const axis = known.axis ?? -1;
    if (!Number.isInteger(axis) || axis < -2 || axis > 2 || axis === 0) {
      fail(call, `axis must be -1 for features or 1 for time steps, got ${show(axis)}`);
    }
    super('Concatenate', known, 1);
    this.axis = axis;
    useKernels(others);
  }

  protected override settings(): Config {
    return { axis: this.axis };
  }

  override outputShapesFor(call: string, inputs: readonly Shape[]): Shape[] {
    checkInputCount(call, this.name, inputs, false);
    const merged = [...inputs[0]!];
    const axis = this.axis < 0 ? merged.length + this.axis : this.axis;
    if (axis < 1 || axis >= merged.length) {
      fail(call, `axis of ${this.name} must be an axis of ${showShape(merged)} other than the batch, got ${this.axis}`);
    }
    for (const input of inputs.slice(1)) {
      const fits = (size: number | null, n: number) =>
        n === axis || size === merged[n] || size === null || merged[n] === null;
      if (input.length !== merged.length || !input.every(fits)) {
        const shapes = `${showShape(inputs[0]!)} and ${showShape(input)}`;
        fail(call, `the inputs of ${this.name} must have equal sizes except along axis ${axis}, got ${shapes}`);
      }
      for (const [n, size] of input.entries()) {
        if (n === axis) merged[n] = size === null || merged[n] === null ? null : merged[n]! + size;
        else merged[n] ??= size;
      }
    }
    return [merged];
  }

  override connect(call: string, inputs: readonly Shape[]): Shape[] {
    const outputs = super.connect(call, inputs);
    checkSameRanks(call, this, inputs);
    return outputs;
  }

  override get runsByTimeStep(): boolean {
    return !this.#isAlongTime(this.connection.inputs[0]!.length) && super.runsByTimeStep;
  }

  #isAlongTime(rank: number): boolean {
    return rank === 3 && (this.axis === 1 || this.axis === -2);
  }

  override plan(planner: Planner, inputs: Signals, { name }: PlannedCall): Signals {
    const alongTime = this.#isAlongTime(this.connection.inputs[0]!.length);
    const { batch } = planner;
    const total = (sizeOf: (signal: Signals[number]) => number) =>
      inputs.reduce((sum, input) => sum + sizeOf(input), 0);
    const steps = alongTime ? total(({ y }) => y.steps) : inputs[0].y.steps;
    const width = alongTime ? inputs[0].y.width : total(({ y }) => y.width);
    const y = planner.rows(`${name}/y`, steps, width);
    const dy = planner.gradientRows(`${name}/dy`, steps, width);
    // A step counts if it counts in any input. Along time, inputs without a mask count everywhere.
    const masks = inputs.filter(input => input.mask);
    const hasMask = alongTime ? masks.length > 0 : masks.length === inputs.length;
    const mask = hasMask ? planner.mask(`${name}/mask`, steps) : null;
    let before = 0;
    for (const [n, { y: x, dy: dx, mask: own }] of inputs.entries()) {
      const bytes = alongTime ? before * y.step : before * FLOAT;
      const dBytes = dy && (alongTime ? before * dy.step : before * FLOAT);
      const isLast = n === inputs.length - 1;
      const to: Mask | null = mask && { ...mask, start: offsetBy(mask.start, alongTime ? before * mask.step : 0) };
      planner.calls.push({
        kind: 'place',
        fields: {
          steps: x.steps,
          rows: batch,
          width: x.width,
          zeros: alongTime || isLast ? padded(width) - width : 0,
          ...rowFields('x', x),
          ...rowFields('y', { ...y, start: offsetBy(y.start, bytes) }),
          ...rowFields('dy', dy && { ...dy, start: offsetBy(dy.start, dBytes!) }),
          ...rowFields('dx', dx),
          mask: own?.start ?? 0,
          maskStep: own?.step ?? 0,
          to: to?.start ?? 0,
          toStep: to?.step ?? 0,
          joins: Number(!alongTime && n > 0),
        },
      });
      before += alongTime ? x.steps : x.width;
    }
    return [{ y, dy, mask }];
  }
}
