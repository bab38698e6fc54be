/** Task file: ends its thread until a file has as many lines as `params.deaths`. */

import { appendFileSync, existsSync, readFileSync } from 'node:fs';

/** @param {import('../../../src/scale/runTask.ts').TaskArguments<{ log: string, deaths: number }>} given */
export default ({ params: { log, deaths } }) => {
  const before = existsSync(log) ? readFileSync(log, 'utf8').length : 0;
  if (before >= deaths) return { value: before };
  appendFileSync(log, '.');
  return process.exit(9);
};
