// A sequential model of recurrent and dense layers in plain float64, described by the same objects as the fixtures and with
// the methods of the real one. Mean squared error is its only loss.

import type { ActivationName, RowActivationName } from './activations.ts';
import { type Block, block, sizeOf } from './block.ts';
import { denseBackward, denseForward } from './dense.ts';
import { type OtherSpec, otherLayerOf } from './layers.ts';
import { meanSquaredError } from './loss.ts';
import { type Optimizer, type OptimizerSpec, optimizerOf } from './optimizers.ts';
import { BidirectionalLayer, type Mask, PlainLayer, type Recurrent, type RecurrentSpec } from './recurrentLayers.ts';

/** The input shape of the first layer: [T,D], or with the batch [B,T,D]; null for a variable size. */
interface InputConfig {
  inputShape?: (number | null)[];
  batchInputShape?: (number | null)[];
}

export interface DenseConfig extends InputConfig {
  units: number;
  useBias?: boolean;
  activation?: ActivationName | RowActivationName;
}

export type DenseSpec = { class: 'dense'; config: DenseConfig };
export type LayerSpec =
  | RecurrentSpec
  | DenseSpec
  | { class: 'timeDistributed'; config: InputConfig & { layer: DenseSpec | OtherSpec } }
  | OtherSpec;

/** The output of a layer, and its backward pass: from the gradient of y to those of x and of the weights. */
interface Pass {
  y: Block;
  mask?: Mask;
  backward(dY: Float64Array): { dX: Float64Array; dWeights: Float64Array[] };
}

interface Layer {
  readonly width: number;
  readonly weights: Block[];
  /** Whether to run in training mode, for layers that behave differently there. */
  training?: boolean;
  forward(x: Block, mask?: Mask): Pass;
}

/** A dense layer works on the last axis, so that it and the time-distributed one are the same. */
class DenseLayer implements Layer {
  readonly width: number;
  readonly weights: Block[];

  constructor(
    private readonly config: DenseConfig,
    private readonly inputWidth: number,
  ) {
    this.width = config.units;
    this.weights = [block([inputWidth, config.units])];
    if (config.useBias ?? true) this.weights.push(block([config.units]));
  }

  forward(x: Block): Pass {
    const [kernel, bias] = this.weights.map(w => w.data) as [Float64Array, Float64Array?];
    const inputs = {
      sizes: { M: x.data.length / this.inputWidth, D: this.inputWidth, U: this.width },
      x: x.data,
      kernel,
      bias: bias ?? null,
      activation: this.config.activation,
    };
    const y = denseForward(inputs);
    return {
      y: block([...x.shape.slice(0, -1), this.width], y),
      backward(dY) {
        const { dX, dKernel, dBias } = denseBackward(inputs, y, dY);
        return { dX, dWeights: bias ? [dKernel, dBias] : [dKernel] };
      },
    };
  }
}

function layerOf(spec: LayerSpec, inputWidth: number): Layer {
  switch (spec.class) {
    case 'lstm':
    case 'gru':
    case 'simpleRNN':
    case 'minGRU':
    case 'minLSTM':
    case 'rnn':
      return new PlainLayer(spec, inputWidth);
    case 'bidirectional':
      return new BidirectionalLayer(spec, inputWidth);
    case 'dense':
      return new DenseLayer(spec.config, inputWidth);
    case 'timeDistributed':
      return layerOf(spec.config.layer, inputWidth);
    default:
      return otherLayerOf(spec, inputWidth);
  }
}

/** Weights are zero until `setWeights`; without an optimizer the model predicts and differentiates but cannot train. */
export class ReferenceModel {
  readonly #layers: Layer[] = [];
  readonly #optimizer: Optimizer | null;
  readonly #batchSize: number | null;

  constructor({ layers, optimizer }: { layers: LayerSpec[]; optimizer?: OptimizerSpec }) {
    const { inputShape, batchInputShape } = layers[0]!.config;
    this.#batchSize = batchInputShape?.[0] ?? null;
    let width = (batchInputShape ?? inputShape)!.at(-1)!;
    for (const spec of layers) {
      const layer = layerOf(spec, width);
      this.#layers.push(layer);
      width = layer.width;
    }
    this.#optimizer = optimizer ? optimizerOf(optimizer) : null;
  }

  /** The shapes of `getWeights`, layer after layer: kernel, recurrent kernel, bias. */
  get weightShapes(): number[][] {
    return this.#weights.map(w => [...w.shape]);
  }

  getWeights(): Block[] {
    return this.#weights.map(({ shape, data }) => block(shape, data));
  }

  setWeights(weights: Block[]): void {
    this.#weights.forEach((own, n) => {
      own.data.set(block(own.shape, weights[n]!.data).data);
    });
  }

  /** x [B,T,D] gives the output of the last layer, [B,T,U] or [B,U]. Updates the states of stateful layers. */
  predict(x: Block): Block {
    return this.#forward(x).y;
  }

  /** The loss. Updates the states of stateful layers. */
  testOnBatch(x: Block, y: Block): number {
    return meanSquaredError(this.predict(x).data, y.data).loss;
  }

  /** One step of the optimizer; the loss is that of the weights before it. Updates the states of stateful layers. */
  trainOnBatch(x: Block, y: Block): number {
    if (!this.#optimizer) throw new Error('trainOnBatch: the model needs an optimizer');
    const { loss, gradients } = this.#differentiate(x, y);
    const weights = this.#weights.map(w => w.data);
    this.#optimizer.step(weights, gradients);
    return loss;
  }

  /** The gradient of the loss with respect to every weight, in the order of `getWeights`. Changes nothing. */
  gradients(x: Block, y: Block): Block[] {
    const states = this.recurrent.map(layer => layer.states);
    const { gradients } = this.#differentiate(x, y);
    this.recurrent.forEach((layer, n) => {
      layer.states = states[n]!;
    });
    return gradients.map((values, n) => block(this.#weights[n]!.shape, values));
  }

  resetStates(): void {
    for (const layer of this.recurrent) layer.states = null;
  }

  /** The states of every recurrent layer, each [B,U]. */
  getStates(): Block[][] {
    return this.recurrent.map(({ states, stateWidths }) => {
      if (states) return states.map(({ shape, data }) => block(shape, data));
      const B = this.#batchSize;
      if (B === null) throw new Error('getStates: a state not yet computed needs batchInputShape');
      return stateWidths.map(U => block([B, U]));
    });
  }

  get #weights(): Block[] {
    return this.#layers.flatMap(layer => layer.weights);
  }

  get recurrent(): Recurrent[] {
    return this.#layers.filter(layer => layer instanceof PlainLayer || layer instanceof BidirectionalLayer);
  }

  #forward(x: Block): { y: Block; passes: Pass[] } {
    const passes: Pass[] = [];
    let y = x;
    let mask: Mask = null;
    for (const layer of this.#layers) {
      const pass = layer.forward(y, mask);
      passes.push(pass);
      y = pass.y;
      mask = pass.mask === undefined ? mask : pass.mask;
    }
    return { y, passes };
  }

  #differentiate(x: Block, targets: Block): { loss: number; gradients: Float64Array[] } {
    for (const layer of this.#layers) layer.training = true;
    const { y, passes } = this.#forward(x);
    for (const layer of this.#layers) layer.training = false;
    if (sizeOf(y.shape) !== targets.data.length) {
      throw new Error(`the targets must have the shape of the output, [${y.shape}], got [${targets.shape}]`);
    }
    const { loss, dOutputs } = meanSquaredError(y.data, targets.data);
    const gradients: Float64Array[][] = [];
    let dY = dOutputs;
    for (const pass of passes.reverse()) {
      const { dX, dWeights } = pass.backward(dY);
      gradients.unshift(dWeights);
      dY = dX;
    }
    return { loss, gradients: gradients.flat() };
  }
}
