/** The options of `bullmq`. */

import { fail, show } from '../../util/errors.ts';
import { checkCount, checkNumber, checkOptions, checkText } from '../../util/options.ts';
import type { Store } from '../engine.ts';
import { checkStore } from '../stores.ts';
import { type Address, checkConnection, type Patience, type RedisOptions } from './connectionOptions.ts';

export interface BullmqOptions {
  /** A URL such as 'redis://localhost:6379' (`rediss:` for TLS), or options of ioredis. */
  connection: string | RedisOptions;
  /** The name of the queue, which workers get as `--queue`; default 'lstm'. */
  queue?: string;
  /** Keeps data and models, as a store or the path of a folder: what workers get as `--store`. Default: Redis. */
  store?: Store | string | URL;
  /** How many tasks are in the queue at once: at least twice the number of threads of all workers; default 16. */
  slots?: number;
  /** How long results are kept in Redis, and how many of them; default: 7 days. */
  keep?: { days?: number; count?: number };
  /** In seconds. */
  timeouts?: {
    /** How long the first connection may take; default 10. */
    connect?: number;
    /** How long Redis may be away or full while tasks wait; default 60. */
    reconnect?: number;
    /** The time between two looks at a task; default 5. Events of Redis end the wait earlier. */
    poll?: number;
  };
}

export interface EngineSettings {
  readonly address: Address;
  readonly queue: string;
  readonly store: Store | undefined;
  readonly slots: number;
  readonly keep: { readonly seconds: number; readonly count: number | undefined };
  readonly timeouts: Patience & { readonly poll: number };
}

const DAY = 24 * 3600;

export function checkEngineOptions(call: string, given: unknown): EngineSettings {
  const known = ['connection', 'queue', 'store', 'slots', 'keep', 'timeouts'];
  const {
    connection,
    queue = 'lstm',
    store,
    slots = 16,
    keep,
    timeouts,
  } = checkOptions<BullmqOptions>(call, given, known);
  const { days = 7, count } = checkOptions<NonNullable<BullmqOptions['keep']>>(call, keep, ['days', 'count']);
  const times = checkOptions<NonNullable<BullmqOptions['timeouts']>>(call, timeouts, ['connect', 'reconnect', 'poll']);
  const { connect = 10, reconnect = 60, poll = 5 } = times;
  const milliseconds = (name: string, value: unknown) =>
    1000 * checkNumber(call, `timeouts.${name}`, value, { above: 0, most: 1e6 });
  return {
    address: checkConnection(call, 'connection', connection),
    queue: checkQueue(call, 'queue', queue),
    store: store === undefined ? undefined : checkStore(call, 'store', store),
    slots: checkCount(call, 'slots', slots),
    keep: {
      seconds: Math.ceil(DAY * checkNumber(call, 'keep.days', days, { above: 0, most: 36_500 })),
      count: count === undefined ? undefined : checkCount(call, 'keep.count', count),
    },
    timeouts: {
      connect: milliseconds('connect', connect),
      reconnect: milliseconds('reconnect', reconnect),
      poll: milliseconds('poll', poll),
    },
  };
}

export function checkQueue(call: string, name: string, value: unknown): string {
  const queue = checkText(call, name, value);
  if (queue.includes(':')) fail(call, `${name} must have no colon, got ${show(queue)}`);
  return queue;
}
