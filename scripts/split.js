/**
 * Splits the kernels into modules that share one memory: the core, and groups of kernels that not all programs use. A group
 * has the functions that the core lacks, and imports from the core the others that they call, the table and global variables.
 * Two groups may have the same function; what more of them need is in the core, as are data and the allocator.
 *
 * Functions that are `late` are in their own group only. The others call them through the table, into which the group
 * puts them when it is instantiated.
 */

import { assemble, bodyOf, kinds, parse, tableSize, text } from './kernelModule.js';
import { known } from './moduleReader.js';

/** The name by which groups import from the core, and that of its table. */
const CORE = 'core';
const TABLE = 't';
/** The groups from which on the core has what they share. */
const MANY = 3;

/**
 * @typedef {import('./kernelModule.js').Module} Module
 * @typedef {import('./kernelModule.js').Export} Export
 */

/**
 * @param {Uint8Array} bytes
 * @param {(name: string) => string} groupOf the group of an exported function, 'core' for the core
 * @param {readonly string[]} late exported functions
 * @returns {Map<string, Uint8Array>} modules by group, the core first
 */
export function split(bytes, groupOf, late) {
  const all = parse(bytes);
  const slots = new Map(late.map((name, n) => [indexOf(all, name), tableSize(all) + n]));
  /** @type {Map<string, Export[]>} */
  const exported = new Map([[CORE, []]]);
  for (const one of all.exports) {
    const group = groupOf(one.name);
    exported.set(group, [...(exported.get(group) ?? []), one]);
  }
  const coreExports = exported.get(CORE) ?? [];
  exported.delete(CORE);
  const rootsOf = (/** @type {Export[]} */ exports) => exports.map(({ index }) => index);
  const ofCore = [...rootsOf(coreExports), all.start, ...all.elements];
  const alone = reachable(all, slots, ofCore).functions;
  const needed = [...exported.values()].flatMap(exports => [
    ...reachable(all, slots, rootsOf(exports), alone).functions,
  ]);
  const core = reachable(all, slots, [...ofCore, ...needed.filter(n => count(needed, n) >= MANY)]);
  const parts = [...exported].map(([group, exports]) => {
    const part = reachable(all, slots, rootsOf(exports), core.functions);
    const shared = [...part.functions].filter(n => core.functions.has(n) && n >= all.imports.length);
    return { group, exports, ...part, shared };
  });
  // A variable that two parts use is the core's
  for (const part of parts) {
    for (const n of part.globals) if (parts.some(other => other !== part && other.globals.has(n))) core.globals.add(n);
  }
  const functionNames = named('f', new Set(parts.flatMap(({ shared }) => shared)));
  const globalNames = named(
    'g',
    new Set(parts.flatMap(({ globals }) => [...globals].filter(n => core.globals.has(n)))),
  );
  const importOf = (/** @type {string} */ name) => [...text(CORE), ...text(name)];
  const isImported = (/** @type {number} */ n) => n < all.imports.length;
  const hostImports = (/** @type {Set<number>} */ functions) =>
    inOrder(functions)
      .filter(isImported)
      .map(index => ({ index, bytes: [...known(all.imports, index)] }));
  const modules = new Map();
  modules.set(
    CORE,
    assemble(all, {
      functionImports: hostImports(core.functions),
      functions: inOrder(core.functions).filter(n => !isImported(n)),
      globalImports: [],
      globals: inOrder(core.globals),
      tableImport: null,
      exports: [
        ...coreExports,
        ...[...functionNames].map(([index, name]) => ({ name, kind: kinds.function, index })),
        ...[...globalNames].map(([index, name]) => ({ name, kind: kinds.global, index })),
        { name: TABLE, kind: kinds.table, index: 0 },
      ],
      isCore: true,
      slots,
      tableSize: tableSize(all) + late.length,
    }),
  );
  for (const { group, exports, functions, globals, hasIndirect, shared } of parts) {
    const fromCore = (/** @type {Map<number, string>} */ names, /** @type {number} */ index) => {
      return { index, bytes: importOf(/** @type {string} */ (names.get(index))) };
    };
    modules.set(
      group,
      assemble(all, {
        functionImports: [...hostImports(functions), ...inOrder(shared).map(n => fromCore(functionNames, n))],
        functions: inOrder(functions).filter(n => !isImported(n) && !core.functions.has(n)),
        globalImports: inOrder(globals)
          .filter(n => globalNames.has(n))
          .map(n => fromCore(globalNames, n)),
        globals: inOrder(globals).filter(n => !globalNames.has(n)),
        tableImport: hasIndirect ? importOf(TABLE) : null,
        exports,
        isCore: false,
        slots,
        tableSize: tableSize(all) + late.length,
      }),
    );
  }
  return modules;
}

/**
 * What is reached from some functions.
 * @param {Module} all
 * @param {Map<number, number>} slots of late functions, which are reached only where they are in `from`
 * @param {number[]} from
 * @param {Set<number>} core functions from which nothing is followed
 */
function reachable(all, slots, from, core = new Set()) {
  const functions = new Set(from);
  const globals = new Set();
  let hasIndirect = from.some(n => slots.has(n));
  for (const n of functions) {
    if (n < all.imports.length || core.has(n)) continue;
    for (const { of, index } of bodyOf(all, n).references) {
      if (of === 'functions' && slots.has(index) && !from.includes(index)) hasIndirect = true;
      else if (of === 'functions') functions.add(index);
      else if (of === 'globals') globals.add(index);
      else hasIndirect = true;
    }
  }
  return { functions, globals, hasIndirect };
}

/** The number of an exported function. @param {Module} all @param {string} name */
function indexOf(all, name) {
  const found = all.exports.find(one => one.name === name);
  if (!found) throw new Error(`the kernels do not export ${name}`);
  return found.index;
}

/** How often a number is in a list. @param {number[]} list @param {number} n */
const count = (list, n) => list.filter(other => other === n).length;

/** @param {Iterable<number>} numbers */
const inOrder = numbers => [...numbers].sort((a, b) => a - b);

/** Short names. @param {string} letter @param {Set<number>} numbers @returns {Map<number, string>} */
const named = (letter, numbers) => new Map(inOrder(numbers).map((n, k) => [n, letter + k]));
