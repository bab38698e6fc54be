/**
 * Weights under PyTorch's names: those of the `state_dict` of `torch.nn.LSTM`, `GRU`, `RNN`, `Linear` and `Embedding`;
 * when read, of `LSTMCell`, `GRUCell` and `RNNCell`, too.
 *
 * PyTorch keeps matrices the other way round, [out, in]. Its LSTM has the gates i, f, g, o, which are our i, f, c, o;
 * its GRU has r, z, n where we have z, r, h. It has two biases where we have one, except in a GRU, where both have
 * two: ours goes into `bias_ih`, zeros into `bias_hh`, and on the way back they are added.
 */

import { Dense } from '../layers/dense.ts';
import { Dropout } from '../layers/dropout.ts';
import { Embedding } from '../layers/embedding.ts';
import type { Layer } from '../layers/index.ts';
import { Bidirectional } from '../layers/recurrent/bidirectional.ts';
import type { Cell } from '../layers/recurrent/cell.ts';
import { GruCell } from '../layers/recurrent/gru.ts';
import { LstmCell } from '../layers/recurrent/lstm.ts';
import { Recurrent } from '../layers/recurrent/recurrent.ts';
import { TimeDistributed } from '../layers/recurrent/timeDistributed.ts';
import type { Sequential } from '../model/sequential.ts';
import { fail, show, suggest } from '../util/errors.ts';
import { isPlain } from '../util/options.ts';
import type { SafetensorsReader } from './format.ts';
import { quote } from './header.ts';
import { checkNoOthers, checkPresent, type TensorMapping, unchanged } from './tensorMapping.ts';

/** Which layers make which module of PyTorch: by the name of the module, the name of a layer, or a list of them. */
export type Modules = Readonly<Record<string, string | readonly string[]>>;

/** A module of PyTorch. */
interface Module {
  readonly name: string;
  /** In the order of the weights of the model. */
  readonly parts: readonly TensorMapping[];
}

/** The parts, in the order of the weights of the model. */
export function torchMappings(call: string, model: Sequential, modules: unknown): TensorMapping[] {
  return modulesOf(call, model, modules).flatMap(({ parts }) => parts);
}

/** The same, held against the names and shapes of a file. */
export function findTorch(
  call: string,
  file: SafetensorsReader,
  model: Sequential,
  modules: unknown,
  strict: boolean,
): TensorMapping[] {
  const all = modulesOf(call, model, modules, name => file.entries.has(name));
  const parts = all.flatMap(one => one.parts);
  const wanted = new Set(parts.flatMap(({ names }) => names));
  const used = new Set(all.map(({ name }) => name));
  for (const name of file.entries.keys()) {
    // More than the model has in a module that it uses would change what that module computes.
    if (wanted.has(name) || !used.has(moduleOf(name))) continue;
    if (/(^|\.)weight_hr_l\d+(_reverse)?$/.test(name)) {
      fail(call, `header must be of an LSTM without projections, which no layer here has, got ${quote(name)}`);
    }
    const whose = `that of the model, without ${quote(name)}`;
    const whole = 'the option modules says of which layers it is made';
    fail(call, `header must have the module ${quote(moduleOf(name))} as ${whose}, got it with that; ${whole}`);
  }
  const there = [...new Set([...file.entries.keys()].map(moduleOf))];
  checkPresent(
    call,
    file,
    parts,
    `; it has the modules ${show(there)}, and the option modules says which layers they are`,
  );
  if (strict) checkNoOthers(call, file, parts);
  return parts;
}

/** The module to which a parameter belongs; '' where it stands alone. */
const moduleOf = (name: string): string => name.slice(0, Math.max(name.lastIndexOf('.'), 0));

const within = (module: string, parameter: string): string => (module === '' ? parameter : `${module}.${parameter}`);

// -------------------------------------------------------------------------------------------------- which is which

/** Whether a file has a parameter; false when writing. */
type Has = (name: string) => boolean;

function modulesOf(call: string, model: Sequential, modules: unknown, has: Has = () => false): Module[] {
  const layers = model.layers.filter(({ weightSpecs }) => weightSpecs.length > 0);
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
    if (names.has(name)) fail(call, `modules must have names of their own, got two layers that make ${quote(name)}`);
    names.add(name);
  }
  return made;
}

interface Choice {
  readonly name: string;
  readonly members: readonly Layer[];
}

/** The option `modules`: of every layer that it names, what it says. */
function readModules(call: string, layers: readonly Layer[], modules: unknown): Map<Layer, Choice> {
  const chosen = new Map<Layer, Choice>();
  if (modules === undefined) return chosen;
  if (!isPlain(modules)) {
    fail(call, `modules must be an object, the names of layers by that of their module, got ${show(modules)}`);
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
      if (chosen.has(layer)) fail(call, `${part} must have layers that no module has yet, got ${quote(layer.name)}`);
      chosen.set(layer, { name, members });
    }
  }
  return chosen;
}

const namesOf = (layers: readonly Layer[]): string[] => layers.map(({ name }) => name);

/** Refuses a module with other layers between its own: only dropout, which PyTorch has inside, may stand there. */
function checkNeighbours(call: string, model: Sequential, module: string, members: readonly Layer[]): void {
  let at = model.layers.indexOf(members[0]!);
  for (const layer of members.slice(1)) {
    do at++;
    while (model.layers[at] instanceof Dropout);
    if (model.layers[at] === layer) continue;
    const rule = 'must have layers that follow each other, with nothing but dropout between them';
    fail(call, `modules.${quote(module)} ${rule}, got ${show(namesOf(members))}`);
  }
}

function single(call: string, module: string, layer: Layer, has: Has): TensorMapping[] {
  const inner = layer instanceof TimeDistributed ? layer.layer : layer;
  if (inner instanceof Dense) {
    const [inputs, units] = inner.weightSpecs[0]!.shape as [number, number];
    const weight = within(module, 'weight');
    const parts = [matrix(weight, inputs, units, [0])];
    return inner.useBias ? [...parts, list(within(module, 'bias'), units)] : parts;
  }
  if (inner instanceof Embedding) return [unchanged(within(module, 'weight'), inner.weightSpecs[0]!.shape)];
  return stacked(call, module, [layer], has);
}

// ------------------------------------------------------------------------------------------------ recurrent layers

/** One layer of a recurrent module, in one direction. */
interface CellDirection {
  readonly cell: Cell;
  readonly inputs: number;
  /** The suffix of its parameter names: _l0, _l0_reverse, _l1, ...; empty for a single cell. */
  readonly suffix: string;
}

/** The weights of layers that run on top of each other as one module of PyTorch. */
function stacked(call: string, module: string, layers: readonly Layer[], has: Has): TensorMapping[] {
  const strands: CellDirection[] = [];
  let level = 0;
  for (const layer of layers) {
    const recurrent = checkLayer(call, layer);
    let inputs = layer.inputShape.at(-1)!;
    for (const cell of recurrent.cells) {
      checkCell(call, layer, cell);
      strands.push({ cell, inputs, suffix: `_l${level}` });
      if (layer instanceof Bidirectional) strands.push({ cell, inputs, suffix: `_l${level}_reverse` });
      inputs = cell.units;
      level++;
    }
  }
  checkAlike(call, module, layers, strands);
  const [first] = strands as [CellDirection];
  if (strands.length === 1 && has(within(module, 'weight_ih')) && !has(within(module, 'weight_ih_l0'))) {
    return mappingsOf(module, { ...first, suffix: '' });
  }
  return strands.flatMap(strand => mappingsOf(module, strand));
}

/** Refuses layers that PyTorch has no module for. */
function checkLayer(call: string, layer: Layer): Recurrent {
  const recurrent = layer instanceof Bidirectional ? layer.forwardLayer : layer;
  const reject = (rule: string, got: string): never =>
    fail(call, `layer ${quote(layer.name)} must ${rule} to have a form in PyTorch, got ${got}`);
  if (!(recurrent instanceof Recurrent)) {
    return reject('be recurrent, dense or an embedding', layer.className);
  }
  if (recurrent.goBackwards) reject('go forward in time', 'goBackwards: true');
  if (layer instanceof Bidirectional) {
    if (layer.mergeMode !== 'concat') reject('put its directions side by side', `mergeMode: '${layer.mergeMode}'`);
    if (recurrent.cells.length > 1) {
      reject('have one cell in each direction', `${recurrent.cells.length} on top of each other`);
    }
  }
  return recurrent;
}

function checkCell(call: string, layer: Layer, cell: Cell): void {
  const reject = (rule: string, got: string) =>
    fail(call, `layer ${quote(layer.name)} must have ${rule} to have a form in PyTorch, got ${got}`);
  const gated = cell instanceof LstmCell || cell instanceof GruCell;
  const known = gated ? ['tanh'] : ['tanh', 'relu'];
  if (!known.includes(cell.activation)) reject(`the activation ${known.join(' or ')}`, `'${cell.activation}'`);
  if (gated && cell.recurrentActivation !== 'sigmoid') {
    reject('the recurrent activation sigmoid', `'${cell.recurrentActivation}'`);
  }
  if (cell instanceof GruCell && !cell.resetAfter) reject('resetAfter', 'resetAfter: false');
}

/** Refuses layers that cannot be one module, in which all are of one kind. */
function checkAlike(call: string, module: string, layers: readonly Layer[], strands: readonly CellDirection[]): void {
  const kinds = strands.map(({ cell: { className, units, activation, useBias } }) =>
    [className, `${units} units`, activation, useBias ? 'bias' : 'no bias'].join(', '),
  );
  const directions = layers.map(layer => (layer instanceof Bidirectional ? 'both directions' : 'one direction'));
  const names = show(namesOf(layers));
  for (const list of [kinds, directions]) {
    const other = list.find(kind => kind !== list[0]);
    if (other) fail(call, `module ${quote(module)} of ${names} must have layers of one kind, got ${list[0]}; ${other}`);
  }
}

/** Where each of our gates stands in PyTorch. */
const gatesOf = (cell: Cell): readonly number[] =>
  cell instanceof GruCell ? [1, 0, 2] : cell instanceof LstmCell ? [0, 1, 2, 3] : [0];

function mappingsOf(module: string, { cell, inputs, suffix }: CellDirection): TensorMapping[] {
  const gates = gatesOf(cell);
  const { units, useBias } = cell;
  const name = (parameter: string) => within(module, `${parameter}${suffix}`);
  const matrices = [matrix(name('weight_ih'), inputs, units, gates), matrix(name('weight_hh'), units, units, gates)];
  if (!useBias) return matrices;
  const biases = [name('bias_ih'), name('bias_hh')];
  return [...matrices, cell instanceof GruCell ? both(biases, units, gates) : sum(biases, units * gates.length)];
}

// ---------------------------------------------------------------------------------------------------- rearrangement

/** [inputs, gates units] of ours as [gates units, inputs], the gates in another order. */
function matrix(name: string, inputs: number, units: number, gates: readonly number[]): TensorMapping {
  const columns = units * gates.length;
  /** Calls back with where a number stands here and there. */
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

/** The two biases of a GRU: [2, 3 units] of ours as two lists, the gates in another order. */
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

/** One bias of ours for two that PyTorch adds. */
function sum(names: readonly string[], width: number): TensorMapping {
  return {
    names,
    shape: [width],
    write: weight => [weight, new Float32Array(width)],
    // Without a second one the first stays as it is, -0 and all, so that what was written comes back to the bit.
    read: ([a, b]) => a!.map((value, i) => (b![i] === 0 ? value : value + b![i]!)),
  };
}

const list = (name: string, width: number): TensorMapping => unchanged(name, [width]);

function filled(size: number, move: (target: Float32Array) => void): Float32Array {
  const target = new Float32Array(size);
  move(target);
  return target;
}
