/** The charts in Node: a document to draw in, and a way to keep what was drawn. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { getWindow, registerWindow } from '@svgdotjs/svg.js';
import { DOMParser } from 'linkedom';
import { noMore } from '../util/arguments.ts';
import { fail, reasonOf, show } from '../util/errors.ts';
import { checkDrawn, type Drawn } from './show.ts';

export * from './index.ts';

// A host that has a document of its own, such as Electron or a test environment, keeps it. The document is an SVG one:
// an HTML document of linkedom would put names of elements in capitals.
if (!getWindow()) {
  const document = new DOMParser().parseFromString('<svg xmlns="http://www.w3.org/2000/svg"/>', 'image/svg+xml');
  registerWindow(document.defaultView as unknown as Window, document as unknown as Document);
}

/**
 * Writes a chart, or the text of one such as `animation` makes, to a file; folders on the way are made.
 *
 * @returns the absolute path of the file.
 */
export function writeSVG(path: string, plot: Drawn): string {
  noMore('writeSVG', 2, arguments);
  return write('writeSVG', path, plot);
}

function write(call: string, path: unknown, plot: unknown): string {
  if (typeof path !== 'string' || path === '') fail(call, `path must be the name of a file, got ${show(path)}`);
  const svg = checkDrawn(call, plot);
  const file = resolve(path);
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, svg);
  } catch (error) {
    fail(call, `path must be a file that can be written, got ${reasonOf(error)}`);
  }
  return file;
}

/**
 * Writes a chart to a file, `out/plot.svg` unless another is named, and prints where it is.
 *
 * @returns the absolute path of the file.
 */
export function showPlot(plot: Drawn, path = 'out/plot.svg'): string {
  noMore('showPlot', 2, arguments);
  const file = write('showPlot', path, plot);
  console.log(file);
  return file;
}
