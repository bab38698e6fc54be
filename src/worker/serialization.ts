/** Converts values to data that can be cloned, for messages between a program and its worker. */

import { Tensor } from '../tensor/tensor.ts';
import type { Values } from '../tensor/values.ts';
import { fail, show, ValueError } from '../util/errors.ts';
import { isPlain } from '../util/options.ts';
import { arrayKind, bytesIn, isArrayBuffer } from '../util/typedArrays.ts';
import type { PlainError } from './messages.ts';

/** The end that a message is sent from. */
export interface Port {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
}

/** Buffers that are handed over and not copied; those of the sender are detached then. */
export type TransferList = Set<ArrayBuffer>;

/** Deeper than anything that is sent: an array that contains itself would have no end. */
const DEEPEST = 12;

/**
 * A value made of data alone. Numbers in typed arrays are copied, or, with `give`, handed over where they fill their
 * buffer.
 *
 * @param name of the argument, for messages
 */
export function pack(
  call: string,
  name: string,
  value: unknown,
  transferList: TransferList,
  transfer: boolean,
  depth = 0,
): unknown {
  if (depth > DEEPEST) fail(call, `${name} must be nested at most ${DEEPEST} deep, got more`);
  const inner = (key: string, item: unknown) => pack(call, `${name}${key}`, item, transferList, transfer, depth + 1);
  if (value instanceof Tensor)
    return { $tensor: packBytes(value.dataSync(), transferList, transfer), shape: [...value.shape] };
  if (ArrayBuffer.isView(value)) return packBytes(value, transferList, transfer);
  if (isArrayBuffer(value)) {
    const own = transfer ? value : value.slice(0);
    transferList.add(own);
    return own;
  }
  if (Array.isArray(value)) {
    // The innermost arrays hold numbers, and most of all there is
    return value.some(item => typeof item === 'object' || typeof item === 'function')
      ? value.map((item, n) => inner(`[${n}]`, item))
      : value;
  }
  if (value instanceof Date) return value;
  if (isPlain(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, inner(`.${key}`, item)]));
  }
  if (typeof value === 'function' || typeof value === 'symbol' || (typeof value === 'object' && value !== null)) {
    fail(call, `${name} must be data, which alone can go to a worker, got ${show(value)}`);
  }
  return value;
}

/** The same array in a buffer to transfer: a copy, or, with `give`, its own buffer if the array fills it. */
function packBytes(view: ArrayBufferView, transferList: TransferList, transfer: boolean): ArrayBufferView {
  const bytes = bytesIn(view);
  const isWhole = bytes.length === bytes.buffer.byteLength;
  const buffer = (transfer && isWhole ? bytes : bytes.slice()).buffer as ArrayBuffer;
  transferList.add(buffer);
  const { [(arrayKind(view) ?? 'DataView') as 'Uint8Array']: Kind } = globalThis;
  return new Kind(buffer);
}

/** Reverses `pack`; throws on any other data. */
export function unpack(value: unknown, depth = 0): unknown {
  if (depth > DEEPEST) throw new RangeError(`a message must be nested at most ${DEEPEST} deep, got more`);
  const inner = (item: unknown) => unpack(item, depth + 1);
  if (Array.isArray(value)) {
    return value.some(item => typeof item === 'object') ? value.map(inner) : value;
  }
  if (!isPlain(value)) return value;
  const { $tensor, shape } = value as { $tensor?: Values; shape?: number[] };
  if ($tensor) return new Tensor($tensor, shape!);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, inner(item)]));
}

/** Packs any thrown value, which may be no error and may throw when it is formatted. */
export function packError(error: unknown): PlainError {
  try {
    if (!(error instanceof Error)) return { ours: false, name: 'Error', message: String(error) };
    return { ours: error instanceof ValueError, name: String(error.name), message: String(error.message) };
  } catch {
    return { ours: false, name: 'Error', message: 'an error that cannot be shown' };
  }
}

export function unpackError({ ours, name, message }: PlainError): Error {
  if (ours) return new ValueError(message);
  const error = new Error(message);
  error.name = name;
  return error;
}

/**
 * Posts the reply of some work, which begins at once; what cannot be sent is an error as well.
 *
 * @param call which this is an error of, and `name` of what
 */
export async function postReply(
  port: Port,
  head: object,
  work: () => unknown,
  transfer: boolean,
  call: string,
  name: string,
): Promise<void> {
  try {
    const transferList: TransferList = new Set();
    const value = pack(call, name, await work(), transferList, transfer);
    port.postMessage({ ...head, value }, [...transferList]);
  } catch (error) {
    port.postMessage({ ...head, error: packError(error) }, []);
  }
}
