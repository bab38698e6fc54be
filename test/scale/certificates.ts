/** Certificates for tests of TLS, made by openssl. */

import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Whether there is openssl, and a Redis that was built with TLS: another one does not know the option. */
export const hasRedisTls =
  spawnSync('openssl', ['version']).status === 0 &&
  /Failed to configure TLS/.test(String(spawnSync('redis-server', ['--port', '0', '--tls-port', '1']).stdout));
if (!hasRedisTls) console.warn('openssl, or a redis-server with TLS, is not installed: tests of TLS are skipped');

export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** A certificate authority, with its files in a folder. */
export class Authority implements Certificate {
  readonly cert: string;
  readonly key: string;

  constructor(
    readonly folder: string,
    readonly name: string,
  ) {
    this.cert = join(folder, `${name}.crt`);
    this.key = join(folder, `${name}.key`);
    openssl('req', '-x509', ...newKey(this.key), '-out', this.cert, '-days', '2', '-subj', `/CN=${name}`);
  }

  /** @param host such as 'IP:127.0.0.1' @param days negative for one that has expired */
  issue(name: string, host: string, days = 2): Certificate {
    const path = (ending: string) => join(this.folder, `${name}.${ending}`);
    writeFileSync(path('ext'), `subjectAltName=${host}`);
    openssl('req', ...newKey(path('key')), '-out', path('csr'), '-subj', `/CN=${name}`);
    const by = ['-CA', this.cert, '-CAkey', this.key, '-CAcreateserial', '-extfile', path('ext')];
    openssl('x509', '-req', '-in', path('csr'), ...by, '-out', path('crt'), '-days', `${days}`);
    return { cert: path('crt'), key: path('key') };
  }
}

const newKey = (file: string) => ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', file];

function openssl(...words: string[]): void {
  execFileSync('openssl', words, { stdio: ['ignore', 'ignore', 'pipe'] });
}
