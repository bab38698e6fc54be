/** Converts the loops that `toOnnx` writes for minGRU and minLSTM, together with the product before them. */

import { type ActivationName, activations, rowActivations } from '../layers/activations.ts';
import { Graph } from './graph.ts';
import { callMasks } from './masks.ts';
import { NodeReader } from './nodeReader.ts';
import { type AttributeProto, type Draft, type GraphProto, isStandard } from './proto.ts';
import { initialStates, rejectUnsupported } from './readRecurrent.ts';
import { type Axis, type LayerSpec, lastOf, layerOutputOf, type Mask, nameOf, type Value } from './values.ts';
import { writeStep } from './writeMinRnn.ts';

/** What the body of a loop computes. */
export interface MinimalStep {
  readonly factory: 'minGRU' | 'minLSTM';
  /** The gates and the candidate. */
  readonly gates: number;
  readonly activation: ActivationName;
  readonly isMasked: boolean;
}

/** Longer descriptions are not of such a step. */
const MOST_CHARACTERS = 2000;

/** The steps by the description of the body that `toOnnx` writes. */
let known: ReadonlyMap<string, MinimalStep> | null = null;

function knownSteps(): ReadonlyMap<string, MinimalStep> {
  known ??= new Map(
    activations
      .filter(activation => !rowActivations.includes(activation))
      .flatMap(activation =>
        (['minGRU', 'minLSTM'] as const).flatMap((factory, n) =>
          [false, true].map(isMasked => {
            const step = { factory, gates: n + 2, activation, isMasked };
            return [written(step), step] as const;
          }),
        ),
      ),
  );
  return known;
}

/** The description of the body of a step. */
function written({ gates, activation, isMasked }: MinimalStep): string {
  const outer = new Graph();
  const body = new Graph(outer);
  const after = writeStep(body, '', gates, activation, 'before', 'sums', isMasked ? 'counts' : null);
  const numbers = new Map(
    outer
      .finish('')
      .initializer!.map(({ name, rawData }) => [name!, new Float32Array((rawData as Uint8Array).slice().buffer)[0]!]),
  );
  const inputs = ['before', 'sums', ...(isMasked ? ['counts'] : [])];
  return descriptionOf(body.finish(''), inputs, [after, after], name => numbers.get(name) ?? null)!;
}

/**
 * Describes outputs of a body as nested calls of operators.
 *
 * @param numberOf the constant that the body reads from the graph around it; null for none
 * @returns null if it reads anything else, or is longer than any step
 */
function descriptionOf(
  body: Draft<GraphProto>,
  inputs: readonly string[],
  outputs: readonly string[],
  numberOf: (name: string) => number | null,
): string | null {
  const texts = new Map(inputs.map((name, n) => [name, `input ${n}`]));
  for (const { domain = '', opType, input = [], output = [], attribute = [] } of body.node ?? []) {
    const given = input.map(name => texts.get(name) ?? numberOf(name)?.toString());
    const text = opType === 'Identity' ? given[0] : `${opType}(${[...given, ...attribute.map(settingOf)].join()})`;
    if (!isStandard(domain) || given.includes(undefined) || text === undefined || text.length > MOST_CHARACTERS) {
      return null;
    }
    for (const [n, name] of output.entries()) texts.set(name, n === 0 && output.length === 1 ? text : `${text}:${n}`);
  }
  const found = outputs.map(name => texts.get(name));
  return found.includes(undefined) ? null : found.join(';');
}

const settingOf = ({ name, i, f, ints, floats, s }: Draft<AttributeProto>): string =>
  [name, i, f === undefined ? f : Math.fround(f), ints?.join(' '), floats?.join(' '), s].join(' ');

/** The step that the body of a loop computes; null if it is not one of minGRU or minLSTM. */
export function minimalStep(node: NodeReader, body: GraphProto): MinimalStep | null {
  if (body.initializer.length > 0) return null;
  const numberOf = (name: string) => {
    const value = node.source.values.get(name);
    return value?.kind === 'floats' && value.dims.length === 0 ? (value.values[0] ?? null) : null;
  };
  const names = (list: GraphProto['input']) => list.map(({ name }) => name);
  const description = descriptionOf(body, names(body.input), names(body.output), numberOf);
  return (description !== null && knownSteps().get(description)) || null;
}

/** @returns the final state, and the outputs of all steps */
export function readMinimal(
  node: NodeReader,
  { factory, gates, activation }: MinimalStep,
  reverse: boolean,
  mask: Mask | null,
): Value[] {
  // The inputs in the order of a GRU node
  const input = [node.inputName(1), '', '', '', '', node.inputName(0)];
  const proto = { name: node.name, opType: 'Scan', domain: '', input, output: [], attribute: [] };
  const reader = new NodeReader(node.source, proto, node.position);
  const wanted: Axis[] = ['time', 'batch', 'width'];
  const x = reader.layerInput(0);
  if (x.axes.join() !== wanted.join()) reader.rejectAxes(x, wanted);
  const { chain } = x.parts[0]!;
  const { spec, below, steps } = chain;
  const units = node.widthOf(chain) / gates;
  if (spec?.factory !== 'dense' || spec.options.activation !== 'linear' || !below || !Number.isInteger(units)) {
    return node.fail(
      `its sequence must be the product of a sequence and a kernel for ${gates} gates, got ${nameOf(x)}`,
    );
  }
  if (mask && below.flipped) {
    node.fail('must not have a mask of steps that the layer below outputs in reverse order');
  }
  rejectUnsupported(reader, steps!);
  const masks = callMasks(node, [below], [mask]);
  const initial = initialStates(reader, 'GRU', 1);
  const { useBias } = spec.options;
  const layer: LayerSpec = {
    factory,
    name: node.name,
    options: { units, useBias, activation, returnSequences: true, goBackwards: reverse !== below.flipped },
    weights: spec.weights,
    kind: 'steps',
    ...(spec.sources && { sources: spec.sources }),
    ...(initial && { initial }),
    ...(masks && { masks }),
  };
  const last = node.addLayer(below, lastOf(layer), { width: units, steps: null, flipped: false, mask: null });
  const sequence = node.addLayer(below, layer, { width: units, flipped: reverse, last, mask });
  return [layerOutputOf(last, ['batch', 'width']), layerOutputOf(sequence, wanted)];
}
