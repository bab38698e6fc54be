// Custom layers that fail or are wrong: the error names the layer, and the call has changed nothing.

import * as lw from 'lstm-wasm';
import { layers, type Shape, type SymbolicTensor, sequential, type Tensor, train } from 'lstm-wasm';
import { describe, expect, it, vi } from 'vitest';
import { expectBits } from '../compare.ts';
import { Centre, flat, numbers, OwnDense } from './customLayerClasses.ts';

const [B, T, D] = [2, 3, 4];
const x = numbers([B, T, D], Math.sin);
const y = numbers([B, T, 1], Math.cos);

/** A layer whose methods a test replaces. */
class Odd extends layers.Layer {
  static readonly className = 'Odd';
  run: (x: Tensor, kwargs: lw.CallArguments) => unknown = given => given.mul(1);
  shape: (input: Shape) => unknown = input => input;
  weigh: (layer: { add: Odd['addWeight'] }) => void = () => {};

  override build() {
    this.weigh({ add: this.addWeight.bind(this) as never });
  }
  override call([given]: [Tensor], kwargs: lw.CallArguments): Tensor {
    return this.run(given, kwargs) as Tensor;
  }
  override computeOutputShape(input: Shape) {
    return this.shape(input) as Shape;
  }
}

/** Counts its calls in a weight that is not trained. */
class Counter extends layers.Layer {
  static readonly className = 'Counter';
  count!: lw.LayerVariable;

  override build() {
    this.count = this.addWeight('count', [1], 'float32', 'zeros', null, false);
  }
  override call([given]: [Tensor]): Tensor {
    this.count.write(this.count.read().add(1));
    return given.mul(1);
  }
}

/** A model with states, statistics and dropout around a layer. */
function modelAround(layer: lw.Layer) {
  const model = sequential({ seed: 4 });
  model.add(layers.lstm({ units: 3, returnSequences: true, stateful: true, batchInputShape: [B, T, D] }));
  model.add(layers.batchNormalization());
  model.add(new Counter());
  model.add(layer);
  model.add(layers.gru({ units: 2, returnSequences: true, stateful: true }));
  model.add(layers.dropout({ rate: 0.3 }));
  model.add(layers.dense({ units: 1 }));
  model.compile({ optimizer: train.adam(0.01), loss: 'meanSquaredError' });
  return model;
}
type Model = ReturnType<typeof modelAround>;

/** Everything that the next batch depends on. */
const stateOf = (model: Model) => model.snapshot();

const calls: Record<string, (model: Model) => unknown> = {
  trainOnBatch: model => model.trainOnBatch(x, y),
  testOnBatch: model => model.testOnBatch(x, y),
  predict: model => model.predict(lw.concat([x, x])),
  'predict in training mode': model => model.predict(lw.concat([x, x]), { training: true }),
  predictOnBatch: model => model.predictOnBatch(x),
  evaluate: model => model.evaluate(lw.concat([x, x]), lw.concat([y, y]), { batchSize: B }),
  inspect: model => model.inspect(model.layers[0] as never, x),
};
const publicName = (name: string) =>
  name.startsWith('predict in') ? 'predict' : name === 'evaluate' ? 'evaluate' : name;

describe('a call of a custom layer that fails leaves weights, states and optimizer as they were', () => {
  for (const [name, use] of Object.entries(calls)) {
    it(`in ${name}`, () => {
      const layer = new Odd({ name: 'odd' });
      const model = modelAround(layer);
      model.trainOnBatch(x, y);
      model.predict(x);
      const before = stateOf(model);
      // In the last batch, when states and statistics of earlier ones have moved
      let countdown = /^(predict|predict in .*|evaluate)$/.test(name) ? 1 : 0;
      layer.run = given => {
        if (countdown-- <= 0) throw new RangeError('no luck');
        return given.mul(1);
      };
      expect(() => use(model)).toThrow(`model.${publicName(name)}: call of layer 'odd' failed: no luck`);
      expectBits(stateOf(model), before);
      layer.run = given => given.mul(1);
      const again = modelAround(new Odd({ name: 'odd' }));
      again.restore(before);
      expect(model.trainOnBatch(x, y)).toBe(again.trainOnBatch(x, y));
      expectBits(stateOf(model), stateOf(again));
    });
  }

  it('in the second of two calls of the same layer', () => {
    const odd = new Odd({ name: 'odd' });
    const a = lw.input({ batchShape: [B, T, D] });
    const lstm = (units: number, from: SymbolicTensor) =>
      layers.lstm({ units, returnSequences: true, stateful: true }).apply(from) as SymbolicTensor;
    const out = odd.apply(lstm(D, odd.apply(lstm(D, a)) as SymbolicTensor));
    const model = lw.model({ inputs: a, outputs: out as SymbolicTensor });
    model.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
    model.trainOnBatch(x, x);
    const before = model.snapshot();
    let count = 0;
    odd.run = given => (++count === 2 ? 'no tensor' : given.mul(1));
    expect(() => model.trainOnBatch(x, x)).toThrow("call of layer 'odd' must return a tensor, got 'no tensor'");
    expectBits(model.snapshot(), before);
  });

  it.each<[string, (model: Model) => unknown]>([
    ['setWeights of another layer', ({ layers: [lstm] }) => lstm!.setWeights(lstm!.getWeights().map(w => w.mul(2)))],
    ['write of a weight of another layer', ({ layers: all }) => (all[2] as Counter).count.write([5])],
  ])('by %s', (_, change) => {
    const layer = new Odd({ name: 'odd' });
    const model = modelAround(layer);
    model.trainOnBatch(x, y);
    const before = stateOf(model);
    layer.run = given => {
      change(model);
      return given.mul(1);
    };
    for (const use of [() => model.trainOnBatch(x, y), () => model.predict(x)]) {
      expect(use).toThrow('weights must not change while a custom layer, loss or metric of their model runs');
      expectBits(stateOf(model), before);
    }
    layer.run = given => given.mul(1);
    model.layers[0]!.setWeights(model.layers[0]!.getWeights());
    expect(model.trainOnBatch(x, y)).toBeGreaterThan(0);
  });

  it('by training of another model with the same layers', () => {
    const input = lw.input({ batchShape: [B, T, D] });
    const dense = layers.dense({ units: D });
    const layer = new Odd({ name: 'odd' });
    const hidden = dense.apply(input) as SymbolicTensor;
    const [model, other] = [layer.apply(hidden), hidden].map(outputs =>
      lw.model({ inputs: input, outputs: outputs as SymbolicTensor }),
    ) as [lw.FunctionalModel, lw.FunctionalModel];
    for (const one of [model, other]) one.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
    const before = [model.snapshot(), other.snapshot()];
    layer.run = given => {
      other.trainOnBatch(x, x);
      return given.mul(1);
    };
    expect(() => model.predict(x)).toThrow('model.trainOnBatch: weights must not change while a custom layer');
    for (const [n, one] of [model, other].entries()) expectBits(one.snapshot(), before[n]!);
  });

  it('in the gradient', () => {
    const layer = new Odd({ name: 'odd' });
    const model = modelAround(layer);
    model.trainOnBatch(x, y);
    const before = stateOf(model);
    layer.run = given => {
      const squared = given.mul(given);
      structuredClone(given.dataSync(), { transfer: [given.dataSync().buffer as ArrayBuffer] });
      return squared;
    };
    expect(() => model.trainOnBatch(x, y)).toThrow("model.trainOnBatch: the gradient of layer 'odd' failed: ");
    expectBits(stateOf(model), before);
  });

  it('in a stream, at a step and in the constants', () => {
    const [steps, context] = [lw.input({ shape: [null, D] }), lw.input({ shape: [2], name: 'context' })];
    const [first, second] = [new Odd({ name: 'first' }), new Odd({ name: 'second' })];
    first.perTimeStep = true;
    const state = second.apply(context) as SymbolicTensor;
    const seq = layers.gru({ units: 2, returnSequences: true }).apply(steps, { initialState: state }) as SymbolicTensor;
    const out = layers.gru({ units: 2, returnSequences: true }).apply(first.apply(seq) as SymbolicTensor);
    const model = lw.model({ inputs: [steps, context], outputs: out as SymbolicTensor });
    const [one, other] = [numbers([1, 2], n => n / 3), numbers([1, 2], n => -n)];
    const stream = model.stream({ constants: { context: one } });
    const input = Float32Array.of(1, 2, 3, 4);
    stream.step(input);
    const states = () => Float32Array.from(stream.getStates().flatMap(list => list.flatMap(s => [...s.dataSync()])));
    const before = states();
    first.run = () => null;
    expect(() => stream.step(input)).toThrow("stream.step: call of layer 'first' must return a tensor, got null");
    expectBits(states(), before);
    second.run = () => {
      throw new Error('not now');
    };
    expect(() => stream.reset()).toThrow("stream.reset: call of layer 'second' failed: not now");
    expect(() => stream.setConstants({ context: other })).toThrow("call of layer 'second' failed: not now");
    expectBits(states(), before);
    const ok = (given: Tensor) => given.mul(1);
    [first.run, second.run] = [ok, ok];
    const twin = model.stream({ constants: { context: one } });
    twin.step(input);
    expectBits(stream.step(input), twin.step(input));
    stream.reset();
    twin.reset();
    expectBits(stream.step(input), twin.step(input));
  });

  it('in fit, in the batch that fails', async () => {
    const layer = new Odd({ name: 'odd' });
    const model = modelAround(layer);
    layer.run = given => given.mul(Number.NaN).slice([0, 0, 0], [1, T, 3]);
    const before = stateOf(model);
    await expect(model.fit(x, y, { batchSize: B, verbose: 0, shuffle: false })).rejects.toThrow(
      "model.fit: call of layer 'odd' must return a tensor of the shape [2, 3, 3], as computeOutputShape does, got [1, 3, 3]",
    );
    expectBits(stateOf(model), before);
  });
});

describe('results of call', () => {
  it.each([
    ['undefined', () => undefined, 'must return a tensor, got undefined'],
    ['a promise', async () => {}, 'must return a tensor, got a Promise'],
    ['a number', () => 3, 'must return a tensor, got 3'],
    ['two tensors', (a: Tensor) => [a, a], 'must return a tensor, got 2'],
    [
      'another rank',
      (a: Tensor) => a.sum(1),
      'must return a tensor of the shape [2, 3, 3], as computeOutputShape does, got [2, 3]',
    ],
  ])('that are %s are an error', (_, run, message) => {
    const layer = new Odd({ name: 'odd' });
    const model = modelAround(layer);
    layer.run = run;
    expect(() => model.predict(x)).toThrow(`model.predict: call of layer 'odd' ${message}`);
  });

  it('that are NaN give a loss of NaN, and the batch changes nothing', () => {
    const layer = new Odd();
    const model = modelAround(layer);
    model.trainOnBatch(x, y);
    const before = stateOf(model);
    layer.run = given => given.mul(Number.NaN);
    expect(model.trainOnBatch(x, y)).toBeNaN();
    expectBits(stateOf(model), before);
  });

  it('may be integers, or an input itself', () => {
    const layer = new Odd({ inputShape: [2] });
    const model = sequential({ layers: [layer] });
    layer.run = given => given.cast('int32');
    expect(model.predict([[1.5, -2.5]]).arraySync()).toEqual([[1, -2]]);
    layer.run = given => given;
    expect(model.predict([[1.5, -2.5]]).arraySync()).toEqual([[1.5, -2.5]]);
  });
});

describe('a custom layer must not use its model', () => {
  const uses: Record<string, (model: Model) => unknown> = {
    predict: model => model.predict(x),
    trainOnBatch: model => model.trainOnBatch(x, y),
    compile: model => model.compile({ optimizer: 'sgd', loss: 'mse' }),
    dispose: model => model.dispose(),
    setWeights: model => model.setWeights(model.getWeights()),
    add: model => model.add(layers.dense({ units: 1 })),
  };
  for (const [name, use] of Object.entries(uses)) {
    it(`in call, by ${name}`, () => {
      const layer = new Odd();
      const model = modelAround(layer);
      model.trainOnBatch(x, y);
      const before = stateOf(model);
      layer.run = given => {
        use(model);
        return given;
      };
      const message = 'must not be used by its own custom layers, losses and metrics';
      expect(() => model.trainOnBatch(x, y)).toThrow(message);
      expect(() => model.predict(x)).toThrow(message);
      layer.run = given => given.mul(1);
      expectBits(stateOf(model), before);
    });
  }

  it('in call, by making another model of its layers', () => {
    const [a, odd] = [lw.input({ shape: [D] }), new Odd({ name: 'odd' })];
    const dense = layers.dense({ units: D });
    const model = lw.model({ inputs: a, outputs: odd.apply(dense.apply(a) as SymbolicTensor) as SymbolicTensor });
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const data = numbers([B, D], Math.sin);
    model.trainOnBatch(data, data);
    const before = flat(model);
    odd.run = given => {
      const other = layers.dense({ units: 2 }).apply(dense.apply(a) as SymbolicTensor);
      lw.model({ inputs: a, outputs: other as SymbolicTensor });
      return given;
    };
    expect(() => model.trainOnBatch(data, data)).toThrow('custom layers must not move the weights of the model');
    expectBits(flat(model).subarray(0, before.length), before);
    odd.run = given => given;
    expect(model.trainOnBatch(data, data)).toBeGreaterThan(0);
  });

  it('in call, by its own stream, or by applying a layer', () => {
    const layer = new Odd({ inputShape: [D], name: 'odd' });
    const model = sequential({ layers: [layer] });
    const stream = model.stream();
    layer.run = () => stream.step(new Float32Array(D));
    expect(() => stream.step(new Float32Array(D))).toThrow('the stream must not be used by its own custom layers');
    const dense = layers.dense({ units: D });
    layer.run = given => dense.apply(given);
    expect(() => model.predict([[1, 2, 3, 4]])).toThrow('a layer must not be applied in call of a custom layer');
  });
});

describe('custom layers are checked', () => {
  const connect = (odd: Odd, shape: Shape = [T, D]) => odd.apply(lw.input({ shape }));

  it.each<[string, (layer: { add: Odd['addWeight'] }) => void, string]>([
    ['without a name', l => l.add('', [1]), 'name must be a non-empty string'],
    ['of a name that is taken', l => [l.add('a', [1]), l.add('a', [1])], "name must be unique, got a second 'a'"],
    ['of an open shape', l => l.add('a', [null]), 'shape must be an array of integers, got [null]'],
    ['without numbers', l => l.add('a', [0]), 'shape must have sizes of at least 1, got [0]'],
    ['of integers', l => l.add('a', [1], 'int32' as never), "dtype must be 'float32', got 'int32'"],
    ['of an unknown initializer', l => l.add('a', [1], null, 'nothing' as never), "unknown initializer 'nothing'"],
    ['of an initializer for matrices', l => l.add('a', [1], null, 'orthogonal'), 'a must be a matrix'],
  ])('for weights %s', (_, weigh, message) => {
    const odd = new Odd({ name: 'odd' });
    odd.weigh = weigh;
    expect(() => connect(odd)).toThrow(message);
    odd.weigh = layer => layer.add('w', [1]);
    expect(connect(odd).shape).toEqual([null, T, D]);
  });

  it('for weights that are added outside of build', () => {
    const odd = new Odd({ name: 'odd' });
    let add: Odd['addWeight'] | null = null;
    odd.weigh = layer => {
      add = layer.add;
    };
    connect(odd);
    expect(() => add!('late', [1])).toThrow('odd.addWeight: must be called in build');
  });

  it.each([
    ['no list', () => 3, 'must be an array of integers or null, got 3'],
    ['four axes', (s: Shape) => [...s, 2], 'must return [null, features] or [null, timeSteps, features]'],
    ['an open last axis', (s: Shape) => [s[0], 2, null], 'must return [null, features]'],
    ['another batch', () => [7, 2], 'must return [null, features]'],
  ])('for shapes of the output that are %s', (_, shape, message) => {
    const odd = new Odd({ name: 'odd' });
    odd.shape = shape;
    expect(() => connect(odd)).toThrow(message);
    expect(odd.built).toBe(false);
  });

  it('for errors in build and computeOutputShape', () => {
    const odd = new Odd({ name: 'odd' });
    const wrong = () => {
      throw new TypeError('why');
    };
    odd.weigh = wrong;
    expect(() => connect(odd)).toThrow("odd.apply: build of layer 'odd' failed: why");
    odd.weigh = () => {};
    odd.shape = wrong;
    expect(() => sequential({ layers: [layers.dense({ units: 1, inputShape: [T, D] }), odd] })).toThrow(
      "computeOutputShape of layer 'odd' failed: why",
    );
  });

  it('for masks, which end with a warning at a layer that does not support them', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const model = sequential({ layers: [layers.masking({ inputShape: [T, D] }), new Odd({ name: 'odd' })] });
    model.predict(x);
    model.predict(x.slice([0, 0, 0], [1, T, D]));
    expect(warn.mock.calls).toEqual([
      ['odd: the mask of the input ends here, because the layer does not set supportsMasking to true'],
    ]);
    warn.mockRestore();
  });

  it('for masks of other time steps than the output', () => {
    const odd = new Odd({ name: 'odd' });
    odd.supportsMasking = true;
    odd.shape = ([b, , d]) => [b, 1, d];
    odd.run = given => given.sum(1, true);
    const model = sequential({ layers: [layers.masking({ inputShape: [T, D] }), odd] });
    expect(() => model.predict(x)).toThrow('odd: the layer must override computeMask');
  });

  it('for calls with inputs of other ranks or numbers than the first', () => {
    const odd = new Odd({ name: 'odd' });
    connect(odd);
    const message = 'the inputs of odd must have the same ranks in every call, first [null, 3, 4], got ';
    expect(() => connect(odd, [D])).toThrow(`${message}[null, 4]`);
    const a = lw.input({ shape: [T, D] });
    expect(() => odd.apply([a, a])).toThrow(`${message}[null, 3, 4] and [null, 3, 4]`);
    expect(connect(odd, [7, D]).shape).toEqual([null, 7, D]);
  });

  it('for streams, which need perTimeStep', () => {
    const model = sequential({ layers: [new Odd({ inputShape: [T, D], name: 'odd' })] });
    expect(() => model.stream()).toThrow("every layer must work on one time step at a time, which 'odd' does not");
  });

  it('for timeDistributed, which takes none', () => {
    expect(() => layers.timeDistributed({ layer: new Odd() })).toThrow('layer must be a dense layer');
  });

  it('for writes in call to weights that are trained', () => {
    const layer = new Centre({ inputShape: [D] });
    layer.call = ([a]) => {
      layer.gain.write([1, 2, 3, 4]);
      return a;
    };
    const model = sequential({ layers: [layer] });
    expect(() => model.predict([[1, 2, 3, 4]])).toThrow(
      'gain.write: a weight that is trained must not be written in call',
    );
  });
});

describe('classes of custom layers are checked', () => {
  const { registerClass } = lw.serialization;

  it('when a layer is made', () => {
    class Nameless extends layers.Layer {
      override call([a]: [Tensor]) {
        return a;
      }
    }
    expect(() => new Nameless()).toThrow('layers.Nameless: the class must have a static className');
    class Heir extends OwnDense {}
    expect(() => new Heir({ units: 1 })).toThrow('layers.Heir: the class must have a static className');
    layers.dense({ units: 1 });
    class Dense extends Odd {
      static override readonly className = 'Dense' as 'Odd';
    }
    expect(() => new Dense()).toThrow("className must not be that of a built-in layer, got 'Dense'");
    class Idle extends (layers.Layer as unknown as typeof Odd) {
      static override readonly className = 'Idle' as 'Odd';
    }
    expect(() => {
      Object.assign(Idle.prototype, { call: undefined });
      return new Idle();
    }).toThrow('the class must have a method call, got undefined');
    expect(() => new Odd({ trainable: 1 as never })).toThrow('layers.odd: trainable must be');
    expect(() => new Odd(3 as never)).toThrow('layers.odd: config must be an object, got 3');
  });

  it('when they are registered', () => {
    expect(() => registerClass(class {} as never)).toThrow('the class must extend layers.Layer');
    expect(() => registerClass(null as never)).toThrow('the class must extend layers.Layer, got null');
    class Nameless extends Odd {}
    expect(() => registerClass(Nameless)).toThrow('the class must have a static className');
    class Lstm extends Odd {
      static override readonly className = 'LSTM' as 'Odd';
    }
    layers.lstm({ units: 1 });
    expect(() => registerClass(Lstm)).toThrow("className must not be that of a built-in layer, got 'LSTM'");
  });
});
