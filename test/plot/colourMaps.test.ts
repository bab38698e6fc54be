import { expect, test } from 'vitest';
import { colours, levelOf } from '../../src/plot/colourMaps.ts';

const channels = (colour: string) => [1, 3, 5].map(at => Number.parseInt(colour.slice(at, at + 2), 16) / 255);
const linear = (value: number) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
/** The relative luminance of WCAG. */
const luminance = (colour: string) => {
  const [r, g, b] = channels(colour).map(linear);
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
};
/** Simulates deuteranopia and protanopia (Viénot, Brettel and Mollon, 1999). */
const seenWithout = {
  green: (colour: string) => {
    const [r, g, b] = channels(colour).map(linear);
    return [0.29275 * r! + 0.70725 * g!, 0.29275 * r! + 0.70725 * g!, -0.02234 * r! + 0.02234 * g! + b!];
  },
  red: (colour: string) => {
    const [r, g, b] = channels(colour).map(linear);
    return [0.11238 * r! + 0.88762 * g!, 0.11238 * r! + 0.88762 * g!, 0.00401 * r! - 0.00401 * g! + b!];
  },
};

for (const theme of ['light', 'dark'] as const) {
  test(`the luminance of gate colours is monotonic, theme ${theme}`, () => {
    const steps = colours('gate', theme).map(luminance);
    const sign = theme === 'light' ? -1 : 1;
    expect(steps.every((value, n) => n === 0 || sign * (value - steps[n - 1]!) > 0)).toBe(true);
  });

  test(`the luminance of state colours is monotonic on both sides of zero, theme ${theme}`, () => {
    const steps = colours('state', theme).map(luminance);
    const sign = theme === 'light' ? 1 : -1;
    const middle = (steps.length - 1) / 2;
    for (let n = 1; n < steps.length; n++) {
      expect(sign * (n <= middle ? 1 : -1) * (steps[n]! - steps[n - 1]!)).toBeGreaterThan(0);
    }
  });

  test(`colours of positive and negative states differ for red-green colour blindness, theme ${theme}`, () => {
    const map = colours('state', theme);
    for (const see of [seenWithout.green, seenWithout.red]) {
      for (const away of [6, 10, 16]) {
        const [low, high] = [see(map[16 - away]!), see(map[16 + away]!)];
        expect(low[2]! - low[0]!).toBeGreaterThan(0.05);
        expect(high[2]! - high[0]!).toBeLessThan(low[2]! - low[0]! - 0.1);
      }
    }
  });
}

test('levelOf maps the ends, the middle, values beyond the ends and NaN', () => {
  expect([-1, 0, 1, -5, Infinity].map(value => levelOf('state', value))).toEqual([0, 16, 32, 0, 32]);
  expect([0, 0.5, 1, -0.1].map(value => levelOf('gate', value))).toEqual([0, 16, 32, 0]);
  expect(levelOf('gate', Number.NaN)).toBe(-1);
});
