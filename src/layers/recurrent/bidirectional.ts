/** Runs a recurrent layer in both directions of time, and merges the two outputs. */

import {
  type PlannedCall,
  type Planner,
  reverseSteps,
  rowFields,
  type Signal,
  type Signals,
} from '../../plan/planner.ts';
import { type Config, serialize } from '../../util/config.ts';
import { fail, show } from '../../util/errors.ts';
import { FLOAT } from '../../util/memorySizes.ts';
import { checkName } from '../../util/options.ts';
import type { Shape } from '../../util/shapes.ts';
import type { Kernels } from '../../wasm/kernels.ts';
import { mergeModeNumbers } from '../../wasm/shared.generated.ts';
import { checkLayerOptions, type LayerOptions } from '../layerOptions.ts';
import { forEachPart } from '../parts.ts';
import { layerFromConfig } from '../registry.ts';
import type { StateSpec } from './cell.ts';
import { Recurrent, RecurrentLayer } from './recurrent.ts';

/** How the outputs of both directions become one. @useDeclaredType */
export type MergeMode = keyof typeof mergeModeNumbers;

const mergeModes = Object.keys(mergeModeNumbers) as MergeMode[];

/** Options of `layers.bidirectional`. */
export interface BidirectionalOptions extends LayerOptions {
  /**
   * The recurrent layer: lstm, gru, simpleRNN or rnn. Both directions get a copy of it, with weights of their own; the
   * layer itself is not used.
   */
  layer: Recurrent;
  /**
   * How the outputs of both directions become one: 'concat' concatenates their features, 'sum' adds, 'ave' averages and
   * 'mul' multiplies them. Default: 'concat'.
   */
  mergeMode?: MergeMode;
}

const directions = ['forward', 'backward'] as const;

export class Bidirectional extends RecurrentLayer {
  readonly forwardLayer: Recurrent;
  readonly backwardLayer: Recurrent;
  readonly mergeMode: MergeMode;
  readonly #template: Recurrent;

  constructor(options: BidirectionalOptions) {
    const call = 'layers.bidirectional';
    const known = checkLayerOptions<BidirectionalOptions>(call, options, ['layer', 'mergeMode']);
    const { mergeMode = 'concat' } = known;
    const layer = layerFromConfig(known.layer);
    if (!(layer instanceof Recurrent)) {
      fail(call, `layer must be lstm, gru, simpleRNN or rnn, got ${show(layer)}`);
    }
    if (layer.hasOwnWeights) fail(call, 'layer must not have weights; pass them to the bidirectional layer');
    if (mergeMode === null) {
      fail(call, 'mergeMode must not be null: a sequential model has one output');
    }
    const mode = checkName(call, 'mergeMode', mergeMode, mergeModes);
    const shaped = known.inputShape || known.batchInputShape || known.inputDim;
    const own = shaped ? known : { ...known, batchInputShape: layer.batchInputShape ?? undefined };
    const forwardLayer = layer.copy(`forward_${layer.name}`, layer.goBackwards);
    const backwardLayer = layer.copy(`backward_${layer.name}`, !layer.goBackwards);
    super('Bidirectional', own, 2, { children: [forwardLayer, backwardLayer] });
    this.forwardLayer = forwardLayer;
    this.backwardLayer = backwardLayer;
    this.mergeMode = mode;
    this.#template = layer;
  }

  protected override settings(): Config {
    const { className, config } = serialize(this.#template);
    return { mergeMode: this.mergeMode, layer: { className, config: { ...config, trainable: this.trainable } } };
  }

  override get weightPaths(): string[] {
    return this.children.flatMap(child => child.weightPaths.map(path => `${this.name}/${path}`));
  }

  protected override childWeightName(n: number, name: string): string {
    return `${directions[n]} ${name}`;
  }

  get returnSequences(): boolean {
    return this.forwardLayer.returnSequences;
  }

  override get looksAhead(): boolean {
    return true;
  }

  override outputShapeFor(call: string, input: Shape): Shape {
    const shape = this.forwardLayer.outputShapeFor(call, input);
    if (this.mergeMode === 'concat') shape.push(2 * shape.pop()!);
    return shape;
  }

  override get states(): readonly StateSpec[] {
    return directions.flatMap(direction =>
      this.forwardLayer.states.map(({ name, width }) => ({ name: `${direction} ${name}`, width })),
    );
  }

  override packStates(kernels: Kernels, packed: number, batch: number, matrices: readonly number[]): void {
    this.#forEachDirection(packed, batch, matrices, (layer, own, ownMatrices) =>
      layer.packStates(kernels, own, batch, ownMatrices),
    );
  }

  override unpackStates(kernels: Kernels, packed: number, batch: number, matrices: readonly number[]): void {
    this.#forEachDirection(packed, batch, matrices, (layer, own, ownMatrices) =>
      layer.unpackStates(kernels, own, batch, ownMatrices),
    );
  }

  #forEachDirection(
    packed: number,
    batch: number,
    matrices: readonly number[],
    use: (layer: Recurrent, packed: number, matrices: readonly number[]) => void,
  ): void {
    const layers = [this.forwardLayer, this.backwardLayer];
    forEachPart(
      layers,
      packed,
      matrices,
      layer => layer.stateCount(batch),
      ({ states }) => states.length,
      use,
    );
  }

  override plan(planner: Planner, [input]: Signals, call: PlannedCall): Signals {
    const { batch } = planner;
    const [forward, backward] = planner.share(call.name, input, 2) as [Signal, Signal];
    const nameOf = (layer: Recurrent) => `${call.name}/${layer.name}`;
    const [a] = this.forwardLayer.plan(planner, [forward], { ...call, name: nameOf(this.forwardLayer) });
    const [reversed] = this.backwardLayer.plan(planner, [backward], {
      ...call,
      name: nameOf(this.backwardLayer),
      offsets: {
        parameters: call.offsets.parameters + this.forwardLayer.parameterCount * FLOAT,
        states: call.offsets.states + this.forwardLayer.stateCount(batch) * FLOAT,
      },
    });
    const b = reverseSteps(reversed); // its last output belongs to the first time step
    const { steps, width } = a.y;
    const outputs = this.mergeMode === 'concat' ? 2 * width : width;
    const y = planner.rows(`${call.name}/y`, steps, outputs);
    const dy = planner.gradientRows(`${call.name}/dy`, steps, outputs);
    planner.calls.push({
      kind: 'merge',
      fields: {
        mode: mergeModeNumbers[this.mergeMode],
        steps,
        rows: batch,
        width,
        ...rowFields('a', a.y),
        ...rowFields('b', b.y),
        ...rowFields('y', y),
        ...rowFields('dy', dy),
        ...rowFields('da', a.dy),
        ...rowFields('db', b.dy),
      },
    });
    return [{ y, dy, mask: a.mask }];
  }
}
