/** Layers with weights other than recurrent ones: MatMul, Gemm, and Gather from a table. */

import { identity } from './formula.ts';
import { projectHeads } from './heads.ts';
import { withAxes } from './insertedLayers.ts';
import { idsMask } from './masks.ts';
import type { NodeReader } from './nodeReader.ts';
import { broadcast, transposed } from './rearrangeConstants.ts';
import { type DirectionOutput, type Floats, type LayerOutput, layerOutputOf } from './values.ts';

export function dense(node: NodeReader, x: LayerOutput, kernel: Floats, bias?: Floats): LayerOutput {
  const heads = projectHeads(node, x, kernel);
  if (heads) return heads;
  const given = node.withLayers(x);
  const output = withAxes(node, given, ['batch', 'time', 'width']);
  if (output.axes.at(-1) !== 'width') node.fail(`its input must end with the axis width, got [${x.axes.join(', ')}]`);
  const [{ chain }] = output.parts as [DirectionOutput];
  const units = kernel.dims[1] ?? 0;
  const width = node.widthOf(chain);
  node.expectShape('its kernel', kernel, [width, units]);
  if (units === 0 || width === 0) node.fail('its kernel must have at least one number, got none');
  node.spend(kernel.values.length);
  const spec = {
    factory: 'dense',
    name: node.name,
    options: { units, activation: 'linear', useBias: false },
    weights: [[kernel]],
    kind: 'each',
    sources: [kernel],
  } as const;
  const product = { ...output, parts: [{ chain: node.addLayer(chain, spec, { width: units }), half: null }] };
  if (!bias) return product;
  return (
    withBias(node, product, bias) ??
    node.fail(`its bias must be one number for each unit, got [${bias.dims.join(', ')}]`)
  );
}

/** Adds a bias to a dense layer; null if the summand is not a bias. */
export function withBias(node: NodeReader, output: LayerOutput, bias: Floats): LayerOutput | null {
  const [{ chain }] = output.parts as [DirectionOutput];
  const { spec, origin } = chain;
  const { dims, values } = bias;
  const fits = values.length === chain.width && dims.slice(0, -1).every(n => n === 1);
  const heads = !spec && origin?.kind === 'merge' ? origin.withBias : undefined;
  if (heads && fits && output.formula.text === identity.text && dims.length <= output.axes.length) {
    return { ...output, parts: [{ chain: heads(bias), half: null }] };
  }
  if (output.formula.text !== identity.text || spec?.factory !== 'dense' || spec.options.useBias || !fits) return null;
  if (dims.length > output.axes.length) return null;
  node.spend(values.length);
  const weights = [[spec.weights[0]![0]!, { dims: [values.length], values }]];
  const biased = node.replaceLayer(chain, {
    ...spec,
    options: { ...spec.options, useBias: true },
    weights,
    sources: [...(spec.sources ?? []), bias],
  });
  return { ...output, parts: [{ chain: biased, half: null }] };
}

/** Reads a Gemm: alpha A B + beta C, with A and B optionally transposed. */
export function gemm(node: NodeReader): LayerOutput {
  const x = node.layerOutput(0);
  if (x.axes.length !== 2) node.fail(`its input must have two axes, got [${x.axes.join(', ')}]`);
  const input = node.int('transA', 0) === 0 ? x : { ...x, axes: [...x.axes].reverse() };
  const kernel = node.floats(1);
  if (kernel.dims.length !== 2) node.fail(`its kernel must have two axes, got [${kernel.dims.join(', ')}]`);
  const matrix = node.int('transB', 0) === 0 ? kernel : (transposed(node, kernel, [1, 0]) as Floats);
  const bias = node.has(2) ? node.floats(2) : null;
  // A single number applies to all units
  const all = bias?.values.length === 1 ? (broadcast(node, { ...bias, dims: [] }, [matrix.dims[1]!]) as Floats) : bias;
  const beta = node.float('beta', 1);
  return dense(node, input, scaled(node, matrix, node.float('alpha', 1)), all ? scaled(node, all, beta) : undefined);
}

function scaled(node: NodeReader, floats: Floats, factor: number): Floats {
  if (factor === 1) return floats;
  node.spend(floats.values.length);
  return { ...floats, values: floats.values.map(value => value * factor) };
}

/** Reads a Gather of ids from a table as an embedding. */
export function embed(node: NodeReader, table: Floats, ids: LayerOutput): LayerOutput {
  if (!ids.ids) node.fail('its indices must be the input of the model, integers, got the output of a layer');
  if (table.dims.length !== 2 || table.values.length === 0) {
    node.fail(`its table must be [ids, width], got [${table.dims.join(', ')}]`);
  }
  if (node.axis(node.int('axis', 0), 2) !== 0) node.fail('its axis must be 0, that of the ids, got 1');
  const [{ chain }] = ids.parts as [DirectionOutput];
  const [inputDim, outputDim] = table.dims as [number, number];
  node.spend(table.values.length);
  const mask = node.source.maskedTables.has(node.inputName(0)) ? idsMask(node, chain) : null;
  const spec = {
    factory: 'embedding',
    name: node.name,
    options: { inputDim, outputDim, ...(mask && { maskZero: true }) },
    weights: [[table]],
    kind: 'other',
    sources: [table],
  } as const;
  return layerOutputOf(node.addLayer(chain, spec, { width: outputDim, mask }), [...ids.axes, 'width']);
}
