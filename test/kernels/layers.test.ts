// Layers that are neither recurrent nor dense, planned by the layer and run by its stages, against plain float64; and
// what dense layers and activations do for a loss that starts from the logits.
//
//   B batch, T time, D width; u = 2^-24

import { describe, expect, test } from 'vitest';
import { Activation, ELU, LeakyReLU, ReLU } from '../../src/layers/activationLayers.ts';
import type { ActivationName as Name } from '../../src/layers/activations.ts';
import { activations } from '../../src/layers/activations.ts';
import { Dense } from '../../src/layers/dense.ts';
import { Dropout } from '../../src/layers/dropout.ts';
import { Embedding } from '../../src/layers/embedding.ts';
import { Flatten } from '../../src/layers/flatten.ts';
import type { Layer } from '../../src/layers/layer.ts';
import { Masking } from '../../src/layers/masking.ts';
import { TimeDistributed } from '../../src/layers/recurrent/timeDistributed.ts';
import { RepeatVector } from '../../src/layers/repeatVector.ts';
import { Reshape } from '../../src/layers/reshape.ts';
import { Planner } from '../../src/plan/planner.ts';
import { globalSeeds } from '../../src/util/random.ts';
import { structures } from '../../src/wasm/shared.generated.ts';
import { expectBits, expectClose } from '../compare.ts';
import { derive } from '../reference/activations.ts';
import { block } from '../reference/block.ts';
import { dropoutMask, seedBits } from '../reference/dropout.ts';
import { Random } from '../reference/random.ts';
import { expectReference, forAll, normals } from './agreement.ts';
import { harness } from './harness.ts';
import { type BoundLayer, bind } from './plans.ts';

const u = 2 ** -24;

describe.each(activations.filter(name => name !== 'linear'))('activation %s', name => {
  test(`activation ${name} matches the reference`, () => {
    forAll(size => ({
      layer: new Activation({ activation: name }),
      spec: { class: 'activation', config: { activation: name } },
      x: normals(size),
      tolerance: { abs: 3e-6, rel: 0 },
    }));
  });

  test('passes the mask on and stores no derivatives in prediction', () => {
    const options = { batch: 2, steps: 3, inputs: 5, mask: [1, 0, 1, 1, 1, 0] };
    const spec = { class: 'activation', config: { activation: name } } as const;
    const x = normals(options);
    expectReference(harness(), {
      ...options,
      layer: new Activation({ activation: name }),
      spec,
      x,
      tolerance: { abs: 3e-6, rel: 0 },
    });
    const bound = bind(harness(), new Activation({ activation: name }), { ...options, purpose: 'predict' });
    expect(bound.fields.slope).toBe(0);
    expect(bound.flow.dy).toBeNull();
  });
});

test('a linear activation adds no kernel call', () => {
  const bound = bind(harness(), new Activation({ activation: 'linear' }), { batch: 2, steps: 3, inputs: 5 });
  expect(bound.stages).toEqual([]);
});

describe('rectifiers', () => {
  const x = Float32Array.of(-2, -0.5, 0, 0.5, 1.5, 2, 3);
  test.each<[string, () => Layer, number[], number[]]>([
    ['reLU', () => new ReLU(), [-0, -0, 0, 0.5, 1.5, 2, 3], [0, 0, 0, 1, 1, 1, 1]],
    ['reLU up to 2', () => new ReLU({ maxValue: 2 }), [-0, -0, 0, 0.5, 1.5, 2, 2], [0, 0, 0, 1, 1, 1, 0]],
    [
      'leakyReLU',
      () => new LeakyReLU({ alpha: 0.25 }),
      [-0.5, -0.125, 0, 0.5, 1.5, 2, 3],
      [0.25, 0.25, 0.25, 1, 1, 1, 1],
    ],
    [
      'reLU with a slope below zero, up to 2',
      () => new ReLU({ maxValue: 2, negativeSlope: 0.25 }),
      [-0.5, -0.125, 0, 0.5, 1.5, 2, 2],
      [0.25, 0.25, 0.25, 1, 1, 1, 0],
    ],
  ])('%s has the expected outputs and gradients', (_, make, y, slope) => {
    const bound = bind(harness(), make(), { batch: 1, steps: 1, inputs: 7, order: 'steps', dx: true });
    bound.setX(block([1, 1, 7], x));
    bound.forward();
    expectBits(bound.y(), y);
    bound.setDy(new Float32Array(7).fill(3));
    bound.backward();
    expectBits(
      bound.dx(),
      slope.map(s => 3 * s),
    );
    expectBits(bound.dxPadding(), [0]);
    bound.expectFences();
  });
});

test('elu with any alpha has an error below 1e-7', () => {
  const x = Float32Array.of(-20, -2, -0.5, -1e-6, 0, 0.5, 3);
  for (const alpha of [0.25, 1.5, -1]) {
    const bound = bind(harness(), new ELU({ alpha }), { batch: 1, steps: 1, inputs: 7, order: 'steps', dx: true });
    bound.setX(block([1, 1, 7], x));
    bound.forward();
    const bounds = { abs: 1e-7, rel: 2e-7 };
    expectClose(
      bound.y(),
      x.map(value => (value > 0 ? value : alpha * Math.expm1(value))),
      bounds,
    );
    bound.setDy(new Float32Array(7).fill(1));
    bound.backward();
    expectClose(
      bound.dx(),
      x.map(value => (value > 0 ? 1 : alpha * Math.exp(value))),
      bounds,
    );
    bound.expectFences();
  }
});

describe('softmax', () => {
  const rows = (name: 'softmax' | 'logSoftmax', values: number[][]) => {
    const [B, D] = [values.length, values[0]!.length];
    const bound = bind(harness(), new Activation({ activation: name }), { batch: B, steps: 1, inputs: D });
    bound.setX(block([B, 1, D], Float32Array.from(values.flat())));
    bound.forward();
    return bound.y();
  };

  test('softmax does not overflow and sums to 1', () => {
    const y = rows('softmax', [
      [1e4, 1e4, 1e4 - 1],
      [-1e30, 0, -1e30],
      [-1e4, -1e4 - 1, -1e4],
    ]);
    const [e, s] = [Math.exp(-1), 2 + Math.exp(-1)];
    expectClose(y, [1 / s, 1 / s, e / s, 0, 1, 0, 1 / s, e / s, 1 / s], { abs: 0, rel: 5 * u });
  });

  test('logSoftmax is finite where softmax underflows to 0', () => {
    const y = rows('logSoftmax', [
      [0, -200, 3],
      [1e4, 1e4, -1e4],
    ]);
    const log = Math.log(1 + Math.exp(3));
    expectClose(y, [-log, -200 - log, 3 - log, -Math.LN2, -Math.LN2, -2e4 - Math.LN2], { abs: 0, rel: 2e-6 });
  });

  test.each(['softmax', 'logSoftmax'] as const)(
    '%s of a row with NaN is NaN, and other rows are not affected',
    name => {
      const y = rows(name, [
        [1, Number.NaN, 2],
        [1, 2, 3],
      ]);
      expect([...y].map(Number.isNaN)).toEqual([true, true, true, false, false, false]);
    },
  );
});

describe('dropout', () => {
  test.each([0.1, 0.5, 0.9])('dropout with rate %f matches the reference', rate => {
    forAll(size => ({
      layer: new Dropout({ rate, seed: 7 }),
      spec: { class: 'dropout', config: { rate, seed: 7 } },
      x: normals(size),
      tolerance: { abs: 0, rel: u },
    }));
  });

  test('dropout can use one mask for all time steps', () => {
    forAll(size => {
      const noiseShape = [null, 1, null];
      return {
        layer: new Dropout({ rate: 0.5, seed: 2 ** 40 + 9, noiseShape }),
        spec: { class: 'dropout', config: { rate: 0.5, seed: 2 ** 40 + 9, noiseShape } },
        x: normals(size),
        tolerance: { abs: 0, rel: u },
      };
    });
  });

  // The numbers after the rows of x are arbitrary.
  test('dropout writes zeros to the padding of its output', () => {
    const h = harness();
    const [rows, width] = [3, 5];
    const y = h.room(rows * 8);
    const fields: Record<string, number> = {
      steps: 1,
      rows,
      width,
      x: h.put(new Float32Array(rows * width + 3).fill(2)),
      y: y.address,
    };
    Object.assign(fields, { xRow: width * 4, yRow: 32, mask: h.alloc(rows * 32), seed: 1 });
    const plan = h.put(new Float32Array(structures.dropout.length));
    new Int32Array(h.memory.buffer, plan, structures.dropout.length).set(
      structures.dropout.map(name => fields[name] ?? 0),
    );
    h.kernels.dropoutForward(plan);
    for (let row = 0; row < rows; row++) expectBits(y.floats().subarray(row * 8 + width, row * 8 + 8), [0, 0, 0]);
  });

  test('dropout passes the mask on', () => {
    const options = { batch: 2, steps: 3, inputs: 5, mask: [1, 0, 1, 1, 1, 0] };
    expectReference(harness(), {
      ...options,
      layer: new Dropout({ rate: 0.5, seed: 1 }),
      spec: { class: 'dropout', config: { rate: 0.5, seed: 1 } },
      x: normals(options),
    });
  });

  test.each(['predict', 'test'] as const)('dropout adds no kernel call to a plan for %s', purpose => {
    const options = { batch: 2, steps: 3, inputs: 5, purpose };
    expect(bind(harness(), new Dropout({ rate: 0.5 }), options).stages).toEqual([]);
  });

  test('dropout with rate 0 adds no kernel call', () => {
    expect(bind(harness(), new Dropout({ rate: 0 }), { batch: 2, steps: 3, inputs: 5 }).stages).toEqual([]);
  });

  const masks = (n: number, seed: number, batch: number, rate: number) => {
    const { kernels, room } = harness();
    kernels.setBatch(batch);
    const mask = room(n);
    kernels.dropoutMask(mask.address, n, seed, rate);
    mask.expectUntouched(mask.floats().keys());
    return mask.floats().slice();
  };

  // A change here changes the results of users' programs; the changelog must mention it.
  test('dropout masks have the same bits in every build', () => {
    const kept = [...masks(24, 1, 0, 0.5)].map(factor => (factor === 0 ? '0' : '1')).join('');
    expect(kept).toBe('110001011000010010100001');
  });

  test('dropout masks match the reference for all seeds, batches, rates and counts', () => {
    for (const n of [1, 2, 3, 4, 7, 100, 101]) {
      for (const seed of [0, 1, -1, 2 ** 31 - 1, -(2 ** 31)]) {
        for (const batch of [0, 1, 1000, 2 ** 40]) {
          for (const rate of [0, 0.001, 0.3, 0.5, 0.999]) {
            expectBits(masks(n, seed, batch, rate), dropoutMask(n, seed, batch, rate), `${[n, seed, batch, rate]}`);
          }
        }
      }
    }
  });

  test('dropout drops the given share and keeps the mean', () => {
    const n = 100_000;
    for (const rate of [0.1, 0.5, 0.8]) {
      const mask = masks(n, 3, 5, rate);
      const dropped = mask.filter(factor => factor === 0).length / n;
      expectClose([dropped], [rate], { abs: 4 * Math.sqrt((rate * (1 - rate)) / n), rel: 0 });
      const values = new Set(mask);
      expect(values).toEqual(new Set([0, Math.fround(1 / (1 - Math.fround(rate)))]));
    }
  });

  test('dropout masks of different seeds or batches are independent', () => {
    const n = 10_000;
    const differ = (a: Float32Array, b: Float32Array) => a.filter((value, i) => value !== b[i]).length / n;
    const first = masks(n, 1, 0, 0.5);
    for (const other of [masks(n, 2, 0, 0.5), masks(n, 1, 1, 0.5), masks(n, 0, 1, 0.5), masks(n, -1, 0, 0.5)]) {
      expectClose([differ(first, other)], [0.5], { abs: 0.02, rel: 0 });
    }
  });

  test('dropout seeds use 32 bits', () => {
    expect([0, 1, 2 ** 31, 2 ** 32, 2 ** 53 - 1].map(seedBits)).toEqual([0, 1, -(2 ** 31), 1, ~0x1f_ffff]);
  });
});

describe('masking', () => {
  /** A third of the time steps equal the value, another third in all features but the last. */
  const holes = (size: { batch: number; steps: number; inputs: number }, value: number) => {
    const x = normals(size);
    const D = size.inputs;
    for (let row = 0; row < size.batch * size.steps; row++) {
      if (row % 3 === 0) x.data.fill(Math.fround(value), row * D, (row + 1) * D);
      if (row % 3 === 1) x.data.fill(Math.fround(value), row * D, row * D + D - 1);
    }
    return x;
  };

  test.each([0, -1, 0.1])('masking of %f matches the reference', maskValue => {
    forAll(size => ({
      layer: new Masking({ maskValue }),
      spec: { class: 'masking', config: { maskValue } },
      x: holes(size, maskValue),
    }));
  });

  test('masking replaces the mask of the layer below, as in TF.js', () => {
    const size = { batch: 2, steps: 3, inputs: 5 };
    const bound = expectReference(harness(), {
      ...size,
      mask: [0, 0, 0, 0, 0, 0],
      layer: new Masking(),
      spec: { class: 'masking', config: {} },
      x: holes(size, 0),
    });
    expectBits(bound.mask()!, [0, 1, 1, 0, 1, 1]);
  });

  test('masking does not mask a step with NaN', () => {
    const bound = bind(harness(), new Masking(), { batch: 1, steps: 2, inputs: 2 });
    bound.setX(block([1, 2, 2], Float32Array.of(0, Number.NaN, 0, -0)));
    bound.forward();
    expectBits(bound.mask()!, [1, 0]);
    expectBits(bound.y(), [0, Number.NaN, 0, 0]);
  });
});

describe('embedding', () => {
  const ids = (B: number, T: number, V: number) => {
    const random = new Random(B * T + V);
    return block(
      [B, T],
      Float64Array.from({ length: B * T }, () => random.bits() % V),
    );
  };

  test.each([true, false])('embedding matches the reference with maskZero %s', maskZero => {
    for (const [B, T, V, U] of [
      [1, 1, 1, 1],
      [2, 5, 3, 4],
      [3, 7, 11, 5],
      [5, 3, 2, 9],
      [7, 40, 100, 13],
    ] as const) {
      const config = { inputDim: V, outputDim: U, maskZero };
      const x = ids(B, T, V);
      const options = { batch: B, steps: 1, inputs: T, shape: [B, T] };
      expectReference(harness(), { ...options, layer: new Embedding(config), spec: { class: 'embedding', config }, x });
    }
  });

  test('embeddingBackward adds to dw, for repeated ids too', () => {
    const layer = bind(harness(), new Embedding({ inputDim: 3, outputDim: 2 }), {
      batch: 2,
      steps: 1,
      inputs: 2,
      shape: [2, 2],
    });
    layer.setX(block([2, 1, 2], [1, 1, 2, 1]));
    layer.packed('gradients').fill(16);
    layer.forward();
    layer.setDy([1, 2, 3, 4, 5, 6, 7, 8]);
    layer.backward();
    expectBits(layer.gradients()[0]!, [16, 16, 16 + 1 + 3 + 7, 16 + 2 + 4 + 8, 21, 22]);
  });

  test('embedding weights keep all bits, and their padding is zero', () => {
    for (const U of [1, 3, 4, 5]) {
      const layer = bind(harness(), new Embedding({ inputDim: 3, outputDim: U }), {
        batch: 1,
        steps: 1,
        inputs: 1,
        shape: [1, 1],
      });
      const given = Float32Array.from({ length: 3 * U }, (_, n) => -n);
      layer.packed('weights').fill(Number.NaN);
      layer.setWeights([given]);
      expectBits(layer.weights()[0]!, given);
      const width = Math.ceil(U / 4) * 4;
      const packed = new Float32Array(3 * width);
      for (let v = 0; v < 3; v++) packed.set(given.subarray(v * U, (v + 1) * U), v * width);
      expectBits(layer.packed('weights').subarray(0, 3 * width), packed);
    }
  });
});

describe('reshaping layers', () => {
  test('flatten matches the reference', () => {
    forAll(size => ({
      layer: new Flatten(),
      spec: { class: 'flatten', config: {}, width: size.steps * size.inputs },
      x: normals(size),
    }));
  });

  test('reshape matches the reference', () => {
    for (const [T, D, targetShape] of [
      [2, 6, [3, 4]],
      [3, 4, [2, 6]],
      [1, 15, [5, 3]],
      [5, 3, [15]],
      [7, 1, [1, 7]],
      [4, 5, [10, 2]],
    ] as const) {
      for (const dx of [true, false]) {
        const size = { batch: 3, steps: T, inputs: D };
        const config = { targetShape: [...targetShape] };
        const options = { order: dx ? 'steps' : 'samples', dx, x: normals(size) } as const;
        expectReference(harness(), {
          ...size,
          ...options,
          layer: new Reshape(config),
          spec: { class: 'reshape', config },
        });
      }
    }
  });

  test('flatten and reshape drop the mask', () => {
    const size = { batch: 2, steps: 3, inputs: 4, mask: [1, 1, 0, 1, 1, 1] };
    const rest = { ...size, x: normals(size) };
    const flat = { class: 'flatten', config: {}, width: 12 } as const;
    expect(expectReference(harness(), { ...rest, layer: new Flatten(), spec: flat }).mask()).toBeNull();
    const config = { targetShape: [3, 4] };
    const spec = { class: 'reshape', config } as const;
    expect(expectReference(harness(), { ...rest, layer: new Reshape(config), spec }).mask()).toBeNull();
  });

  test('repeatVector matches the reference', () => {
    for (const batch of [1, 2, 5]) {
      for (const inputs of [1, 3, 4, 7]) {
        for (const n of [1, 2, 5]) {
          const size = { batch, steps: 1, inputs, shape: [batch, inputs] };
          const x = block([batch, inputs], normals(size).data);
          const options = {
            layer: new RepeatVector({ n }),
            spec: { class: 'repeatVector', config: { n } },
            x,
          } as const;
          expectReference(harness(), { ...size, ...options });
          const tolerance = { abs: 4 * n * u, rel: n * u };
          expectReference(harness(), {
            ...size,
            ...options,
            layer: new RepeatVector({ n }),
            order: 'steps',
            dx: true,
            tolerance,
          });
        }
      }
    }
  });
});

describe('losses from logits', () => {
  const size = { batch: 3, steps: 2, inputs: 5, order: 'steps', dx: true } as const;
  const makers: [string, (activation: Name) => Layer][] = [
    ['dense', activation => new Dense({ units: 5, activation })],
    ['timeDistributed', activation => new TimeDistributed({ layer: new Dense({ units: 5, activation }) })],
    ['activation', activation => new Activation({ activation })],
    ['timeDistributed activation', activation => new TimeDistributed({ layer: new Activation({ activation }) })],
  ];

  describe.each(makers)('%s', (_, make) => {
    test.each(['softmax', 'sigmoid'] as const)('%s passes its logits to the loss and takes their gradient', name => {
      const x = normals(size);
      const runs = [{}, { fused: name }].map(extra => {
        const bound = bind(harness(), make(name), { ...size, ...extra });
        const random = new Random(1);
        bound.setX(x);
        bound.setWeights(bound.weights().map(({ length }) => random.normals([length]).data));
        bound.forward();
        return bound;
      });
      const [plain, fused] = runs as [BoundLayer, BoundLayer];
      expectBits(fused.y(), plain.y(), 'y');
      expect(plain.flow.logits).toBeUndefined();
      const logits = Float64Array.from(fused.logits());

      const dY = new Random(2).normals([3, 2, 5]).data;
      plain.setDy(dY);
      plain.backward();
      fused.setDy(derive(name, logits, Float64Array.from(fused.y()), dY, 5));
      fused.backward();
      expectClose(fused.dx(), plain.dx(), { abs: 2e-6, rel: 0, what: 'dx' });
      plain.gradients().forEach((gradient, n) => {
        expectClose(fused.gradients()[n]!, gradient, { abs: 2e-6, rel: 0, what: `gradient ${n}` });
      });
      fused.expectFences();
    });

    test('an activation that the loss does not include is unchanged', () => {
      const bound = bind(harness(), make('tanh'), { ...size, fused: 'softmax' });
      expect(bound.flow.logits).toBeUndefined();
    });
  });

  test.each(makers)('%s below another layer does not pass on logits', (_, make) => {
    const layer = make('softmax');
    layer.connect('test', [[3, 2, 5]]);
    layer.drawSeeds(globalSeeds);
    const planner = new Planner(3, 'train');
    const x = planner.rows('x', 2, 5);
    const [flow] = layer.plan(planner, [{ y: x, dy: null, mask: null }], {
      name: layer.name,
      offsets: { parameters: 0, states: 0 },
      lossActivation: null,
      isRead: [true],
    });
    expect(flow.logits).toBeUndefined();
  });
});

test('dense reads rows with irregular strides, and writes their gradients', () => {
  const size = { batch: 3, steps: 4, inputs: 5, order: 'steps', dx: true } as const;
  const [straight, reversed] = [false, true].map(reversed => {
    const bound = bind(harness(), new Dense({ units: 2 }), { ...size, reversed });
    const random = new Random(1);
    bound.setX(random.normals([3, 4, 5]));
    bound.setWeights([random.normals([5, 2]).data, random.normals([2]).data]);
    bound.forward();
    bound.setDy(random.normals([3, 4, 2]).data);
    bound.backward();
    bound.expectFences();
    return bound;
  }) as [BoundLayer, BoundLayer];
  expect([straight.stages, reversed.stages]).toEqual([['dense'], ['reshape', 'dense']]);
  expectBits(reversed.y(), straight.y(), 'y');
  expectBits(reversed.dx(), straight.dx(), 'dx');
  expectBits(
    reversed.gradients().flatMap(values => [...values]),
    straight.gradients().flatMap(values => [...values]),
  );
});
