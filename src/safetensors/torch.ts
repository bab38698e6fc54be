/**
 * Weights with the names of a PyTorch `state_dict`: `torch.nn.LSTM`, `GRU`, `RNN`, `Linear`, `Conv1d`, `Embedding`,
 * `BatchNorm1d` and `LayerNorm`, and, for reading, `LSTMCell`, `GRUCell` and `RNNCell`. PyTorch has no minGRU and minLSTM;
 * their names are those of the `Linear` modules in the paper: `linear_z`, `linear_f`, `linear_i` and `linear_h`.
 *
 * PyTorch stores matrices transposed, [out, in]. Its LSTM has the gates i, f, g, o, which are i, f, c, o here; its GRU
 * has r, z, n, which are z, r, h here. It has two biases; here only a GRU has two. A single bias is written to `bias_ih`,
 * with zeros in `bias_hh`; when reading, both are added. The projection of an LSTM is `weight_hr`.
 */

import { Conv1D } from '../layers/conv1d.ts';
import { Dense } from '../layers/dense.ts';
import { Embedding } from '../layers/embedding.ts';
import { ExplicitMask } from '../layers/explicitMask.ts';
import type { Layer } from '../layers/index.ts';
import { Noise } from '../layers/noise.ts';
import { BatchNormalization, LayerNormalization } from '../layers/normalization.ts';
import { Bidirectional } from '../layers/recurrent/bidirectional.ts';
import type { Cell } from '../layers/recurrent/cell.ts';
import { GRUCell } from '../layers/recurrent/gru.ts';
import { LSTMCell } from '../layers/recurrent/lstm.ts';
import { MinRNNCell } from '../layers/recurrent/minRnn.ts';
import { Recurrent } from '../layers/recurrent/recurrent.ts';
import { SimpleRNNCell } from '../layers/recurrent/simpleRnn.ts';
import { TimeDistributed } from '../layers/recurrent/timeDistributed.ts';
import type { LayersModel } from '../model/layersModel.ts';
import { fail, show, suggest } from '../util/errors.ts';
import { isPlain } from '../util/options.ts';
import type { SafetensorsReader } from './format.ts';
import { quote } from './header.ts';
import { checkNoOthers, checkPresent, type TensorMapping, unchanged } from './tensorMapping.ts';

/** The layers of each PyTorch module: a layer name or a list of layer names, by module name. */
export type Modules = Readonly<Record<string, string | readonly string[]>>;

/** A module of PyTorch. */
interface Module {
  readonly name: string;
  /** In the order of the weights of the model. */
  readonly parts: readonly TensorMapping[];
}

/** The mappings, in the order of the weights of the model. */
export function torchMappings(call: string, model: LayersModel, modules: unknown): TensorMapping[] {
  return modulesOf(call, model, modules).flatMap(({ parts }) => parts);
}

/** The mappings, checked against the names and shapes of a file. */
export function findTorch(
  call: string,
  file: SafetensorsReader,
  model: LayersModel,
  modules: unknown,
  strict: boolean,
): TensorMapping[] {
  const all = modulesOf(call, model, modules, name => file.entries.has(name));
  const parts = all.flatMap(one => one.parts);
  const wanted = new Set(parts.flatMap(({ names }) => names));
  const used = new Set(all.map(({ name }) => name));
  // PyTorch counts the batches of a batch normalization, which changes nothing with a fixed momentum
  const isCounter = (name: string) =>
    /(^|\.)num_batches_tracked$/.test(name) && wanted.has(within(moduleOf(name), normalizationNames.movingMean!));
  for (const name of file.entries.keys()) {
    // Further tensors of a module that the model uses would change the result of the module
    if (wanted.has(name) || isCounter(name) || !used.has(moduleOf(name))) continue;
    if (/(^|\.)weight_hr_l\d+(_reverse)?$/.test(name)) {
      const rule = `header must have the module ${quote(moduleOf(name))} as in the model, without a projection`;
      fail(call, `${rule}, got ${quote(name)}; pass projectionUnits to layers.lstm`);
    }
    const rule = `header must have the module ${quote(moduleOf(name))} as in the model, without ${quote(name)}`;
    fail(call, `${rule}; pass the option modules if it has several layers`);
  }
  const present = [...new Set([...file.entries.keys()].map(moduleOf))];
  checkPresent(
    call,
    file,
    parts,
    `; the file has the modules ${show(present)}; assign layers to them with the option modules`,
  );
  if (strict) checkNoOthers(call, file, parts, isCounter);
  return parts;
}

/** The module of a parameter; '' if it has none. */
const moduleOf = (name: string): string => name.slice(0, Math.max(name.lastIndexOf('.'), 0));

const within = (module: string, parameter: string): string => (module === '' ? parameter : `${module}.${parameter}`);

// -------------------------------------------------------------------------------------------------- modules

/** Whether a file has a parameter; false when writing. */
type Has = (name: string) => boolean;

function modulesOf(call: string, model: LayersModel, modules: unknown, has: Has = () => false): Module[] {
  const layers = model.view.state.allLayers.filter(({ weightSpecs }) => weightSpecs.length > 0);
  const chosen = readModules(call, layers, modules);
  const made: Module[] = [];
  for (let n = 0; n < layers.length; ) {
    const layer = layers[n]!;
    const { name, members } = chosen.get(layer) ?? { name: layer.name, members: [layer] };
    if (members[0] !== layer) {
      fail(
        call,
        `modules.${quote(name)} must have its layers in the order of the model, got ${show(namesOf(members))}`,
      );
    }
    checkNeighbours(call, model, name, members);
    made.push({ name, parts: members.length > 1 ? stacked(call, name, members, has) : single(call, name, layer, has) });
    n += members.length;
  }
  const names = new Set<string>();
  for (const { name } of made) {
    if (names.has(name)) fail(call, `modules must have unique names, got ${quote(name)} twice`);
    names.add(name);
  }
  return made;
}

interface Choice {
  readonly name: string;
  readonly members: readonly Layer[];
}

/** Reads the option `modules`: the module of each layer that it lists. */
function readModules(call: string, layers: readonly Layer[], modules: unknown): Map<Layer, Choice> {
  const chosen = new Map<Layer, Choice>();
  if (modules === undefined) return chosen;
  if (!isPlain(modules)) {
    fail(call, `modules must be an object of layer names by module name, got ${show(modules)}`);
  }
  for (const [name, value] of Object.entries(modules)) {
    const part = `modules.${quote(name)}`;
    const list: unknown[] = Array.isArray(value) ? value : [value];
    if (list.length === 0) fail(call, `${part} must name at least one layer, got none`);
    const members = list.map(wanted => {
      if (typeof wanted !== 'string')
        fail(call, `${part} must be the name of a layer or a list of them, got ${show(wanted)}`);
      const found = layers.find(layer => layer.name === wanted);
      return found ?? fail(call, `${part}: unknown layer ${quote(wanted)}${suggest(wanted, namesOf(layers))}`);
    });
    for (const layer of members) {
      if (chosen.has(layer)) fail(call, `${part} must not repeat a layer, got ${quote(layer.name)} twice`);
      chosen.set(layer, { name, members });
    }
  }
  return chosen;
}

const namesOf = (layers: readonly Layer[]): string[] => layers.map(({ name }) => name);

/**
 * Checks that the layers of a module are consecutive, except for dropout, which PyTorch has inside a module, and that
 * each takes the output of the one before.
 */
function checkNeighbours(call: string, model: LayersModel, module: string, members: readonly Layer[]): void {
  const layers = model.view.state.allLayers.filter(layer => !(layer instanceof Noise));
  const first = layers.indexOf(members[0]!);
  const belowOf = layersBelow(call, model);
  for (const [n, layer] of members.entries()) {
    if (n === 0 || (layers[first + n] === layer && belowOf(layer) === members[n - 1])) continue;
    const rule = 'must have consecutive layers, with only dropout between them';
    fail(call, `modules.${quote(module)} ${rule}, got ${show(namesOf(members))}`);
  }
}

/** Finds the layer whose output a layer takes, below dropout and given masks; undefined for the input and for layers of several calls. */
function layersBelow(call: string, model: LayersModel): (layer: Layer) => Layer | undefined {
  const { calls } = model.view.graph(call).calls;
  const passes = (layer: Layer) => layer instanceof Noise || layer instanceof ExplicitMask;
  const made = new Map(calls.map(each => [each.firstOutput, each]));
  return layer => {
    const own = calls.filter(each => each.layer === layer);
    let below = own.length === 1 ? made.get(own[0]!.inputs[0]!) : undefined;
    while (below && passes(below.layer)) below = made.get(below.inputs[0]!);
    return below?.layer;
  };
}

function single(call: string, module: string, layer: Layer, has: Has): TensorMapping[] {
  const inner = layer instanceof TimeDistributed ? layer.layer : layer;
  if (inner instanceof Dense) {
    const [inputs, units] = inner.weightSpecs[0]!.shape as [number, number];
    const weight = within(module, 'weight');
    const parts = [matrix(weight, inputs, units, [0])];
    return inner.useBias ? [...parts, list(within(module, 'bias'), units)] : parts;
  }
  if (inner instanceof Conv1D) {
    const parts = [convolution(within(module, 'weight'), inner.weightSpecs[0]!.shape)];
    return inner.useBias ? [...parts, list(within(module, 'bias'), inner.filters)] : parts;
  }
  if (inner instanceof Embedding) return [unchanged(within(module, 'weight'), inner.weightSpecs[0]!.shape)];
  if (inner instanceof BatchNormalization || inner instanceof LayerNormalization) {
    if (inner.scale !== inner.center) {
      const got = inner.scale ? 'center: false' : 'scale: false';
      fail(
        call,
        `layer ${quote(inner.name)} must have both scale and center, or neither, to be converted to PyTorch, got ${got}`,
      );
    }
    return inner.weightSpecs.map(({ name, shape }) => unchanged(within(module, normalizationNames[name]!), shape));
  }
  if (inner instanceof Recurrent && inner.cells[0] instanceof MinRNNCell) {
    checkLayer(call, inner);
    return minimal(module, inner.cells[0], inner.inputShape.at(-1)!);
  }
  return stacked(call, module, [layer], has);
}

/** A `Linear` module for each gate of a minGRU or minLSTM. */
function minimal(module: string, { gates, units, useBias }: MinRNNCell, inputs: number): TensorMapping[] {
  const names = (what: string) =>
    [...(gates === 2 ? 'zh' : 'fih')].map(gate => within(module, `linear_${gate}.${what}`));
  const weight = perGate(names('weight'), inputs, units, [units, inputs]);
  return useBias ? [weight, perGate(names('bias'), 1, units, [units])] : [weight];
}

/** The names of PyTorch for the weights of normalization layers. */
const normalizationNames: Readonly<Record<string, string>> = {
  gamma: 'weight',
  beta: 'bias',
  movingMean: 'running_mean',
  movingVariance: 'running_var',
};

// ------------------------------------------------------------------------------------------------ recurrent layers

/** One layer of a recurrent module in one direction. */
interface CellDirection {
  readonly cell: Cell;
  readonly inputs: number;
  /** The suffix of its parameter names: _l0, _l0_reverse, _l1, ...; empty for a single cell. */
  readonly suffix: string;
}

/** The mappings of stacked layers that form one PyTorch module. */
function stacked(call: string, module: string, layers: readonly Layer[], has: Has): TensorMapping[] {
  const cellDirections: CellDirection[] = [];
  let level = 0;
  for (const layer of layers) {
    const recurrent = checkLayer(call, layer);
    let inputs = layer.inputShape.at(-1)!;
    for (const cell of recurrent.cells) {
      checkCell(call, layer, cell);
      cellDirections.push({ cell, inputs, suffix: `_l${level}` });
      if (layer instanceof Bidirectional) cellDirections.push({ cell, inputs, suffix: `_l${level}_reverse` });
      inputs = cell.outputUnits;
      level++;
    }
  }
  checkAlike(call, module, layers, cellDirections);
  const [first] = cellDirections as [CellDirection];
  if (cellDirections.length === 1 && has(within(module, 'weight_ih')) && !has(within(module, 'weight_ih_l0'))) {
    return mappingsOf(module, { ...first, suffix: '' });
  }
  return cellDirections.flatMap(cellDirection => mappingsOf(module, cellDirection));
}

/** Rejects layers without an equivalent in PyTorch. */
function checkLayer(call: string, layer: Layer): Recurrent {
  const recurrent = layer instanceof Bidirectional ? layer.forwardLayer : layer;
  const reject = (rule: string, got: string): never =>
    fail(call, `layer ${quote(layer.name)} must ${rule} to be converted to PyTorch, got ${got}`);
  if (!(recurrent instanceof Recurrent)) {
    return reject('be recurrent, dense, an embedding or a normalization', layer.className);
  }
  if (recurrent.goBackwards) reject('go forward in time', 'goBackwards: true');
  if (layer instanceof Bidirectional) {
    if (!layer.isSymmetric) reject('have the same options in both directions', 'a backwardLayer');
    if (layer.mergeMode !== 'concat') reject('concatenate its directions', `mergeMode: '${layer.mergeMode}'`);
    if (recurrent.cells.length > 1) {
      reject('have one cell in each direction', `${recurrent.cells.length} stacked cells`);
    }
  }
  return recurrent;
}

function checkCell(call: string, layer: Layer, cell: Cell): void {
  const reject = (rule: string, got: string) =>
    fail(call, `layer ${quote(layer.name)} must have ${rule} to be converted to PyTorch, got ${got}`);
  if (cell instanceof MinRNNCell) reject('cells of lstm, gru or simpleRNN', cell.className);
  const gated = cell instanceof LSTMCell || cell instanceof GRUCell;
  const known = gated ? ['tanh'] : ['tanh', 'relu'];
  if (!known.includes(cell.activation)) reject(`the activation ${known.join(' or ')}`, `'${cell.activation}'`);
  if (gated && cell.recurrentActivation !== 'sigmoid') {
    reject('the recurrent activation sigmoid', `'${cell.recurrentActivation}'`);
  }
  if (cell instanceof LSTMCell && cell.variant?.peepholes) reject('no peepholes', 'usePeepholes: true');
  const norm = cell instanceof LSTMCell ? cell.variant?.norm : cell instanceof SimpleRNNCell && cell.norm;
  if (norm) reject('no normalization inside', 'layerNormalization: true');
  if (cell instanceof GRUCell && !cell.resetAfter) reject('resetAfter', 'resetAfter: false');
}

/** Checks that the layers of a module are of the same kind. */
function checkAlike(
  call: string,
  module: string,
  layers: readonly Layer[],
  cellDirections: readonly CellDirection[],
): void {
  const sizeOf = ({ units, outputUnits }: Cell) =>
    outputUnits === units ? `${units} units` : `${units} units projected to ${outputUnits}`;
  const kinds = cellDirections.map(({ cell }) => {
    const { className, activation, useBias } = cell;
    return [className, sizeOf(cell), activation, useBias ? 'bias' : 'no bias'].join(', ');
  });
  const directions = layers.map(layer => (layer instanceof Bidirectional ? 'both directions' : 'one direction'));
  const names = show(namesOf(layers));
  for (const list of [kinds, directions]) {
    const other = list.find(kind => kind !== list[0]);
    if (other)
      fail(call, `module ${quote(module)} of ${names} must have layers of the same kind, got ${list[0]} and ${other}`);
  }
}

/** The position of each gate in PyTorch. */
const gatesOf = (cell: Cell): readonly number[] =>
  cell instanceof GRUCell ? [1, 0, 2] : cell instanceof LSTMCell ? [0, 1, 2, 3] : [0];

function mappingsOf(module: string, { cell, inputs, suffix }: CellDirection): TensorMapping[] {
  const gates = gatesOf(cell);
  const { units, outputUnits, useBias } = cell;
  const name = (parameter: string) => within(module, `${parameter}${suffix}`);
  const biases = [name('bias_ih'), name('bias_hh')];
  const projects = cell instanceof LSTMCell && cell.variant?.projection;
  return [
    matrix(name('weight_ih'), inputs, units, gates),
    matrix(name('weight_hh'), outputUnits, units, gates),
    ...(useBias ? [cell instanceof GRUCell ? both(biases, units, gates) : sum(biases, units * gates.length)] : []),
    ...(projects ? [matrix(name('weight_hr'), units, outputUnits, [0])] : []),
  ];
}

// ---------------------------------------------------------------------------------------------------- rearrangement

/** Maps [inputs, gates units] to [gates units, inputs], with the gates in another order. */
function matrix(name: string, inputs: number, units: number, gates: readonly number[]): TensorMapping {
  const columns = units * gates.length;
  /** Calls `move` with the positions of each number in both layouts. */
  const each = (move: (ours: number, theirs: number) => void) => {
    for (let column = 0; column < columns; column++) {
      const row = gates[Math.floor(column / units)]! * units + (column % units);
      for (let i = 0; i < inputs; i++) move(i * columns + column, row * inputs + i);
    }
  };
  return {
    names: [name],
    shape: [columns, inputs],
    write: weight => [filled(weight.length, target => each((ours, theirs) => (target[theirs] = weight[ours]!)))],
    read: ([tensor]) => filled(tensor!.length, target => each((ours, theirs) => (target[ours] = tensor![theirs]!))),
  };
}

/** Maps [inputs, gates units] to a tensor [units, inputs] for each gate, of the given shape. */
function perGate(names: readonly string[], inputs: number, units: number, shape: readonly number[]): TensorMapping {
  const columns = units * names.length;
  const each = (move: (ours: number, gate: number, theirs: number) => void) => {
    for (let ours = 0; ours < columns * inputs; ours++) {
      const column = ours % columns;
      move(ours, Math.floor(column / units), (column % units) * inputs + Math.floor(ours / columns));
    }
  };
  return {
    names,
    shape,
    write(weight) {
      const tensors = names.map(() => new Float32Array(units * inputs));
      each((ours, gate, theirs) => {
        tensors[gate]![theirs] = weight[ours]!;
      });
      return tensors;
    },
    read: tensors =>
      filled(columns * inputs, target => each((ours, gate, theirs) => (target[ours] = tensors[gate]![theirs]!))),
  };
}

/** Maps [taps, inputs, filters] to [filters, inputs, taps]. */
function convolution(name: string, [taps = 1, inputs = 1, filters = 1]: readonly number[]): TensorMapping {
  const each = (move: (ours: number, theirs: number) => void) => {
    for (let ours = 0; ours < taps * inputs * filters; ours++) {
      const row = Math.floor(ours / filters);
      move(ours, ((ours % filters) * inputs + (row % inputs)) * taps + Math.floor(row / inputs));
    }
  };
  return {
    names: [name],
    shape: [filters, inputs, taps],
    write: weight => [filled(weight.length, target => each((ours, theirs) => (target[theirs] = weight[ours]!)))],
    read: ([tensor]) => filled(tensor!.length, target => each((ours, theirs) => (target[ours] = tensor![theirs]!))),
  };
}

/** Maps the biases of a GRU, [2, 3 units], to two lists, with the gates in another order. */
function both(names: readonly string[], units: number, gates: readonly number[]): TensorMapping {
  const width = units * gates.length;
  const rows = names.map(name => matrix(name, 1, units, gates));
  return {
    names,
    shape: [width],
    write: weight => rows.flatMap((row, n) => row.write(weight.subarray(n * width, (n + 1) * width))),
    read: tensors =>
      filled(2 * width, target => {
        for (const [n, row] of rows.entries()) target.set(row.read([tensors[n]!]), n * width);
      }),
  };
}

/** Maps one bias to two biases, which PyTorch adds. */
function sum(names: readonly string[], width: number): TensorMapping {
  return {
    names,
    shape: [width],
    write: weight => [weight, new Float32Array(width)],
    // Adding 0 would turn -0 into 0, so that the bits would not round-trip
    read: ([a, b]) => a!.map((value, i) => (b![i] === 0 ? value : value + b![i]!)),
  };
}

const list = (name: string, width: number): TensorMapping => unchanged(name, [width]);

function filled(size: number, move: (target: Float32Array) => void): Float32Array {
  const target = new Float32Array(size);
  move(target);
  return target;
}
