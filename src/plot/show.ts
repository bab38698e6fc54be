/** Keeping and showing charts in a page. In Node, node.ts has the same calls, which write files. */

import { getWindow } from '@svgdotjs/svg.js';
import { fail, show } from '../errors.ts';

/** A chart, or the text of one, such as `animation` makes. */
export type Drawn = string | { toSVG(): string };

/** The text of a chart as an SVG file. */
export function checkDrawn(call: string, plot: unknown): string {
  const svg = typeof plot === 'string' ? plot : (plot as { toSVG?(): unknown } | null | undefined)?.toSVG?.();
  if (typeof svg !== 'string') fail(call, `plot must be a chart or the text of one, got ${show(plot)}`);
  return svg;
}

/**
 * Shows a chart. In Node it is written to a file, `out/plot.svg` unless another is named, whose path is printed. In a page it
 * is appended to the end of the body; `path` has no meaning there.
 *
 * @returns the absolute path of the file; in a page, an empty text.
 */
export function showPlot(plot: Drawn, path?: string): string {
  const call = 'showPlot';
  const svg = checkDrawn(call, plot);
  if (path !== undefined && typeof path !== 'string') fail(call, `path must be the name of a file, got ${show(path)}`);
  const { body } = globalThis.document ?? {};
  if (!body) fail(call, 'needs a page to show a chart in, and this host, such as a worker, has none; use toSVG()');
  const { node } = plot as { node?: Node };
  body.append(node ?? parse(svg));
  return '';
}

function parse(svg: string): Node {
  const { DOMParser } = getWindow() as unknown as typeof globalThis;
  return document.importNode(new DOMParser().parseFromString(svg, 'image/svg+xml').documentElement, true);
}

/**
 * Writes a chart to a file, in Node; folders on the way are made. A page has no files: there it is a `ValueError`.
 *
 * @returns the absolute path of the file.
 */
export function writeSVG(path: string, plot: Drawn): string {
  const call = 'writeSVG';
  if (typeof path !== 'string' || path === '') fail(call, `path must be the name of a file, got ${show(path)}`);
  checkDrawn(call, plot);
  fail(call, 'needs Node to write a file; in a page, use showPlot(plot), or plot.toSVG() for the text of the file');
}
