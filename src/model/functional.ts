/** Functional models: graphs of layers between symbolic inputs and outputs. */

import { type ApplyAtOnce, applyLayer, listMasks } from '../layers/apply.ts';
import { InputLayer } from '../layers/inputLayer.ts';
import type { Layer } from '../layers/layer.ts';
import { readInputShape } from '../layers/layerOptions.ts';
import { LayerNode, SymbolicTensor as SymbolicTensorOf } from '../layers/symbolicTensor.ts';
import { hostContext } from '../plan/hostContext.ts';
import { Tensor } from '../tensor/tensor.ts';
import { rejectExtraArguments } from '../util/arguments.ts';
import type { Config } from '../util/config.ts';
import { fail, show } from '../util/errors.ts';
import { nextNumber } from '../util/numbering.ts';
import { checkOptions, checkText } from '../util/options.ts';
import { checkSeed, globalSeeds, SeedStream } from '../util/random.ts';
import { type Shape, showShape } from '../util/shapes.ts';
import { SharedWeights } from '../weights/sharedWeights.ts';
import { checkIdInputs, Graph, readTensors } from './graph.ts';
import { graphConfig } from './graphConfig.ts';
import { LayersModel } from './layersModel.ts';
import { ModelState } from './modelState.ts';
import { ModelView } from './modelView.ts';

/** A symbolic tensor, from `input()` or `layer.apply`. */
export type Symbolic = SymbolicTensorOf<Layer>;

/** The same for programs, as a class and as a type without a parameter. */
export const SymbolicTensor = SymbolicTensorOf<Layer>;
export type SymbolicTensor = Symbolic;

/** Options of `input`: `shape` or `batchShape` is required. */
export interface InputOptions {
  /** The shape of a sample: [timeSteps, features] or [features]; null for a number of time steps that may vary. */
  shape?: Shape;
  /** The shape of a batch, for a fixed batch size. */
  batchShape?: Shape;
  /** Default: 'input1', 'input2' and so on. */
  name?: string;
  /** 'float32', or 'int32' for ids; both are read as numbers. */
  dtype?: 'float32' | 'int32';
}

let inputs = 0;

/**
 * A symbolic input of a model, for `layer.apply` and `model`.
 *
 * @returns a symbolic tensor of the shape of a batch, with null for sizes that are not fixed
 * @throws ValueError unless there is either a shape or a batchShape, of [timeSteps, features] or [features] for a sample
 */
export function input(options: InputOptions): Symbolic {
  rejectExtraArguments('input', 1, arguments);
  const call = 'input';
  const { shape, batchShape, name, dtype } = checkOptions<InputOptions>(call, options, [
    'shape',
    'batchShape',
    'name',
    'dtype',
  ]);
  if ((shape === undefined) === (batchShape === undefined)) {
    fail(call, `either shape or batchShape must be given, got ${shape === undefined ? 'neither' : 'both'}`);
  }
  if (dtype !== undefined && dtype !== 'float32' && dtype !== 'int32') {
    fail(call, `dtype must be 'float32' or 'int32', got ${show(dtype)}`);
  }
  if (name !== undefined) checkText(call, 'name', name);
  const given = shape === undefined ? { batchInputShape: batchShape! } : { inputShape: shape };
  const batchInputShape = readInputShape(call, given, 1, true, ['shape', 'batchShape'])!;
  const layer = new InputLayer({ batchInputShape, name: name ?? `input${++inputs}` });
  return new LayerNode<Layer>(layer, [], layer.connect(call, [batchInputShape])).outputs[0]!;
}

/** Options of `model`. */
export interface ContainerArgs {
  /** One or more results of `input`. */
  inputs: Symbolic | readonly Symbolic[];
  /** One or more symbolic tensors that depend on all of the inputs, and on no others. */
  outputs: Symbolic | readonly Symbolic[];
  /** Default: 'model_1', 'model_2' and so on. */
  name?: string;
  /** Fixes initial weights, dropout and shuffles, as for `sequential`. */
  seed?: number;
}

/** The state of a functional model. */
class FunctionalState extends ModelState {
  constructor(
    readonly graph: Graph,
    seeds: SeedStream,
  ) {
    super(seeds);
  }

  get layers(): readonly Layer[] {
    return this.graph.layers;
  }
}

/** A graph of layers; create one with `model()`. */
export class FunctionalModel extends LayersModel {
  constructor(name: string, view: ModelView) {
    super('Functional', name, view);
  }

  override getConfig(): Config {
    const { graph } = this.view.state as FunctionalState; // also after the model is disposed, for models that contain it
    return graphConfig(this.name, graph);
  }

  /** @internal */
  protected override withView(name: string, view: ModelView): this {
    return new FunctionalModel(name, view) as this;
  }
}

/**
 * A model from symbolic inputs to symbolic outputs. Layers that belong to other models too are shared with them.
 *
 *     const x = input({ shape: [null, 3] });
 *     const y = layers.dense({ units: 1 }).apply(layers.lstm({ units: 8 }).apply(x));
 *     const net = model({ inputs: x, outputs: y });
 *
 * @throws ValueError if an input is missing, unused or given twice, or two layers have one name
 */
export function model(options: ContainerArgs): FunctionalModel {
  rejectExtraArguments('model', 1, arguments);
  const call = 'model';
  const known = checkOptions<ContainerArgs>(call, options, ['inputs', 'outputs', 'name', 'seed']);
  const { name, seed } = known;
  if (name !== undefined) checkText(call, 'name', name);
  if (seed !== undefined) checkSeed(call, seed);
  const graph = new Graph(call, readTensors(call, 'inputs', known.inputs), readTensors(call, 'outputs', known.outputs));
  checkIdInputs(call, graph.calls);
  return new FunctionalModel(name ?? `model_${nextNumber('model')}`, new ModelView(stateOf(call, graph, seed)));
}

/** Draws the seeds of layers that are in no model yet, and gives all layers common weights. */
function stateOf(call: string, graph: Graph, seed: number | undefined): ModelState {
  return globalSeeds.rollBackOnError(() => {
    const seeds = seed === undefined ? globalSeeds.split() : new SeedStream(seed);
    const state = new FunctionalState(graph, seeds);
    for (const layer of state.allLayers) if (!layer.store) layer.drawSeeds(seeds);
    SharedWeights.of(call, state.allLayers).addModel();
    state.countUse(1);
    return state;
  });
}

// ------------------------------------------------------------------------------------------------- tensors at once

/** How many layers have been applied to tensors, so that each call drops other numbers. */
let appliedAtOnce = 0;

/** Computes a layer for tensors, by a model that consists of that layer. */
export const applyAtOnce: ApplyAtOnce = (call, applied, given, { initialState, mask, training }) => {
  const layer = applied as Layer;
  if (hostContext()) {
    fail(call, 'a layer must not be applied in call of a custom layer, which would not train its weights');
  }
  const list = Array.isArray(given) && given[0] instanceof Tensor ? given : [given];
  const tensors = list.map(value =>
    value instanceof Tensor ? value : fail(call, `inputs must be tensors, got ${show(value)}`),
  );
  const states = (initialState as unknown[]).map(value =>
    value instanceof Tensor ? value : fail(call, `initialState must be tensors, got ${show(value)}`),
  );
  const masks = listMasks(call, mask, tensors.length).map(value =>
    value === null || value instanceof Tensor ? value : fail(call, `mask must be a tensor, got ${show(value)}`),
  );
  const symbols = tensors.map(value => symbolOf(call, 'inputs', value));
  const stateSymbols = states.map(value => symbolOf(call, 'initialState', value));
  const maskSymbols = masks.map(value => value && symbolOf(call, 'mask', value));
  for (const value of tensors) layer.checkInput(call, 'inputs', value.dataSync() as Float32Array, 0, value.size);
  const own = {
    ...(states.length > 0 && { initialState: stateSymbols }),
    ...(masks.length > 0 && { mask: maskSymbols }),
  };
  const node = applyLayer(layer, symbols, own) as LayerNode<Layer>;
  const all = [...tensors, ...states, ...masks].filter(value => value !== null);
  const net = model({
    inputs: [...symbols, ...stateSymbols, ...maskSymbols].filter(symbol => symbol !== null),
    outputs: node.outputs,
  });
  net.view.noise += appliedAtOnce++;
  try {
    return net.predict<Tensor | Tensor[]>(all, {
      batchSize: tensors[0]!.shape[0]!,
      training: training ?? false,
    });
  } finally {
    net.view.disposeTemporary();
  }
};

function symbolOf(call: string, name: string, { shape }: Tensor): Symbolic {
  if ((shape.length === 2 || shape.length === 3) && !shape.includes(0)) return input({ batchShape: [...shape] });
  return fail(call, `${name} must be [batch, features] or [batch, timeSteps, features], got ${showShape(shape)}`);
}
