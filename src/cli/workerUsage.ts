/** The command line of `lstm-wasm worker`. */

import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { type Address, checkConnection } from '../scale/bullmq/connectionOptions.ts';
import { reasonOf, show } from '../util/errors.ts';
import { integer, parse, UsageError } from './usage.ts';

export const workerHelp = `Usage: lstm-wasm worker [options]

Runs tasks of lstm-wasm/scale that other programs send. It takes them from a queue in Redis until it is stopped, or runs a
share of the tasks in a folder. All programs and workers must have the same version of lstm-wasm.

  --redis <url>          redis://host:6379, or rediss://user:password@host:6380 for TLS; default: the variable REDIS_URL of
                         the environment, which other users of the machine cannot read, or else redis://127.0.0.1:6379
  --cacert <file>        for TLS: the certificate authority of Redis; default: those that Node knows, and the file named by
                         NODE_EXTRA_CA_CERTS
  --cert <file>, --key <file>
                         for TLS: the certificate and the key of this worker, if Redis requires them (tls-auth-clients)
  --queue <name>         default: lstm
  --concurrency <n>      how many tasks run at once, each in a thread; default: the number of cores
  --folder <folder>      the folder of the task files that tasks may name; default: none, and such tasks are refused
  --store <where>        where data and models are: a folder, or a module (.js, .mjs) whose default export has the functions
                         get and put; default: Redis
  --keep <days>          how long Redis keeps models; default: 7
  --lock <seconds>       how long a worker may be silent before another one takes its tasks over; default: 30
  --grace <seconds>      how long tasks may run on after SIGTERM or SIGINT, before they return to the queue; default: 20
  --wait <seconds>       how long Redis may be away when the worker starts; default: 30
  --verbose              prints a line for each task that is done

  --shard <i>/<n>        uses no queue: runs tasks i, i + n, i + 2 n, ... (i from 0) of the folder --store, which the engine
                         sharded() writes; i may be left out if the variable JOB_COMPLETION_INDEX has it
  --help                 this text

Exit codes: 0 stopped, or the share is done; 1 failed; 2 wrong usage.
`;

interface CommonCommand {
  readonly concurrency: number;
  readonly folder: string | undefined;
  readonly isVerbose: boolean;
}

export interface QueueCommand extends CommonCommand {
  readonly address: Address;
  readonly queue: string;
  readonly store: string | undefined;
  /** In milliseconds, as all times. */
  readonly lock: number;
  readonly grace: number;
  readonly connect: number;
  readonly keepSeconds: number;
}

export interface ShardCommand extends CommonCommand {
  readonly index: number;
  readonly count: number;
  readonly store: string;
}

const text = { type: 'string' } as const;
const options = {
  redis: text,
  cacert: text,
  cert: text,
  key: text,
  queue: text,
  concurrency: text,
  folder: text,
  store: text,
  keep: text,
  lock: text,
  grace: text,
  wait: text,
  shard: text,
  verbose: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

const ofQueue = ['redis', 'cacert', 'cert', 'key', 'queue', 'keep', 'lock', 'grace', 'wait'] as const;

/** Reads the words after 'worker'. @returns null to print the help */
export function readWorkerCommand(words: string[], env: NodeJS.ProcessEnv): QueueCommand | ShardCommand | null {
  const { values, positionals } = parse(words, options);
  if (values.help) return null;
  if (positionals.length > 0) throw new UsageError(`worker takes options only, got ${show(positionals[0])}`);
  const { concurrency, folder, store, verbose = false } = values;
  const common = {
    concurrency: concurrency === undefined ? availableParallelism() : integer('--concurrency', concurrency, 1),
    folder,
    isVerbose: verbose,
  };
  if (values.shard !== undefined) {
    const [other] = ofQueue.filter(name => values[name] !== undefined);
    if (other) throw new UsageError(`--${other} must not be used with --shard, which needs no queue`);
    if (store === undefined)
      throw new UsageError('--store must be given with --shard: the folder that sharded() writes');
    return { ...common, ...readShard(values.shard, env.JOB_COMPLETION_INDEX), store };
  }
  const { redis = env.REDIS_URL || 'redis://127.0.0.1:6379', queue = 'lstm' } = values;
  if (queue === '' || queue.includes(':'))
    throw new UsageError(`--queue must be a name without colons, got ${show(queue)}`);
  return {
    ...common,
    address: addressOf(redis, { cacert: values.cacert, cert: values.cert, key: values.key }),
    queue,
    store,
    lock: seconds('--lock', values.lock ?? '30', 0.1),
    grace: seconds('--grace', values.grace ?? '20', 0),
    connect: seconds('--wait', values.wait ?? '30', 0),
    keepSeconds: 24 * 3600 * integer('--keep', values.keep ?? '7', 1),
  };
}

type TlsFiles = Readonly<Record<'cacert' | 'cert' | 'key', string | undefined>>;

function addressOf(redis: string, files: TlsFiles): Address {
  let address: Address;
  try {
    address = checkConnection('worker', '--redis', redis);
  } catch (error) {
    throw new UsageError(reasonOf(error).replace(/^worker: /, ''));
  }
  const { cacert, cert, key } = files;
  const [given] = Object.entries(files).filter(([, file]) => file !== undefined);
  if (!given) return address;
  if (!redis.startsWith('rediss:')) throw new UsageError(`--${given[0]} must be used with a URL of rediss:, for TLS`);
  if ((cert === undefined) !== (key === undefined)) throw new UsageError('--cert and --key must be given together');
  const tls = { ca: read('--cacert', cacert), cert: read('--cert', cert), key: read('--key', key) };
  return { ...address, options: { ...address.options, tls } };
}

function read(name: string, file: string | undefined): Buffer | undefined {
  try {
    return file === undefined ? undefined : readFileSync(file);
  } catch (error) {
    throw new UsageError(`${name} must be a file that can be read, got ${show(file)} (${reasonOf(error)})`);
  }
}

function seconds(name: string, given: string, least: number): number {
  const value = Number(given);
  if (!/^\d+(?:\.\d+)?$/.test(given) || value < least || value > 1e6) {
    throw new UsageError(`${name} must be a number of seconds of at least ${least}, got ${show(given)}`);
  }
  return 1000 * value;
}

function readShard(given: string, indexGiven: string | undefined): { index: number; count: number } {
  const [, first, last] = /^(?:(\d+)\/)?(\d+)$/.exec(given) ?? [];
  const [index, count] = [Number(first ?? (indexGiven || Number.NaN)), Number(last)];
  if (!Number.isSafeInteger(count) || !Number.isSafeInteger(index) || index >= count || index < 0) {
    const where = first === undefined && last !== undefined ? ` with JOB_COMPLETION_INDEX ${show(indexGiven)}` : '';
    throw new UsageError(`--shard must be i/n with i from 0 to n - 1, such as 0/16, got ${show(given)}${where}`);
  }
  return { index, count };
}
