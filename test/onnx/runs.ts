// Runs exported models of every layer, and graphs of other exporters, in ONNX Runtime.

import { layers, sequential, setRandomSeed, type Tensor, tensor } from 'lstm-wasm';
import { loadOnnxModel, toOnnx } from 'lstm-wasm/onnx';
import { expect, test } from 'vitest';
import { expectClose } from '../compare.ts';
import { exported } from './exporters.ts';
import { handBuilt } from './handBuiltGraphs.ts';
import { cases, inputOf, layersOf, T } from './models.ts';
import { type Ort, open } from './runtime.ts';

const close = { abs: 1e-5, rel: 0 };

/** The tests for one build of ONNX Runtime. */
export function testRuntime(ort: Ort): void {
  test.each(Object.entries(cases))('ONNX Runtime predicts the same as the model: %s', async (name, testCase) => {
    const model = sequential({ layers: layersOf(name) });
    for (const states of [false, 'optional'] as const) {
      const session = await open(ort, toOnnx(model, { states }));
      for (const [batch, steps] of [[1, T], [4, T], ...(testCase.fixed ? [] : [[3, 2]])] as [number, number][]) {
        const x = inputOf(testCase, batch, steps);
        const { output } = await session.run({ input: x });
        const expected = model.predict(x);
        expect(output!.shape).toEqual(expected.shape);
        expectClose(output!.dataSync(), expected.dataSync(), { ...close, what: `${batch} samples of ${steps} steps` });
      }
      await session.close();
    }
  });

  test('layer normalization in an operator set without it predicts the same', async () => {
    const model = sequential({ layers: layersOf('layerNormalization') });
    const x = inputOf(cases.layerNormalization!, 3, T);
    for (const opset of [14, 16]) {
      const session = await open(ort, toOnnx(model, { opset }));
      const { output } = await session.run({ input: x });
      expectClose(output!.dataSync(), model.predict(x).dataSync(), { ...close, what: `opset ${opset}` });
      await session.close();
    }
  });

  const streamed = (masked: boolean) => [
    ...(masked ? [layers.masking({ batchInputShape: [2, null, 3] })] : []),
    layers.lstm({ units: 4, returnSequences: true, stateful: true, batchInputShape: [2, null, 3], name: 'below' }),
    layers.gru({ units: 3, resetAfter: false, returnSequences: true, stateful: true }),
    layers.rnn({ cell: cells(), returnSequences: true, stateful: true, name: 'stack' }),
    layers.dense({ units: 2 }),
  ];
  const cells = () => [layers.simpleRNNCell({ units: 3 }), layers.lstmCell({ units: 2 })];

  test.each([
    ['without masking', false],
    ['with masking', true],
  ])('a sequence run in pieces, with states, gives the same as the whole: %s', async (_what, masked) => {
    setRandomSeed(3);
    const model = sequential({ layers: streamed(masked) });
    const session = await open(ort, toOnnx(model, { states: true }));
    const states = session.inputNames.filter(name => name !== 'input');
    expect(states.slice(0, 2)).toEqual(['below_h', 'below_c']);
    expect(states.slice(3)).toEqual(['stack_0_h', 'stack_1_h', 'stack_1_c']);
    expect(session.outputNames).toEqual(['output', ...states.map(name => `${name}_out`)]);
    const x = inputOf({ make: () => [], ...(masked && { masked }) }, 2, 7);
    const zeros = (name: string) => tensor(new Float32Array(2 * widths[name]!), [1, 2, widths[name]!]);
    const widths: { [name: string]: number } = {
      below_h: 4,
      below_c: 4,
      [states[2]!]: 3,
      stack_0_h: 3,
      stack_1_h: 2,
      stack_1_c: 2,
    };
    const start = Object.fromEntries(states.map(name => [name, zeros(name)]));
    const whole = await session.run({ input: x, ...start });
    for (const size of [1, 3]) {
      let feeds: { [name: string]: Tensor } = start;
      const pieces: number[][][][] = [];
      for (let start = 0; start < 7; start += size) {
        const piece = x.slice([0, start, 0], [2, Math.min(size, 7 - start), 3]);
        const results = await session.run({ input: piece, ...feeds });
        pieces.push(results.output!.arraySync() as number[][][]);
        feeds = Object.fromEntries(states.map(name => [name, results[`${name}_out`]!]));
      }
      const joined = [0, 1].flatMap(row => pieces.flatMap(piece => piece[row]!.flat()));
      expectClose(joined, whole.output!.dataSync(), close);
      for (const name of states) {
        expectClose(feeds[name]!.dataSync(), whole[`${name}_out`]!.dataSync(), close);
      }
    }
    const expected = model.predict(x);
    expectClose(whole.output!.dataSync(), expected.dataSync(), close);
    // The states of the runtime and of the layers are the same.
    const ours = model.getStates().flat();
    for (const [n, name] of states.entries()) {
      const state = whole[`${name}_out`]!;
      expect(state.shape).toEqual([1, ...ours[n]!.shape]);
      expectClose(state.dataSync(), ours[n]!.dataSync(), close);
    }
    const later = Object.fromEntries(
      states.map((name, n) => [name, tensor(ours[n]!.dataSync(), [1, ...ours[n]!.shape])]),
    );
    const next = await session.run({ input: x, ...later });
    expectClose(next.output!.dataSync(), model.predict(x).dataSync(), close);
  });

  test('the states of both directions are one tensor', async () => {
    const both = layers.bidirectional({ layer: layers.lstm({ units: 2 }), inputShape: [null, 3], name: 'both' });
    const session = await open(ort, toOnnx(sequential({ layers: [both] }), { states: 'optional' }));
    const { both_h_out: h, output } = await session.run({ input: inputOf({ make: () => [] }, 3, 4) });
    expect(h!.shape).toEqual([2, 3, 2]);
    expect((h!.arraySync() as number[][][])[0]).toEqual(
      (output!.arraySync() as number[][]).map(row => row.slice(0, 2)),
    );
  });

  test.each([14, 15, 16, 17])('ONNX Runtime runs models exported with opset %i', async opset => {
    for (const name of [
      'bidirectional lstm, ave',
      'masking, gru',
      'gru, four layers, some backwards',
      'dense, gelu_new',
    ]) {
      const model = sequential({ layers: layersOf(name) });
      const x = inputOf(cases[name]!, 2, T);
      const { output } = await (await open(ort, toOnnx(model, { opset }))).run({ input: x });
      expectClose(output!.dataSync(), model.predict(x).dataSync(), close);
    }
  });

  test.each(Object.entries(handBuilt))(
    'loadOnnxModel computes the same as ONNX Runtime for a hand-built graph: %s',
    async (_, bytes) => {
      const model = await loadOnnxModel(bytes);
      const session = await open(ort, bytes);
      for (const batch of [1, 3]) {
        const x = inputOf({ make: () => [] }, batch, T);
        const { y } = await session.run({ x });
        const expected = model.predict(x);
        expect(y!.size).toBe(expected.size);
        expectClose(y!.rank === 3 ? samplesFirst(y!) : y!.dataSync(), expected.dataSync(), close);
      }
      await session.close();
    },
  );

  test.each(Object.entries(exported))(
    'loadOnnxModel computes the same as ONNX Runtime for an exported graph: %s',
    async (_, { bytes, ...info }) => {
      const model = await loadOnnxModel(bytes);
      const session = await open(ort, bytes);
      for (const [batch, steps] of [[1, T], [3, T], ...(info.fixed || info.rows ? [] : [[2, 2]])] as [
        number,
        number,
      ][]) {
        const x = inputOf({ make: () => [], ...(info.rows && { input: 'rows' }) }, batch, steps);
        const expected = (await session.run({ x }))[info.output]!;
        const got = model.predict(x);
        expect(got.shape).toEqual(expected.shape);
        expectClose(got.dataSync(), expected.dataSync(), { abs: 2e-6, rel: 0 });
        // Exporting the loaded model gives the same model.
        const again = await loadOnnxModel(toOnnx(model));
        expectClose(again.predict(x).dataSync(), got.dataSync(), { abs: 0, rel: 0 });
      }
      await session.close();
    },
  );
}

/** The values of a [T, B, U] tensor in the order of [B, T, U]. */
function samplesFirst(steps: Tensor): number[] {
  const rows = steps.arraySync() as number[][][];
  return rows[0]!.flatMap((_, sample) => rows.flatMap(step => step[sample]!));
}
