/** Reads a Conv over time as conv1d. */

import { inTimeOrder } from './insertedLayers.ts';
import type { NodeReader } from './nodeReader.ts';
import { transposed } from './rearrangeConstants.ts';
import type { Size } from './sizes.ts';
import { type DirectionOutput, type Floats, type LayerOutput, layerOutputOf } from './values.ts';

/** The attributes of a Conv over one axis. */
interface Windows {
  readonly kernelSize: number;
  readonly strides: number;
  readonly dilationRate: number;
}

export function conv(node: NodeReader): LayerOutput {
  const kernel = node.floats(1);
  if (kernel.dims.length !== 3 || kernel.values.length === 0) {
    node.fail(`its kernel must be [filters, inputs, kernelSize], got [${kernel.dims.join(', ')}]`);
  }
  const [filters, , kernelSize] = kernel.dims as [number, number, number];
  const given = node.withLayers(node.layerOutput(0));
  if (given.axes.join() !== 'batch,width,time') node.rejectAxes(given, ['batch', 'width', 'time']);
  const [{ chain }] = inTimeOrder(node, given).parts as [DirectionOutput];
  node.expectShape('its kernel', kernel, [filters, node.widthOf(chain), kernelSize]);
  if (node.int('group', 1) !== 1) node.fail(`its group must be 1, got ${node.int('group', 1)}`);
  const single = (name: string, otherwise: number) => {
    const [value = otherwise, ...more] = node.list(name, Number.POSITIVE_INFINITY) ?? [];
    return more.length === 0 ? value : node.fail(`its ${name} must be one number, got ${more.length + 1}`);
  };
  if (single('kernel_shape', kernelSize) !== kernelSize) node.fail('its kernel_shape must be that of its kernel');
  const windows = { kernelSize, strides: single('strides', 1), dilationRate: single('dilations', 1) };
  const { padding, steps } = paddingOf(node, windows, chain.steps!);
  const bias = node.has(2) ? node.floats(2) : null;
  if (bias) node.expectShape('its bias', bias, [filters]);
  node.spend(kernel.values.length + filters);
  const spec = {
    factory: 'conv1d',
    name: node.name,
    options: { filters, ...windows, padding, useBias: bias !== null },
    weights: [[transposed(node, kernel, [2, 1, 0]) as Floats, ...(bias ? [bias] : [])]],
    kind: 'other',
    sources: [kernel, ...(bias ? [bias] : [])],
  } as const;
  return layerOutputOf(node.addLayer(chain, spec, { width: filters, steps, mask: null }), ['batch', 'width', 'time']);
}

/** The padding of the layer, and the number of output steps. */
function paddingOf(node: NodeReader, windows: Windows, given: Size): { padding: string; steps: Size } {
  const { kernelSize, strides, dilationRate } = windows;
  const reach = dilationRate * (kernelSize - 1);
  const auto = node.string('auto_pad', 'NOTSET');
  const pads = node.list('pads', Number.POSITIVE_INFINITY) ?? [0, 0];
  const [before = 0, after = 0] = pads;
  if (pads.length !== 2 || !['NOTSET', 'VALID', 'SAME_UPPER'].includes(auto)) {
    node.fail('must have two pads, or auto_pad VALID or SAME_UPPER');
  }
  /** An open number of steps gets a name, which is the same for the same windows. */
  const shortened = (zeros: number, what: string): Size => {
    if (typeof given === 'number') return Math.floor((given + zeros - reach - 1) / strides) + 1;
    if (strides === 1 && zeros === reach) return given;
    return `windows${node.idOf(`${what} ${given} ${kernelSize} ${strides} ${dilationRate}`)}`;
  };
  const same = typeof given === 'number' ? Math.ceil(given / strides) : strides === 1 ? given : shortened(0, 'same');
  if (auto === 'SAME_UPPER') return { padding: 'same', steps: same };
  if (auto === 'VALID' || (before === 0 && after === 0)) return { padding: 'valid', steps: shortened(0, 'valid') };
  if (before === reach && after === 0) return { padding: 'causal', steps: shortened(reach, 'causal') };
  if (strides === 1 && before === Math.floor(reach / 2) && before + after === reach)
    return { padding: 'same', steps: same };
  if (typeof given === 'number' && shortened(before + after, '') === same) {
    const zeros = Math.max(0, ((same as number) - 1) * strides + reach + 1 - given);
    if (before === Math.floor(zeros / 2)) return { padding: 'same', steps: same };
  }
  return node.fail(`its pads must be those of padding valid, same or causal, got [${before}, ${after}]`);
}
