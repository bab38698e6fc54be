/** The API reference: whether TypeDoc has nothing to complain of. */

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildApi, entryPoints } from '../../scripts/build-api.js';

/** @type {import('../run.js').Step} */
export const api = {
  name: 'api',
  about: 'the API reference of every entry point, by TypeDoc, without a warning',
  async run({ tools }) {
    const folder = mkdtempSync(join(tmpdir(), 'lstm-wasm-api-'));
    try {
      await buildApi(folder, tools);
      return entryPoints().map(({ name }) => {
        const file = join(folder, 'modules', `${name.replaceAll(/[^\w-]/g, '_')}.html`);
        const there = existsSync(file) && readFileSync(file, 'utf8').includes('</html>');
        return { what: name, status: there ? 'passed' : 'failed', note: there ? '' : `no page ${file}` };
      });
    } catch (error) {
      return [
        { what: 'API reference', status: 'failed', note: error instanceof Error ? error.message : String(error) },
      ];
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
