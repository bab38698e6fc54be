/** How a stream runs the graph of a model: which inputs each step takes, and which calls run once for all steps. */

import type { Layer } from '../layers/layer.ts';
import { RecurrentLayer } from '../layers/recurrent/recurrent.ts';
import { type CallGraph, callGraph, type LayerCall } from '../plan/callGraph.ts';
import { fail } from '../util/errors.ts';
import { type Graph, uniqueNames } from './graph.ts';

/** An input of every step. */
export interface StepInput {
  /** Its position among the inputs of the model. */
  readonly input: number;
  readonly name: string;
  /** The numbers of a step, for all sequences. */
  readonly width: number;
  /** The layers that read ids from it. */
  readonly idReaders: readonly Layer[];
}

export interface StreamGraph {
  /**
   * The calls that depend on constants only, then the others, in which recurrent layers read no initial states. Its outputs
   * are those of the model, then the initial states that constants determine.
   */
  readonly calls: CallGraph;
  readonly constantCalls: number;
  readonly steps: readonly StepInput[];
  /** The shape of one sample of each input of the model; those of constants are replaced by the shapes of their data. */
  readonly samples: readonly (readonly number[])[];
  /** The recurrent layers that carry states. */
  readonly recurrent: readonly RecurrentLayer[];
  /** For each state of each recurrent layer, the output of `calls` in which it starts; null if it starts at zero. */
  readonly initial: readonly (readonly (number | null)[])[];
}

/**
 * @param constants the positions of the inputs that are the same at every step
 * @param batch the number of sequences
 * @throws ValueError if the graph cannot run one time step at a time
 */
export function streamGraph(call: string, graph: Graph, constants: readonly number[], batch: number): StreamGraph {
  const { inputCount, valueCount, calls, outputs } = graph.calls;
  const isConstant = new Array<boolean>(valueCount).fill(false);
  for (const input of constants) isConstant[input] = true;
  const [once, each]: [LayerCall[], LayerCall[]] = [[], []];
  for (const one of calls) {
    const constant = one.inputs.every(value => isConstant[value]);
    isConstant.fill(constant, one.firstOutput, one.firstOutput + one.outputCount);
    (constant ? once : each).push(one);
  }
  checkSteps(call, each, isConstant);

  const names = uniqueNames(graph.inputs);
  const initialStates = each.map(({ layer, inputs }) => (layer instanceof RecurrentLayer ? inputs.slice(1) : []));
  for (const [n, values] of initialStates.entries()) {
    if (values.every(value => isConstant[value] || value < inputCount)) continue;
    const rule = `the initial states of '${each[n]!.layer.name}' must be inputs of the model or depend on constants only`;
    fail(call, `${rule}, because the stream would start from them at every step`);
  }
  const stepCalls = each.map((one, n) => (initialStates[n]!.length > 0 ? { ...one, inputs: [one.inputs[0]!] } : one));
  const read = new Set([...stepCalls.flatMap(({ inputs }) => inputs), ...outputs]);
  const states = new Set(initialStates.flat().filter(value => !isConstant[value]));
  for (const value of states) {
    if (!read.has(value)) continue;
    fail(call, `'${names[value]}' must be only an initial state, or a constant, because other layers read it too`);
  }
  const fixed = outputs.findIndex(value => isConstant[value]);
  if (fixed >= 0) {
    fail(call, `every output must depend on an input of a step, which '${uniqueNames(graph.outputs)[fixed]}' does not`);
  }

  const samples = graph.inputs.map(({ shape }, input) => {
    const readers = calls.filter(one => one.inputs.includes(input)).map(({ layer }) => layer);
    // One step of [T, D], or one number of a sequence [T], such as the id that an embedding takes
    if (shape.length === 3) return [1, shape[2]!];
    return readers.some(layer => layer.createsTimeSteps) ? [1] : [shape[1]!];
  });
  const steps = names.flatMap((name, input): StepInput[] => {
    if (isConstant[input] || states.has(input)) return [];
    const idReaders = each.filter(one => one.layer.readsIds && one.inputs.includes(input)).map(({ layer }) => layer);
    return [{ input, name, width: samples[input]!.at(-1)! * batch, idReaders }];
  });

  const starts = [...new Set(initialStates.flat().filter(value => isConstant[value]))];
  const positions = new Map(starts.map((value, n) => [value, outputs.length + n]));
  const recurrent = each.flatMap(({ layer }, n) =>
    layer instanceof RecurrentLayer ? [{ layer, values: initialStates[n]! }] : [],
  );
  return {
    calls: callGraph(inputCount, [...once, ...stepCalls], [...outputs, ...starts]),
    constantCalls: once.length,
    steps,
    samples,
    recurrent: recurrent.map(({ layer }) => layer),
    initial: recurrent.map(({ layer, values }) => layer.states.map((_, k) => positions.get(values[k] ?? -1) ?? null)),
  };
}

/** Fails if the calls of a step need other time steps than that step, or whole sequences that are not constants. */
function checkSteps(call: string, calls: readonly LayerCall[], isConstant: readonly boolean[]): void {
  const recurrent = calls.flatMap(({ layer }) => (layer instanceof RecurrentLayer ? [layer] : []));
  const backwards = recurrent.find(layer => layer.looksAhead);
  if (backwards) fail(call, `no layer may run backwards in time, as '${backwards.name}' does`);
  const whole = calls.find(({ layer, inputs }) => layer instanceof RecurrentLayer && isConstant[inputs[0]!]);
  if (whole) {
    fail(call, `'${whole.layer.name}' must read one time step at a time, or have constants as its initial states too`);
  }
  for (const { layer, inputs, training } of calls) {
    if (layer instanceof RecurrentLayer) continue;
    if (training && layer.hasStatistics) {
      fail(
        call,
        `'${layer.name}' must not be applied with training: true, because a step has no statistics of the sequence`,
      );
    }
    const constant = inputs.map(value => isConstant[value]!);
    if (constant.includes(true) ? layer.runsBesideConstants(constant) : layer.runsByTimeStep) continue;
    const advice = inputs.length > 1 ? '; inputs that are whole sequences can be constants' : '';
    fail(call, `every layer must work on one time step at a time, which '${layer.name}' does not${advice}`);
  }
  const shared = recurrent.find((layer, n) => recurrent.indexOf(layer) < n);
  if (shared) fail(call, `no recurrent layer may be applied twice, as '${shared.name}' is`);
}
