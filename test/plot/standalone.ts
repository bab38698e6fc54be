/** Expects a picture to be a standalone SVG file without external references. */

import { expect } from 'vitest';
import { parseXML } from './xml.ts';

export function expectStandalone(svg: string): void {
  const [root, ...tags] = parseXML(svg);
  expect(root).toMatchObject({ name: 'svg', attributes: { xmlns: 'http://www.w3.org/2000/svg', role: 'img' } });
  const { width, height, viewBox } = root!.attributes;
  expect(viewBox).toBe(`0 0 ${width} ${height}`);
  expect(svg.replace('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|href|@import|<image|<script/);
  expect(svg).not.toMatch(/="[^"]*(NaN|Infinity|undefined)/);
  const ids = tags.map(tag => tag.attributes.id);
  for (const [, id] of svg.matchAll(/url\(([^)]*)\)/g)) expect(ids).toContain(id!.replace('#', ''));
}
