/** Where Redis is. */

import { fail, reasonOf, show } from '../../util/errors.ts';
import { isPlain } from '../../util/options.ts';

/** Options of ioredis, of which these are the most common. */
export interface RedisOptions {
  readonly host?: string;
  readonly port?: number;
  readonly username?: string;
  readonly password?: string;
  readonly db?: number;
  /** Options of `tls.connect`; `{}` for the certificates that Node knows. */
  readonly tls?: object;
  readonly [option: string]: unknown;
}

/** A checked connection. */
export interface Address {
  readonly url: string | undefined;
  readonly options: RedisOptions;
  /** Host and port without user and password, for messages. */
  readonly name: string;
}

/** How long Redis may be away, in milliseconds. */
export interface Patience {
  /** Before the first connection. */
  readonly connect: number;
  /** Once it was connected; also how long a server that is full or starting is asked again. */
  readonly reconnect: number;
}

const DEFAULT_PORT = 6379;

/** @param value a URL such as 'redis://localhost:6379', or options of ioredis */
export function checkConnection(call: string, name: string, value: unknown): Address {
  if (typeof value === 'string') return { url: value, options: {}, name: nameOf(call, name, value) };
  if (!isPlain(value)) fail(call, `${name} must be a URL or an object with options of ioredis, got ${show(value)}`);
  const options: RedisOptions = { ...value };
  const { host = '127.0.0.1', port = DEFAULT_PORT, path } = options;
  if (typeof host !== 'string' || host === '') fail(call, `${name}.host must be a non-empty string, got ${show(host)}`);
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    fail(call, `${name}.port must be an integer from 1 to 65535, got ${show(port)}`);
  }
  if (options.keyPrefix) fail(call, `${name} must have no keyPrefix, which BullMQ does not support`);
  if (typeof path === 'string') return { url: undefined, options, name: path };
  // Without a host, TLS would expect a certificate of 'localhost'
  return { url: undefined, options: { ...options, host }, name: `${host}:${port}` };
}

function nameOf(call: string, name: string, text: string): string {
  // Messages show no URL, because it may have a password.
  const rule = `${name} must be a URL such as redis://localhost:6379 or rediss://user:password@host:6380`;
  let url: URL;
  try {
    url = new URL(text);
  } catch (error) {
    return fail(call, `${rule}, got one that is not valid (${reasonOf(error)})`);
  }
  if (url.protocol !== 'redis:' && url.protocol !== 'rediss:') fail(call, `${rule}, got one of ${url.protocol}`);
  return `${url.hostname || '127.0.0.1'}:${url.port || DEFAULT_PORT}`;
}
