/** Elementwise operators on outputs of layers: sums, products, activations. */

import { mergeDirections } from './directions.ts';
import { apply, constant, type Formula, identity, plus, times } from './formula.ts';
import { withAxes } from './insertedLayers.ts';
import { mergeOutputs } from './mergeOutputs.ts';
import type { NodeReader } from './nodeReader.ts';
import { pairsOf } from './pairs.ts';
import { INT32, INT64 } from './proto.ts';
import { type DirectionOutput, type LayerOutput, layerOutputOf, nameOf, type Value } from './values.ts';
import { withBias } from './weightedLayers.ts';

export const difference = (a: Formula, b: Formula): Formula => plus(a, times(b, constant(-1)));

/**
 * Sums and products: with a number, with a bias, of two functions of the same output, or of both directions of a layer.
 */
export function combine(
  node: NodeReader,
  make: (a: Formula, b: Formula) => Formula,
  mode: 'sum' | 'mul' | null,
): Value {
  const [a, b] = [node.value(0), node.value(1)];
  for (const value of [a, b]) if (value.kind === 'unknown') return value;
  if (a.kind === 'layerOutput' && b.kind === 'layerOutput') {
    const pairs = mode === 'sum' && pairsOf(node, a, b);
    if (pairs) return pairs;
    const merged = mode && mergeDirections(node, [a, b], mode);
    if (merged) return merged;
    const together =
      a.heads === b.heads &&
      a.parts.length === b.parts.length &&
      a.parts.every(({ chain, half }, n) => chain === b.parts[n]!.chain && half === b.parts[n]!.half);
    if (!together && node.source.branches) return mergeOutputs(node, factoryOf[node.op]!, [a, b]);
    if (!together || a.axes.join() !== b.axes.join() || a.ids || b.ids) {
      node.fail(
        'its inputs must be functions of the output of one layer, got two layers; a sequential model has no branches',
      );
    }
    const output = node.withFormula(a, make(a.formula, b.formula));
    return node.source.branches
      ? { ...output, otherwise: () => mergeOutputs(node, factoryOf[node.op]!, [a, b]) }
      : output;
  }
  const [output, other] = a.kind === 'layerOutput' ? [a, b] : [b, a];
  if (output.kind !== 'layerOutput' || other.kind !== 'floats') {
    const why = node.why(`must combine outputs of layers with numbers, got ${nameOf(a)} and ${nameOf(b)}`);
    return { kind: 'unknown', why };
  }
  if (output.ids) node.fail('must not compute with ids; only an embedding accepts ids');
  const biased = mode === 'sum' && output.parts.length === 1 ? withBias(node, output, other) : null;
  if (biased) return biased;
  if (other.values.length !== 1 || other.dims.length > output.axes.length) {
    node.fail(
      `must combine a layer with one number or the bias of a dense layer, got the shape [${other.dims.join(', ')}]`,
    );
  }
  const number = constant(other.values[0]!, other);
  return node.mapFormula(output, formula => (output === a ? make(formula, number) : make(number, formula)));
}

/** Reads an input that must be one number. */
function numberOf(node: NodeReader, index: number): number {
  const { values } = node.floats(index);
  return values.length === 1
    ? values[0]!
    : node.fail(`input number ${index + 1} must be one number, got ${values.length}`);
}

export function divide(node: NodeReader): LayerOutput {
  const output = node.layerOutput(0);
  if (output.ids) node.fail('must not compute with ids; only an embedding accepts ids');
  const factor = constant(1 / numberOf(node, 1), node.value(1));
  return node.mapFormula(output, formula => times(formula, factor));
}

export function power(node: NodeReader): LayerOutput {
  const output = node.layerOutput(0);
  const exponent = numberOf(node, 1);
  const { formula } = output;
  if (output.ids || (exponent !== 2 && exponent !== 3)) {
    node.fail(`must be a square or a cube, got the power ${exponent}`);
  }
  return node.withFormula(output, exponent === 2 ? times(formula, formula) : times(formula, times(formula, formula)));
}

export function clip(node: NodeReader): LayerOutput {
  const bound = (name: string, index: number, otherwise: number) =>
    node.has(index) ? numberOf(node, index) : node.float(name, otherwise);
  const [least, most] = [bound('min', 1, Number.NEGATIVE_INFINITY), bound('max', 2, Number.POSITIVE_INFINITY)];
  // Exporters write the largest float32 for no bound
  return node.pointwise(0, 'Clip', least, most >= 3.4e38 ? Number.POSITIVE_INFINITY : most);
}

const factoryOf: { readonly [op: string]: string } = { Add: 'add', Sub: 'subtract', Mul: 'multiply' };

/** Reads an operator that merges all of its inputs. */
export function mergeAll(node: NodeReader, factory: string): LayerOutput {
  const outputs = node.values().map((_, n) => node.layerOutput(n));
  if (outputs.length === 1) return outputs[0]!;
  if (!node.source.branches) node.fail('must have one input, got more; a sequential model has no branches');
  return mergeOutputs(node, factory, outputs);
}

/** Reads a Min with a constant as an upper bound. */
export function atMost(node: NodeReader): LayerOutput {
  if (node.source.branches && node.values().every(value => value?.kind === 'layerOutput')) {
    return mergeAll(node, 'minimum');
  }
  if (node.has(2)) node.fail('must have two inputs, got more');
  const index = node.value(0).kind === 'floats' ? 1 : 0;
  return node.pointwise(index, 'Clip', Number.NEGATIVE_INFINITY, numberOf(node, 1 - index));
}

/** Softmax and LogSoftmax along the last axis. */
export function alongRows(node: NodeReader, op: string): LayerOutput {
  const given = node.layerOutput(0);
  const axis = node.axis(node.int('axis', node.source.opset < 13 ? 1 : -1), given.axes.length);
  const output = axis === 2 ? withAxes(node, given, ['batch', 'time', 'width']) : given;
  if (output.axes[axis] !== 'width' || axis !== output.axes.length - 1) {
    node.fail(`axis must be the last axis, the features, got ${axis} of [${output.axes.join(', ')}]`);
  }
  return output === given ? node.pointwise(0, op) : node.mapFormula(output, formula => apply(op, formula));
}

export function cast(node: NodeReader): LayerOutput {
  const output = node.layerOutput(0);
  const to = node.int('to', 0);
  const [{ chain }] = output.parts as [DirectionOutput];
  const toInteger = to === INT32 || to === INT64;
  if (output.ids && !toInteger && node.source.branches) {
    // Ids that are also read as the features of a sample, or as a mask
    return layerOutputOf({ ...chain, steps: null, width: chain.steps! }, ['batch', 'width']);
  }
  if (!toInteger) return output.ids ? node.fail('must not compute with ids; only an embedding accepts ids') : output;
  if (output.ids) return output;
  if (chain.spec || output.axes.length !== 2 || output.formula.text !== identity.text) {
    node.fail('only ids can be cast to integers, got the output of a layer');
  }
  // Ids passed as floats: the axis read as features is the time axis.
  return { ...layerOutputOf({ ...chain, steps: chain.width, width: 0 }, ['batch', 'time']), ids: true };
}
