/** Hashes and canonical JSON: the same text and the same hash for equal data, on every host. */

import { fail, show } from '../util/errors.ts';
import { isPlain } from '../util/options.ts';
import type { Json } from './engine.ts';

/** The SHA-256 of bytes or text, in hexadecimal. */
export async function sha256(content: Uint8Array | string): Promise<string> {
  const { crypto } = globalThis as { crypto?: Partial<Crypto> };
  if (!crypto?.subtle) {
    fail('lstm-wasm/scale', 'the page must be served by https or from localhost, because tasks need crypto.subtle');
  }
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  const digest = await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
  return Array.from(new Uint8Array(digest), byte => byte.toString(16).padStart(2, '0')).join('');
}

/** Whether a value is a SHA-256 in hexadecimal. */
export const isHash = (value: unknown): value is string => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);

/** The maximum nesting depth, which also rejects cyclic data. */
const DEEPEST = 64;

/**
 * JSON with sorted keys and without spaces. Fields that are undefined are left out.
 *
 * @param name the name of the value, for error messages
 */
export function canonicalJson(call: string, name: string, value: unknown, depth = 0): string {
  const inner = (key: string, item: unknown) => canonicalJson(call, `${name}${key}`, item, depth + 1);
  if (depth > DEEPEST) fail(call, `${name} must be nested at most ${DEEPEST} levels deep`);
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number' && Number.isFinite(value)) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${Array.from(value, (item, n) => inner(`[${n}]`, item)).join(',')}]`;
  if (!isPlain(value)) fail(call, `${name} must be plain data, as in JSON, got ${show(value)}`);
  const fields = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, item]) => `${JSON.stringify(key)}:${inner(`.${key}`, item)}`);
  return `{${fields.join(',')}}`;
}

/** Checks plain data. @returns a copy, as it arrives on other machines */
export const checkJson = (call: string, name: string, value: unknown): Json =>
  JSON.parse(canonicalJson(call, name, value)) as Json;
