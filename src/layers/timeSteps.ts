/** Layers that pad, crop or repeat time steps, or exchange them with the features. Masks end here. */

import { type PlannedCall, type Planner, rowFields, type Signals } from '../plan/planner.ts';
import type { Config } from '../util/config.ts';
import { fail, show } from '../util/errors.ts';
import { type Shape, showShape } from '../util/shapes.ts';
import { useKernels } from '../wasm/engine.ts';
import { others } from '../wasm/modules/others.generated.ts';
import { Layer } from './layer.ts';
import { checkLayerOptions, type LayerOptions } from './layerOptions.ts';
import { checkChannelsLast, checkSequence, checkSteps } from './windows.ts';

/** A change of the number of time steps: first each is repeated, then steps are added, or cut off if negative. */
interface Change {
  before: number;
  after: number;
  times: number;
}

/** The base class of layers that change the number of time steps. */
export abstract class TimeStepsLayer extends Layer {
  constructor(
    className: string,
    options: LayerOptions,
    private readonly change: Change,
  ) {
    super(className, options, 2);
    useKernels(others);
  }

  override get endsMask(): boolean {
    return true;
  }

  override get runsByTimeStep(): boolean {
    return false;
  }

  override outputShapeFor(call: string, input: Shape): Shape {
    checkSequence(call, this.name, input);
    return [input[0]!, input[1] === null ? null : this.#stepsOf(call, input[1]!), input[2]!];
  }

  #stepsOf(call: string, steps: number): number {
    const { before, after, times } = this.change;
    const left = times * steps + before + after;
    if (left < 1) fail(call, `${this.name} needs more than ${-before - after} time steps, got ${steps}`);
    return left;
  }

  override plan(planner: Planner, [{ y: x, dy: dx }]: Signals, call: PlannedCall): Signals {
    const steps = this.#stepsOf(call.name, x.steps);
    const y = planner.rows(`${call.name}/y`, steps, x.width);
    const dy = dx && planner.rows(`${call.name}/dy`, steps, x.width);
    const { before, times } = this.change;
    planner.calls.push({
      kind: 'stretch',
      fields: {
        rows: x.rows,
        width: x.width,
        before,
        times,
        xSteps: x.steps,
        ...rowFields('x', x),
        ySteps: steps,
        ...rowFields('y', y),
        ...rowFields('dy', dy),
        ...rowFields('dx', dx),
      },
    });
    return [{ y, dy, mask: null }];
  }
}

/** A number of time steps for both ends, or one for each; 0 is allowed. */
function checkEnds(call: string, name: string, value: unknown): [number, number] {
  const ends: unknown[] = Array.isArray(value) ? (value.length === 1 ? [value[0], value[0]] : value) : [value, value];
  const isCount = (n: unknown) => Number.isSafeInteger(n) && (n as number) >= 0;
  if (ends.length !== 2 || !ends.every(isCount)) {
    fail(call, `${name} must be a number of time steps, or [before, after], got ${show(value)}`);
  }
  return ends as [number, number];
}

/** Options of `layers.zeroPadding1d`. */
export interface ZeroPadding1DOptions extends LayerOptions {
  /** The time steps of zeros to add at each end, or `[before, after]`. Default: 1. */
  padding?: number | readonly [number, number];
  /** 'channelsLast': inputs are [batch, timeSteps, features]. */
  dataFormat?: 'channelsLast';
}

export class ZeroPadding1D extends TimeStepsLayer {
  readonly padding: readonly [number, number];

  constructor(options?: ZeroPadding1DOptions) {
    const call = 'layers.zeroPadding1d';
    const known = checkLayerOptions<ZeroPadding1DOptions>(call, options, ['padding', 'dataFormat']);
    const [before, after] = checkEnds(call, 'padding', known.padding ?? 1);
    checkChannelsLast(call, known.dataFormat);
    super('ZeroPadding1D', known, { before, after, times: 1 });
    this.padding = [before, after];
  }

  protected override settings(): Config {
    return { padding: [...this.padding] };
  }
}

/** Options of `layers.cropping1d`. */
export interface Cropping1DOptions extends LayerOptions {
  /** The time steps to cut off at each end, or `[before, after]`. Default: 1. */
  cropping?: number | readonly [number, number];
}

export class Cropping1D extends TimeStepsLayer {
  readonly cropping: readonly [number, number];

  constructor(options?: Cropping1DOptions) {
    const call = 'layers.cropping1d';
    const known = checkLayerOptions<Cropping1DOptions>(call, options, ['cropping']);
    const [before, after] = checkEnds(call, 'cropping', known.cropping ?? 1);
    super('Cropping1D', known, { before: -before, after: -after, times: 1 });
    this.cropping = [before, after];
  }

  protected override settings(): Config {
    return { cropping: [...this.cropping] };
  }
}

/** Options of `layers.upSampling1d`. */
export interface UpSampling1DOptions extends LayerOptions {
  /** How often each time step is repeated. Default: 2. */
  size?: number | readonly [number];
}

export class UpSampling1D extends TimeStepsLayer {
  readonly size: number;

  constructor(options?: UpSampling1DOptions) {
    const call = 'layers.upSampling1d';
    const known = checkLayerOptions<UpSampling1DOptions>(call, options, ['size']);
    const size = checkSteps(call, 'size', known.size ?? 2);
    super('UpSampling1D', known, { before: 0, after: 0, times: size });
    this.size = size;
  }

  protected override settings(): Config {
    return { size: this.size };
  }
}

/** Options of `layers.permute`. */
export interface PermuteOptions extends LayerOptions {
  /** The order of the axes of a sample, counted from 1: `[2, 1]` exchanges time steps and features. */
  dims: readonly number[];
}

export class Permute extends Layer {
  readonly dims: readonly number[];

  constructor(options: PermuteOptions) {
    const call = 'layers.permute';
    const known = checkLayerOptions<PermuteOptions>(call, options, ['dims']);
    const dims: unknown = known.dims;
    const isOrder =
      Array.isArray(dims) && dims.length <= 2 && [1, 2].slice(0, dims.length).every(n => dims.includes(n));
    if (!isOrder || dims.length === 0) fail(call, `dims must be [2, 1], [1, 2] or [1], got ${show(dims)}`);
    super('Permute', known, 2);
    this.dims = [...(dims as number[])];
    useKernels(others);
  }

  protected override settings(): Config {
    return { dims: [...this.dims] };
  }

  override get endsMask(): boolean {
    return true;
  }

  override get runsByTimeStep(): boolean {
    return false;
  }

  override outputShapeFor(call: string, input: Shape): Shape {
    if (input.length !== this.dims.length + 1) {
      fail(call, `${this.name} needs an input with ${this.dims.length + 1} axes, got ${showShape(input)}`);
    }
    if (this.dims[0] === 2 && input[1] === null) {
      fail(call, `${this.name} needs an input with a fixed number of time steps, got ${showShape(input)}`);
    }
    return [input[0]!, ...this.dims.map(axis => input[axis]!)];
  }

  override plan(planner: Planner, [input]: Signals, call: PlannedCall): Signals {
    const { y: x, dy: dx } = input;
    if (this.dims[0] === 1) return [{ ...input, mask: null }];
    const y = planner.rows(`${call.name}/y`, x.width, x.steps);
    const dy = dx && planner.rows(`${call.name}/dy`, x.width, x.steps);
    planner.calls.push({
      kind: 'transpose',
      fields: {
        rows: x.rows,
        steps: x.steps,
        width: x.width,
        ...rowFields('x', x),
        ...rowFields('y', y),
        ...rowFields('dy', dy),
        ...rowFields('dx', dx),
      },
    });
    return [{ y, dy, mask: null }];
  }
}
