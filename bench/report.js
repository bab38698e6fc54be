/** The results of a run: their format, and Markdown tables. */

/** @typedef {import('./measure.js').Row} Row */

/**
 * @typedef {object} Report
 * @property {Record<string, string | number>} machine
 * @property {boolean} quick
 * @property {string} [note] what else to know about the run
 * @property {boolean} partial whether rows were left out, so that it must not be published
 * @property {{ name: string, version: string, threads?: number, differs?: string }[]} rivals
 * @property {{ rival: string, why: string }[]} absent from the whole run
 * @property {Row[]} rows
 */

/** The reference of the ratios: the first of these in a row. A new process selects its own build. */
const REFERENCES = ['relaxed', 'lstm-wasm', 'strict'];
export const BUILDS = /** @type {const} */ (['strict', 'relaxed']);

/** @type {Record<Exclude<Row['kind'], 'size'>, string>} */
const headlines = {
  train: 'One training step',
  predict: 'One prediction of the same batch',
  step: 'One time step of one sample',
  program: 'One training step of the programs in examples/',
  create: 'Creation of one model with initial weights',
  start: 'From process start to the first training step, minus an empty process',
};

/**
 * The minimum time of a rival in a row; undefined if it was not measured.
 * @param {Row} row
 * @param {string} rival
 */
export const timeOf = (row, rival) => row.results.find(({ name }) => name === rival)?.min;

/**
 * Our time in a row, the reference of the ratios.
 * @param {Row} row
 */
export const ownTime = row => REFERENCES.map(name => timeOf(row, name)).find(time => time !== undefined);

/**
 * The peak speed of the machine for a build while a row was measured, in GFLOP/s.
 * @param {Row} row
 * @param {'strict' | 'relaxed'} build
 */
export const peakOf = ({ peaks = [] }, build) =>
  Math.max(0, ...peaks.filter(peak => peak.build === build).map(({ gflops }) => gflops));

/** @param {Report} report @returns {string} */
export function markdown(report) {
  const kinds = /** @type {(keyof typeof headlines)[]} */ (Object.keys(headlines));
  return [
    introduction(report),
    ...kinds.flatMap(kind => comparison(report, kind)),
    ...limit(report),
    ...sizes(report),
    ...participants(report),
    ...spread(report),
  ].join('\n\n');
}

/** @param {Report} report */
function introduction({ machine, quick, note }) {
  const { date, cpu, cores, node, v8 } = machine;
  const warning = quick ? ' **A quick run with rough figures.**' : '';
  return `Measured ${date} on ${cpu}, ${cores} cores, Node ${node} (V8 ${v8}), on one thread if nothing else is said.${warning} In
milliseconds: the minimum of many interleaved samples, and in brackets the ratio to our relaxed build on one thread.${note ? ` ${note}` : ''}`;
}

/** Two tables: on one thread, and on several. @param {Report} report @param {keyof typeof headlines} kind */
function comparison({ rows, rivals }, kind) {
  const chosen = rows.filter(row => row.kind === kind);
  if (chosen.length === 0) return [];
  const isMeasured = (/** @type {string} */ name) => chosen.some(row => timeOf(row, name) !== undefined);
  const onOne = rivals.filter(({ threads = 1 }) => threads === 1).map(({ name }) => name);
  const onSeveral = rivals.filter(({ threads = 1 }) => threads > 1).map(({ name }) => name);
  const tableOf = (/** @type {string[]} */ names) => {
    const marks = names.map(name => (rivals.find(rival => rival.name === name)?.differs ? `${name} *` : name));
    return table(
      ['', ...marks],
      chosen.map(row => [row.title, ...names.map(name => cell(row, name))]),
    );
  };
  const [first, second] = [['lstm-wasm', ...onOne].filter(isMeasured), onSeveral.filter(isMeasured)];
  return [
    `### ${headlines[kind]}`,
    tableOf(first),
    ...(second.length > 0 ? [tableOf(second)] : []),
    ...gaps(chosen, [...first, ...second]),
  ];
}

/** @param {Row} row @param {string} rival */
function cell(row, rival) {
  const time = timeOf(row, rival);
  if (time === undefined) return '';
  const own = ownTime(row);
  return !own || time === own ? digits(time) : `${digits(time)} (${ratio(time / own)})`;
}

/**
 * The reasons for empty cells in a table.
 * @param {Row[]} rows
 * @param {string[]} names
 */
function gaps(rows, names) {
  /** @type {Map<string, string[]>} */
  const lines = new Map();
  for (const { title, absent } of rows) {
    for (const { rival, why, failed } of absent) {
      if (!failed && !names.includes(rival)) continue;
      const line = `- ${rival} is missing: ${why}`;
      lines.set(line, [...(lines.get(line) ?? []), title]);
    }
  }
  if (lines.size === 0) return [];
  const text = [...lines].map(([line, titles]) => (titles.length < 4 ? `${line} (${titles.join('; ')}).` : `${line}.`));
  return [text.sort().join('\n')];
}

/** @param {Report} report */
function limit(report) {
  const chosen = report.rows.filter(row => row.kind === 'train' || row.kind === 'predict');
  if (chosen.length === 0) return [];
  const body = chosen.map(row => [`${row.title}, ${row.kind}`, ...BUILDS.flatMap(build => share(row, build))]);
  return [
    '### Share of the peak speed of the machine',
    `The operations of the matrix products divided by the time of the whole call, in GFLOP/s, and their share of the peak: the
speed of a loop that only multiplies and adds in registers. The loop was interleaved with the calls, in samples as long as ours.`,
    table(['', 'strict', 'peak', 'share', 'relaxed', 'peak', 'share'], body),
  ];
}

/** @param {Row} row @param {'strict' | 'relaxed'} build */
function share(row, build) {
  const time = timeOf(row, build);
  if (time === undefined) return ['', '', ''];
  const gflops = row.flops / time / 1e6;
  const peak = peakOf(row, build);
  return [gflops.toFixed(1), peak.toFixed(1), `${Math.round((100 * gflops) / peak)} %`];
}

/** @param {Report} report */
function sizes({ rows }) {
  const chosen = rows.filter(({ kind }) => kind === 'size');
  const [first] = chosen;
  if (!first) return [];
  const body = chosen.map(row => [
    row.title,
    ...BUILDS.flatMap(build => {
      const [time, firstTime] = [timeOf(row, build), timeOf(first, build)];
      return time && firstTime ? [digits(time), (time / row.flops / (firstTime / first.flops)).toFixed(2)] : ['', ''];
    }),
  ]);
  return [
    '### Other cells, and sizes that do not fill a tile',
    'A training step with 20 time steps of width 1, and its time per operation relative to the first row.',
    table(['', 'strict', 'per operation', 'relaxed', 'per operation'], body),
  ];
}

/** @param {Report} report */
function participants({ rivals, absent }) {
  const lines = [
    ...rivals.map(({ name, version, differs }) => `- ${name}: ${version}${differs ? `. * ${differs}.` : ''}`),
    ...absent.map(({ rival, why }) => `- ${rival} was not available: ${why}.`),
  ];
  return ['### Versions', lines.join('\n')];
}

/** @param {Report} report */
function spread({ rows }) {
  const head = ['', '', 'minimum', 'median', '10 %', '90 %', 'samples'];
  const body = rows.flatMap(row =>
    row.results.map(({ name, min, median, p10, p90, runs }) => [
      `${row.title}, ${row.kind}`,
      name,
      ...[min, median, p10, p90].map(digits),
      String(runs),
    ]),
  );
  return ['### All results, with their spread', table(head, body)];
}

/** @param {string[]} head @param {string[][]} body */
function table(head, body) {
  const line = (/** @type {string[]} */ cells) => `| ${cells.join(' | ')} |`;
  const rule = head.map((_, n) => (n === 0 || body.every(row => !/\d/.test(row[n] ?? '')) ? '---' : '---:'));
  return [line(head), line(rule), ...body.map(line)].join('\n');
}

/** Formats a number with three significant digits and without an exponent. @param {number} value */
export function digits(value) {
  const places = 2 - Math.floor(Math.log10(Math.abs(value) || 1));
  return value.toFixed(Math.min(Math.max(places, 0), 6));
}

/** @param {number} value */
export const ratio = value => `${value < 10 ? value.toPrecision(2) : Math.round(value)}x`;
