/** The checks of the release workflow, and the order of its commands. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { atHome, objections } from '../../scripts/release.js';

const read = (path: string) => readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8');

const valid = {
  tag: 'v1.2.3',
  changelog: '# Changelog\n\n## 1.2.3, 2026-12-01\n\n- New.\n\n## 1.2.2, 2026-11-01\n',
  manifest: { name: 'lstm-wasm', version: '1.2.3' },
  locked: '1.2.3',
};

describe('a release', () => {
  it('is published only if tag, manifest, lock file and changelog name one version', () => {
    expect(objections(valid)).toEqual([]);
  });

  it.each([
    [{ tag: 'v1.2' }, /the tag must be v and a version/],
    [{ tag: 'v1.2.4' }, /package.json must have the version of the tag v1.2.4, got 1.2.3/],
    [{ locked: '1.2.2' }, /package-lock.json .* got 1.2.2/],
    [{ changelog: '# Changelog\n\n## 1.2.3, not yet released\n' }, /CHANGELOG.md .* got '## 1.2.3, not yet released'/],
    [{ changelog: '# Changelog\n\n## 1.2.2, 2026-11-01\n' }, /CHANGELOG.md must begin with '## 1.2.3, <date>'/],
    [{ changelog: '' }, /CHANGELOG.md/],
  ])('is rejected with %j', (change, reason) => {
    expect(objections({ ...valid, ...change }).join('\n')).toMatch(reason);
  });

  it('adds the URLs of the repository to package.json, as provenance requires', () => {
    const manifest = atHome(valid.manifest, { server: 'https://host.example', repository: 'owner/name' });
    expect(manifest).toEqual({
      ...valid.manifest,
      repository: { type: 'git', url: 'git+https://host.example/owner/name.git' },
      homepage: 'https://host.example/owner/name#readme',
      bugs: { url: 'https://host.example/owner/name/issues' },
    });
  });
});

describe('the release workflow', () => {
  const [build = '', publish = ''] = read('.github/workflows/release.yml').split('\n  publish:\n');
  const commands = (job: string) => [...job.matchAll(/^ {6}- run: (.*)$/gm)].map(([, command]) => command!);

  it('tests and verifies what it packs', () => {
    const order = [
      'npm ci',
      'node scripts/release.js',
      'npm test',
      'npm run verify',
      'npm pack',
      'node scripts/sbom.js',
    ];
    const positions = order.map(word => commands(build).findIndex(command => command.includes(word)));
    expect(positions).toEqual(positions.toSorted((a, b) => a - b));
    expect(positions[0]).toBe(0);
  });

  it('publishes with provenance, and only in the publish job', () => {
    expect(commands(publish).join('\n')).toMatch(/npm publish \S+\.tgz --provenance/);
    expect(publish).toContain('id-token: write');
    expect(build).not.toMatch(/id-token|contents: write|secrets\./);
    expect(publish).not.toMatch(/npm (ci|install|test)|checkout/);
  });
});
