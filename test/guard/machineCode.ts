/** Parses the machine code that V8 prints with --print-wasm-code on x64. */

/** The body of an innermost loop, where a kernel spends its time. */
export interface Loop {
  /** Name of the WebAssembly function, including code inlined into it. */
  function: string;
  /** As V8 prints them. */
  instructions: string[];
}

/** The innermost loops of all functions, in memory order. */
export function innermostLoops(printed: string): Loop[] {
  return printed.split('--- WebAssembly code ---').slice(1).flatMap(loopsOf);
}

function loopsOf(listing: string): Loop[] {
  const name = /^name: (.*)$/m.exec(listing)?.[1] ?? '';
  // 0x1c45af12dd0b     b  488b5e4f             REX.W movq rbx,[rsi+0x4f]
  const lines = [...listing.matchAll(/^0x([0-9a-f]+) +[0-9a-f]+ +[0-9a-f]+ +(.*)$/gm)];
  const instructions = lines.map(line => line[2]!.trim());
  const positions = new Map(lines.map((line, position) => [line[1], position]));

  const ranges: { from: number; to: number }[] = [];
  for (const [to, instruction] of instructions.entries()) {
    const from = positions.get(/^j\w+ 0x([0-9a-f]+)/.exec(instruction)?.[1]);
    // Slow paths are placed after the end of the function and jump back into it: they are not loops.
    if (from === undefined || from > to || instructions.slice(from, to).some(line => line.startsWith('ret'))) continue;
    ranges.push({ from, to });
  }
  return ranges
    .filter(range => !ranges.some(other => other !== range && other.from >= range.from && other.to <= range.to))
    .map(({ from, to }) => ({ function: name, instructions: instructions.slice(from, to + 1) }));
}

/** Moves of vector registers to and from the stack. */
export function spills({ instructions }: Loop): number {
  return instructions.filter(line => /\b[xyz]mm\d/.test(line) && /\[r[bs]p/.test(line)).length;
}

/** Whether a loop multiplies vectors of 256 bits. */
export function isWide({ instructions }: Loop): boolean {
  return instructions.some(line => /^v(mulps|fmadd\d+ps) ymm/.test(line));
}

/** The size of a register tile, and the cost of one step of its reduction loop. */
export interface Tile {
  rows: number;
  columns: number;
  /** Instructions in one step. */
  instructions: number;
}

/** The tile that a loop computes, or null if it does not compute one. */
export function tileOf(loop: Loop): Tile | null {
  const { instructions } = loop;
  const count = (pattern: RegExp) => instructions.filter(line => pattern.test(line)).length;
  const broadcasts = count(/^vbroadcastss/);
  const loads = count(/^vmovdqu [xy]mm\d+,\[(?!r[bs]p)/);
  const products = count(/^v(mulps|fmadd\d+ps)/);
  if (broadcasts === 0 || loads === 0 || products === 0) return null;
  const vectors = products / broadcasts;
  const steps = loads / vectors; // V8 unrolls loops
  const rows = broadcasts / steps;
  if (![vectors, steps, rows].every(Number.isInteger)) return null;
  const wide = count(/^v(mulps|fmadd\d+ps) ymm/); // a tile of three vectors has products of both widths
  return { rows, columns: (4 * (products + wide)) / broadcasts, instructions: Math.round(instructions.length / steps) };
}
