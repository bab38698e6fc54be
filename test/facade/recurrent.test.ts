// Every recurrent layer through the public API: predictions, losses, states and gradients against the float64
// reference, for every option and at odd sizes; gradients also against finite differences.

import { describe, test } from 'vitest';
import { activations } from '../reference/activations.ts';
import type { LayerSpec } from '../reference/model.ts';
import { caseOf, expectDifferences, expectMatchesReference } from './cases.ts';

const spec = (kind: string, config: object) => ({ class: kind, config }) as LayerSpec;
const dense = (config: object) => spec('dense', config);

/** Every cell, and GRU with both values of resetAfter. */
const cells: [string, string, object][] = [
  ['lstm', 'lstm', {}],
  ['gru', 'gru', {}],
  ['gru, resetAfter: false', 'gru', { resetAfter: false }],
  ['simpleRNN', 'simpleRNN', {}],
  ['simpleRNN with layer normalization', 'simpleRNN', { layerNormalization: true, normEpsilon: 0.1 }],
  ['minGRU', 'minGRU', {}],
  ['minLSTM', 'minLSTM', {}],
];

describe.each(cells)('%s', (_, kind, own) => {
  const layer = (config: object) => spec(kind, { ...own, ...config });
  const sequences = { returnSequences: true };

  const sizes = [1, 2, 3, 5, 7, 20, 33].flatMap(units =>
    [1, 3, 50].flatMap(B => [1, 2, 7].map(T => ({ units, B, T, D: ((units + B) % 11) + 1 }))),
  );
  test.each(sizes)(
    'matches the reference: $units units, batch size $B, $T time steps of width $D',
    ({ units, B, T, D }) => {
      expectMatchesReference(
        caseOf([layer({ ...sequences, units, inputShape: [T, D] }), dense({ units: 2 })], [B, T, D]),
      );
      expectMatchesReference(caseOf([layer({ units, inputShape: [T, D] }), dense({ units: 2 })], [B, T, D]));
    },
  );

  // The kernels process a batch in blocks of 256 rows.
  test.each([256, 257, 515])('stacked layers match the reference at batch size %i', B => {
    const layers = [layer({ ...sequences, units: 6, inputShape: [4, 3] }), layer({ units: 5, goBackwards: true })];
    expectMatchesReference(caseOf(layers, [B, 4, 3]));
  });

  const booleans = [false, true];
  const combinations = booleans.flatMap(returnSequences =>
    booleans.flatMap(goBackwards =>
      booleans.flatMap(useBias => [3, 8, 9, 67].map(D => ({ returnSequences, goBackwards, useBias, D }))),
    ),
  );
  test.each(combinations)('matches the reference with %o', ({ D, ...config }) => {
    const anyLength = { inputShape: [null, D] };
    expectMatchesReference(caseOf([layer({ ...anyLength, ...config, units: 7 })], [5, 6, D]));
    // Above a layer with weights, which needs the gradient of its output.
    const below = layer({ inputShape: [null, 4], ...sequences, units: D });
    expectMatchesReference(caseOf([below, layer({ ...config, units: 6 }), dense({ units: 2 })], [3, 5, 4]));
    // Above dense, which stores its outputs sample by sample.
    const projected = dense({ ...anyLength, units: 5, activation: 'tanh' });
    expectMatchesReference(caseOf([projected, layer({ ...config, units: 6 }), dense({ units: 2 })], [3, 5, D]));
  });

  test.each(combinations.filter(({ D }) => D < 10))(
    'stateful: 3 batches match the reference with %o',
    ({ D, ...config }) => {
      const first = { batchInputShape: [5, 6, D], stateful: true };
      const subject = caseOf([layer({ ...first, ...config, units: 7 }), dense({ units: 2 })], [5, 6, D]);
      expectMatchesReference(subject, 3);
    },
  );

  test('three stacked stateful layers match the reference', () => {
    const layers = [
      layer({ ...sequences, units: 3, stateful: true, batchInputShape: [3, 4, 2] }),
      layer({ ...sequences, units: 9, stateful: true, goBackwards: true }),
      layer({ units: 5, stateful: true }),
    ];
    expectMatchesReference(caseOf(layers, [3, 4, 2]), 3);
  });

  const names = Object.keys(activations);
  test.each(names)('activation %s matches the reference', activation => {
    for (const returnSequences of booleans) {
      const layers = [layer({ units: 7, returnSequences, activation, inputShape: [null, 3] }), dense({ units: 2 })];
      expectMatchesReference(caseOf(layers, [5, 4, 3]));
    }
  });

  test.skipIf(kind !== 'lstm' && kind !== 'gru').each(names)(
    'recurrentActivation %s matches the reference',
    recurrentActivation => {
      // Unbounded gates multiply the state and its rounding errors at every time step; two steps keep them small.
      for (const activation of ['tanh', 'linear', 'swish']) {
        const config = { units: 5, activation, recurrentActivation, inputShape: [null, 3] };
        expectMatchesReference(caseOf([layer({ ...config, ...sequences }), dense({ units: 2 })], [4, 2, 3]));
      }
    },
  );

  test('gradients match finite differences of the loss', () => {
    const first = { ...sequences, units: 7, inputShape: [6, 3] };
    expectDifferences(caseOf([layer(first), dense({ units: 2 })], [5, 6, 3]));
    expectDifferences(caseOf([layer(first), layer({ units: 5, goBackwards: true })], [5, 6, 3]));
  });
});

test('a stack of different recurrent layers matches the reference', () => {
  const sequences = { returnSequences: true };
  const layers = [
    spec('gru', { ...sequences, units: 5, inputShape: [null, 3] }),
    spec('lstm', { ...sequences, units: 7, goBackwards: true }),
    spec('simpleRNN', { ...sequences, units: 6 }),
    spec('minLSTM', { ...sequences, units: 5 }),
    spec('minGRU', { ...sequences, units: 6, activation: 'tanh', goBackwards: true }),
    spec('gru', { units: 3, resetAfter: false }),
  ];
  expectMatchesReference(caseOf(layers, [4, 5, 3]));
});
