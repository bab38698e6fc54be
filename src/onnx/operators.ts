/** The operators that a graph of layers is made of, each as what it makes of its inputs. */

import { HARD_SIGMOID, SELU } from './activations.ts';
import { expanded, flatten, repeat, reshape, squeeze, tiled, transpose, unsqueeze } from './axes.ts';
import { shapeFrom } from './compute.ts';
import { fold, isFoldable } from './fold.ts';
import { plus, times } from './forms.ts';
import { joined, reduce, split } from './halves.ts';
import { alongRows, atMost, cast, clip, combine, difference, divide, power } from './pointwise.ts';
import type { NodeProto } from './proto.ts';
import type { Reading } from './reading.ts';
import { readRecurrent } from './readRecurrent.ts';
import { gather, reverseSequence, slice } from './steps.ts';
import { clean } from './text.ts';
import { type Stream, sizeOfAxis, type Value } from './values.ts';
import { dense, gemm } from './weighted.ts';

type Operator = (node: Reading) => Value | Value[];

const unary =
  (op: string, ...numbers: [name: string, otherwise: number][]): Operator =>
  node =>
    node.pointwise(0, op, ...numbers.map(([name, otherwise]) => node.float(name, otherwise)));

/** What leaves its first input as it is. */
const same: Operator = node => node.value(0);

function concat(node: Reading): Value {
  const values = node.values().filter(value => value !== null);
  const strange = values.find(({ kind }) => kind === 'unknown') ?? values.find(({ kind }) => kind === 'state');
  if (strange) return strange;
  if (values.every((value): value is Stream => value.kind === 'stream')) return joined(node, values);
  return { kind: 'unknown', why: node.why('must join things of one kind, got what layers give and numbers') };
}

function shapeOf(node: Reading): Value {
  const stream = node.stream(0);
  return shapeFrom(
    node,
    stream.axes.map((_, axis) => sizeOfAxis(stream, axis)),
  );
}

/** Evaluates nodes on the outputs of layers, by operator. */
const operators: { readonly [op: string]: Operator } = {
  LSTM: node => readRecurrent(node, 'LSTM'),
  GRU: node => readRecurrent(node, 'GRU'),
  RNN: node => readRecurrent(node, 'RNN'),
  MatMul: node => dense(node, node.stream(0), node.floats(1)),
  Gemm: gemm,
  Add: node => combine(node, plus, 'sum'),
  Sub: node => combine(node, difference, null),
  Mul: node => combine(node, times, 'mul'),
  Div: divide,
  Pow: power,
  Relu: unary('Relu'),
  Sigmoid: unary('Sigmoid'),
  Tanh: unary('Tanh'),
  Erf: unary('Erf'),
  Softplus: unary('Softplus'),
  Softsign: unary('Softsign'),
  Mish: unary('Mish'),
  Elu: unary('Elu', ['alpha', 1]),
  Selu: unary('Selu', ['alpha', SELU.alpha], ['gamma', SELU.gamma]),
  LeakyRelu: unary('LeakyRelu', ['alpha', 0.01]),
  HardSigmoid: unary('HardSigmoid', ['alpha', HARD_SIGMOID.alpha], ['beta', HARD_SIGMOID.beta]),
  Gelu: node => node.pointwise(0, node.string('approximate', 'none') === 'tanh' ? 'GeluTanh' : 'Gelu'),
  Clip: clip,
  Min: atMost,
  Softmax: node => alongRows(node, 'Softmax'),
  LogSoftmax: node => alongRows(node, 'LogSoftmax'),
  Identity: same,
  Dropout: same,
  Cast: cast,
  Shape: shapeOf,
  Gather: gather,
  Slice: slice,
  ReverseSequence: reverseSequence,
  Concat: concat,
  Split: split,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Transpose: transpose,
  Reshape: reshape,
  Flatten: flatten,
  Expand: node => repeat(node, expanded),
  Tile: node => repeat(node, tiled),
  ReduceSum: node => reduce(node, 'sum'),
  ReduceMean: node => reduce(node, 'ave'),
  ReduceProd: node => reduce(node, 'mul'),
};

export const isStandard = (domain: string): boolean => domain === '' || domain === 'ai.onnx';

/** Evaluates a node. */
export function evaluate(node: Reading, { domain, opType }: NodeProto): Value[] {
  const layered = node.values().some(value => value?.kind === 'stream');
  const reads = isStandard(domain) && Object.hasOwn(operators, opType);
  const folds = isStandard(domain) && isFoldable(opType) && !layered;
  if (!reads && !folds) return [{ kind: 'unknown', why: unsupported(node, domain, opType) }];
  const made = folds ? fold(node) : operators[opType]!(node);
  return Array.isArray(made) ? made : [made];
}

const READ =
  'LSTM, GRU, RNN, MatMul, Gemm, Gather of ids, activations, and the operators on shapes and constants between them';

/** The error for an unsupported operator, with advice. */
function unsupported(node: Reading, domain: string, opType: string): string {
  const name = clean(isStandard(domain) ? opType : `${domain}.${opType}`);
  const quantized = /quantize|qlinear|integer|qattention/i.test(opType);
  const nested = ['If', 'Loop', 'Scan'].includes(opType);
  const advice = quantized
    ? '; export the model without quantization'
    : nested
      ? '; export the model with sequences of a fixed length and without masks'
      : isStandard(domain)
        ? ''
        : '; export the model without optimizations of a runtime, and with its functions inlined';
  return node.why(
    `must have an operator that loadOnnxModel reads (${READ}), got the unsupported operator ${name}${advice}`,
  );
}
