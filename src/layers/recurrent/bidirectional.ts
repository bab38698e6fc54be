/** Runs a recurrent layer in both directions of time, and merges the two outputs unless that is turned off. */

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
import { useKernels } from '../../wasm/engine.ts';
import type { Kernels } from '../../wasm/kernels.ts';
import { others } from '../../wasm/modules/others.generated.ts';
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
   * The recurrent layer: lstm, gru, simpleRNN, minGRU, minLSTM or rnn. Both directions get a copy of it, with weights of
   * their own; the layer itself is not used. With `returnState`, the states of the forward layer come before those of the backward layer,
   * and so do initial states.
   */
  layer: Recurrent;
  /**
   * Another recurrent layer for the backward direction, which gets a copy of it. It must have the opposite `goBackwards`
   * and the same `returnSequences`, `returnState` and `stateful` as `layer`. Default: `layer` in the opposite direction.
   */
  backwardLayer?: Recurrent | null;
  /**
   * How the outputs of both directions become one: 'concat' concatenates their features, 'sum' adds, 'ave' averages and
   * 'mul' multiplies them. With null there are two outputs, forward and backward, in the same order of time steps; not
   * in a sequential model. Default: 'concat'.
   */
  mergeMode?: MergeMode | null;
}

const directions = ['forward', 'backward'] as const;

export class Bidirectional extends RecurrentLayer {
  readonly forwardLayer: Recurrent;
  readonly backwardLayer: Recurrent;
  readonly mergeMode: MergeMode | null;
  readonly #template: Recurrent;
  readonly #backwardTemplate: Recurrent | null;

  constructor(options: BidirectionalOptions) {
    const call = 'layers.bidirectional';
    const known = checkLayerOptions<BidirectionalOptions>(call, options, ['layer', 'backwardLayer', 'mergeMode']);
    const { mergeMode = 'concat' } = known;
    const layer = checkTemplate(call, 'layer', known.layer);
    const other = known.backwardLayer ? checkTemplate(call, 'backwardLayer', known.backwardLayer) : null;
    const mode = mergeMode === null ? null : checkName(call, 'mergeMode', mergeMode, mergeModes);
    if (other) checkOpposite(call, layer, other, mode !== null);
    const shaped = known.inputShape || known.batchInputShape || known.inputDim;
    const own = shaped ? known : { ...known, batchInputShape: layer.batchInputShape ?? undefined };
    const forwardLayer = layer.copy(`forward_${layer.name}`, layer.goBackwards);
    const backwardLayer = (other ?? layer).copy(other?.name ?? `backward_${layer.name}`, !layer.goBackwards);
    if (backwardLayer.name === forwardLayer.name) {
      fail(call, `backwardLayer must not have the name of the forward layer, '${forwardLayer.name}'`);
    }
    super('Bidirectional', own, 2, { children: [forwardLayer, backwardLayer] });
    useKernels(others);
    this.forwardLayer = forwardLayer;
    this.backwardLayer = backwardLayer;
    this.mergeMode = mode;
    this.#template = layer;
    this.#backwardTemplate = other;
  }

  protected override settings(): Config {
    const describe = (template: Recurrent) => {
      const { className, config } = serialize(template);
      return { className, config: { ...config, trainable: this.trainable } };
    };
    const other = this.#backwardTemplate;
    return {
      mergeMode: this.mergeMode,
      layer: describe(this.#template),
      ...(other && { backwardLayer: describe(other) }),
    };
  }

  /** @internal Whether both directions have the same options. */
  get isSymmetric(): boolean {
    return this.#backwardTemplate === null;
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

  get returnState(): boolean {
    return this.forwardLayer.returnState;
  }

  override outputShapesFor(call: string, inputs: readonly Shape[]): Shape[] {
    const [x] = inputs;
    const [[a, ...forwardStates], [b, ...backwardStates]] = this.#layers.map(layer =>
      layer.outputShapesFor(call, [x!]),
    ) as [Shape[], Shape[]];
    this.checkInitialStates(call, inputs);
    const states = [...forwardStates, ...backwardStates];
    if (this.mergeMode === null) return [a!, b!, ...states];
    return [this.mergeMode === 'concat' ? [...a!.slice(0, -1), 2 * a!.at(-1)!] : a!, ...states];
  }

  protected override childInputs(n: number, inputs: readonly Shape[]): readonly Shape[] {
    return this.#inputsOf(n, inputs);
  }

  get #layers(): readonly [Recurrent, Recurrent] {
    return [this.forwardLayer, this.backwardLayer];
  }

  /** The sequence, and the initial states of direction n, of all inputs. */
  #inputsOf<T>(n: number, [x, ...initial]: readonly T[]): [T, ...T[]] {
    const split = this.forwardLayer.states.length;
    return [x!, ...(n === 0 ? initial.slice(0, split) : initial.slice(split))];
  }

  override get states(): readonly StateSpec[] {
    return this.#layers.flatMap(({ states }, n) =>
      states.map(({ name, width }) => ({ name: `${directions[n]} ${name}`, width })),
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
    forEachPart(
      this.#layers,
      packed,
      matrices,
      layer => layer.stateCount(batch),
      ({ states }) => states.length,
      use,
    );
  }

  override plan(planner: Planner, inputs: Signals, call: PlannedCall): Signals {
    const { forwardLayer, mergeMode } = this;
    const { parameters, states } = call.offsets;
    const outputs = mergeMode === null ? 2 : 1;
    const readers = planner.share(call.name, inputs[0], 2);
    const [[a, ...forwardStates], [reversed, ...backwardStates]] = this.#layers.map((layer, n) => {
      const [, ...initial] = this.#inputsOf(n, inputs);
      const [, ...readsStates] = this.#inputsOf(n, call.isRead.slice(outputs - 1));
      return layer.plan(planner, [readers[n]!, ...initial], {
        ...call,
        name: `${call.name}/${layer.name}`,
        offsets: {
          parameters: n === 0 ? parameters : parameters + forwardLayer.parameterCount * FLOAT,
          states: n === 0 ? states : states + forwardLayer.stateCount(planner.batch) * FLOAT,
        },
        isRead: [call.isRead[mergeMode === null ? n : 0]!, ...readsStates],
      });
    }) as [Signals, Signals];
    // The last output of the backward layer belongs to the first time step
    const b: Signal = { ...reverseSteps(reversed), mask: a.mask };
    const finalStates = [...forwardStates, ...backwardStates];
    if (mergeMode === null) return [a, b, ...finalStates];
    return [this.#merge(planner, mergeMode, a, b, call), ...finalStates];
  }

  #merge(planner: Planner, mode: MergeMode, a: Signal, b: Signal, { name, isRead }: PlannedCall): Signal {
    const { steps, rows, width } = a.y;
    const outputs = mode === 'concat' ? 2 * width : width;
    const y = planner.rows(`${name}/y`, steps, outputs);
    // Without a reader, the outputs of both directions have no gradients
    if (!isRead[0]) return { y, dy: null, mask: a.mask };
    const dy = planner.gradientRows(`${name}/dy`, steps, outputs);
    planner.calls.push({
      kind: 'merge',
      fields: {
        mode: mergeModeNumbers[mode],
        steps,
        rows,
        width,
        ...rowFields('a', a.y),
        ...rowFields('b', b.y),
        ...rowFields('y', y),
        ...rowFields('dy', dy),
        ...rowFields('da', a.dy),
        ...rowFields('db', b.dy),
      },
    });
    return { y, dy, mask: a.mask };
  }
}

/** Reads one of the layers that a bidirectional layer copies. */
function checkTemplate(call: string, name: string, value: unknown): Recurrent {
  const layer = layerFromConfig(value);
  if (!(layer instanceof Recurrent)) {
    fail(call, `${name} must be lstm, gru, simpleRNN, minGRU, minLSTM or rnn, got ${show(layer)}`);
  }
  if (layer.hasOwnWeights) fail(call, `${name} must not have weights; pass them to the bidirectional layer`);
  return layer;
}

/** Fails unless two layers fit together as the directions of a bidirectional layer. */
function checkOpposite(call: string, layer: Recurrent, backward: Recurrent, merges: boolean): void {
  if (backward.goBackwards === layer.goBackwards) {
    fail(call, `backwardLayer must have the opposite goBackwards of layer, got ${layer.goBackwards} in both`);
  }
  for (const name of ['returnSequences', 'returnState', 'stateful'] as const) {
    const [needed, got] = [layer[name], backward[name]];
    if (got !== needed) fail(call, `backwardLayer must have the ${name} of layer, ${needed}, got ${got}`);
  }
  if (merges && backward.units !== layer.units) {
    const rule = `backwardLayer must have the units of layer, ${layer.units}, got ${backward.units}`;
    fail(call, `${rule}; pass mergeMode: null for two outputs`);
  }
}
