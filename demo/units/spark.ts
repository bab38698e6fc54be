/** A small line without axes. */

import { svgElement } from '../svg.ts';

/** Points of a line; longer data is thinned. */
const most = 120;
const [width, height] = [100, 30];

export class Spark {
  readonly node: SVGSVGElement;
  readonly #line = svgElement('polyline');
  constructor(name: string) {
    this.node = svgElement('svg', { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: 'none', class: name });
    const zero = svgElement('line', { x1: 0, x2: width, y1: height / 2, y2: height / 2 });
    this.node.append(zero, this.#line);
  }

  /** Draws values around a middle line of zero, scaled by the largest magnitude; below `least`, they look small. */
  show(count: number, value: (n: number) => number, least: number): void {
    const stride = Math.max(1, Math.ceil(count / most));
    const values: number[] = [];
    let reach = least;
    for (let n = 0; n < count; n += stride) {
      const each = value(n);
      values.push(each);
      if (Math.abs(each) > reach) reach = Math.abs(each);
    }
    const scale = (height / 2 - 1) / reach;
    const x = width / Math.max(1, values.length - 1);
    const points = values.map((each, n) => {
      const y = height / 2 - each * scale;
      return Number.isNaN(y) ? '' : `${(n * x).toFixed(1)},${y.toFixed(1)}`;
    });
    this.#line.setAttribute('points', points.join(' '));
  }
}
