/** Snapshots of pictures, kept as files so that a reviewer can look at them. */

import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = new URL('../snapshots/', import.meta.url);

const attribute = / (points|values|transform|d|c?[xy]|[xy][12])="[^"]*"/g;

/** Rounds coordinates to a tenth of a pixel, to ignore smaller differences, and puts each tag on a line. */
function normalize(svg: string): string {
  const round = (number: string) => String(Math.round(Number(number) * 10) / 10 + 0);
  return svg.replace(attribute, text => text.replace(/-?\d+\.\d+/g, round)).replaceAll('><', '>\n<');
}

/**
 * Compares a chart with `test/snapshots/<name>.svg`. If they differ, the chart is written to `<name>-changed.svg`:
 * compare both, then replace the snapshot, or set UPDATE_SNAPSHOTS=1.
 */
export function matchSnapshot(name: string, svg: string): void {
  const accepted = fileURLToPath(new URL(`${name}.svg`, folder));
  const changed = fileURLToPath(new URL(`${name}-changed.svg`, folder));
  const actual = normalize(svg);
  if (process.env.UPDATE_SNAPSHOTS) writeFileSync(accepted, actual);
  if (!existsSync(accepted) || readFileSync(accepted, 'utf8') !== actual) {
    writeFileSync(changed, actual);
    throw new Error(`the picture differs from ${accepted}: see ${changed}`);
  }
  rmSync(changed, { force: true });
}
