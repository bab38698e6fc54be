/** Adds loops over time to graphs, and the states of recurrent layers as inputs and outputs. */

import type { Cell } from '../layers/recurrent/cell.ts';
import { Graph } from './graph.ts';
import type { WriteContext } from './writeContext.ts';

/** The steps of a cell over time. */
export interface Steps {
  readonly name: string;
  readonly cell: Cell;
  readonly directions: number;
  readonly reverse: boolean;
}

/** The outputs of a direction. Calls add the nodes that they need. */
export interface Outputs {
  /** [T, B, U] in the order of time. */
  sequence(): string;
  /** The final state n, [B, U]; that of number 0 is the last output. */
  state(n: number): string;
}

/** Whether states are inputs and outputs of the graph; initial states from other layers are not. */
export const carriesStates = ({ states }: WriteContext, initial: readonly string[]): boolean =>
  states !== false && initial.length === 0;

/**
 * Adds an input for an initial state. If it is optional, its default is zero for a batch of one, expanded to the batch
 * size.
 *
 * @returns [directions, B, U]
 */
export function stateInput(context: WriteContext, { name, directions, cell: { units } }: Steps, state: string): string {
  const { graph } = context;
  const input = graph.name(`${name}_${state}`);
  graph.input(input, 'float32', [directions, 'batch', units]);
  if (context.states !== 'optional') return input;
  graph.zeros(input, [directions, 1, units]);
  const shape = [graph.ints([directions]), context.batch(), graph.ints([units])];
  const wanted = graph.add('Concat', `${input}/shape`, shape, { axis: { i: 0 } });
  return graph.add('Expand', `${input}/start`, [input, wanted]);
}

/** Adds an output for a final state, and returns its new name. */
export function stateOutput(
  { graph }: WriteContext,
  { name, directions, cell }: Steps,
  state: string,
  value: string,
): string {
  const output = graph.name(`${name}_${state}_out`);
  graph.rename(value, output);
  graph.output(output, 'float32', [directions, 'batch', cell.units]);
  return output;
}

/** The body of a loop, whose inputs have been added. */
interface LoopBody {
  readonly body: Graph;
  /** The states before the step, [B, U] each. */
  readonly before: readonly string[];
  /** The step of the sequence, [B, D]. */
  readonly step: string;
  /** The step of the mask, [B, 1]; null without a mask. */
  readonly counts: string | null;
}

export function startLoop({ graph }: WriteContext, { name, cell }: Steps, masked: boolean): LoopBody {
  const body = new Graph(graph);
  const before = cell.states.map(state => body.name(`${name}/${state.name}_before`));
  const step = body.name(`${name}/step`);
  const counts = masked ? body.name(`${name}/counts`) : null;
  for (const state of before) body.input(state, 'float32', null);
  body.input(step, 'float32', null);
  if (counts !== null) body.input(counts, 'bool', null);
  return { body, before, step, counts };
}

/**
 * Adds a loop over time.
 *
 * @param kept the states after the step, the first of which is the output
 * @param x the sequence [T, B, D]
 * @param mask [T, B, 1]; null without a mask
 */
export function runLoop(
  context: WriteContext,
  steps: Steps,
  { body, kept }: LoopBody & { readonly kept: readonly string[] },
  x: string,
  mask: string | null,
  initial: readonly string[],
): Outputs {
  const { graph } = context;
  const { name, cell, reverse } = steps;
  const names = cell.states.map(state => state.name);
  const out = body.add('Identity', `${name}/out`, [kept[0]!]);
  for (const value of [...kept, out]) body.output(value, 'float32', null);

  const carries = carriesStates(context, initial);
  const start = names.map((state, n) => {
    if (initial.length > 0) return initial[n]!;
    if (carries)
      return graph.add('Squeeze', `${name}/${state}_start`, [stateInput(context, steps, state), graph.ints([0])]);
    const shape = graph.add('Concat', `${name}/shape`, [context.batch(), graph.ints([cell.units])], { axis: { i: 0 } });
    return graph.add('Expand', `${name}/${state}_start`, [graph.number(0), shape]);
  });
  const direction = Number(reverse);
  const sequences = mask === null ? [x] : [x, mask];
  const results = graph.addMany('Scan', name, [...start, ...sequences], names.length + 1, {
    body: { g: body.finish(`${name}/body`) },
    num_scan_inputs: { i: sequences.length },
    scan_input_directions: { ints: sequences.map(() => direction) },
    scan_output_directions: { ints: [direction] },
  });
  if (carries) {
    for (const [n, state] of names.entries()) {
      const whole = graph.add('Unsqueeze', `${name}/${state}_whole`, [results[n]!, graph.ints([0])]);
      stateOutput(context, steps, state, whole);
    }
  }
  return { sequence: () => results.at(-1)!, state: n => results[n]! };
}
