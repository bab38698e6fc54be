/** The numbers of a sample in the same order, in another shape. */

import { type Planner, reshaped, type Signal } from '../plan/plan.ts';
import type { Config } from '../util/config.ts';
import { fail, show } from '../util/errors.ts';
import { type Shape, showShape, sizeOf } from '../util/shapes.ts';
import { checkLayerOptions, type LayerOptions } from './layer.ts';
import { Weightless } from './weightless.ts';

/** Options of `layers.reshape`. */
export interface ReshapeOptions extends LayerOptions {
  /** The shape of one sample, [T, D] or [D]; one number may be -1 or null, for what is left. */
  targetShape: Shape;
}

/** A mask ends here: the time steps are others. */
export class Reshape extends Weightless {
  readonly targetShape: Shape;

  constructor(options: ReshapeOptions) {
    const call = 'layers.reshape';
    const known = checkLayerOptions<ReshapeOptions>(call, options, ['targetShape']);
    const target: unknown = known.targetShape;
    const isSize = (n: unknown) => n === null || n === -1 || (Number.isSafeInteger(n) && (n as number) > 0);
    if (!Array.isArray(target) || ![1, 2].includes(target.length) || !target.every(isSize)) {
      fail(call, `targetShape must be [T, D] or [D], one of them -1 where it is to be found, got ${show(target)}`);
    }
    const shape: Shape = target.map(n => (n === -1 ? null : n));
    if (shape.filter(n => n === null).length > 1) {
      fail(call, `targetShape must leave at most one axis open, got ${show(target)}`);
    }
    super('Reshape', known, 2);
    this.targetShape = shape;
  }

  protected override settings(): Config {
    return { targetShape: this.targetShape };
  }

  override get mixesTime(): boolean {
    return super.mixesTime || this.built.output.length === 3;
  }

  override outputShapeFor(call: string, input: Shape): Shape {
    if (input[1] === null) {
      fail(call, `${this.name} needs an input with a fixed number of time steps, got ${showShape(input)}`);
    }
    const size = sizeOf(input.slice(1) as number[]);
    const known = sizeOf(this.targetShape.map(n => n ?? 1));
    const open = this.targetShape.includes(null);
    if (open ? size % known !== 0 : size !== known) {
      const got = showShape(this.targetShape.map(n => n ?? -1));
      fail(call, `targetShape of ${this.name} must hold the ${size} numbers of a sample, got ${got}`);
    }
    return [input[0]!, ...this.targetShape.map(n => n ?? size / known)];
  }

  override plan(planner: Planner, input: Signal): Signal {
    const [, ...sample] = this.built.output as number[];
    const [steps, width] = sample.length === 2 ? [sample[0]!, sample[1]!] : [1, sample[0]!];
    if (steps === input.y.steps) return { ...input, mask: null };
    return reshaped(planner, this.name, input, steps, width);
  }
}
