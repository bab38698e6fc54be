import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { cellDiagram, showPlot, terminalPlot } from '../../src/plot/node.ts';
import { transferred } from '../transferred.ts';

const time = Array.from({ length: 21 }, (_, n) => n / 10);
const pair = { time, target: time.map(t => Math.cos(3 * t)), prediction: time.map(t => 0.8 * Math.cos(3 * t + 0.4)) };
const plain = { colour: false };
const lines = (text: string) => text.split('\n');

test('the terminal chart draws two lines in braille', () => {
  expect(
    lines(terminalPlot({ ...pair, caption: 'step 5' }, { ...plain, width: 40, height: 10 })),
  ).toMatchInlineSnapshot(`
    [
      "━━━ target   ╍╍╍ prediction   step 5",
      " 1 ┤⠉⠒⠒⠤⡀                            ⣠⠤⣒",
      "   │⠉⠂⠠⡀⠈⠑⢄                       ⢤⡢⠊",
      "   │   ⠈ ⢄⠈⠢⡀                  ⠠⠊⡰⠁",
      " 0 ┤      ⠁⢀⠈⠢⡀              ⡠⠃⡠⠊",
      "   │        ⠉ ⡑⢄⡀         ⢀⠔ ⢀⠎",
      "   │          ⠈⠂⠨⣢⡀     ⡠⠄ ⡠⠔⠁",
      "−1 ┤              ⠈⠛⠥⣈⣉⣀⣀⠤⠊",
      "   └┬───────┬────────┬────────┬────────┬",
      "   0.0     0.5      1.0      1.5     2.0",
    ]
  `);
});

test('the terminal chart treats a detached array as empty', () => {
  expect(terminalPlot(transferred(new Float32Array(3)), plain)).toBe(terminalPlot([], plain));
});

test('the terminal chart draws two lines in ASCII', () => {
  const text = terminalPlot(pair, { ...plain, ascii: true, width: 40, height: 10 });
  expect(lines(text)).toMatchInlineSnapshot(`
    [
      "ooo target   +++ prediction",
      " 1 +ooo                              ooo",
      "   |+++ooo                        ++#+++",
      "   |   +++oo                    ++oo",
      " 0 +      ++oo               +++oo",
      "   |        ++##           ++ooo",
      "   |            ###++++++++oo",
      "-1 +               oooooooo",
      "   ++-------+--------+--------+--------+",
      "   0.0     0.5      1.0      1.5     2.0",
    ]
  `);
  expect(text).toMatch(/^[\x20-\x7e\n]*$/);
});

test('the terminal chart of a single line has no legend and uses the whole height', () => {
  expect(lines(terminalPlot([0, 1, 2, 3], { ...plain, width: 24, height: 6 }))).toMatchInlineSnapshot(`
    [
      "  │                ⣀⡠⠔⠒⠉",
      "2 ┤          ⢀⣀⠤⠒⠊⠉",
      "  │     ⣀⡠⠤⠒⠉⠁",
      "0 ┤⣀⠤⠔⠒⠉",
      "  └┬────────────┬───────",
      "   0            2",
    ]
  `);
});

test('every line of the terminal chart fits into its width for all sizes and numbers', () => {
  const lists = [[], [3], [Number.NaN, 1e9, -Infinity], Float32Array.of(1e-9, -1e-9), time.map(t => 1e6 * t)];
  for (const values of lists) {
    for (const [width, height] of [
      [24, 6],
      [80, 24],
      [33, 7],
    ] as const) {
      for (const ascii of [true, false]) {
        const text = lines(terminalPlot(values, { ...plain, width, height, ascii }));
        expect(text).toHaveLength(height);
        expect(Math.max(...text.map(line => line.length))).toBeLessThanOrEqual(width);
        if (ascii) expect(text.join('')).toMatch(/^[\x20-\x7e]*$/);
      }
    }
  }
});

test('powers of ten are written in ASCII with the option ascii', () => {
  const text = terminalPlot([0, 2e-6], { ...plain, ascii: true, height: 8 });
  expect(text).toContain('1e-6 +');
  expect(terminalPlot([0, -4e9], { ...plain, ascii: true, height: 8 })).toContain('-4e9 +');
});

test('the terminal chart uses ANSI colours that end within their line', () => {
  const text = terminalPlot(pair, { colour: true });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ANSI escape sequences
  const codes = new Set([...text.matchAll(/\u001b\[(\d+)m/g)].map(([, code]) => code));
  expect(codes).toEqual(new Set(['31', '34', '35', '39']));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ANSI escape sequences
  expect(text.replace(/\u001b\[\d+m/g, '').replace(/ +$/gm, '')).toBe(terminalPlot(pair, plain));
});

test('yDomain fixes the y axis and clips values beyond it', () => {
  const draw = (factor: number) =>
    lines(
      terminalPlot(
        time.map(t => factor * t),
        { ...plain, yDomain: [-1, 1], height: 8 },
      ),
    );
  const axis = (text: string[]) => text.map(line => /^[^┤│└]*[┤│└]?/.exec(line)![0]);
  expect(axis(draw(0.1))).toEqual(axis(draw(100)));
  const dots = (text: string[]) => text.join('').match(/[\u2801-\u28ff]/g)!.length;
  expect(dots(draw(100))).toBeLessThan(dots(draw(0.1)) / 3);
});

test('showPlot writes the file and prints its path', () => {
  const folder = mkdtempSync(join(tmpdir(), 'plot-'));
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  try {
    const plot = cellDiagram();
    const file = showPlot(plot, join(folder, 'cell.svg'));
    expect(log.mock.calls).toEqual([[file]]);
    expect(readFileSync(file, 'utf8')).toBe(plot.toSVG());
  } finally {
    log.mockRestore();
    rmSync(folder, { recursive: true });
  }
});

test('the terminal chart draws any number of named lines over dates, with gaps and a legend that fits', () => {
  const [one, two] = [time.map(t => Math.cos(3 * t)), time.map(t => Math.sin(3 * t))];
  const dates = time.map((_, n) => new Date(Date.UTC(2026, 0, 1 + n)));
  const text = lines(terminalPlot({ time: dates, one, two, three: time.map(() => 0) }, { ...plain, width: 60 }));
  expect(text[0]).toBe('━━━ one   ╍╍╍ two   ━━━ three');
  expect(text.at(-1)).toContain('Jan 4, 2026');
  const many = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`a line by the name ${n}`, [n, n]]));
  for (const line of lines(terminalPlot(many, { ...plain, width: 60 }))) expect(line.length).toBeLessThanOrEqual(60);
  const dots = (values: number[]) => terminalPlot(values, plain).match(/[\u2801-\u28ff]/g)!.length;
  expect(dots([0, 0, Number.NaN, 0, 0])).toBeLessThan(0.6 * dots([0, 0, 0, 0, 0]));
});
