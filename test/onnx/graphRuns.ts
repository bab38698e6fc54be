// Runs exported functional models in ONNX Runtime.

import { input, layers, model, setRandomSeed, type Tensor, tensor } from 'lstm-wasm';
import { loadOnnxModel, toOnnx } from 'lstm-wasm/onnx';
import { expect, test } from 'vitest';
import type { FunctionalModel } from '../../src/index.ts';
import { expectClose } from '../compare.ts';
import { graphCases, inputsOf } from './graphModels.ts';
import { encoderDecoders } from './handBuiltGraphs.ts';
import { type Ort, open } from './runtime.ts';

const close = { abs: 2e-6, rel: 0 };

/** The predictions of a model, by the names of the outputs in its file. */
export function predictionsOf(net: FunctionalModel, x: { [name: string]: Tensor }): { [name: string]: Tensor } {
  const list = [net.predict<Tensor | Tensor[]>(Object.values(x))].flat();
  return Object.fromEntries(list.map((y, n) => [list.length === 1 ? 'output' : net.outputNames[n]!, y]));
}

/** The tests for one build of ONNX Runtime. */
export function testGraphs(ort: Ort): void {
  test.each(Object.entries(graphCases))('ONNX Runtime predicts the same as the graph: %s', async (_, graphCase) => {
    const net = graphCase.make();
    for (const states of [false, 'optional'] as const) {
      const session = await open(ort, toOnnx(net, { states }));
      const names = net.inputs.map(({ sourceLayer }) => sourceLayer.name);
      for (const steps of graphCase.steps ?? [5, 2].map(n => names.map(() => n))) {
        for (const batch of [1, 3]) {
          const x = inputsOf(net, graphCase, batch, steps);
          const feeds = Object.fromEntries(Object.entries(x).map(([name, value]) => [fileName(name, names), value]));
          const got = await session.run(feeds);
          const expected = predictionsOf(net, x);
          for (const [name, y] of Object.entries(expected)) {
            const own = got[name] ?? got[`${name}_1`]!;
            expect(own.shape).toEqual(y.shape);
            expectClose(own.dataSync(), y.dataSync(), {
              ...close,
              what: `${name}, ${batch} samples of ${steps} steps`,
            });
          }
        }
      }
      await session.close();
    }
  });

  test.each(Object.entries(encoderDecoders))(
    'loadOnnxModel computes the same as ONNX Runtime for an encoder and decoder: %s',
    async (_, { bytes, timeFirst }) => {
      const net = await loadOnnxModel(bytes);
      expect(net.inputNames).toEqual(['source', 'target']);
      // Two layers each, with weights of their own, and the dense layer
      expect(net.layers.filter(layer => layer.countParams() > 0)).toHaveLength(5);
      const session = await open(ort, bytes);
      for (const [batch, from, to] of [
        [1, 5, 3],
        [3, 2, 4],
      ] as const) {
        const [source, target] = [from, to].map((steps, k) =>
          tensor(
            Float32Array.from({ length: batch * steps * 3 }, (_, n) => Math.sin(n + k)),
            [batch, steps, 3],
          ),
        );
        const inOrder = (x: Tensor) => (timeFirst ? swapped(x) : x);
        const { y } = await session.run({ source: inOrder(source!), target: inOrder(target!) });
        const got = net.predict<Tensor>([source!, target!]);
        expect(got.shape).toEqual([batch, to, 4]);
        expectClose(got.dataSync(), inOrder(y!).dataSync(), close);
      }
      await session.close();
    },
  );

  test('a graph run in pieces, with states, gives the same as the whole', async () => {
    setRandomSeed(4);
    const shared = layers.gru({ units: 2, returnSequences: true, name: 'shared' });
    const [left, right] = ['left', 'right'].map(name => input({ shape: [null, 2], name }));
    const [a, b] = [left, right].map(x => shared.apply(x!));
    const y = layers.lstm({ units: 3, returnSequences: true, name: 'top' }).apply(layers.add().apply([a!, b!]));
    const net = model({ inputs: [left!, right!], outputs: [y, b!] });
    const session = await open(ort, toOnnx(net, { states: true }));
    const states = ['shared_h', 'shared/call2_h', 'top_h', 'top_c'];
    expect(session.inputNames).toEqual(['left', 'right', ...states]);
    expect(session.outputNames).toEqual(['top', 'shared', ...states.map(name => `${name}_out`)]);
    const [x, z] = [1, 2].map(k =>
      tensor(
        Float32Array.from({ length: 24 }, (_, n) => Math.sin(k * n)),
        [2, 6, 2],
      ),
    );
    let feeds = Object.fromEntries(
      states.map(name => {
        const units = name.startsWith('top') ? 3 : 2;
        return [name, tensor(new Float32Array(2 * units), [1, 2, units])];
      }),
    );
    const pieces: number[][][][] = [];
    for (let start = 0; start < 6; start += 2) {
      const [left, right] = [x, z].map(whole => whole!.slice([0, start, 0], [2, 2, 2]));
      const results = await session.run({ left: left!, right: right!, ...feeds });
      feeds = Object.fromEntries(states.map(name => [name, results[`${name}_out`]!]));
      pieces.push(results.top!.arraySync() as number[][][]);
    }
    const joined = [0, 1].flatMap(row => pieces.flatMap(piece => piece[row]!.flat()));
    const [expected] = net.predict<Tensor[]>([x!, z!]);
    expectClose(joined, expected!.dataSync(), close);
    await session.close();
  });
}

/** A tensor with its first two axes swapped. */
function swapped(x: Tensor): Tensor {
  const rows = x.arraySync() as number[][][];
  const [a, b, c] = x.shape as [number, number, number];
  return tensor(Float32Array.from(rows[0]!.flatMap((_, n) => rows.flatMap(row => row[n]!))), [b, a, c]);
}

/** The name of an input in the file of a model. */
const fileName = (name: string, all: readonly string[]) => (all.length === 1 ? 'input' : name);
