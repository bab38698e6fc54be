/**
 * Reads and writes the messages of onnx.proto that sequential models need, described by tables of fields. Unknown fields
 * are skipped.
 */

import { PbfReader, PbfWriter } from 'pbf';
import { fail, ValueError } from '../util/errors.ts';

/** The values of `TensorProto.data_type` and `elem_type`. */
export const FLOAT32 = 1;
export const INT32 = 6;
export const INT64 = 7;
export const BOOL = 9;

/** The values of `AttributeProto.type`. */
export const attributeTypes = { f: 1, i: 2, s: 3, t: 4, g: 5, floats: 6, ints: 7, strings: 8 } as const;

export interface TensorProto {
  name: string;
  dims: number[];
  dataType: number;
  floatData: number[];
  int32Data: number[];
  int64Data: number[];
  rawData?: Uint8Array;
  /** 1 if the numbers are in another file. */
  dataLocation?: number;
}

export interface AttributeProto {
  name: string;
  type: number;
  f?: number;
  i?: number;
  s?: string;
  t?: TensorProto;
  g?: GraphProto;
  floats: number[];
  ints: number[];
  strings: string[];
}

export interface NodeProto {
  name: string;
  opType: string;
  domain: string;
  input: string[];
  output: string[];
  attribute: AttributeProto[];
}

export interface DimensionProto {
  dimValue?: number;
  dimParam?: string;
}

export interface ValueInfoProto {
  name: string;
  type?: { tensorType?: { elemType: number; shape?: { dim: DimensionProto[] } } };
}

export interface GraphProto {
  name: string;
  node: NodeProto[];
  initializer: TensorProto[];
  input: ValueInfoProto[];
  output: ValueInfoProto[];
  /** Only counted, not read. */
  sparseInitializer: object[];
}

export interface ModelProto {
  irVersion: number;
  producerName: string;
  producerVersion: string;
  graph?: GraphProto;
  opsetImport: { domain: string; version: number }[];
}

/** Whether an operator is one of ONNX itself. */
export const isStandard = (domain: string): boolean => domain === '' || domain === 'ai.onnx';

/** A message with only the fields to write. */
export type Draft<T> = { [K in keyof T]?: T[K] extends (infer I)[] ? Draft<I>[] : Draft<T[K]> };

type Kind = 'int' | 'float' | 'string' | 'bytes' | Message;
/** The number and the kind of a field; a list if `many`. */
type Field = readonly [number, Kind, many?: boolean];
interface Message {
  readonly [name: string]: Field;
}

const tensor: Message = {
  dims: [1, 'int', true],
  dataType: [2, 'int'],
  floatData: [4, 'float', true],
  int32Data: [5, 'int', true],
  int64Data: [7, 'int', true],
  name: [8, 'string'],
  rawData: [9, 'bytes'],
  dataLocation: [14, 'int'],
};

const dimension: Message = { dimValue: [1, 'int'], dimParam: [2, 'string'] };
const shape: Message = { dim: [1, dimension, true] };
const tensorType: Message = { elemType: [1, 'int'], shape: [2, shape] };
const valueInfo: Message = { name: [1, 'string'], type: [2, { tensorType: [1, tensorType] }] };

/** A graph, and the graphs in the attributes of its nodes. Those in them are skipped, which bounds the nesting depth. */
const graphOf = (inner: Message): Message => ({
  node: [
    1,
    {
      input: [1, 'string', true],
      output: [2, 'string', true],
      name: [3, 'string'],
      opType: [4, 'string'],
      attribute: [
        5,
        {
          name: [1, 'string'],
          f: [2, 'float'],
          i: [3, 'int'],
          s: [4, 'string'],
          t: [5, tensor],
          g: [6, inner],
          floats: [7, 'float', true],
          ints: [8, 'int', true],
          strings: [9, 'string', true],
          type: [20, 'int'],
        },
        true,
      ],
      domain: [7, 'string'],
    },
    true,
  ],
  name: [2, 'string'],
  initializer: [5, tensor, true],
  input: [11, valueInfo, true],
  output: [12, valueInfo, true],
  sparseInitializer: [15, {}, true],
});

const model: Message = {
  irVersion: [1, 'int'],
  producerName: [2, 'string'],
  producerVersion: [3, 'string'],
  graph: [7, graphOf(graphOf({}))],
  opsetImport: [8, { domain: [1, 'string'], version: [2, 'int'] }, true],
};

/** The defaults of absent fields. */
const defaults: { readonly [name: string]: unknown } = {
  name: '',
  opType: '',
  domain: '',
  producerName: '',
  producerVersion: '',
  irVersion: 0,
  version: 0,
  type: 0,
  dataType: 0,
  elemType: 0,
};

/** The maximum number of messages in a list. */
const MOST = 50_000;
const BYTES = 2;

/**
 * Reads a model.
 *
 * @throws ValueError that names the invalid field, such as `graph.node[3].attribute[0].t`
 */
export function readModel(call: string, bytes: Uint8Array): ModelProto {
  return read(call, model, bytes, '') as unknown as ModelProto;
}

type Plain = Record<string, unknown>;

/** The description of a message for the reader: an empty message, and its fields by number. */
interface Table {
  readonly lists: readonly string[];
  readonly defaults: Plain;
  readonly fields: ReadonlyMap<number, { readonly name: string; readonly kind: Kind; readonly many: boolean }>;
}

const tables = new WeakMap<Message, Table>();

function tableOf(message: Message): Table {
  const known = tables.get(message);
  if (known) return known;
  const entries = Object.entries(message);
  const made: Table = {
    lists: entries.filter(([, [, , many]]) => many).map(([name]) => name),
    defaults: Object.fromEntries(
      entries
        .filter(([name, [, kind, many]]) => !many && name in defaults && typeof kind === 'string')
        .map(([name]) => [name, defaults[name]]),
    ),
    fields: new Map(entries.map(([name, [number, kind, many = false]]) => [number, { name, kind, many }])),
  };
  tables.set(message, made);
  return made;
}

const text = new TextDecoder();

function read(call: string, message: Message, bytes: Uint8Array, part: string): Plain {
  const table = tableOf(message);
  const result: Plain = { ...table.defaults };
  for (const name of table.lists) result[name] = [];
  const broken = (what: string): never => fail(call, `${part || 'the file'} must be a message of onnx.proto, ${what}`);
  const reader = new PbfReader(bytes);
  try {
    for (let tag = reader.nextField(); tag !== 0; tag = reader.nextField()) {
      const found = table.fields.get(tag);
      if (!found) continue;
      const { name, kind, many } = found;
      const path = part ? `${part}.${name}` : name;
      if (!many) result[name] = one(call, reader, kind, path);
      else if (reader.type === BYTES && (kind === 'int' || kind === 'float')) {
        const packed = new PbfReader(block(call, reader, path));
        const list = result[name] as number[];
        while (packed.pos < packed.length) list.push(one(call, packed, kind, path, true) as number);
      } else {
        const list = result[name] as unknown[];
        if (kind !== 'int' && kind !== 'float') {
          if (list.length >= MOST) fail(call, `${path} must have at most ${MOST} entries, got more`);
        }
        list.push(one(call, reader, kind, `${path}[${list.length}]`));
      }
    }
  } catch (error) {
    if (error instanceof ValueError) throw error;
    broken('got a truncated or malformed one');
  }
  if (reader.pos !== reader.length) broken(`got a truncated field`);
  return result;
}

/** The bytes of a length-delimited field. */
function block(call: string, reader: PbfReader, path: string): Uint8Array {
  const length = reader.readVarint();
  const left = reader.length - reader.pos;
  if (!(length <= left)) fail(call, `${path} must end within its message, got ${length} bytes with ${left} left`);
  const bytes = reader.buf.subarray(reader.pos, reader.pos + length);
  reader.pos += length;
  return bytes;
}

const wireTypes = { int: 0, float: 5, string: BYTES, bytes: BYTES };

function one(call: string, reader: PbfReader, kind: Kind, path: string, packed = false): unknown {
  const type = typeof kind === 'string' ? wireTypes[kind] : BYTES;
  if (!packed && reader.type !== type) {
    fail(call, `${path} must have wire type ${type} of Protocol Buffers, got ${reader.type}`);
  }
  switch (kind) {
    case 'int': {
      const value = reader.readVarint(true);
      if (reader.pos > reader.length) fail(call, `${path} must be within its message, got a truncated one`);
      return value;
    }
    case 'float':
      return reader.readFloat();
    case 'string':
      return text.decode(block(call, reader, path));
    case 'bytes':
      return block(call, reader, path);
    default:
      return read(call, kind, block(call, reader, path), path);
  }
}

/** Encodes a model. */
export function writeModel(value: Draft<ModelProto>): Uint8Array {
  const writer = new PbfWriter();
  write({ message: model, value: value as Plain }, writer);
  return writer.finish().slice();
}

function write({ message, value }: { message: Message; value: Plain }, writer: PbfWriter): void {
  for (const [name, [tag, kind, many]] of Object.entries(message)) {
    const field = value[name];
    if (field === undefined) continue;
    for (const item of many ? (field as unknown[]) : [field]) {
      if (kind === 'int') writer.writeVarintField(tag, item as number);
      else if (kind === 'float') writer.writeFloatField(tag, item as number);
      else if (kind === 'string') writer.writeStringField(tag, item as string);
      else if (kind === 'bytes') writer.writeBytesField(tag, item as Uint8Array);
      else writer.writeMessage(tag, write, { message: kind, value: item as Plain });
    }
  }
}

/** The value of an attribute, by field name. */
export type AttributeValue = Draft<Pick<AttributeProto, keyof typeof attributeTypes>>;

export function attribute(name: string, value: AttributeValue): Draft<AttributeProto> {
  const [field] = Object.keys(value) as (keyof typeof attributeTypes)[];
  return { name, ...value, type: attributeTypes[field!] };
}
