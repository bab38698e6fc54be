/** The masks that calls of layers are given. Graphs insert such a layer below the call; models do not list it. */

import {
  floatBits,
  maskFields,
  type PlannedCall,
  type Planner,
  rowFields,
  type Signal,
  type Signals,
} from '../plan/planner.ts';
import { FLOAT } from '../util/memorySizes.ts';
import type { Shape } from '../util/shapes.ts';
import { checkMaskShape } from './apply.ts';
import { Layer } from './layer.ts';

/** Replaces the mask of its first input by the second, [batch, timeSteps], or drops it if there is no second. */
export class ExplicitMask extends Layer {
  readonly #reader: string;
  readonly #hasMask: boolean;

  /** @param reader the name of the layer that reads the masked value */
  constructor(reader: string, hasMask: boolean) {
    super('ExplicitMask', { name: `${reader}/mask` }, 2, { isModel: true });
    this.#reader = reader;
    this.#hasMask = hasMask;
  }

  override get createsMask(): boolean {
    return this.#hasMask;
  }

  override get endsMask(): boolean {
    return true;
  }

  override get createsTimeSteps(): boolean {
    return true;
  }

  override get runsByTimeStep(): boolean {
    return true;
  }

  override runsBesideConstants(): boolean {
    return false;
  }

  override outputShapesFor(call: string, [input, mask]: readonly Shape[]): Shape[] {
    if (mask) checkMaskShape(call, this.#reader, input!, mask);
    return [input!];
  }

  override plan(planner: Planner, inputs: Signals, { name }: PlannedCall): Signals {
    const [{ y, dy }, given] = inputs as readonly [Signal, Signal?];
    if (!given) return [{ y, dy, mask: null }];
    planner.clear(given);
    const mask = planner.mask(`${name}/counts`, y.steps);
    // A list [timeSteps] for each sample, read as a sequence of single numbers
    const { start, row } = given.y;
    planner.calls.push({
      kind: 'masking',
      fields: {
        steps: y.steps,
        rows: planner.batch,
        width: 1,
        value: floatBits(0),
        x: start,
        xRow: row,
        xStep: FLOAT,
        ...rowFields('y', planner.rows(`${name}/list`, y.steps, 1)),
        ...maskFields(mask),
        ...rowFields('dy', null),
        ...rowFields('dx', null),
      },
    });
    return [{ y, dy, mask }];
  }
}
