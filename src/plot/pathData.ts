/** Converts numbers to the `d` attribute of a path. */

/** Converts a value to pixels along an axis. */
type Projection = (value: number) => number;

export type Point = readonly [x: number, y: number];

/** Rounds to two decimals: precise enough for screens, and short in the file. */
export const round = (value: number) => Math.round(value * 100) / 100 + 0;

/** A coordinate that is always clipped, but within the limits of renderers. */
const mostPixels = 1e5;

/**
 * Converts values to pixels, with y pointing down. NaN splits the line and leaves a gap; infinite values are placed
 * beyond the top or bottom.
 */
export function project(xs: ArrayLike<number>, ys: ArrayLike<number>, x: Projection, y: Projection): Point[][] {
  const pieces: Point[][] = [];
  let piece: Point[] = [];
  for (let i = 0; i < ys.length; i++) {
    const px = x(xs[i]!);
    const py = Math.abs(ys[i]!) === Infinity ? -ys[i]! : y(ys[i]!);
    if (Number.isNaN(px + py)) {
      if (piece.length > 0) pieces.push(piece);
      piece = [];
    } else {
      piece.push([px, Math.max(-mostPixels, Math.min(mostPixels, py))]);
    }
  }
  if (piece.length > 0) pieces.push(piece);
  return pieces;
}

/**
 * Reduces a long line to the highest and the lowest point in every column of pixels and the two ends. The picture stays
 * the same, including spikes, and the file stays small.
 */
export function decimate(points: readonly Point[]): Point[] {
  const kept: Point[] = [];
  for (let start = 0; start < points.length; ) {
    const column = Math.floor(points[start]![0]);
    let low = start;
    let high = start;
    let end = start;
    for (; end < points.length && Math.floor(points[end]![0]) === column; end++) {
      if (points[end]![1] < points[low]![1]) low = end;
      if (points[end]![1] > points[high]![1]) high = end;
    }
    const indices = new Set([low, high]);
    if (start === 0) indices.add(0);
    if (end === points.length) indices.add(end - 1);
    for (const index of [...indices].sort((a, b) => a - b)) kept.push(points[index]!);
    start = end;
  }
  return kept;
}

/** The text of the attribute. A single point is written twice, because a path without a segment draws nothing. */
export function pathText(pieces: readonly (readonly Point[])[]): string {
  return pieces.map(points => `M${pointsText(points.length === 1 ? [points[0]!, points[0]!] : points)}`).join('');
}

const pointsText = (points: readonly Point[]) => points.map(([x, y]) => `${round(x)},${round(y)}`).join(' ');
