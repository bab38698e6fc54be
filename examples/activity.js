/**
 * Classification of movements: convolutions and an LSTM recognize activities from the signals of an accelerometer.
 *
 *   node examples/activity.js [--units 32] [--epochs 12] [--quick] [--tfjs [wasm]]
 *
 * The signals are synthetic: three axes at 20 Hz, in windows of 3.2 seconds. Each person has a pace, a strength and a way of
 * wearing the device; phase, speed and noise differ from window to window. Training, validation and test set have different
 * persons. Two convolutions with pooling shorten the window to a quarter, and an LSTM reads what they find.
 */

import { backend, judge, processorTime, progress, random } from './backend.js';

/** @typedef {import('lstm-wasm').Tensor} Tensor */
/** @typedef {[x: number, y: number, z: number]} Vector */
/** @typedef {{ signal: Vector[], activity: number }} Sample */

const { tf, name, quick, flag } = await backend(5);
const units = Number(flag('units', quick ? '24' : '32'));
const filters = quick ? 16 : 24;
const epochs = Number(flag('epochs', quick ? '24' : '12'));
const batchSize = Number(flag('batch', '32'));
const rate = Number(flag('rate', '0.005'));
const windowsPerActivity = quick ? 4 : 8;
const RATE = 20; // readings per second
const STEPS = 64;

/**
 * The shape of a movement: its pace in Hz, its strength in g, and how much of it each direction has, at the pace and at
 * multiples of it.
 * @typedef {object} Movement
 * @property {string} title
 * @property {[least: number, most: number]} pace
 * @property {[least: number, most: number]} strength
 * @property {{ up: number[], ahead: number[], aside: number[] }} harmonics at half the pace, at the pace, at twice the pace
 * @property {number} shaking standard deviation of the noise
 */

/** @type {Movement[]} */
const movements = [
  {
    title: 'walking',
    ...{ pace: [1.5, 2.2], strength: [0.2, 0.4], shaking: 0.05 },
    harmonics: { up: [0.1, 1, 0.35], ahead: [0, 0.5, 0.3], aside: [0.6, 0.1, 0] },
  },
  {
    title: 'running',
    ...{ pace: [2.3, 3.1], strength: [0.6, 1.1], shaking: 0.1 },
    harmonics: { up: [0.1, 1, 0.4], ahead: [0, 0.4, 0.3], aside: [0.3, 0.1, 0] },
  },
  {
    title: 'upstairs',
    ...{ pace: [1.2, 1.8], strength: [0.2, 0.4], shaking: 0.05 },
    harmonics: { up: [0.5, 1, 0.1], ahead: [0.3, 0.9, 0.1], aside: [0.5, 0.1, 0] },
  },
  {
    title: 'downstairs',
    ...{ pace: [1.6, 2.3], strength: [0.25, 0.5], shaking: 0.07 },
    harmonics: { up: [0.4, 1, 0.9], ahead: [0.1, 0.3, 0.5], aside: [0.4, 0.2, 0] },
  },
  {
    title: 'cycling',
    ...{ pace: [1, 1.6], strength: [0.08, 0.2], shaking: 0.09 },
    harmonics: { up: [0, 0.5, 0.6], ahead: [0, 1, 0.2], aside: [0, 0.4, 0] },
  },
  {
    title: 'standing',
    ...{ pace: [0.3, 0.8], strength: [0.01, 0.04], shaking: 0.015 },
    harmonics: { up: [0, 0.1, 0], ahead: [0.5, 1, 0], aside: [0.5, 1, 0] },
  },
];

/** The windows of some persons. @param {number} persons @param {number} seed @returns {Sample[]} */
function record(persons, seed) {
  const next = random(seed);
  const between = (/** @type {number} */ least, /** @type {number} */ most) => least + (most - least) * next();
  const normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  return Array.from({ length: persons }).flatMap(() => {
    const [pace, strength] = [next(), next()]; // of this person, within the range of each movement
    const worn = [between(-0.5, 0.5), between(-0.5, 0.5), between(-Math.PI, Math.PI)];
    return movements.flatMap((movement, activity) =>
      Array.from({ length: windowsPerActivity }, () => {
        const within = ([least, most] = [0, 1], share = 0) =>
          least + (most - least) * Math.min(1, Math.max(0, share + 0.15 * normal()));
        const [hz, g] = [within(movement.pace, pace), within(movement.strength, strength)];
        const angles = worn.map(angle => angle + 0.1 * normal()); // the device slips
        const start = between(0, 2 / hz); // a whole stride has two steps
        const drift = between(-0.1, 0.1); // slower or faster within the window
        const phases = Array.from({ length: 9 }, () => 0.3 * normal());
        const signal = Array.from({ length: STEPS }, (_, t) => {
          const strides = hz * (start + (t / RATE) * (1 + (drift * t) / STEPS));
          const { up, ahead, aside } = movement.harmonics;
          const [z, x, y] = [up, ahead, aside].map((weights, axis) =>
            weights.reduce((sum, weight, k) => {
              const angle = 2 * Math.PI * strides * 2 ** (k - 1) + axis + (phases[3 * axis + k] ?? 0);
              return sum + weight * Math.sin(angle);
            }, 0),
          );
          /** @type {Vector} */
          const moved = [g * (x ?? 0), g * (y ?? 0), 1 + g * (z ?? 0)]; // 1 g is gravity
          const [a = 0, b = 0, c = 0] = turned(moved, angles);
          const shaken = (/** @type {number} */ value) => value + movement.shaking * normal();
          return /** @type {Vector} */ ([shaken(a), shaken(b), shaken(c)]);
        });
        return { signal, activity };
      }),
    );
  });
}

/** Turns a vector about all three axes. @param {Vector} vector @param {number[]} angles @returns {Vector} */
function turned([x, y, z], [roll = 0, pitch = 0, yaw = 0]) {
  const turn = (/** @type {number} */ a, /** @type {number} */ b, /** @type {number} */ angle) => [
    a * Math.cos(angle) - b * Math.sin(angle),
    a * Math.sin(angle) + b * Math.cos(angle),
  ];
  const [y1 = 0, z1 = 0] = turn(y, z, roll);
  const [z2 = 0, x1 = 0] = turn(z1, x, pitch);
  const [x2 = 0, y2 = 0] = turn(x1, y1, yaw);
  return [x2, y2, z2];
}

/** @param {readonly Sample[]} samples @returns {{ xs: Tensor, ys: Tensor }} */
function tensors(samples) {
  const xs = samples.flatMap(({ signal }) => signal.flat());
  const ys = samples.flatMap(({ activity }) => movements.map((_, n) => Number(n === activity)));
  return {
    xs: tf.tensor3d(xs, [samples.length, STEPS, 3]),
    ys: tf.tensor2d(ys, [samples.length, movements.length]),
  };
}

const [trainSet, validationSet, testSet] = [
  record(quick ? 36 : 40, 1),
  record(quick ? 5 : 10, 2),
  record(quick ? 10 : 20, 3),
];
const [train, validation, test] = [tensors(trainSet), tensors(validationSet), tensors(testSet)];

const { layers } = tf;
const model = tf.sequential();
model.add(layers.conv1d({ filters, kernelSize: 5, activation: 'relu', inputShape: [STEPS, 3] }));
model.add(layers.maxPooling1d({ poolSize: 2 }));
model.add(layers.conv1d({ filters: 2 * filters, kernelSize: 5, activation: 'relu' }));
model.add(layers.maxPooling1d({ poolSize: 2 }));
// Where the defaults of TensorFlow.js differ, the options name those of lstm-wasm, so that both train the same network
model.add(layers.lstm({ units, recurrentActivation: 'sigmoid', recurrentInitializer: 'glorotNormal' }));
model.add(layers.dense({ units: movements.length, activation: 'softmax' }));
model.compile({ optimizer: tf.train.adam(rate), loss: 'categoricalCrossentropy', metrics: ['accuracy'] });

console.log(
  `${name} learns to tell activities: ${trainSet.length} windows in the training set, ${validationSet.length} in the validation set, ${testSet.length} in the test set.`,
);
const elapsed = processorTime();
await model.fit(train.xs, train.ys, {
  epochs,
  batchSize,
  validationData: [validation.xs, validation.ys],
  verbose: 0,
  callbacks: {
    onEpochEnd: (epoch, logs) => {
      const { loss = 0, acc = 0, val_acc = 0 } = logs ?? {};
      const accuracy = `accuracy ${(100 * acc).toFixed(1)} % in training, ${(100 * val_acc).toFixed(1)} % in validation`;
      progress(`epoch ${epoch + 1} of ${epochs}, loss ${loss.toFixed(4)}, ${accuracy}`, epoch + 1 === epochs);
    },
  },
});
const seconds = elapsed();
console.log(`${seconds.toFixed(2)} s of processor time, ${((1000 * seconds) / epochs).toFixed(0)} ms per epoch\n`);

const output = /** @type {Tensor} */ (model.predict(test.xs));
const predicted = /** @type {number[]} */ (output.argMax(-1).arraySync());
const columns = movements.map(({ title }) => title.padStart(12)).join('');
console.log(`${'actual \\ predicted'.padEnd(18)}${columns}   recall`);
for (const [actual, { title }] of movements.entries()) {
  const found = predicted.filter((_, n) => testSet[n]?.activity === actual);
  const counts = movements.map((_, other) => found.filter(activity => activity === other).length);
  const recall = (100 * (counts[actual] ?? 0)) / found.length;
  const row = counts.map(count => `${count}`.padStart(12)).join('');
  console.log(`${title.padEnd(18)}${row}${recall.toFixed(0).padStart(7)} %`);
}
const correct = predicted.filter((activity, n) => activity === testSet[n]?.activity).length;
judge('Accuracy in the test set', correct / testSet.length, 'at least', quick ? 0.8 : 0.9);
