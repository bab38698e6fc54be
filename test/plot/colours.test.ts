import { expect, test } from 'vitest';
import { palettes } from '../../src/plot/theme.ts';

const lines = ['target', 'prediction', 'third', 'fourth', 'fifth', 'sixth'] as const;

/** Simulates colour blindness on linear RGB (Machado, Oliveira and Fernandes, 2009). */
const visions = {
  usual: [1, 0, 0, 0, 1, 0, 0, 0, 1],
  protanopia: [0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998],
  deuteranopia: [0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881],
  tritanopia: [1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.3039],
};

const times = (matrix: readonly number[], [r, g, b]: readonly number[]) =>
  [0, 3, 6].map(row => matrix[row]! * r! + matrix[row + 1]! * g! + matrix[row + 2]! * b!);

function linear(colour: string): number[] {
  const channels = [1, 3, 5].map(at => Number.parseInt(colour.slice(at, at + 2), 16) / 255);
  return channels.map(c => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
}

/** Converts to CIELAB, where a distance of 2 is barely visible. */
function lab(rgb: readonly number[]): number[] {
  const toXYZ = [0.4339, 0.3762, 0.1899, 0.2126, 0.7152, 0.0722, 0.0177, 0.1095, 0.8728]; // divided by the white point
  const [x, y, z] = times(
    toXYZ,
    rgb.map(c => Math.min(1, Math.max(0, c))),
  ).map(t => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116));
  return [116 * y! - 16, 500 * (x! - y!), 200 * (y! - z!)];
}

const luminance = (colour: string) => times([0, 0, 0, 0.2126, 0.7152, 0.0722, 0, 0, 0], linear(colour))[1]!;

test.each(['light', 'dark'] as const)('line colours differ for every kind of colour vision, theme %s', theme => {
  for (const [vision, matrix] of Object.entries(visions)) {
    const seen = lines.map(name => lab(times(matrix, linear(palettes[theme][name]))));
    for (const [n, a] of seen.entries()) {
      for (const [m, b] of seen.slice(0, n).entries()) {
        const distance = Math.hypot(...a.map((value, k) => value - b[k]!));
        expect(distance, `${lines[n]} and ${lines[m]}, ${vision}`).toBeGreaterThan(15);
      }
    }
  }
});

test.each(['light', 'dark'] as const)('line colours contrast with the background, theme %s', theme => {
  const ground = luminance(palettes[theme].background);
  for (const name of lines) {
    const [low, high] = [ground, luminance(palettes[theme][name])].sort((a, b) => a - b);
    expect((high! + 0.05) / (low! + 0.05), name).toBeGreaterThan(3);
  }
});
