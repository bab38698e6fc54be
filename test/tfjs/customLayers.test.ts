// Custom layers: the text of one class, written against TF.js and against lstm-wasm.

import { describe, expect, test } from 'vitest';
import { expectClose } from '../compare.ts';
import { tf } from './agree.ts';
import type { Library } from './build.ts';
import { compared } from './differences/compared.ts';

/** Some roundings of float32 for numbers of size 10. */
const bounds = { abs: 1e-5, rel: 1e-5 };

/** The classes, as text, so that both packages run the same. */
const text = `
  class Antirectifier extends t.layers.Layer {
    static className = 'Antirectifier';
    constructor() {
      super({});
      this.supportsMasking = true;
    }
    computeOutputShape(inputShape) {
      return [...inputShape.slice(0, -1), 2 * inputShape[inputShape.length - 1]];
    }
    call(inputs, kwargs) {
      let input = inputs;
      if (Array.isArray(input)) input = input[0];
      this.invokeCallHook(inputs, kwargs);
      const centered = t.sub(input, input.mean(-1, true));
      return t.concat([centered.relu(), centered.neg().relu()], -1);
    }
    static get nothing() {
      return null;
    }
  }

  class Affine extends t.layers.Layer {
    constructor(config) {
      super(config);
      this.units = config.units;
      this.kernelInitializer = t.initializers.glorotUniform({});
    }
    static get className() {
      return 'Affine';
    }
    build(inputShape) {
      const last = inputShape[inputShape.length - 1];
      this.kernel = this.addWeight('kernel', [last, this.units], 'float32', this.kernelInitializer, t.regularizers.l2({ l2: 0.01 }));
      this.offset = this.addWeight('theOffset', [this.units], undefined, t.initializers.zeros(), null, true, t.constraints.nonNeg());
      this.gain = this.addWeight('gain', [this.units], 'float32', t.initializers.ones(), undefined, false);
      this.built = true;
    }
    computeOutputShape(inputShape) {
      return [inputShape[0], this.units];
    }
    call(inputs, kwargs) {
      return t.tidy(() => {
        const x = Array.isArray(inputs) ? inputs[0] : inputs;
        const y = t.add(t.matMul(x, this.kernel.read()), this.offset.read()).tanh();
        return t.mul(y, this.gain.read());
      });
    }
    getConfig() {
      const config = super.getConfig();
      Object.assign(config, { units: this.units, someText: 'asItIs' });
      return config;
    }
  }

  class Weighted extends t.layers.Layer {
    static className = 'Weighted';
    build(inputShape) {
      this.shapes = inputShape;
      this.share = this.addWeight('share', [1], 'float32', t.initializers.constant({ value: 0.3 }));
      super.build(inputShape);
    }
    computeOutputShape(inputShape) {
      return inputShape[0];
    }
    call(inputs) {
      const share = this.share.read();
      return inputs[0].mul(share).add(inputs[1].mul(t.sub(1, share)));
    }
  }

  class Steps extends t.layers.Layer {
    static className = 'Steps';
    constructor(config) {
      super(config);
      this.supportsMasking = true;
    }
    computeMask(inputs, mask) {
      this.see([mask].flat()[0]);
      return mask;
    }
    call(inputs, kwargs) {
      this.see(kwargs.mask);
      return inputs[0].mul(2);
    }
    see(mask) {
      this.seen = [...(this.seen ?? []), mask ? [Array.from(mask.dataSync(), Number), mask.shape, mask.dtype] : null];
    }
  }
  return { Antirectifier, Affine, Weighted, Steps };
`;

const classesOf = (library: Library): Library => {
  const classes = new Function('t', text)(library) as { [name: string]: Library };
  for (const one of Object.values(classes)) library.serialization.registerClass(one);
  return classes;
};

const numbers = (library: Library, shape: number[], f: (n: number) => number): Library =>
  library.tensor(
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, n) => f(n)),
    shape,
  );

const fixWeights = (library: Library, model: Library) =>
  model.setWeights(
    model.getWeights().map((w: Library, k: number) => numbers(library, w.shape, n => 0.5 * Math.sin(7 * n + k))),
  );

const flat = (model: Library): number[] => model.getWeights().flatMap((w: Library) => Array.from(w.dataSync()));

/** A chain with two custom layers. */
function chainOf(t: Library): Library {
  const { Antirectifier, Affine } = classesOf(t);
  const model = t.sequential({ name: 'chain' });
  model.add(
    t.layers.lstm({
      units: 4,
      inputShape: [3, 2],
      recurrentActivation: 'sigmoid',
      returnSequences: true,
      name: 'below',
    }),
  );
  model.add(new Antirectifier());
  model.add(t.layers.lstm({ units: 3, recurrentActivation: 'sigmoid', name: 'middle' }));
  model.add(new Affine({ units: 2, name: 'top' }));
  fixWeights(t, model);
  return model;
}

const dataOf = (t: Library) => [numbers(t, [6, 3, 2], n => Math.sin(3 * n)), numbers(t, [6, 2], n => Math.cos(5 * n))];

/** Trains a chain, and returns all that can be compared. */
async function trained(t: Library) {
  const model = chainOf(t);
  const [x, y] = dataOf(t);
  model.compile({ optimizer: t.train.sgd(0.3), loss: 'meanSquaredError' });
  const options = { epochs: 4, batchSize: 3, shuffle: false, verbose: 0 };
  const { history } = await model.fit(x, y, options);
  const predictions: number[] = Array.from(model.predict(x).dataSync());
  return { loss: history.loss as number[], weights: flat(model), predictions };
}

describe('a custom layer', () => {
  test('trains as in TF.js, with its regularizer, its constraint and a weight that is not trained', async () => {
    const results = await compared(trained);
    for (const what of ['loss', 'weights', 'predictions'] as const) {
      expectClose(results.lw[what], results.tf[what], { ...bounds, what });
    }
  });

  test('has the names, the order and the shapes of the weights of TF.js', async () => {
    const results = await compared(t => {
      const model = chainOf(t);
      const layer = model.layers[3];
      const top = layer.getWeights().map((w: Library) => w.shape);
      return [
        top,
        layer.countParams(),
        layer.getWeights(true).length,
        layer.outputShape,
        layer.getClassName(),
        layer.name,
      ];
    });
    expect(results.lw).toEqual(results.tf);
  });

  test('gets a list where it is applied to one tensor, which TF.js passes as it is', async () => {
    const results = await compared(t => {
      const { Antirectifier } = classesOf(t);
      const layer = new Antirectifier();
      const seen: boolean[] = [];
      const { call } = layer;
      layer.call = (inputs: Library, kwargs: Library) => {
        seen.push(Array.isArray(inputs));
        return call.call(layer, inputs, kwargs);
      };
      const result = layer.apply(t.tensor([1, 2, 6], [1, 3]));
      return { seen, result: Array.from(result.dataSync()) as number[] };
    });
    expect(results.lw.result).toEqual(results.tf.result);
    expect([results.lw.seen, results.tf.seen]).toEqual([[true], [false]]);
  });

  test('has the default name of TF.js', async () => {
    const results = await compared(t => {
      const { Weighted } = classesOf(t);
      return (new Weighted({}).name as string).replace(/\d+$/, '');
    });
    expect(results.lw).toBe(results.tf);
  });

  test('with several inputs in a graph, applied twice, gives what TF.js gives', async () => {
    const results = await compared(async t => {
      const { Weighted } = classesOf(t);
      const [a, b] = [t.input({ shape: [3] }), t.input({ shape: [3] })];
      const layer = new Weighted({ name: 'weighted' });
      const once = layer.apply([a, b]);
      const model = t.model({ inputs: [a, b], outputs: layer.apply([once, t.layers.dense({ units: 3 }).apply(b)]) });
      fixWeights(t, model);
      model.compile({ optimizer: t.train.sgd(0.2), loss: 'meanSquaredError' });
      const xs = [numbers(t, [4, 3], Math.sin), numbers(t, [4, 3], Math.cos)];
      for (let n = 0; n < 3; n++)
        await model.trainOnBatch(
          xs,
          numbers(t, [4, 3], n => Math.sin(2 * n)),
        );
      return {
        weights: flat(model),
        predictions: Array.from(model.predict(xs).dataSync()) as number[],
        shapes: layer.shapes,
      };
    });
    expectClose(results.lw.weights, results.tf.weights, { ...bounds, what: 'weights' });
    expectClose(results.lw.predictions, results.tf.predictions, { ...bounds, what: 'predictions' });
    expect(results.lw.shapes).toEqual(results.tf.shapes);
  });

  test('gets the mask of its input in call and in computeMask', async () => {
    const results = await compared(t => {
      const { Steps } = classesOf(t);
      const layer = new Steps({});
      const model = t.sequential({ layers: [t.layers.masking({ inputShape: [2, 1] }), layer] });
      model.predict(t.tensor([1, 0], [1, 2, 1]));
      return layer.seen.filter((mask: unknown) => mask); // TF.js calls computeMask without numbers too
    });
    expect(results.lw).toEqual(results.tf);
  });
});

describe('files with custom layers', () => {
  /** What a model of one library saves. */
  async function savedBy(model: Library): Promise<Library> {
    let saved: Library = null;
    await model.save({
      save: async (artifacts: Library) => {
        saved = artifacts;
        return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
      },
    });
    return saved;
  }

  test('of TF.js are read, and TF.js reads those that are written', async () => {
    const lw = await import('lstm-wasm');
    const [theirs, ours] = [chainOf(tf), chainOf(lw)];
    const here = await lw.loadLayersModel(lw.io.fromMemory(await savedBy(theirs)));
    expectClose(here.predict(dataOf(lw)[0]).dataSync(), theirs.predict(dataOf(tf)[0]).dataSync(), bounds);
    expect(here.layers[3]!.getConfig()).toMatchObject({ name: 'top', units: 2, someText: 'asItIs' });
    tf.disposeVariables();
    const saved = await savedBy(ours);
    const there = await tf.loadLayersModel(tf.io.fromMemory(saved));
    expectClose(ours.predict(dataOf(lw)[0]).dataSync(), there.predict(dataOf(tf)[0]).dataSync(), bounds);
    expect(there.layers[3].getConfig()).toMatchObject({ name: 'top', units: 2, someText: 'asItIs' });
  });

  test('have the same configuration of a custom layer if this package or TF.js wrote them', async () => {
    const lw = await import('lstm-wasm');
    const configs = await compared(t => {
      const { Affine } = classesOf(t);
      return t.sequential({ layers: [new Affine({ units: 2, name: 'one', inputShape: [2] })] }).toJSON(null, false);
    });
    const configOf = (topology: Library) => topology.config.layers[0].config;
    expect(configOf(configs.tf).some_text).toBe('as_it_is');
    expect(configOf(configs.lw).someText).toBe('asItIs');
    const model = await lw.modelFromJSON(configs.tf as object);
    expect(model.layers[0]!.getConfig()).toEqual((await lw.modelFromJSON(configs.lw as object)).layers[0]!.getConfig());
  });
});
