/** What of a layer decides what it computes: its options without names and without what training changes anyway. */

import type { Layer } from '../layers/layer.ts';
import { describe } from '../util/config.ts';
import { fail, show } from '../util/errors.ts';
import type { Fields } from './fields.ts';

/** The layers as plain data, as JSON keeps it. Initial values, the batch size, and whether a layer learns may differ. */
export const architectureOf = (layers: readonly Layer[]): Fields[] =>
  JSON.parse(
    JSON.stringify(
      layers.map(layer => describe(layer)),
      keep,
    ),
  );

function keep(key: string, value: unknown): unknown {
  if (key === 'name' || key === 'trainable' || key.endsWith('Initializer')) return undefined;
  return key === 'batchInputShape' && Array.isArray(value) ? [null, ...value.slice(1)] : value;
}

/**
 * Fails where two things are not the same, and says where first.
 *
 * @param name where they stand, for messages
 * @param own as `essenceOf` gives it
 * @param found from elsewhere
 */
export function checkSame(call: string, name: string, own: unknown, found: unknown): void {
  const refuse = (): never => fail(call, `${name} must be ${show(own)}, as in the model, got ${show(found)}`);
  if (own === null || typeof own !== 'object') {
    // What is off may also be absent
    if (!Object.is(own, found) && (own ?? found ?? null) !== null) refuse();
    return;
  }
  if (found === null || typeof found !== 'object' || Array.isArray(own) !== Array.isArray(found)) refuse();
  if (Array.isArray(own)) {
    const items = found as readonly unknown[];
    if (items.length !== own.length) {
      if (typeof own[0] !== 'object') refuse();
      fail(call, `${name} must be ${own.length}, as in the model, got ${items.length}`);
    }
    for (const [n, item] of own.entries()) checkSame(call, `${name}[${n}]`, item, items[n]);
    return;
  }
  const [mine, theirs] = [own as Fields, found as Fields];
  for (const key of new Set([...Object.keys(mine), ...Object.keys(theirs)])) {
    const [a, b] = [mine, theirs].map(side => (Object.hasOwn(side, key) ? side[key] : undefined));
    checkSame(call, key === 'config' ? name : `${name}.${key}`, a, b);
  }
}
