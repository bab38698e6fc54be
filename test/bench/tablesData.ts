/** Made-up data sets in the forms that the programs of bench/tables read. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomNumbers } from '../../bench/tables/data.js';

const MONTH = 30 * 24;

/** Pieces that go up and down a scale in thirds: the next chord follows from the last two. */
function pieces(count: number): number[][][] {
  const scale = [60, 62, 64, 65, 67, 69, 71, 72];
  return Array.from({ length: count }, (_, n) =>
    Array.from({ length: 10 + (n % 5) }, (_, t) => {
      const at = (t + n) % 14;
      const note = scale[at < 8 ? at : 14 - at]!;
      return [note, note + 4];
    }),
  );
}

/** Twenty months of two daily waves with noise, in the form of ETTh1.csv. */
function measurements(): string {
  const random = randomNumbers(5);
  const rows = Array.from({ length: 20 * MONTH }, (_, hour) => {
    const wave = Math.sin((2 * Math.PI * hour) / 24);
    return `hour ${hour},${10 + 3 * wave + 0.2 * random()},${5 - 2 * wave + 0.2 * random()}`;
  });
  return ['date,A,B', ...rows].join('\n');
}

/** Waves with noise and a trend, in the form of M4: quoted cells, and empty ones after the end of shorter series. */
function waves(letter: string, count: number, length: number, horizon: number, season: number) {
  const random = randomNumbers(length);
  const series = Array.from({ length: count }, (_, n) =>
    Array.from({ length: length + horizon - (n % 3) * 10 }, (_, t) => {
      const wave = Math.sin((2 * Math.PI * (t + n)) / season);
      return (100 * (n + 1) * (1 + 0.3 * wave + 0.1 * random() + t / 3000)).toFixed(1);
    }),
  );
  const table = (rows: string[][]) => {
    const columns = Math.max(...rows.map(row => row.length));
    const header = Array.from({ length: columns + 1 }, (_, n) => `"V${n + 1}"`);
    const lines = rows.map((row, n) => {
      const cells = [...row.map(cell => `"${cell}"`), ...new Array<string>(columns - row.length).fill('')];
      return [`"${letter}${n + 1}"`, ...cells].join(',');
    });
    return `${[header.join(','), ...lines].join('\n')}\n`;
  };
  return {
    train: table(series.map(values => values.slice(0, -horizon))),
    test: table(series.map(values => values.slice(-horizon))),
  };
}

/** Writes all data sets into a folder. */
export function writeTablesData(folder: string): void {
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
  write('jsb.json', JSON.stringify({ train: pieces(40), valid: pieces(5), test: [...pieces(1)] }));
  write('ETTh1.csv', measurements());
  const [hours, weeks] = [waves('H', 6, 500, 48, 24), waves('W', 6, 210, 13, 52)];
  write('h_train.csv', hours.train);
  write('h_test.csv', hours.test);
  write('w_train.csv', weeks.train);
  write('w_test.csv', weeks.test);
}
