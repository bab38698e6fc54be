/** The metadata that a program saves with a model. */

import { fail, show } from '../../util/errors.ts';
import { isPlain } from '../../util/options.ts';
import { checkDepth, type FilePath, failAt, itemOf, readObject, within } from '../config/filePath.ts';

/** The key in `userDefinedMetadata` for state that TF.js cannot store. */
export const OWN = 'lstmWasm';

/** Copies metadata; rejects values that JSON cannot store. */
export function checkMetadata(call: string, metadata: unknown): { [name: string]: unknown } {
  const location = { call, part: 'metadata' };
  checkDepth(location, readObject(location, metadata));
  const found = readObject(location, plainCopy(location, metadata)) as { [name: string]: unknown };
  if (OWN in found) fail(call, `metadata must not have the name '${OWN}', which is reserved`);
  return found;
}

/** Copies a value; rejects values that JSON would drop or replace by null. */
function plainCopy(location: FilePath, given: unknown): unknown {
  const value = hasToJson(given) ? given.toJSON() : given;
  if (value !== given) checkDepth(location, value);
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (Array.isArray(value)) return Array.from(value, (item, n) => plainCopy(itemOf(location, n), item));
  if (!isPlain(value)) return failAt(location, `must be a value that JSON can store, got ${show(value)}`);
  const copy: { [name: string]: unknown } = {};
  for (const [name, item] of Object.entries(value)) {
    if (item === undefined) continue;
    const own = plainCopy(within(location, name.slice(0, 60)), item);
    Object.defineProperty(copy, name, { value: own, enumerable: true, configurable: true, writable: true });
  }
  return copy;
}

const hasToJson = (value: unknown): value is { toJSON(): unknown } =>
  value !== null && typeof value === 'object' && typeof (value as { toJSON?: unknown }).toJSON === 'function';
