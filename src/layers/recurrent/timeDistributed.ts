/** Applies a layer to every time step: what can be wrapped does that anyway, so this only checks and names. */

import type { LayerOffsets, Planner, Signal } from '../../plan/plan.ts';
import { type Config, describe } from '../../util/config.ts';
import { fail } from '../../util/errors.ts';
import type { SeedStream } from '../../util/random.ts';
import { type Shape, showShape } from '../../util/shapes.ts';
import type { Kernels } from '../../wasm/kernels.ts';
import {
  checkLayerOptions,
  Layer,
  type LayerOptions,
  refuseWrapped,
  type WeightSpec,
  type WeightStore,
} from '../layer.ts';
import { layerFromConfig } from '../registry.ts';

/** Options of `layers.timeDistributed`. */
export interface TimeDistributedOptions extends Omit<LayerOptions, 'weights'> {
  /** The layer to apply: dense, dropout or an activation. Initial weights are an option of that layer. */
  layer: Layer;
}

/** The weights are those of the wrapped layer, which is built along with this one. */
export class TimeDistributed extends Layer {
  readonly layer: Layer;

  constructor(options: TimeDistributedOptions) {
    const call = 'layers.timeDistributed';
    const known = checkLayerOptions<TimeDistributedOptions & LayerOptions>(call, options, ['layer']);
    const layer = layerFromConfig(known.layer);
    if (!(layer instanceof Layer)) refuseWrapped(call, layer);
    layer.checkWrapped(call);
    if (known.weights !== undefined) fail(call, 'weights must be given to the wrapped layer, got them here');
    super('TimeDistributed', known, 2);
    this.layer = layer;
  }

  protected override settings(): Config {
    const { className, config } = describe(this.layer);
    return { layer: { className, config: { ...config, trainable: this.trainable } } };
  }

  override get trainable(): boolean {
    return super.trainable && this.layer.trainable;
  }

  override set trainable(value: boolean) {
    super.trainable = value;
    this.layer.trainable = value;
  }

  override build(call: string, input: Shape, home: WeightStore, seeds: SeedStream): void {
    this.outputShapeFor(call, input);
    const inner: WeightStore = {
      read: asked => home.read(asked, this),
      write: (asked, _layer, values) => home.write(asked, this, values),
    };
    this.layer.build(call, input, inner, seeds);
    super.build(call, input, home, seeds);
  }

  override leave(): void {
    super.leave();
    this.layer.leave();
  }

  override outputShapeFor(call: string, input: Shape): Shape {
    if (input.length !== 3) {
      const below = 'a recurrent layer below gives that with returnSequences: true';
      fail(call, `${this.name} needs an input [batch, time steps, width], got ${showShape(input)}; ${below}`);
    }
    return this.layer.outputShapeFor(call, input);
  }

  protected override describeWeights(): [] {
    return [];
  }

  override get weightSpecs(): readonly WeightSpec[] {
    return this.layer.weightSpecs;
  }

  override get initialValues(): Float32Array[] | null {
    return this.layer.initialValues;
  }

  override set initialValues(values: Float32Array[] | null) {
    this.layer.initialValues = values;
  }

  override get dropoutSeeds(): readonly number[] {
    return this.layer.dropoutSeeds;
  }

  override set dropoutSeeds(seeds: readonly number[]) {
    this.layer.dropoutSeeds = seeds;
  }

  override get parameterCount(): number {
    return this.layer.parameterCount;
  }

  override moveWeights(kernels: Kernels, packed: number, plain: readonly number[], inward: boolean): void {
    this.layer.moveWeights(kernels, packed, plain, inward);
  }

  override plan(planner: Planner, input: Signal, home: LayerOffsets, top: boolean): Signal {
    return this.layer.plan(planner, input, home, top);
  }
}
