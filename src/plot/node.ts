/** Charts in Node: sets up a document to draw in, and writes charts to files. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { getWindow, registerWindow } from '@svgdotjs/svg.js';
import { DOMParser } from 'linkedom';
import { rejectExtraArguments } from '../util/arguments.ts';
import { fail, reasonOf, show } from '../util/errors.ts';
import { checkDrawn, type Drawn } from './show.ts';

export * from './index.ts';

// Keeps the document of a host that has one, such as Electron or a test environment. The new document is an SVG document,
// because linkedom's HTML documents use upper-case element names.
if (!getWindow()) {
  const document = new DOMParser().parseFromString('<svg xmlns="http://www.w3.org/2000/svg"/>', 'image/svg+xml');
  registerWindow(document.defaultView as unknown as Window, document as unknown as Document);
}

/**
 * Writes a chart, or the SVG text of one, such as the result of `animation`, to a file. Creates missing folders.
 *
 * @returns the absolute path of the file
 * @throws ValueError if the file cannot be written
 */
export function writeSVG(path: string, plot: Drawn): string {
  rejectExtraArguments('writeSVG', 2, arguments);
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
 * Writes a chart to a file, by default `out/plot.svg`, and prints its path.
 *
 * @returns the absolute path of the file
 */
export function showPlot(plot: Drawn, path = 'out/plot.svg'): string {
  rejectExtraArguments('showPlot', 2, arguments);
  const file = write('showPlot', path, plot);
  console.log(file);
  return file;
}
