/** Converts the number types of safetensors files to float32. Bytes are in little-endian order. */

import { fail, show } from '../util/errors.ts';
import { fromFloat16 } from '../util/float16.ts';

/** The bits per number, by type. */
export const bitsOf: ReadonlyMap<string, number> = new Map([
  ['F4', 4],
  ['F6_E2M3', 6],
  ['F6_E3M2', 6],
  ...['BOOL', 'U8', 'I8', 'F8_E5M2', 'F8_E4M3', 'F8_E8M0', 'F8_E4M3FNUZ', 'F8_E5M2FNUZ'].map(
    name => [name, 8] as const,
  ),
  ...['I16', 'U16', 'F16', 'BF16'].map(name => [name, 16] as const),
  ...['I32', 'U32', 'F32'].map(name => [name, 32] as const),
  ...['C64', 'F64', 'I64', 'U64'].map(name => [name, 64] as const),
]);

/** Reads the number at a position, by type. */
const readers: { readonly [dtype: string]: (view: DataView, at: number) => number | bigint } = {
  F32: (view, at) => view.getFloat32(at, true),
  F16: (view, at) => fromFloat16(view.getUint16(at, true)),
  BF16: (view, at) => fromBfloat16(view.getUint16(at, true)),
  F64: (view, at) => view.getFloat64(at, true),
  I8: (view, at) => view.getInt8(at),
  U8: (view, at) => view.getUint8(at),
  I16: (view, at) => view.getInt16(at, true),
  U16: (view, at) => view.getUint16(at, true),
  I32: (view, at) => view.getInt32(at, true),
  U32: (view, at) => view.getUint32(at, true),
  I64: (view, at) => view.getBigInt64(at, true),
  U64: (view, at) => view.getBigUint64(at, true),
  BOOL: (view, at) => view.getUint8(at),
};

const word = new Uint32Array(1);
const float = new Float32Array(word.buffer);

/** bfloat16: the upper half of a float32. */
function fromBfloat16(upper: number): number {
  word[0] = upper << 16;
  return float[0]!;
}

/**
 * Converts the numbers of a tensor to float32. Rounds float64; integers must be representable exactly.
 *
 * @param part the part of the file, for error messages
 * @param bytes the bytes of `count` numbers
 */
export function toFloats(call: string, part: string, dtype: string, bytes: Uint8Array, count: number): Float32Array {
  const read = Object.hasOwn(readers, dtype) ? readers[dtype]! : null;
  if (!read) {
    fail(call, `${part} must have one of the types ${Object.keys(readers).join(', ')}, got ${show(dtype)}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = bitsOf.get(dtype)! / 8;
  const exact = !dtype.includes('F');
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const value = read(view, i * size);
    values[i] = Number(value);
    const got = values[i]!;
    // Rounding must not overflow
    if (exact ? differs(got, value) : dtype === 'F64' && !Number.isFinite(got) && Number.isFinite(value)) {
      fail(call, `${part} must have numbers that fit into float32, got ${show(value)}`);
    }
    if (dtype === 'BOOL' && got > 1) fail(call, `${part} must have only 0 and 1 for BOOL, got ${got}`);
  }
  return values;
}

const differs = (got: number, value: number | bigint): boolean =>
  typeof value === 'bigint' ? BigInt(got) !== value : got !== value;
