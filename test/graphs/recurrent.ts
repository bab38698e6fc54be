/** Recurrent layers of random graphs in plain float64: one or several cells, one or both directions, with initial states. */

import { activations } from '../reference/activations.ts';
import { type Block, block } from '../reference/block.ts';
import { gruForward } from '../reference/gru.ts';
import { lstmForward } from '../reference/lstm.ts';
import { lstmVariantForward } from '../reference/lstmVariants.ts';
import { minRnnForward } from '../reference/minRnn.ts';
import type { Curve } from '../reference/recurrent.ts';
import { simpleRnnForward } from '../reference/simpleRnn.ts';
import type { CellSpec, LayerSpec, RecurrentSpec, Signal } from './spec.ts';

interface Sequence {
  /** [B, T, U], in the order of processing. */
  outputs: Float64Array;
  states: Float64Array[];
}

/** The forward functions read no slopes. */
const curveOf = (name: CellSpec['activation']): Curve => ({ of: activations[name].of, slope: () => Number.NaN });

/** All outputs of a layer: one or two sequences or vectors, then its final states. */
export function computeRecurrent(
  spec: LayerSpec & { kind: 'recurrent' | 'bidirectional' },
  weights: readonly Block[],
  { values: x, mask }: Signal,
  initial: readonly Block[],
): Signal[] {
  const [B, T] = x.shape as [number, number];
  if (spec.kind === 'recurrent') {
    const { outputs, states } = run(spec, weights, x, mask, initial);
    return [read(spec, outputs, B, T, mask), ...(spec.returnState ? states.map(state => vector(state, B)) : [])];
  }
  const { layer, mergeMode } = spec;
  const [weightCount, stateCount] = [weights.length / 2, initial.length / 2];
  const half = (n: 0 | 1, goBackwards: boolean) =>
    run(
      { ...layer, goBackwards },
      weights.slice(n * weightCount, (n + 1) * weightCount),
      x,
      mask,
      initial.slice(n * stateCount, (n + 1) * stateCount),
    );
  const [ahead, behind] = [half(0, layer.goBackwards), half(1, !layer.goBackwards)];
  const [a, last] = [ahead, behind].map(({ outputs }) => read(layer, outputs, B, T, mask)) as [Signal, Signal];
  // In the order of the other direction, and with its mask
  const b = layer.returnSequences ? { values: reversed(last.values), mask: a.mask } : last;
  const states = layer.returnState ? [...ahead.states, ...behind.states].map(state => vector(state, B)) : [];
  if (mergeMode === null) return [a, b, ...states];
  return [{ values: combined(mergeMode, a.values, b.values), mask: a.mask }, ...states];
}

const vector = (state: Float64Array, B: number): Signal => ({
  values: block([B, state.length / B], state),
  mask: null,
});

/** The outputs that a layer returns. The mask stays in the order of the input, as in Keras and TF.js. */
function read(spec: RecurrentSpec, outputs: Float64Array, B: number, T: number, mask: Signal['mask']): Signal {
  const U = spec.cells.at(-1)!.units;
  if (spec.returnSequences) return { values: block([B, T, U], outputs), mask };
  const last = Float64Array.from({ length: B * U }, (_, n) => outputs[(Math.floor(n / U) * T + T - 1) * U + (n % U)]!);
  return { values: block([B, U], last), mask: null };
}

/** Cell by cell: each cell reads the outputs of the one below, and all skip the same steps. */
function run(
  { cells, goBackwards }: RecurrentSpec,
  weights: readonly Block[],
  { shape, data }: Block,
  mask: Signal['mask'],
  initial: readonly Block[],
): Sequence {
  const [B, T] = shape as [number, number];
  const processed = (values: ArrayLike<number>, width: number) =>
    goBackwards ? reversed(block([B, T, width], values)).data : Float64Array.from(values);
  let outputs = processed(data, shape[2]!);
  const own = mask ? { mask: processed(mask, 1) } : {};
  const states: Float64Array[] = [];
  let [width, w, s] = [shape[2]!, 0, 0];
  for (const { kind, units: U, activation, recurrentActivation, useBias, resetAfter } of cells) {
    const minimal = kind === 'minGRU' || kind === 'minLSTM';
    const hasPeepholes = kind === 'lstm' && resetAfter;
    const kernels = minimal ? 1 : 2;
    const count = kernels + Number(useBias) + (hasPeepholes ? 3 : 0);
    const parts = weights.slice(w, w + count).map(each => each.data);
    const [kernel, recurrentKernel] = parts as [Float64Array, Float64Array];
    const bias = useBias ? parts[kernels]! : null;
    const inputs = { sizes: { B, T, D: width, U }, x: outputs, kernel, recurrentKernel, bias, ...own };
    const [h0, c0] = initial.slice(s).map(each => each.data) as [Float64Array?, Float64Array?];
    const started = { ...inputs, ...(h0 && { h0 }), activation: curveOf(activation) };
    const gate = { recurrentActivation: curveOf(recurrentActivation) };
    if (kind === 'lstm') {
      const all = { ...started, ...gate, ...(c0 && { c0 }) };
      const ofCell = { kernel, recurrentKernel, ...(bias && { bias }), peepholes: parts.slice(-3) };
      const result = hasPeepholes ? lstmVariantForward({ ...all, P: U, weights: ofCell }) : lstmForward(all);
      outputs = result.outputs;
      states.push(result.h, result.c);
    } else {
      const result = minimal
        ? minRnnForward(started)
        : kind === 'gru'
          ? gruForward({ ...started, ...gate, resetAfter })
          : simpleRnnForward(started);
      outputs = result.outputs;
      states.push(result.h);
    }
    width = U;
    w += count;
    s += kind === 'lstm' ? 2 : 1;
  }
  return { outputs, states };
}

/** [B, T, U] with the time steps in the opposite order. */
function reversed({ shape, data }: Block): Block {
  const [B, T, U] = shape as [number, number, number];
  const result = block(shape);
  for (let b = 0; b < B; b++) {
    for (let t = 0; t < T; t++) {
      const from = (b * T + T - 1 - t) * U;
      result.data.set(data.subarray(from, from + U), (b * T + t) * U);
    }
  }
  return result;
}

function combined(mode: 'concat' | 'sum' | 'ave' | 'mul', a: Block, b: Block): Block {
  const U = a.shape.at(-1)!;
  if (mode === 'concat') {
    const y = block([...a.shape.slice(0, -1), 2 * U]);
    for (let n = 0; n < a.data.length; n++) {
      const at = Math.floor(n / U) * 2 * U + (n % U);
      y.data[at] = a.data[n]!;
      y.data[at + U] = b.data[n]!;
    }
    return y;
  }
  const of = (p: number, q: number) => (mode === 'mul' ? p * q : (p + q) / (mode === 'ave' ? 2 : 1));
  return block(
    a.shape,
    a.data.map((value, n) => of(value, b.data[n]!)),
  );
}
