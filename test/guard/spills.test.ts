/**
 * Reads what V8 makes of the hot loops, on the running Node and on others that are here (`npm run test:turbo` fetches
 * some, NODE_BINARIES names some), and fails where it moves vectors between registers and stack: a tile too large for
 * the registers of one compiler is slow without any other sign.
 */

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';
import { beforeAll, expect, it } from 'vitest';
import { nodesHere } from '../../scripts/nodes.js';
import { innermostLoops, isWide, type Loop, spills, tileOf } from './machineCode.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const builds = ['strict', 'relaxed'] as const;
const named = (build: string) => `build/guard/${build}.wasm`;

/** The tiles, by their names in the generated source: row2x16 and so on. */
const tiles = [
  ...readFileSync(`${root}assembly/products/tiles.generated.ts`, 'utf8').matchAll(/^function (\w+)\(/gm),
].map(match => match[1]!);

/** The release builds once more, with the names of their functions, without which nobody finds anything. */
beforeAll(async () => {
  mkdirSync(`${root}build/guard`, { recursive: true });
  for (const build of builds) {
    const options = ['--target', build, '--baseDir', root, '--debug', '--outFile', named(build)];
    const { error, stderr } = await asc.main(options);
    if (error) throw new Error(`${stderr.toString()}\n${error.message}`);
  }
}, 60_000);

it.each(builds)('%s: what is read here is what ships', build => {
  const code = (path: string) => {
    const module = new Uint8Array(readFileSync(root + path));
    return Buffer.from(section(module, CODE)).toString('base64');
  };
  expect(code(named(build))).toBe(code(`build/${build}.wasm`));
});

const CODE = 10;

/** The contents of one section of a module. */
function section(module: Uint8Array, wanted: number): Uint8Array {
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
    if (id === wanted) return module.subarray(at, at + length);
    at += length;
  }
  throw new Error(`no section ${wanted}`);
}

const nodes = nodesHere();
const cpuHasAvx2 = process.platform === 'linux' && readFileSync('/proc/cpuinfo', 'utf8').includes(' avx2 ');

interface Setting {
  name: string;
  flags: string[];
  wide: boolean;
}

/** How the kernels are compiled in a Node: plainly and, where that makes other code, under lstm-wasm/turbo. */
function settingsOf(major: number): Setting[] {
  if (major === 20) return [{ name: '', flags: ['--experimental-wasm-relaxed-simd'], wide: false }];
  const plain = { name: '', flags: [], wide: false };
  const turbo = { name: ', turbo', flags: ['--experimental-wasm-revectorize'], wide: true };
  return major < 24 ? [plain] : [plain, turbo];
}

for (const node of nodes) {
  for (const { name, flags, wide } of settingsOf(node.major)) {
    for (const build of builds) {
      it(`Node ${node.version}, ${build}${name}: every tile stays in registers`, { timeout: 60_000 }, ({ skip }) => {
        skip(process.arch !== 'x64', 'the reader knows the machine code of x64 only');
        const loops = compiled(node.path, flags, build);
        skip(loops.length === 0, 'this Node does not print machine code');

        // Tiles of 4x16 are called only where vectors are joined, and have too many registers elsewhere; those of 3x12
        // only where multiply and add are one instruction.
        const called = (tile: string) =>
          (wide || !tile.endsWith('4x16')) && (build === 'relaxed' || !tile.endsWith('3x12'));
        const shapes = new Set(tiles.map(tile => tile.replace(/^\D+/, '')));
        // Other loops multiply, too: those of a tile have its name or its shape.
        const products = loops.filter(loop => {
          if (!loop.function.startsWith('assembly/') || !tileOf(loop) || !called(nameOf(loop))) return false;
          const { rows, columns } = tileOf(loop)!;
          return loop.function.includes('/tiles.generated/') || shapes.has(`${rows}x${columns}`);
        });
        const steps = new Map(products.map(loop => [nameOf(loop), tileOf(loop)!.instructions]));
        const cells = loops.filter(loop => loop.function.endsWith('/cellForward')).map(spills);
        console.log(
          `instructions a step: ${tiles.map(tile => `${tile} ${steps.get(tile) ?? '?'}`).join(', ')}; ` +
            `moves in cellForward, constants among them: ${cells.join(' and ')}`,
        );

        // First that the reader has found what it is to judge. Tiles of 4 columns, and outer ones of 12, look different
        // in wider vectors: what is left over joins the next row.
        const looksOther = (tile: string) => wide && /x4$|^outer.*x12$/.test(tile);
        for (const tile of tiles.filter(tile => called(tile) && !looksOther(tile))) {
          expect(products.map(nameOf), tile).toContain(tile);
        }
        if (wide && cpuHasAvx2) expect(products.filter(isWide)).not.toEqual([]);
        expect(products.filter(loop => spills(loop) > 0).map(line)).toEqual([]);
      });
    }
  }
}

if (!nodes.some(({ major }) => major >= 24)) {
  it.skip('Node 24 or later: none is here; npm run test:turbo fetches some, NODE_BINARIES names others', () => {});
}

/** The loops of a build in the code of the optimizing compiler. */
function compiled(path: string, flags: readonly string[], build: string): Loop[] {
  const program = `new WebAssembly.Module(require('fs').readFileSync(${JSON.stringify(root + named(build))}))`;
  const printing = ['--no-liftoff', '--no-wasm-lazy-compilation', '--print-wasm-code'];
  const env = { ...process.env, NODE_OPTIONS: '' };
  const words = [...printing, ...flags, '--eval', program];
  return innermostLoops(execFileSync(path, words, { encoding: 'utf8', maxBuffer: 2 ** 28, env }));
}

/** row2x16 and so on; where a tile was inlined elsewhere, the function says nothing about row or outer. */
function nameOf(loop: Loop): string {
  const tile = tileOf(loop)!;
  const product = /tiles\.generated\/(row|outer)/.exec(loop.function)?.[1] ?? `${loop.function} `;
  return `${product}${tile.rows}x${tile.columns}`;
}

const line = (loop: Loop) => `${nameOf(loop)}: ${spills(loop)} moves to and from the stack`;
