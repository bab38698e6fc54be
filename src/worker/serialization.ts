/** Converts values to data that can be cloned, for messages between a program and its worker. */

import { Tensor } from '../tensor/tensor.ts';
import type { Values } from '../tensor/values.ts';
import { fail, show, ValueError } from '../util/errors.ts';
import { isPlain } from '../util/options.ts';
import { arrayKind, bytesIn, isArrayBuffer } from '../util/typedArrays.ts';
import type { PlainError } from './messages.ts';

/** The sending end of a message channel. */
export interface Port {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
}

/** The buffers that a message transfers, which detaches them from the sender. */
export type TransferList = Set<ArrayBuffer>;

/** The maximum nesting depth, which also rejects cyclic data. */
const DEEPEST = 12;

/**
 * Converts a value to data that can be cloned. Copies typed arrays; with `transfer`, transfers those that fill their
 * buffer instead.
 *
 * @param name the name of the argument, for error messages
 */
export function pack(
  call: string,
  name: string,
  value: unknown,
  transferList: TransferList,
  transfer: boolean,
  depth = 0,
): unknown {
  if (depth > DEEPEST) fail(call, `${name} must be nested at most ${DEEPEST} levels deep`);
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
    // Skip arrays of numbers, which hold most of the data
    return value.some(item => typeof item === 'object' || typeof item === 'function')
      ? value.map((item, n) => inner(`[${n}]`, item))
      : value;
  }
  if (value instanceof Date) return value;
  if (isPlain(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, inner(`.${key}`, item)]));
  }
  if (typeof value === 'function' || typeof value === 'symbol' || (typeof value === 'object' && value !== null)) {
    fail(call, `${name} must be data that can be sent to a worker, got ${show(value)}`);
  }
  return value;
}

/** The array in a buffer to transfer: a copy, or its own buffer if `transfer` is set and the array fills it. */
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
  if (depth > DEEPEST) throw new RangeError(`a message must be nested at most ${DEEPEST} levels deep`);
  const inner = (item: unknown) => unpack(item, depth + 1);
  if (Array.isArray(value)) {
    return value.some(item => typeof item === 'object') ? value.map(inner) : value;
  }
  if (!isPlain(value)) return value;
  const { $tensor, shape } = value as { $tensor?: Values; shape?: number[] };
  if ($tensor) return new Tensor($tensor, shape!);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, inner(item)]));
}

/** Packs any thrown value, which may not be an error and may throw when formatted. */
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
 * Runs `work` and posts its result or error as a reply. A result that cannot be sent becomes an error.
 *
 * @param call the public call, and `name` that of the value, for error messages
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
