/** The layers of `lstm-wasm/predict`. A program imports those of its model. */

import { numberOf, resolveActivation } from '../layers/activations.ts';
import { planDense } from '../layers/planDense.ts';
import {
  type Fields,
  maskFields,
  type Offset,
  offsetBy,
  type Planner,
  padded,
  parameterFields,
  type Rows,
  reverseSteps,
  rowBytes,
  rowFields,
  type Signal,
  wholeLines,
} from '../plan/planner.ts';
import { failAt, readCount, within } from '../saving/config/filePath.ts';
import { show } from '../util/errors.ts';
import { FLOAT } from '../util/memorySizes.ts';
import { forward } from './binaries.generated.ts';
import type { FileLayer, LayerKind, LayerMemory } from './fileLayer.ts';

/** Input features that an lstm multiplies before the loop over time if there are more; see src/layers/recurrent/lstm.ts. */
const WIDE = 8;

/** Fully connected: y = activation(x W + b). */
export const dense: LayerKind = {
  className: 'Dense',
  read(layer) {
    const units = readCount(within(layer.location, 'units'), layer.config.units);
    const useBias = layer.flag('use_bias', true);
    const kernel = layer.weight('kernel', shape => shape.length === 2 && shape[1] === units, `[inputs, ${units}]`);
    const [inputs] = kernel.shape as [number];
    const bias = useBias ? [layer.weight('bias', shape => isShape(shape, [units]), `[${units}]`)] : [];
    const activation = activationOf(layer, 'activation');
    return {
      inputs,
      units,
      isRecurrent: false,
      keepsSteps: true,
      stateWidths: [],
      looksAhead: false,
      stateful: false,
      matrices: [kernel, ...bias],
      parameterCount: wholeLines((1 + inputs) * padded(units)),
      pack: (kernels, packed, [w, b]) => kernels.packDenseWeights(packed, w!, b ?? 0, inputs, units),
      plan(planner, input, { parameters }) {
        const call = { name: layer.name, offsets: { parameters, states: 0 }, lossActivation: null };
        return planDense(planner, input, call, units, useBias, activation);
      },
    };
  },
};

/** Long short-term memory, without peepholes, projection and layer normalization. */
export const lstm: LayerKind = {
  className: 'LSTM',
  read(layer) {
    for (const name of ['use_peepholes', 'projection_units', 'layer_normalization']) {
      const value = layer.config[name];
      if (value)
        failAt(within(layer.location, name), `needs the full package: import from 'lstm-wasm', got ${show(value)}`);
    }
    const cell = recurrentCell(layer, 4, units => [4 * units]);
    const { inputs, units } = cell;
    const H = padded(units);
    return {
      ...cell,
      stateWidths: [units, units],
      parameterCount: (H / 4) * (1 + H + inputs) * 16,
      pack: (kernels, packed, [w, r, b]) => kernels.packLstmWeights(packed, w!, r!, b ?? 0, inputs, units),
      plan(planner, input, offsets) {
        const x = cell.goBackwards ? reverseSteps(input).y : input.y;
        const { batch } = planner;
        const wide = inputs > WIDE;
        const gatesGroup = rowBytes(batch * 16);
        const hx = planner.rows('hx', x.steps + 1, wide ? H : H + inputs);
        const call: Fields<'lstm'> = {
          ...zeros('lstm'),
          ...cell.fields(planner, x, offsets),
          hx: hx.start,
          hxRow: hx.row,
          part: batch,
          gates: planner.floats('gates', x.steps, H / 4, gatesGroup / FLOAT),
          gatesGroup,
          gatesPart: (H / 4) * gatesGroup,
          cPart: batch * H * FLOAT,
          c: planner.floats('c', x.steps + 1, H / 4, batch, 4),
          tanhC: planner.floats('tanhC', x.steps, H / 4, batch, 4),
          stateC: offsets.states === null ? 0 : statesAt(offsets.states + batch * H * FLOAT),
          wide: Number(wide),
        };
        planner.calls.push({ kind: 'lstm', fields: call });
        return cell.output(hx, x.steps);
      },
    };
  },
};

/** Gated recurrent unit. */
export const gru: LayerKind = {
  className: 'GRU',
  read(layer) {
    const resetAfter = layer.flag('reset_after', true);
    const cell = recurrentCell(layer, 3, units => (resetAfter ? [2, 3 * units] : [3 * units]));
    const { inputs, units } = cell;
    const H = padded(units);
    return {
      ...cell,
      stateWidths: [units],
      parameterCount: wholeLines((H / 4) * (2 + H + inputs) * 12),
      pack: (kernels, packed, [w, r, b]) =>
        kernels.packGruWeights(packed, w!, r!, b ?? 0, inputs, units, Number(resetAfter)),
      plan(planner, input, offsets) {
        const x = cell.goBackwards ? reverseSteps(input).y : input.y;
        const gatesGroup = rowBytes(planner.batch * GRU_GATES);
        const h = planner.rows('h', x.steps + 1, units);
        const call: Fields<'gru'> = {
          ...zeros('gru'),
          ...cell.fields(planner, x, offsets),
          h: h.start,
          hRow: h.row,
          gates: planner.floats('gates', x.steps, H / 4, gatesGroup / FLOAT),
          gatesGroup,
          resetAfter: Number(resetAfter),
        };
        planner.calls.push({ kind: 'gru', fields: call });
        return cell.output(h, x.steps);
      },
    };
  },
};

/** What lstm and gru have in common. */
function recurrentCell(layer: FileLayer, gates: number, biasShape: (units: number) => number[]) {
  const { config, location } = layer;
  for (const name of ['return_state', 'time_major']) {
    if (config[name]) failAt(within(location, name), `must be false, got ${show(config[name])}`);
  }
  const units = readCount(within(location, 'units'), config.units);
  const columns = gates * units;
  const useBias = layer.flag('use_bias', true);
  const kernel = layer.weight('kernel', shape => shape.length === 2 && shape[1] === columns, `[inputs, ${columns}]`);
  const recurrent = [units, columns];
  const bias = biasShape(units);
  const matrices = [
    kernel,
    layer.weight('recurrent_kernel', shape => isShape(shape, recurrent), `[${recurrent.join(', ')}]`),
    ...(useBias ? [layer.weight('bias', shape => isShape(shape, bias), `[${bias.join(', ')}]`)] : []),
  ];
  const [inputs] = kernel.shape as [number];
  const returnsSteps = layer.flag('return_sequences', false);
  const goBackwards = layer.flag('go_backwards', false);
  const activation = numberOf(activationOf(layer, 'activation'));
  const recurrentActivation = numberOf(activationOf(layer, 'recurrent_activation'));
  return {
    inputs,
    units,
    isRecurrent: true,
    keepsSteps: returnsSteps,
    looksAhead: goBackwards,
    goBackwards,
    stateful: layer.flag('stateful', false),
    matrices,
    fields: (planner: Planner, x: Rows, { parameters, states }: LayerMemory) => ({
      batch: planner.batch,
      steps: x.steps,
      inputs: x.width,
      units,
      ...rowFields('x', x),
      ...parameterFields(planner, parameters),
      stateH: states === null ? 0 : statesAt(states),
      sequences: Number(returnsSteps),
      useBias: Number(useBias),
      ...maskFields(null),
      activation,
      recurrentActivation,
    }),
    output: (h: Rows, steps: number): Signal => {
      const start = offsetBy(h.start, (returnsSteps ? 1 : steps) * h.step); // slot t + 1 holds step t
      return { y: { ...h, start, steps: returnsSteps ? steps : 1, width: units }, dy: null, mask: null };
    },
  };
}

/** The number of floats of the gates of a GRU for a row and a group of four units. */
const GRU_GATES = 16;

const statesAt = (offset: number): Offset => ({ block: 'states', offset });

const zeros = <K extends 'lstm' | 'gru'>(kind: K) =>
  Object.fromEntries(forward.structures[kind]!.map(name => [name, 0])) as Fields<K>;

const isShape = (shape: readonly number[], expected: readonly number[]): boolean =>
  shape.length === expected.length && shape.every((size, axis) => size === expected[axis]);

const activationOf = ({ config, location: { call, part } }: FileLayer, name: string) =>
  resolveActivation(call, `${part}.${name}`, config[name] ?? 'linear');
