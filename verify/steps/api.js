/** The API reference: whether TypeDoc has nothing to complain of. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildApi, entryPoints } from '../../scripts/build-api.js';
import { passedIf } from '../outcome.js';

/** @type {import('../run.js').Step} */
export const api = {
  name: 'api',
  about: 'the API reference of every entry point, by TypeDoc, without a warning',
  async run({ home, tools }) {
    const folder = join(home, 'api');
    await buildApi(folder, tools);
    return entryPoints().map(({ name }) => {
      const file = join(folder, 'modules', `${name.replaceAll(/[^\w-]/g, '_')}.html`);
      const there = existsSync(file) && readFileSync(file, 'utf8').includes('</html>');
      return { what: name, status: passedIf(there), note: there ? '' : `no page ${file}` };
    });
  },
};
