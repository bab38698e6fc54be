/** Programs and workers that reach Redis by TLS, with certificates that this file makes. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type BullmqOptions, bullmq } from '../../src/scale/bullmq/index.ts';
import type { Engine } from '../../src/scale/engine.ts';
import { makeTask } from '../../src/scale/task.ts';
import { Authority, type Certificate, hasRedisTls } from './certificates.ts';
import { fileTask } from './engines.ts';
import { freePort, RedisServer } from './redisServer.ts';
import { taskFolder, WorkerProcess } from './workerProcess.ts';

/** A user who may not run dangerous commands, and has no keys but those of queues. */
const USER = 'worker on >secret ~bull:* ~lstm:* +@all -@dangerous +info';
const LIMITED = 'limited on >secret ~bull:* +@all -xrevrange';

describe.skipIf(!hasRedisTls)('TLS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lstm-wasm-tls-'));
  let authority: Authority;
  /** The port for TLS of a server with passwords. */
  let port = 0;
  const servers: RedisServer[] = [];
  const engines: Engine[] = [];
  const workers: WorkerProcess[] = [];

  const startServer = async ({ cert, key }: Certificate, ...words: string[]): Promise<number> => {
    const tlsPort = await freePort();
    const files = ['--tls-cert-file', cert, '--tls-key-file', key, '--tls-ca-cert-file', authority.cert];
    servers.push(await RedisServer.start('--tls-port', `${tlsPort}`, ...files, ...words));
    return tlsPort;
  };
  beforeAll(async () => {
    authority = new Authority(folder, 'authority');
    const certificate = authority.issue('server', 'IP:127.0.0.1');
    const users = ['--requirepass', 'secret', '--user', ...USER.split(' '), '--user', ...LIMITED.split(' ')];
    port = await startServer(certificate, '--tls-auth-clients', 'no', ...users);
  });
  afterEach(async () => {
    await Promise.all(engines.splice(0).map(engine => engine.close()));
    await Promise.all(workers.splice(0).map(worker => worker.end('SIGKILL')));
  });
  afterAll(async () => {
    await Promise.all(servers.map(other => other.remove()));
    rmSync(folder, { recursive: true });
  });

  const connect = (connection: BullmqOptions['connection'], queue = 'lstm'): Engine => {
    engines.push(bullmq({ connection, queue, timeouts: { connect: 1, reconnect: 2, poll: 0.2 } }));
    return engines.at(-1)!;
  };
  const trusted = () => ({ ca: readFileSync(authority.cert) });
  const account = { username: 'worker', password: 'secret' };
  const messageOf = async (connection: BullmqOptions['connection']): Promise<string> =>
    connect(connection)
      .run(await makeTask({ kind: 'fit', input: {}, seed: 1 }))
      .then(
        () => expect.fail('must be rejected'),
        error => error.message,
      );
  const spawnWorker = (words: string[], env: NodeJS.ProcessEnv = {}) => {
    const own = ['--queue', 'tls', '--folder', taskFolder, '--concurrency', '1', '--wait', '5'];
    workers.push(WorkerProcess.spawnWith(env, ...own, ...words));
    return workers.at(-1)!;
  };

  it.each([
    ['NODE_EXTRA_CA_CERTS', () => spawnWorker([], environment())],
    ['--cacert', () => spawnWorker(['--redis', urlOf(port), '--cacert', authority.cert])],
  ])('a worker with the authority in %s runs a task of a program with tls: { ca }', async (_, start) => {
    await start().prints(/ready: queue 'tls' of Redis at 127\.0\.0\.1:\d+, 1 tasks? at a time/);
    const engine = connect({ host: '127.0.0.1', port, ...account, tls: trusted() }, 'tls');
    const { value } = await engine.run(await fileTask('slow', { params: { milliseconds: 1, n: 3 } }));
    expect(value).toMatchObject({ value: 9 });
  });
  const urlOf = (other: number) => `rediss://worker:secret@127.0.0.1:${other}`;
  const environment = () => ({ REDIS_URL: urlOf(port), NODE_EXTRA_CA_CERTS: authority.cert });

  it('a worker does not use a certificate of an unknown authority', async () => {
    const worker = spawnWorker(['--redis', urlOf(port)]);
    expect(await worker.ended()).toBe(1);
    expect(worker.output).toBe(
      `lstm-wasm: worker: Redis at 127.0.0.1:${port} has a certificate of an unknown authority ` +
        '(self-signed certificate in certificate chain); name the file of the authority in NODE_EXTRA_CA_CERTS\n',
    );
  });

  it('a program rejects certificates of unknown authorities, other hosts and past times at once', async () => {
    const start = performance.now();
    expect(await messageOf(urlOf(port))).toBe(
      `bullmq: Redis at 127.0.0.1:${port} has a certificate of an unknown authority ` +
        '(self-signed certificate in certificate chain); name the file of the authority in NODE_EXTRA_CA_CERTS',
    );
    const other = await startServer(authority.issue('other', 'DNS:redis.example'), '--tls-auth-clients', 'no');
    expect(await messageOf({ port: other, tls: trusted() })).toMatch(
      /^bullmq: Redis at 127\.0\.0\.1:\d+ has a certificate that is not valid \(Hostname\/IP does not match .*\)$/,
    );
    const old = await startServer(authority.issue('old', 'IP:127.0.0.1', -1), '--tls-auth-clients', 'no');
    expect(await messageOf({ port: old, tls: trusted() })).toBe(
      `bullmq: Redis at 127.0.0.1:${old} has a certificate that is not valid (certificate has expired)`,
    );
    expect(performance.now() - start).toBeLessThan(3000);
  });

  it('a server that requires certificates of clients accepts those of its authority only', async () => {
    const strict = await startServer(authority.issue('strict', 'IP:127.0.0.1'));
    const connection = { port: strict, tls: trusted() };
    // The system may discard the reason that the server gives, because the server closes the connection after it
    const reset = String.raw`cannot be reached; gave up after 1 s \((?:ECONNRESET|EPIPE)\); it may require a certificate of this .*`;
    const refusal = (code: string) =>
      new RegExp(
        String.raw`^bullmq: Redis at 127\.0\.0\.1:${strict} (?:${reset}|requires a certificate of this client, ` +
          String.raw`or does not trust it \(${code}\); pass cert and key in the option tls, or --cert and --key to a worker)$`,
      );
    expect(await messageOf(connection)).toMatch(refusal('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'));
    const pathsOf = ({ cert, key }: Certificate) => ({ cert: readFileSync(cert), key: readFileSync(key) });
    const stranger = pathsOf(new Authority(folder, 'other authority').issue('stranger', 'IP:127.0.0.1'));
    expect(await messageOf({ port: strict, tls: { ...trusted(), ...stranger } })).toMatch(
      refusal('ERR_SSL_.*UNKNOWN_CA'),
    );
    const client = authority.issue('client', 'IP:127.0.0.1');
    const files = ['--cacert', authority.cert, '--cert', client.cert, '--key', client.key];
    await spawnWorker(['--redis', `rediss://127.0.0.1:${strict}`, ...files]).prints(/ready/);
    const engine = connect({ port: strict, tls: { ...trusted(), ...pathsOf(client) } }, 'tls');
    const { value } = await engine.run(await fileTask('slow', { params: { milliseconds: 1, n: 4 } }));
    expect(value).toMatchObject({ value: 16 });
  });

  it('a wrong password or a command that the user may not run ends a connection by TLS', async () => {
    const connection = { port, ...account, tls: trusted() };
    expect(await messageOf({ ...connection, password: 'wrong' })).toMatch(/ refuses the password \(WRONGPASS .*\)$/);
    expect(await messageOf({ ...connection, username: 'limited' })).toMatch(
      / does not allow this user to run its commands \(NOPERM .*xrevrange.*\)$/,
    );
  });

  it('the wrong protocol for a port is rejected with the right one', async () => {
    expect(await messageOf(`redis://127.0.0.1:${port}`)).toMatch(
      / gave up after 1 s \((?:ECONNRESET|EPIPE|no answer)\); a port with TLS needs rediss: or the option tls$/,
    );
    const plain = servers.at(-1)!.port;
    expect(await messageOf({ port: plain, tls: trusted() })).toMatch(
      /cannot be reached; gave up after 1 s \(no answer\); a port without TLS needs redis:$|has no TLS that this client/,
    );
  });

  it.each([
    ['--cacert must be used with a URL of rediss:, for TLS', ['--redis', 'redis://x', '--cacert', 'a']],
    ['--cert and --key must be given together', ['--redis', 'rediss://x', '--cert', 'a']],
    ["--cacert must be a file that can be read, got 'absent'", ['--redis', 'rediss://x', '--cacert', 'absent']],
    ['--key must not be used with --shard', ['--shard', '0/2', '--key', 'a', '--store', '.']],
  ])('a worker rejects options: %s', async (message, words) => {
    const worker = WorkerProcess.spawn(...words);
    expect(await worker.ended()).toBe(2);
    expect(worker.output).toContain(message);
  });
});
