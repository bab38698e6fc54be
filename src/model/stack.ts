/** The state of a sequential model: a list of layers, each of which takes the output of the layer before it. */

import { InputLayer } from '../layers/inputLayer.ts';
import { Layer } from '../layers/layer.ts';
import { LayerNode } from '../layers/symbolicTensor.ts';
import { fail, show } from '../util/errors.ts';
import { type Shape, showShape } from '../util/shapes.ts';
import { SharedWeights } from '../weights/sharedWeights.ts';
import { Graph } from './graph.ts';
import { ModelState } from './modelState.ts';

export class Stack extends ModelState {
  readonly #layers: Layer[] = [];
  /** The output of each layer here; its first call, which gives `outputShape`, may be in another graph. */
  readonly #outputs: Shape[] = [];
  /** Null until first used, and after the layers have changed. */
  #graph: Graph | null = null;

  get layers(): readonly Layer[] {
    return this.#layers;
  }

  get graph(): Graph | null {
    if (this.#layers.length === 0) return null;
    this.#graph ??= this.#chain();
    return this.#graph;
  }

  #chain(): Graph {
    const [first] = this.#layers as [Layer];
    const shape = inputOf(first)!;
    const source = new InputLayer({ batchInputShape: shape, name: `${first.name}_input` });
    const [input] = new LayerNode<Layer>(source, [], [shape]).outputs;
    let output = input!;
    for (const layer of this.#layers) {
      const node = new LayerNode(layer, [output], layer.connect('model', [output.shape]));
      layer.node = node;
      output = node.outputs[0]!;
    }
    return new Graph('model', [input!], [output]);
  }

  /** Adds a layer at the end. */
  push(call: string, layer: Layer): void {
    if (!(layer instanceof Layer)) fail(call, `layer must be one of layers.*, got ${show(layer)}`);
    const layers = this.#layers;
    if (layers.some(({ name }) => name === layer.name)) {
      fail(call, `the name of a layer must be unique in its model, got a second '${layer.name}'`);
    }
    const below = layers.at(-1);
    const isModel = layer.nestedLayers !== null;
    const input = this.#outputs.at(-1) ?? inputOf(layer);
    if (!input) fail(call, `the first layer must have inputShape or batchInputShape, got neither in '${layer.name}'`);
    if (below && layer.batchInputShape && !agree(layer.batchInputShape, input)) {
      const got = showShape(layer.batchInputShape);
      fail(call, `the input shape of '${layer.name}' must be that of the layer below, ${showShape(input)}, got ${got}`);
    }
    if (layer.readsIds && below && !(below instanceof InputLayer)) {
      fail(call, `${layer.name} must be the first layer, because its input is ids, got it on top of '${below.name}'`);
    }
    if (layer.store) fail(call, `layer must not belong to a model yet, got '${layer.name}'`);
    if (isModel && layer.connection.inputs.length > 1) {
      fail(
        call,
        `a layer of a sequential model must have one input, got ${layer.connection.inputs.length} of '${layer.name}'`,
      );
    }
    this.#rebuild(call, () => {
      this.seeds.rollBackOnError(() => {
        const outputs = layer.connect(call, [input]);
        if (outputs.length > 1) {
          layer.unbuild();
          fail(call, `a layer of a sequential model must have one output, got ${outputs.length} of '${layer.name}'`);
        }
        layer.drawSeeds(this.seeds);
        this.#outputs.push(outputs[0]!);
      });
      layers.push(layer);
    });
  }

  /** Removes the last layer. If other models share the weights, it keeps its own, because they may use it too. */
  pop(call: string): void {
    const last = this.#layers.at(-1) ?? fail(call, 'the model must have a layer, got none');
    this.#rebuild(call, () => {
      this.#layers.pop();
      this.#outputs.pop();
    });
    if (last.users === 0) last.unbuild();
  }

  /** Changes the layers. The weights are kept; the optimizer starts anew. */
  #rebuild(call: string, change: () => void): void {
    const before = this.#layers.length > 0 ? this.weights : null;
    const values = before?.isAllocated ? this.allLayers.map(layer => [layer, before.read(call, layer)] as const) : [];
    const [own, all] = [[...this.#layers], this.allLayers];
    change();
    for (const layer of own) layer.countContainers(-1);
    for (const layer of all) layer.users--;
    this.layersChanged();
    this.countUse(1);
    this.#graph = null;
    if (this.parameters) this.objective?.optimizer.setStep(0);
    this.parameters?.free();
    this.parameters = null;
    if (this.#layers.length === 0) {
      before?.removeModel(all);
      return;
    }
    if ((before && before.models > 1) || this.#layers.some(layer => layer.innerGraph)) {
      const shared = SharedWeights.of(call, this.allLayers);
      if (!before) shared.addModel();
      return;
    }
    new SharedWeights(this.allLayers).addModel();
    for (const [layer, own] of values) layer.initialValues = own;
    before?.free();
  }
}

/** The input shape of the first layer; null if it has none. */
const inputOf = (layer: Layer): Shape | null => (layer.nestedLayers ? layer.inputShape : layer.batchInputShape);

/** Whether two shapes can be of the same batch. */
const agree = (a: Shape, b: Shape): boolean =>
  a.length === b.length && a.every((n, axis) => n === null || b[axis] === null || n === b[axis]);
