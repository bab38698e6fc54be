// Layers that users write in JavaScript: what they compute, their gradients, weights, masks and streams.

import * as lw from 'lstm-wasm';
import {
  type Initializer,
  layers,
  type Sequential,
  type SymbolicTensor,
  sequential,
  type Tensor,
  train,
} from 'lstm-wasm';
import { describe, expect, it } from 'vitest';
import { expectBits, expectClose } from '../compare.ts';
import { Centre, flat, Gate, Halves, MaskedSum, MaskNegative, numbers, OwnDense } from './customLayerClasses.ts';

const [B, T, D, O] = [5, 4, 3, 2];
const x = numbers([B, T, D], n => Math.sin(n));
const y = numbers([B, O], n => Math.cos(3 * n));
const rounding = { abs: 2e-6, rel: 2e-6 };

/** Weights that depend on their position only. */
const fixWeights = (model: Sequential | lw.FunctionalModel) =>
  model.setWeights(model.getWeights().map((w, k) => numbers(w.shape, n => 0.5 * Math.sin(7 * n + k))));

/** The gradients of a loss with respect to all weights: what sgd with rate 1 subtracts. */
function gradientsOf(model: Sequential | lw.FunctionalModel, xs: Tensor | Tensor[], ys: Tensor): Float32Array {
  const before = model.getWeights();
  const old = flat(model);
  model.compile({ optimizer: train.sgd(1), loss: 'meanSquaredError' });
  model.trainOnBatch(xs, ys);
  const gradients = flat(model).map((value, n) => old[n]! - value);
  model.setWeights(before);
  return gradients;
}

/** The same by central differences, in steps that are exact in float32. */
function differences(model: Sequential | lw.FunctionalModel, xs: Tensor | Tensor[], ys: Tensor): Float32Array {
  const before = model.getWeights();
  const step = 2 ** -7;
  const lossWith = (k: number, n: number, change: number) => {
    const values = before.map(w => w.clone());
    values[k]!.dataSync()[n]! += change;
    model.setWeights(values);
    return model.testOnBatch(xs, ys) as number;
  };
  const found = before.flatMap((weight, k) =>
    Array.from(weight.dataSync(), (_, n) => (lossWith(k, n, step) - lossWith(k, n, -step)) / (2 * step)),
  );
  model.setWeights(before);
  return Float32Array.from(found);
}

const symbol = (value: unknown) => value as SymbolicTensor;

describe('a custom layer trains', () => {
  it.each(['sgd', 'adam'] as const)('as the built-in dense, with %s', optimizer => {
    const modelOf = (make: typeof layers.dense | ((options: lw.DenseOptions) => OwnDense)) => {
      const model = sequential();
      model.add(layers.gru({ units: 4, returnSequences: true, inputShape: [T, D] }));
      model.add(make({ units: 6, activation: 'tanh', kernelRegularizer: lw.regularizers.l2({ l2: 0.01 }) }));
      model.add(layers.lstm({ units: 3 }));
      model.add(make({ units: O, activation: 'linear' }));
      fixWeights(model);
      model.compile({ optimizer: optimizer === 'sgd' ? train.sgd(0.1) : train.adam(0.01), loss: 'meanSquaredError' });
      return model;
    };
    const builtIn = modelOf(layers.dense);
    const custom = modelOf(options => new OwnDense(options as ConstructorParameters<typeof OwnDense>[0]));
    const losses = [builtIn, custom].map(model => [1, 2, 3, 4, 5].map(() => model.trainOnBatch(x, y) as number));
    const bounds = optimizer === 'sgd' ? rounding : { abs: 2e-5, rel: 2e-5 }; // adam amplifies roundings of small gradients
    expectClose(losses[1]!, losses[0]!, { ...bounds, what: 'losses' });
    expectClose(flat(custom), flat(builtIn), { ...bounds, what: 'weights' });
    expectClose(custom.predict(x).dataSync(), builtIn.predict(x).dataSync(), { ...bounds, what: 'predictions' });
    expect(custom.evaluate(x, y)).toBeCloseTo(Number(builtIn.evaluate(x, y)), 4);
  });

  it('among embedding, bidirectional and reversed layers, and below a cross-entropy', () => {
    class OwnSoftmax extends layers.Layer {
      static readonly className = 'OwnSoftmax';
      override call([a]: [Tensor]) {
        return a.softmax();
      }
    }
    const modelOf = (own: boolean) => {
      const dense = (units: number, activation: 'tanh' | 'linear') =>
        own ? new OwnDense({ units, activation }) : layers.dense({ units, activation });
      const model = sequential();
      model.add(layers.embedding({ inputDim: 7, outputDim: 3, inputLength: 4, maskZero: true }));
      model.add(dense(5, 'tanh'));
      model.add(layers.bidirectional({ layer: layers.lstm({ units: 3, returnSequences: true }) }));
      model.add(dense(5, 'tanh'));
      model.add(layers.gru({ units: 3, goBackwards: true }));
      model.add(dense(3, 'linear'));
      model.add(own ? new OwnSoftmax() : layers.softmax());
      fixWeights(model);
      model.compile({ optimizer: train.sgd(0.1), loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
      return model;
    };
    const [builtIn, custom] = [modelOf(false), modelOf(true)];
    const ids = lw.tensor([
      [1, 2, 3, 0],
      [4, 5, 6, 1],
      [2, 2, 0, 0],
    ]);
    const results = [builtIn, custom].map(model =>
      [1, 2, 3, 4, 5].flatMap(() => model.trainOnBatch(ids, lw.eye(3)) as number[]),
    );
    expectClose(results[1]!, results[0]!, { abs: 1e-5, rel: 1e-5, what: 'losses and accuracies' });
    expectClose(flat(custom), flat(builtIn), { abs: 1e-5, rel: 1e-5, what: 'weights' });
  });

  it('with the seed of the model as the built-in dense', () => {
    const weights = [layers.dense({ units: 3, inputShape: [D] }), new OwnDense({ units: 3, inputShape: [D] })].map(
      layer => flat(sequential({ layers: [layer], seed: 5 })),
    );
    expectBits(weights[1]!, weights[0]!);
  });
});

describe('the gradient of a custom layer agrees with finite differences', () => {
  const bounds = { abs: 2e-4, rel: 2e-3 };

  it('between other layers', () => {
    const model = sequential();
    model.add(layers.dense({ units: 4, activation: 'tanh', inputShape: [T, D] }));
    model.add(new OwnDense({ units: 5 }));
    model.add(layers.lstm({ units: 3 }));
    model.add(layers.dense({ units: O }));
    fixWeights(model);
    expectClose(gradientsOf(model, x, y), differences(model, x, y), bounds);
  });

  it('with several inputs, and applied several times', () => {
    const [a, b] = [lw.input({ shape: [T, D] }), lw.input({ shape: [T, D] })];
    const gate = new Gate();
    const dense = layers.dense({ units: D });
    const first = symbol(gate.apply([symbol(dense.apply(a)), b]));
    const second = symbol(gate.apply([first, symbol(dense.apply(first))]));
    const out = layers.dense({ units: O }).apply(symbol(layers.gru({ units: 3 }).apply(second)));
    const model = lw.model({ inputs: [a, b], outputs: symbol(out) });
    fixWeights(model);
    const both = [x, numbers([B, T, D], n => Math.cos(2 * n))];
    expectClose(gradientsOf(model, both, y), differences(model, both, y), bounds);
  });

  it('with several outputs', () => {
    const a = lw.input({ shape: [4] });
    const [left, right] = new Halves().apply<SymbolicTensor[]>(symbol(layers.dense({ units: 4 }).apply(a)));
    const model = lw.model({ inputs: a, outputs: symbol(layers.multiply().apply([left!, right!])) });
    fixWeights(model);
    const data = numbers([B, 4], n => Math.sin(n));
    expectClose(gradientsOf(model, data, y), differences(model, data, y), bounds);
  });

  it('with an output that nothing reads', () => {
    const a = lw.input({ shape: [4] });
    const [left] = new Halves().apply<SymbolicTensor[]>(symbol(layers.dense({ units: 4 }).apply(a)));
    const model = lw.model({ inputs: a, outputs: left! });
    fixWeights(model);
    const data = numbers([B, 4], n => Math.sin(n));
    expectClose(gradientsOf(model, data, y), differences(model, data, y), bounds);
  });

  it('with a mask', () => {
    const model = sequential();
    model.add(layers.masking({ inputShape: [T, D] }));
    model.add(new OwnDense({ units: 4 }));
    model.add(new MaskedSum());
    model.add(layers.dense({ units: O }));
    fixWeights(model);
    const padded = x.clone();
    padded.dataSync().fill(0, 2 * D, T * D);
    expectClose(gradientsOf(model, padded, y), differences(model, padded, y), bounds);
  });
});

describe('weights of a custom layer', () => {
  const modelOf = (layer: lw.Layer) => {
    const model = sequential({ layers: [layer] });
    model.compile({ optimizer: train.sgd(0.1), loss: 'meanSquaredError' });
    return model;
  };
  const [xs, ys] = [numbers([B, D], n => Math.sin(n)), numbers([B, D], n => Math.cos(n))];

  it('come in the order of Keras, those that are trained first', () => {
    const layer = new Centre({ inputShape: [D] });
    const model = modelOf(layer);
    expect(layer.weightPaths).toEqual([`${layer.name}/gain`, `${layer.name}/mean`]);
    expect(model.countParams()).toBe(2 * D);
    expect(layer.getWeights(true)).toHaveLength(1);
  });

  it('are read and written by their variables outside of call', () => {
    const layer = new OwnDense({ units: 2, inputShape: [D] });
    const model = modelOf(layer);
    layer.bias.write([1, 2]);
    expect(layer.bias.read().arraySync()).toEqual([1, 2]);
    expect(model.getWeights()[1]!.arraySync()).toEqual([1, 2]);
    expect([layer.kernel.name, layer.kernel.shape, layer.kernel.trainable]).toEqual(['kernel', [D, 2], true]);
  });

  it('that are not trained are stored when call writes them and the step succeeds', () => {
    const layer = new Centre({ inputShape: [D] });
    const model = modelOf(layer);
    model.trainOnBatch(xs, ys);
    const mean = xs.mean(0).mul(0.1).dataSync();
    expectClose(layer.mean.read().dataSync(), mean, rounding);
    model.trainOnBatch(
      numbers([B, D], () => Number.NaN),
      ys,
    );
    expectClose(layer.mean.read().dataSync(), mean, rounding);
    model.predict(xs);
    expectClose(layer.mean.read().dataSync(), mean, rounding);
  });

  it('stay as they are in a frozen layer', () => {
    const layer = new OwnDense({ units: D, inputShape: [D], trainable: false });
    const model = sequential({ layers: [layer, layers.dense({ units: D })] });
    model.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
    const before = layer.getWeights().map(w => w.clone());
    const others = flat(model);
    model.trainOnBatch(xs, ys);
    for (const [n, w] of layer.getWeights().entries()) expectBits(w.dataSync(), before[n]!.dataSync());
    expect(flat(model)).not.toEqual(others);
    layer.trainable = true;
    model.trainOnBatch(xs, ys);
    expect(layer.getWeights()[0]!.dataSync()).not.toEqual(before[0]!.dataSync());
  });

  it('follow constraints and regularizers', () => {
    class Positive extends layers.Layer {
      static readonly className = 'Positive';
      w!: lw.LayerVariable;
      override build() {
        this.w = this.addWeight('w', [D], 'float32', lw.initializers.constant({ value: 0.01 }), 'l2', true, 'nonNeg');
      }
      override call([a]: [Tensor]) {
        return a.mul(this.w.read());
      }
    }
    const layer = new Positive({ inputShape: [D] });
    const model = modelOf(layer);
    const away = xs.mul(-100);
    const loss = model.trainOnBatch(xs, away) as number;
    const expected = xs.mul(0.01).sub(away).square().mean().dataSync()[0]! + 0.01 * D * 0.01 ** 2;
    expect(loss / expected).toBeCloseTo(1, 5);
    expect(layer.w.read().arraySync()).toEqual([0, 0, 0]);
  });

  it('can be scalars and have more than two axes', () => {
    class Shapes extends layers.Layer {
      static readonly className = 'Shapes';
      scalar!: lw.LayerVariable;
      cube!: lw.LayerVariable;
      override build() {
        this.scalar = this.addWeight('scalar', [], 'float32', 'ones');
        this.cube = this.addWeight('cube', [2, 3, D], 'float32', 'ones');
      }
      override call([a]: [Tensor]) {
        return a.mul(this.scalar.read()).add(this.cube.read().mean([0, 1]));
      }
    }
    const model = modelOf(new Shapes({ inputShape: [D] }));
    expect(model.getWeights().map(({ shape }) => shape)).toEqual([[], [2, 3, D]]);
    expectClose(gradientsOf(model, xs, ys), differences(model, xs, ys), { abs: 2e-4, rel: 2e-3 });
  });
});

describe('masks of a custom layer', () => {
  it('are passed to call and on to the layers above', () => {
    const padded = x.clone();
    padded.dataSync().fill(0, 2 * D, T * D);
    const modelOf = (layer: lw.Layer) => {
      const model = sequential();
      model.add(layers.masking({ inputShape: [T, D] }));
      model.add(layer);
      model.add(layers.lstm({ units: 3 }));
      fixWeights(model);
      return model;
    };
    const [builtIn, custom] = [
      modelOf(layers.dense({ units: 2, activation: 'tanh' })),
      modelOf(new OwnDense({ units: 2 })),
    ];
    expectClose(custom.predict(padded).dataSync(), builtIn.predict(padded).dataSync(), rounding);
  });

  it('are those that computeMask returns', () => {
    const modelOf = (first: lw.Layer) => {
      const model = sequential({
        layers: [first, layers.lstm({ units: 3, returnSequences: true }), layers.dense({ units: 1 })],
      });
      fixWeights(model);
      model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
      return model;
    };
    const data = numbers([B, T, D], n => (Math.floor(n / D) % 3 === 1 ? -1 : Math.sin(n) ** 2));
    const targets = numbers([B, T, 1], n => n);
    const [masking, own] = [
      modelOf(layers.masking({ maskValue: -1, inputShape: [T, D] })),
      modelOf(new MaskNegative({ inputShape: [T, D] })),
    ];
    for (const step of [1, 2]) {
      expect(own.trainOnBatch(data, targets), `step ${step}`).toBeCloseTo(
        Number(masking.trainOnBatch(data, targets)),
        5,
      );
    }
    expectClose(flat(own), flat(masking), rounding);
  });
});

describe('a custom layer runs', () => {
  it('in a stream, if it computes each time step alone', () => {
    const model = sequential();
    model.add(layers.gru({ units: 4, returnSequences: true, inputShape: [null, D] }));
    model.add(new OwnDense({ units: 3 }));
    model.add(layers.lstm({ units: 2, returnSequences: true }));
    fixWeights(model);
    const expected = model.predict(x).dataSync();
    const stream = model.stream();
    const got = Array.from({ length: T }, (_, t) => [
      ...stream.step(x.dataSync().slice(t * D, (t + 1) * D) as Float32Array),
    ]);
    expectClose(got.flat(), expected.slice(0, T * 2), rounding);
    const before = got[0]!;
    stream.reset();
    expectClose(stream.step(Array.from(x.dataSync().slice(0, D))), before, rounding);
  });

  it('in a stream on constants, once for all steps', () => {
    let calls = 0;
    class Counted extends MaskedSum {
      static override readonly className = 'Counted' as 'MaskedSum';
      override call(...args: Parameters<MaskedSum['call']>) {
        calls++;
        return super.call(...args);
      }
    }
    const [steps, context] = [lw.input({ shape: [null, D] }), lw.input({ shape: [null, 3], name: 'context' })];
    const state = symbol(new Counted().apply(context));
    const out = layers.gru({ units: 3, returnSequences: true }).apply(steps, { initialState: state });
    const model = lw.model({ inputs: [steps, context], outputs: symbol(out) });
    fixWeights(model);
    const one = x.slice([0, 0, 0], [1, T, D]);
    const given = numbers([1, 5, 3], n => Math.sin(n) / 3);
    const expected = model.predict([one, given]).dataSync();
    calls = 0;
    const stream = model.stream({ constants: { context: given } });
    const got = Array.from({ length: T }, (_, t) => [
      ...stream.step(one.dataSync().slice(t * D, (t + 1) * D) as Float32Array),
    ]);
    expectClose(got.flat(), expected, rounding);
    expect(calls).toBe(1);
  });

  it('in models at another batch size, nested models and for tensors at once', () => {
    const layer = new OwnDense({ units: 2, inputShape: [T, D] });
    const inner = sequential({ layers: [layer] });
    const expected = inner.predict(x).dataSync();
    expectBits(inner.withBatchSize(B).predict(x).dataSync(), expected);
    const a = lw.input({ shape: [T, D] });
    const outer = lw.model({ inputs: a, outputs: symbol(inner.apply(a)) });
    expectBits(outer.predict(x).dataSync(), expected);
    expectBits(layer.apply(x).dataSync(), expected);
  });

  it('for sequences of any length and batches of any size', async () => {
    const model = sequential({
      layers: [new OwnDense({ units: 2, inputShape: [null, D] }), layers.lstm({ units: 1 })],
    });
    model.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
    for (const [batch, steps] of [
      [1, 2],
      [3, 7],
      [1, 2],
    ] as const) {
      const loss = model.trainOnBatch(numbers([batch, steps, D], Math.sin), numbers([batch, 1], Math.cos));
      expect(loss).toBeGreaterThan(0);
    }
    const { history } = await model.fit(numbers([10, 3, D], Math.sin), numbers([10, 1], Math.cos), {
      epochs: 2,
      batchSize: 4,
      validationSplit: 0.2,
      verbose: 0,
    });
    expect(history.val_loss).toHaveLength(2);
  });

  it('beside dropout with the numbers that dropout draws without it', () => {
    const other = sequential({ layers: [layers.dropout({ rate: 0.5, inputShape: [D] })] });
    class RunsAnother extends layers.Layer {
      static readonly className = 'RunsAnother';
      override call([a]: [Tensor]) {
        other.predict(
          numbers([2, D], () => 1),
          { training: true },
        );
        return a.mul(1);
      }
    }
    const losses = [
      layers.activation({ activation: 'linear', inputShape: [D] }),
      new RunsAnother({ inputShape: [D] }),
    ].map(layer => {
      const model = sequential({
        layers: [layer, layers.dropout({ rate: 0.5, seed: 3 }), layers.dense({ units: 1 })],
      });
      model.setWeights([numbers([D, 1], n => n + 1), numbers([1], () => 0)]);
      model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
      return [1, 2, 3].map(() => model.trainOnBatch(numbers([B, D], Math.sin), numbers([B, 1], Math.cos)) as number);
    });
    expectBits(losses[1]!, losses[0]!);
  });

  it('with kwargs.training in training, and where the call or predict says so', () => {
    const seen: boolean[] = [];
    class Watch extends layers.Layer {
      static readonly className = 'Watch';
      override call([a]: [Tensor], { training }: lw.CallArguments) {
        seen.push(training);
        return a.mul(1);
      }
    }
    const model = sequential({ layers: [new Watch({ inputShape: [D] }), layers.dense({ units: 1 })] });
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const [xs, ys] = [numbers([B, D], Math.sin), numbers([B, 1], Math.cos)];
    model.trainOnBatch(xs, ys);
    model.testOnBatch(xs, ys);
    model.predict(xs);
    model.predict(xs, { training: true });
    const a = lw.input({ shape: [D] });
    const always = lw.model({ inputs: a, outputs: symbol(new Watch().apply(a, { training: true })) });
    always.predict(xs);
    expect(seen).toEqual([true, false, false, true, true]);
  });
});

describe('initializers of a custom layer', () => {
  it('are given as objects or by name', () => {
    const make = (kernelInitializer: Initializer) =>
      flat(sequential({ layers: [new OwnDense({ units: 2, inputShape: [D], kernelInitializer })] }));
    expect([...make(lw.initializers.ones())]).toEqual([1, 1, 1, 1, 1, 1, 0, 0]);
  });
});
