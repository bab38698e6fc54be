/**
 * Compiled plans for the batch sizes and sequence lengths seen so far.
 *
 * They share one workspace, which grows to the largest. A batch whose plan is cached allocates nothing.
 */

import type { Layer } from '../layers/layer.ts';
import { lossActivationOf } from '../objective/losses.ts';
import type { Objective } from '../objective/objective.ts';
import { FLOAT } from '../util/memorySizes.ts';
import { sameShape } from '../util/shapes.ts';
import { Block, float32, kernels } from '../wasm/engine.ts';
import type { Parameters } from '../weights/parameters.ts';
import { type CallGraph, layersOf } from './callGraph.ts';
import { CompiledPlan } from './compiledPlan.ts';
import { type BatchSpec, planBatch } from './planBatch.ts';
import type { LayerOffsets, Plan, Purpose } from './planner.ts';

/** The number of cached plans at which the cache is cleared. */
const MOST_PLANS = 32;

const noLabels: readonly number[] = [];

/** Whether a plan fits a batch. Allocates nothing, because most batches have the sizes of the one before. */
function fits(
  plan: Plan,
  batch: number,
  samples: readonly (readonly number[])[],
  purpose: Purpose,
  weighted: boolean,
  dropsOut: boolean,
  labels: readonly number[],
): boolean {
  if (plan.batch !== batch || plan.purpose !== purpose) return false;
  if (plan.weighted !== weighted || plan.dropsOut !== dropsOut) return false;
  for (let n = 0; n < samples.length; n++) if (!sameShape(plan.samples[n]!, samples[n]!)) return false;
  for (let n = 0; n < labels.length; n++) if (plan.outputs[n]!.labels !== labels[n]) return false;
  return true;
}

export class PlanCache {
  readonly #graph: CallGraph;
  readonly #parameters: Parameters;
  /** Byte offsets of the carried states of each layer. */
  readonly #stateOffsets = new Map<Layer, number>();
  readonly #stateBytes: number;
  readonly #constantCalls: number | null;
  readonly #plans = new Map<string, CompiledPlan>();
  #current: CompiledPlan | null = null;
  /** Layers whose plans depend on whether they are trainable, and whether they were for the cached plans. */
  readonly #statistical: readonly { readonly layer: Layer; trainable: boolean }[];
  /** The objective of the cached plans for training and evaluation. */
  #objective: Objective | null = null;
  /** `Parameters.version` for which the cached plans were compiled. */
  #version: number;
  #workspace: Block | null = null;
  #states: Block | null = null;

  /**
   * @param batch the batch size if it is fixed, as stateful layers require
   * @param constantCalls as in `BatchSpec`
   */
  constructor(
    graph: CallGraph,
    parameters: Parameters,
    batch: number | null,
    constantCalls: BatchSpec['constantCalls'] = null,
  ) {
    this.#graph = graph;
    this.#parameters = parameters;
    this.#constantCalls = constantCalls;
    this.#statistical = layersOf(graph)
      .filter(layer => layer.hasStatistics)
      .map(layer => ({ layer, trainable: layer.trainable }));
    this.#version = parameters.version;
    let states = 0;
    for (const layer of layersOf(graph)) {
      this.#stateOffsets.set(layer, states);
      if (constantCalls !== null || layer.stateful) states += layer.stateCount(batch ?? 0) * FLOAT;
    }
    this.#stateBytes = states;
  }

  /**
   * The compiled plan of a batch, ready to run.
   *
   * @param samples the shape of one sample of each input: [T, D] or [D]
   * @param objective required unless `purpose` is 'predict'
   * @param weighted whether the losses have sample weights; the caller then writes them to `CompiledOutput.weights`
   * @param dropsOut whether dropout and noise are active
   * @param labels for each output, the numbers of labels in the target of a sample; empty if no output has any
   * @throws ValueError if there is not enough memory; nothing has changed in that case
   */
  prepare(
    call: string,
    batch: number,
    samples: readonly (readonly number[])[],
    purpose: Purpose,
    objective: Objective | null = null,
    weighted = false,
    dropsOut = purpose === 'train',
    labels: readonly number[] = noLabels,
  ): CompiledPlan {
    const recompiled = objective !== null && objective !== this.#objective;
    if (this.#trainableChanged()) this.dropPlans();
    if (recompiled || this.#version !== this.#parameters.version) {
      this.dropPlans();
      this.#version = this.#parameters.version;
      if (recompiled) this.#objective = objective;
    }
    const current = this.#current;
    if (current && fits(current.plan, batch, samples, purpose, weighted, dropsOut, labels)) return current;
    const key = `${purpose} ${batch} ${samples.join(' ')} ${weighted} ${dropsOut} ${labels.join(' ')}`;
    let compiled = this.#plans.get(key);
    if (!compiled) {
      const scored = objective && purpose !== 'predict' ? objective.outputs : [];
      const outputs = scored.map(({ loss, lossWeight }) => ({ lossActivation: lossActivationOf(loss), lossWeight }));
      const constantCalls = this.#constantCalls;
      const spec = { batch, samples, purpose, constantCalls, dropsOut, outputs, weighted, labels };
      const plan = planBatch(this.#graph, layer => this.#offsetsOf(layer), spec);
      const addresses = {
        weights: this.#parameters.weights(call),
        gradients: purpose === 'train' ? this.#parameters.gradients(call, objective!.optimizer) : 0,
        states: this.#stateBytes > 0 ? this.states(call) : 0,
        workspace: this.#reserve(call, plan.bytes),
      };
      if (this.#plans.size >= MOST_PLANS) this.dropPlans();
      compiled = new CompiledPlan(call, plan, addresses, objective);
      this.#plans.set(key, compiled);
    }
    this.#current = compiled;
    return compiled;
  }

  /** Whether a layer with statistics has been frozen or thawed since the last call. */
  #trainableChanged(): boolean {
    let changed = false;
    for (let n = 0; n < this.#statistical.length; n++) {
      const one = this.#statistical[n]!;
      changed ||= one.trainable !== one.layer.trainable;
      one.trainable = one.layer.trainable;
    }
    return changed;
  }

  /** Address of the carried states; they are allocated on first use and start at zero. */
  states(call: string): number {
    this.#states ??= new Block(call, this.#stateBytes);
    return this.#states.address;
  }

  /** Address of the carried states of a layer. */
  stateOf(call: string, layer: Layer): number {
    return this.states(call) + this.#stateOffsets.get(layer)!;
  }

  #offsetsOf(layer: Layer): LayerOffsets {
    return { parameters: this.#parameters.offsetOf(layer), states: this.#stateOffsets.get(layer)! };
  }

  /** Sets the carried states to zero. */
  resetStates(): void {
    if (this.#states) kernels().zero(this.#states.address, this.#states.bytes);
  }

  /** A copy of the carried states, for `putStates`; null if they have not been allocated and are therefore zero. */
  copyStates(): Float32Array | null {
    if (!this.#states) return null;
    const from = this.#states.address / FLOAT;
    return float32().slice(from, from + this.#stateBytes / FLOAT);
  }

  /** Restores the carried states from a result of `copyStates`. */
  putStates(states: Float32Array | null): void {
    if (states && this.#states) float32().set(states, this.#states.address / FLOAT);
    else this.resetStates();
  }

  /** A copy of workspace and carried states, for `putMemory`. */
  copyMemory(): { workspace: Float32Array; states: Float32Array | null } {
    const from = (this.#workspace?.address ?? 0) / FLOAT;
    const workspace = float32().slice(from, from + (this.#workspace?.bytes ?? 0) / FLOAT);
    return { workspace, states: this.copyStates() };
  }

  /** Restores a result of `copyMemory`, for plans of the same sizes. */
  putMemory({ workspace, states }: ReturnType<PlanCache['copyMemory']>): void {
    if (this.#workspace) float32().set(workspace, this.#workspace.address / FLOAT);
    this.putStates(states);
  }

  /** Address of a workspace of at least `bytes`. Allocating a larger one invalidates all cached plans. */
  #reserve(call: string, bytes: number): number {
    if (!this.#workspace || this.#workspace.bytes < bytes) {
      const larger = new Block(call, bytes);
      this.dropPlans();
      this.#workspace?.free();
      this.#workspace = larger;
    }
    return this.#workspace.address;
  }

  /** Clears the cache: the memory to which its plans point has moved. */
  dropPlans(): void {
    for (const compiled of this.#plans.values()) compiled.free();
    this.#plans.clear();
    this.#current = null;
  }

  /** Frees the plans, the workspace and the carried states. */
  free(): void {
    this.dropPlans();
    this.#workspace?.free();
    this.#states?.free();
    this.#workspace = null;
    this.#states = null;
  }
}
