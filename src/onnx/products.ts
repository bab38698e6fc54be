/** Products of the outputs of two layers: dot layers, and what attention layers compute with them. */

import { attentionChain, weightsOf } from './attentionScores.ts';
import { apply, constant, type Formula, identity, layersOf, times } from './formula.ts';
import { multiplyHeads } from './heads.ts';
import { merged, operand, singleDirection } from './mergeOutputs.ts';
import type { NodeReader } from './nodeReader.ts';
import {
  type Axis,
  type Chain,
  type LayerOutput,
  layerOutputOf,
  type Norm,
  nameOf,
  onlyNumber,
  sizeOfAxis,
  type Value,
} from './values.ts';

/** Reads a MatMul of the outputs of two layers. */
export function multiply(node: NodeReader): LayerOutput {
  const [a, b] = [singleDirection(node.layerOutput(0)), singleDirection(node.layerOutput(1))];
  if (!node.source.branches) {
    node.fail('must multiply by float32 weights of the file, got two layers; a sequential model has no branches');
  }
  if (a.axes.includes('head') || b.axes.includes('head')) return multiplyHeads(node, a, b);
  const weights = weightsOf(a.parts[0]!.chain, a.formula);
  const isSequence = (output: LayerOutput) => output.axes.join() === 'batch,time,width';
  if (!weights || !isSequence(a) || !isSequence(b)) return dot(node, a, b);
  const value = operand(node, b).parts[0]!.chain;
  expectSameSize(node, 'the number of keys and of values', weights.scores.key.steps, value.steps);
  return layerOutputOf(attentionChain(node, weights, value), ['batch', 'time', 'width']);
}

function expectSameSize(node: NodeReader, what: string, a: unknown, b: unknown): void {
  if (typeof a === 'number' && typeof b === 'number' && a !== b) node.fail(`${what} must be equal, got ${a} and ${b}`);
}

/** An input of a dot layer. */
interface Side {
  readonly chain: Chain;
  /** The axis to sum over, and that of the layer; the axis that remains. */
  readonly summed: Axis;
  readonly layerAxis: number;
  readonly rest: Axis;
  /** Whether it is divided by its norm. */
  readonly normalize: boolean;
  /** The number by which it is multiplied. */
  readonly scale: Formula;
}

function sideOf(node: NodeReader, output: LayerOutput, summedAt: 1 | 2): Side {
  const { axes, formula } = output;
  const [summed, rest] = [axes[summedAt], axes[3 - summedAt]] as [Axis, Axis];
  const isSequence = axes.includes('time');
  const kinds = [summed, rest].sort().join();
  if (
    axes.length !== 3 ||
    axes[0] !== 'batch' ||
    kinds !== (isSequence ? 'time,width' : 'one,width') ||
    summed === 'one'
  )
    node.fail(`must multiply matrices of each sample, over features or time steps, got the input [${axes.join(', ')}]`);
  const normalize = formula.outer?.text === normalized(summed, identity).text;
  const isScaledLayer = !normalize && formula.unscaled && layersOf(formula.unscaled);
  const below = normalize ? formula.inner! : isScaledLayer ? formula.unscaled! : formula;
  if (output.otherwise && !layersOf(below)) return sideOf(node, { ...output.otherwise(), axes }, summedAt);
  const [{ chain }] = operand(node, { ...output, formula: below }).parts as [LayerOutput['parts'][0]];
  const scale = isScaledLayer ? withoutX(formula) : constant(1);
  return { chain, summed, layerAxis: summed === 'time' || !isSequence ? 1 : 2, rest, normalize, scale };
}

function dot(node: NodeReader, a: LayerOutput, b: LayerOutput): LayerOutput {
  const [left, right] = [sideOf(node, a, 2), sideOf(node, b, 1)];
  if (left.normalize !== right.normalize) {
    node.fail('must divide both inputs by their norms or neither, got one of them');
  }
  expectSameSize(node, 'the sizes that it sums over', sizeOfAxis(a, 2), sizeOfAxis(b, 1));
  const axes = left.layerAxis === right.layerAxis ? left.layerAxis : [left.layerAxis, right.layerAxis];
  const options = { axes, ...(left.normalize && { normalize: true }) };
  const sizes = [left.rest === 'one' ? null : sizeOfAxis(a, 1), right.rest === 'one' ? null : sizeOfAxis(b, 2)];
  const [first, second] = sizes.filter(size => size !== null);
  const steps = second === undefined ? null : first!;
  const chain = merged(node, 'dot', options, [left.chain, right.chain], steps, second ?? first ?? 1);
  const resultAxes: Axis[] =
    sizes[1] === null ? ['batch', 'width', 'one'] : ['batch', sizes[0] === null ? 'one' : 'time', 'width'];
  return { ...layerOutputOf(chain, resultAxes), formula: [left.scale, right.scale].reduce(times, identity) };
}

/** The number by which a formula multiplies another one. */
const withoutX = ({ scale, sources }: Formula): Formula => ({
  ...constant(scale),
  ...(sources && { sources }),
});

// --------------------------------------------------------------------------------------------------------------- norms

/** Smaller norms count as this in a dot layer. */
const LEAST_NORM = Math.fround(1e-7);

const normalized = (axis: Axis, of: Formula): Formula => apply(`Normalize_${axis}`, of);

/** The norms along an axis. */
export function norm(node: NodeReader): Norm {
  const of = node.layerOutput(0);
  const axes = node.list('axes', 1)?.map(axis => node.axis(axis, of.axes.length));
  if (axes?.length !== 1 || node.int('keepdims', 1) === 0) {
    node.fail('must give the norms along one axis, with keepdims, got something else');
  }
  return { kind: 'norm', of, axis: of.axes[axes[0]!]!, least: 0 };
}

/** The norms, but at least a number. */
export function boundNorm(node: NodeReader): Norm {
  const [a, b] = [node.value(0), node.value(1)];
  const [found, other] = a.kind === 'norm' ? [a, b] : [b, a];
  const least = onlyNumber(other);
  if (found.kind !== 'norm' || typeof least !== 'number' || node.count > 2) {
    return node.fail(`must bound the norms by a number, got ${nameOf(other)}`);
  }
  return { ...found, least };
}

/** Divides an output by its own norms. */
export function divideByNorm(node: NodeReader): Value {
  const [output, divisor] = [node.value(0), node.value(1)];
  if (divisor.kind !== 'norm' || output.kind !== 'layerOutput' || output !== divisor.of) {
    return node.fail('must divide an output by its own norms, got something else');
  }
  const { axis, least } = divisor;
  if (least !== LEAST_NORM) node.fail(`the norms must be at least 1e-7, as in a dot layer, got ${least}`);
  return node.mapFormula(output, formula => normalized(axis, formula));
}
