/** Shows charts in a page. In Node, the functions of the same names in node.ts write files. */

import { getWindow } from '@svgdotjs/svg.js';
import { fail, show } from '../util/errors.ts';

/** A chart, or the SVG text of one, such as the result of `animation`. */
export type Drawn = string | { toSVG(): string };

/** The SVG text of a chart. */
export function checkDrawn(call: string, plot: unknown): string {
  const svg = typeof plot === 'string' ? plot : (plot as { toSVG?(): unknown } | null | undefined)?.toSVG?.();
  if (typeof svg !== 'string') fail(call, `plot must be a chart or its SVG text, got ${show(plot)}`);
  return svg;
}

/**
 * Shows a chart. In Node, writes it to a file (default `out/plot.svg`) and prints the path. In a page, appends it to
 * the end of the body and ignores `path`.
 *
 * @returns the absolute path of the file; in a page, an empty string.
 */
export function showPlot(plot: Drawn, path?: string): string {
  const call = 'showPlot';
  const svg = checkDrawn(call, plot);
  if (path !== undefined && typeof path !== 'string') fail(call, `path must be the name of a file, got ${show(path)}`);
  const { body } = globalThis.document ?? {};
  if (!body)
    fail(call, 'needs a page to show a chart in, which this host, such as a worker, does not have; use toSVG()');
  const { node } = plot as { node?: Node };
  body.append(node ?? parse(svg));
  return '';
}

function parse(svg: string): Node {
  const { DOMParser } = getWindow() as unknown as typeof globalThis;
  return document.importNode(new DOMParser().parseFromString(svg, 'image/svg+xml').documentElement, true);
}

/**
 * Writes a chart to a file in Node and creates missing folders. Throws a `ValueError` in a page, which has no files.
 *
 * @returns the absolute path of the file.
 */
export function writeSVG(path: string, plot: Drawn): string {
  const call = 'writeSVG';
  if (typeof path !== 'string' || path === '') fail(call, `path must be the name of a file, got ${show(path)}`);
  checkDrawn(call, plot);
  fail(call, 'needs Node to write a file; in a page, use showPlot(plot), or plot.toSVG() for the text of the file');
}
