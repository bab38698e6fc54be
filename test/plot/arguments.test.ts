import { expect, test } from 'vitest';
import { ValueError } from '../../src/errors.ts';
import { animation, lossPlot, predictionPlot, writeSVG } from '../../src/plot/node.ts';

const values = { target: [1, 2], prediction: [1, 2] };
const any = (value: unknown) => value as never;

/** Each call, and the one sentence it is answered with. */
const mistakes: [call: () => unknown, sentence: string][] = [
  [() => predictionPlot(any({ widht: 3 })), "predictionPlot: unknown option 'widht'; did you mean 'width'?"],
  [() => predictionPlot(any(7)), 'predictionPlot: options must be an object, got 7'],
  [() => predictionPlot({ width: NaN }), 'predictionPlot: width must be a finite number at least 240'],
  [() => predictionPlot({ height: 20 }), 'predictionPlot: height must be a finite number at least 160'],
  [() => predictionPlot({ title: any(3) }), 'predictionPlot: title must be a text, got 3'],
  [() => predictionPlot({ theme: any('drak') }), "predictionPlot: unknown theme 'drak'; did you mean 'dark'?"],
  [() => predictionPlot({ labels: any(['a']) }), "predictionPlot: labels must be two texts, got ['a']"],
  [
    () => predictionPlot({ yDomain: [1, 1] }),
    'predictionPlot: yDomain must be two finite numbers, the lower one first, got [1, 1]',
  ],
  [
    () => predictionPlot({ container: '#nowhere' }),
    "predictionPlot: container must be an element or the selector of one in the page, got '#nowhere'",
  ],
  [
    () => predictionPlot().update({ ...values, prediction: [1] }),
    'predictionPlot.update: prediction must be as long as target (2), got 1',
  ],
  [
    () => predictionPlot({ input: 'input' }).update({ ...values, input: [1] }),
    'predictionPlot.update: input must be as long as target (2), got 1',
  ],
  [() => predictionPlot({ input: any(1) }), 'predictionPlot: input must be a text, got 1'],
  [
    () => predictionPlot().update({ ...values, time: [0, NaN] }),
    'predictionPlot.update: time must be finite, got NaN at index 1',
  ],
  [
    () => predictionPlot().update({ ...values, target: any([[1], [2]]) }),
    'predictionPlot.update: target must be a flat array of numbers, got [1] at index 0',
  ],
  [
    () => predictionPlot().update(any({})),
    'predictionPlot.update: target must be a flat array of numbers, got undefined',
  ],
  [
    () => predictionPlot().update(any({ ...values, predictions: [] })),
    "predictionPlot.update: unknown option 'predictions'; did you mean 'prediction'?",
  ],
  [() => lossPlot({ log: any('yes') }), "lossPlot: log must be true or false, got 'yes'"],
  [
    () => lossPlot({ xDomain: any(null) }),
    'lossPlot: xDomain must be two finite numbers, the lower one first, got null',
  ],
  [
    () => lossPlot().update({ losses: any('0.5') }),
    "lossPlot.update: losses must be a flat array of numbers, got '0.5'",
  ],
  [
    () => lossPlot().update({ losses: [1, 2], steps: [1] }),
    'lossPlot.update: steps must be as long as losses (2), got 1',
  ],
  [() => animation([]), 'animation: frames must be an array of at least one frame, got []'],
  [() => animation([values], { duration: 0 }), 'animation: duration must be a finite number above 0'],
  [() => animation([values], { hold: -1 }), 'animation: hold must be a finite number at least 0'],
  [() => animation([values], any({ container: 'a' })), "animation: unknown option 'container'"],
  [
    () => animation([values, { target: [1], prediction: [1] }]),
    'animation: target of frame 1 must be as long as that of frame 0 (2), got 1',
  ],
  [
    () => animation([values, { ...values, prediction: any('x') }]),
    "animation: frame 1: prediction must be a flat array of numbers, got 'x'",
  ],
  [() => writeSVG('', '<svg/>'), "writeSVG: path must be the name of a file, got ''"],
  [() => writeSVG('a.svg', any(3)), 'writeSVG: plot must be a chart or the text of one, got 3'],
];

for (const [call, sentence] of mistakes) {
  test(`refuses: ${sentence}`, () => {
    expect(call).toThrow(ValueError);
    expect(call).toThrow(sentence);
  });
}

test('typed arrays are numbers, undefined options are absent ones', () => {
  const typed = {
    target: new Float32Array([0, 1]),
    prediction: new Float64Array([0, 1]),
    time: new Int32Array([0, 1]),
  };
  expect(() => predictionPlot({ title: undefined, theme: undefined }).update(typed)).not.toThrow();
});
