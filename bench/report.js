/** What a run has found, as a file of numbers and as tables in Markdown. */

/** @typedef {import('./measure.js').Row} Row */

/**
 * @typedef {object} Report
 * @property {Record<string, string | number>} machine
 * @property {boolean} quick
 * @property {boolean} partial whether something was left out, so that it is not to be published
 * @property {{ name: string, version: string, differs?: string }[]} rivals
 * @property {{ rival: string, why: string }[]} absent from the whole run
 * @property {Row[]} rows
 */

/** Who the ratios are to: the first of these that took part. A new process chooses its build by itself. */
const US = ['relaxed', 'lstm-wasm', 'strict'];
export const BUILDS = /** @type {const} */ (['strict', 'relaxed']);

/** @type {Record<Exclude<Row['kind'], 'size'>, string>} */
const headlines = {
  train: 'One step of training',
  predict: 'One prediction of the same batch',
  step: 'One step of one sample',
  create: 'One new model with initial weights',
  start: 'From the start of the process to the first step, above an empty process',
};

/**
 * Of a row's rival, the shortest time; undefined where it did not take part.
 * @param {Row} row
 * @param {string} rival
 */
export const timeOf = (row, rival) => row.results.find(({ name }) => name === rival)?.min;

/**
 * Our time in a row, which the others are compared with.
 * @param {Row} row
 */
export const ownTime = row => US.map(name => timeOf(row, name)).find(time => time !== undefined);

/**
 * The best of the machine for a build while a row was measured, in GFLOP/s.
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
function introduction({ machine, quick }) {
  const { date, cpu, node, v8 } = machine;
  const warning = quick ? ' **A quick run: rough figures.**' : '';
  return `Measured ${date} on ${cpu}, Node ${node} (V8 ${v8}), everybody on one thread.${warning} Milliseconds, the
shortest of many interleaved samples; in brackets how many times that of our relaxed build.`;
}

/** @param {Report} report @param {keyof typeof headlines} kind */
function comparison({ rows, rivals }, kind) {
  const chosen = rows.filter(row => row.kind === kind);
  if (chosen.length === 0) return [];
  const order = ['lstm-wasm', ...rivals.map(({ name }) => name)];
  const names = order.filter(name => chosen.some(row => timeOf(row, name) !== undefined));
  const marks = names.map(name => (rivals.find(rival => rival.name === name)?.differs ? `${name} *` : name));
  const body = chosen.map(row => [row.title, ...names.map(name => cell(row, name))]);
  return [`### ${headlines[kind]}`, table(['', ...marks], body), ...gaps(chosen, names)];
}

/** @param {Row} row @param {string} rival */
function cell(row, rival) {
  const time = timeOf(row, rival);
  if (time === undefined) return '';
  const own = ownTime(row);
  return !own || time === own ? digits(time) : `${digits(time)} (${ratio(time / own)})`;
}

/**
 * Why there are holes in a table.
 * @param {Row[]} rows
 * @param {string[]} names
 */
function gaps(rows, names) {
  /** @type {Map<string, string[]>} */
  const lines = new Map();
  for (const { title, absent } of rows) {
    for (const { rival, why, failed } of absent) {
      if (!failed && !names.includes(rival)) continue;
      const line = `- Without ${rival}: ${why}`;
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
    '### Of the limit of the machine',
    `The arithmetic of the matrix products alone, by the time of the whole call, as GFLOP/s, and that as a part of what a
loop does that only multiplies and adds in registers. The loop ran in turn with the calls, in samples as long as ours.`,
    table(['', 'strict', 'of', 'that is', 'relaxed', 'of', 'that is'], body),
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
      const [time, usual] = [timeOf(row, build), timeOf(first, build)];
      return time && usual ? [digits(time), (time / row.flops / (usual / first.flops)).toFixed(2)] : ['', ''];
    }),
  ]);
  return [
    '### Other cells, and sizes that fill no tile',
    "A step of training, 20 time steps of width 1; and the time for its arithmetic, as a multiple of the first one's.",
    table(['', 'strict', 'for its arithmetic', 'relaxed', 'for its arithmetic'], body),
  ];
}

/** @param {Report} report */
function participants({ rivals, absent }) {
  const lines = [
    ...rivals.map(({ name, version, differs }) => `- ${name}: ${version}${differs ? `. * ${differs}.` : ''}`),
    ...absent.map(({ rival, why }) => `- Not here: ${rival}, ${why}.`),
  ];
  return ['### Who took part', lines.join('\n')];
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
  return ['### All of it, with its spread', table(head, body)];
}

/** @param {string[]} head @param {string[][]} body */
function table(head, body) {
  const line = (/** @type {string[]} */ cells) => `| ${cells.join(' | ')} |`;
  const rule = head.map((_, n) => (n === 0 || body.every(row => !/\d/.test(row[n] ?? '')) ? '---' : '---:'));
  return [line(head), line(rule), ...body.map(line)].join('\n');
}

/** Three digits that count, and no exponent. @param {number} value */
export function digits(value) {
  const places = 2 - Math.floor(Math.log10(Math.abs(value) || 1));
  return value.toFixed(Math.min(Math.max(places, 0), 6));
}

/** @param {number} value */
export const ratio = value => `${value < 10 ? value.toPrecision(2) : Math.round(value)}x`;
