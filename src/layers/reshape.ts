/** Changes the shape of the samples. The numbers of a sample keep their order. */

import { type PlannedCall, type Planner, reshape, type Signals } from '../plan/planner.ts';
import type { Config } from '../util/config.ts';
import { fail, show } from '../util/errors.ts';
import { type Shape, showShape, sizeOf } from '../util/shapes.ts';
import { Layer } from './layer.ts';
import { checkLayerOptions, type LayerOptions } from './layerOptions.ts';

/** Options of `layers.reshape`. */
export interface ReshapeOptions extends LayerOptions {
  /**
   * The new shape of a sample, `[timeSteps, features]` or `[features]`. One size may be -1 or null; it is computed from
   * the others.
   */
  targetShape: Shape;
}

export class Reshape extends Layer {
  readonly targetShape: Shape;
  #readsSequences = false;

  constructor(options: ReshapeOptions) {
    const call = 'layers.reshape';
    const known = checkLayerOptions<ReshapeOptions>(call, options, ['targetShape']);
    const target: unknown = known.targetShape;
    const isSize = (n: unknown) => n === null || n === -1 || (Number.isSafeInteger(n) && (n as number) > 0);
    if (!Array.isArray(target) || ![1, 2].includes(target.length) || !target.every(isSize)) {
      fail(
        call,
        `targetShape must be [timeSteps, features] or [features], with -1 for an unknown size, got ${show(target)}`,
      );
    }
    const shape: Shape = target.map(n => (n === -1 ? null : n));
    if (shape.filter(n => n === null).length > 1) {
      fail(call, `targetShape must have at most one unknown size, got ${show(target)}`);
    }
    super('Reshape', known, 2);
    this.targetShape = shape;
  }

  protected override settings(): Config {
    return { targetShape: this.targetShape };
  }

  override get endsMask(): boolean {
    return true;
  }

  override connect(call: string, inputs: readonly Shape[]): Shape[] {
    const outputs = super.connect(call, inputs);
    this.#readsSequences ||= inputs[0]!.length === 3;
    return outputs;
  }

  /** In every call: a layer can be applied to vectors and to sequences. */
  override get runsByTimeStep(): boolean {
    return this.targetShape.length === 1 && !this.#readsSequences;
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
      fail(call, `targetShape of ${this.name} must have room for the ${size} numbers of a sample, got ${got}`);
    }
    return [input[0]!, ...this.targetShape.map(n => n ?? size / known)];
  }

  override plan(planner: Planner, [input]: Signals, call: PlannedCall): Signals {
    const { y } = input;
    const [, ...sample] = this.outputShapeFor(call.name, [null, y.steps, y.width]) as number[];
    const [steps, width] = sample.length === 2 ? [sample[0]!, sample[1]!] : [1, sample[0]!];
    if (steps === y.steps) return [{ ...input, mask: null }];
    return [reshape(planner, call.name, input, steps, width)];
  }
}
