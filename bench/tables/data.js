/** What the rows share: random numbers, readers of the data sets, processor time. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The package: the built one in `npm run tables`, the sources in tests. @typedef {typeof import('lstm-wasm')} Library */
/** Its forecaster, baselines and metrics, of the same build. @typedef {typeof import('lstm-wasm/forecast')} Forecasting */

/**
 * How a row is run.
 * @typedef {object} RunOptions
 * @property {string} [folder] the data sets
 * @property {boolean} [short] small sizes, for the tests
 * @property {boolean} [validation] scores the validation set only, to choose settings; the test set is not read
 * @property {Record<string, number>} [settings] settings to try; only with `validation`
 * @property {Forecasting} [forecasting] for the rows of M4
 * @property {(line: string) => void} [log] receives the progress
 * @property {(results: Result[]) => void} [save] receives the results so far, in rows that take long
 */

/**
 * A line of the table.
 * @typedef {object} Result
 * @property {string} task
 * @property {string} measure what the figures are; lower is better
 * @property {string} published the published figures
 * @property {string} source where they were published
 * @property {number} bar what ours must not exceed
 * @property {number} ours
 * @property {string} model
 * @property {number} parameters
 * @property {string} seed
 * @property {number} seconds of processor time, for training and scoring
 * @property {string} note
 */

/**
 * A program of the table.
 * @typedef {object} Row
 * @property {string} name for --only
 * @property {string} [file] the data set that it reads, in the folder
 * @property {(lw: Library, options?: RunOptions) => Promise<Result[]>} run
 */

/**
 * Random numbers in [0, 1) that depend only on the seed (a 32-bit counter, hashed).
 * @param {number} seed
 */
export function randomNumbers(seed) {
  let state = Math.imul(seed + 1, 0x9e3779b1);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let z = Math.imul(state ^ (state >>> 15), state | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Shuffles in place. @template {number[] | Uint32Array} T @param {T} values @param {() => number} random @returns {T} */
export function shuffle(values, random) {
  for (let n = values.length - 1; n > 0; n--) {
    const other = Math.floor(random() * (n + 1));
    const value = values[n] ?? 0;
    values[n] = values[other] ?? 0;
    values[other] = value;
  }
  return values;
}

/** A stopwatch of processor time, in seconds. */
export function processorTime() {
  const start = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1e6;
  };
}

/**
 * The settings of a run: the written ones, replaced by those to try.
 * @template {Record<string, number>} T
 * @param {T} written
 * @param {RunOptions} options
 * @returns {T}
 */
export function settingsOf(written, { settings = {}, validation = false }) {
  const names = Object.keys(settings);
  if (names.length > 0 && !validation) {
    throw new Error('tables: --set must be used with --validation, so that no setting is chosen by the test set');
  }
  const unknown = names.find(name => !(name in written));
  if (unknown !== undefined) {
    throw new Error(`tables: --set must name one of ${Object.keys(written).join(', ')}, got ${unknown}`);
  }
  return { ...written, ...settings };
}

/**
 * The text of a data set.
 * @param {string | undefined} folder
 * @param {string} file
 */
export function readText(folder, file) {
  if (folder === undefined || !existsSync(join(folder, file))) {
    throw new Error(`tables: --data must be a folder with ${file}, got ${folder}`);
  }
  return readFileSync(join(folder, file), 'utf8');
}

/** A piece of music: for each time step, the MIDI numbers of the notes. @typedef {number[][]} Piece */

/**
 * Pieces for training, validation and test, as the JSB Chorales are published in JSON.
 * @param {string} text
 * @returns {{ train: Piece[], valid: Piece[], test: Piece[] }}
 */
export function readPieces(text) {
  /** @type {Record<string, unknown>} */
  const parsed = JSON.parse(text);
  const pieces = (/** @type {string} */ part) => {
    const list = parsed[part];
    const isNote = (/** @type {unknown} */ note) => Number.isInteger(note) && Number(note) >= 21 && Number(note) <= 108;
    const isPiece = (/** @type {unknown} */ piece) =>
      Array.isArray(piece) && piece.length > 1 && piece.every(chord => Array.isArray(chord) && chord.every(isNote));
    if (!Array.isArray(list) || list.length === 0 || !list.every(isPiece)) {
      throw new Error(`tables: '${part}' must be a list of pieces of at least 2 chords of MIDI numbers from 21 to 108`);
    }
    return /** @type {Piece[]} */ (list);
  };
  return { train: pieces('train'), valid: pieces('valid'), test: pieces('test') };
}

/** The numbers of a table, row after row. @typedef {{ values: Float32Array, rows: number, columns: number }} Table */

/**
 * The columns of a CSV file after the first, which is the date.
 * @param {string} text
 * @returns {Table}
 */
export function readColumns(text) {
  const [header = '', ...lines] = text.trim().split(/\r?\n/);
  const columns = header.split(',').length - 1;
  const values = new Float32Array(lines.length * columns);
  for (const [row, line] of lines.entries()) {
    const cells = line.split(',').slice(1);
    if (cells.length !== columns || !cells.every(cell => cell.trim() !== '' && Number.isFinite(Number(cell)))) {
      throw new Error(`tables: line ${row + 2} must have ${columns} numbers after the date, got ${line}`);
    }
    values.set(cells.map(Number), row * columns);
  }
  return { values, rows: lines.length, columns };
}

/**
 * Scales each column by the mean and the deviation of its first rows, those of the training set.
 * @param {Table} table
 * @param {number} trainRows
 * @returns {Table}
 */
export function standardizeColumns({ values, rows, columns }, trainRows) {
  const scaled = new Float32Array(values.length);
  for (let column = 0; column < columns; column++) {
    let [sum, squares] = [0, 0];
    for (let row = 0; row < trainRows; row++) sum += values[row * columns + column] ?? 0;
    const mean = sum / trainRows;
    for (let row = 0; row < trainRows; row++) squares += ((values[row * columns + column] ?? 0) - mean) ** 2;
    const deviation = Math.sqrt(squares / trainRows) || 1;
    for (let n = column; n < rows * columns; n += columns) scaled[n] = ((values[n] ?? 0) - mean) / deviation;
  }
  return { values: scaled, rows, columns };
}
