/** Runs a recurrent layer in both directions of time, and merges what comes out. */

import { backwards, type LayerOffsets, type Planner, type Signal, strided } from '../../plan/plan.ts';
import type { TensorLike } from '../../tensor/read.ts';
import { type Config, describe } from '../../util/config.ts';
import { fail, show } from '../../util/errors.ts';
import { checkName } from '../../util/options.ts';
import type { Shape } from '../../util/shapes.ts';
import { FLOAT } from '../../util/units.ts';
import type { Kernels } from '../../wasm/kernels.ts';
import { mergeModeNumbers } from '../../wasm/shared.generated.ts';
import { checkLayerOptions, type Layer, type LayerOptions, type WeightSpec, type WeightStore } from '../layer.ts';
import { layerFromConfig } from '../registry.ts';
import type { StateSpec } from './cell.ts';
import { Recurrent, RecurrentLayer } from './recurrent.ts';

/** How two outputs become one. @useDeclaredType */
export type MergeMode = keyof typeof mergeModeNumbers;

const mergeModes = Object.keys(mergeModeNumbers) as MergeMode[];

/** Options of `layers.bidirectional`. */
export interface BidirectionalOptions extends LayerOptions {
  /** One of lstm, gru, simpleRNN and rnn. It serves as a pattern: both directions get a copy, and weights of their own. */
  layer: Recurrent;
  /** How the outputs of both directions become one: side by side, or summed, averaged or multiplied; default concat. */
  mergeMode?: MergeMode;
}

export class Bidirectional extends RecurrentLayer {
  readonly forwardLayer: Recurrent;
  readonly backwardLayer: Recurrent;
  readonly mergeMode: MergeMode;
  /** Initial weights of both, as they were given. */
  readonly #given: readonly TensorLike[] | undefined;
  readonly #pattern: Recurrent;
  #specs: readonly WeightSpec[] = [];

  constructor(options: BidirectionalOptions) {
    const call = 'layers.bidirectional';
    const { weights, ...known } = checkLayerOptions<BidirectionalOptions>(call, options, ['layer', 'mergeMode']);
    const { mergeMode = 'concat' } = known;
    const layer = layerFromConfig(known.layer);
    if (!(layer instanceof Recurrent)) {
      fail(call, `layer must be one of lstm, gru, simpleRNN and rnn, got ${show(layer)}`);
    }
    if (layer.hasOwnWeights)
      fail(call, 'weights must be given to the bidirectional layer, got them in the wrapped one');
    if (mergeMode === null) {
      fail(call, `mergeMode must make one output of two, which is all a sequential model has, got null`);
    }
    const mode = checkName(call, 'mergeMode', mergeMode, mergeModes);
    if (weights !== undefined && !Array.isArray(weights)) {
      fail(call, `weights must be an array of tensors, got ${show(weights)}`);
    }
    const shaped = known.inputShape || known.batchInputShape || known.inputDim;
    super('Bidirectional', shaped ? known : { ...known, batchInputShape: layer.batchInputShape ?? undefined }, 2);
    this.forwardLayer = layer.copy(`forward_${layer.name}`, layer.goBackwards);
    this.backwardLayer = layer.copy(`backward_${layer.name}`, !layer.goBackwards);
    this.mergeMode = mode;
    this.#given = weights;
    this.#pattern = layer;
  }

  protected override settings(): Config {
    const { className, config } = describe(this.#pattern);
    return { mergeMode: this.mergeMode, layer: { className, config: { ...config, trainable: this.trainable } } };
  }

  override get weightPaths(): string[] {
    return this.#halves.flatMap(half => half.weightPaths.map(path => `${this.name}/${path}`));
  }

  get #halves(): readonly Recurrent[] {
    return [this.forwardLayer, this.backwardLayer];
  }

  get returnSequences(): boolean {
    return this.forwardLayer.returnSequences;
  }

  override get stateful(): boolean {
    return this.forwardLayer.stateful;
  }

  override get looksAhead(): boolean {
    return true;
  }

  override get trainable(): boolean {
    return super.trainable && this.forwardLayer.trainable;
  }

  override set trainable(value: boolean) {
    super.trainable = value;
    for (const half of this.#halves) half.trainable = value;
  }

  override build(call: string, input: Shape, home: WeightStore): void {
    // The weights of the halves are a part of those of this layer.
    const part = (half: Recurrent): WeightStore => {
      const range = () => {
        const count = this.forwardLayer.weightSpecs.length;
        return half === this.forwardLayer ? [0, count] : [count, 2 * count];
      };
      return {
        read: asked => home.read(asked, this).slice(...range()),
        write: (asked, _layer: Layer, values) => {
          const all = home.read(asked, this);
          all.splice(range()[0]!, values.length, ...values);
          home.write(asked, this, all);
        },
      };
    };
    super.build(call, input, home);
    try {
      for (const half of this.#halves) half.build(call, input, part(half));
      // Made once: training with regularizers, constraints or clipNorm reads them in every batch.
      this.#specs = [
        ...this.forwardLayer.weightSpecs.map(spec => ({ ...spec, name: `forward ${spec.name}` })),
        ...this.backwardLayer.weightSpecs.map(spec => ({ ...spec, name: `backward ${spec.name}` })),
      ];
      this.initialValues = this.#given ? this.checkWeights(call, this.#given) : null;
    } catch (error) {
      this.leave();
      throw error;
    }
  }

  override leave(): void {
    super.leave();
    for (const half of this.#halves) half.leave();
  }

  override get dropoutSeeds(): number[] {
    return this.#halves.flatMap(half => half.dropoutSeeds);
  }

  override set dropoutSeeds(seeds: readonly number[]) {
    const count = this.forwardLayer.cells.length;
    for (const [n, half] of this.#halves.entries()) half.dropoutSeeds = seeds.slice(n * count, (n + 1) * count);
  }

  override outputShapeFor(call: string, input: Shape): Shape {
    const shape = this.forwardLayer.outputShapeFor(call, input);
    if (this.mergeMode === 'concat') shape.push(2 * shape.pop()!);
    return shape;
  }

  protected override describeWeights(): [] {
    return [];
  }

  override get weightSpecs(): readonly WeightSpec[] {
    return this.#specs;
  }

  override get parameterCount(): number {
    return 2 * this.forwardLayer.parameterCount;
  }

  override stateCount(batch: number): number {
    return 2 * this.forwardLayer.stateCount(batch);
  }

  override get states(): readonly StateSpec[] {
    return ['forward', 'backward'].flatMap(direction =>
      this.forwardLayer.states.map(({ name, width }) => ({ name: `${direction} ${name}`, width })),
    );
  }

  override moveWeights(kernels: Kernels, packed: number, plain: readonly number[], inward: boolean): void {
    const { parameterCount, weightSpecs } = this.forwardLayer;
    const count = weightSpecs.length;
    this.forwardLayer.moveWeights(kernels, packed, plain.slice(0, count), inward);
    this.backwardLayer.moveWeights(kernels, packed + parameterCount * FLOAT, plain.slice(count), inward);
  }

  override moveStates(kernels: Kernels, home: number, batch: number, plain: readonly number[], inward: boolean): void {
    const count = this.forwardLayer.states.length;
    const bytes = this.forwardLayer.stateCount(batch) * FLOAT;
    this.forwardLayer.moveStates(kernels, home, batch, plain.slice(0, count), inward);
    this.backwardLayer.moveStates(kernels, home + bytes, batch, plain.slice(count), inward);
  }

  override plan(planner: Planner, input: Signal, home: LayerOffsets): Signal {
    const { training, batch } = planner;
    const { y: x, dy: dx } = input;
    // Each half leaves a gradient of the input. Backward, the stages run in reverse: this one comes last.
    const more = dx && planner.rows(`${this.name}/dx`, x.steps, x.width);
    if (dx && more) {
      planner.calls.push({
        kind: 'join',
        fields: {
          steps: x.steps,
          rows: batch,
          width: x.width,
          ...strided('dx', dx),
          ...strided('more', more),
        },
      });
    }
    const a = this.forwardLayer.plan(planner, input, home);
    const behind = this.backwardLayer.plan(
      planner,
      { ...input, dy: more },
      {
        parameters: home.parameters + this.forwardLayer.parameterCount * FLOAT,
        states: home.states + this.forwardLayer.stateCount(batch) * FLOAT,
      },
    );
    const b = backwards(behind); // what came out last belongs to the first step
    const { steps, width } = a.y;
    const outputs = this.mergeMode === 'concat' ? 2 * width : width;
    const y = planner.rows(`${this.name}/y`, steps, outputs);
    const dy = training ? planner.rows(`${this.name}/dy`, steps, outputs) : null;
    planner.calls.push({
      kind: 'merge',
      fields: {
        mode: mergeModeNumbers[this.mergeMode],
        steps,
        rows: batch,
        width,
        ...strided('a', a.y),
        ...strided('b', b.y),
        ...strided('y', y),
        ...strided('dy', dy),
        ...strided('da', a.dy),
        ...strided('db', b.dy),
      },
    });
    return { y, dy, mask: a.mask };
  }
}
