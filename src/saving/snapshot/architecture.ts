/** The architecture of a model: the options of its layers that determine what it computes. */

import type { Layer } from '../../layers/layer.ts';
import { serialize } from '../../util/config.ts';
import { fail, show } from '../../util/errors.ts';
import type { Fields } from './fields.ts';

/** The layers as plain data, without names, initializers, `trainable` and the batch size. */
export const architectureOf = (layers: readonly Layer[]): Fields[] =>
  JSON.parse(
    JSON.stringify(
      layers.map(layer => serialize(layer)),
      keep,
    ),
  );

function keep(key: string, value: unknown): unknown {
  if (key === 'name' || key === 'trainable' || key.endsWith('Initializer')) return undefined;
  return key === 'batchInputShape' && Array.isArray(value) ? [null, ...value.slice(1)] : value;
}

/**
 * Fails at the first difference between the model and a snapshot.
 *
 * @param name of the value, for messages
 * @param own the value in the model
 * @param found the value in a snapshot
 */
export function checkSameAsModel(call: string, name: string, own: unknown, found: unknown): void {
  const reject = (): never => fail(call, `${name} must be ${show(own)}, as in the model, got ${show(found)}`);
  if (own === null || typeof own !== 'object') {
    // A missing option is the same as null
    if (!Object.is(own, found) && (own ?? found ?? null) !== null) reject();
    return;
  }
  if (found === null || typeof found !== 'object' || Array.isArray(own) !== Array.isArray(found)) reject();
  if (Array.isArray(own)) {
    const items = found as readonly unknown[];
    if (items.length !== own.length) {
      if (typeof own[0] !== 'object') reject();
      fail(call, `${name} must be ${own.length}, as in the model, got ${items.length}`);
    }
    for (const [n, item] of own.entries()) checkSameAsModel(call, `${name}[${n}]`, item, items[n]);
    return;
  }
  const [mine, theirs] = [own as Fields, found as Fields];
  for (const key of new Set([...Object.keys(mine), ...Object.keys(theirs)])) {
    const [a, b] = [mine, theirs].map(side => (Object.hasOwn(side, key) ? side[key] : undefined));
    checkSameAsModel(call, key === 'config' ? name : `${name}.${key}`, a, b);
  }
}
