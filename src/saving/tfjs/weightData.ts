/** Encodes weights as bytes and a list of specs, and decodes them. */

import { show } from '../../util/errors.ts';
import { fromFloat16 } from '../../util/float16.ts';
import { showShape, sizeOf } from '../../util/shapes.ts';
import {
  type FilePath,
  failAt,
  itemOf,
  readCount,
  readList,
  readNumber,
  readObject,
  readText,
  within,
} from '../config/filePath.ts';
import { concatBytes, type WeightsManifestEntry, type WeightType } from './artifacts.ts';

/** A weight read from a file. */
export interface StoredWeight {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: WeightType;
  readonly optimizer: boolean;
  readonly values: Float32Array | Int32Array | Uint8Array;
}

/** A weight to be written. */
export type NewWeight = Omit<StoredWeight, 'optimizer'>;

/** The `weightSpecs` and `weightData` of some weights. */
export function encodeWeights(
  weights: readonly NewWeight[],
  optimizer: readonly NewWeight[],
): { weightSpecs: WeightsManifestEntry[]; weightData: ArrayBuffer } {
  const all = [...weights, ...optimizer];
  const weightSpecs = all.map(({ name, shape, dtype }, n): WeightsManifestEntry => {
    return { name, shape: [...shape], dtype, ...(n >= weights.length && { group: 'optimizer' as const }) };
  });
  return { weightSpecs, weightData: concatBytes(all.map(({ values }) => values)).buffer };
}

const sizes = { float32: 4, int32: 4, bool: 1, uint8: 1, uint16: 2, float16: 2 } as const;

/** A checked spec. */
interface Entry {
  readonly location: FilePath;
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: WeightType;
  readonly stored: keyof typeof sizes;
  readonly scale: number;
  readonly min: number;
  readonly optimizer: boolean;
  readonly bytes: number;
}

/** Checks the specs and returns the number of bytes that they need, without allocating memory. */
export function checkSpecs(location: FilePath, specs: unknown): { entries: readonly Entry[]; bytes: number } {
  const entries = Array.from(readList(location, specs), (spec, n) => readEntry(itemOf(location, n), spec));
  const seen = new Set<string>();
  for (const { location, name, optimizer } of entries) {
    const key = `${optimizer}/${name}`;
    if (seen.has(key)) failAt(within(location, 'name'), `must be unique, got ${show(name)} twice`);
    seen.add(key);
  }
  return { entries, bytes: entries.reduce((sum, { bytes }) => sum + bytes, 0) };
}

const MOST_AXES = 8;

function readEntry(location: FilePath, value: unknown): Entry {
  const spec = readObject(location, value);
  const name = readText(within(location, 'name'), spec.name);
  const axes = within(location, 'shape');
  const shape = readList(axes, spec.shape);
  if (shape.length > MOST_AXES) failAt(axes, `must have at most ${MOST_AXES} axes, got ${shape.length}`);
  for (const [n, size] of shape.entries()) readCount(itemOf(axes, n), size);
  const dtype = readOneOf(within(location, 'dtype'), spec.dtype, ['float32', 'int32', 'bool'] as const);
  const group = spec.group ?? 'model';
  readOneOf(within(location, 'group'), group, ['model', 'optimizer'] as const);
  const { stored, scale, min } = readQuantization(within(location, 'quantization'), spec.quantization, dtype);
  const bytes = sizeOf(shape as number[]) * sizes[stored];
  if (!Number.isSafeInteger(bytes)) failAt(axes, `must be the shape of a weight, got ${showShape(shape as number[])}`);
  return {
    location,
    name,
    shape: shape as number[],
    dtype,
    stored,
    scale,
    min,
    optimizer: group === 'optimizer',
    bytes,
  };
}

function readQuantization(
  location: FilePath,
  value: unknown,
  dtype: WeightType,
): Pick<Entry, 'stored' | 'scale' | 'min'> {
  if (value === undefined || value === null) return { stored: dtype, scale: 1, min: 0 };
  const { dtype: asked, scale, min } = readObject(location, value);
  const stored = readOneOf(within(location, 'dtype'), asked, ['uint8', 'uint16', 'float16'] as const);
  const fits = stored === 'float16' ? ['float32'] : ['float32', 'int32'];
  if (!fits.includes(dtype)) failAt(location, `requires the dtype ${fits.join(' or ')}, got ${show(dtype)}`);
  if (stored === 'float16') return { stored, scale: 1, min: 0 };
  return { stored, scale: readNumber(within(location, 'scale'), scale), min: readNumber(within(location, 'min'), min) };
}

function readOneOf<K extends string>(location: FilePath, value: unknown, known: readonly K[]): K {
  if (!known.includes(value as K)) {
    failAt(location, `must be ${known.map(name => `'${name}'`).join(' or ')}, got ${show(value)}`);
  }
  return value as K;
}

/**
 * Decodes the weights of a file.
 *
 * @param data the path of the bytes, for error messages
 * @param strict whether to reject surplus bytes
 */
export function decodeWeights(
  location: FilePath,
  specs: unknown,
  data: FilePath,
  bytes: Uint8Array,
  strict: boolean,
): StoredWeight[] {
  const { entries, bytes: expected } = checkSpecs(location, specs);
  if (strict ? bytes.byteLength !== expected : bytes.byteLength < expected) {
    failAt(data, `must have the ${expected} bytes that ${location.part} requires, got ${bytes.byteLength}`);
  }
  let at = 0;
  return entries.map(entry => {
    const from = at;
    at += entry.bytes;
    const { name, shape, dtype, optimizer } = entry;
    return { name, shape, dtype, optimizer, values: valuesOf(entry, bytes.slice(from, at).buffer) };
  });
}

function valuesOf({ dtype, stored, scale, min }: Entry, own: ArrayBuffer): StoredWeight['values'] {
  if (stored === 'float32') return new Float32Array(own);
  if (stored === 'int32') return new Int32Array(own);
  if (stored === 'bool') return new Uint8Array(own);
  if (stored === 'float16') return Float32Array.from(new Uint16Array(own), fromFloat16);
  const whole = stored === 'uint8' ? new Uint8Array(own) : new Uint16Array(own);
  if (dtype === 'int32') return Int32Array.from(whole, n => Math.round(n * scale + min));
  return Float32Array.from(whole, n => n * scale + min);
}
