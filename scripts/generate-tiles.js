/**
 * Writes assembly/products/tiles.generated.ts: the register tiles of the two matrix products.
 *
 *   node scripts/generate-tiles.js           write
 *   node scripts/generate-tiles.js --check   exit 1 if the file differs from the output of this script
 *
 * Why generated: a tile of MR x NR keeps MR * NR / 4 vectors in named locals and addresses memory by literal
 * offsets. AssemblyScript has neither loop unrolling nor constant generics, and an offset passed to an inlined
 * function does not become an immediate of the load. Loops end at an address, which takes a register less than a counter.
 *
 * Why these shapes: V8 has 15 vector registers on x64. Eight accumulators leave room for one row of the panel and the
 * broadcasts; with more, Node 20 spills. (Nine, three rows of the three gates of a GRU, fit in the relaxed build, which
 * fuses multiply and add.) V8 unrolls the reduction itself; a loop unrolled here would spill on Node 20. Tiles of 4x16
 * are for hosts with wide vectors, which merge pairs of vectors into one of 256 bits, so that eight accumulators are
 * enough. Elsewhere they would spill and are not called.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const target = fileURLToPath(new URL('../assembly/products/tiles.generated.ts', import.meta.url));

/** Rows x columns of the tiles of C += A * B, widest panels first. The remaining rows use the smaller tiles. */
const rowTiles = { 16: [4, 2, 1], 12: [3, 2, 1], 8: [4, 2, 1], 4: [6, 4, 2, 1] };
/** The same for C += transposed(A) * B, whose rows are the columns of A. */
const outerTiles = { 16: [4, 2, 1], 12: [3, 2, 1], 8: [4, 2, 1], 4: [6, 4, 2, 1] };

/** Rows of the tiles of C += transposed(A) * B with a B of one column: four rows to a vector. */
const columnTiles = [20, 8, 4];
/**
 * Steps of the reduction in an iteration of a row tile, by its columns; 1 for others. The exits between the steps keep V8
 * from loading all of their numbers first, which would spill. A tile of 16 columns has no registers for the ends.
 * @type {Record<number, number>}
 */
const unrolled = { 4: 4 };

/** Vectors of the smallest tile that fits into registers only with wide vectors. */
const WIDE = 16;
/** Vector registers of x64 that V8 gives to a function. */
const REGISTERS = 15;

const range = (/** @type {number} */ n) => Array.from({ length: n }, (_, i) => i);
const widths = (/** @type {Record<string, number[]>} */ tiles) =>
  Object.keys(tiles)
    .map(Number)
    .sort((a, b) => b - a);

/**
 * Whether a tile needs fused multiply-add: its accumulators, a row of the panel and the broadcasts take all registers, and
 * a separate product needs one more.
 * @type {(mr: number, nr: number) => boolean}
 */
const isFused = (mr, nr) => (mr * nr) / 4 < WIDE && (mr * nr) / 4 + nr / 4 + mr === REGISTERS;

/** @type {(mr: number, nr: number) => string} */
const name = (mr, nr) => `${mr}x${nr}`;
const at = (/** @type {number} */ offset) => (offset === 0 ? '' : `, ${offset}`);

/**
 * One tile of the row product.
 * @param {number} mr
 * @param {number} nr
 */
function rowTile(mr, nr) {
  const vectors = range(nr / 4);
  const rows = range(mr);
  /** @type {string[]} */
  const lines = [];
  const say = (/** @type {string} */ line) => lines.push(line);
  say(`function row${name(mr, nr)}(`);
  say('  c: usize, cRow: usize, init: usize, initRow: usize,');
  say('  a: usize, aRow: usize, aBlock: usize, depth: i32, blocks: i32, panel: usize,');
  say('): void {');
  for (const r of rows) {
    for (const v of vectors) say(`  let c${r}${v} = v128.load(init${at(16 * v)});`);
    if (r < mr - 1) say('  init += initRow;');
  }
  say('  do {');
  for (const r of rows) say(`    let a${r} = ${r === 0 ? 'a' : `a${r - 1} + aRow`};`);
  const steps = unrolled[nr] ?? 1;
  say(`    const end = panel + <usize>depth * ${4 * nr};`);
  for (const k of range(steps - 1)) say(`    const end${k} = end - ${4 * nr * (k + 1)};`);
  say('    do {');
  for (const k of range(steps)) {
    for (const v of vectors) say(`      const b${k}${v} = v128.load(panel${at(4 * nr * k + 16 * v)});`);
    for (const r of rows) {
      say(`      const s${k}${r} = v128.load32_splat(a${r}${at(4 * k)});`);
      for (const v of vectors) say(`      c${r}${v} = madd(s${k}${r}, b${k}${v}, c${r}${v});`);
    }
    if (k < steps - 1) say(`      if (panel == end${k}) break;`);
  }
  for (const r of rows) say(`      a${r} += ${4 * steps};`);
  say(`      panel += ${4 * nr * steps};`);
  say('    } while (panel != end);');
  if (steps > 1) say('    panel = end;');
  say('    a += aBlock;');
  say('  } while (--blocks);');
  for (const r of rows) {
    for (const v of vectors) say(`  v128.store(c, c${r}${v}${at(16 * v)});`);
    if (r < mr - 1) say('  c += cRow;');
  }
  say('}');
  return lines.join('\n');
}

/**
 * One tile of the outer product: mr rows of C are mr adjacent columns of A.
 * @param {number} mr
 * @param {number} nr
 */
function outerTile(mr, nr) {
  const vectors = range(nr / 4);
  const rows = range(mr);
  /** @type {string[]} */
  const lines = [];
  const say = (/** @type {string} */ line) => lines.push(line);
  say(`function outer${name(mr, nr)}(`);
  say('  c: usize, a: usize, aRow: usize, aBlock: usize,');
  say('  b: usize, bRow: usize, bBlock: usize, depth: i32, blocks: i32,');
  say('): void {');
  for (const r of rows) {
    for (const v of vectors) say(`  let c${r}${v} = v128.load(c${at(4 * nr * r + 16 * v)});`);
  }
  say('  do {');
  say('    let pa = a;');
  say('    let pb = b;');
  say('    const end = pb + <usize>depth * bRow;');
  say('    do {');
  for (const v of vectors) say(`      const b${v} = v128.load(pb${at(16 * v)});`);
  for (const r of rows) {
    say(`      const s${r} = v128.load32_splat(pa${at(4 * r)});`);
    for (const v of vectors) say(`      c${r}${v} = madd(s${r}, b${v}, c${r}${v});`);
  }
  say('      pa += aRow;');
  say('      pb += bRow;');
  say('    } while (pb != end);');
  say('    a += aBlock;');
  say('    b += bBlock;');
  say('  } while (--blocks);');
  for (const r of rows) {
    for (const v of vectors) say(`  v128.store(c, c${r}${v}${at(4 * nr * r + 16 * v)});`);
  }
  say('}');
  return lines.join('\n');
}

/**
 * Calls tile n of a panel: in a loop for the largest tile of every host and build, at most once for smaller ones.
 * @param {number[]} sizes
 * @param {number} n
 * @param {number} nr
 * @param {string[]} statements the call first
 */
function repeat(sizes, n, nr, statements) {
  const rows = sizes[n] ?? 0;
  const isWide = (/** @type {number} */ mr) => (mr * nr) / 4 >= WIDE;
  const largest = n === sizes.findIndex(mr => !isWide(mr) && !isFused(mr, nr));
  if (n === sizes.length - 1 && !largest) return [`  if (rows) ${statements[0]};`];
  const special = isWide(rows) ? 'if (wideVectors) ' : isFused(rows, nr) ? 'if (ASC_FEATURE_RELAXED_SIMD) ' : '';
  const when = special || largest ? `${special}while` : 'if';
  return [`  ${when} (rows >= ${rows}) {`, ...statements.map(statement => `    ${statement};`), '  }'];
}

/**
 * All rows of one panel: the largest tile as often as it fits, then each smaller one at most once.
 * @param {number} nr
 */
function rowPanel(nr) {
  const sizes = rowTiles[/** @type {16 | 12 | 8 | 4} */ (nr)];
  const lines = [
    `/** C [rows, ${nr}] = init + A [rows, blocks * depth] * panel [blocks * depth, ${nr}]. */`,
    `export function rowPanel${nr}(`,
    '  c: usize, cRow: usize, init: usize, initRow: usize,',
    '  a: usize, aRow: usize, aBlock: usize, depth: i32, blocks: i32, panel: usize, rows: i32,',
    '): void {',
  ];
  for (const [n, mr] of sizes.entries()) {
    const call = `row${name(mr, nr)}(c, cRow, init, initRow, a, aRow, aBlock, depth, blocks, panel)`;
    const step = [`c += ${mr} * cRow`, `init += ${mr} * initRow`, `a += ${mr} * aRow`, `rows -= ${mr}`];
    lines.push(...repeat(sizes, n, nr, [call, ...step]));
  }
  lines.push('}');
  return lines.join('\n').replaceAll('1 * ', '');
}

/**
 * All rows of one panel of the outer product.
 * @param {number} nr
 */
function outerPanel(nr) {
  const sizes = outerTiles[/** @type {16 | 12 | 8 | 4} */ (nr)];
  const lines = [
    `/** C [rows, ${nr}] += transposed(A [blocks * depth, rows]) * B [blocks * depth, ${nr}]. */`,
    `export function outerPanel${nr}(`,
    '  c: usize, a: usize, aRow: usize, aBlock: usize,',
    '  b: usize, bRow: usize, bBlock: usize, depth: i32, blocks: i32, rows: i32,',
    '): void {',
  ];
  for (const [n, mr] of sizes.entries()) {
    const call = `outer${name(mr, nr)}(c, a, aRow, aBlock, b, bRow, bBlock, depth, blocks)`;
    const step = [`c += ${4 * nr * mr}`, `a += ${4 * mr}`, `rows -= ${mr}`];
    lines.push(...repeat(sizes, n, nr, [call, ...step]));
  }
  lines.push('}');
  return lines.join('\n');
}

/**
 * One tile of the outer product with a B of one column: mr rows of C are mr adjacent columns of A, and lanes of vectors.
 * @param {number} mr
 */
function columnTile(mr) {
  const vectors = range(mr / 4);
  /** @type {string[]} */
  const lines = [];
  const say = (/** @type {string} */ line) => lines.push(line);
  say(`function outer${name(mr, 1)}(`);
  say('  c: usize, a: usize, aRow: usize, aBlock: usize,');
  say('  b: usize, bRow: usize, bBlock: usize, depth: i32, blocks: i32,');
  say('): void {');
  for (const v of vectors) say(`  let c${v} = loadColumn(c${v === 0 ? '' : ` + ${64 * v}`});`);
  say('  do {');
  say('    let pa = a;');
  say('    let pb = b;');
  say('    const end = pb + <usize>depth * bRow;');
  say('    do {');
  say('      const s = v128.load32_splat(pb);');
  for (const v of vectors) say(`      c${v} = madd(v128.load(pa${at(16 * v)}), s, c${v});`);
  say('      pa += aRow;');
  say('      pb += bRow;');
  say('    } while (pb != end);');
  say('    a += aBlock;');
  say('    b += bBlock;');
  say('  } while (--blocks);');
  for (const v of vectors) say(`  storeColumn(c${v === 0 ? '' : ` + ${64 * v}`}, c${v});`);
  say('}');
  return lines.join('\n');
}

/** All rows of the outer product with a B of one column. */
function outerColumn() {
  const lines = [
    '/** C [rows, 4] += transposed(A [blocks * depth, rows]) * B [blocks * depth, 1], in the first column of C. */',
    'export function outerColumn(',
    '  c: usize, a: usize, aRow: usize, aBlock: usize,',
    '  b: usize, bRow: usize, bBlock: usize, depth: i32, blocks: i32, rows: i32,',
    '): void {',
  ];
  for (const mr of columnTiles) {
    lines.push(
      `  while (rows >= ${mr}) {`,
      `    outer${name(mr, 1)}(c, a, aRow, aBlock, b, bRow, bBlock, depth, blocks);`,
    );
    lines.push(`    c += ${16 * mr};`, `    a += ${4 * mr};`, `    rows -= ${mr};`, '  }');
  }
  lines.push('  if (rows) outerPanel4(c, a, aRow, aBlock, b, bRow, bBlock, depth, blocks, rows);', '}');
  return lines.join('\n');
}

function source() {
  const parts = [
    `/**
 * Generated by scripts/generate-tiles.js; edit that and run it again.
 *
 * Strides (aRow, cRow, ...) are in bytes, sizes (rows, depth, blocks) in elements. The reduction runs over \`blocks\`
 * blocks of \`depth\` steps in memory order for every tile, so all tiles give the same bits. Arguments must not overlap,
 * except that init may be c, or the last row of c with initRow 0. Every size is at least 1.
 */

import { wideVectors } from './wideVectors';
import { madd } from '../math/elementary';
import { loadColumn, storeColumn } from '../memory/rows';`,
  ];
  for (const nr of widths(rowTiles)) {
    parts.push(rowPanel(nr), ...rowTiles[/** @type {16 | 12 | 8 | 4} */ (nr)].map(mr => rowTile(mr, nr)));
  }
  for (const nr of widths(outerTiles)) {
    parts.push(outerPanel(nr), ...outerTiles[/** @type {16 | 12 | 8 | 4} */ (nr)].map(mr => outerTile(mr, nr)));
  }
  parts.push(outerColumn(), ...columnTiles.map(columnTile));
  return `${parts.join('\n\n')}\n`;
}

if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== source()) {
    console.error(
      'assembly/products/tiles.generated.ts differs from what scripts/generate-tiles.js writes: run it again.',
    );
    process.exit(1);
  }
} else {
  writeFileSync(target, source());
}
