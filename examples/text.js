/**
 * Text generation, character by character: an LSTM learns to predict the next character of a text, and generates text.
 *
 *   node examples/text.js [--temperature 0.5] [--epochs 20] [--quick] [--tfjs]
 *
 * The model predicts the probabilities of the next character from a window of characters. Sampling from them repeatedly
 * generates text; a higher temperature gives more varied text. The test set is the end of the text. The result is the
 * cross-entropy in bits per character, compared with a baseline that only knows the frequency of each character.
 */

import { backend, judge, progress } from './backend.js';

/** A text written for this example. */
const TEXT = `
the wind comes over the hill in the morning and the grass bends down. the wind goes over the hill in the evening and
the grass stands up again. so it was when the hill was young, and so it will be when the hill is old.

a river runs under the hill. it does not know the wind, and it does not know the grass. it runs in the dark, and where
it comes out of the dark there is a mill. the mill turns in the morning and the mill turns in the evening. the miller
sleeps when the river is low, and when the river is high the miller does not sleep.

one day the river said to the mill: you turn and you turn, and you are always in the same place. the mill said to the
river: you run and you run, and you are never in the same place. which of us is further? the miller heard it in his
sleep, and he laughed, and in the morning he did not know why.

in the winter the river stands still. the wind comes over the hill and there is no grass. the mill does not turn, and
the miller sits at the window and looks at the hill. he thinks of the wind, and of the grass, and of the river under
the ice. when the ice breaks, he says, the mill will turn again. so it was when the mill was young, and so it will be
when the mill is old.

in the spring the ice breaks. the river runs out of the dark, the mill turns in the morning and the mill turns in the
evening, and the miller does not sleep. the wind comes over the hill and the grass bends down. the wind goes over the
hill and the grass stands up again. and the river said to the mill: here i am. and the mill said to the river: here i
was. and the miller heard it, and he did not laugh, and he knew why.

the children of the miller went over the hill in the summer. they saw the grass bend down and they saw the grass stand
up again, and they said: something goes over the hill that nobody sees. they put an ear to the ground and they said:
something runs under the hill that nobody sees. then they went home to the mill, and they saw it turn.

the eldest child stayed at the mill. he learned when the river is low and when the river is high, and he learned to
sleep when the river is low. the mill turned in the morning and the mill turned in the evening, and he did not ask why.

the second child went with the river. she went where it runs in the dark and where it comes out of the dark, and she
went on until there was no hill and no mill. when she came home she said: the river does not end, it only stands still
for a while. so it was when the world was young, and so it will be when the world is old.

the youngest child went with the wind. he went over the hill in the morning and he did not come home in the evening. in
the winter the miller sat at the window and looked at the hill. in the spring the ice broke, and the grass stood up,
and something came over the hill in the evening that nobody saw. the grass bent down, and the miller heard it in his
sleep, and he laughed, and in the morning he knew why.

the mill is old now. the river is low in the summer and the river is high in the spring, and the mill turns when the
river is high. the wind comes over the hill in the morning and the grass bends down. the wind goes over the hill in the
evening and the grass stands up again. here i am, says the river. here i was, says the mill. and the hill says nothing,
as it was when the hill was young, and as it will be when the hill is old.
`
  .trim()
  .replace(/(?<!\n)\n(?!\n)/g, ' ');

const { tf, name, quick, flag } = await backend(5);
const temperature = Number(flag('temperature', '0.5'));
const units = quick ? 32 : 128;
const epochs = Number(flag('epochs', quick ? '6' : '20'));
const steps = quick ? 12 : 32;
const stride = quick ? 2 : 1;

const characters = [...new Set(TEXT)].sort();
const indices = Array.from(TEXT, character => characters.indexOf(character));
const trainEnd = Math.floor(indices.length * 0.9);

/**
 * Windows of the text, and the character after each.
 * @param {number} from @param {number} to
 */
function windowsOf(from, to) {
  const starts = [];
  for (let start = from; start + steps < to; start += stride) starts.push(start);
  const xs = tf.buffer([starts.length, steps, characters.length]);
  const ys = tf.buffer([starts.length, characters.length]);
  for (const [n, start] of starts.entries()) {
    for (let t = 0; t < steps; t++) xs.set(1, n, t, indices[start + t] ?? 0);
    ys.set(1, n, indices[start + steps] ?? 0);
  }
  return { xs: xs.toTensor(), ys: ys.toTensor(), count: starts.length };
}

const model = tf.sequential();
model.add(tf.layers.lstm({ units, recurrentInitializer: 'glorotNormal', inputShape: [steps, characters.length] }));
model.add(tf.layers.dense({ units: characters.length, activation: 'softmax' }));
model.compile({ optimizer: tf.train.rmsprop(0.01), loss: 'categoricalCrossentropy' });

/**
 * Generates text that continues a window.
 * @param {number[]} seed @param {number} length
 */
function generate(seed, length) {
  let window = seed.slice(0, steps);
  let text = '';
  for (let n = 0; n < length; n++) {
    const next = tf.tidy(() => {
      const input = tf.buffer([1, steps, characters.length]);
      for (const [t, index] of window.entries()) input.set(1, 0, t, index);
      const output = /** @type {import('lstm-wasm').Tensor} */ (model.predict(input.toTensor()));
      const logits = tf.div(tf.log(output.squeeze()), Math.max(temperature, 1e-6));
      return tf.multinomial(logits, 1, n + 1, false).dataSync()[0] ?? 0;
    });
    text += characters[next] ?? '';
    window = [...window.slice(1), next];
  }
  return text;
}

const train = windowsOf(0, trainEnd);
const test = windowsOf(trainEnd, indices.length);
console.log(
  `${name} learns a text of ${indices.length} characters, ${characters.length} of them different, in ${train.count} windows of ${steps}.`,
);

const seed = indices.slice(0, steps);
const batches = Math.ceil(train.count / 64);
let epochOf = 0;
const start = performance.now();
await model.fit(train.xs, train.ys, {
  epochs,
  batchSize: 64,
  validationData: [test.xs, test.ys],
  verbose: 0,
  callbacks: {
    onEpochBegin: epoch => {
      epochOf = epoch + 1;
    },
    onBatchEnd: (batch, logs) =>
      progress(
        `epoch ${epochOf} of ${epochs}, batch ${batch + 1} of ${batches}, loss ${logs?.loss?.toFixed(3)}`,
        false,
      ),
    onEpochEnd: (epoch, logs) => {
      const { loss = 0, val_loss = 0 } = logs ?? {};
      const bits = `${(loss / Math.LN2).toFixed(2)} bits per character in training, ${(val_loss / Math.LN2).toFixed(2)} in validation`;
      progress(`epoch ${epoch + 1} of ${epochs}: ${bits}`, true);
      if ((epoch + 1) % (epochs / 2) === 0) console.log(`  "${decode(seed)}${generate(seed, 60)}"`);
    },
  },
});
console.log(`${((performance.now() - start) / 1000).toFixed(1)} s. Generated text at temperature ${temperature}:\n`);
console.log(`${decode(seed)}${generate(seed, quick ? 120 : 400)}`);

const loss = Number(/** @type {import('lstm-wasm').Tensor} */ (model.evaluate(test.xs, test.ys)).dataSync()[0]);
const ratio = loss / Math.LN2 / frequencyBits();
judge('Bits per character in the test set, relative to the frequency baseline', ratio, 'at most', quick ? 0.8 : 0.65);

/** Bits per character in the test set for a baseline that predicts the character frequencies of the training set. */
function frequencyBits() {
  const counts = characters.map(() => 1);
  for (const index of indices.slice(0, trainEnd)) counts[index] = (counts[index] ?? 0) + 1;
  const total = counts.reduce((a, b) => a + b);
  const testIndices = indices.slice(trainEnd + steps);
  return testIndices.reduce((sum, index) => sum - Math.log2((counts[index] ?? 0) / total), 0) / testIndices.length;
}

/** @param {number[]} window */
function decode(window) {
  return window.map(index => characters[index]).join('');
}
