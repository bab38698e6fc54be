/** Reads what a line chart currently shows; spare elements are hidden. */

import type { Plot } from '../../src/plot/index.ts';

type Chart = Pick<Plot<never>, 'node'>;

const shown = (elements: NodeListOf<Element>) =>
  [...elements].filter(element => element.getAttribute('display') !== 'none');

/** The lines in drawing order. */
export const shownLines = ({ node }: Chart) => shown(node.querySelectorAll('.lw-data path'));

export const legendOf = ({ node }: Chart) =>
  shown(node.querySelectorAll('.lw-legend > g')).map(entry => entry.textContent);

/** The labels of an axis. */
export const labelsOf = ({ node }: Chart, side: 'x' | 'y') =>
  shown(node.querySelectorAll(`.lw-axis-${side} > g`))
    .map(tick => tick.textContent ?? '')
    .filter(Boolean);

/** The points of a path. */
export const pointsOf = (line: Element) =>
  [...line.getAttribute('d')!.matchAll(/(-?[\d.]+),(-?[\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)] as const);
