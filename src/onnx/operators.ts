/** Evaluates the operators that take outputs of layers. */

import { HARD_SIGMOID, SELU } from './activations.ts';
import { comparePositions, unsqueezePositions } from './attentionScores.ts';
import { expanded, flatten, repeat, reshape, squeeze, tiled, transpose, unsqueeze } from './axes.ts';
import { shapeFrom } from './computeConstants.ts';
import { fold, isFoldable } from './constantFolding.ts';
import { concatDirections, reduceDirections, splitDirections } from './directions.ts';
import { alongRows, atMost, cast, clip, combine, difference, divide, mergeAll, power } from './elementwise.ts';
import { plus, times } from './formula.ts';
import { multiplyFactors, where } from './maskedOutputs.ts';
import {
  bothOf,
  compare,
  continueMask,
  eitherOf,
  joinMasks,
  startCount,
  transposeMask,
  unsqueezeVisible,
} from './masks.ts';
import type { NodeReader } from './nodeReader.ts';
import { batchNormalization, layerNormalization } from './normalization.ts';
import { columnOfPairs, scalePairs, squeezePairs, sumOfPairs, tanhOfPairs } from './pairs.ts';
import { boundNorm, divideByNorm, multiply, norm } from './products.ts';
import { isStandard, type NodeProto } from './proto.ts';
import { conv } from './readConv.ts';
import { prelu } from './readPrelu.ts';
import { readRecurrent } from './readRecurrent.ts';
import { readScan } from './readScan.ts';
import {
  chooseMaximum,
  countSteps,
  divideByCount,
  pad,
  pool,
  poolAll,
  reduce,
  reduceMasked,
  resize,
} from './readTimeSteps.ts';
import { sanitize } from './text.ts';
import { gather, reverseSequence, slice } from './timeSteps.ts';
import { type LayerOutput, nameOf, sizeOfAxis, type Value } from './values.ts';
import { dense, gemm } from './weightedLayers.ts';

type Operator = (node: NodeReader) => Value | Value[];

const unary =
  (op: string, ...numbers: [name: string, otherwise: number][]): Operator =>
  node =>
    node.pointwise(0, op, ...numbers.map(([name, otherwise]) => node.float(name, otherwise)));

/** Returns the first input unchanged. */
const same: Operator = node => node.value(0);

function concat(node: NodeReader): Value {
  const values = node.values().filter(value => value !== null);
  const unusable = values.find(({ kind }) => kind === 'unknown') ?? values.find(({ kind }) => kind === 'state');
  if (unusable) return unusable;
  if (values.every((value): value is LayerOutput => value.kind === 'layerOutput'))
    return concatDirections(node, values);
  return {
    kind: 'unknown',
    why: node.why('must concatenate values of the same kind, got outputs of layers and numbers'),
  };
}

function shapeOf(node: NodeReader): Value {
  const output = node.layerOutput(0);
  return shapeFrom(
    node,
    output.axes.map((_, axis) => sizeOfAxis(output, axis)),
  );
}

/** Evaluates nodes on the outputs of layers, by operator. */
const operators: { readonly [op: string]: Operator } = {
  LSTM: node => readRecurrent(node, 'LSTM'),
  GRU: node => readRecurrent(node, 'GRU'),
  RNN: node => readRecurrent(node, 'RNN'),
  MatMul: node => (isProduct(node) ? multiply(node) : dense(node, node.layerOutput(0), node.floats(1))),
  Gemm: gemm,
  Conv: conv,
  BatchNormalization: batchNormalization,
  LayerNormalization: layerNormalization,
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
  ThresholdedRelu: unary('ThresholdedRelu', ['alpha', 1]),
  PRelu: prelu,
  HardSigmoid: unary('HardSigmoid', ['alpha', HARD_SIGMOID.alpha], ['beta', HARD_SIGMOID.beta]),
  Gelu: node => node.pointwise(0, node.string('approximate', 'none') === 'tanh' ? 'GeluTanh' : 'Gelu'),
  Clip: clip,
  Min: atMost,
  Max: node => mergeAll(node, 'maximum'),
  Mean: node => mergeAll(node, 'average'),
  Sum: node => mergeAll(node, 'add'),
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
  Split: splitDirections,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Transpose: transpose,
  Reshape: reshape,
  Flatten: flatten,
  Expand: node => repeat(node, expanded),
  Tile: node => repeat(node, tiled),
  ReduceSum: node => reduceDirections(node, 'sum'),
  ReduceMean: node => reduce(node, 'globalAveragePooling1d', 'ave'),
  ReduceMax: node => reduce(node, 'globalMaxPooling1d', null),
  MaxPool: node => pool(node, 'maxPooling1d'),
  AveragePool: node => pool(node, 'averagePooling1d'),
  GlobalMaxPool: node => poolAll(node, 'globalMaxPooling1d'),
  GlobalAveragePool: node => poolAll(node, 'globalAveragePooling1d'),
  Pad: pad,
  Resize: resize,
  Upsample: resize,
  ReduceProd: node => reduceDirections(node, 'mul'),
  ReduceL2: norm,
  LessOrEqual: node => comparePositions(node, 0),
  GreaterOrEqual: node => comparePositions(node, 1),
  Equal: compare,
  Scan: readScan,
  Where: where,
};

const isProduct = (node: NodeReader): boolean =>
  node.count === 2 && node.value(0).kind === 'layerOutput' && node.value(1).kind === 'layerOutput';

/** Evaluates nodes on values inside dot and attention layers, by the kind of the value. */
const innerOperators: { readonly [kind in Value['kind']]?: { readonly [op: string]: Operator } } = {
  pairs: {
    Mul: scalePairs,
    Tanh: tanhOfPairs,
    ReduceSum: sumOfPairs,
    MatMul: columnOfPairs,
    Squeeze: squeezePairs,
  },
  norm: { Max: boundNorm, Div: divideByNorm },
  positions: {
    Unsqueeze: unsqueezePositions,
    LessOrEqual: operators.LessOrEqual!,
    GreaterOrEqual: operators.GreaterOrEqual!,
  },
  causal: { Where: where, And: bothOf },
  compared: { Not: continueMask, Cast: continueMask, ReduceMax: continueMask, Unsqueeze: continueMask },
  mask: {
    Cast: startCount,
    Transpose: transposeMask,
    Or: eitherOf,
    And: bothOf,
    Concat: joinMasks,
    Unsqueeze: unsqueezeVisible,
    Where: where,
    Scan: readScan,
  },
  visible: { And: bothOf, Unsqueeze: unsqueezeVisible, Where: where },
  factor: { Mul: multiplyFactors },
  product: { Where: where },
  masked: { ReduceMax: reduceMasked, ReduceSum: reduceMasked, Div: divideByCount },
  counts: { ReduceSum: countSteps, Max: countSteps, Greater: countSteps, Where: chooseMaximum },
};

/** Evaluates a node on a value inside a layer; null if there is none. */
function evaluateInner(node: NodeReader, op: string): Value | Value[] | null {
  const inner = node.values().find(value => value && innerOperators[value.kind]);
  if (!inner) return null;
  const operator = Object.entries(innerOperators[inner.kind]!).find(([name]) => name === op)?.[1];
  if (operator) return operator(node);
  const ops = Object.keys(innerOperators[inner.kind]!).join(', ');
  return { kind: 'unknown', why: node.why(`must be ${ops} to continue with ${nameOf(inner)}`) };
}

/** Evaluates a node. */
export function evaluate(node: NodeReader, { domain, opType }: NodeProto): Value[] {
  const layered = node.values().some(value => value?.kind === 'layerOutput');
  const inner = isStandard(domain) ? evaluateInner(node, opType) : null;
  if (inner) return [inner].flat();
  const reads = isStandard(domain) && Object.hasOwn(operators, opType);
  const folds = isStandard(domain) && isFoldable(opType) && !layered;
  if (!reads && !folds) {
    const unknown = node.values().find(value => value?.kind === 'unknown');
    return [unknown ?? { kind: 'unknown', why: unsupported(node, domain, opType) }];
  }
  const made = folds ? fold(node) : operators[opType]!(node);
  return Array.isArray(made) ? made : [made];
}

/** Part of the error for an operator that is not supported. */
export const UNSUPPORTED = 'the unsupported operator';

const READ =
  'LSTM, GRU, RNN, Conv, MatMul, Gemm, Gather of ids, pooling, activations, and the operators on shapes and constants between them';

/** The error for an unsupported operator, with advice. */
function unsupported(node: NodeReader, domain: string, opType: string): string {
  const name = sanitize(isStandard(domain) ? opType : `${domain}.${opType}`);
  const quantized = /quantize|qlinear|integer|qattention/i.test(opType);
  const nested = ['If', 'Loop'].includes(opType);
  const advice = quantized
    ? '; export the model without quantization'
    : nested
      ? '; export the model with sequences of a fixed length and without masks'
      : isStandard(domain)
        ? ''
        : '; export the model without optimizations of a runtime, and with its functions inlined';
  return node.why(`must have an operator that loadOnnxModel reads (${READ}), got ${UNSUPPORTED} ${name}${advice}`);
}
