// Gradients of whole models, computed through the public interface, against the float64 reference and against finite
// differences of the loss.

import { describe, test } from 'vitest';
import { expectClose } from '../compare.ts';
import type { LayerSpec } from '../reference/model.ts';
import { caseOf, expectDifferences, expectGradients } from './cases.ts';
import { tensorOf } from './models.ts';

const lstm = (config: object) => ({ class: 'lstm', config }) as LayerSpec;
const dense = (config: object) => ({ class: 'dense', config }) as LayerSpec;
const timeDistributed = (config: object, input: object = {}) =>
  ({ class: 'timeDistributed', config: { ...input, layer: dense(config) } }) as LayerSpec;

describe('gradients compared with the reference', () => {
  const sizes = [1, 2, 3, 5, 7, 20, 33].flatMap(units =>
    [1, 2, 3, 50].flatMap(B => [1, 2, 5, 40].map(T => ({ units, B, T }))),
  );

  test.each(sizes)(
    'gradients of an lstm agree with the reference: $units units, batch $B, $T steps',
    ({ units, B, T }) => {
      const D = (units % 4) + 1;
      const layers = [lstm({ units, returnSequences: true, inputShape: [T, D] }), timeDistributed({ units: 2 })];
      expectGradients(caseOf(layers, [B, T, D]));
    },
  );

  // The kernels process a batch in blocks of 256 rows.
  test.each([256, 257, 515])('gradients of stacked lstm layers agree with the reference for a batch of %i', B => {
    const layers = [
      lstm({ units: 6, returnSequences: true, inputShape: [4, 3] }),
      lstm({ units: 5, goBackwards: true }),
      dense({ units: 2 }),
    ];
    expectGradients(caseOf(layers, [B, 4, 3]));
  });

  const anyLength = { inputShape: [null, 3] };
  const all = { returnSequences: true };
  const fixed = { batchInputShape: [5, 6, 3] };

  test.each<[string, LayerSpec[]]>([
    ['last step', [lstm({ ...anyLength, units: 7 }), dense({ units: 2 })]],
    ['no dense layer', [lstm({ ...anyLength, ...all, units: 7 })]],
    ['last step, no dense layer', [lstm({ ...anyLength, units: 7 })]],
    ['stacked', [lstm({ ...anyLength, ...all, units: 7 }), lstm({ ...all, units: 9 }), timeDistributed({ units: 2 })]],
    ['stacked, last step', [lstm({ ...anyLength, ...all, units: 9 }), lstm({ units: 7 }), dense({ units: 2 })]],
    ['three stacked', [lstm({ ...anyLength, ...all, units: 3 }), lstm({ ...all, units: 4 }), lstm({ units: 5 })]],
    ['goBackwards', [lstm({ ...anyLength, ...all, units: 7, goBackwards: true }), timeDistributed({ units: 2 })]],
    ['goBackwards, last step', [lstm({ ...anyLength, units: 7, goBackwards: true }), dense({ units: 2 })]],
    [
      'stacked, both goBackwards',
      [
        lstm({ ...anyLength, ...all, units: 7, goBackwards: true }),
        lstm({ ...all, units: 5, goBackwards: true }),
        timeDistributed({ units: 2 }),
      ],
    ],
    [
      'no bias',
      [lstm({ ...anyLength, ...all, units: 7, useBias: false }), timeDistributed({ units: 2, useBias: false })],
    ],
    ['no bias, last step', [lstm({ ...anyLength, units: 7, useBias: false }), dense({ units: 2, useBias: false })]],
    ['wide input', [lstm({ inputShape: [null, 67], units: 6 }), dense({ units: 2 })]],
    ['wide output', [lstm({ ...anyLength, units: 6 }), dense({ units: 37 })]],
    ['dense on every step, unwrapped', [lstm({ ...anyLength, ...all, units: 7 }), dense({ units: 2 })]],
    ...['linear', 'relu', 'sigmoid', 'tanh'].flatMap((activation): [string, LayerSpec[]][] => [
      [`dense ${activation}`, [lstm({ ...anyLength, units: 7 }), dense({ units: 5, activation }), dense({ units: 2 })]],
      [
        `dense ${activation} on every step, before and after`,
        [
          timeDistributed({ units: 5, activation }, anyLength),
          lstm({ ...all, units: 7 }),
          timeDistributed({ units: 2, activation }),
        ],
      ],
    ]),
  ])('gradients agree with the reference: %s', (_, layers) => {
    const D = layers[0]!.config.inputShape!.at(-1)!;
    expectGradients(caseOf(layers, [5, 6, D]));
  });

  test.each<[string, LayerSpec[]]>([
    ['one layer', [lstm({ ...fixed, ...all, units: 7, stateful: true }), timeDistributed({ units: 2 })]],
    ['one layer, last step', [lstm({ ...fixed, units: 7, stateful: true }), dense({ units: 2 })]],
    [
      'stacked',
      [
        lstm({ ...fixed, ...all, units: 7, stateful: true }),
        lstm({ ...all, units: 5, stateful: true }),
        timeDistributed({ units: 2 }),
      ],
    ],
  ])('gradients of a stateful lstm with states of an earlier batch agree with the reference: %s', (_, layers) => {
    const subject = caseOf(layers, [5, 6, 3]);
    const { model, reference, before } = subject;
    model.predict(tensorOf(before));
    reference.predict(before);
    expectGradients(subject);
    const states = model.getStates().flat();
    reference
      .getStates()
      .flat()
      .forEach(({ data }, n) => {
        expectClose(states[n]!.dataSync(), data, { abs: 2e-6, rel: 0, what: `state ${n}` });
      });
  });
});

describe('gradients compared with finite differences', () => {
  const all = { returnSequences: true };
  const first = { ...all, inputShape: [6, 3] };
  test.each<[string, LayerSpec[]]>([
    ['all steps', [lstm({ ...first, units: 7 }), timeDistributed({ units: 2 })]],
    ['stacked, last step', [lstm({ ...first, units: 7 }), lstm({ units: 5 }), dense({ units: 2, activation: 'tanh' })]],
    ['goBackwards', [lstm({ ...first, units: 7, goBackwards: true }), timeDistributed({ units: 2 })]],
  ])('gradients agree with finite differences of the loss: %s', (_, layers) => {
    expectDifferences(caseOf(layers, [5, 6, 3]));
  });
});
