/**
 * JSB Chorales: a GRU reads a chorale chord by chord, and predicts which of 88 notes the next chord has. The score is the
 * negative log-likelihood of a chord in nats, the cross-entropies of its 88 notes added up. As in the published table, a
 * piece is scored from its second chord on, and all chords of the test set count the same.
 *
 * The settings below were chosen on the validation set. Training keeps the weights of the epoch with the lowest loss in the
 * validation set. These are the second settings: the test set was read once with the first, without averaged weights and with
 * at most 150 epochs, whose loss was 8.520 in the validation set and 8.568 in the test set. Averaged weights were then chosen
 * on the validation set, and written down here before the test set was read for the second time.
 */

import { processorTime, randomNumbers, readPieces, readText, settingsOf, shuffle } from './data.js';

/** @typedef {import('./data.js').Piece} Piece */
/** @typedef {import('./data.js').Library} Library */

const LOWEST = 21;
const NOTES = 88;
/** Marks time steps after the end of a piece; silence is a chord without notes. */
const PADDING = -1;

const LONG = {
  seed: 1,
  units: 250,
  epochs: 300,
  batchSize: 8,
  learningRate: 0.004,
  patience: 6, // epochs without a lower validation loss, after which the learning rate is divided by 4, twice
  dropoutIn: 0.2,
  dropoutOut: 0.5,
  average: 0.995, // share that a moving average of the weights keeps in each batch; the average is scored. 0 is the last weights
  transpose: 0, // semitones, the largest random transposition of a piece in training
};
const SHORT = { ...LONG, units: 16, epochs: 12, learningRate: 0.01, dropoutIn: 0, dropoutOut: 0, average: 0.8 };

/**
 * Writes a chord as 88 numbers; notes beyond the keyboard are left out.
 * @param {Float32Array} target @param {number} offset @param {number[]} chord @param {number} shift
 */
function strike(target, offset, chord, shift) {
  for (const note of chord) {
    const key = note + shift - LOWEST;
    if (key >= 0 && key < NOTES) target[offset + key] = 1;
  }
}

/**
 * A batch of pieces: all chords but the last, and the chords that follow them.
 * @param {Library} lw
 * @param {readonly Piece[]} pieces
 * @param {(n: number) => number} shift the transposition of a piece
 */
function batchOf(lw, pieces, shift = () => 0) {
  const steps = Math.max(...pieces.map(({ length }) => length)) - 1;
  const x = new Float32Array(pieces.length * steps * NOTES).fill(PADDING);
  const y = new Float32Array(x.length);
  for (const [n, piece] of pieces.entries()) {
    const semitones = shift(n);
    for (let t = 0; t + 1 < piece.length; t++) {
      const offset = (n * steps + t) * NOTES;
      x.fill(0, offset, offset + NOTES);
      strike(x, offset, piece[t] ?? [], semitones);
      strike(y, offset, piece[t + 1] ?? [], semitones);
    }
  }
  const shape = [pieces.length, steps, NOTES];
  return { x: lw.tensor(x, shape), y: lw.tensor(y, shape) };
}

/** Batches of pieces of similar length, so that little is padded. @param {readonly Piece[]} pieces @param {number} size */
function batchesOf(pieces, size) {
  const sorted = pieces.toSorted((a, b) => a.length - b.length);
  return Array.from({ length: Math.ceil(sorted.length / size) }, (_, n) => sorted.slice(n * size, (n + 1) * size));
}

/** Nats per chord. @param {Library} lw @param {import('lstm-wasm').LayersModel} model @param {readonly Piece[]} pieces */
function score(lw, model, pieces) {
  let [nats, chords] = [0, 0];
  for (const batch of batchesOf(pieces, 16)) {
    const { x, y } = batchOf(lw, batch);
    const [targets, predicted] = [
      y.dataSync(),
      /** @type {import('lstm-wasm').Tensor} */ (model.predict(x)).dataSync(),
    ];
    const [, steps = 0] = y.shape;
    for (const [n, piece] of batch.entries()) {
      chords += piece.length - 1;
      const start = n * steps * NOTES;
      for (let k = start; k < start + (piece.length - 1) * NOTES; k++) {
        const probability = targets[k] === 1 ? (predicted[k] ?? 0) : 1 - (predicted[k] ?? 0);
        nats -= Math.log(Math.max(probability, 1e-7));
      }
    }
  }
  return nats / chords;
}

/** @type {import('./data.js').Row['run']} */
async function run(lw, options = {}) {
  const { folder, short = false, validation = false, log = () => {} } = options;
  const settings = settingsOf(short ? SHORT : LONG, options);
  const { seed, units, batchSize, patience, dropoutIn, dropoutOut, average, transpose } = settings;
  const { train, valid, test } = readPieces(readText(folder, 'jsb.json'));
  const elapsed = processorTime();
  const random = randomNumbers(seed);
  const { layers } = lw;
  const model = lw.sequential({
    seed,
    layers: [
      layers.masking({ maskValue: PADDING, inputShape: [null, NOTES] }),
      layers.dropout({ rate: dropoutIn }),
      layers.gru({ units, returnSequences: true }),
      layers.dropout({ rate: dropoutOut }),
      layers.dense({ units: NOTES, activation: 'sigmoid' }),
    ],
  });
  const optimizer = lw.train.adam({ learningRate: settings.learningRate, clipNorm: 1 });
  model.compile({ optimizer, loss: 'binaryCrossentropy' });
  const parameters = model.countParams();

  let best = { loss: Number.POSITIVE_INFINITY, epoch: 0, weights: model.getWeights() };
  let [since, reductions] = [0, 0];
  const means = best.weights.map(weight => Float32Array.from(weight.dataSync()));
  const averaged = () => best.weights.map(({ shape }, n) => lw.tensor(means[n] ?? [], shape));
  let batches = 0;
  for (let epoch = 1; epoch <= settings.epochs && reductions < 3; epoch++) {
    // Pieces of similar length, with other neighbours in each epoch
    const jittered = train
      .map(piece => ({ piece, length: piece.length + 8 * random() }))
      .sort((a, b) => a.length - b.length)
      .map(({ piece }) => piece);
    const count = Math.ceil(jittered.length / batchSize);
    for (const n of shuffle([...Array(count).keys()], random)) {
      const pieces = jittered.slice(n * batchSize, (n + 1) * batchSize);
      const { x, y } = batchOf(lw, pieces, () => Math.round((2 * random() - 1) * transpose));
      await model.trainOnBatch(x, y);
      batches++;
      const kept = Math.min(average, 1 - 1 / batches);
      for (const [k, weight] of model.getWeights().entries()) {
        const [mean, values] = [means[k] ?? new Float32Array(), weight.dataSync()];
        for (let i = 0; i < mean.length; i++) mean[i] = kept * (mean[i] ?? 0) + (1 - kept) * (values[i] ?? 0);
      }
    }
    const trained = model.getWeights();
    model.setWeights(averaged());
    const loss = score(lw, model, valid);
    model.setWeights(trained);
    since = loss < best.loss ? 0 : since + 1;
    if (since === 0) best = { loss, epoch, weights: averaged() };
    else if (since >= patience) {
      if (average === 0) model.setWeights(best.weights);
      optimizer.learningRate = Number(optimizer.learningRate) / 4;
      [since, reductions] = [0, reductions + 1];
    }
    log(`jsb: epoch ${epoch}, validation ${loss.toFixed(4)}, best ${best.loss.toFixed(4)}`);
  }
  model.setWeights(best.weights);
  const final = !validation && !short;
  const ours = final ? score(lw, model, test) : best.loss;
  const note = `epoch ${best.epoch}, validation ${best.loss.toFixed(3)}`;
  return [
    {
      task: 'JSB Chorales',
      measure: `NLL of a frame, ${final ? 'test set' : 'validation set'}`,
      published: 'LSTM 8.45, GRU 8.43, RNN 8.91, TCN 8.10 (300K parameters)',
      source: 'Bai, Kolter, Koltun 2018, arXiv 1803.01271, table 1',
      bar: 8.45,
      ours,
      model: `GRU(${units}), dropout${average > 0 ? ', averaged weights' : ''}`,
      parameters,
      seed: String(seed),
      seconds: elapsed(),
      note: final ? `${note}; second reading of the test set, the first settings had 8.568` : note,
    },
  ];
}

/** @type {import('./data.js').Row} */
export const jsb = { name: 'jsb', file: 'jsb.json', run };
