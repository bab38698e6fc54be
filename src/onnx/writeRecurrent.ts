/** Converts recurrent layers to LSTM, GRU and RNN nodes, with their states as inputs and outputs of the graph. */

import type { Layer } from '../layers/layer.ts';
import { Bidirectional, type MergeMode } from '../layers/recurrent/bidirectional.ts';
import type { Cell } from '../layers/recurrent/cell.ts';
import { GRUCell } from '../layers/recurrent/gru.ts';
import { LSTMCell } from '../layers/recurrent/lstm.ts';
import { MinRNNCell } from '../layers/recurrent/minRnn.ts';
import type { Recurrent } from '../layers/recurrent/recurrent.ts';
import { fail, show } from '../util/errors.ts';
import { type CellActivation, cellActivations } from './activations.ts';
import { biasToOnnx, gateOrders, kernelToOnnx, peepholesToOnnx, type RecurrentOp } from './gates.ts';
import type { Attributes } from './graph.ts';
import { activationsOf, checkVariant } from './writeCell.ts';
import type { WriteContext, WrittenCall, WrittenValue } from './writeContext.ts';
import { carriesStates, type Outputs, runLoop, type Steps, startLoop, stateInput, stateOutput } from './writeLoop.ts';
import { minimalWeights, runMinimal } from './writeMinRnn.ts';

/** Swaps batch and time, because the operators have the time axis first. */
const SWAP = { perm: { ints: [1, 0, 2] } };
/** The end of a reversed Slice. */
const BEFORE_FIRST = -(2 ** 63);

/** The sequence [T, B, D] that a layer reads, its mask [T, B, 1], and the initial states [B, U] if they are given. */
interface Sequence {
  readonly x: string;
  readonly mask: string | null;
  readonly initial: readonly string[];
}

/**
 * Converts a call of a recurrent or bidirectional layer.
 *
 * @returns the outputs: [B, T, U], or [B, U] if the layer returns only the last output, and the final states [B, U]
 */
export function writeRecurrent(
  context: WriteContext,
  layer: Recurrent | Bidirectional,
  { name, inputs, isRead }: WrittenCall,
): WrittenValue[] {
  const { graph } = context;
  const both = layer instanceof Bidirectional;
  const first = both ? layer.forwardLayer : layer;
  const [{ value, mask }, ...states] = inputs as [WrittenValue, ...WrittenValue[]];
  const sequence: Sequence = {
    x: graph.add('Transpose', `${name}/steps`, [value], SWAP),
    mask: mask && graph.add('Transpose', `${name}/mask`, [mask], SWAP),
    initial: states.map(state => state.value),
  };
  const count = both && layer.mergeMode === null ? 2 : 1;
  const outputs = both
    ? writeDirections(context, layer, name, sequence, isRead)
    : writeCells(context, layer, name, sequence, isRead);
  const finished = (y: string): WrittenValue => {
    if (!layer.returnSequences || y === '') return { value: y, mask: null };
    // The operators return outputs in time order, the layers in processing order
    const ends = [-1, BEFORE_FIRST, 0, -1];
    const ordered = first.goBackwards
      ? graph.add('Slice', `${name}/reversed`, [y, ...ends.map(n => graph.ints([n]))])
      : y;
    return { value: graph.add('Transpose', `${name}/samples`, [ordered], SWAP), mask };
  };
  return [
    ...outputs.slice(0, count).map(finished),
    ...outputs.slice(count).map((state): WrittenValue => ({ value: state, mask: null })),
  ];
}

/**
 * Converts the cells of a layer.
 *
 * @returns the output, [T, B, U] in the order of time or [B, U], and the final states; '' for those that nothing reads
 */
function writeCells(
  context: WriteContext,
  layer: Recurrent,
  name: string,
  { x, mask, initial }: Sequence,
  isRead: readonly boolean[],
): string[] {
  const weights = weightsOf(context, layer);
  let value = x;
  let firstState = 0;
  const states: string[] = [];
  for (const [n, cell] of layer.cells.entries()) {
    const top = n === layer.cells.length - 1;
    const part = layer.cells.length === 1 ? '' : `_${n}`;
    const place = { layer, which: `cell ${n}`, base: `${layer.name}${part}`, name: `${name}${part}` };
    const own = initial.slice(firstState, firstState + cell.states.length);
    const run = runCell(context, layer, place, cell, weights[n]!, value, mask, own);
    for (const k of cell.states.keys()) states.push(isRead[1 + firstState + k] ? run.state(k) : '');
    firstState += cell.states.length;
    if (!top) value = run.sequence();
    else if (!isRead[0]) value = '';
    else value = layer.returnSequences ? run.sequence() : run.state(0);
  }
  return [value, ...states];
}

/** Converts a cell of a layer. */
function runCell(
  context: WriteContext,
  layer: Recurrent,
  place: Place,
  cell: Cell,
  weights: Float32Array[],
  x: string,
  mask: string | null,
  initial: readonly string[],
): Outputs {
  if (cell instanceof MinRNNCell) {
    const product = context.weights(layer, place.which, () => minimalWeights(context, place.base, cell, weights));
    const steps = { name: place.name, cell, directions: 1, reverse: layer.goBackwards };
    return runMinimal(context, steps, product, x, mask, initial);
  }
  const direction = layer.goBackwards ? 'reverse' : 'forward';
  const recurrentNode = createNode(context, layer, place, [cell], [weights], direction);
  if (mask) return runMasked(context, recurrentNode, x, mask, initial);
  return runPlain(context, recurrentNode, x, initial);
}

const mergeOps = { concat: 'Concat', sum: 'Add', ave: 'Add', mul: 'Mul' } as const;

/** Converts both directions: the outputs as in `Bidirectional`, before their steps are swapped. */
function writeDirections(
  context: WriteContext,
  layer: Bidirectional,
  name: string,
  sequence: Sequence,
  isRead: readonly boolean[],
): string[] {
  const { graph } = context;
  const { mergeMode, forwardLayer, backwardLayer } = layer;
  const outputs = mergeMode === null ? 2 : 1;
  const { mask, initial } = sequence;
  const single = forwardLayer.cells.length === 1 && !forwardLayer.goBackwards && layer.isSymmetric;
  const hasOperator = !(forwardLayer.cells[0] instanceof MinRNNCell);
  if (
    single &&
    hasOperator &&
    mergeMode !== null &&
    !mask &&
    initial.length === 0 &&
    !isRead.slice(outputs).includes(true)
  ) {
    const y = writeBothAtOnce(context, layer, mergeMode, name, sequence.x);
    return [y, ...isRead.slice(outputs).map(() => '')];
  }
  const further = name.slice(layer.name.length);
  const split = forwardLayer.states.length;
  const halves = [forwardLayer, backwardLayer].map((half, n) => {
    const own = <T>(states: readonly T[]) => (n === 0 ? states.slice(0, split) : states.slice(split));
    return writeCells(context, half, `${half.name}${further}`, { ...sequence, initial: own(initial) }, [
      isRead[mergeMode === null ? n : 0]!,
      ...own(isRead.slice(outputs)),
    ]);
  });
  const ys = halves.map(([y]) => y!);
  const states = halves.flatMap(([, ...own]) => own);
  if (mergeMode === null) return [...ys, ...states];
  if (!isRead[0]) return ['', ...states];
  const merged = graph.add(mergeOps[mergeMode], name, ys, mergeMode === 'concat' ? { axis: { i: -1 } } : {});
  const y = mergeMode === 'ave' ? graph.add('Mul', `${name}/half`, [merged, graph.number(0.5)]) : merged;
  return [y, ...states];
}

/** Converts both directions, of one cell each, with a single node. */
function writeBothAtOnce(
  context: WriteContext,
  layer: Bidirectional,
  mergeMode: MergeMode,
  name: string,
  x: string,
): string {
  const { graph } = context;
  const { forwardLayer, backwardLayer } = layer;
  const halves = [forwardLayer, backwardLayer];
  const cells = halves.map(half => half.cells[0]!);
  const weights = halves.map(half => weightsOf(context, half)[0]!);
  const place = { layer, which: 'both', base: layer.name, name };
  const recurrentNode = createNode(context, layer, place, cells, weights, 'bidirectional');
  const [y, h] = runNode(context, recurrentNode, x, []);
  const [value, axis] = layer.returnSequences ? [y!, 1] : [h!, 0];
  if (mergeMode === 'sum') return graph.add('ReduceSum', `${name}/sum`, [value, graph.ints([axis])], { keepdims: NO });
  if (mergeMode !== 'concat') {
    const op = mergeMode === 'ave' ? 'ReduceMean' : 'ReduceProd';
    return graph.add(op, `${name}/${mergeMode}`, [value], { axes: { ints: [axis] }, keepdims: NO });
  }
  const perm = { perm: { ints: layer.returnSequences ? [0, 2, 1, 3] : [1, 0, 2] } };
  const sideBySide = graph.add('Transpose', `${name}/side_by_side`, [value], perm);
  return graph.add('Reshape', `${name}/joined`, [sideBySide, graph.ints(layer.returnSequences ? [0, 0, -1] : [0, -1])]);
}

const NO = { i: 0 };

// ------------------------------------------------------------------------------------------------------ one operator

/** A recurrent node that has not been added to a graph. */
interface RecurrentNode extends Steps {
  readonly op: RecurrentOp;
  /** W, R and B; '' without biases. */
  readonly tensors: readonly string[];
  /** P; '' without peepholes. */
  readonly peepholes: string;
  readonly attributes: Attributes;
}

/** The weights of each cell of a layer. */
function weightsOf({ call }: WriteContext, layer: Recurrent): Float32Array[][] {
  const all = layer.readWeights(call).map(tensor => tensor.dataSync());
  return layer.cells.map(cell => all.splice(0, cell.weightCount));
}

/** What a node is named, and the names of its weights. */
interface Place {
  readonly layer: Layer;
  /** Identifies the weights among those of the layer. */
  readonly which: string;
  /** The names of the weights begin with it. */
  readonly base: string;
  readonly name: string;
}

function createNode(
  context: WriteContext,
  owner: Layer,
  { layer, which, base, name }: Place,
  cells: readonly Cell[],
  weights: readonly Float32Array[][],
  direction: 'forward' | 'reverse' | 'bidirectional',
): RecurrentNode {
  const { call, graph } = context;
  const cell = cells[0]!;
  const op = cell instanceof LSTMCell ? 'LSTM' : cell instanceof GRUCell ? 'GRU' : 'RNN';
  const { units, useBias } = cell;
  const hasPeepholes = checkVariant(call, owner, cell);
  const columns = gateOrders[op].length * units;
  const inputs = weights[0]![0]!.length / columns;
  const tensor = (what: string, dims: number[], values: Float32Array[]) =>
    graph.floats(`${base}/${what}`, [values.length, ...dims], concatenated(values));
  const named = context.weights(layer, which, () => [
    tensor(
      'W',
      [columns, inputs],
      weights.map(([kernel]) => kernelToOnnx(op, kernel!, inputs, units)),
    ),
    tensor(
      'R',
      [columns, units],
      weights.map(([, kernel]) => kernelToOnnx(op, kernel!, units, units)),
    ),
    useBias
      ? tensor(
          'B',
          [2 * columns],
          weights.map(([, , bias]) => biasToOnnx(op, bias!, units)),
        )
      : '',
    hasPeepholes
      ? tensor(
          'P',
          [3 * units],
          weights.map(own => peepholesToOnnx(own.slice(useBias ? 3 : 2))),
        )
      : '',
  ]);
  const functions = activationsOf(cell).map(({ what, activation }) => {
    const known = cellActivations[activation];
    if (known) return known;
    const names = Object.keys(cellActivations).map(show).join(', ');
    return fail(
      call,
      `${what} of '${owner.name}' must be supported by ${op} nodes of ONNX (${names}), got '${activation}'`,
    );
  });
  const all = cells.flatMap(() => functions);
  const numbers = (key: 'alpha' | 'beta') => all.flatMap(known => known[key] ?? []);
  return {
    op,
    name,
    cell,
    directions: cells.length,
    reverse: direction === 'reverse',
    tensors: named.slice(0, 3),
    peepholes: named[3]!,
    attributes: {
      hidden_size: { i: units },
      direction: { s: direction },
      activations: { strings: all.map((known: CellActivation) => known.op) },
      ...(numbers('alpha').length > 0 && { activation_alpha: { floats: numbers('alpha') } }),
      ...(numbers('beta').length > 0 && { activation_beta: { floats: numbers('beta') } }),
      ...(cell instanceof GRUCell && { linear_before_reset: { i: Number(cell.resetAfter) } }),
    },
  };
}

/** The inputs of a node: the sequence, the weights, and the initial states. */
function inputsOf({ tensors, peepholes }: RecurrentNode, x: string, states: readonly string[]): string[] {
  const inputs = [x, ...tensors, '', ...states];
  while (peepholes && inputs.length < 7) inputs.push('');
  if (peepholes) inputs.push(peepholes);
  while (inputs.at(-1) === '') inputs.pop();
  return inputs;
}

function concatenated(parts: readonly Float32Array[]): Float32Array {
  const [first] = parts;
  const result = new Float32Array(parts.length * first!.length);
  for (const [n, part] of parts.entries()) result.set(part, n * first!.length);
  return result;
}

function runPlain(context: WriteContext, recurrentNode: RecurrentNode, x: string, initial: readonly string[]): Outputs {
  const { graph } = context;
  const { name, cell } = recurrentNode;
  const [y, ...after] = runNode(context, recurrentNode, x, initial);
  const squeezed: string[] = [];
  return {
    sequence: () => graph.add('Squeeze', `${name}/sequence`, [y!, graph.ints([1])]),
    state: n => {
      const what = n === 0 ? 'last' : `last_${cell.states[n]!.name}`;
      squeezed[n] ??= graph.add('Squeeze', `${name}/${what}`, [after[n]!, graph.ints([0])]);
      return squeezed[n];
    },
  };
}

/**
 * Adds the node.
 *
 * @param initial states [B, U]; empty for zeros or, with states, inputs of the graph
 * @returns [T, directions, B, U] and the final states [directions, B, U]
 */
function runNode(context: WriteContext, recurrentNode: RecurrentNode, x: string, initial: readonly string[]): string[] {
  const { graph } = context;
  const { name, cell } = recurrentNode;
  const carries = carriesStates(context, initial);
  const states = carries
    ? cell.states.map(state => stateInput(context, recurrentNode, state.name))
    : initial.map((value, n) =>
        graph.add('Unsqueeze', `${name}/${cell.states[n]!.name}_first`, [value, graph.ints([0])]),
      );
  const inputs = inputsOf(recurrentNode, x, states);
  const results = graph.addMany(recurrentNode.op, name, inputs, 1 + cell.states.length, recurrentNode.attributes);
  if (!carries) return results;
  const [y, ...after] = results;
  return [y!, ...cell.states.map((state, n) => stateOutput(context, recurrentNode, state.name, after[n]!))];
}

// ------------------------------------------------------------------------------------------------- masked time steps

/**
 * Masked steps keep states and output. The operators do not support masks, so a Scan runs the operator step by step and
 * selects the new or the previous states.
 */
function runMasked(
  context: WriteContext,
  recurrentNode: RecurrentNode,
  x: string,
  mask: string,
  initial: readonly string[],
): Outputs {
  const { name, cell } = recurrentNode;
  const names = cell.states.map(state => state.name);
  const loop = startLoop(context, recurrentNode, true);
  const { body, before, step, counts } = loop;
  const whole = (value: string) => body.add('Unsqueeze', `${value}/whole`, [value, body.ints([0])]);
  const inputs = inputsOf(recurrentNode, whole(step), before.map(whole));
  const [, ...after] = body.addMany(recurrentNode.op, `${name}/cell`, inputs, 1 + names.length, {
    ...recurrentNode.attributes,
    direction: { s: 'forward' },
  });
  const kept = after.map((value, n) => {
    const plain = body.add('Squeeze', `${value}/plain`, [value, body.ints([0])]);
    return body.add('Where', `${name}/${names[n]}_after`, [counts!, plain, before[n]!]);
  });
  return runLoop(context, recurrentNode, { ...loop, kept }, x, mask, initial);
}
