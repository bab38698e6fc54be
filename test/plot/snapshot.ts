/** Accepted pictures. They are kept as files, so that a reviewer can look at them. */

import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = new URL('../snapshots/', import.meta.url);

const attribute = / (points|values|transform|d|c?[xy]|[xy][12])="[^"]*"/g;

/** Coordinates to a tenth of a pixel, below which no difference is meant, and one tag to a line. */
function normalize(svg: string): string {
  const round = (number: string) => String(Math.round(Number(number) * 10) / 10 + 0);
  return svg.replace(attribute, text => text.replace(/-?\d+\.\d+/g, round)).replaceAll('><', '>\n<');
}

/**
 * Compares a chart with `test/snapshots/<name>.svg`. A difference is written beside it as `<name>-changed.svg`: look at
 * both, then move it over the accepted one, or set UPDATE_SNAPSHOTS=1.
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
