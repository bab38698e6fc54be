/** Parses the JSON of files, with limits on its size. */

import { reasonOf, show } from '../../util/errors.ts';
import { describeOtherFormat } from '../stores/fileSignatures.ts';
import { type FilePath, failAt, MOST_VALUES } from './filePath.ts';

/** The characters that precede JSON values. */
const COMMA = 0x2c;
const BRACKET = 0x5b;
const BRACE = 0x7b;

/** The maximum length of a topology in characters, in all formats. */
export const MOST_TEXT = 2 ** 24;

/** Rejects the text of a topology that is too long. */
export function checkLength(location: FilePath, length: number): void {
  if (length > MOST_TEXT) failAt(location, `must be at most ${MOST_TEXT} bytes long, got ${length}`);
}

/** Parses JSON that describes a model. */
export function parseTopology(location: FilePath, text: string): unknown {
  checkLength(location, text.length);
  return parseJson(location, text);
}

/** Parses JSON from a file; rejects it before parsing if its values would take much more memory than its text. */
export function parseJson(location: FilePath, text: string): unknown {
  let left = MOST_VALUES;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if ((code === COMMA || code === BRACKET || code === BRACE) && --left < 0) {
      failAt(location, `must have at most ${MOST_VALUES} values`);
    }
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    const foreign = describeOtherFormat(new TextEncoder().encode(text.slice(0, 512)), 'JSON');
    return failAt(location, `must be JSON, got ${foreign ?? `${show(text)} (${reasonOf(error)})`}`);
  }
}
