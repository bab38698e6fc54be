/** Layers that merge inputs element by element. */

import { floatBits, type PlannedCall, type Planner, rowFields, type Signal, type Signals } from '../plan/planner.ts';
import { fail } from '../util/errors.ts';
import { type Shape, showShape } from '../util/shapes.ts';
import { useKernels } from '../wasm/engine.ts';
import { others } from '../wasm/modules/others.generated.ts';
import { combineModeNumbers } from '../wasm/shared.generated.ts';
import { Layer } from './layer.ts';
import { checkLayerOptions, type LayerOptions } from './layerOptions.ts';

export type CombineMode = keyof typeof combineModeNumbers;

/**
 * A layer that merges two or more inputs, number by number. Inputs of one time step or one feature, and inputs
 * [batch, features] beside sequences, are repeated to the size of the others.
 */
export abstract class Merge extends Layer {
  /** @internal */
  readonly mode: CombineMode;

  /** @internal */
  constructor(className: string, mode: CombineMode, options: LayerOptions = {}) {
    const call = `layers.${mode}`;
    super(className, checkLayerOptions<LayerOptions>(call, options, []), 1);
    this.mode = mode;
    useKernels(others);
  }

  /** @internal Whether a masked input has no influence on the output, as in Keras; the others are used as they are. */
  get ignoresMasked(): boolean {
    return this.mode === 'multiply' || this.mode === 'maximum' || this.mode === 'minimum';
  }

  override get takesAnyWidth(): boolean {
    return true;
  }

  override get runsByTimeStep(): boolean {
    return true;
  }

  override outputShapesFor(call: string, inputs: readonly Shape[]): Shape[] {
    checkInputCount(call, this.name, inputs, this.mode === 'subtract');
    let merged = inputs[0]!;
    for (const input of inputs.slice(1)) merged = this.#broadcast(call, merged, input);
    return [merged];
  }

  /** The shape of two merged inputs; sizes of 1 are repeated, and null stands for any size. */
  #broadcast(call: string, first: Shape, second: Shape): Shape {
    const rank = Math.max(first.length, second.length);
    const [a, b] = [first, second].map(shape => (shape.length < rank ? [shape[0]!, 1, ...shape.slice(1)] : shape));
    return a!.map((size, axis) => {
      const other = b![axis]!;
      if (size === other) return size;
      if (axis === 0) return this.#known(call, first, second, size, other);
      if (size === 1) return other;
      if (other === 1) return size;
      if (size === null || other === null) return null;
      return this.#refuse(call, first, second);
    });
  }

  /** The batch size of two inputs. */
  #known(call: string, first: Shape, second: Shape, size: number | null, other: number | null): number | null {
    return size !== null && other !== null ? this.#refuse(call, first, second) : (size ?? other);
  }

  #refuse(call: string, first: readonly (number | null)[], second: readonly (number | null)[]): never {
    return fail(
      call,
      `the inputs of ${this.name} must have equal sizes or sizes of 1, got ${showShape(first)} and ${showShape(second)}`,
    );
  }

  override plan(planner: Planner, inputs: Signals, { name }: PlannedCall): Signals {
    const mode = this.mode;
    const steps = Math.max(...inputs.map(({ y }) => y.steps));
    const width = Math.max(...inputs.map(({ y }) => y.width));
    const y = planner.rows(`${name}/y`, steps, width);
    const dy = planner.gradientRows(`${name}/dy`, steps, width);
    // Gradients of sums need no operands, so all partial sums share the memory of the output
    const sums = mode === 'add' || mode === 'average';
    let first: Signal = inputs[0];
    inputs.slice(1).forEach((second, n) => {
      const isLast = n === inputs.length - 2;
      const separate = !isLast && !sums && planner.needsGradients;
      const partial = {
        y: separate ? planner.rows(`${name}/y${n}`, steps, width) : y,
        dy: separate ? planner.gradientRows(`${name}/dy${n}`, steps, width) : dy,
      };
      const mask = first.mask && second.mask ? planner.mask(`${name}/mask${n}`, steps) : null;
      planner.calls.push({
        kind: 'combine',
        fields: {
          mode: combineModeNumbers[mode === 'average' && !isLast ? 'add' : mode],
          steps,
          rows: planner.batch,
          width,
          divisor: floatBits(inputs.length),
          ...operandFields('a', first, steps),
          ...operandFields('b', second, steps),
          ...rowFields('y', partial.y),
          ...rowFields('dy', partial.dy),
          mask: mask?.start ?? 0,
          maskStep: mask?.step ?? 0,
        },
      });
      first = { ...partial, mask };
    });
    return [first];
  }
}

/** An operand as fields of a structure. Strides of 0 repeat its only time step. */
function operandFields<K extends 'a' | 'b'>(name: K, { y, dy, mask }: Signal, steps: number) {
  const repeats = y.steps < steps;
  const fields = {
    ...rowFields(name, y),
    [`${name}Width`]: y.width,
    ...rowFields(`d${name}`, dy),
    [`${name}Mask`]: mask?.start ?? 0,
    [`${name}MaskStep`]: mask && !repeats ? mask.step : 0,
    ...(repeats && { [`${name}Step`]: 0, [`d${name}Step`]: 0 }),
  };
  return fields as Record<
    K | `${K}${'Row' | 'Step' | 'Width' | 'Mask' | 'MaskStep'}` | `d${K}${'' | 'Row' | 'Step'}`,
    (typeof fields)[string]
  >;
}

/** Checks the number of inputs of a merging layer. */
export function checkInputCount(call: string, name: string, inputs: readonly Shape[], exactlyTwo: boolean): void {
  if (inputs.length >= 2 && (!exactlyTwo || inputs.length === 2)) return;
  fail(call, `${name} takes ${exactlyTwo ? '2 inputs' : '2 or more inputs'}, got ${inputs.length}`);
}

/** Fails if a further call of a layer has inputs of other ranks, on which its plan depends. */
export function checkSameRanks(call: string, layer: Layer, inputs: readonly Shape[]): void {
  const { name, connection: built } = layer;
  if (inputs.length === built.inputs.length && inputs.every((input, n) => input.length === built.inputs[n]!.length))
    return;
  const [first, got] = [built.inputs, inputs].map(shapes => shapes.map(showShape).join(' and '));
  fail(call, `the inputs of ${name} must have the same ranks in every call, first ${first}, got ${got}`);
}

export class Add extends Merge {
  constructor(options?: LayerOptions) {
    super('Add', 'add', options);
  }
}

export class Subtract extends Merge {
  constructor(options?: LayerOptions) {
    super('Subtract', 'subtract', options);
  }
}

export class Multiply extends Merge {
  constructor(options?: LayerOptions) {
    super('Multiply', 'multiply', options);
  }
}

export class Average extends Merge {
  constructor(options?: LayerOptions) {
    super('Average', 'average', options);
  }
}

export class Maximum extends Merge {
  constructor(options?: LayerOptions) {
    super('Maximum', 'maximum', options);
  }
}

export class Minimum extends Merge {
  constructor(options?: LayerOptions) {
    super('Minimum', 'minimum', options);
  }
}
