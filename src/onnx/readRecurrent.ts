/** Converts LSTM, GRU and RNN nodes to recurrent layers. */

import type { ActivationName } from '../layers/activations.ts';
import { type CellActivation, cellActivations, cellDefaults } from './activations.ts';
import { biasFromOnnx, gateOrders, kernelFromOnnx, peepholesFromOnnx, type RecurrentOp } from './gates.ts';
import { asSequence, withAxes } from './insertedLayers.ts';
import { callMasks } from './masks.ts';
import type { NodeReader } from './nodeReader.ts';
import type { Size } from './sizes.ts';
import { quote } from './text.ts';
import { checkLengths } from './timeSteps.ts';
import {
  type Axis,
  type Chain,
  type Floats,
  type LayerSpec,
  lastOf,
  layerOutputOf,
  type Mask,
  nameOf,
  onlyNumber,
  type Value,
} from './values.ts';

const factories = { LSTM: 'lstm', GRU: 'gru', RNN: 'simpleRNN' } as const;

/** The default activations of ONNX. */
const defaultActivations = { LSTM: ['Sigmoid', 'Tanh', 'Tanh'], GRU: ['Sigmoid', 'Tanh'], RNN: ['Tanh'] } as const;

const inputNames: readonly string[] = ['X', 'W', 'R', 'B', 'sequence_lens', 'initial_h', 'initial_c', 'P'];

/**
 * @param mask the time steps that count; null if all do
 * @returns the outputs of the node: Y, Y_h and, for LSTM, Y_c
 */
export function readRecurrent(node: NodeReader, op: RecurrentOp, mask: Mask | null = null): Value[] {
  const layout = node.int('layout', 0);
  const wanted: Axis[] = layout === 1 ? ['batch', 'time', 'width'] : ['time', 'batch', 'width'];
  const x = withAxes(node, asSequence(node, node.layerInput(0)), wanted);
  if (x.axes.join() !== wanted.join()) node.rejectAxes(x, wanted);
  const { chain } = x.parts[0]!;
  const inputs = node.widthOf(chain);
  const masks = callMasks(node, [chain], [mask]);
  const direction = node.string('direction', 'forward');
  if (!['forward', 'reverse', 'bidirectional'].includes(direction)) {
    node.fail(`direction must be 'forward', 'reverse' or 'bidirectional', got ${quote(direction)}`);
  }
  const both = direction === 'bidirectional';
  const directions = both ? 2 : 1;
  const p = readPeepholes(node, op);
  rejectUnsupported(node, chain.steps!);
  const initial = initialStates(node, op, directions);

  const w = node.floats(1);
  const r = node.floats(2);
  const b = node.has(3) ? node.floats(3) : null;
  const units = r.dims[2] ?? 0;
  const rows = gateOrders[op].length * units;
  node.expectShape('R', r, [directions, rows, units]);
  node.expectShape('W', w, [directions, rows, inputs]);
  if (b) node.expectShape('B', b, [directions, 2 * rows]);
  if (p) node.expectShape('P', p, [directions, 3 * units]);
  if (units === 0 || inputs === 0) node.fail('must have at least one unit and one input, got none');
  if (node.int('hidden_size', units) !== units) {
    node.fail(`hidden_size must be ${units}, as in R, got ${node.int('hidden_size', units)}`);
  }

  const resetAfter = op === 'GRU' && node.int('linear_before_reset', 0) !== 0;
  const part = ({ values }: Floats, n: number) =>
    values.subarray((n * values.length) / directions).subarray(0, values.length / directions);
  const columns = rows;
  const weights = Array.from({ length: directions }, (_, n) => {
    const kernel = { dims: [inputs, columns], values: kernelFromOnnx(op, part(w, n), inputs, units) };
    const recurrent = { dims: [units, columns], values: kernelFromOnnx(op, part(r, n), units, units) };
    const bias = b && biasFromOnnx(op, part(b, n), units, resetAfter ? 2 : 1);
    const peepholes = p ? peepholesFromOnnx(part(p, n), units) : [];
    return [
      ...[kernel, recurrent],
      ...(bias ? [{ dims: resetAfter ? [2, columns] : [columns], values: bias }] : []),
      ...peepholes.map(values => ({ dims: [units], values })),
    ];
  });
  for (const floats of [w, r, ...(b ? [b] : []), ...(p ? [p] : [])]) node.spend(floats.values.length);

  const reverse = direction === 'reverse';
  const options = {
    units,
    useBias: b !== null,
    ...(p && { usePeepholes: true }),
    ...activations(node, op, directions),
    ...(op === 'GRU' && { resetAfter }),
    returnSequences: true,
    goBackwards: reverse !== chain.flipped,
  };
  const common = {
    name: node.name,
    weights,
    kind: 'steps',
    sources: [w, r, b, ...(p ? [p] : [])],
    ...(initial && { initial }),
    ...(masks && { masks }),
  } as const;
  const spec: LayerSpec = both
    ? { ...common, factory: 'bidirectional', options: { layer: factories[op], inner: options } }
    : { ...common, factory: factories[op], options };
  const end = { width: units, steps: null, flipped: false, mask: null };
  const stack = mask && chain.flipped ? onCells(node, chain, spec, mask) : null;
  const { below, layer } = stack ?? { below: chain, layer: spec };
  const last = node.addLayer(below, lastOf(layer), end);
  const sequence = node.addLayer(below, layer, { width: units, flipped: reverse, last, mask });
  const cell = node.addLayer(below, { ...lastOf(layer), isCellState: true }, end);
  const stateAxes: Axis[] = layout === 1 ? ['batch', 'direction', 'width'] : ['direction', 'batch', 'width'];
  const made: [typeof last, Axis[]][] = [
    [sequence, layout === 1 ? ['batch', 'time', 'direction', 'width'] : ['time', 'direction', 'batch', 'width']],
    [last, stateAxes],
    ...(node.source.branches && !stack ? [[cell, stateAxes] as [typeof last, Axis[]]] : []),
  ];
  const outputs = made.map(([chain, axes]): Value => {
    const output = layerOutputOf(chain, axes);
    if (!both) return output;
    return { ...output, parts: [0, 1].map(half => ({ chain, half: half as 0 | 1 })) };
  });
  const noCell: Value = {
    kind: 'unknown',
    why: node.why('must not have its cell state read, as one of several cells'),
  };
  if (node.source.branches) return stack ? [...outputs, noCell] : outputs;
  return [...outputs, { kind: 'state', what: `the cell state of ${quote(node.name)}`, given: false }];
}

/**
 * A cell on top of others that run backwards, as one layer: their outputs are in reverse order, but the mask of another
 * layer would keep its order.
 */
function onCells(node: NodeReader, chain: Chain, top: LayerSpec, mask: Mask): { below: Chain; layer: LayerSpec } {
  const { spec, below } = chain;
  const isCell = spec?.kind === 'steps' && [...Object.values<string>(factories), 'rnn'].includes(spec.factory);
  const isBackwards = spec?.options.goBackwards && !top.options.goBackwards && !below?.flipped;
  if (!below || !isCell || !isBackwards || chain.mask?.key !== mask.key || !spec.initial !== !top.initial) {
    return node.fail('must not have a mask of steps that the layer below outputs in reverse order');
  }
  const cellOf = ({ factory, options: { returnSequences, goBackwards, ...options } }: LayerSpec) => ({
    factory,
    options,
  });
  const cells = [...((spec.options.cells as object[] | undefined) ?? [cellOf(spec)]), cellOf(top)];
  const layer: LayerSpec = {
    ...spec,
    factory: 'rnn',
    options: { cells, returnSequences: true, goBackwards: true },
    weights: [[...spec.weights.flat(), ...top.weights.flat()]],
    sources: [...spec.sources!, ...top.sources!],
    ...(top.initial && { initial: [...spec.initial!, ...top.initial] }),
  };
  return { below, layer };
}

/** Rejects features that the layers of this package do not have. */
export function rejectUnsupported(node: NodeReader, steps: Size): void {
  if (node.attributes.has('clip')) node.fail('must not have the attribute clip, which is not supported');
  if (node.int('input_forget', 0) !== 0) node.fail('input_forget must be 0, got another value');
  if (node.has(4)) checkLengths(node, 4, steps);
  for (const index of [5, 6]) {
    if (!node.has(index)) continue;
    const value = node.value(index);
    if (value.kind === 'unknown') node.fail(value.why);
    if (value.kind === 'layerOutput' && node.source.branches) continue;
    if (onlyNumber(value) === 0 || (value.kind === 'state' && value.given)) continue;
    node.fail(`${inputNames[index]} must be zero or an input of the graph, got ${nameOf(value)}`);
  }
}

/** The peepholes of an LSTM; null if it has none, or only zeros. */
function readPeepholes(node: NodeReader, op: RecurrentOp): Floats | null {
  const index = inputNames.indexOf('P');
  if (op !== 'LSTM' || !node.has(index) || onlyNumber(node.value(index)) === 0) return null;
  return node.floats(index);
}

/** The initial states that other layers give, in the order of the layer; null if there are none. */
export function initialStates(node: NodeReader, op: RecurrentOp, directions: number): Chain[] | null {
  const count = op === 'LSTM' ? 2 : 1;
  const given = Array.from({ length: count }, (_, n) => (node.has(5 + n) ? node.value(5 + n) : null));
  if (!given.some(value => value?.kind === 'layerOutput')) return null;
  const states = given.map((value, n) => {
    const what = inputNames[5 + n]!;
    if (value?.kind !== 'layerOutput') {
      return node.fail(
        `${what} must be the output of a layer, like the other state, got ${value ? nameOf(value) : 'none'}`,
      );
    }
    const axes = value.axes.filter(axis => axis !== 'one' && axis !== 'direction').join();
    if (axes !== 'batch,width' || value.parts.length !== directions) {
      node.fail(`${what} must be [${directions}, batch, units], got [${value.axes.join(', ')}]`);
    }
    return value.parts.map(part => node.withLayers({ ...value, parts: [part] }).parts[0]!.chain);
  });
  return Array.from({ length: directions }, (_, direction) => states.map(state => state[direction]!)).flat();
}

/** The activations of a node as options of a layer. */
function activations(node: NodeReader, op: RecurrentOp, directions: number) {
  const standard = defaultActivations[op];
  const count = standard.length;
  const given = node.strings('activations');
  const names = given.length > 0 ? given : Array.from({ length: directions }, () => standard).flat();
  if (names.length !== count * directions) {
    node.fail(`activations must be ${count * directions} names, got ${names.length}`);
  }
  const alphas = [...node.numbers('activation_alpha')];
  const betas = [...node.numbers('activation_beta')];
  const found = names.map((name): ActivationName => {
    const otherwise = Object.hasOwn(cellDefaults, name) ? cellDefaults[name]! : {};
    const alpha = otherwise.alpha === undefined ? undefined : (alphas.shift() ?? otherwise.alpha);
    const beta = otherwise.beta === undefined ? undefined : (betas.shift() ?? otherwise.beta);
    const same = (a?: number, b?: number) =>
      a === b || (a !== undefined && b !== undefined && Math.fround(a) === Math.fround(b));
    const entry = Object.entries(cellActivations).find(([, known]: [string, CellActivation]) => {
      return known.op === name && same(known.alpha, alpha) && same(known.beta, beta);
    });
    if (entry) return entry[0] as ActivationName;
    const numbers = [alpha, beta].filter(n => n !== undefined).join(', ');
    const known = Object.values(cellActivations).map(activation => activation.op);
    return node.fail(
      `activations must be some of ${known.join(', ')}, with supported parameters, got ${quote(name)} ${numbers}`.trim(),
    );
  });
  const [gates, activation] = count === 1 ? [null, found[0]!] : [found[0]!, found[1]!];
  const all = Array.from({ length: directions }, () =>
    [gates ?? activation, activation, activation].slice(0, count),
  ).flat();
  if (all.join() !== found.join()) {
    node.fail(`activations must be the same in both directions, and of candidate and output, got ${found.join(', ')}`);
  }
  return { activation, ...(gates && { recurrentActivation: gates }) };
}
