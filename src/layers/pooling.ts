/** Pooling over time: each output step is the maximum or the mean of a window of input steps. */

import { maskFields, type PlannedCall, type Planner, rowFields, type Signals } from '../plan/planner.ts';
import type { Config } from '../util/config.ts';
import { fail } from '../util/errors.ts';
import type { Shape } from '../util/shapes.ts';
import { useKernels } from '../wasm/engine.ts';
import { others } from '../wasm/modules/others.generated.ts';
import { poolModeNumbers } from '../wasm/shared.generated.ts';
import { Layer } from './layer.ts';
import { checkLayerOptions, type LayerOptions } from './layerOptions.ts';
import { checkChannelsLast, checkSequence, checkSteps, readPadding, windowsOver } from './windows.ts';

/** Options of `layers.maxPooling1d` and `layers.averagePooling1d`. */
export interface Pooling1DOptions extends LayerOptions {
  /** The number of time steps in a window. Default: 2. */
  poolSize?: number | readonly [number];
  /** The time steps between the starts of two windows. Default: `poolSize`. */
  strides?: number | readonly [number] | null;
  /** 'valid' for whole windows only, 'same' for windows that reach beyond the ends of the sequence. Default: 'valid'. */
  padding?: 'valid' | 'same';
  /** 'channelsLast': inputs are [batch, timeSteps, features]. */
  dataFormat?: 'channelsLast';
}

/** Options of `layers.globalMaxPooling1d` and `layers.globalAveragePooling1d`. */
export interface GlobalPooling1DOptions extends LayerOptions {
  /** 'channelsLast': inputs are [batch, timeSteps, features]. */
  dataFormat?: 'channelsLast';
}

type Mode = keyof typeof poolModeNumbers;

/** Plans windows of time steps that become one step each. */
function planPool(
  planner: Planner,
  { name }: PlannedCall,
  [{ y: x, dy: dx, mask }]: Signals,
  {
    mode,
    window,
    stride,
    before,
    steps,
  }: { mode: Mode; window: number; stride: number; before: number; steps: number },
): Signals {
  const y = planner.rows(`${name}/y`, steps, x.width);
  const dy = dx && planner.rows(`${name}/dy`, steps, x.width);
  planner.calls.push({
    kind: 'pool',
    fields: {
      mode: poolModeNumbers[mode],
      rows: x.rows,
      width: x.width,
      window,
      stride,
      before,
      xSteps: x.steps,
      ...rowFields('x', x),
      ySteps: steps,
      ...rowFields('y', y),
      ...rowFields('dy', dy),
      ...rowFields('dx', dx),
      ...maskFields(mask),
    },
  });
  return [{ y, dy, mask: null }];
}

/** The base class of pooling layers with windows. Masks end here. */
export abstract class Pooling1D extends Layer {
  readonly poolSize: readonly [number];
  readonly strides: readonly [number];
  readonly padding: 'valid' | 'same';
  readonly #mode: Mode;

  constructor(className: string, factory: string, mode: Mode, options?: Pooling1DOptions) {
    const call = `layers.${factory}`;
    const own = ['poolSize', 'strides', 'padding', 'dataFormat'];
    const known = checkLayerOptions<Pooling1DOptions>(call, options, own);
    const poolSize = checkSteps(call, 'poolSize', known.poolSize ?? 2);
    const strides = checkSteps(call, 'strides', known.strides ?? poolSize);
    const padding = readPadding<'valid' | 'same'>(call, known.padding, ['valid', 'same']);
    checkChannelsLast(call, known.dataFormat);
    super(className, known, 2);
    this.poolSize = [poolSize];
    this.strides = [strides];
    this.padding = padding;
    this.#mode = mode;
    useKernels(others);
  }

  protected override settings(): Config {
    const { poolSize, padding, strides } = this;
    return { poolSize: [...poolSize], padding, strides: [...strides], dataFormat: 'channelsLast' };
  }

  override get endsMask(): boolean {
    return true;
  }

  override get runsByTimeStep(): boolean {
    return false;
  }

  override outputShapeFor(call: string, input: Shape): Shape {
    checkSequence(call, this.name, input);
    const steps = input[1] === null ? null : this.#windows(call, input[1]!).steps;
    return [input[0]!, steps, input[2]!];
  }

  #windows(call: string, steps: number): { steps: number; before: number } {
    const { poolSize, strides, padding } = this;
    return windowsOver(call, this.name, steps, { extent: poolSize[0], stride: strides[0], padding });
  }

  override plan(planner: Planner, [input]: Signals, call: PlannedCall): Signals {
    const { steps, before } = this.#windows(call.name, input.y.steps);
    const [window, stride] = [this.poolSize[0], this.strides[0]];
    return planPool(planner, call, [{ ...input, mask: null }], { mode: this.#mode, window, stride, before, steps });
  }
}

export class MaxPooling1D extends Pooling1D {
  constructor(options?: Pooling1DOptions) {
    super('MaxPooling1D', 'maxPooling1d', 'max', options);
  }
}

export class AveragePooling1D extends Pooling1D {
  constructor(options?: Pooling1DOptions) {
    super('AveragePooling1D', 'averagePooling1d', 'average', options);
  }
}

/** The base class of layers that pool all time steps that are not masked. */
export abstract class GlobalPooling1D extends Layer {
  readonly #mode: Mode;

  constructor(className: string, factory: string, mode: Mode, options?: GlobalPooling1DOptions) {
    const call = `layers.${factory}`;
    const known = checkLayerOptions<GlobalPooling1DOptions & { keepdims?: boolean }>(call, options, [
      'dataFormat',
      'keepdims',
    ]);
    checkChannelsLast(call, known.dataFormat);
    if (known.keepdims) fail(call, 'keepdims must be false, got true');
    super(className, known, 2);
    this.#mode = mode;
    useKernels(others);
  }

  protected override settings(): Config {
    return { dataFormat: 'channelsLast' };
  }

  override get endsMask(): boolean {
    return true;
  }

  override outputShapeFor(call: string, input: Shape): Shape {
    checkSequence(call, this.name, input);
    return [input[0]!, input[2]!];
  }

  override plan(planner: Planner, inputs: Signals, call: PlannedCall): Signals {
    const window = inputs[0].y.steps;
    return planPool(planner, call, inputs, { mode: this.#mode, window, stride: 1, before: 0, steps: 1 });
  }
}

export class GlobalMaxPooling1D extends GlobalPooling1D {
  constructor(options?: GlobalPooling1DOptions) {
    super('GlobalMaxPooling1D', 'globalMaxPooling1d', 'max', options);
  }
}

export class GlobalAveragePooling1D extends GlobalPooling1D {
  constructor(options?: GlobalPooling1DOptions) {
    super('GlobalAveragePooling1D', 'globalAveragePooling1d', 'average', options);
  }
}
