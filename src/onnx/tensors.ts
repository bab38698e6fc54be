/** Reads the tensors of a file, and checks their sizes. */

import { fail } from '../util/errors.ts';
import { sizeOf } from '../util/shapes.ts';
import { BOOL, FLOAT32, INT32, INT64, type TensorProto } from './proto.ts';
import { quote } from './text.ts';
import { MOST_AXES, type Value } from './values.ts';

const WIDTHS: { readonly [dataType: number]: number } = { [FLOAT32]: 4, [INT32]: 4, [INT64]: 8, [BOOL]: 1 };

/**
 * The numbers of a tensor: floats or integers; other types give an unknown value.
 *
 * @param part its path in the file, for error messages
 */
export function readTensor(call: string, part: string, tensor: TensorProto): Value {
  const { dims, dataType, floatData, int32Data, int64Data, rawData } = tensor;
  const at = `${part}${tensor.name && ` (${quote(tensor.name)})`}`;
  if (tensor.dataLocation) fail(call, `${at} must have its numbers in this file, got external data`);
  if (dims.length > MOST_AXES || !dims.every(n => Number.isSafeInteger(n) && n >= 0)) {
    fail(call, `${at} must have at most ${MOST_AXES} dims, integers of at least 0, got [${dims.slice(0, 12)}]`);
  }
  const width = WIDTHS[dataType];
  if (width === undefined) {
    return { kind: 'unknown', why: `${at} must be of type float32, int32 or int64, got ${typeName(dataType)}` };
  }
  const count = sizeOf(dims);
  const listed = dataType === FLOAT32 ? floatData : dataType === INT64 ? int64Data : int32Data;
  const there = rawData ? rawData.length / width : listed.length;
  if (there !== count) fail(call, `${at} must have ${count} numbers for the shape [${dims}], got ${there}`);
  if (dataType === FLOAT32) {
    const values = rawData ? new Float32Array(rawData.slice().buffer) : Float32Array.from(listed);
    return { kind: 'floats', dims, values };
  }
  return { kind: 'ints', dims, values: rawData ? integersOf(rawData, dataType) : listed };
}

function integersOf(bytes: Uint8Array, dataType: number): number[] {
  if (dataType === BOOL) return [...bytes];
  const { buffer } = bytes.slice();
  return dataType === INT32 ? [...new Int32Array(buffer)] : Array.from(new BigInt64Array(buffer), Number);
}

const typeNames: { readonly [dataType: number]: string } = {
  2: 'uint8',
  3: 'int8',
  8: 'string',
  10: 'float16',
  11: 'float64',
  16: 'bfloat16',
};

/** The name of a tensor type, with advice. */
export function typeName(dataType: number): string {
  const name = typeNames[dataType];
  if (!name) return `number ${dataType}`;
  return `${name} (number ${dataType}); export the model in float32, without quantization`;
}
