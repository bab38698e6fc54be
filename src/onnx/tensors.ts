/** Tensors of a file, checked against the bytes that are really there. */

import { fail } from '../errors.ts';
import { sizeOf } from '../shapes.ts';
import { FLOAT32, INT32, INT64, type TensorProto } from './proto.ts';
import { quote } from './text.ts';
import { MOST_AXES, MOST_ITEMS, type Value } from './values.ts';

const WIDTHS: { readonly [dataType: number]: number } = { [FLOAT32]: 4, [INT32]: 4, [INT64]: 8 };

/**
 * The numbers of a tensor: floats in any shape, or a short list of whole numbers. Of other types nothing is known.
 *
 * @param part where it stands in the file
 */
export function readTensor(call: string, part: string, tensor: TensorProto): Value {
  const { dims, dataType, floatData, int32Data, int64Data, rawData } = tensor;
  const at = `${part}${tensor.name && ` (${quote(tensor.name)})`}`;
  if (tensor.dataLocation) fail(call, `${at} must have its numbers in the file itself, got data in another file`);
  if (dims.length > MOST_AXES || !dims.every(n => Number.isSafeInteger(n) && n >= 0)) {
    fail(call, `${at} must have at most ${MOST_AXES} dims, whole numbers from 0 on, got [${dims.slice(0, 12)}]`);
  }
  const width = WIDTHS[dataType];
  if (width === undefined) {
    return { kind: 'unknown', why: `${at} must be of type float32, int32 or int64, got number ${dataType}` };
  }
  const count = sizeOf(dims);
  const listed = dataType === FLOAT32 ? floatData : dataType === INT32 ? int32Data : int64Data;
  const there = rawData ? rawData.length / width : listed.length;
  if (there !== count) fail(call, `${at} must hold the ${count} numbers of [${dims}], got ${there}`);
  if (dataType === FLOAT32) {
    const values = rawData ? new Float32Array(rawData.slice().buffer) : Float32Array.from(listed);
    return { kind: 'floats', dims, values };
  }
  if (dims.length > 1 || count > MOST_ITEMS) {
    const why = `${at} must be a list of at most ${MOST_ITEMS} where it holds whole numbers, got [${dims}]`;
    return { kind: 'unknown', why };
  }
  return { kind: 'ints', scalar: dims.length === 0, items: rawData ? wholeNumbers(rawData, dataType) : listed };
}

function wholeNumbers(bytes: Uint8Array, dataType: number): number[] {
  const { buffer } = bytes.slice();
  return dataType === INT32 ? [...new Int32Array(buffer)] : Array.from(new BigInt64Array(buffer), Number);
}
