/** The bytes of a bundle by source, from its source map. */

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/**
 * Each mapping covers the text up to the next mapping or the end of the line.
 *
 * @param {string} text
 * @param {{ sources: string[], mappings: string }} map
 * @returns {Map<string, number>}
 */
export function bytesBySource(text, { sources, mappings }) {
  /** @type {Map<string, number>} */
  const bytes = new Map();
  const lines = text.split('\n');
  let source = 0;
  for (const [n, line] of mappings.split(';').entries()) {
    let column = 0;
    /** @type {{ column: number, source: string | undefined }[]} */
    const starts = [];
    for (const segment of line.split(',').filter(Boolean)) {
      const [columns = 0, sourceStep] = decode(segment);
      column += columns;
      source += sourceStep ?? 0;
      starts.push({ column, source: sourceStep === undefined ? undefined : sources[source] });
    }
    for (const [k, start] of starts.entries()) {
      const part = lines[n]?.slice(start.column, starts[k + 1]?.column) ?? '';
      const name = start.source ?? '(esbuild)';
      bytes.set(name, (bytes.get(name) ?? 0) + Buffer.byteLength(part));
    }
  }
  return bytes;
}

/**
 * The numbers of a segment: base 64, five bits a digit, the sign in the lowest bit.
 *
 * @param {string} segment
 */
function decode(segment) {
  /** @type {number[]} */
  const numbers = [];
  let value = 0;
  let shift = 0;
  for (const character of segment) {
    const digit = DIGITS.indexOf(character);
    value += (digit & 31) << shift;
    shift += 5;
    if (digit & 32) continue;
    numbers.push(value & 1 ? -(value >> 1) : value >> 1);
    value = 0;
    shift = 0;
  }
  return numbers;
}
