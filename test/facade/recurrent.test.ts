// lstm, gru and simpleRNN through the public interface: predictions, losses, states and gradients against the float64
// reference, for every option, at odd sizes; gradients also against the losses at neighbouring weights.

import { describe, test } from 'vitest';
import { activations } from '../reference/activations.ts';
import type { LayerSpec } from '../reference/model.ts';
import { caseOf, expectFiniteDifferences, expectMatchesReference } from './cases.ts';

const spec = (kind: string, config: object) => ({ class: kind, config }) as LayerSpec;
const dense = (config: object) => spec('dense', config);

/** Every cell, and GRU both ways. */
const cells: [string, string, object][] = [
  ['lstm', 'lstm', {}],
  ['gru', 'gru', {}],
  ['gru, resetAfter: false', 'gru', { resetAfter: false }],
  ['simpleRNN', 'simpleRNN', {}],
];

describe.each(cells)('%s', (_, kind, own) => {
  const layer = (config: object) => spec(kind, { ...own, ...config });
  const all = { returnSequences: true };

  const sizes = [1, 2, 3, 5, 7, 20, 33].flatMap(units =>
    [1, 3, 50].flatMap(B => [1, 2, 7].map(T => ({ units, B, T, D: ((units + B) % 11) + 1 }))),
  );
  test.each(sizes)('$units units, batch $B, $T steps of $D', ({ units, B, T, D }) => {
    expectMatchesReference(caseOf([layer({ ...all, units, inputShape: [T, D] }), dense({ units: 2 })], [B, T, D]));
    expectMatchesReference(caseOf([layer({ units, inputShape: [T, D] }), dense({ units: 2 })], [B, T, D]));
  });

  // The rows of a batch go through in blocks of 256.
  test.each([256, 257, 515])('batch %i, stacked', B => {
    const layers = [layer({ ...all, units: 6, inputShape: [4, 3] }), layer({ units: 5, goBackwards: true })];
    expectMatchesReference(caseOf(layers, [B, 4, 3]));
  });

  const flags = [false, true];
  const crossed = flags.flatMap(returnSequences =>
    flags.flatMap(goBackwards =>
      flags.flatMap(useBias => [3, 8, 9, 67].map(D => ({ returnSequences, goBackwards, useBias, D }))),
    ),
  );
  test.each(crossed)('%o', ({ D, ...config }) => {
    const open = { inputShape: [null, D] };
    expectMatchesReference(caseOf([layer({ ...open, ...config, units: 7 })], [5, 6, D]));
    // On top of another layer, which wants the gradient of its output.
    const below = layer({ inputShape: [null, 4], ...all, units: D });
    expectMatchesReference(caseOf([below, layer({ ...config, units: 6 }), dense({ units: 2 })], [3, 5, 4]));
    // On samples that lie one after the other, as dense leaves them.
    const projected = dense({ ...open, units: 5, activation: 'tanh' });
    expectMatchesReference(caseOf([projected, layer({ ...config, units: 6 }), dense({ units: 2 })], [3, 5, D]));
  });

  test.each(crossed.filter(({ D }) => D < 10))('stateful, over several batches: %o', ({ D, ...config }) => {
    const first = { batchInputShape: [5, 6, D], stateful: true };
    const subject = caseOf([layer({ ...first, ...config, units: 7 }), dense({ units: 2 })], [5, 6, D]);
    expectMatchesReference(subject, 3);
  });

  test('three on top of each other, stateful', () => {
    const layers = [
      layer({ ...all, units: 3, stateful: true, batchInputShape: [3, 4, 2] }),
      layer({ ...all, units: 9, stateful: true, goBackwards: true }),
      layer({ units: 5, stateful: true }),
    ];
    expectMatchesReference(caseOf(layers, [3, 4, 2]), 3);
  });

  const names = Object.keys(activations);
  test.each(names)('activation %s', activation => {
    for (const returnSequences of flags) {
      const layers = [layer({ units: 7, returnSequences, activation, inputShape: [null, 3] }), dense({ units: 2 })];
      expectMatchesReference(caseOf(layers, [5, 4, 3]));
    }
  });

  test.skipIf(kind === 'simpleRNN').each(names)('recurrentActivation %s', recurrentActivation => {
    // Gates that have no bounds multiply the state, and with it its rounding errors, at every step: two are enough.
    for (const activation of ['tanh', 'linear', 'swish']) {
      const config = { units: 5, activation, recurrentActivation, inputShape: [null, 3] };
      expectMatchesReference(caseOf([layer({ ...config, ...all }), dense({ units: 2 })], [4, 2, 3]));
    }
  });

  test('against differences of the loss', () => {
    const first = { ...all, units: 7, inputShape: [6, 3] };
    expectFiniteDifferences(caseOf([layer(first), dense({ units: 2 })], [5, 6, 3]));
    expectFiniteDifferences(caseOf([layer(first), layer({ units: 5, goBackwards: true })], [5, 6, 3]));
  });
});

test('different cells on top of each other', () => {
  const all = { returnSequences: true };
  const layers = [
    spec('gru', { ...all, units: 5, inputShape: [null, 3] }),
    spec('lstm', { ...all, units: 7, goBackwards: true }),
    spec('simpleRNN', { ...all, units: 6 }),
    spec('gru', { units: 3, resetAfter: false }),
  ];
  expectMatchesReference(caseOf(layers, [4, 5, 3]));
});
