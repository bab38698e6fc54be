/** Takes the module of the kernels apart, and puts modules together from some of its functions. */

import { known, Reader } from './moduleReader.js';

const section = {
  types: 1,
  imports: 2,
  functions: 3,
  table: 4,
  globals: 6,
  exports: 7,
  start: 8,
  elements: 9,
  code: 10,
  data: 11,
};

/** What modules import and export. */
export const kinds = { function: 0, table: 1, memory: 2, global: 3 };

/**
 * A number in the code that names something, and gets another value in another module.
 * @typedef {{ of: 'functions' | 'globals' | 'types', index: number, from: number, to: number }} Reference
 *
 * @typedef {{ bytes: Uint8Array, references: Reference[] }} Body of a function; references by their offsets in the bytes
 * @typedef {{ name: string, kind: number, index: number }} Export
 *
 * @typedef {object} Module
 * @property {Uint8Array[]} types
 * @property {import('./moduleReader.js').Effect[]} effects of these types
 * @property {Uint8Array | null} memory the import of it
 * @property {Uint8Array[]} imports the names of imported functions, as bytes
 * @property {number[]} functions the types of all, imported ones first
 * @property {Uint8Array | null} table
 * @property {{ type: Uint8Array, value: Uint8Array }[]} globals
 * @property {Export[]} exports
 * @property {number} start
 * @property {number[]} elements the functions in the table
 * @property {Uint8Array} elementsHead what precedes them in their section
 * @property {Body[]} bodies
 * @property {Uint8Array} data the content of the section
 */

/** @param {Uint8Array} bytes @returns {Module} */
export function parse(bytes) {
  /** @type {Module} */
  const module = {
    ...{ types: [], effects: [], memory: null, imports: [], functions: [], table: null, globals: [], exports: [] },
    ...{ start: -1, elements: [], elementsHead: new Uint8Array(), bodies: [], data: new Uint8Array() },
  };
  const reader = new Reader(bytes, 8);
  /** The bytes that `read` passes. @param {() => unknown} read */
  const passed = read => {
    const from = reader.at;
    read();
    return bytes.subarray(from, reader.at);
  };
  const readers = new Map([
    [section.types, () => reader.list(() => module.types.push(passed(() => module.effects.push(reader.type()))))],
    [section.imports, () => reader.list(() => readImport(module, reader, passed))],
    [section.functions, () => module.functions.push(...reader.list(() => reader.uint()))],
    [section.table, () => reader.list(() => (module.table = passed(() => [reader.byte(), readLimits(reader)])))],
    [
      section.globals,
      () =>
        reader.list(() =>
          module.globals.push({ type: passed(() => reader.skip(2)), value: passed(() => readConstant(reader)) }),
        ),
    ],
    [
      section.exports,
      () => reader.list(() => module.exports.push({ name: reader.text(), kind: reader.byte(), index: reader.uint() })),
    ],
    [section.start, () => (module.start = reader.uint())],
    [
      section.elements,
      () => {
        if (reader.uint() !== 1 || reader.byte() !== 0) throw new Error('the kernels must have one list of functions');
        module.elementsHead = passed(() => readConstant(reader));
        module.elements = reader.list(() => reader.uint());
      },
    ],
    [section.code, () => reader.list(() => module.bodies.push(readBody(module, reader)))],
  ]);
  while (reader.at < bytes.length) {
    const id = reader.byte();
    const end = reader.uint() + reader.at;
    if (id === section.data) module.data = bytes.subarray(reader.at, end);
    readers.get(id)?.();
    reader.at = end;
  }
  return module;
}

/** @param {Module} module @param {Reader} reader @param {(read: () => unknown) => Uint8Array} passed */
function readImport(module, reader, passed) {
  const names = passed(() => [reader.text(), reader.text()]); // of a module, and of what it exports
  if (reader.byte() === kinds.function) {
    module.imports.push(names);
    module.functions.push(reader.uint());
  } else {
    const limits = passed(() => readLimits(reader)); // of the memory, the only other import
    module.memory = Uint8Array.of(...names, kinds.memory, ...limits);
  }
}

/** @param {Reader} reader */
function readLimits(reader) {
  for (let count = 1 + (reader.byte() & 1); count > 0; count--) reader.uint();
}

/** @param {Reader} reader */
function readConstant(reader) {
  while (reader.instruction([], []).closes !== 'end');
}

/** @param {Module} module @param {Reader} reader @returns {Body} */
function readBody({ effects, functions }, reader) {
  const end = reader.uint() + reader.at;
  const start = reader.at;
  const signatures = functions.map(type => known(effects, type));
  /** @type {Reference[]} */
  const references = [];
  reader.list(() => [reader.uint(), reader.byte()]); // local variables
  while (reader.at < end) {
    const from = reader.at + 1;
    const of = referring.get(/** @type {number} */ (reader.bytes[reader.at]));
    reader.instruction(effects, signatures);
    if (!of) continue;
    const number = new Reader(reader.bytes, from);
    references.push({ of, index: number.uint(), from: from - start, to: number.at - start });
  }
  return { bytes: reader.bytes.subarray(start, end), references };
}

/** The instructions with references: call, call_indirect, global.get, global.set. @type {Map<number, Reference['of']>} */
const referring = new Map([
  [0x10, 'functions'],
  [0x11, 'types'],
  [0x23, 'globals'],
  [0x24, 'globals'],
]);

/**
 * What a module has of another. Functions and global variables are given by their numbers there.
 * @typedef {object} Choice
 * @property {{ index: number, bytes: readonly number[] }[]} functionImports
 * @property {number[]} functions
 * @property {{ index: number, bytes: readonly number[] }[]} globalImports
 * @property {number[]} globals
 * @property {readonly number[] | null} tableImport
 * @property {Export[]} exports
 * @property {boolean} isCore whether it has the table, the start function and the data
 * @property {Map<number, number>} slots the places in the table of functions that other modules call
 * @property {number} tableSize
 */

/** @param {Module} all @param {Choice} choice @returns {Uint8Array} */
export function assemble(all, choice) {
  const { isCore } = choice;
  const bodies = choice.functions.map(n => bodyOf(all, n));
  const typeOf = (/** @type {number} */ n) => known(all.functions, n);
  const isElsewhere = (/** @type {Reference} */ { of, index }) =>
    of === 'functions' && choice.slots.has(index) && !choice.functions.includes(index);
  const indirect = bodies.flatMap(({ references }) =>
    references.flatMap(one => (isElsewhere(one) ? typeOf(one.index) : one.of === 'types' ? one.index : [])),
  );
  const functionNumbers = [...choice.functionImports.map(({ index }) => index), ...choice.functions];
  const globalNumbers = [...choice.globalImports.map(({ index }) => index), ...choice.globals];
  const types = [...new Set([...functionNumbers.map(typeOf), ...indirect])].sort((a, b) => a - b);
  const numbers = { types: places(types), functions: places(functionNumbers), globals: places(globalNumbers) };
  const numberOf = (/** @type {Reference['of']} */ of, /** @type {number} */ index) => {
    const number = numbers[of].get(index);
    if (number === undefined) throw new Error(`a module lacks number ${index} of the ${of}`);
    return number;
  };
  // The memory first, where src/wasm/sharedMemory.ts looks for it
  const imports = [
    ...(all.memory ? [[...all.memory]] : []),
    ...choice.functionImports.map(({ index, bytes }) => [
      ...bytes,
      kinds.function,
      ...uint(numberOf('types', typeOf(index))),
    ]),
    ...(choice.tableImport ? [[...choice.tableImport, kinds.table, ...table(choice.tableSize)]] : []),
    ...choice.globalImports.map(({ index, bytes }) => [...bytes, kinds.global, ...known(all.globals, index).type]),
  ];
  const exported = choice.exports.map(({ name, kind, index }) => {
    const number =
      kind === kinds.function
        ? numberOf('functions', index)
        : kind === kinds.global
          ? numberOf('globals', index)
          : index;
    return [...text(name), kind, ...uint(number)];
  });
  const slotOf = (/** @type {number} */ n) => int(/** @type {number} */ (choice.slots.get(n)));
  const callOf = (/** @type {Reference} */ one) =>
    isElsewhere(one) ? [0x41, ...slotOf(one.index), 0x11, ...uint(numberOf('types', typeOf(one.index))), 0x00] : null;
  const code = codeSection(bodies.map(body => rewritten(body, numberOf, callOf)));
  const segments = [
    ...(isCore && all.elements.length > 0 ? [elements(all, numberOf)] : []),
    ...choice.functions
      .filter(n => choice.slots.has(n))
      .map(n => [0, 0x41, ...slotOf(n), 0x0b, 1, ...uint(numberOf('functions', n))]),
  ];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00], // the magic number and the version
    ...list(
      section.types,
      types.map(n => known(all.types, n)),
    ),
    ...list(section.imports, imports),
    ...list(
      section.functions,
      choice.functions.map(n => uint(numberOf('types', typeOf(n)))),
    ),
    ...(isCore ? list(section.table, [table(choice.tableSize)]) : []),
    ...list(
      section.globals,
      choice.globals.map(n => [...known(all.globals, n).type, ...known(all.globals, n).value]),
    ),
    ...list(section.exports, exported),
    ...(isCore ? content(section.start, uint(numberOf('functions', all.start))) : []),
    ...list(section.elements, segments),
    ...code,
    ...(isCore ? content(section.data, all.data) : []),
  ]);
}

/**
 * A module with other functions of the same types.
 * @param {Uint8Array} bytes of the module
 * @param {number[][]} bodies
 */
export function withBodies(bytes, bodies) {
  const reader = new Reader(bytes, 8);
  /** @type {number[]} */
  const all = [...bytes.subarray(0, 8)];
  while (reader.at < bytes.length) {
    const start = reader.at;
    const id = reader.byte();
    reader.skip(reader.uint());
    const isCode = id === section.code;
    for (const byte of isCode ? codeSection(bodies) : bytes.subarray(start, reader.at)) all.push(byte);
  }
  return Uint8Array.from(all);
}

/** @param {number[][]} bodies */
const codeSection = bodies =>
  list(
    section.code,
    bodies.map(body => [...uint(body.length), ...body]),
  );

/** @param {Module} all @param {number} n the number of a function that is not imported */
export const bodyOf = (all, n) => known(all.bodies, n - all.imports.length);

/** @param {Module} all @param {(of: Reference['of'], index: number) => number} numberOf */
function elements(all, numberOf) {
  const functions = all.elements.flatMap(n => uint(numberOf('functions', n)));
  return [0, ...all.elementsHead, ...uint(all.elements.length), ...functions];
}

/**
 * @param {Body} body
 * @param {(of: Reference['of'], index: number) => number} numberOf
 * @param {(one: Reference) => number[] | null} callOf the code that replaces a call
 */
function rewritten({ bytes, references }, numberOf, callOf) {
  /** @type {number[]} */
  const code = [];
  let next = 0;
  for (const one of references) {
    const { of, index, from, to } = one;
    const call = callOf(one);
    if (call) code.push(...bytes.subarray(next, from - 1), ...call);
    else code.push(...bytes.subarray(next, from), ...uint(numberOf(of, index)));
    next = to;
  }
  code.push(...bytes.subarray(next));
  return code;
}

/** @param {readonly number[]} numbers @returns {Map<number, number>} from each to its place */
const places = numbers => new Map(numbers.map((n, place) => [n, place]));

/** A section with a list. @param {number} id @param {Iterable<number>[]} items */
const list = (id, items) =>
  items.length === 0 ? [] : content(id, [...uint(items.length), ...items.flatMap(item => [...item])]);

/** @param {number} id @param {ArrayLike<number> & Iterable<number>} bytes */
const content = (id, bytes) => [id, ...uint(bytes.length), ...bytes];

/** @param {string} characters */
export const text = characters => [characters.length, ...Buffer.from(characters, 'latin1')];

/** A signed LEB128 of a number below 8192. @param {number} value @returns {number[]} */
const int = value => (value < 64 ? [value] : [(value & 127) | 128, value >>> 7]);

/** A table of functions. @param {number} size */
const table = size => [0x70, 0x00, ...uint(size)];

/** The least size of the table. @param {Module} all */
export const tableSize = all => (all.table ? new Reader(all.table, 2).uint() : 0);

/** An unsigned LEB128. @param {number} value @returns {number[]} */
export const uint = value => (value < 128 ? [value] : [(value & 127) | 128, ...uint(value >>> 7)]);
