/** Encodes and decodes base64. */

import { show } from '../../util/errors.ts';
import { type FilePath, failAt } from '../config/filePath.ts';

/** The number of arguments that a function call supports in every engine. */
const CHUNK = 0x2000;

export function toBase64(bytes: Uint8Array): string {
  const pieces: string[] = [];
  for (let at = 0; at < bytes.length; at += CHUNK) {
    pieces.push(String.fromCharCode(...bytes.subarray(at, at + CHUNK)));
  }
  return btoa(pieces.join(''));
}

export function fromBase64(location: FilePath, text: string): Uint8Array<ArrayBuffer> {
  let plain: string;
  try {
    plain = atob(text);
  } catch {
    return failAt(location, `must be base64, got ${show(text)}`);
  }
  const bytes = new Uint8Array(plain.length);
  for (let n = 0; n < plain.length; n++) bytes[n] = plain.charCodeAt(n);
  return bytes;
}
