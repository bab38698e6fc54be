// Models with custom layers in files: what is written is read again, where the class is registered.

import * as lw from 'lstm-wasm';
import {
  layers,
  loadLayersModel,
  modelFromJSON,
  type SymbolicTensor,
  sequential,
  serialization,
  type Tensor,
} from 'lstm-wasm';
import { loadKerasModel, loadKerasWeights, toKeras, toKerasWeights } from 'lstm-wasm/keras';
import { toOnnx } from 'lstm-wasm/onnx';
import { loadSafetensors, toSafetensors } from 'lstm-wasm/safetensors';
import { describe, expect, it } from 'vitest';
import { expectBits } from '../compare.ts';
import { Centre, flat, Gate, MaskNegative, numbers, OwnDense } from '../facade/customLayerClasses.ts';

const [B, T, D] = [3, 4, 2];
const x = numbers([B, T, D], Math.sin);
const y = numbers([B, T, 3], Math.cos);

function modelOf() {
  const model = sequential({ seed: 2 });
  model.add(new OwnDense({ units: 4, inputShape: [null, D], name: 'first' }));
  model.add(layers.lstm({ units: 3, returnSequences: true }));
  model.add(new Centre());
  model.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
  model.trainOnBatch(x, y);
  return model;
}

function graphOf() {
  const [a, b] = [lw.input({ shape: [T, D], name: 'a' }), lw.input({ shape: [T, D], name: 'b' })];
  const gate = new Gate({ name: 'gate' });
  const once = gate.apply([a, b]) as SymbolicTensor;
  const twice = gate.apply([once, a]) as SymbolicTensor;
  const model = lw.model({ inputs: [a, b], outputs: new OwnDense({ units: 2 }).apply(twice) as SymbolicTensor });
  model.setWeights(model.getWeights().map(w => numbers(w.shape, n => Math.sin(n + 1))));
  return model;
}

/** Saves a model and loads it again. */
async function reloaded<M extends lw.LayersModel>(model: M, options = {}): Promise<M> {
  const saved: lw.ModelArtifacts[] = [];
  const save = async (artifacts: lw.ModelArtifacts) => {
    saved.push(structuredClone(artifacts));
    return {} as lw.SaveResult;
  };
  await model.save({ save }, options);
  return (await loadLayersModel<lw.LayersModel>(lw.io.fromMemory(saved[0]!))) as M;
}

/** Options with names and texts in any case, and nested values. */
class Verbatim extends layers.Layer {
  static readonly className = 'Verbatim';
  readonly options: lw.Config;
  constructor(config: lw.LayerOptions & { options: lw.Config; snake_case: string; camelCase: string }) {
    super(config);
    const { options, snake_case, camelCase } = config;
    this.options = { options, snake_case, camelCase };
  }
  override call([a]: [Tensor]) {
    return a.mul(2);
  }
  override getConfig() {
    return { ...super.getConfig(), ...this.options };
  }
}
serialization.registerClass(Verbatim);

const options = {
  options: { a_b: ['Some_Text', 'someText', null, true, 1e-7], nested: { camelCase: { snake_case: 1 } } },
  snake_case: 'camelText',
  camelCase: 'snake_text',
};

describe('a model with custom layers', () => {
  it('is saved and loaded with its optimizer, and trains on to the same bits', async () => {
    const model = modelOf();
    const again = await reloaded(model, { includeOptimizer: true });
    expect(again.layers[0]).toBeInstanceOf(OwnDense);
    expectBits(flat(again), flat(model));
    expect(again.trainOnBatch(x, y)).toBe(model.trainOnBatch(x, y));
    expectBits(flat(again), flat(model));
  });

  it('that is a graph with shared layers is saved and loaded', async () => {
    const model = graphOf();
    const again = await reloaded(model);
    const both = [x, numbers([B, T, D], Math.cos)];
    expectBits(again.predict<Tensor>(both).dataSync(), model.predict<Tensor>(both).dataSync());
    expect(again.getLayer('gate')).toBeInstanceOf(Gate);
  });

  it('keeps the options of the layers as they are in JSON', async () => {
    const model = sequential({ layers: [new Verbatim({ ...options, inputShape: [D], trainable: false })] });
    const again = await modelFromJSON(model.toJSON() as string);
    expect(again.getConfig()).toEqual(model.getConfig());
    expect(again.layers[0]!.batchInputShape).toEqual([null, D]);
    expect(again.layers[0]!.trainable).toBe(false);
    expect(again.toJSON()).toBe(model.toJSON());
  });

  it('is nested in another model and loaded', async () => {
    const inner = sequential({ layers: [new OwnDense({ units: 2, inputShape: [T, D] })] });
    const a = lw.input({ shape: [T, D] });
    const model = lw.model({ inputs: a, outputs: inner.apply(a) as SymbolicTensor });
    const again = await reloaded(model);
    expectBits(again.predict(x).dataSync(), model.predict(x).dataSync());
  });

  it('is written to .keras and .weights.h5 files and read', async () => {
    for (const model of [modelOf(), graphOf()]) {
      const data = model instanceof Object && model.inputs.length === 2 ? [x, x] : x;
      const again = await loadKerasModel<lw.LayersModel>(await toKeras(model));
      expectBits(flat(again), flat(model));
      expectBits(again.predict<Tensor>(data).dataSync(), model.predict<Tensor>(data).dataSync());
      const weights = await toKerasWeights(model);
      again.setWeights(again.getWeights().map(w => w.mul(0)));
      await loadKerasWeights(again, weights);
      expectBits(flat(again), flat(model));
    }
  });

  it('restores snapshots', () => {
    const [model, again] = [modelOf(), modelOf()];
    model.trainOnBatch(x, y);
    again.restore(model.snapshot());
    expect(again.trainOnBatch(x, y)).toBe(model.trainOnBatch(x, y));
    const other = sequential({ layers: [new OwnDense({ units: 5, inputShape: [null, D] })] });
    expect(() => other.restore(model.snapshot())).toThrow(
      'model.restore: bytes: layers must be 1, as in the model, got 3',
    );
  });

  it('is written to safetensors files with the names of Keras', () => {
    const [model, again] = [modelOf(), modelOf()];
    model.trainOnBatch(x, y);
    for (const [n, layer] of again.layers.entries()) expect(layer.className).toBe(model.layers[n]!.className);
    const named = sequential({ layers: [new OwnDense({ units: 4, inputShape: [null, D], name: 'first' })] });
    loadSafetensors(named, toSafetensors(model), { strict: false });
    expectBits(flat(named), flat({ getWeights: () => model.getWeights().slice(0, 2) }));
  });

  it('cannot be written to ONNX, nor with the names of PyTorch', () => {
    const model = modelOf();
    expect(() => toOnnx(model)).toThrow("layer 'first' must be supported by ONNX, got OwnDense");
    expect(() => toSafetensors(model, { names: 'torch' })).toThrow(/layer 'first' must .*OwnDense/);
  });
});

it('a class that ignores the options of every layer is loaded with them', async () => {
  class Forgetful extends layers.Layer {
    static readonly className = 'Forgetful';
    w!: lw.LayerVariable;
    constructor(_config?: object) {
      super({ inputShape: [D] });
    }
    override build() {
      this.w = this.addWeight('w', [D], 'float32', 'randomNormal');
    }
    override call([a]: [Tensor]) {
      return a.mul(this.w.read());
    }
    override getConfig() {
      return {};
    }
  }
  serialization.registerClass(Forgetful);
  const model = sequential({ layers: [new Forgetful(), new Forgetful()] });
  model.layers[1]!.trainable = false;
  const again = await reloaded(model);
  expect(again.layers.map(({ name, trainable }) => [name, trainable])).toEqual(
    model.layers.map(({ name, trainable }) => [name, trainable]),
  );
  expectBits(flat(again), flat(model));
});

describe('files of other programs', () => {
  const topology = (className: string, config: object, more = {}) => ({
    class_name: 'Sequential',
    config: { name: 'net', layers: [{ class_name: className, config, ...more }] },
  });
  const own = { name: 'one', trainable: true, batch_input_shape: [null, D], dtype: 'float32' };

  it('of TF.js have names and texts of custom layers converted', async () => {
    const config = { ...own, snake_case: 'some_text', camel_case: 'text', options: { a_b: 'c_d' } };
    const model = await modelFromJSON({ ...topology('Verbatim', config), keras_version: 'tfjs-layers 4.22.0' });
    expect((model.layers[0] as Verbatim).options).toEqual({
      snake_case: undefined,
      camelCase: 'text',
      options: { aB: 'cD' },
    });
  });

  it.each([
    ['Verbatim', { module: null, registered_name: 'Custom>Verbatim', build_config: { input_shape: [null, D] } }],
    ['Verbatim', { module: '__main__', registered_name: 'Verbatim' }],
    ['Custom>Verbatim', {}],
  ])('of Keras may have a package before the class: %s %o', async (className, more) => {
    const config = { ...own, camel_case: 'some_text', options: { a_b: 1 }, output_dim: 3 };
    const model = await modelFromJSON({ ...topology(className, config, more), keras_version: '3.9.0' });
    expect((model.layers[0] as Verbatim).options).toMatchObject({ camelCase: 'some_text', options: { a_b: 1 } });
  });

  it('name classes that are not registered in errors', async () => {
    await expect(modelFromJSON(topology('Nowhere', own))).rejects.toThrow(
      /unknown class 'Nowhere'; known: .*; register classes of your own with serialization.registerClass; they do not run in workers$/,
    );
    const described = topology('Nowhere', own, { registered_name: 'mine>Nowhere' });
    await expect(modelFromJSON(described)).rejects.toThrow(
      "or one registered with serialization.registerClass, got 'mine>Nowhere'",
    );
  });
});

describe('custom layers that cannot be stored are errors', () => {
  class Loose extends layers.Layer {
    static readonly className = 'Loose';
    config: unknown = {};
    override call([a]: [Tensor]) {
      return a;
    }
    override getConfig() {
      return this.config as lw.Config;
    }
  }
  const cyclic: { self?: unknown; name: string } = { name: 'loose' };
  cyclic.self = cyclic;

  it.each<[string, unknown, string]>([
    ['no object', 3, "getConfig of layer 'loose': must return an object, got 3"],
    ['a function', { name: 'loose', f: () => 1 }, 'config.f must be data that JSON can store, got function f'],
    ['a tensor', { name: 'loose', list: [lw.tensor(1)] }, 'config.list[0] must be data that JSON can store'],
    ['NaN', { name: 'loose', n: Number.NaN }, 'config.n must be data that JSON can store, got NaN'],
    ['a cycle', cyclic, 'must be data that JSON can store'],
  ])('with a configuration of %s', (_, config, message) => {
    const layer = new Loose({ inputShape: [D], name: 'loose' });
    layer.config = config;
    expect(() => sequential({ layers: [layer] }).toJSON()).toThrow(message);
  });

  it('that fail or give no layer when they are read', async () => {
    let made: unknown = null;
    class Strange extends Loose {
      static override readonly className = 'Strange' as 'Loose';
      static override fromConfig<L>(): L {
        if (made instanceof Error) throw made;
        return made as L;
      }
    }
    serialization.registerClass(Strange);
    const topology = {
      class_name: 'Sequential',
      config: { name: 'n', layers: [{ class_name: 'Strange', config: {} }] },
    };
    await expect(modelFromJSON(topology)).rejects.toThrow(
      'json.config.layers[0]: fromConfig must return a layer, got null',
    );
    made = new TypeError('oh no');
    await expect(modelFromJSON(topology)).rejects.toThrow('json.config.layers[0]: fromConfig of Strange failed: oh no');
  });

  it('with computeMask in the graph of a .keras file', async () => {
    const a = lw.input({ shape: [T, D] });
    const model = lw.model({ inputs: a, outputs: new MaskNegative({ name: 'mask' }).apply(a) as SymbolicTensor });
    await expect(toKeras(model)).rejects.toThrow('mask: must not override computeMask in a graph');
  });
});
