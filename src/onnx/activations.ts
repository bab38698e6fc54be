/** Activations in ONNX: as nodes, and as names within LSTM, GRU and RNN nodes. */

import type { ActivationName } from '../layers/activations.ts';
import type { Graph } from './graph.ts';

/** Adds the nodes of an activation. */
type Write = (graph: Graph, name: string, x: string) => string;

const plain =
  (op: string, attributes: { readonly [name: string]: number } = {}): Write =>
  (graph, name, x) =>
    graph.add(op, name, [x], Object.fromEntries(Object.entries(attributes).map(([key, f]) => [key, { f }])));

const alongRows =
  (op: string): Write =>
  (graph, name, x) =>
    graph.add(op, name, [x], { axis: { i: -1 } });

export const SELU = { alpha: 1.6732632423543772, gamma: 1.0507009873554805 };
export const HARD_SIGMOID = { alpha: 0.2, beta: 0.5 };
/** The hard sigmoid of Keras 3 and PyTorch. */
export const HARD_SIGMOID_KERAS3 = { alpha: 1 / 6, beta: 0.5 };

/** The slope for negative inputs. */
export const LEAKY_RELU = { alpha: 0.2 };

/** sqrt(2 / pi) and the factor of the cube, in the approximation of gelu by tanh. */
const GELU = { scale: 0.7978845608028654, cube: 0.044715 };

/** Adds the nodes of each activation. */
export const writeActivation: { readonly [name in ActivationName]: Write } = {
  linear: (_graph, _name, x) => x,
  relu: plain('Relu'),
  sigmoid: plain('Sigmoid'),
  tanh: plain('Tanh'),
  hardSigmoid: plain('HardSigmoid', HARD_SIGMOID),
  elu: plain('Elu', { alpha: 1 }),
  selu: plain('Selu', SELU),
  softplus: plain('Softplus'),
  softsign: plain('Softsign'),
  swish: (graph, name, x) => graph.add('Mul', name, [x, graph.add('Sigmoid', `${name}/sigmoid`, [x])]),
  gelu: (graph, name, x) => {
    const scaled = graph.add('Mul', `${name}/scaled`, [x, graph.number(Math.SQRT1_2)]);
    const erf = graph.add('Erf', `${name}/erf`, [scaled]);
    const twice = graph.add('Add', `${name}/twice`, [erf, graph.number(1)]);
    const half = graph.add('Mul', `${name}/half`, [x, graph.number(0.5)]);
    return graph.add('Mul', name, [half, twice]);
  },
  gelu_new: (graph, name, x) => {
    const square = graph.add('Mul', `${name}/square`, [x, x]);
    const cube = graph.add('Mul', `${name}/cube`, [square, x]);
    const small = graph.add('Mul', `${name}/small`, [cube, graph.number(GELU.cube)]);
    const sum = graph.add('Add', `${name}/sum`, [x, small]);
    const scaled = graph.add('Mul', `${name}/scaled`, [sum, graph.number(GELU.scale)]);
    const tanh = graph.add('Tanh', `${name}/tanh`, [scaled]);
    const twice = graph.add('Add', `${name}/twice`, [tanh, graph.number(1)]);
    const half = graph.add('Mul', `${name}/half`, [x, graph.number(0.5)]);
    return graph.add('Mul', name, [half, twice]);
  },
  relu6: (graph, name, x) => graph.add('Clip', name, [x, graph.number(0), graph.number(6)]),
  mish: (graph, name, x) => {
    const softplus = graph.add('Softplus', `${name}/softplus`, [x]);
    return graph.add('Mul', name, [x, graph.add('Tanh', `${name}/tanh`, [softplus])]);
  },
  hard_sigmoid_keras3: plain('HardSigmoid', HARD_SIGMOID_KERAS3),
  leakyRelu: plain('LeakyRelu', LEAKY_RELU),
  softmax: alongRows('Softmax'),
  logSoftmax: alongRows('LogSoftmax'),
};

/** An activation of ONNX cells, with alpha and beta if it has them. */
export interface CellActivation {
  readonly op: string;
  readonly alpha?: number;
  readonly beta?: number;
}

/** The activations that LSTM, GRU and RNN nodes support. */
export const cellActivations: { readonly [name in ActivationName]?: CellActivation } = {
  linear: { op: 'Affine', alpha: 1, beta: 0 },
  relu: { op: 'Relu' },
  sigmoid: { op: 'Sigmoid' },
  tanh: { op: 'Tanh' },
  hardSigmoid: { op: 'HardSigmoid', ...HARD_SIGMOID },
  hard_sigmoid_keras3: { op: 'HardSigmoid', ...HARD_SIGMOID_KERAS3 },
  elu: { op: 'Elu', alpha: 1 },
  leakyRelu: { op: 'LeakyRelu', ...LEAKY_RELU },
  softplus: { op: 'Softplus' },
  softsign: { op: 'Softsign' },
};

/** The defaults of alpha and beta in ONNX, by activation. */
export const cellDefaults: { readonly [op: string]: { alpha?: number; beta?: number } } = {
  Affine: { alpha: 1, beta: 0 },
  Elu: { alpha: 1 },
  HardSigmoid: HARD_SIGMOID,
  LeakyRelu: { alpha: 0.01 },
  ScaledTanh: { alpha: 1, beta: 1 },
  ThresholdedRelu: { alpha: 1 },
};
