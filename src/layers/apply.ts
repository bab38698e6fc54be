/** `layer.apply`: adds a call of a layer to a graph, or computes it at once. */

import { fail, show } from '../util/errors.ts';
import { checkBoolean, checkOptions } from '../util/options.ts';
import { Place } from '../util/part.ts';
import { type Shape, showShape } from '../util/shapes.ts';
import { LayerNode, SymbolicTensor } from './symbolicTensor.ts';

/** What `apply` needs of a layer. */
interface Applicable {
  readonly name: string;
  readonly takesInitialStates: boolean;
  connect(call: string, inputs: readonly Shape[]): Shape[];
}

/** The options of `layer.apply`; `ApplyOptions` describes them. */
interface Options {
  readonly initialState?: unknown;
  readonly mask?: unknown;
  readonly training?: boolean;
}

/** Computes a layer for tensors. */
export type ApplyAtOnce = (call: string, layer: Applicable, inputs: unknown, options: Options) => unknown;

export const applyPlace: Place<ApplyAtOnce> = /* @__PURE__ */ new Place('layersOfTensors');

/** The call that symbolic inputs add to a graph, or the result for tensors. */
export function applyLayer<L extends Applicable>(
  layer: L,
  inputs: unknown,
  options: object | undefined,
): LayerNode<L> | { readonly result: unknown } {
  const call = `${layer.name}.apply`;
  const known = checkOptions<Options>(call, options, ['initialState', 'mask', 'training']);
  const training = known.training === undefined ? null : checkBoolean(call, 'training', known.training);
  const states = [known.initialState ?? []].flat();
  if (states.length > 0 && !layer.takesInitialStates) {
    fail(call, `initialState must not be given, because ${layer.name} has no states`);
  }
  const given: unknown[] = Array.isArray(inputs) ? inputs : [inputs];
  const all = [...given, ...states];
  if (!all.some(value => value instanceof SymbolicTensor)) {
    return { result: applyPlace.need(call)(call, layer, inputs, { ...known, initialState: states }) };
  }
  const tensors = all.map(value => {
    if (value instanceof SymbolicTensor) return value as SymbolicTensor<L>;
    return fail(call, `inputs must all be symbolic tensors, got ${show(value)} among them`);
  });
  const masks = listMasks(call, known.mask, given.length).map((mask, n) => {
    if (mask === null) return null;
    if (!(mask instanceof SymbolicTensor)) return fail(call, `mask must be a symbolic tensor, got ${show(mask)}`);
    checkMaskShape(call, layer.name, tensors[n]!.shape, mask.shape);
    return mask as SymbolicTensor<L>;
  });
  const shapes = tensors.map(({ shape }) => shape);
  return new LayerNode<L>(layer, tensors, layer.connect(call, shapes), states.length, training, masks);
}

/** The masks of the inputs, null for those without one; an empty list if none are given. */
export function listMasks(call: string, given: unknown, count: number): readonly unknown[] {
  if (given === undefined || given === null) return [];
  const masks: readonly unknown[] = Array.isArray(given) ? given : [given];
  if (masks.length === count && (count === 1 || Array.isArray(given))) return masks;
  const rule = count === 1 ? 'be one mask' : `be a list of ${count} masks, one for each input, with null for none`;
  return fail(call, `mask must ${rule}, got ${masks.length}`);
}

/** Fails if a mask cannot be that of an input. */
export function checkMaskShape(call: string, layer: string, input: Shape, mask: Shape): void {
  const differs = (axis: number) => {
    const [n, other] = [input[axis]!, mask[axis]!];
    return n !== null && other !== null && n !== other;
  };
  if (input.length === 3 && mask.length === 2 && !differs(0) && !differs(1)) return;
  const rule = `the mask of '${layer}' must be [batch, timeSteps] for an input [batch, timeSteps, features]`;
  fail(call, `${rule}, got ${showShape(mask)} for the input ${showShape(input)}`);
}
