/** Where things stand in a file, and how deeply they may be nested there. */

import { fail } from '../errors.ts';

/** Deeper than any model is nested, and far from the end of the stack. */
const DEEPEST = 100;

/** Where in a file something stands, for messages. */
export interface Place {
  /** The public call. */
  readonly call: string;
  /** The part of the file. */
  readonly part: string;
}

/** Refuses data that is nested so deeply, or in a circle, that working on it would exhaust the stack. */
export function checkDepth(place: Place, value: unknown, depth = 0): void {
  if (value === null || typeof value !== 'object') return;
  if (depth > DEEPEST) fail(place.call, `${place.part}: must be nested at most ${DEEPEST} deep, got more`);
  for (const item of Object.values(value)) checkDepth(place, item, depth + 1);
}
