// Layers against the numbers in the unit tests of Keras 3.
//
// keras-team/keras, keras/src/layers/rnn/<lstm, gru, simple_rnn, bidirectional, rnn, stacked_rnn_cells,
// time_distributed>_test.py, keras/src/layers/core/<embedding, masking>_test.py; `describe` has the name of the file,
// `test` that of the test. Sequences are 0, 1, 2, ...; kernels 0.01, recurrent kernels 0.02 and biases 0.03, unless a
// test sets others. The tolerance there is 1e-5 or 1e-6; here it is the precision of the published digits.
//
// Not included: zero_output_for_mask, which neither TF.js nor this package has; cells and layers defined in the tests,
// except OneStateRNNCell, which is a linear simpleRNN of ones without a bias; tests that only check shapes.

import { initializers, layers, sequential, tensor } from 'lstm-wasm';
import { describe, expect, test } from 'vitest';
import { arange, each, exact, expectPrediction, expectTensors, full, masked, maskValue, modelFor } from './golden.ts';

const constants = (kernel = 0.01, recurrent = 0.02, bias = 0.03) => ({
  kernelInitializer: initializers.constant({ value: kernel }),
  recurrentInitializer: initializers.constant({ value: recurrent }),
  biasInitializer: initializers.constant({ value: bias }),
});
const masking = () => layers.masking({ maskValue });
const all = { returnSequences: true };
const backwards = { goBackwards: true };

describe('lstm_test.py', () => {
  const make = (units: number, options: object = {}) => layers.lstm({ units, ...constants(), ...options });

  test.each<[string, object, number[]]>([
    ['default options', {}, [0.6288687, 0.86899155, 0.9460773]],
    ['implementation 1', { implementation: 1 }, [0.6288687, 0.86899155, 0.9460773]],
    ['implementation 2', { implementation: 2 }, [0.6288687, 0.86899155, 0.9460773]],
    ['unroll', { unroll: true }, [0.6288687, 0.86899155, 0.9460773]],
    ['go_backwards', backwards, [0.35622165, 0.74789524, 0.8872726]],
    ['unit_forget_bias off', { unitForgetBias: false }, [0.57019705, 0.8661914, 0.9459622]],
    ['use_bias off', { useBias: false }, [0.54986924, 0.86226785, 0.9443936]],
  ])('test_correctness: %s', (_, options, expected) => {
    const x = arange(3, 6, 4);
    expectPrediction(modelFor(x, make(3, options)), x, each(expected, 3));
  });

  test('test_statefulness', () => {
    const x = arange(2, 3, 4);
    const model = modelFor(x, make(4, { stateful: true }));
    for (let round = 0; round < 2; round++) {
      model.predict(x);
      expectPrediction(model, x, each([0.3124785, 0.6863672], 4));
      model.resetStates();
    }
  });

  test.each<[string, object, number[]]>([
    ['default options', {}, [0.20574439, 0.3558822, 0.64930826, 0.66276]],
    ['go_backwards', backwards, [0.13281618, 0.2790356, 0.5839337, 0.5992567]],
  ])('test_pass_initial_state: %s', (_, options, expected) => {
    const x = arange(2, 4, 3);
    const model = modelFor(x, make(2, { ...options, stateful: true }));
    model.setStates([[arange(2, 2), arange(2, 2)]]);
    expectPrediction(model, x, expected);
  });

  const maskedAtEnd = [
    [1, 1, 1, 0],
    [1, 1, 0, 0],
  ];
  const maskedAtStart = [
    [0, 1, 1, 1],
    [0, 0, 1, 1],
  ];
  test.each<[string, object, number[][], number[]]>([
    ['the last step', { unroll: true }, maskedAtEnd, [0.11755939, 0.28556206]],
    [
      'return_sequences',
      all,
      maskedAtEnd,
      [0.0158891, 0.05552048, 0.11755939, 0.11755939, 0.14185596, 0.28556206, 0.28556206, 0.28556206],
    ],
    ['go_backwards', backwards, maskedAtStart, [0.15341201, 0.3844719]],
  ])('test_masking: %s', (_, options, mask, expected) => {
    const x = masked(arange(2, 4, 3), mask);
    expectPrediction(modelFor(x, masking(), make(2, options)), x, each(expected, 2));
  });
});

describe('gru_test.py', () => {
  const make = (units: number, options: object = {}) => layers.gru({ units, ...constants(), ...options });

  test.each<[string, object, number[]]>([
    ['default options', {}, [0.5217289, 0.6371659, 0.39384964]],
    ['implementation 0', { implementation: 0 }, [0.5217289, 0.6371659, 0.39384964]],
    ['unroll', { unroll: true }, [0.5217289, 0.6371659, 0.39384964]],
    ['go_backwards', backwards, [0.24406259, 0.611516, 0.3928808]],
    ['reset_after off', { resetAfter: false }, [0.51447755, 0.6426879, 0.40208298]],
    ['use_bias off', { useBias: false }, [0.49988455, 0.64701194, 0.4103359]],
  ])('test_correctness, test_legacy_implementation_argument: %s', (_, options, expected) => {
    const x = arange(3, 6, 4);
    expectPrediction(modelFor(x, make(3, options)), x, each(expected, 3));
  });

  test('test_statefulness', () => {
    const x = arange(2, 3, 4);
    const model = modelFor(x, make(4, { stateful: true }));
    for (let round = 0; round < 2; round++) {
      model.predict(x);
      expectPrediction(model, x, each([0.29542392, 0.5885018], 4));
      model.resetStates();
    }
  });

  test.each<[string, object, number[]]>([
    ['default options', {}, [0.23774096, 0.33508456, 0.83659905, 1.0227708]],
    ['go_backwards', backwards, [0.13486053, 0.23261218, 0.78257304, 0.9691353]],
  ])('test_pass_initial_state, test_pass_return_state: %s', (_, options, expected) => {
    const x = arange(2, 4, 3);
    const model = modelFor(x, make(2, { ...options, stateful: true }));
    model.setStates([[arange(2, 2)]]);
    expectPrediction(model, x, expected);
    expectTensors(model.getStates()[0]!, [expected]);
  });

  const mask = [
    [1, 1, 0, 1],
    [1, 0, 0, 1],
  ];
  test.each<[string, object, number[]]>([
    ['the last step', { unroll: true }, [0.19393763, 0.30818558]],
    [
      'return_sequences',
      all,
      [0.03606692, 0.09497581, 0.09497581, 0.19393763, 0.16051409, 0.16051409, 0.16051409, 0.30818558],
    ],
    ['go_backwards', backwards, [0.11669192, 0.28380975]],
  ])('test_masking: %s', (_, options, expected) => {
    const x = masked(arange(2, 4, 3), mask);
    expectPrediction(modelFor(x, masking(), make(2, options)), x, each(expected, 2));
  });
});

describe('simple_rnn_test.py', () => {
  const make = (units: number, options: object = {}) => layers.simpleRNN({ units, ...constants(), ...options });

  test.each<[string, object, number[]]>([
    ['default options', {}, [0.405432, 0.73605347]],
    ['unroll', { unroll: true }, [0.405432, 0.73605347]],
    ['go_backwards', backwards, [0.11144729, 0.5528889]],
    ['go_backwards and unroll', { ...backwards, unroll: true }, [0.11144729, 0.5528889]],
  ])('test_correctness: %s', (_, options, expected) => {
    const x = arange(2, 3, 4);
    expectPrediction(modelFor(x, make(4, options)), x, each(expected, 4));
  });

  test('test_statefulness', () => {
    const x = arange(2, 3, 4);
    const model = modelFor(x, make(4, { stateful: true }));
    for (let round = 0; round < 2; round++) {
      model.predict(x);
      expectPrediction(model, x, each([0.40559256, 0.7361247], 4));
      model.resetStates();
    }
  });

  test.each<[string, object, number[]]>([
    ['default options', {}, [0.33621645, 0.6262637]],
    ['go_backwards', backwards, [0.07344437, 0.43043602]],
  ])('test_pass_initial_state: %s', (_, options, expected) => {
    const x = arange(2, 4, 3);
    const model = modelFor(x, make(4, { ...options, stateful: true }));
    model.setStates([[arange(2, 4)]]);
    expectPrediction(model, x, each(expected, 4));
  });

  const mask = [
    [1, 1, 0, 1],
    [1, 0, 0, 1],
  ];
  test.each<[string, number, object, number[]]>([
    ['the last step', 4, { unroll: true }, [0.32951632, 0.61799484]],
    [
      'return_sequences',
      2,
      all,
      [0.0599281, 0.15122814, 0.15122814, 0.32394567, 0.3969304, 0.3969304, 0.3969304, 0.608085],
    ],
    ['go_backwards', 4, backwards, [0.07376196, 0.43645123]],
  ])('test_masking: %s', (_, units, options, expected) => {
    const x = masked(arange(2, 4, 3), mask);
    expectPrediction(modelFor(x, masking(), make(units, options)), x, each(expected, units));
  });
});

describe('bidirectional_test.py', () => {
  const simple = () => layers.simpleRNN({ units: 2, ...constants() });
  const lstm = () => layers.lstm({ units: 2, ...constants(), stateful: true });

  test('test_correctness: SimpleRNN, concat, with the numbers of merge_mode None too', () => {
    const x = arange(2, 3, 4);
    const expected = [...each([0.39687276, 0.10004295], 2), ...each([0.7237238, 0.53391594], 2)];
    expectPrediction(modelFor(x, layers.bidirectional({ layer: simple() })), x, expected);
  });

  test('test_correctness: SimpleRNN, ave', () => {
    const x = arange(2, 3, 4);
    const layer = layers.bidirectional({ layer: simple(), mergeMode: 'ave' });
    expectPrediction(modelFor(x, layer), x, each([0.24845785, 0.6288199], 2));
  });

  test('test_correctness: SimpleRNN, mul, with other weights backwards', () => {
    const x = arange(2, 3, 4);
    const weights = [
      ...[full(0.01, 4, 2), full(0.02, 2, 2), full(0.03, 2)],
      ...[full(0.03, 4, 2), full(0.02, 2, 2), full(0.01, 2)],
    ];
    const layer = layers.bidirectional({ layer: simple(), mergeMode: 'mul', weights });
    expectPrediction(modelFor(x, layer), x, each([0.08374989, 0.6740834], 2));
  });

  test('test_correctness: GRU, sum, return_sequences', () => {
    const x = arange(2, 3, 4);
    const layer = layers.bidirectional({ layer: layers.gru({ units: 2, ...constants(), ...all }), mergeMode: 'sum' });
    const expected = [0.20937867, 0.34462988, 0.40290534, 0.59829646, 0.6734641, 0.6479671];
    expectPrediction(modelFor(x, layer), x, each(expected, 2));
  });

  test('test_statefulness', () => {
    const x = arange(2, 4, 3);
    const model = modelFor(x, layers.bidirectional({ layer: lstm() }));
    for (let round = 0; round < 2; round++) {
      model.predict(x);
      expectPrediction(model, x, each([0.26234663, 0.16959146, 0.6137073, 0.5381646], 2));
      model.resetStates();
    }
  });

  test('test_pass_initial_state', () => {
    const x = arange(2, 4, 3);
    const model = modelFor(x, layers.bidirectional({ layer: lstm() }));
    const times = (factor: number) => tensor([0, factor, 2 * factor, 3 * factor], [2, 2]);
    model.setStates([[1, 2, 3, 4].map(times)]);
    const expected = [0.20794602, 0.4577124, 0.14046375, 0.48191673, 0.6682636, 0.6711909, 0.60943645, 0.60950446];
    expectPrediction(model, x, expected);
  });

  test('test_masking', () => {
    const x = masked(arange(2, 4, 3), [
      [1, 1, 0, 1],
      [1, 0, 0, 1],
    ]);
    const layer = layers.bidirectional({ layer: layers.gru({ units: 2, ...constants() }) });
    const expected = each([0.19393763, 0.11669192, 0.30818558, 0.28380975], 2);
    expectPrediction(modelFor(x, masking(), layer), x, expected);
  });

  test('test_return_state', () => {
    const x = arange(2, 4, 3);
    const model = modelFor(x, layers.bidirectional({ layer: lstm() }));
    expectPrediction(model, x, each([0.1990008, 0.12659755, 0.52335435, 0.44717982], 2));
    expectTensors(model.getStates()[0]!, [
      each([0.1990008, 0.52335435], 2),
      each([0.35567185, 1.0492687], 2),
      each([0.12659755, 0.44717982], 2),
      each([0.2501858, 0.941473], 2),
    ]);
  });
});

/** The cell OneStateRNNCell of the Keras tests. */
const oneState = (units: number) =>
  layers.simpleRNNCell({
    units,
    activation: 'linear',
    useBias: false,
    kernelInitializer: 'ones',
    recurrentInitializer: 'ones',
  });

describe('rnn_test.py', () => {
  const oneStateLayer = (options: object = {}) => layers.rnn({ cell: oneState(2), ...options });

  test('test_forward_pass_single_state', () => {
    const x = full(1, 1, 2, 3);
    expectPrediction(modelFor(x, oneStateLayer()), x, [9, 9], exact);
    const model = modelFor(x, oneStateLayer({ ...all, stateful: true }));
    expectPrediction(model, x, [3, 3, 9, 9], exact);
    expectTensors(model.getStates()[0]!, [[9, 9]], exact);
  });

  test('test_passing_initial_state_single_state', () => {
    const x = full(1, 2, 3, 2);
    const model = modelFor(x, oneStateLayer({ stateful: true }));
    model.setStates([[full(1, 2, 2)]]);
    expectPrediction(model, x, [22, 22, 22, 22], exact);
    expectTensors(model.getStates()[0]!, [[22, 22, 22, 22]], exact);
  });

  test('test_statefulness_single_state', () => {
    const x = full(1, 1, 2, 3);
    const model = modelFor(x, oneStateLayer({ stateful: true }));
    model.predict(x);
    expectPrediction(model, x, [45, 45], exact);
    expectTensors(model.getStates()[0]!, [[45, 45]], exact);
  });

  test('test_go_backwards', () => {
    const x = arange(2, 3, 4);
    expectPrediction(modelFor(x, oneStateLayer(backwards)), x, [202, 202, 538, 538], exact);
    const model = modelFor(x, oneStateLayer({ stateful: true }));
    model.predict(x);
    expectPrediction(model, x, [954, 954, 3978, 3978], exact);
    expectTensors(model.getStates()[0]!, [[954, 954, 3978, 3978]], exact);
  });
});

describe('stacked_rnn_cells_test.py', () => {
  const stacked = (options: object = {}) => layers.rnn({ cell: [oneState(3), oneState(2)], ...options });
  const x = arange(2, 3, 4);

  test('test_correctness_single_state_stack', () => {
    expectPrediction(modelFor(x, stacked()), x, [786, 786, 4386, 4386], exact);
    const model = modelFor(x, stacked({ ...all, stateful: true }));
    expectPrediction(model, x, each([18, 156, 786, 162, 1020, 4386], 2), exact);
    expectTensors(model.getStates()[0]!, [each([158, 782], 3), each([786, 4386], 2)], exact);
  });

  test('test_statefullness_single_state_stack', () => {
    const model = modelFor(x, stacked({ stateful: true }));
    model.predict(x);
    expectPrediction(model, x, each([34092, 173196], 2), exact);
  });
});

test('time_distributed_test.py: test_correctness', () => {
  const x = arange(3, 2, 4);
  const { kernelInitializer } = constants();
  const layer = layers.timeDistributed({ layer: layers.dense({ units: 1, useBias: false, kernelInitializer }) });
  expectPrediction(modelFor(x, layer), x, [0.06, 0.22, 0.38, 0.53999996, 0.7, 0.86]);
});

/** A layer that counts the unmasked steps, since masks are not public. */
const unmaskedSteps = () =>
  layers.simpleRNN({
    units: 1,
    activation: 'linear',
    kernelInitializer: 'zeros',
    recurrentInitializer: 'ones',
    biasInitializer: 'ones',
    ...all,
  });

describe('embedding_test.py', () => {
  test('test_correctness', () => {
    const weights = [
      tensor([
        [0, 0],
        [2, 2],
        [3, 3],
      ]),
    ];
    const model = sequential({ layers: [layers.embedding({ inputDim: 3, outputDim: 2, weights })] });
    expectPrediction(model, tensor([[2, 1, 0]]), [3, 3, 2, 2, 0, 0], exact);
  });

  test.each([
    ['test_masking', true, [1, 2, 2]],
    ['test_compute_mask_no_masking', false, [1, 2, 3]],
  ])('%s', (_, maskZero, expected) => {
    const model = sequential({ layers: [layers.embedding({ inputDim: 3, outputDim: 2, maskZero }), unmaskedSteps()] });
    expectPrediction(model, tensor([[2, 1, 0]]), expected, exact);
  });

  test('test_weights_constructor_arg', () => {
    const layer = layers.embedding({ inputDim: 3, outputDim: 4, weights: [full(1, 3, 4)] });
    sequential({ layers: [layer] });
    expect(layer.getWeights()).toHaveLength(1);
    expectTensors(layer.getWeights(), [each([1, 1, 1], 4)], exact);
  });
});

test('masking_test.py: test_masking_correctness', () => {
  const x = tensor([
    [
      [0, 0],
      [1, 2],
      [0, 0],
    ],
    [
      [2, 2],
      [0, 0],
      [2, 1],
    ],
  ]);
  expectPrediction(modelFor(x, layers.masking({ maskValue: 0 }), unmaskedSteps()), x, [0, 1, 1, 1, 1, 2], exact);
});
