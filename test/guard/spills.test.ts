/**
 * Reads V8's machine code of the hot loops, and fails if it moves vectors between registers and the stack: a register
 * tile that is too large has no other symptom than being slow. Runs on this Node and on other installed ones
 * (`npm run test:turbo` fetches some, NODE_BINARIES names some).
 */

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';
import { beforeAll, expect, it } from 'vitest';
import { bothBuilds } from '../../scripts/fused.js';
import { nodesHere } from '../../scripts/nodes.js';
import { innermostLoops, isWide, type Loop, spills, tileOf } from './machineCode.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const builds = ['strict', 'relaxed'] as const;
const named = (build: string) => `build/guard/${build}.wasm`;

/** The names of the tiles in the generated source, such as row2x16. */
const tiles = [
  ...readFileSync(`${root}assembly/products/tiles.generated.ts`, 'utf8').matchAll(/^function (\w+)\(/gm),
].map(match => match[1]!.replace(/(\d+)x1$/, '1x$1')); // tiles of one column have their rows in the lanes of vectors

/** Builds the release kernels with function names, which are needed to find the loops. */
beforeAll(async () => {
  mkdirSync(`${root}build/guard`, { recursive: true });
  const options = ['--target', 'relaxed', '--baseDir', root, '--debug', '--outFile', named('relaxed')];
  const { error, stderr } = await asc.main(options);
  if (error) throw new Error(`${stderr.toString()}\n${error.message}`);
  const both = bothBuilds(readFileSync(root + named('relaxed')));
  for (const build of builds) writeFileSync(root + named(build), both[build]);
}, 60_000);

it.each(builds)('the %s build with function names has the same code as the released one', build => {
  const code = (path: string) => {
    const module = new Uint8Array(readFileSync(root + path));
    return Buffer.from(section(module, CODE)).toString('base64');
  };
  expect(code(named(build))).toBe(code(`build/${build}.wasm`));
});

const CODE = 10;

/** The contents of the section with this id. */
function section(module: Uint8Array, sectionId: number): Uint8Array {
  let at = 8;
  const next = () => module[at++]!;
  const size = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = next();
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  };
  while (at < module.length) {
    const id = next();
    const length = size();
    if (id === sectionId) return module.subarray(at, at + length);
    at += length;
  }
  throw new Error(`no section ${sectionId}`);
}

const nodes = nodesHere();
const cpuHasAvx2 = process.platform === 'linux' && readFileSync('/proc/cpuinfo', 'utf8').includes(' avx2 ');

interface Setting {
  name: string;
  flags: string[];
  wide: boolean;
}

/** The V8 settings to test on a Node version: none and, if they change the code, the flags of lstm-wasm/turbo. */
function settingsOf(major: number): Setting[] {
  if (major === 20) return [{ name: '', flags: ['--experimental-wasm-relaxed-simd'], wide: false }];
  const plain = { name: '', flags: [], wide: false };
  const turbo = { name: ', turbo', flags: ['--experimental-wasm-revectorize'], wide: true };
  return major < 24 ? [plain] : [plain, turbo];
}

for (const node of nodes) {
  for (const { name, flags, wide } of settingsOf(node.major)) {
    for (const build of builds) {
      it(`Node ${node.version}, ${build}${name}: no tile spills registers`, { timeout: 60_000 }, ({ skip }) => {
        skip(process.arch !== 'x64', 'reads the machine code of x64 only');
        const loops = compiled(node.path, flags, build);
        skip(loops.length === 0, 'this Node does not print machine code');

        // The kernels call tiles of 4x16 only with wide vectors, and those of 3x12 only with fused multiply-add, since
        // they spill otherwise.
        const called = (tile: string) =>
          (wide || !tile.endsWith('4x16')) && (build === 'relaxed' || !tile.endsWith('3x12'));
        const shapes = new Set(tiles.map(tile => tile.replace(/^\D+/, '')));
        // Other loops multiply too; the loop of a tile has the name or the shape of the tile. Two loops over the rows of
        // layer normalization, which are no hot ones, have a shape like that.
        const products = loops.filter(loop => {
          if (!loop.function.startsWith('assembly/') || !tileOf(loop) || !called(nameOf(loop))) return false;
          if (/\/(vector|row)Gradients$/.test(loop.function)) return false;
          const { rows, columns } = tileOf(loop)!;
          return loop.function.includes('/tiles.generated/') || shapes.has(`${rows}x${columns}`);
        });
        const steps = new Map(products.map(loop => [nameOf(loop), tileOf(loop)!.instructions]));
        const cells = loops.filter(loop => loop.function.endsWith('/cellForward')).map(spills);
        console.log(
          `instructions per step: ${tiles.map(tile => `${tile} ${steps.get(tile) ?? '?'}`).join(', ')}; ` +
            `stack moves in cellForward, including constants: ${cells.join(' and ')}`,
        );

        // First check that all loops were found. Tiles of 4 columns, and outer ones of 12, have another shape with wide
        // vectors, which combine the rest of a row with the next row.
        const hasOtherShape = (tile: string) => wide && /x4$|^outer.*x12$/.test(tile);
        for (const tile of tiles.filter(tile => called(tile) && !hasOtherShape(tile))) {
          expect(products.map(nameOf), tile).toContain(tile);
        }
        if (wide && cpuHasAvx2) expect(products.filter(isWide)).not.toEqual([]);
        expect(products.filter(loop => spills(loop) > 0).map(line)).toEqual([]);
      });
    }
  }
}

if (!nodes.some(({ major }) => major >= 24)) {
  it.skip('Node 24 or later is not installed; npm run test:turbo fetches it, or set NODE_BINARIES', () => {});
}

/** The loops of a build, compiled by V8's optimizing compiler. */
function compiled(path: string, flags: readonly string[], build: string): Loop[] {
  const program = `new WebAssembly.Module(require('fs').readFileSync(${JSON.stringify(root + named(build))}))`;
  const printing = ['--no-liftoff', '--no-wasm-lazy-compilation', '--print-wasm-code'];
  const env = { ...process.env, NODE_OPTIONS: '' };
  const args = [...printing, ...flags, '--eval', program];
  return innermostLoops(execFileSync(path, args, { encoding: 'utf8', maxBuffer: 2 ** 28, env }));
}

/** A name such as row2x16. A tile that is inlined elsewhere is named by that function and its shape. */
function nameOf(loop: Loop): string {
  const tile = tileOf(loop)!;
  const product = /tiles\.generated\/(row|outer)/.exec(loop.function)?.[1] ?? `${loop.function} `;
  return `${product}${tile.rows}x${tile.columns}`;
}

const line = (loop: Loop) => `${nameOf(loop)}: ${spills(loop)} moves to and from the stack`;
