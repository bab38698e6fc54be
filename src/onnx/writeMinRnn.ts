/** Converts minGRU and minLSTM layers: a product for all time steps, and a loop of elementwise operations. */

import type { ActivationName } from '../layers/activations.ts';
import type { MinRNNCell } from '../layers/recurrent/minRnn.ts';
import { writeActivation } from './activations.ts';
import type { Graph } from './graph.ts';
import type { WriteContext } from './writeContext.ts';
import { type Outputs, runLoop, type Steps, startLoop } from './writeLoop.ts';

/** Adds the kernel [D, N U] and the bias [N U]. */
export function minimalWeights(
  { graph }: WriteContext,
  base: string,
  { units, gates }: MinRNNCell,
  [kernel, bias]: readonly Float32Array[],
): string[] {
  const columns = gates * units;
  const names = [graph.floats(`${base}/kernel`, [kernel!.length / columns, columns], kernel!)];
  if (bias) names.push(graph.floats(`${base}/bias`, [columns], bias));
  return names;
}

/**
 * Adds the nodes of a step: h + z (n - h), or h where the step is masked. The gates are split inside of the loop, so that
 * the loop and the product before it are read as one layer.
 *
 * @param sums of the gates and the candidate, [B, N U]
 * @param gates 2 for minGRU, 3 for minLSTM
 */
export function writeStep(
  body: Graph,
  name: string,
  gates: number,
  activation: ActivationName,
  before: string,
  sums: string,
  counts: string | null,
): string {
  const parts = body.addMany('Split', `${name}/gates`, [sums], gates, { axis: { i: 1 } });
  const z = body.add('Sigmoid', `${name}/z`, [gates === 2 ? parts[0]! : openness(body, name, parts)]);
  const candidate = writeActivation[activation](body, `${name}/candidate`, parts.at(-1)!);
  const change = body.add('Sub', `${name}/change`, [candidate, before]);
  const share = body.add('Mul', `${name}/share`, [z, change]);
  const after = body.add('Add', `${name}/after`, [before, share]);
  return counts === null ? after : body.add('Where', `${name}/kept`, [counts, after, before]);
}

/** With i and f the sigmoids of two sums, i / (f + i) is the sigmoid of log i - log f, which never divides by zero. */
function openness(body: Graph, name: string, [forget, input]: readonly string[]): string {
  const minusLog = (gate: string, what: string) =>
    body.add('Softplus', `${name}/${what}`, [body.add('Neg', `${name}/${what}_neg`, [gate])]);
  return body.add('Sub', `${name}/odds`, [minusLog(forget!, 'forget'), minusLog(input!, 'input')]);
}

/** @param weights the names of kernel and bias */
export function runMinimal(
  context: WriteContext,
  steps: Steps & { readonly cell: MinRNNCell },
  [kernel, bias]: readonly string[],
  x: string,
  mask: string | null,
  initial: readonly string[],
): Outputs {
  const { graph } = context;
  const { name, cell } = steps;
  const product = graph.add('MatMul', `${name}/product`, [x, kernel!]);
  const sums = bias === undefined ? product : graph.add('Add', `${name}/sums`, [product, bias]);
  const loop = startLoop(context, steps, mask !== null);
  const { gates, activation } = cell;
  const after = writeStep(loop.body, name, gates, activation, loop.before[0]!, loop.step, loop.counts);
  return runLoop(context, steps, { ...loop, kept: [after] }, sums, mask, initial);
}
